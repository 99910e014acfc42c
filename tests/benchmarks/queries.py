"""Our queries beside bare SQL, DuckDB and pandas, and the same window over a tenth of the history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from lib.database import connect, database_url, open_engine
from lib.queries.mistakes import top_mistakes
from tests.benchmarks.data import short_history
from tests.benchmarks.questions import (
    MONTH,
    WHERE,
    Question,
    of_mistakes,
    of_sessions,
    with_the_same_window,
)
from tests.benchmarks.rivals import duck_copy, pandas_times
from tests.benchmarks.rows import Bar, Row, Timer

BARE_BAR, DUCK_BAR, PANDAS_BAR, GROWTH_BAR = Bar("times", 1.2), Bar("times", 1.5), Bar("faster", 50), Bar("times", 1.3)


def query_rows(path: Path, kind: str, timer: Timer, *, sessions_too: bool, pandas_too: bool) -> Iterator[Row]:
    """Three rows a question. ``kind`` says which texts the database has."""
    engine = open_engine(database_url(str(path)))
    with connect(engine) as connection:
        shown = top_mistakes(connection, MONTH, WHERE, limit=10).rows
    questions = of_mistakes(shown) + (of_sessions() if sessions_too else [])
    whole = _in_a_process_of_its_own(path, shown, sessions_too) if pandas_too else {}
    with duck_copy(path) as duck, sqlite3.connect(path) as bare:
        for question in questions:
            yield from _rows(question, kind, timer, engine, bare, duck, whole)


def _rows(
    question: Question,
    kind: str,
    timer: Timer,
    engine: Engine,
    bare: sqlite3.Connection,
    duck: Any,
    whole: dict[str, tuple[float, object]],
) -> Iterator[Row]:
    answer = asked(engine, question)
    sql = str(answer.attrs["sql"])
    agree(question, "DuckDB", question.numbers(duck.execute(question.duck).df()), question.numbers(answer))
    times = timer.compare(
        {
            "ours": lambda: asked(engine, question),
            "bare": lambda: bare.execute(sql).fetchall(),
            "duck": lambda: duck.execute(question.duck).df(),
        }
    )
    name = f"{question.name} ({kind})" if question.tables == ("detected_errors",) else question.name
    yield Row(name, times["ours"], "bare SQL through sqlite3", times["bare"], BARE_BAR)
    yield Row(name, times["ours"], "DuckDB on its own copy", times["duck"], DUCK_BAR)
    if question.name in whole:
        time, numbers = whole[question.name]
        agree(question, "pandas", numbers, question.numbers(answer))
        yield Row(name, times["ours"], "whole tables into pandas", time, PANDAS_BAR)


def asked(engine: Engine, question: Question) -> pd.DataFrame:
    """Our answer, over a connection as the app opens it."""
    with connect(engine) as connection:
        return question.ask(connection)


def agree(question: Question, other: str, theirs: object, ours: object) -> None:
    """A comparison of times says nothing when the answers differ."""
    if theirs != ours:
        raise AssertionError(f"{question.name}: {other} answers {theirs}, we answer {ours}")


def _in_a_process_of_its_own(path: Path, shown: pd.DataFrame, sessions_too: bool) -> dict[str, tuple[float, object]]:
    """The memory that whole tables take is given back with the process."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_pandas_times, (path, shown, sessions_too))


def _pandas_times(path: Path, shown: pd.DataFrame, sessions_too: bool) -> dict[str, tuple[float, object]]:
    return pandas_times(path, of_mistakes(shown) + (of_sessions() if sessions_too else []))


def growth_rows(path: Path, timer: Timer) -> Iterator[Row]:
    """The same window over the whole history, beside the last tenth of it."""
    paths = {"long": path, "short": short_history(path)}
    engines = {name: open_engine(database_url(str(file))) for name, file in paths.items()}
    for question in with_the_same_window():
        works = {name: partial(asked, engine, question) for name, engine in engines.items()}
        agree(question, "the short history", *(question.numbers(work()) for work in reversed(works.values())))
        times = timer.compare(works)
        yield Row(question.name, times["long"], "over a tenth of the history", times["short"], GROWTH_BAR)
