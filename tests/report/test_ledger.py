from __future__ import annotations

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.report.ledger import LEDGER, Run, append, last_good, last_summary, read_runs

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
    assert last_good(tmp_path) is None
    assert last_summary(tmp_path) is None


def test_the_last_good_run_is_the_newest_without_a_failure(tmp_path: Path) -> None:
    append(tmp_path, FAILED)
    assert last_good(tmp_path) is None
    for run in (GOOD, replace(GOOD, as_of=date(2026, 11, 23)), FAILED):
        append(tmp_path, run)
    assert last_good(tmp_path) == replace(GOOD, as_of=date(2026, 11, 23))


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


def _summary(folder: Path, stamp: str, content: bytes) -> Run:
    name = f"daily_summary_{stamp}.json"
    (folder / name).write_bytes(content)
    return replace(GOOD, files=(f"daily_report_{stamp}.html", name))


def test_the_last_summary_is_that_of_the_last_good_run(tmp_path: Path) -> None:
    for run in (
        _summary(tmp_path, "2026-11-21_08-00-00", b'{"as_of": "2026-11-20"}'),
        _summary(tmp_path, "2026-11-22_08-00-00", b'{"as_of": "2026-11-21"}'),
        replace(_summary(tmp_path, "2026-11-23_08-00-00", b'{"as_of": "2026-11-22"}'), failure="No mail."),
    ):
        append(tmp_path, run)
    assert last_summary(tmp_path) == {"as_of": "2026-11-21"}


def test_a_mail_is_compared_with_the_last_report_that_anybody_got(tmp_path: Path) -> None:
    for run in (
        replace(_summary(tmp_path, "2026-11-21_08-00-00", b'{"as_of": "2026-11-20"}'), recipients=()),
        replace(
            _summary(tmp_path, "2026-11-22_08-00-00", b'{"as_of": "2026-11-21"}'), recipients=("a@b",), failure="x"
        ),
        replace(_summary(tmp_path, "2026-11-23_08-00-00", b'{"as_of": "2026-11-22"}'), recipients=()),
    ):
        append(tmp_path, run)
    assert last_summary(tmp_path, mailed=True) == {"as_of": "2026-11-21"}
    assert last_summary(tmp_path) == {"as_of": "2026-11-22"}


def test_an_anonymised_report_is_compared_with_anonymised_ones_alone(tmp_path: Path) -> None:
    for run in (
        replace(_summary(tmp_path, "2026-11-21_08-00-00", b'{"as_of": "2026-11-20"}'), anonymised=True),
        _summary(tmp_path, "2026-11-22_08-00-00", b'{"as_of": "2026-11-21"}'),
    ):
        append(tmp_path, run)
    assert last_summary(tmp_path, anonymised=True) == {"as_of": "2026-11-20"}
    assert last_summary(tmp_path) == {"as_of": "2026-11-21"}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"as_of": ', b"\xff"])
def test_a_summary_that_is_gone_or_spoilt_gives_way_to_the_one_before(content: bytes, tmp_path: Path) -> None:
    append(tmp_path, _summary(tmp_path, "2026-11-21_08-00-00", b'{"as_of": "2026-11-20"}'))
    append(tmp_path, _summary(tmp_path, "2026-11-22_08-00-00", content))
    append(tmp_path, replace(GOOD, files=("daily_summary_2026-11-23_08-00-00.json",)))
    assert last_summary(tmp_path) == {"as_of": "2026-11-20"}


def test_a_ledger_that_was_tampered_with_leads_out_of_its_folder_nowhere(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "daily_summary_x.json").write_bytes(b'{"secret": 1}')
    append(tmp_path / "reports", replace(GOOD, files=("../daily_summary_x.json", "daily_summary_/../../x")))
    assert last_summary(tmp_path / "reports") is None
