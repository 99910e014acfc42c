"""A set of files that appears together or not at all, whatever happens to the program or the machine meanwhile.

Files are written into a hidden folder beside their place, forced to the disk, read back, and moved, the summary last: a
set is whole when its summary is there. The hidden folder has the set's stamp for a name, so two runs cannot take the
same one, and is locked by its run, so the next run knows a dead one's and takes back what that had moved.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO

from lib.report.checks import BrokenFile
from lib.report.names import STAMP, SUMMARY, next_stamp, stamp_of, stem

UNFINISHED = ".unfinished_"
LOCK = ".lock"
NAMES = ".names"  # of the set, written before the first of them is moved
ABANDONED_AFTER = 3600  # seconds; for folders whose lock cannot tell


def write_together(files: Mapping[str, bytes], folder: Path) -> list[Path]:
    """Put ``files`` (as ``make_files`` names them) into ``folder``, all or none; gives back where they are, in order.

    Where the stamp is taken, by a run of the same second, they get the next free one. Raises OSError (disk full, folder
    read-only), BrokenFile for what is not on the disk as written, and ValueError for names that are not of one set;
    after any of them nothing of the set is there.
    """
    stamps = {stamp_of(name) for name in files}
    if len(stamps) != 1 or SUMMARY not in map(stem, files):
        raise ValueError("a set has a summary, and the same stamp in all names")
    stamp = stamps.pop()
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    with naming(folder), _workplace(folder, stamp) as (work, free):
        named = {name.replace(stamp, free): content for name, content in files.items()}
        for name, content in named.items():
            write_through(work / name, content)
        write_through(work / NAMES, "\n".join(named).encode())
        sync_folder(work)
        for name in sorted(named, key=lambda name: stem(name) == SUMMARY):
            (work / name).rename(folder / name)
        sync_folder(folder)
    return [folder / name for name in named]


def remove_leftovers(folder: Path) -> None:
    """Tidy up after runs that died half way: what they moved without the summary, and their hidden folders."""
    for work in folder.glob(f"{UNFINISHED}*"):
        try:
            lock = (work / LOCK).open("rb")
        except FileNotFoundError:
            if _is_old(work):
                take_back(work)
            continue
        with lock:
            if take_lock(lock):
                take_back(work)


def take_back(work: Path) -> None:
    """Remove a hidden folder, and whatever of its set was moved out of it already, unless that is all of it."""
    stamp = work.name.removeprefix(UNFINISHED)
    if STAMP.fullmatch(stamp) and not (work.parent / f"{SUMMARY}_{stamp}.json").exists():
        for name in _names(work):
            (work.parent / name).unlink(missing_ok=True)
    shutil.rmtree(work, ignore_errors=True)


def _names(work: Path) -> list[str]:
    try:
        return [Path(name).name for name in (work / NAMES).read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:  # nothing was moved yet
        return []


def write_through(path: Path, content: bytes) -> None:
    """Write a new file, force it to the disk, and read it back; raises OSError, BrokenFile."""
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if path.read_bytes() != content:
        raise BrokenFile(path.name, "the disk has not kept what was written")


def sync_folder(folder: Path) -> None:
    """Force the names in ``folder`` to the disk; Windows does that by itself and has no way to ask for it."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Add ``folder`` to an OSError that names no place: a full disk does not say which one it is."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(folder)
        raise


@contextmanager
def _workplace(folder: Path, stamp: str) -> Iterator[tuple[Path, str]]:
    """A hidden folder that is ours alone, with the stamp that it got; removed again, with what is not whole."""
    work, free = _claim(folder, stamp)
    try:
        lock = _locked(work)
    except OSError:
        take_back(work)
        raise
    with lock:
        try:
            yield work, free
        finally:
            take_back(work)


def _locked(work: Path) -> AbstractContextManager[object]:
    """Our lock in ``work``, as long as it is open. Windows keeps open files from being removed, and needs none."""
    if sys.platform == "win32":
        return nullcontext()
    unnamed = work / f"{LOCK}.new"
    lock = unnamed.open("xb")
    # Locked first and named after: a tidying run never sees a lock that its owner does not hold yet.
    if take_lock(lock):
        unnamed.rename(work / LOCK)
    return lock


def _claim(folder: Path, stamp: str) -> tuple[Path, str]:
    while True:
        work = folder / f"{UNFINISHED}{stamp}"
        try:
            work.mkdir()
        except FileExistsError:
            stamp = next_stamp(stamp)
            continue
        if not any(folder.glob(f"*_{stamp}.*")):
            return work, stamp
        work.rmdir()
        stamp = next_stamp(stamp)


def _is_old(work: Path) -> bool:
    try:
        return time.time() - work.stat().st_mtime > ABANDONED_AFTER
    except FileNotFoundError:
        return False


def take_lock(lock: IO[bytes]) -> bool:
    """Lock a file as long as it is open and its process lives; False where another has it, or there are no locks."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
