"""Our queries on a PostgreSQL server of its own, beside bare SQL through psycopg, and over a tenth of the history."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
from sqlalchemy import Boolean, Column, Connection, DateTime, Engine, Table
from sqlalchemy.schema import CreateTable

from lib.database import connect, database_url, open_engine, to_utc
from lib.queries.mistakes import top_mistakes
from lib.schema import TABLES
from lib.schema.indexes import create_indexes
from tests.benchmarks.data import short_history
from tests.benchmarks.queries import BARE_BAR, GROWTH_BAR, agree, asked
from tests.benchmarks.questions import MONTH, WHERE, of_mistakes, of_sessions, with_the_same_window
from tests.benchmarks.rows import Row, Timer
from tests.postgres import Server

CHUNK = 100_000  # rows that are in memory while a table is copied


def postgres_rows(path: Path, timer: Timer) -> Iterator[Row]:
    """The questions about mistakes and sessions, of the data in the SQLite file ``path``, which answers the same."""
    with _server() as server:
        long, short = (_filled(server, name, file) for name, file in (("long", path), ("short", short_history(path))))
        yield from _bare_rows(long, path, timer)
        yield from _growth_rows(long, short, timer)


def _bare_rows(url: str, path: Path, timer: Timer) -> Iterator[Row]:
    engine, file = open_engine(database_url(url)), open_engine(database_url(str(path)))
    with connect(engine) as connection:
        shown = top_mistakes(connection, MONTH, WHERE, limit=10).rows
    with psycopg.connect(url, autocommit=True, options="-c timezone=UTC") as bare:
        for question in (*of_mistakes(shown), *of_sessions()):
            answer = asked(engine, question)
            agree(question, "SQLite", question.numbers(asked(file, question)), question.numbers(answer))
            sql = str(answer.attrs["sql"]).encode()
            times = timer.compare(
                {"ours": partial(asked, engine, question), "bare": lambda sql=sql: bare.execute(sql).fetchall()}
            )
            yield Row(
                f"PostgreSQL: {question.name}", times["ours"], "bare SQL through psycopg", times["bare"], BARE_BAR
            )
    engine.dispose()


def _growth_rows(long: str, short: str, timer: Timer) -> Iterator[Row]:
    engines: dict[str, Engine] = {
        name: open_engine(database_url(url)) for name, url in (("long", long), ("short", short))
    }
    for question in with_the_same_window():
        works = {name: partial(asked, engine, question) for name, engine in engines.items()}
        agree(question, "the short history", *(question.numbers(work()) for work in reversed(works.values())))
        times = timer.compare(works)
        name = f"PostgreSQL: {question.name}"
        yield Row(name, times["long"], "over a tenth of the history", times["short"], GROWTH_BAR)
    for engine in engines.values():
        engine.dispose()


@contextmanager
def _server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server.start_new(Path(folder))
        try:
            yield server
        finally:
            server.remove()


def _filled(server: Server, name: str, path: Path) -> str:
    """A database with the rows of the SQLite file, the indexes of the schema and statistics; its address."""
    print(f"copying {path} into PostgreSQL", flush=True)
    url = server.create_database(name)
    engine = open_engine(database_url(url), writable=True)
    with sqlite3.connect(path) as source, connect(engine) as target:
        for table in TABLES:
            # Rows of users who are gone are part of the data, and no reference would let them in.
            target.execute(CreateTable(table, include_foreign_key_constraints=[]))
            rows = source.execute(f'SELECT * FROM "{table.name}"')
            while chunk := rows.fetchmany(CHUNK):
                _copy(target, table, chunk)
        target.commit()
        create_indexes(target)
    engine.dispose()
    server.execute("VACUUM ANALYZE", name)
    return url


def _copy(target: Connection, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    columns = [_values(column, values) for column, values in zip(table.columns, zip(*rows, strict=True), strict=True)]
    raw: Any = target.connection.driver_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
        for row in zip(*columns, strict=True):
            copy.write_row(row)


def _values(column: Column[Any], values: Sequence[Any]) -> Sequence[Any]:
    """What SQLite holds as text or number, as the column's type; a time that cannot be read is none."""
    if isinstance(column.type, DateTime):
        return [None if pd.isna(time) else time.to_pydatetime() for time in to_utc(pd.Series(values, dtype="object"))]
    if isinstance(column.type, Boolean):
        return [None if value is None else bool(value) for value in values]
    return values
