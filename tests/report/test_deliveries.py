"""No report goes to the same recipient twice: repeated runs, runs at the same time, runs that are killed."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from sqlalchemy import Connection

from lib.report import deliveries
from lib.report.contents import ReportOptions, fetch_report
from lib.report.deliveries import LEDGER, DeliveriesBusy, Delivery, claim, known, locked, report_key, settle
from lib.report.mail import send_report
from lib.report.message import Mail
from lib.report.smtp import Server
from tests.report.post_office import PostOffice, opened
from tests.report.processes import start
from tests.report.test_message import MAIL

ANN, BOB, CARA = "ann@example.org", "bob@example.org", "cara@example.org"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def send(port: int, folder: Path, recipients: Sequence[str], mail: Mail = MAIL, resend: bool = False) -> dict[str, str]:
    server = Server("127.0.0.1", "none", port, timeout=60)
    told = send_report(mail, recipients, server, folder, resend_uncertain=resend, pauses=())
    return {delivery.recipient: delivery.state for delivery in told}


def in_another_process(port: int, folder: Path, *recipients: str) -> BaseProcess:
    return start(send, port, folder, recipients)


def lines(folder: Path) -> list[tuple[str, str]]:
    told = map(json.loads, (folder / LEDGER).read_text(encoding="utf-8").splitlines())
    return [(line["recipient"], line["state"]) for line in told]


def test_a_repeated_run_sends_only_to_whom_the_first_did_not(tmp_path: Path):
    office = PostOffice(rcpt={BOB: ["550 5.1.1 No such user"]})
    with opened(office) as port:
        assert send(port, tmp_path, [ANN, BOB]) == {ANN: "accepted", BOB: "refused"}
        assert send(port, tmp_path, [ANN, BOB, CARA]) == {ANN: "already sent", BOB: "accepted", CARA: "accepted"}
    assert Counter(who for who, _ in office.taken) == {ANN: 1, BOB: 1, CARA: 1}


def test_another_report_goes_to_everybody_again(tmp_path: Path):
    office = PostOffice()
    with opened(office) as port:
        send(port, tmp_path, [ANN])
        assert send(port, tmp_path, [ANN], replace(MAIL, key="2026-11-23-another")) == {ANN: "accepted"}


def test_who_is_named_twice_or_in_capitals_gets_one_mail(tmp_path: Path):
    office = PostOffice()
    with opened(office) as port:
        assert len(send(port, tmp_path, [ANN, "Ann@Example.org", f" {ANN} "])) == 1
        assert send(port, tmp_path, ["ANN@example.org"]) == {"ANN@example.org": "already sent"}
    assert len(office.taken) == 1


def test_addresses_that_unicode_takes_for_the_same_are_two_recipients(tmp_path: Path):
    settle(tmp_path, "report", Delivery("groß@example.org", "accepted", ""))
    assert set(known(tmp_path, "report")) == {"groß@example.org"}


def test_the_ledger_says_what_was_claimed_and_what_came_of_it(tmp_path: Path):
    office = PostOffice(rcpt={ANN: ["550 5.1.1 No such user"]}, data={BOB: ["451 4.3.0 Later"]})
    with opened(office) as port:
        send(port, tmp_path, [ANN, BOB, CARA])
    expected = [(ANN, "claimed"), (ANN, "refused"), (BOB, "claimed"), (BOB, "later")]
    assert lines(tmp_path) == [*expected, (CARA, "claimed"), (CARA, "accepted")]


def test_a_connection_that_cannot_be_made_claims_nothing(tmp_path: Path):
    send(1, tmp_path, [ANN])
    assert not (tmp_path / LEDGER).exists()


def test_runs_at_the_same_time_send_each_recipient_one_mail(tmp_path: Path):
    office = PostOffice()
    everybody = [f"reader{number}@example.org" for number in range(8)]
    with opened(office) as port:
        processes = [in_another_process(port, tmp_path, *everybody[shift:], *everybody[:shift]) for shift in (0, 3, 5)]
        for process in processes:
            process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert Counter(who for who, _ in office.taken) == dict.fromkeys(everybody, 1)


@pytest.mark.parametrize("taken", [True, False])
def test_a_run_killed_before_the_answer_leaves_an_uncertain_mail_that_only_force_sends_again(
    tmp_path: Path, taken: bool
):
    office = PostOffice(data={} if taken else {ANN: ["451 4.3.0 Later"]})
    with opened(office) as port:
        killed: list[BaseProcess] = []

        def kill() -> None:
            office.before_answer = None
            killed[0].kill()
            killed[0].join()

        office.before_answer = kill
        killed.append(in_another_process(port, tmp_path, ANN, BOB))
        killed[0].join()
        assert lines(tmp_path) == [(ANN, "claimed")]
        assert send(port, tmp_path, [ANN, BOB]) == {ANN: "uncertain", BOB: "accepted"}
        assert send(port, tmp_path, [ANN, BOB]) == {ANN: "uncertain", BOB: "already sent"}
        assert send(port, tmp_path, [ANN, BOB], resend=True) == {ANN: "accepted", BOB: "already sent"}
        assert send(port, tmp_path, [ANN, BOB], resend=True) == {ANN: "already sent", BOB: "already sent"}
    letters = office.letters(ANN)
    assert len(letters) == 1 + taken
    assert len({letter["Message-ID"] for letter in letters}) == 1


def test_what_is_uncertain_is_said_with_its_time_and_is_no_success(tmp_path: Path):
    claim(tmp_path, "key", ANN)
    told = known(tmp_path, "key")[ANN]
    assert told.state == "uncertain"
    assert not told.is_good
    assert f"{datetime.now(UTC):%Y-%m-%d}" in told.reason
    assert known(tmp_path, "another") == {}


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_a_line_torn_by_a_crash_hides_neither_the_claim_before_nor_the_lines_after(tmp_path: Path, length: int):
    claim(tmp_path, "key", ANN)
    ledger = tmp_path / LEDGER
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + whole[:length])
    assert known(tmp_path, "key")[ANN].state == "uncertain"
    settle(tmp_path, "key", Delivery(ANN, "accepted", ""))
    assert known(tmp_path, "key")[ANN].state == "already sent"


def test_a_ledger_that_cannot_be_written_stops_the_sending_before_the_first_mail(tmp_path: Path):
    (tmp_path / LEDGER).mkdir()
    office = PostOffice()
    with opened(office) as port, pytest.raises(OSError, match=LEDGER):
        send(port, tmp_path, [ANN])
    assert office.taken == []


def test_who_waits_too_long_for_another_run_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deliveries, "LOCK_SECONDS", 0.05)
    with locked(tmp_path), pytest.raises(DeliveriesBusy, match="locked"), locked(tmp_path):
        raise AssertionError
    with locked(tmp_path):
        assert (tmp_path / deliveries.LOCK).stat().st_size == 0


def test_a_lock_is_given_back_when_sending_fails(tmp_path: Path):
    with pytest.raises(sqlite3.Error), locked(tmp_path):
        raise sqlite3.Error
    with locked(tmp_path):
        pass


def test_the_same_days_database_and_options_are_the_same_report_and_any_other_is_not(worked: Connection):
    def key(options: ReportOptions, *, source: str = "worked.db", now: datetime = NOW, variant: str = "") -> str:
        return report_key(fetch_report(worked, options, source=source, now=now), variant=variant)

    plain = ReportOptions("UTC", as_of=date(2026, 3, 1))
    assert key(plain) == key(plain, now=NOW.replace(hour=20))
    assert key(plain).startswith("2026-03-01-")
    implied = fetch_report(worked, ReportOptions("UTC"), source="worked.db", now=NOW)
    assert report_key(implied) == key(ReportOptions("UTC", as_of=implied.as_of))
    others = [replace(plain, top=5), replace(plain, as_of=date(2026, 3, 2)), replace(plain, zone="Europe/Berlin")]
    different = [*map(key, others), key(plain, source="other.db"), key(plain, variant="anonymised")]
    different.append(key(plain, now=NOW.replace(day=24)))
    assert len({key(plain), *different}) == 7


def test_the_day_on_which_a_report_is_made_is_that_of_the_reporting_zone(worked: Connection):
    def key(zone: str, hour: int) -> str:
        options = ReportOptions(zone, as_of=date(2026, 3, 1))
        return report_key(fetch_report(worked, options, source="worked.db", now=NOW.replace(hour=hour)))

    assert key("UTC", 22) == key("UTC", 23)
    assert key("Europe/Berlin", 22) != key("Europe/Berlin", 23), "midnight in Berlin"
