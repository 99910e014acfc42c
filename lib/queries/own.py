"""Questions of the installation's own: one statement that only reads, within a time and a number of rows."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pandas as pd
from sqlalchemy import Connection, Executable, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from lib.period import Period

PARAMETERS = ("start", "end", "as_of")
STEPS = 10_000  # of SQLite's machine between two looks at the clock: well under a millisecond
# What is no code: comments, texts, quoted names, and PostgreSQL's texts between dollars.
_NO_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(\w*)\$.*?\$\1\$", re.DOTALL)
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_STOPPED = re.compile(r"interrupted|statement timeout", re.IGNORECASE)


class AnalysisProblem(Exception):
    """An own analysis cannot be run; ``str()`` is one sentence that says why."""


@dataclass(frozen=True)
class Limits:
    """How long an own analysis may take, in seconds, and how many rows it may have."""

    seconds: float = 10
    rows: int = 10_000


@dataclass(frozen=True, eq=False)
class Answer:
    """``frame`` has the columns that the statement names; ``is_cut`` where there are more rows than the limit."""

    frame: pd.DataFrame
    is_cut: bool


def run_own(connection: Connection, sql: str, period: Period, limits: Limits) -> Answer:
    """Run one statement with :start, :end (the first instant after the window) and :as_of bound.

    Start and end are UTC, `2026-11-16` where that is midnight, else `2026-11-16 23:00:00`. Values come back as the
    database has them. Raises AnalysisProblem; a connection that is lost is the database's error, not the statement's.
    """
    statement = _statement(sql, period)
    try:
        with _time_limit(connection, limits.seconds):
            # One batch with one row more than wanted: a server that reads ahead is stopped there, too.
            result = connection.execute(statement.execution_options(yield_per=limits.rows + 1))
            try:
                names, rows = list(result.keys()), result.fetchmany(limits.rows + 1)
            finally:
                result.close()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        raise AnalysisProblem(_reason(error, limits.seconds)) from error
    values = [tuple(row) for row in rows[: limits.rows]]
    return Answer(pd.DataFrame(values, columns=_unique(names), dtype="object"), len(rows) > limits.rows)


def _statement(sql: str, period: Period) -> Executable:
    """``sql`` with its parameters bound. Each use is a value of its own: PostgreSQL may need it in two types."""
    values = {"start": _moment(period.start), "end": _moment(period.end), "as_of": period.as_of.isoformat()}
    bound: dict[str, str] = {}
    numbers = count(1)

    def bind(use: re.Match[str]) -> str:
        if use[1] not in values:
            raise AnalysisProblem(f"It has the parameter :{use[1]}; there are :start, :end and :as_of.")
        name = f"{use[1]}_{next(numbers)}"
        bound[name] = values[use[1]]
        return f":{name}"

    code = _checked(sql)
    pieces = _in_pieces(code, lambda part: _PARAMETER.sub(bind, part), lambda part: part.replace(":", r"\:"))
    # A value of no stated type takes the type of what it is compared with.
    return text(pieces).bindparams(*(bindparam(name, value, type_=NullType()) for name, value in bound.items()))


def _checked(sql: str) -> str:
    """``sql`` without its last semicolon; raises AnalysisProblem unless it is one statement that asks."""
    code = _in_pieces(sql, lambda part: part, _blanked).rstrip(" \t\r\n;")
    if not code.strip():
        raise AnalysisProblem("It holds no statement.")
    if ";" in code:
        raise AnalysisProblem("It holds more than one statement.")
    if code.split(maxsplit=1)[0].casefold() not in ("select", "with", "values"):
        raise AnalysisProblem("It does not begin with SELECT, WITH or VALUES, so it is no question.")
    return sql[: len(code)]


def _blanked(part: str) -> str:
    return (" " if part.startswith(("--", "/*")) else "x") * len(part)


def _in_pieces(sql: str, code: Callable[[str], str], other: Callable[[str], str]) -> str:
    pieces, end = [], 0
    for found in _NO_CODE.finditer(sql):
        pieces += [code(sql[end : found.start()]), other(found[0])]
        end = found.end()
    return "".join([*pieces, code(sql[end:])])


def _moment(instant: datetime) -> str:
    """A bare day where that says it: SQLite compares it rightly with timestamps of every shape."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%d}" if utc.time() == utc.min.time() else f"{utc:%Y-%m-%d %H:%M:%S}"


@contextmanager
def _time_limit(connection: Connection, seconds: float) -> Iterator[None]:
    """Whatever runs inside is stopped after ``seconds``, and leaves the connection as it was."""
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.driver_connection
        end = time.monotonic() + seconds
        raw.set_progress_handler(lambda: time.monotonic() > end, STEPS)
        try:
            yield
        finally:
            raw.set_progress_handler(None, 0)
    else:
        point = connection.begin_nested()  # what is set inside, and what breaks, ends with it
        try:
            connection.execute(text(f"SET LOCAL statement_timeout = {round(seconds * 1000)}"))
            yield
        finally:
            point.rollback()


def _reason(error: DBAPIError, seconds: float) -> str:
    message = str(error.orig).strip().partition("\n")[0]
    if _STOPPED.search(message):
        return f"It took longer than {seconds:g} seconds and was stopped."
    return f"The database refuses it: {message[:300].rstrip('.')}."


def _unique(names: list[str]) -> list[str]:
    """Names of columns, each once: two called id become `id` and `id 2`."""
    taken: list[str] = []
    for name in names:
        options = (name if number == 1 else f"{name} {number}" for number in count(1))
        taken.append(next(option for option in options if option not in taken))
    return taken
