from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.report.ledger import LEDGER, Run, append, last_good, last_summary, read_runs, runs_of

START = datetime(2026, 11, 23, 8, tzinfo=UTC)
GOOD = Run(
    START,
    START + timedelta(seconds=2),
    as_of=date(2026, 11, 22),
    data_as_of=datetime(2026, 11, 22, 21, 19, tzinfo=ZoneInfo("Europe/Berlin")),
    files=("daily_report_2026-11-23_08-00-00.html", "daily_summary_2026-11-23_08-00-00.json"),
    recipients=("boss@example.com",),
)
FAILED = Run(START, START, failure="The database cannot be reached.")

MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]))
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
RUNS = st.builds(
    Run,
    started=MOMENTS,
    ended=MOMENTS,
    as_of=st.none() | st.dates(),
    data_as_of=st.none() | MOMENTS,
    files=st.lists(TEXTS, max_size=3).map(tuple),
    recipients=st.lists(TEXTS, max_size=3).map(tuple),
    failure=st.none() | TEXTS,
    mailed=st.booleans(),
    source=st.none() | TEXTS,
    database_key=st.none() | TEXTS,
)


@given(runs=st.lists(RUNS, max_size=5))
def test_runs_come_back_as_they_were_in_their_order(runs: list[Run], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    for run in runs:
        append(folder, run)
    assert read_runs(folder) == runs


def test_a_run_is_one_line_of_json_that_a_person_can_read(tmp_path: Path) -> None:
    append(tmp_path / "reports", replace(GOOD, failure="Zoë's\nmail"))
    (line,) = (tmp_path / "reports" / LEDGER).read_text(encoding="utf-8").splitlines()
    found = json.loads(line)
    assert (found["started"], found["as_of"]) == ("2026-11-23T08:00:00+00:00", "2026-11-22")
    assert (found["failure"], "Zoë" in line) == ("Zoë's\nmail", True)


def test_without_a_ledger_there_are_no_runs(tmp_path: Path) -> None:
    assert read_runs(tmp_path) == []
    assert last_good([], mailed=False) is None
    assert last_summary(tmp_path, **NEXT) is None


def test_the_last_good_run_is_the_newest_without_a_failure() -> None:
    newer = replace(GOOD, as_of=date(2026, 11, 23))
    assert last_good([FAILED], mailed=False) is None
    assert last_good([GOOD, newer, FAILED], mailed=False) is newer
    assert last_good([replace(GOOD, mailed=True), newer], mailed=True) == replace(GOOD, mailed=True)


@pytest.mark.parametrize(
    ("as_of", "data_as_of", "is_daily"),
    [
        (date(2026, 11, 22), START, True),
        (date(2026, 11, 20), START, True),
        (date(2026, 11, 19), START, False),
        (date(2026, 11, 24), START, True),  # east of Greenwich
        (date(2026, 11, 25), START, False),
        (date(2026, 11, 22), START - timedelta(days=90), True),
        (date(2026, 11, 23), START + timedelta(days=90), True),  # sessions of a wrong clock
        (date(2026, 11, 23), None, True),
        (None, None, True),
    ],
)
def test_a_daily_run_tells_of_the_newest_data(as_of: date | None, data_as_of: datetime | None, is_daily: bool) -> None:
    assert replace(GOOD, as_of=as_of, data_as_of=data_as_of).is_daily is is_daily


def test_a_line_of_an_older_version_was_to_be_mailed_where_somebody_got_it(tmp_path: Path) -> None:
    for run in (GOOD, replace(GOOD, recipients=())):
        line = {name: value for name, value in asdict(run).items() if name not in ("mailed", "source", "database_key")}
        with (tmp_path / LEDGER).open("a") as file:
            file.write(json.dumps(line, default=str) + "\n")
    assert [(run.mailed, run.source) for run in read_runs(tmp_path)] == [(True, None), (False, None)]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_torn_last_line_is_skipped_and_takes_no_later_run_with_it(cut: int, tmp_path: Path) -> None:
    append(tmp_path, GOOD)
    append(tmp_path, FAILED)
    path = tmp_path / LEDGER
    path.write_bytes(path.read_bytes()[:-cut])
    # Without its line end alone the line is still whole.
    whole = [GOOD, FAILED] if cut == 1 else [GOOD]
    assert read_runs(tmp_path) == whole
    append(tmp_path, GOOD)
    assert read_runs(tmp_path) == [*whole, GOOD]


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"null", b"\xff\xfe", b"{}", b'{"started": "2026-11-23T08:00:00", "ended": "soon"}', b"\x00" * 9],
)
def test_lines_that_are_no_runs_are_skipped(line: bytes, tmp_path: Path) -> None:
    append(tmp_path, GOOD)
    with (tmp_path / LEDGER).open("ab") as file:
        file.write(line + b"\n")
    append(tmp_path, FAILED)
    assert read_runs(tmp_path) == [GOOD, FAILED]


def test_a_line_of_a_later_version_with_more_in_it_is_read(tmp_path: Path) -> None:
    append(tmp_path, GOOD)
    path = tmp_path / LEDGER
    path.write_text(json.dumps({**json.loads(path.read_text()), "seconds": 2}) + "\n")
    assert read_runs(tmp_path) == [GOOD]


def test_runs_that_end_at_once_do_not_mix(tmp_path: Path) -> None:
    runs = [replace(GOOD, failure=f"{number} " * 2000) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda run: append(tmp_path, run), runs))
    assert {run.failure: run for run in read_runs(tmp_path)} == {run.failure: run for run in runs}


def test_a_line_that_does_not_fit_on_the_disk_is_an_os_error_and_spoils_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(tmp_path, GOOD)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            append(tmp_path, FAILED)
    append(tmp_path, GOOD)
    assert read_runs(tmp_path)[0] == read_runs(tmp_path)[-1] == GOOD


def test_a_device_that_is_full_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / LEDGER).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        append(tmp_path, GOOD)


# What the next report is compared with

NEXT: dict[str, Any] = {
    "source": "worked.db",
    "database_key": "ours",
    "as_of": date(2026, 11, 22),
    "before": datetime(2026, 11, 23, tzinfo=UTC),
}
BOSS, TESTER = "boss@example.com", "tester@example.com"


def _report(folder: Path, day: int, content: bytes | None = None, **more: Any) -> None:
    """A run at eight of that day in November, as of the day before; its summary says the number."""
    name = f"daily_summary_2026-11-{day:02}_08-00-00_{len(read_runs(folder))}.json"
    told = json.dumps({"source": more.pop("source", "worked.db"), "number": len(read_runs(folder))}).encode()
    (folder / name).write_bytes(told if content is None else content)
    started = datetime(2026, 11, day, 8, tzinfo=UTC)
    run = {"as_of": date(2026, 11, day - 1), "files": ("daily_report.html", name), "started": started} | more
    append(folder, replace(GOOD, **run))


def _base(folder: Path, **more: Any) -> int | None:
    found = last_summary(folder, **NEXT | more)
    return found and int(found["number"])


def test_the_last_summary_is_that_of_the_last_good_run(tmp_path: Path) -> None:
    _report(tmp_path, 20)
    _report(tmp_path, 21)
    _report(tmp_path, 22, failure="No mail.")
    assert _base(tmp_path) == 1


def test_a_mail_is_compared_with_the_last_report_that_one_of_its_readers_got(tmp_path: Path) -> None:
    _report(tmp_path, 19, recipients=(BOSS,))
    _report(tmp_path, 20, recipients=("Boss@Example.com", "ann@example.com"), failure="Not to all.")
    _report(tmp_path, 21, recipients=(TESTER,))
    _report(tmp_path, 22, recipients=())
    assert _base(tmp_path, readers={BOSS}) == 1
    assert _base(tmp_path, readers={TESTER, BOSS}) == 2
    assert _base(tmp_path, readers={"new@example.com"}) is None
    assert _base(tmp_path) == 3


def test_a_report_of_a_day_long_ago_or_to_come_takes_no_place_of_a_newer_one(tmp_path: Path) -> None:
    _report(tmp_path, 22)
    _report(tmp_path, 22, as_of=date(2020, 1, 1))
    _report(tmp_path, 22, as_of=date(2026, 11, 23))
    assert _base(tmp_path) == 0
    assert _base(tmp_path, as_of=date(2020, 6, 1)) == 1
    assert _base(tmp_path, as_of=date(2026, 11, 23)) == 2


def test_a_report_of_another_database_is_nothing_to_compare_with(tmp_path: Path) -> None:
    _report(tmp_path, 21)
    _report(tmp_path, 22, source="other.db")
    assert _base(tmp_path) == 0


def test_a_repeated_report_has_the_news_of_the_first(tmp_path: Path) -> None:
    _report(tmp_path, 22)
    _report(tmp_path, 23)
    assert _base(tmp_path) == 0
    assert _base(tmp_path, before=datetime(2026, 11, 24, tzinfo=UTC)) == 1, "the next day, without new data"


def test_an_anonymised_report_is_compared_with_anonymised_ones_alone(tmp_path: Path) -> None:
    _report(tmp_path, 21, anonymised=True)
    _report(tmp_path, 22)
    assert _base(tmp_path, anonymised=True) == 0
    assert _base(tmp_path) == 1


@pytest.mark.parametrize("content", [b"", b"[]", b'{"as_of": ', b"\xff"])
def test_a_summary_that_is_gone_or_spoilt_gives_way_to_the_one_before(content: bytes, tmp_path: Path) -> None:
    _report(tmp_path, 21)
    _report(tmp_path, 22, content)
    append(
        tmp_path, replace(GOOD, started=START - timedelta(days=1), files=("daily_summary_2026-11-23_08-00-00.json",))
    )
    assert _base(tmp_path) == 0


def test_a_ledger_that_was_tampered_with_leads_out_of_its_folder_nowhere(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "daily_summary_x.json").write_bytes(b'{"source": "worked.db", "number": 1}')
    files = ("../daily_summary_x.json", "daily_summary_/../../x")
    append(tmp_path / "reports", replace(GOOD, started=START - timedelta(days=1), files=files))
    assert _base(tmp_path / "reports") is None


def test_a_database_of_the_same_name_is_another_one_and_older_lines_go_by_the_name(tmp_path: Path) -> None:
    _report(tmp_path, 20)
    _report(tmp_path, 21, database_key="theirs")
    assert _base(tmp_path) == 0
    _report(tmp_path, 22, database_key="ours")
    assert _base(tmp_path) == 2
    assert [run.database_key for run in runs_of(tmp_path, "worked.db", "ours", START + timedelta(days=9))] == [
        None,
        "ours",
    ]
