"""A SQLite file while it is being made: beside its place, under a name of its own, cleared away in the end.

Whoever makes one keeps it locked, so that what a killed process has left behind is told apart.
"""

from __future__ import annotations

import glob
import os
import secrets
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from lib.sync.problems import SyncProblem


@contextmanager
def new_part(path: Path) -> Iterator[Path]:
    """An empty database that may become ``path``; raises SyncProblem where none can be made."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with ExitStack() as lock:
            try:
                lock.enter_context(_locked(part))
                _make(part)
            except (OSError, sqlite3.OperationalError) as error:
                raise SyncProblem(
                    f"Target: No file can be made in {part.parent}.", "Make the folder, or let us write."
                ) from error
            yield part
    finally:
        _remove(part)


def remove_leftovers(path: Path) -> None:
    """Remove what killed processes have left of their tries to make ``path``."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.{'[0-9a-f]' * 8}.part"):
        with suppress(OSError), _locked(part):
            _remove(part)


def _make(part: Path) -> None:
    with closing(sqlite3.connect(part)) as connection:
        connection.execute("VACUUM")  # an empty database, and no empty file


def _remove(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}-journal").unlink(missing_ok=True)


@contextmanager
def _locked(part: Path) -> Iterator[None]:
    """Our lock on a file, apart from SQLite's own; raises OSError where another process has it.

    Windows keeps files that are open from being removed, and needs none.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
