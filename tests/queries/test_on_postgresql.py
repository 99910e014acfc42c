"""Every query can be written for PostgreSQL too; no server is needed to see that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from functools import partial
from itertools import product
from typing import Any

import pandas as pd
import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from lib.period import Period
from lib.queries import conversion, corrections, engagement, freshness, health, mistakes
from lib.queries.health import TableState, count_oddities
from lib.queries.mistakes import Cell, MistakeFilter
from lib.schema import TABLES, users

PERIOD = Period(date(2026, 11, 22), 14, "Europe/Berlin")
CELLS = (
    Cell("type", "unknown", "articles"),
    Cell("level", "unknown", "uncategorised"),
    Cell("level", "B2", "articles"),
    Cell("domain", "technical", "IT English"),
    Cell("week", "2026-11-16", "articles", PERIOD.weeks[-1]),
)
NARROW = MistakeFilter(("detected", "it", "pricing"), ("grammar", "unknown"), ("B2", "unknown"), CELLS)
WIDE = MistakeFilter(("detected", "it", "pricing"))
ROWS = pd.DataFrame([("grammar", "articles", "a", 3)] * 2, columns=["error_type", "error_category", "mistake", "n"])
STATES = [TableState(table.name, 1, None, ()) for table in TABLES]


class Answer:
    """Nothing, in each way in which it can be asked for."""

    def __init__(self, width: int) -> None:
        self.width = width

    def fetchall(self) -> list[Any]:
        return []

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def scalar(self) -> None:
        return None

    def scalar_one(self) -> int:
        return 0

    def one(self) -> tuple[int, ...]:
        return (0,) * self.width


class PostgreSQL:
    """A connection that only writes down what PostgreSQL would be asked."""

    def __init__(self) -> None:
        self.dialect: Dialect = postgresql.dialect()
        self.asked: list[str] = []

    def execute(self, statement: Any) -> Answer:
        self.asked.append(str(statement.compile(dialect=self.dialect)))
        return Answer(len(statement.selected_columns))


@pytest.fixture
def postgres(monkeypatch: pytest.MonkeyPatch) -> PostgreSQL:
    for module in (conversion, corrections, mistakes):
        monkeypatch.setattr(module, "has_table", lambda connection, name: True)
    return PostgreSQL()


QUERIES: dict[str, Callable[[Any], object]] = {
    "sessions_by_role": lambda c: engagement.sessions_by_role(
        c, [PERIOD, PERIOD.before], completed_only=True, levels=["B2", "unknown"]
    ),
    "sessions_by_level": lambda c: engagement.sessions_by_level(c, PERIOD.weeks, completed_only=False),
    "scored_sessions": lambda c: conversion.scored_sessions(c, PERIOD),
    "scored_users": lambda c: conversion.scored_users(c, PERIOD),
    "newest_lead_scores": lambda c: conversion.newest_lead_scores(c, PERIOD),
    "newest_offers": lambda c: conversion.newest_offers(c, PERIOD),
    "offer_outcomes": lambda c: conversion.offer_outcomes(c, datetime(2026, 11, 23, tzinfo=UTC)),
    "find_users": lambda c: conversion.find_users(c, "50%"),
    "correct_forms": corrections.correct_forms,
    "newest_row": lambda c: freshness.newest_row(c, users),
    "count_oddities": lambda c: count_oddities(c, STATES),
    "session_count": lambda c: mistakes.session_count(c, PERIOD, NARROW),
}
VIEWS = ["type", "level", "week", "domain"]
for label, where in (("all", WIDE), ("narrowed", NARROW)):
    QUERIES[f"top_mistakes, {label}"] = partial(mistakes.top_mistakes, period=PERIOD, where=where, limit=10)
    QUERIES[f"mistake_details, {label}"] = partial(mistakes.mistake_details, period=PERIOD, where=where, rows=ROWS)
    QUERIES[f"mistake_totals, {label}"] = partial(mistakes.mistake_totals, periods=[PERIOD, PERIOD], where=where)
    for view in VIEWS:
        QUERIES[f"mistakes_by {view}, {label}"] = partial(mistakes.mistakes_by, period=PERIOD, where=where, view=view)


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_is_written_in_the_language_of_postgresql(postgres: PostgreSQL, name: str):
    QUERIES[name](postgres)
    assert postgres.asked
    for sql in postgres.asked:
        assert not re.search(r"\b(GLOB|julianday|datetime|strftime|substr)\b", sql), sql


@pytest.mark.parametrize(("narrow", "view"), list(product([WIDE, NARROW], VIEWS)))
def test_postgresql_is_never_asked_to_group_by_a_constant(postgres: PostgreSQL, narrow: MistakeFilter, view: Any):
    mistakes.mistakes_by(postgres, PERIOD, narrow, view)
    for sql in postgres.asked:
        for group in re.findall(r"GROUP BY (.*?)(?: UNION|\) AS|$)", sql, re.DOTALL):
            assert not re.search(r"(^|, )'[^']*'(,|$)", group.strip()), group


def test_health_asks_no_server_whether_its_timestamps_can_be_read(postgres: PostgreSQL):
    health.count_oddities(postgres, STATES)
    assert all("(1 = 0)" in sql for sql in postgres.asked)
