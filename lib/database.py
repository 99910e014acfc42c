"""Engines that only read, answers as DataFrames, and a sentence for each way in which a database can refuse.

Everything here works on SQLite and PostgreSQL; what differs for SQLite is the file behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pandas as pd
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    NullPool,
    Select,
    create_engine,
    event,
    inspect,
    make_url,
    text,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

Kind = Literal["str", "int64", "float64", "bool", "utc"]

WAIT_SECONDS = 5
SQLITE_HEADER = b"SQLite format 3\0"


class DatabaseProblem(Exception):
    """The database cannot answer. ``str()`` says what happened, ``remedy`` what to do; neither holds a password."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def database_url(value: str) -> URL:
    """An SQLAlchemy URL from a URL or the path of a SQLite file; raises DatabaseProblem where it is neither."""
    if "://" not in value:
        return URL.create("sqlite", database=str(Path(value).expanduser()))
    try:
        url = make_url(value)
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        url.get_dialect().import_dbapi()
    except (ArgumentError, ValueError) as error:
        raise DatabaseProblem(
            "The address of the database cannot be read.",
            "Set FLUENCY_DATABASE_URL to the path of a SQLite file, or to an address such as "
            "postgresql://user:password@host/database.",
        ) from error
    except (SQLAlchemyError, ImportError) as error:
        raise DatabaseProblem(
            f"There is no driver for databases of the kind '{url.drivername}'.",
            "Use SQLite or PostgreSQL, or install the driver that SQLAlchemy names for this kind.",
        ) from error
    if url.get_backend_name() != "sqlite" and "@" in f"{url.host}{url.database}":
        raise DatabaseProblem(
            "The address of the database cannot be read: its password holds a sign that has a meaning in addresses.",
            "Write @ as %40, / as %2F, : as %3A and % as %25 in FLUENCY_DATABASE_URL.",
        )
    return url


def open_engine(url: URL, *, writable: bool = False) -> Engine:
    """An engine for ``url``; read-only by the database's own means unless ``writable``.

    Raises DatabaseProblem where a SQLite file is not there or is not a database.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, writable)
    options = {} if writable else {"options": "-c default_transaction_read_only=on -c timezone=UTC"}
    arguments = options if url.get_backend_name() == "postgresql" else {}
    return create_engine(url, connect_args=arguments, pool_pre_ping=True, pool_size=5, max_overflow=5)


def _sqlite_engine(url: URL, writable: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise DatabaseProblem("No database file is named.", "Set FLUENCY_DATABASE_URL to the path of a SQLite file.")
    path = Path(str(url.database)).expanduser().absolute()
    _check_file(path)
    # Each use opens the file afresh, so that a file that was replaced is seen; this costs less than a millisecond.
    engine = create_engine(
        URL.create("sqlite", database=path.as_uri(), query={"uri": "true", "mode": "rw" if writable else "ro"}),
        connect_args={"timeout": WAIT_SECONDS},
        poolclass=NullPool,
    )
    if not writable:
        event.listen(engine, "connect", _only_read)
    return engine


def _only_read(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.cursor().execute("PRAGMA query_only = ON")


def _check_file(path: Path) -> None:
    choose = "Check FLUENCY_DATABASE_URL."
    if not path.exists():
        raise DatabaseProblem(f"There is no file {path.name} in {path.parent}.", choose)
    if path.is_dir():
        raise DatabaseProblem(f"{path} is a folder, not a database file.", choose)
    try:
        with path.open("rb") as file:
            header = file.read(len(SQLITE_HEADER))
    except OSError as error:
        raise DatabaseProblem(f"The file {path} cannot be opened.", "Let the app's user read it.") from error
    if not header:
        raise DatabaseProblem(f"The file {path.name} is empty.", f"Is it the right file? {choose}")
    if header != SQLITE_HEADER:
        raise DatabaseProblem(f"The file {path.name} is not a SQLite database.", choose)


@contextmanager
def connect(engine: Engine) -> Iterator[Connection]:
    """A connection on which everything that the database refuses becomes a DatabaseProblem."""
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise _problem(error) from error


_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        r"database is locked|database table is locked",
        f"The database is busy: another program has been writing to it for more than {WAIT_SECONDS} seconds.",
        "Try again in a moment. If it stays busy, ask who runs the program that writes.",
    ),
    (
        r"not a database|malformed|disk image",
        "The database file is damaged, or is not a SQLite database.",
        "Restore it from a backup, or check FLUENCY_DATABASE_URL.",
    ),
    (
        r"no such table: (?:main\.)?(\w+)|relation \"?(?:\w+\.)?(\w+)\"? does not exist",
        "The database has no table {0}.",
        "Data health names every missing table with the statement that creates it.",
    ),
    (
        r"no such column: (?:\w+\.)?(\w+)|has no column named (\w+)|column \"?(?:\w+\.)?(\w+)\"? does not exist",
        "A table of the database has no column {0}.",
        "Data health names every missing column with the statement that adds it.",
    ),
    (r"unable to open", "The database file cannot be opened.", "Check that it exists and that the app may read it."),
    (
        r"password|authentication|role \"[^\"]+\" does not exist",
        "The database refuses the user or the password.",
        "Check FLUENCY_DATABASE_URL.",
    ),
    (r"database \"?([^\"]+)\"? does not exist", "The server has no database {0}.", "Check FLUENCY_DATABASE_URL."),
    (r"permission denied for \w+ (\w+)", "The database user may not read {0}.", "Grant it SELECT on that table."),
    (
        r"could not connect|connection refused|connection failed|server closed|timeout",
        "The database server does not answer.",
        "Check that it runs and can be reached from here; the page works again as soon as it does.",
    ),
)


def _problem(error: SQLAlchemyError) -> DatabaseProblem:
    message = str(getattr(error, "orig", None) or error)
    for pattern, what, remedy in _REFUSALS:
        if match := re.search(pattern, message, re.IGNORECASE):
            return DatabaseProblem(what.format(next((part for part in match.groups() if part), "")), remedy)
    return DatabaseProblem("The database could not answer.", "The log says why; Data health may help.")


def read(connection: Connection, statement: Select[Any] | Executable, columns: dict[str, Kind]) -> pd.DataFrame:
    """Run ``statement``; a DataFrame with exactly ``columns`` and their types, and the SQL in ``attrs["sql"]``.

    Kinds: pandas' "str", "int64", "float64", "bool"; "utc" for timestamps (datetime64[ns, UTC], NaT where unreadable).
    """
    rows = connection.execute(statement).fetchall()
    frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(columns))
    for name, kind in columns.items():
        frame[name] = to_utc(frame[name]) if kind == "utc" else frame[name].astype(kind)
    frame.attrs["sql"] = sql_text(connection, statement)
    return frame


def no_rows(columns: dict[str, Kind]) -> pd.DataFrame:
    """An empty DataFrame with ``columns`` and their types, for a table that this installation does not have."""
    kinds = {name: "datetime64[ns, UTC]" if kind == "utc" else kind for name, kind in columns.items()}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def to_utc(values: pd.Series[Any]) -> pd.Series[Any]:
    """Timestamps in any ISO 8601 shape, or real ones, as datetime64[ns, UTC]; NaT where there is none."""
    parsed = _parsed(values)
    odd = parsed.isna() & values.notna()
    if odd.any():
        parsed[odd] = _parsed(values[odd].astype("str").str.slice(0, 19))
        parsed = parsed.fillna(_overflowing(values[odd].astype("str")))
    return parsed


def _overflowing(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Days that a month does not have, as its last one: SQLite finds 30 February in February. And 24:00:00."""
    parts = texts.str.extract(r"^(20\d\d-\d\d)-([0-3]\d)[T ](\d\d:\d\d:\d\d)")
    month = _parsed(parts[0] + "-01")
    days = pd.to_numeric(parts[1]).clip(upper=month.dt.days_in_month) - 1
    return month + pd.to_timedelta(days, unit="D") + pd.to_timedelta(parts[2], errors="coerce")


def _parsed(values: pd.Series[Any]) -> pd.Series[Any]:
    parsed = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
    # Nanoseconds hold the years 1678 to 2261; pandas would raise on the others.
    return parsed.where(parsed.dt.year.between(1678, 2261)).astype("datetime64[ns, UTC]")


def sql_text(connection: Connection, statement: Any) -> str:
    """The statement as the database gets it, values written out, for people who want to check a number."""
    return str(statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))


def has_table(connection: Connection, name: str) -> bool:
    """Whether the database has a table (or view) of that name."""
    return inspect(connection).has_table(name)


def fingerprint(engine: Engine) -> str:
    """A text that changes when the data does: for SQLite from its files, for PostgreSQL from its counters."""
    if engine.dialect.name == "sqlite":
        path = url2pathname(urlsplit(str(engine.url.database)).path)
        return "|".join(_file_state(Path(path + suffix)) for suffix in ("", "-wal"))
    with connect(engine) as connection:
        changes = "SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_user_tables"
        return str(connection.execute(text(changes)).scalar()) if engine.dialect.name == "postgresql" else ""


def _file_state(path: Path) -> str:
    try:
        state = path.stat()
    except FileNotFoundError:
        return "none"
    return f"{state.st_ino}-{state.st_size}-{state.st_mtime_ns}"


def newest(values: pd.Series[Any]) -> datetime | None:
    """The latest of datetime64 values as a datetime, None where there is none."""
    latest = values.max()
    return None if pd.isna(latest) else latest.to_pydatetime()


def shown_address(url: URL) -> str:
    """The database for people: the file's name, or server and database; never user or password."""
    if url.get_backend_name() == "sqlite":
        return Path(str(url.database)).name
    return f"{url.host or 'localhost'}/{url.database or ''}"
