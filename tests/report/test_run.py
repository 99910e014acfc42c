from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lib.database import DatabaseProblem
from lib.report import files as report_files
from lib.report.checks import BrokenFile
from lib.report.contents import ReportOptions
from lib.report.deliveries import Delivery
from lib.report.ledger import read_runs
from lib.report.marks import CUT_OFF
from lib.report.names import SUMMARY, stamp_of, stem
from lib.report.run import NotDelivered, Order, Post, run
from lib.report.smtp import Server
from lib.report.together import remove_leftovers
from tests.factory import make_database, without_table, worked_case
from tests.odd_database import odd_database
from tests.report.hammer import pairs, writer
from tests.report.killed import run_again_and_again
from tests.report.post_office import PostOffice, opened
from tests.report.processes import FORKSERVER
from tests.worked_case import WORKED_CASE

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
FILES = {
    "daily_report_STAMP.html",
    "engagement_7d_STAMP.csv",
    "top_mistakes_STAMP.csv",
    "mistakes_heatmap_STAMP.png",
    "conversion_candidates_STAMP.csv",
    "daily_summary_STAMP.json",
    "daily_report_STAMP.xlsx",
}
FEED = {"engagement.parquet", "mistakes.parquet", "heatmap.parquet", "candidates.parquet"}
# More with: FLUENCY_KILLS=200 python -m pytest tests/report/test_run.py -k kill
KILLS = int(os.environ.get("FLUENCY_KILLS", "10"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return worked_case(tmp_path / "worked.db")


@pytest.fixture
def order(source: Path, tmp_path: Path) -> Order:
    return Order(str(source), ReportOptions("UTC"), tmp_path / "reports")


def summaries(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{SUMMARY}_*.json"))]


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def page(folder: Path, stamp: str) -> str:
    return (folder / f"daily_report_{stamp}.html").read_text(encoding="utf-8")


def test_a_run_writes_the_seven_files_and_a_line_in_the_ledger(order: Order) -> None:
    outcome = run(order, now=NOW)
    stamp = "2026-11-23_08-00-00"
    assert {path.name for path in outcome.files} == {name.replace("STAMP", stamp) for name in FILES}
    assert visible(order.folder) == {"runs.jsonl", *(path.name for path in outcome.files)}
    (line,) = read_runs(order.folder)
    assert (line.started, line.as_of, line.failure) == (NOW, date(2026, 11, 22), None)
    assert line.data_as_of == datetime(2026, 11, 22, 23, 59, 59, 999000, tzinfo=UTC)
    assert set(line.files) == {path.name for path in outcome.files}


def test_the_worked_cases_come_out_exactly(order: Order) -> None:
    run(order, now=NOW)
    (found,) = summaries(order.folder)
    roles = {row.pop("role"): list(row.values()) for row in found["engagement"]["by_role"]}
    assert roles["free"] == [4, 9, 7.67, 2.67, 2.25]
    assert roles["student"] == [4, 7, 8.14, 2.14, 1.75]
    assert found["mistakes"]["total_errors"] == 120
    assert [(row["frequency"], row["percent"]) for row in found["mistakes"]["top"][:5]] == [
        (15, 12.5),
        (12, 10.0),
        (10, 8.33),
        (8, 6.67),
        (7, 5.83),
    ]
    candidates = [(row["user_id"], row["sessions"], row["avg_score"]) for row in found["conversion"]["candidates"]]
    assert candidates == [("user002", 3, 9.0), ("user003", 4, 8.5)]
    assert found["conversion"]["revenue_potential"] == 358


@pytest.mark.parametrize("value", ["'NaN'", "''", "9e999"])
def test_a_score_that_is_no_number_is_no_score_and_keeps_no_report_from_being_made(
    order: Order, source: Path, value: str
) -> None:
    for written in ("NULL", value):
        with closing(sqlite3.connect(source)) as connection, connection:
            connection.execute(f"UPDATE coaching_sessions SET confidence_score = {written} WHERE user_id = 'user002'")
        run(order, now=NOW)
    without, odd = summaries(order.folder)
    assert [row["user_id"] for row in odd["conversion"]["candidates"]] == ["user003"]
    assert (odd["engagement"], odd["conversion"]) == (without["engagement"], without["conversion"])


def test_a_session_of_the_future_neither_makes_old_data_new_nor_moves_the_day(order: Order, source: Path) -> None:
    later = datetime(2027, 1, 1, 8, tzinfo=UTC)
    run(order, now=later)
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute(
            "INSERT INTO coaching_sessions (session_id, user_id, started_at, ended_at) VALUES "
            "('x', 'user001', '2031-01-01 09:00:00', '2031-01-01 10:00:00')"
        )
    outcome = run(replace(order, folder=order.folder / "odd"), now=later)
    assert (outcome.report.as_of, outcome.report.days_old) == (date(2026, 11, 22), 40)
    (without,), (odd,) = summaries(order.folder), summaries(order.folder / "odd")
    assert odd == without
    assert "The data is old" in page(order.folder / "odd", "2027-01-01_08-00-00")


@pytest.mark.parametrize("key", [None, b"key of these tests"])
def test_whatever_is_odd_about_the_data_the_report_is_made(order: Order, tmp_path: Path, key: bytes | None) -> None:
    odd = odd_database(tmp_path / "odd.db")
    run(replace(order, database_url=str(odd), pseudonym_key=key), now=NOW)
    (found,) = summaries(order.folder)
    assert (found["as_of"], found["data_as_of"][:19]) == ("2026-11-22", "2026-11-22T23:59:59")
    assert len(found["conversion"]["candidates"]) == 2 + 5
    assert key or "caf\ufffd" in {row["user_id"] for row in found["conversion"]["candidates"]}


def test_the_stamp_is_the_time_in_the_reporting_zone(order: Order) -> None:
    outcome = run(replace(order, report=ReportOptions("Europe/Berlin")), now=NOW)
    assert {stamp_of(path.name) for path in outcome.files} == {"2026-11-23_09-00-00"}


def test_two_runs_of_the_same_second_leave_two_whole_sets(order: Order) -> None:
    run(order, now=NOW)
    run(order, now=NOW)
    assert [len(line.files) for line in read_runs(order.folder)] == [7, 7]
    assert all((order.folder / name).exists() for line in read_runs(order.folder) for name in line.files)


def test_who_is_new_is_told_against_the_last_good_run(order: Order, source: Path) -> None:
    run(order, now=NOW)
    rows = {**WORKED_CASE, "users": [row for row in WORKED_CASE["users"] if row["user_id"] != "user002"]}
    make_database(source, **rows)
    with pytest.raises(DatabaseProblem):
        run(replace(order, database_url=str(source) + ".gone"), now=NOW + timedelta(days=1))
    make_database(source, **WORKED_CASE)
    bad = {**WORKED_CASE, "users": [row | {"role": "student"} for row in WORKED_CASE["users"]]}
    make_database(source, **bad)
    run(order, now=NOW + timedelta(days=2))
    assert "two@example.com" in page(order.folder, "2026-11-25_08-00-00"), "who is gone is named"
    make_database(source, **WORKED_CASE)
    run(order, now=NOW + timedelta(days=3))
    assert "2 new candidates" in page(order.folder, "2026-11-26_08-00-00")


def test_the_feed_is_written_beside_the_files(order: Order, tmp_path: Path) -> None:
    run(replace(order, feed=tmp_path / "feed"), now=NOW)
    assert visible(tmp_path / "feed") == FEED


def test_progress_goes_from_nothing_to_all(order: Order) -> None:
    told: list[tuple[float, str]] = []
    run(order, now=NOW, progress=lambda done, what: told.append((done, what)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert (told[0], told[-1]) == ((0.0, "Asking the database"), (1.0, "Done"))


KEY = b"a key that is long enough"


def test_an_anonymised_run_names_nobody_in_any_file(order: Order) -> None:
    run(replace(order, pseudonym_key=KEY), now=NOW)
    for path in order.folder.iterdir():
        content = path.read_bytes()
        assert b"example.com" not in content
        assert b"user002" not in content


def test_an_anonymised_run_is_not_compared_with_one_that_names_people(order: Order, source: Path) -> None:
    run(order, now=NOW)
    make_database(source, **{**WORKED_CASE, "users": [row | {"role": "student"} for row in WORKED_CASE["users"]]})
    run(replace(order, pseudonym_key=KEY), now=NOW + timedelta(days=1))
    told = page(order.folder, "2026-11-24_08-00-00")
    assert "example.com" not in told
    assert "user002" not in told


def test_an_anonymised_run_is_compared_with_the_one_before(order: Order) -> None:
    for day in range(2):
        run(replace(order, pseudonym_key=KEY), now=NOW + timedelta(days=day))
    assert "no new candidates" in page(order.folder, "2026-11-24_08-00-00").lower()


# ---- what goes wrong


def failures(order: Order) -> list[str | None]:
    return [line.failure for line in read_runs(order.folder)]


def test_a_database_that_is_away_leaves_only_its_line(order: Order) -> None:
    with pytest.raises(DatabaseProblem):
        run(replace(order, database_url=order.database_url + ".gone"), now=NOW)
    assert visible(order.folder) == {"runs.jsonl"}
    assert [line and line.startswith("There is no file worked.db.gone") for line in failures(order)] == [True]


def test_a_table_that_goes_away_leaves_only_its_line(order: Order, source: Path) -> None:
    without_table(source, "detected_errors")
    with pytest.raises(DatabaseProblem):
        run(order, now=NOW)
    assert visible(order.folder) == {"runs.jsonl"}


def test_a_broken_file_stops_the_run_before_anything_is_written(
    order: Order, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(report_files, "heatmap_png", lambda report: b"")
    with pytest.raises(BrokenFile):
        run(replace(order, feed=tmp_path / "feed"), now=NOW)
    assert visible(order.folder) == {"runs.jsonl"}
    assert not (tmp_path / "feed").exists()


def test_a_folder_that_cannot_be_made_is_the_failure_that_is_told(order: Order, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match=r"Not a directory|File exists"):
        run(replace(order, folder=tmp_path / "file" / "reports"), now=NOW)


@contextmanager
def full_disk(free: int) -> Iterator[None]:
    """No file can become larger than ``free`` bytes: what a full disk does, without one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (free, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_files_of_yesterday_and_nothing_else(order: Order) -> None:
    run(order, now=NOW)
    before = visible(order.folder)
    with full_disk(20_000), pytest.raises(OSError, match="File too large"):
        run(order, now=NOW + timedelta(days=1))
    assert visible(order.folder) == before
    assert len(read_runs(order.folder)) == 2


def test_a_dry_run_leaves_nothing_and_says_what_it_would_write(order: Order, tmp_path: Path) -> None:
    outcome = run(replace(order, dry_run=True, feed=tmp_path / "feed", post=post("ann@example.org")), now=NOW)
    assert len(outcome.files) == 7
    assert [(one.recipient, one.state) for one in outcome.deliveries] == [("ann@example.org", "would send")]
    assert not order.folder.exists()
    assert not (tmp_path / "feed").exists()


# ---- mail


def post(*recipients: str, port: int = 9) -> Post:
    return Post(Server("127.0.0.1", "none", port), "Fluency Lab <reports@example.org>", recipients, 10_000_000)


def test_a_run_that_is_repeated_sends_nobody_the_same_report_twice(order: Order) -> None:
    office = PostOffice()
    with opened(office) as port:
        mailed = replace(order, post=post("ann@example.org", "ben@example.org", port=port))
        states = [[one.state for one in run(mailed, now=NOW + timedelta(hours=hour)).deliveries] for hour in range(2)]
    assert states == [["accepted", "accepted"], ["already sent", "already sent"]]
    (letter,) = office.letters("ann@example.org")
    assert {part.get_filename() for part in letter.iter_attachments()} == set(read_runs(order.folder)[0].files)
    assert [line.recipients for line in read_runs(order.folder)] == [("ann@example.org", "ben@example.org"), ()]
    assert [(line.mailed, line.source) for line in read_runs(order.folder)] == [(True, "worked.db")] * 2


def test_two_databases_with_one_name_in_one_folder_are_told_apart(order: Order, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = replace(order, database_url=str(worked_case(tmp_path / "other" / "worked.db")))
    office = PostOffice()
    with opened(office) as port:
        for one in (order, other, order):
            run(replace(one, post=post("ann@example.org", port=port)), now=NOW)
    assert len(office.letters("ann@example.org")) == 2
    keys = [line.database_key for line in read_runs(order.folder)]
    assert keys[0] == keys[2] != keys[1]
    tomorrow = run(other, now=NOW + timedelta(days=1))
    page_of_it = next(path for path in tomorrow.files if path.suffix == ".html").read_text(encoding="utf-8")
    assert "This is the first report" not in page_of_it


def test_a_mail_tried_with_somebody_else_is_no_news_to_its_reader(order: Order, source: Path) -> None:
    nobody = {**WORKED_CASE, "users": [row | {"role": "student"} for row in WORKED_CASE["users"]]}
    office = PostOffice()
    with opened(office) as port:
        to_ann, to_ben = (replace(order, post=post(f"{who}@example.org", port=port)) for who in ("ann", "ben"))
        make_database(source, **nobody)
        run(to_ann, now=NOW)
        make_database(source, **WORKED_CASE)
        run(to_ben, now=NOW + timedelta(days=1, hours=-1))
        old = replace(to_ann.report, as_of=date(2020, 1, 1))
        run(replace(to_ann, report=old), now=NOW + timedelta(days=1, hours=-1))
        run(to_ann, now=NOW + timedelta(days=1))
    assert "2 new candidates" in str(office.letters("ann@example.org")[-1]["Subject"])


def test_who_was_refused_at_first_gets_the_news_of_the_day_and_not_none(order: Order, source: Path) -> None:
    office = PostOffice(rcpt={"ben@example.org": ["250 OK", "550 5.1.1 No such user"]})
    with opened(office) as port:
        both = replace(order, post=post("ann@example.org", "ben@example.org", port=port))
        make_database(source, **{**WORKED_CASE, "users": [row | {"role": "student"} for row in WORKED_CASE["users"]]})
        run(both, now=NOW)
        make_database(source, **WORKED_CASE)
        with pytest.raises(NotDelivered):
            run(both, now=NOW + timedelta(days=1))
        run(both, now=NOW + timedelta(days=1, hours=1))
    subjects = [str(office.letters(f"{who}@example.org")[-1]["Subject"]) for who in ("ann", "ben")]
    assert subjects[0] == subjects[1]
    assert "2 new candidates" in subjects[0]


def test_every_day_has_its_mail_also_while_no_new_data_comes(order: Order) -> None:
    office = PostOffice()
    with opened(office) as port:
        mailed = replace(order, post=post("ann@example.org", port=port))
        outcomes = [run(mailed, now=NOW + timedelta(days=day)) for day in range(3)]
    assert {outcome.report.as_of for outcome in outcomes} == {date(2026, 11, 22)}
    assert [one.state for outcome in outcomes for one in outcome.deliveries] == ["accepted"] * 3
    subjects = [str(letter["Subject"]) for letter in office.letters("ann@example.org")]
    assert [subject.startswith("Data is 3 days old") for subject in subjects] == [False, False, True]


def test_a_mail_tells_its_news_against_the_last_one_mailed(order: Order, source: Path) -> None:
    office = PostOffice()
    with opened(office) as port:
        mailed = replace(order, post=post("ann@example.org", port=port))
        make_database(source, **{**WORKED_CASE, "users": [row | {"role": "student"} for row in WORKED_CASE["users"]]})
        run(mailed, now=NOW)
        make_database(source, **WORKED_CASE)
        run(order, now=NOW + timedelta(days=1))  # nobody reads this one
        run(replace(mailed, report=ReportOptions("UTC", as_of=date(2026, 11, 23))), now=NOW + timedelta(days=2))
    assert "2 new candidates" in str(office.letters("ann@example.org")[-1]["Subject"])


def test_a_mail_that_is_not_accepted_is_a_failed_run_whose_files_stay(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [Delivery("ann@example.org", "accepted", ""), Delivery("ben@example.org", "refused", "No such user.")]
    monkeypatch.setattr("lib.report.mail.send_report", lambda *args, **kwargs: told)
    with pytest.raises(NotDelivered, match=r"everybody: ben@example\.org \(No such user\)\.$"):
        run(replace(order, post=post("ann@example.org", "ben@example.org")), now=NOW)
    (line,) = read_runs(order.folder)
    assert line.recipients == ("ann@example.org",)
    assert line.failure is not None
    assert all((order.folder / name).exists() for name in line.files)


def test_the_mail_has_every_file_and_the_picture_that_its_page_shows(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr("lib.report.mail.send_report", lambda mail, *args, **kwargs: sent.append(mail) or [])
    outcome = run(replace(order, post=post("ann@example.org")), now=NOW)
    (mail,) = sent
    assert mail.files == {path.name: path.read_bytes() for path in outcome.files}
    assert all(f"cid:{name}" in mail.html for name in mail.pictures)
    assert len(mail.pictures) == 1


# ---- others at work


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_report_made_while_another_program_writes_is_of_one_moment(order: Order, source: Path, journal: str) -> None:
    found: list[tuple[int, int]] = []
    with writer(source, journal):
        while len(found) < 4 or found[0] == found[-1]:
            run(order, now=NOW + timedelta(seconds=len(found)))
            last = summaries(order.folder)[-1]
            found.append((last["engagement"]["total"]["sessions"] - 16, last["mistakes"]["total_errors"] - 120))
    assert all(sessions == mistakes for sessions, mistakes in found)
    assert found == sorted(found)
    assert found[-1] <= pairs(source)


def test_runs_killed_at_any_moment_leave_only_whole_sets(order: Order) -> None:
    """As by kill -9, half of them while the files are being put in place."""
    yesterday = {path: path.read_bytes() for path in run(order, now=NOW - timedelta(days=1)).files}
    chance = random.Random(3)
    for number in range(KILLS):
        told, tell = FORKSERVER.Pipe(duplex=False)
        process = FORKSERVER.Process(target=run_again_and_again, args=(order, NOW + timedelta(minutes=number), tell))
        process.start()
        step = told.recv()
        while number % 2 and step < 0.8:
            step = told.recv()
        process.join(chance.uniform(0, 0.02 if number % 2 else 0.8))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert_whole_sets(order.folder)
    assert {path: path.read_bytes() for path in yesterday} == yesterday
    run(order, now=NOW + timedelta(days=1))
    assert_whole_sets(order.folder)
    assert len(visible(order.folder)) > 8, "no run got to its end before it was killed"
    failed = [line.failure for line in read_runs(order.folder) if line.failure]
    assert set(failed) == {CUT_OFF}
    assert KILLS // 2 < len(failed) <= KILLS


def assert_whole_sets(folder: Path) -> None:
    """Every set with a summary has all files; and after the tidying that begins each run there is nothing else."""
    assert_sets_with_summary_are_whole(folder)
    remove_leftovers(folder)
    assert_sets_with_summary_are_whole(folder)
    assert all(SUMMARY in stems for stems in sets(folder).values())


def assert_sets_with_summary_are_whole(folder: Path) -> None:
    assert all(len(stems) == 7 for stems in sets(folder).values() if SUMMARY in stems)


def sets(folder: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for path in folder.glob("*_*-*-*_*-*-*.*"):
        found[stamp_of(path.name)].append(stem(path.name))
    return found
