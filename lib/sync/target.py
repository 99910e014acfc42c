"""The database that is written to. A SQLite file that is not there yet is made beside its place, then moved there."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection
from sqlalchemy.exc import ProgrammingError

from lib.database import connect, database_url, open_engine
from lib.sync.databases import identity
from lib.sync.problems import SyncProblem, speaking_of

NO_RIGHT = "42501"  # what PostgreSQL calls insufficient privilege
WAIT_MILLISECONDS = 60_000  # for another writer


@contextmanager
def opened_target(url: URL, *, dry_run: bool = False) -> Iterator[Connection]:
    """A connection to write with; a new file appears only after all went well. Raises SyncProblem."""
    path = _path(url)
    if path is None or path.exists():
        with _opened(url) as connection:
            yield connection
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        _make_file(part)
        with _opened(database_url(str(part))) as connection:
            yield connection
        if not dry_run:
            _move(part, path)
    finally:
        part.unlink(missing_ok=True)
        part.with_name(f"{part.name}-journal").unlink(missing_ok=True)


def check_different(source: URL, target: URL) -> None:
    """Raise SyncProblem where both addresses mean the same database."""
    ours, theirs = _path(source), _path(target)
    if ours is not None and theirs is not None:
        same = ours.exists() and theirs.exists() and ours.samefile(theirs)
    else:
        same = ours is None and theirs is None and _identity(source, "--from") == _identity(target, "--to")
    if same:
        raise SyncProblem("--from and --to are the same database.", "Name two different ones.")


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
                if engine.dialect.name == "sqlite":
                    connection.exec_driver_sql(f"PRAGMA busy_timeout = {WAIT_MILLISECONDS}")
                with _rights_explained():
                    yield connection
        finally:
            engine.dispose()


@contextmanager
def _rights_explained() -> Iterator[None]:
    try:
        yield
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != NO_RIGHT:
            raise
        raise SyncProblem(
            f"Target: The database user lacks a right: {str(error.orig).partition(chr(10))[0]}.",
            "It needs SELECT, INSERT, UPDATE and DELETE on the tables, TEMPORARY on the database, and CREATE on the "
            "schema for tables and indexes that are missing.",
        ) from error


def _make_file(part: Path) -> None:
    try:
        with closing(sqlite3.connect(part)) as connection:
            connection.execute("VACUUM")  # an empty database, and no empty file
    except sqlite3.OperationalError as error:
        raise SyncProblem(
            f"Target: No file can be made in {part.parent}.", "Make the folder, or let us write."
        ) from error


def _move(part: Path, path: Path) -> None:
    if path.exists():
        raise SyncProblem(f"Target: {path.name} has appeared in the meantime, and was left alone.", "Run it again.")
    try:
        part.replace(path)
    except OSError as error:
        raise SyncProblem(f"Target: {path} cannot be written.", "Let us write there.") from error
