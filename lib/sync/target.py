"""The database that is written to. A SQLite file that is not there yet is made beside its place, then moved there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection
from sqlalchemy.exc import OperationalError, ProgrammingError

from lib.database import connect, database_url, open_engine
from lib.sync.databases import identity
from lib.sync.parts import new_part, remove_leftovers
from lib.sync.problems import SyncProblem, speaking_of

NO_RIGHT = "42501"  # what PostgreSQL calls insufficient privilege
LOCKED = "55P03"  # what it calls a lock that is not to be had
WAIT_SECONDS = 60  # for another writer


@contextmanager
def opened_target(url: URL, *, dry_run: bool = False) -> Iterator[Connection]:
    """A connection to write with; a new file appears only after all went well. Raises SyncProblem."""
    path = _path(url)
    if path is not None:
        remove_leftovers(path)
    if path is None or path.exists():
        with _opened(url) as connection:
            yield connection
        return
    with new_part(path) as part:
        with _opened(database_url(str(part))) as connection:
            yield connection
        if not dry_run:
            _move(part, path)


def check_different(source: URL, target: URL) -> None:
    """Raise SyncProblem where both addresses mean the same database."""
    ours, theirs = _path(source), _path(target)
    if ours is not None and theirs is not None:
        same = ours.exists() and theirs.exists() and ours.samefile(theirs)
    else:
        same = ours is None and theirs is None and _identity(source, "--from") == _identity(target, "--to")
    if same:
        raise SyncProblem("--from and --to are the same database.", "Name two different ones.")


def check_not_overwritten(file: Path, database: URL) -> None:
    """Raise SyncProblem where the file for the rows that are left out is the source or the target."""
    path = _path(database)
    if path and (file.resolve() == path.resolve() or (file.exists() and path.exists() and file.samefile(path))):
        raise SyncProblem(f"--left-out would overwrite {path.name}.", "Name another file.")


def _identity(url: URL, option: str) -> object:
    with speaking_of("Source" if option == "--from" else "Target", option):
        engine = open_engine(url)
        try:
            with connect(engine) as connection:
                return identity(connection)
        finally:
            engine.dispose()


def _path(url: URL) -> Path | None:
    """The file of a SQLite database; None for a server."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database)).expanduser().absolute()


@contextmanager
def _opened(url: URL) -> Iterator[Connection]:
    with speaking_of("Target", "--to"):
        engine = open_engine(url, writable=True)
        if engine.dialect.name not in ("sqlite", "postgresql"):
            raise SyncProblem("Target: Only SQLite and PostgreSQL can be written to.", "Choose one of them.")
        try:
            with connect(engine) as connection:
                is_file = engine.dialect.name == "sqlite"
                setting = "PRAGMA busy_timeout" if is_file else "SET lock_timeout"
                connection.exec_driver_sql(f"{setting} = {WAIT_SECONDS * 1000}")
                connection.commit()
                with _explained():
                    yield connection
        finally:
            engine.dispose()


@contextmanager
def _explained() -> Iterator[None]:
    """What is said otherwise than to somebody who reads."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != LOCKED and "database is locked" not in str(error.orig):
            raise
        raise SyncProblem(
            f"Target: Another program has been writing to it for more than {WAIT_SECONDS} seconds.",
            "Try again; if it stays so, find out which one it is.",
        ) from error
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != NO_RIGHT:
            raise
        raise SyncProblem(
            f"Target: The database user lacks a right: {str(error.orig).partition(chr(10))[0]}.",
            "It needs SELECT, INSERT, UPDATE and DELETE on the tables, TEMPORARY on the database, and CREATE on the "
            "schema for tables and indexes that are missing.",
        ) from error


def _move(part: Path, path: Path) -> None:
    if path.exists():
        raise SyncProblem(f"Target: {path.name} has appeared in the meantime, and was left alone.", "Run it again.")
    try:
        part.replace(path)
    except OSError as error:
        raise SyncProblem(f"Target: {path} cannot be written.", "Let us write there.") from error
