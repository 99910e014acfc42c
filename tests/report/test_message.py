"""What a mail consists of, and which settings it takes; how it is sent is in test_mail.py."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Connection

from lib.report.changes import Changes
from lib.report.html import HEATMAP_CID, html
from lib.report.message import Mail, is_address, message, message_id, one_line
from lib.report.picture import heatmap_png
from lib.report.smtp import MailProblem, Server
from lib.settings import SettingsError, load_settings
from tests.report.made import report_of
from tests.report.post_office import read

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MAIL = Mail(
    key="2026-11-22-0123456789abcdef",
    date=datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
    sender="Fluency Lab <reports@example.org>",
    subject="Two new candidates",
    html='<html><body><p>Größe</p><img src="cid:heatmap"></body></html>',
    text="Two new candidates.\n",
    pictures={"heatmap": PNG},
    files={"engagement.csv": "user;größe\r\n".encode(), "report.xlsx": bytes(1000)},
)


def arrived(mail: Mail, recipient: str = "ann@example.org", size_limit: int | None = None) -> EmailMessage:
    return read(message(mail, recipient, size_limit=size_limit).as_bytes())


def attached(letter: EmailMessage) -> dict[str, bytes]:
    return {str(part.get_filename()): part.get_payload(decode=True) for part in letter.iter_attachments()}


def bodies(letter: EmailMessage) -> tuple[str, str]:
    text, html = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")


def test_a_mail_is_text_and_html_with_its_picture_and_then_the_files():
    letter = arrived(MAIL)
    assert [part.get_content_type() for part in letter.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "text/csv",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ]
    assert bodies(letter) == ("Two new candidates.\n", MAIL.html + "\n")
    assert attached(letter) == MAIL.files


def test_the_picture_is_found_by_the_name_that_the_html_calls_it():
    (picture,) = [part for part in arrived(MAIL).walk() if part.get_content_type() == "image/png"]
    assert picture["Content-ID"] == "<heatmap>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_payload(decode=True) == PNG


def test_the_headers_say_who_to_whom_when_and_that_no_person_wrote_it():
    letter = arrived(MAIL)
    assert letter["From"] == "Fluency Lab <reports@example.org>"
    assert letter["To"] == "ann@example.org"
    assert letter["Date"].datetime == MAIL.date
    assert letter["Auto-Submitted"] == "auto-generated"
    assert not {"Cc", "Bcc"} & set(letter.keys())


def test_the_same_report_to_the_same_reader_has_the_same_message_id_and_any_other_another():
    def of(key: str, recipient: str) -> str:
        return message_id(key, recipient, MAIL.sender)

    assert of("k", "ann@example.org") == of("k", "Ann@Example.org")
    assert len({of("k", "ann@example.org"), of("k", "bob@example.org"), of("l", "ann@example.org")}) == 3
    assert re.fullmatch(r"<[0-9a-f]{32}@example\.org>", of("k", "ann@example.org"))
    assert arrived(MAIL)["Message-ID"] == of(MAIL.key, "ann@example.org")


@given(st.text(max_size=300) | st.text("aü =?", max_size=300))
def test_a_subject_arrives_as_it_is_and_never_becomes_another_header(subject: str):
    letter = arrived(replace(MAIL, subject=subject))
    assert letter["Subject"] == one_line(subject)
    assert sorted(letter.keys()) == sorted(arrived(MAIL).keys())


def test_a_line_break_in_a_subject_is_a_space():
    letter = arrived(replace(MAIL, subject="News\r\nBcc: eve@example.net\r\n\r\nBody"))
    assert letter["Subject"] == "News Bcc: eve@example.net Body"
    assert letter["Bcc"] is None


def test_an_encoded_word_in_a_subject_is_not_decoded_into_a_line_break():
    letter = arrived(replace(MAIL, subject="=?utf-8?q?News=0D=0ABcc:_eve=40example.net?= für"))
    assert letter["Subject"] == "= ?utf-8?q?News=0D=0ABcc:_eve=40example.net?= für"
    assert letter["Bcc"] is None


def test_umlauts_and_dashes_arrive_in_subject_sender_and_text():
    subject = "3 neue Kandidaten für Jörg – „größer“, 40 % Rabatt, und noch einige Wörter mehr, bis die Zeile umbricht"
    letter = arrived(replace(MAIL, subject=subject, sender="Büro Köln <reports@example.org>", text="Größe\n"))
    assert letter["Subject"] == subject
    assert letter["From"].addresses[0].display_name == "Büro Köln"
    assert bodies(letter)[0] == "Größe\n"
    assert message(MAIL, "ann@example.org").as_bytes().isascii()


LINES = st.text(st.sampled_from(".aü= \n\r\t–😀"), max_size=200)


@given(text=LINES, html=LINES)
def test_on_the_wire_every_line_ends_alike_and_none_is_too_long(text: str, html: str):
    wire = message(replace(MAIL, text=text * 30, html=html * 30), "ann@example.org").as_bytes()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", wire)
    assert max(map(len, wire.split(b"\r\n"))) <= 998


def test_a_file_that_does_not_fit_is_named_in_text_and_html_and_later_ones_that_fit_are_attached():
    files = {"report.html": bytes(50_000), "<big>.xlsx": bytes(2_340_000), "small.csv": b"a\r\n"}
    letter = arrived(replace(MAIL, files=files, size_limit=1_000_000))
    assert set(attached(letter)) == {"report.html", "small.csv"}
    text, html = bodies(letter)
    note = "Not attached, because the mail would be larger than 1.0 MB: <big>.xlsx (2.3 MB). See the reports folder."
    assert text.rstrip().endswith(note)
    assert note.replace("<big>", "&lt;big&gt;") in html
    assert html.rstrip().endswith("</p></body></html>")


def test_a_picture_that_does_not_fit_is_left_out_and_that_is_said_in_its_place(worked: Connection):
    report = report_of(worked)
    png = heatmap_png(report)
    page = html(report, Changes(), heatmap_png=png, embed="cid")
    mail = replace(MAIL, html=page, pictures={HEATMAP_CID: png}, files={"heatmap.png": png, "small.csv": b"a\r\n"})
    for limit, is_shown in ((400_000, True), (len(png), False)):
        ready = message(replace(mail, size_limit=limit), "ann@example.org").as_bytes()
        assert len(ready) <= limit
        text, shown = bodies(read(ready))
        for said in (text, shown):
            assert ("is not shown, because the mail would be too large with it." not in said) == is_shown
        assert ("<img" in shown) == (b"Content-ID: <heatmap>" in ready) == is_shown
        assert "120 in" in shown
    assert set(attached(read(ready))) == {"small.csv"}


def test_the_lower_of_the_two_size_limits_holds():
    mail = replace(MAIL, files={"report.xlsx": bytes(200_000)}, size_limit=1_000_000)
    assert set(attached(arrived(mail))) == {"report.xlsx"}
    assert set(attached(arrived(mail, size_limit=2_000_000))) == {"report.xlsx"}
    assert attached(arrived(mail, size_limit=100_000)) == {}


@given(st.lists(st.integers(0, 30_000), max_size=8), st.integers(9, 200))
def test_no_mail_is_larger_than_its_limit_and_no_file_is_left_out_unnamed(sizes: list[int], limit: int):
    files = {f"{number}-größe.csv": bytes(size) for number, size in enumerate(sizes)}
    ready = message(replace(MAIL, files=files, size_limit=limit * 1000), "ann@example.org")
    assert len(ready.as_bytes()) <= limit * 1000
    letter = read(ready.as_bytes())
    there = attached(letter)
    text, html = bodies(letter)
    for name in files:
        assert (name in there) != (f"{name} (" in text)
        assert (name in there) != (f"{name} (" in html)


@pytest.mark.parametrize("good", ["ann@example.org", "ann.lee+x@a-b.example.org", "o'neil@localhost"])
def test_a_plain_address_is_one(good: str):
    assert is_address(good)


@pytest.mark.parametrize(
    "bad",
    [
        *("", "ann", "ann@", "@example.org", "a@b@c", "a..b@example.org", ".a@example.org", "ann@-x.org", "a b@x.org"),
        *("ann@example.org\nBcc: eve@example.net", "ann@example.org, bob@example.org", "ann@example.org\n"),
        *("Ann <ann@example.org>", "jörg@example.org", "ann@größe.example"),
    ],
)
def test_anything_else_is_none(bad: str):
    assert not is_address(bad)


@given(st.emails() | st.from_regex(r"[!-~]{1,8}@[a-z.-]{1,8}", fullmatch=True))
def test_every_address_that_is_let_through_can_be_a_header(text: str):
    if is_address(text):
        assert Address(addr_spec=text).addr_spec == text


@pytest.mark.parametrize("sender", ["", "reports", "Fluency Lab", "a@example.org\r\nBcc: eve@example.net"])
def test_a_sender_that_is_no_address_is_told_before_anything_is_sent(sender: str):
    with pytest.raises(MailProblem, match="FLUENCY_MAIL_SENDER"):
        replace(MAIL, sender=sender)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"host": ""}, "FLUENCY_MAIL_HOST"),
        ({"user": "reports"}, "needs a password"),
        ({"password": SecretStr("s3cret")}, "needs a password"),
        ({"user": "reports", "password": SecretStr("s3cret"), "security": "none"}, "only sent over ssl or starttls"),
        ({"user": "reports", "password": SecretStr("s3crét")}, "outside ASCII"),
    ],
)
def test_settings_that_cannot_work_are_a_sentence_without_the_password(values: dict[str, object], told: str):
    with pytest.raises(MailProblem, match=told) as caught:
        Server(**({"host": "mail.example.org"} | values))
    assert "s3cr" not in str(caught.value)


def test_a_server_does_not_show_its_password():
    server = Server("mail.example.org", user="reports", password=SecretStr("s3cret"))
    assert "s3cret" not in f"{server} {server!r}"


def test_mail_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_MAIL_TO", "ann@example.org, bob@example.org,")
    monkeypatch.setenv("FLUENCY_MAIL_PASSWORD", "s3cret")
    settings = load_settings()
    assert settings.mail_to == ("ann@example.org", "bob@example.org")
    assert settings.mail_password.get_secret_value() == "s3cret"
    assert "s3cret" not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_a_mail_setting_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_MAIL_SECURITY", "tls")
    monkeypatch.setenv("FLUENCY_MAIL_PORT", "70000")
    with pytest.raises(SettingsError, match=r"FLUENCY_MAIL_PORT.*FLUENCY_MAIL_SECURITY"):
        load_settings()
