"""Engines that only read, connections on which every refusal is a sentence, and answers as DataFrames.

Everything here works on SQLite and PostgreSQL; what differs for SQLite is the file behind it.
"""

from __future__ import annotations

import hashlib
import os
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pandas.api.types import infer_dtype, is_numeric_dtype, is_object_dtype
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Executable,
    NullPool,
    Row,
    Select,
    SelectBase,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from lib.reading import read_time
from lib.refusals import (
    CHECK_ADDRESS,
    WAIT_SECONDS,
    WAL_FILES,
    DatabaseProblem,
    TableProblem,
    problem_of,
    problem_of_table,
)
from lib.schema.present import AS_TEXT, IS_UTF8, UnreadableColumn, as_in_schema, forget_tables, present_tables

__all__ = [
    "DatabaseProblem",
    "Kind",
    "TableProblem",
    "connect",
    "database_key",
    "database_url",
    "has_table",
    "newest",
    "no_rows",
    "open_engine",
    "read",
    "reading_by_itself",
    "rows_of",
    "shown_address",
    "sql_text",
    "to_utc",
]

REPLACED = "\ufffd"
UNTOLD = "fluency_untold_sql"
Kind = Literal["str", "int64", "float64", "bool", "utc"]

POOL_SIZE = 5  # connections that are kept, and as many again for a rush
POOL_SECONDS = 30  # to wait for one of them: a page keeps its own until it is drawn
CONNECT_SECONDS = 5
RECYCLE_SECONDS = 1_800
IDLE_SECONDS = 300  # in a transaction: longer than any page draws, or a report makes pseudonyms
SQLITE_HEADER = b"SQLite format 3\0"
SMALLEST = 512  # bytes of a database
_USUAL_PORT = 5432
_USER = re.compile(r"[^:/]*(?::[^@]*)?@")  # and password, as SQLAlchemy finds them


def database_url(value: str) -> URL:
    """An SQLAlchemy URL from a URL or the path of a SQLite file; raises DatabaseProblem where it is neither."""
    if "://" not in value:
        if re.search(r":[^/]*@", value):  # not to be repeated: a password stands between the two
            raise DatabaseProblem(
                "The address of the database cannot be read: it does not say which kind of database it is.",
                "Put postgresql:// in front of it in FLUENCY_DATABASE_URL.",
            )
        return URL.create("sqlite", database=str(Path(value).expanduser()))
    try:
        url = make_url(value)
        if url.drivername in ("postgres", "postgresql"):
            url = url.set(drivername="postgresql+psycopg")
        url.get_dialect().import_dbapi()
    except (ArgumentError, ValueError):
        raise DatabaseProblem(
            "The address of the database cannot be read.",
            "Set FLUENCY_DATABASE_URL to the path of a SQLite file, or to an address such as "
            "postgresql://user:password@host/database.",
        ) from None  # its text repeats parts of the address, where the password is
    except (SQLAlchemyError, ImportError) as error:
        raise DatabaseProblem(
            f"There is no driver for databases of the kind '{url.drivername}'.",
            "Use SQLite or PostgreSQL, or install the driver that SQLAlchemy names for this kind.",
        ) from error
    if url.get_backend_name() != "sqlite" and _goes_on_after_the_user(value):
        raise DatabaseProblem(
            "The address of the database cannot be read: its password holds a sign that has a meaning in addresses.",
            "Write @ as %40, / as %2F, : as %3A and % as %25 in FLUENCY_DATABASE_URL.",
        )
    return url


def _goes_on_after_the_user(address: str) -> bool:
    """Whether there is an @ after the one that ends user and password: then part of the password stands there."""
    place = address.partition("://")[2]
    user = _USER.match(place)
    return "@" in (place[user.end() :] if user else place.partition("?")[0])


def open_engine(url: URL, *, writable: bool = False, query_seconds: float = 0) -> Engine:
    """An engine for ``url``; read-only by the database's own means unless ``writable``.

    ``query_seconds``: what a PostgreSQL server lets one statement take, 0 for as long as it needs.
    Raises DatabaseProblem where a SQLite file is not there or is not a database.
    """
    if url.get_backend_name() == "sqlite":
        return _sqlite_engine(url, writable)
    if url.get_backend_name() == "postgresql":
        return _postgresql_engine(url, writable, query_seconds)
    return create_engine(url, pool_pre_ping=True)


def _postgresql_engine(url: URL, writable: bool, query_seconds: float) -> Engine:
    """What the address itself says about the connection is kept; what it must not say, reading only, comes last."""
    options = [str(url.query.get("options", "")), "-c timezone=UTC", f"-c statement_timeout={query_seconds * 1000:.0f}"]
    if not writable:
        options += [
            "-c default_transaction_read_only=on",
            f"-c lock_timeout={WAIT_SECONDS * 1000:.0f}",
            f"-c idle_in_transaction_session_timeout={IDLE_SECONDS * 1000}",
        ]
    usual = {"connect_timeout": CONNECT_SECONDS, "application_name": "fluency lab"}
    engine = create_engine(
        url,
        connect_args={
            **{name: value for name, value in usual.items() if name not in url.query},
            "options": " ".join(options).strip(),
            "prepare_threshold": None,  # each window gets a plan of its own, and connection poolers do not mind
        },
        execution_options={} if writable else {"postgresql_readonly": True},
        hide_parameters=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_SIZE,
        pool_timeout=POOL_SECONDS,
        pool_recycle=RECYCLE_SECONDS,
        pool_pre_ping=True,
    )
    return engine if writable else _reading(engine)


def _sqlite_engine(url: URL, writable: bool) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise DatabaseProblem("No database file is named.", "Set FLUENCY_DATABASE_URL to the path of a SQLite file.")
    path = Path(str(url.database)).expanduser().absolute()
    _check_file(path)
    # Each use opens the file afresh, so that a file that was replaced is seen; this costs less than a millisecond.
    engine = create_engine(
        URL.create("sqlite", database=path.as_uri(), query={"uri": "true", "mode": "rw" if writable else "ro"}),
        connect_args={"timeout": WAIT_SECONDS},
        hide_parameters=True,
        poolclass=NullPool,
    )
    if writable:
        return engine
    event.listen(engine, "connect", _only_read)
    return _reading(engine)


def _only_read(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    connection.cursor().execute("PRAGMA query_only = ON")
    connection.create_function(AS_TEXT, 1, _replaced, deterministic=True)
    connection.create_function(IS_UTF8, 1, _is_utf8, deterministic=True)


def _replaced(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _reading(engine: Engine) -> Engine:
    """The engine, whose questions find tables and columns that are not quite as the schema says, see schema.present."""
    event.listen(engine, "before_cursor_execute", _as_in_schema, retval=True)
    event.listen(engine, "checkin", forget_tables)
    return engine


def _as_in_schema(
    connection: Connection, _cursor: object, sql: str, values: Any, context: Any, _executemany: bool
) -> tuple[str, Any]:
    if not isinstance(getattr(context.compiled, "statement", None), SelectBase):
        return sql, values  # of somebody else, who knows his tables
    options = dict(context.execution_options)
    if connection.dialect.name == "sqlite" and any(isinstance(value, str) and REPLACED in value for value in values):
        options[AS_TEXT] = True  # a sign that was put in place of another is to be found as well
    try:
        return as_in_schema(connection, sql, options), values
    except UnreadableColumn as column:
        raise TableProblem(str(column), "Data health names every column that cannot be read.") from column


def _check_file(path: Path) -> None:
    if not path.exists():
        raise DatabaseProblem(f"There is no file {path.name} in {path.parent}.", CHECK_ADDRESS, passes=True)
    if path.is_dir():
        raise DatabaseProblem(f"{path} is a folder, not a database file.", CHECK_ADDRESS)
    if not path.stat().st_size:
        raise DatabaseProblem(f"The file {path.name} is empty.", f"Is it the right file? {CHECK_ADDRESS}")
    if not _opens(path) and _header(path) != SQLITE_HEADER:
        raise DatabaseProblem(f"The file {path.name} is not a SQLite database.", CHECK_ADDRESS)


def _header(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER))


def _opens(path: Path) -> bool:
    """Whether SQLite takes it for a database. Only SQLite may open one: who else closes it drops everybody's locks."""
    if path.stat().st_size < SMALLEST:
        return False
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.OperationalError as error:
        if "unable to open" in str(error):
            if os.access(path, os.R_OK, effective_ids=True):
                raise DatabaseProblem(*WAL_FILES[:2]) from error
            raise DatabaseProblem(f"The file {path} cannot be opened.", "Let the app's user read it.") from error
    except sqlite3.DatabaseError:
        return False
    return True


@contextmanager
def connect(engine: Engine) -> Iterator[Connection]:
    """A connection on which everything that the database refuses becomes a DatabaseProblem."""
    try:
        with _connection(engine) as connection:
            yield connection
    except SQLAlchemyError as error:
        raise problem_of(error) from error


@contextmanager
def reading_by_itself(connection: Connection) -> Iterator[None]:
    """Raise TableProblem where a table or a column cannot be read; others can still be read on the connection."""
    try:
        with connection.begin_nested():
            yield
    except SQLAlchemyError as error:
        if problem := problem_of_table(error):
            raise problem from error
        raise


def _connection(engine: Engine) -> Connection:
    try:
        return engine.connect()
    except (OSError, ValueError) as error:  # a name that no server can have
        raise problem_of(error) from error


def read(connection: Connection, statement: Select[Any] | Executable, columns: dict[str, Kind]) -> pd.DataFrame:
    """Run ``statement``; a DataFrame with exactly ``columns`` and their types, and the SQL in ``attrs["sql"]``
    (not on a connection with the execution option UNTOLD: writing it out takes as long as many an answer).

    Kinds: pandas' "str", "int64", "float64", "bool"; "utc" for timestamps (datetime64[ns, UTC], NaT where unreadable).
    """
    frame = _frame(connection, statement, list(columns))
    if connection.dialect.name == "sqlite" and any(
        _has_bytes(frame[name]) for name in columns if columns[name] == "str"
    ):
        statement = statement.execution_options(**{AS_TEXT: True})
        frame = _frame(connection, statement, list(columns))
    for name, kind in columns.items():
        frame[name] = to_utc(frame[name]) if kind == "utc" else frame[name].astype(kind)
    if not connection.get_execution_options().get(UNTOLD):
        frame.attrs["sql"] = sql_text(connection, statement)
    return frame


def rows_of(connection: Connection, statement: Select[Any]) -> Sequence[Row[Any]]:
    """All rows of the answer. SQLite may hold bytes that are not UTF-8 as a text: those are U+FFFD."""
    try:
        return connection.execute(statement).fetchall()
    except OperationalError as error:
        if "decode to UTF-8" not in str(error.orig):
            raise
        return connection.execute(statement.execution_options(**{AS_TEXT: True})).fetchall()


def _frame(connection: Connection, statement: Any, names: list[str]) -> pd.DataFrame:
    return pd.DataFrame.from_records([tuple(row) for row in rows_of(connection, statement)], columns=names)


def _has_bytes(values: pd.Series[Any]) -> bool:
    return bool(values.dtype == object) and infer_dtype(values) in ("bytes", "mixed")


def no_rows(columns: dict[str, Kind]) -> pd.DataFrame:
    """An empty DataFrame with ``columns`` and their types, for a table that this installation does not have."""
    kinds = {name: "datetime64[ns, UTC]" if kind == "utc" else kind for name, kind in columns.items()}
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds.items()})


def to_utc(values: pd.Series[Any]) -> pd.Series[Any]:
    """Timestamps in any shape that lib.reading knows, or real ones, as datetime64[ns, UTC]; NaT where there is none."""
    if is_numeric_dtype(values) or is_object_dtype(values):  # pandas would take a number for nanoseconds
        values = values.astype("object").map(_number_as_time, na_action="ignore")
    parsed = _parsed(values)
    odd = parsed.isna() & values.notna()
    if odd.any():
        parsed[odd] = _parsed(values[odd].map(read_time))
    return parsed


def _number_as_time(value: Any) -> Any:
    return read_time(value) if isinstance(value, int | float | Decimal) else value


def _parsed(values: pd.Series[Any]) -> pd.Series[Any]:
    parsed = pd.to_datetime(values, format="ISO8601", utc=True, errors="coerce")
    # Nanoseconds hold the years 1678 to 2261; pandas would raise on the others.
    return parsed.where(parsed.dt.year.between(1678, 2261)).astype("datetime64[ns, UTC]")


def sql_text(connection: Connection, statement: Any) -> str:
    """The statement as the database gets it, values written out, for people who want to check a number."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
    return as_in_schema(connection, str(compiled), statement.get_execution_options())


def has_table(connection: Connection, name: str) -> bool:
    """Whether the database has one of the seven tables, be it a view."""
    return name in present_tables(connection)


def newest(values: pd.Series[Any]) -> datetime | None:
    """The latest of datetime64 values as a datetime, None where there is none."""
    latest = values.max()
    return None if pd.isna(latest) else latest.to_pydatetime()


def database_key(url: URL) -> str:
    """What makes two addresses the same database: the file with its folders, or server, port, database and options.

    Sixteen hexadecimal digits: it is written into files that go by mail, and paths and servers are nobody's business.
    """
    if url.get_backend_name() == "sqlite":
        parts = [str(Path(str(url.database)).expanduser().absolute())]
    else:
        parts = [
            url.host or "localhost",
            str(url.port or _USUAL_PORT),
            url.database or "",
            str(url.query.get("options", "")),
        ]
    told = "\n".join([url.get_backend_name(), *parts])
    return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def shown_address(url: URL) -> str:
    """The database for people: the file's name, or server and database; never user or password."""
    if url.get_backend_name() == "sqlite":
        return Path(str(url.database)).name
    return f"{url.host or 'localhost'}/{url.database or ''}"
