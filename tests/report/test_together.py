from __future__ import annotations

import errno
import fcntl
import os
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from lib.report import together
from lib.report.checks import BrokenFile
from lib.report.together import remove_leftovers, write_together
from tests.report.made import assert_whole, hidden, set_of, stamp, visible, write_and_die, write_sets_for_ever
from tests.report.processes import start

# With the 10 whole runs that test_run.py kills, 200. More with: FLUENCY_KILLS=1000 python -m pytest ... -k kill
KILLS = int(os.environ.get("FLUENCY_KILLS", "190"))


@pytest.fixture
def yesterday(tmp_path: Path) -> Path:
    """A folder with the set of the day before."""
    write_together(set_of(-86_400), tmp_path)
    return tmp_path


def test_a_set_is_written_whole_and_its_paths_are_given_back_in_order(tmp_path: Path) -> None:
    files = set_of(0)
    paths = write_together(files, tmp_path / "new" / "folder")
    assert [path.name for path in paths] == list(files)
    assert {path.name: path.read_bytes() for path in paths} == files
    assert hidden(tmp_path / "new" / "folder") == []


def test_the_summary_is_moved_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved: list[str] = []
    rename = Path.rename

    def note(self: Path, target: Path) -> Path:
        moved.append(target.name)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", note)
    write_together(set_of(0), tmp_path)
    assert moved[0] == ".lock"
    assert moved[-1] == f"daily_summary_{stamp(0)}.json"


def test_two_runs_of_the_same_second_get_stamps_of_their_own(tmp_path: Path) -> None:
    first, second, third = (write_together(set_of(0), tmp_path) for _ in range(3))
    assert [paths[0].name for paths in (first, second, third)] == [
        f"daily_report_{stamp(number)}.html" for number in range(3)
    ]
    assert assert_whole(tmp_path, strays=False) == 3


def test_runs_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        sets = list(pool.map(lambda number: write_together(set_of(number % 3), tmp_path), range(30)))
    assert len({path for paths in sets for path in paths}) == 30 * len(set_of(0))
    assert assert_whole(tmp_path, strays=False) == 30
    assert hidden(tmp_path) == []


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"notes.txt": b""},
        {f"daily_report_{stamp(0)}.html": b""},
        {f"daily_report_{stamp(0)}.html": b"", f"daily_summary_{stamp(1)}.json": b""},
    ],
    ids=["none", "another name", "no summary", "two stamps"],
)
def test_what_is_not_one_set_is_refused(files: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"set|name"):
        write_together(files, tmp_path)
    assert list(tmp_path.iterdir()) == []


# Failures


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond ``size`` bytes: the system breaks off a write in its middle, as on a full disk."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_a_disk_that_takes_no_more_leaves_yesterday_and_nothing_of_today(yesterday: Path) -> None:
    before = visible(yesterday)
    with largest_file(300_000), pytest.raises(OSError, match="too large") as problem:
        write_together(set_of(0), yesterday)
    assert problem.value.filename == str(yesterday), "the system does not say which disk"
    assert visible(yesterday) == before
    assert assert_whole(yesterday, strays=False) == 1
    assert hidden(yesterday) == []


def test_a_disk_that_is_full_only_when_asked_to_keep_it_leaves_nothing_either(
    yesterday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = visible(yesterday)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_together(set_of(0), yesterday)
    assert visible(yesterday) == before
    assert hidden(yesterday) == []


@pytest.mark.parametrize("moves", range(7))
def test_a_move_that_is_refused_takes_back_those_before_it(
    moves: int, yesterday: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, left = Path.rename, iter(range(moves))

    def refuse(self: Path, target: Path) -> Path:
        if next(left, None) is None:
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(self, target)

    before = visible(yesterday)
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError):
        write_together(set_of(0), yesterday)
    assert visible(yesterday) == before
    assert hidden(yesterday) == []


def test_a_folder_that_cannot_be_made_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "reports"):
        with pytest.raises(OSError, match="file"):
            write_together(set_of(0), folder)


def test_a_disk_that_keeps_something_else_is_noticed(yesterday: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: read_bytes(self).replace(b"\x00", b"\x01"))
    before = visible(yesterday)
    with pytest.raises(BrokenFile, match="disk has not kept"):
        write_together(set_of(0), yesterday)
    assert visible(yesterday) == before


# Crashes


def test_kill_9_at_random_moments_leaves_only_whole_sets(yesterday: Path) -> None:
    moments, before = random.Random(20261123), visible(yesterday)
    for kill in range(KILLS):
        process = start(write_sets_for_ever, yesterday, kill * 1000)
        _wait_for(lambda number=kill: any(stamp(number * 1000) in path.name for path in yesterday.iterdir()))
        time.sleep(moments.uniform(0, 0.03))
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert_whole(yesterday, strays=True)
        remove_leftovers(yesterday)
        assert assert_whole(yesterday, strays=False) >= 1
        for name in visible(yesterday) - before:  # checked; what piles up would be read again after every kill
            (yesterday / name).unlink()
    _an_hour_later(yesterday)
    assert hidden(yesterday) == []
    assert f"daily_summary_{stamp(-86_400)}.json" in visible(yesterday)


def _wait_for(happened: Callable[[], bool]) -> None:
    while not happened():
        time.sleep(0.001)


def _an_hour_later(folder: Path) -> None:
    for work in hidden(folder):
        os.utime(work, (0, 0))
    remove_leftovers(folder)


def test_a_crash_at_any_step_leaves_yesterday_whole_and_the_next_run_tidies_up(yesterday: Path) -> None:
    before, exits, halves = visible(yesterday), [], 0
    while 0 not in exits:
        process = start(write_and_die, yesterday, 1, len(exits) + 1)
        process.join()
        exits.append(process.exitcode)
        assert_whole(yesterday, strays=True)
        halves += len(visible(yesterday)) % len(before) > 0
        remove_leftovers(yesterday)
        sets = assert_whole(yesterday, strays=False)
        if exits[-1] != 0 and sets == 2:  # it died after the summary was in its place
            assert f"daily_summary_{stamp(1)}.json" in visible(yesterday)
        _an_hour_later(yesterday)
        assert hidden(yesterday) == []
        for name in visible(yesterday) - before:
            (yesterday / name).unlink()
    assert set(exits[:-1]) == {-signal.SIGKILL}
    assert len(exits) > 20
    assert halves == len(before) - 1  # every place between two moves was tried


def _leftover(folder: Path, *, locked: bool) -> Path:
    """What a run that died after its second move leaves."""
    work = folder / f"{together.UNFINISHED}{stamp(0)}"
    work.mkdir()
    if locked:
        (work / together.LOCK).write_bytes(b"")
    (work / together.NAMES).write_text("\n".join(set_of(0)))
    for name in list(set_of(0))[:2]:
        (folder / name).write_bytes(b"half")
    return work


def test_the_next_run_takes_back_what_a_dead_one_had_moved(yesterday: Path) -> None:
    _leftover(yesterday, locked=True)
    paths = write_together(set_of(0), yesterday)
    assert paths[0].name == f"daily_report_{stamp(0)}.html"
    assert assert_whole(yesterday, strays=False) == 2
    assert hidden(yesterday) == []


def test_a_file_of_somebody_else_with_the_same_time_in_its_name_is_not_taken_back(yesterday: Path) -> None:
    _leftover(yesterday, locked=True)
    mine = yesterday / f"my_notes_{stamp(0)}.txt"
    mine.write_bytes(b"not of the set")
    before = visible(yesterday) - set(set_of(0))
    remove_leftovers(yesterday)
    assert visible(yesterday) == before
    assert mine.exists()
    mine.unlink()


def test_a_set_whose_summary_is_there_is_kept_when_its_run_died_after_that(yesterday: Path) -> None:
    work = yesterday / f"{together.UNFINISHED}{stamp(-86_400)}"
    work.mkdir()
    (work / together.LOCK).write_bytes(b"")
    remove_leftovers(yesterday)
    assert hidden(yesterday) == []
    assert assert_whole(yesterday, strays=False) == 1


def test_a_run_that_lives_is_left_alone_however_old_it_is(tmp_path: Path) -> None:
    work = _leftover(tmp_path, locked=True)
    os.utime(work, (0, 0))
    with (work / together.LOCK).open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_leftovers(tmp_path)
        assert len(visible(tmp_path)) == 2
        assert hidden(tmp_path) == [work]
        assert write_together(set_of(0), tmp_path)[0].name == f"daily_report_{stamp(1)}.html"
    remove_leftovers(tmp_path)
    assert assert_whole(tmp_path, strays=False) == 1


@pytest.mark.parametrize(("seconds", "stays"), [(together.ABANDONED_AFTER - 60, True), (3660, False)])
def test_without_a_lock_a_leftover_goes_after_an_hour(seconds: int, stays: bool, tmp_path: Path) -> None:
    work = _leftover(tmp_path, locked=False)
    os.utime(work, (time.time() - seconds,) * 2)
    remove_leftovers(tmp_path)
    assert bool(hidden(tmp_path)) is stays
    assert bool(visible(tmp_path)) is stays


def test_where_there_are_no_locks_sets_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    write_together(set_of(0), tmp_path)
    assert assert_whole(tmp_path, strays=False) == 1
    assert hidden(tmp_path) == []
