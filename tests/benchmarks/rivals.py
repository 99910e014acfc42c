"""The other ways: DuckDB on its own copy of the tables, and whole tables in pandas."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd

from lib.database import to_utc
from lib.schema import coaching_sessions, detected_errors, users
from tests.benchmarks.questions import Question, Tables
from tests.benchmarks.rows import Timer

TIMES = ("started_at", "ended_at", "detected_at", "created_at", "last_active")
CHUNK = 500_000


def duck_copy(path: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB's own copy of three tables, in its columns, with real timestamps."""
    copy = path.with_suffix(".duckdb")
    if not copy.exists():
        print(f"copying {path} for DuckDB", flush=True)
        unfinished = copy.with_suffix(".part")
        unfinished.unlink(missing_ok=True)
        with duckdb.connect(str(unfinished)) as connection:
            for table in (users, coaching_sessions, detected_errors):
                _copy(connection, path, table.name)
        unfinished.replace(copy)
    return duckdb.connect(str(copy), read_only=True)


def _copy(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    with sqlite3.connect(path) as source:
        for place, chunk in enumerate(pd.read_sql_query(f"SELECT * FROM {name}", source, chunksize=CHUNK)):
            frame = with_times(chunk)
            for column in set(TIMES) & set(frame.columns):
                frame[column] = frame[column].dt.tz_localize(None)
            connection.register("chunk", frame)
            into = f"INSERT INTO {name}" if place else f"CREATE TABLE {name} AS"
            connection.execute(f"{into} SELECT * FROM chunk")


def with_times(frame: pd.DataFrame) -> pd.DataFrame:
    """Timestamps as such: texts in mixed shapes are of no use for comparing."""
    return frame.assign(**{name: to_utc(frame[name]) for name in TIMES if name in frame})


def pandas_times(path: Path, questions: Sequence[Question]) -> dict[str, tuple[float, object]]:
    """For each question the time in ms to read its tables as a whole and to group them, and the answer.

    Each table is read once, and its time is put on each question that needs it. Takes some 5 GB for 5 million rows.
    """
    tables: Tables = {}
    loading: dict[str, float] = {}
    times = {}
    for question in questions:
        for name in question.tables:
            if name not in tables:
                start = time.perf_counter()
                with sqlite3.connect(path) as source:
                    tables[name] = with_times(pd.read_sql_query(f"SELECT * FROM {name}", source))
                loading[name] = (time.perf_counter() - start) * 1_000
        answer = question.numbers(question.pandas(tables))
        grouping = Timer().once(partial(question.pandas, tables))
        times[question.name] = (sum(loading[name] for name in question.tables) + grouping, answer)
    return times
