"""The databases that are measured: generated once, kept in a folder, and given the indexes of today's schema."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import URL, Connection, NullPool, create_engine, inspect, text
from sqlalchemy.schema import CreateTable

from lib.database import connect, database_url, open_engine
from lib.sample import END, generate
from lib.schema import TABLES, TIME_COLUMN
from lib.schema.indexes import create_indexes, indexes_for, missing_indexes

RECENT_DAYS = 23  # the last ones of the sample's 18 months: they hold a tenth of the rows, as the product grows


@dataclass(frozen=True)
class Size:
    """How many rows."""

    users: int
    sessions: int
    errors: int


FULL = Size(100_000, 1_000_000, 5_000_000)
FIFTH = Size(20_000, 200_000, 1_000_000)
QUICK = Size(2_000, 20_000, 100_000)


def database(folder: Path, size: Size, *, distinct_texts: bool = False) -> Path:
    """The database with few different texts, or with a different one in every mistake."""
    path = folder / ("distinct.db" if distinct_texts else "bench.db")
    if not path.exists():
        print(f"generating {path}", flush=True)
        folder.mkdir(parents=True, exist_ok=True)
        generate(path, users=size.users, sessions=size.sessions, errors=size.errors, distinct_texts=distinct_texts)
    _bring_indexes_up_to_date(path)
    return path


def short_history(path: Path) -> Path:
    """A copy of the database with all users, but only the last tenth of the rows about what they did."""
    short = path.with_name(f"short_{path.name}")
    if not short.exists():
        print(f"generating {short}", flush=True)
        unfinished = short.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        _copy_tables(path, unfinished, (END - timedelta(days=RECENT_DAYS)).isoformat())
        unfinished.replace(short)
    _bring_indexes_up_to_date(short)
    return short


def _copy_tables(old: Path, new: Path, first_day: str) -> None:
    engine = create_engine(URL.create("sqlite", database=str(new)), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("PRAGMA synchronous = OFF"))
        connection.execute(text("ATTACH :old AS old"), {"old": str(old)})
        for table in TABLES:
            since = "" if table.name == "users" else f" WHERE {TIME_COLUMN[table.name]} >= '{first_day}'"
            connection.execute(CreateTable(table))
            connection.execute(text(f"INSERT INTO main.{table.name} SELECT * FROM old.{table.name}{since}"))
        connection.commit()
        connection.execute(text("DETACH old"))
        create_indexes(connection)


def _bring_indexes_up_to_date(path: Path) -> None:
    """A file that was kept may be older than the schema."""
    with connect(open_engine(database_url(str(path)))) as connection:
        strangers = _strangers(connection)
        if not strangers and not missing_indexes(connection):
            return
    print(f"indexing {path}", flush=True)
    with connect(open_engine(database_url(str(path)), writable=True)) as connection:
        for name in strangers:
            connection.execute(text(f"DROP INDEX {name}"))
        create_indexes(connection)


def _strangers(connection: Connection) -> list[str]:
    """The names of indexes that the schema does not have."""
    inspector = inspect(connection)
    wanted = {tuple(column.name for column in index.columns) for index in indexes_for(connection)}
    present = [index for table in TABLES for index in inspector.get_indexes(table.name)]
    return [str(index["name"]) for index in present if tuple(index["column_names"]) not in wanted]
