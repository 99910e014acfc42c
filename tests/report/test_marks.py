"""A run that was killed is in the ledger after the next one."""

from __future__ import annotations

import fcntl
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lib.report.ledger import Run, append, line_of, read_runs
from lib.report.marks import ABANDONED_AFTER, CUT_OFF, MARK, marked, record_cut_off

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
RUN = Run(NOW, NOW, mailed=True)
CUT = Run(NOW, NOW, mailed=True, failure=CUT_OFF)


def marks(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{MARK}*"))


def left_behind(folder: Path) -> Path:
    """The mark of a run that was killed."""
    path = folder / f"{MARK}1"
    path.write_bytes(line_of(CUT))
    return path


def test_a_run_that_ends_leaves_no_mark_however_it_ends(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"

    def work() -> None:
        with marked(folder, RUN):
            assert len(marks(folder)) == 1
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert list(folder.iterdir()) == []


def test_a_run_that_was_killed_gets_its_line_once(tmp_path: Path) -> None:
    left_behind(tmp_path)
    with marked(tmp_path, Run(NOW + timedelta(days=1), NOW)):
        assert read_runs(tmp_path) == [CUT]
    record_cut_off(tmp_path)
    assert read_runs(tmp_path) == [CUT]
    assert marks(tmp_path) == []


def test_a_run_at_work_is_left_alone(tmp_path: Path) -> None:
    with marked(tmp_path, RUN), marked(tmp_path, Run(NOW + timedelta(seconds=1), NOW)):
        record_cut_off(tmp_path)
        assert len(marks(tmp_path)) == 2
    assert read_runs(tmp_path) == []


def test_a_run_that_was_killed_after_its_line_was_written_gets_no_other(tmp_path: Path) -> None:
    append(tmp_path, RUN)
    left_behind(tmp_path)
    record_cut_off(tmp_path)
    assert (read_runs(tmp_path), marks(tmp_path)) == ([RUN], [])


def test_a_mark_that_says_nothing_is_removed(tmp_path: Path) -> None:
    left_behind(tmp_path).write_bytes(b"")
    record_cut_off(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("seconds", "stays"), [(ABANDONED_AFTER - 60, True), (ABANDONED_AFTER + 60, False)])
def test_where_there_are_no_locks_a_mark_is_old_after_a_day(
    seconds: int, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError("Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    mark = left_behind(tmp_path)
    os.utime(mark, (time.time() - seconds,) * 2)
    record_cut_off(tmp_path)
    assert mark.exists() is stays
    assert read_runs(tmp_path) == ([] if stays else [CUT])
