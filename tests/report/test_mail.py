"""Sending through a real mail server: what arrives, what is tried again, and what the report of it says."""

from __future__ import annotations

import base64
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from lib.report.deliveries import Delivery
from lib.report.mail import send_report
from lib.report.message import Mail
from lib.report.smtp import MailProblem, Security, Server, is_transient
from tests.report.post_office import (
    CUT_OFF,
    HANG_UP,
    PASSWORD,
    USER,
    Certificate,
    PostOffice,
    make_certificate,
    opened,
)
from tests.report.test_message import MAIL

ANN, BOB, CARA = "ann@example.org", "bob@example.org", "cara@example.org"
LATER, UNKNOWN = "450 4.2.0 Greylisted", "550 5.1.1 No such user"
SOON = (0.01, 0.02, 0.03)

# The test server cannot see that a connection which was encrypted from the start is so, and warns.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH")


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> Certificate:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.certificate))
    return certificate


@contextmanager
def server(office: PostOffice, security: Security = "none", *, password: str = "", **more: Any) -> Iterator[Server]:
    """The office open, and how to reach it; with a ``password`` it wants a login."""
    with opened(office, security, login=bool(password), **more) as port:
        user = USER if password else ""
        yield Server("localhost", security, port, user, SecretStr(password), timeout=20)


def send(office: PostOffice, folder: Path, *recipients: str, mail: Mail = MAIL, **more: Any) -> list[Delivery]:
    with server(office, **more) as reached:
        return send_report(mail, recipients, reached, folder, pauses=SOON)


def states(outcome: list[Delivery]) -> dict[str, str]:
    return {delivery.recipient: delivery.state for delivery in outcome}


def one(outcome: list[Delivery]) -> Delivery:
    (delivery,) = outcome
    return delivery


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_with_the_right_password_the_whole_mail_arrives_encrypted(
    tmp_path: Path, trusted: Certificate, security: Security
):
    office = PostOffice()
    told = send(office, tmp_path, ANN, security=security, certificate=trusted, password=PASSWORD)
    assert states(told) == {ANN: "accepted"}
    assert (office.logins, office.secure) == ([True], [True])
    (letter,) = office.letters(ANN)
    assert letter["Subject"] == MAIL.subject
    assert {part.get_filename() for part in letter.iter_attachments()} == set(MAIL.files)


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_a_wrong_password_is_told_without_it_and_not_tried_for_each_recipient(
    tmp_path: Path, trusted: Certificate, security: Security, capfd: pytest.CaptureFixture[str]
):
    def attempts(*recipients: str) -> int:
        office = PostOffice()
        told = send(office, tmp_path, *recipients, security=security, certificate=trusted, password="s3cret-guess")
        assert set(states(told).values()) == {"failed"}
        assert {"does not accept the user and the password (535)" in delivery.reason for delivery in told} == {True}
        assert "s3cret" not in repr(told)
        assert office.taken == []
        return len(office.logins)

    assert attempts(ANN, BOB, CARA) == attempts(ANN) > 0
    assert "s3cret" not in "".join(capfd.readouterr()) + "".join(path.read_text() for path in tmp_path.glob("*.jsonl"))


def test_the_password_is_not_in_the_debug_output_of_smtplib(
    tmp_path: Path, trusted: Certificate, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(smtplib.SMTP, "debuglevel", 1)
    office = PostOffice()
    told = send(office, tmp_path, ANN, security="ssl", certificate=trusted, password=PASSWORD)
    assert states(told) == {ANN: "accepted"}
    shown = "".join(capfd.readouterr())
    assert "rcpt TO" in shown
    for secret in (PASSWORD, f"\0{USER}\0{PASSWORD}"):
        assert secret not in shown
        assert base64.b64encode(secret.encode()).decode() not in shown


@pytest.mark.parametrize("security", ["ssl", "starttls"])
def test_a_certificate_that_nobody_vouches_for_ends_it_before_login_and_mail(
    tmp_path: Path, certificate: Certificate, security: Security
):
    office = PostOffice()
    told = send(office, tmp_path, ANN, BOB, security=security, certificate=certificate, password=PASSWORD)
    assert states(told) == {ANN: "failed", BOB: "failed"}
    assert "certificate that is not to be trusted" in told[0].reason
    assert (office.logins, office.taken) == ([], [])


def test_a_trusted_certificate_for_another_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    other = make_certificate(tmp_path, "mail.example.net")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.certificate))
    office = PostOffice()
    told = one(send(office, tmp_path, ANN, security="ssl", certificate=other))
    assert told.state == "failed"
    assert "localhost" in told.reason
    assert office.taken == []


def test_a_server_without_starttls_gets_neither_the_password_nor_the_mail(tmp_path: Path):
    office = PostOffice()
    with opened(office, login=True) as port:
        reached = Server("localhost", "starttls", port, USER, SecretStr(PASSWORD))
        told = one(send_report(MAIL, [ANN], reached, tmp_path, pauses=SOON))
    assert told.state == "failed"
    assert "does not offer" in told.reason
    assert (office.logins, office.taken) == ([], [])


def test_each_recipient_gets_a_message_of_their_own_that_names_nobody_else(tmp_path: Path):
    office = PostOffice()
    assert set(states(send(office, tmp_path, ANN, BOB)).values()) == {"accepted"}
    for own, other in ((ANN, BOB), (BOB, ANN)):
        (letter,) = office.letters(own)
        assert letter["To"] == own
        assert other not in letter.as_string()


def test_a_refused_recipient_is_told_and_the_others_are_served(tmp_path: Path):
    office = PostOffice(rcpt={BOB: [UNKNOWN] * 9})
    told = send(office, tmp_path, ANN, BOB, CARA, "not an address")
    assert states(told) == {ANN: "accepted", BOB: "refused", CARA: "accepted", "not an address": "failed"}
    assert told[1].reason == "The mail server localhost does not take it: 550 5.1.1 No such user."
    assert [delivery.is_good for delivery in told] == [True, False, True, False]
    assert office.asked == {ANN: 1, BOB: 1, CARA: 1}


@pytest.mark.parametrize("trouble", [LATER, "451 4.3.0 Local problem", "421 4.3.2 Closing", HANG_UP])
def test_what_the_server_puts_off_is_tried_again(tmp_path: Path, trouble: str):
    office = PostOffice(rcpt={ANN: [trouble, trouble]})
    assert states(send(office, tmp_path, ANN, BOB)) == {ANN: "accepted", BOB: "accepted"}
    assert office.asked == {ANN: 3, BOB: 1}
    assert [who for who, _ in office.taken] == [BOB, ANN]  # Bob does not wait for Ann


def test_after_three_more_attempts_it_is_given_up_and_a_repeated_run_tries_anew(tmp_path: Path):
    office = PostOffice(rcpt={ANN: [LATER] * 4})
    told = one(send(office, tmp_path, ANN))
    assert told == Delivery(
        ANN, "failed", "The mail server localhost asks to come back later: 450 4.2.0 Greylisted. Tried 4 times."
    )
    assert office.asked == {ANN: 4}
    assert states(send(office, tmp_path, ANN)) == {ANN: "accepted"}


@pytest.mark.parametrize("where", ["rcpt", "data"])
def test_a_no_for_good_is_not_tried_again(tmp_path: Path, where: str):
    office = PostOffice(**{where: {ANN: ["554 5.7.1 Looks like spam"] * 9}})
    told = one(send(office, tmp_path, ANN))
    assert (told.state, office.asked) == ("refused", {ANN: 1})
    assert told.reason.endswith("554 5.7.1 Looks like spam.")


def test_a_connection_cut_off_in_the_middle_of_the_message_is_tried_again(tmp_path: Path):
    office = PostOffice(data={ANN: [CUT_OFF, CUT_OFF]})
    big = replace(MAIL, files={"report.xlsx": bytes(12_000_000)}, size_limit=30_000_000)
    assert states(send(office, tmp_path, ANN, mail=big, data_size_limit=None)) == {ANN: "accepted"}
    assert (office.asked, len(office.taken)) == ({ANN: 3}, 1)


def test_lost_between_the_end_of_the_message_and_the_answer_it_is_uncertain_and_not_sent_again(tmp_path: Path):
    office = PostOffice(data={ANN: [HANG_UP]})
    told = send(office, tmp_path, ANN, BOB)
    assert states(told) == {ANN: "uncertain", BOB: "accepted"}
    assert told[0].reason.endswith("the mail may have arrived.")
    assert office.asked == {ANN: 1, BOB: 1}
    assert states(send(office, tmp_path, ANN, BOB)) == {ANN: "uncertain", BOB: "already sent"}
    assert office.asked == {ANN: 1, BOB: 1}


def test_a_server_that_says_what_size_it_takes_gets_a_mail_without_what_is_too_large(tmp_path: Path):
    office = PostOffice()
    mail = replace(MAIL, files={"report.xlsx": bytes(500_000), "engagement.csv": b"user\r\n"})
    assert states(send(office, tmp_path, ANN, mail=mail, data_size_limit=100_000)) == {ANN: "accepted"}
    (letter,) = office.letters(ANN)
    assert [part.get_filename() for part in letter.iter_attachments()] == ["engagement.csv"]
    assert "report.xlsx (0.5 MB)" in letter.get_body(("plain",)).get_content()


@pytest.mark.parametrize("size", [{"data_size_limit": 1000}, {"data": {ANN: ["552 5.3.4 Too big"]}}])
def test_a_mail_that_is_too_large_even_so_is_refused_with_the_setting_to_change(tmp_path: Path, size: dict[str, Any]):
    office = PostOffice(data=size.pop("data", None))
    told = one(send(office, tmp_path, ANN, **size))
    assert (told.state, office.taken) == ("refused", [])
    assert "FLUENCY_MAIL_SIZE_LIMIT_MB" in told.reason


def test_lines_that_begin_with_a_full_stop_arrive_as_they_are(tmp_path: Path):
    office = PostOffice()
    mail = replace(MAIL, text=".\n..\n.a\nend\n", html="<p>\n.\n</p>")
    send(office, tmp_path, ANN, mail=mail)
    (letter,) = office.letters(ANN)
    assert letter.get_body(("plain",)).get_content().splitlines() == [".", "..", ".a", "end"]
    assert letter.get_body(("html",)).get_content().splitlines() == ["<p>", ".", "</p>"]


def test_a_server_that_is_not_there_is_a_sentence_for_every_recipient(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    told = send_report(MAIL, [ANN, BOB], Server("127.0.0.1", "none", port), tmp_path, pauses=SOON)
    assert states(told) == {ANN: "failed", BOB: "failed"}
    expected = "The mail server 127.0.0.1 cannot be reached: Connection refused. Tried 4 times."
    assert {delivery.reason for delivery in told} == {expected}


@pytest.mark.parametrize("security", ["ssl", "none"])
def test_a_server_that_never_answers_is_not_waited_for_for_ever(tmp_path: Path, security: Security):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reached = Server("127.0.0.1", security, silent.getsockname()[1], timeout=0.1)
        told = one(send_report(MAIL, [ANN], reached, tmp_path, pauses=(0.01,)))
    assert told.state == "failed"
    assert told.reason.endswith("Tried 2 times.")


def test_ssl_on_a_port_without_it_is_told_as_such(tmp_path: Path):
    with opened(PostOffice()) as port:
        told = one(send_report(MAIL, [ANN], Server("localhost", "ssl", port), tmp_path, pauses=()))
    assert told.state == "failed"
    assert "does not speak TLS on this port" in told.reason


def test_a_dry_run_says_what_would_go_to_whom_and_touches_nothing(tmp_path: Path):
    folder = tmp_path / "reports"
    nobody = Server("mail.invalid")
    mail = replace(MAIL, files=MAIL.files | {"big.xlsx": bytes(20_000_000)})
    told = send_report(mail, [ANN, "nonsense"], nobody, folder, dry_run=True)
    assert states(told) == {ANN: "would send", "nonsense": "failed"}
    assert told[0].reason.startswith("A mail of 4 kB, files attached: 2. Not attached, because")
    assert "big.xlsx (20.0 MB)" in told[0].reason
    assert list(tmp_path.iterdir()) == []


def test_without_recipients_it_is_a_sentence(tmp_path: Path):
    with pytest.raises(MailProblem, match="FLUENCY_MAIL_TO"):
        send_report(MAIL, [], Server("mail.invalid"), tmp_path)


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (smtplib.SMTPServerDisconnected("gone"), True),
        (smtplib.SMTPConnectError(421, b"busy"), True),
        (smtplib.SMTPResponseException(450, b"later"), True),
        (smtplib.SMTPAuthenticationError(454, b"later"), True),
        (TimeoutError(), True),
        (ConnectionRefusedError(), True),
        (socket.gaierror(socket.EAI_AGAIN, "later"), True),
        (OSError(101, "Network is unreachable"), True),
        (smtplib.SMTPResponseException(550, b"no"), False),
        (smtplib.SMTPAuthenticationError(535, b"no"), False),
        (smtplib.SMTPNotSupportedError("no"), False),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), False),
        (ssl.SSLCertVerificationError("no"), False),
        (OSError(22, "Invalid argument"), False),
    ],
)
def test_only_what_may_pass_is_tried_again(error: Any, transient: bool):
    assert is_transient(error) == transient
