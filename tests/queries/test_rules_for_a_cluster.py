"""Every statement of lib/queries keeps the rules that let it run unchanged on a PostgreSQL that is spread by user."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable
from datetime import date
from functools import partial
from importlib import import_module
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import (
    Connection,
    Date,
    Integer,
    and_,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite

import lib.queries
from lib.dialects import code_points, in_window
from lib.period import Period
from lib.queries import conversion, corrections, engagement, freshness, health, mistakes, people
from lib.queries.mistakes import Cell, MistakeFilter
from lib.schema import TABLES, detected_errors, lead_scores, users
from lib.schema import coaching_sessions as s
from tests.conftest import asked_of
from tests.queries.rules import broken_rules

d = detected_errors
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

# Each query in the ways in which it can be asked.
Ask = Callable[[Connection], object]
QUERIES: dict[str, list[Ask]] = {
    "conversion.scored_sessions": [lambda c: conversion.scored_sessions(c, PERIOD)],
    "conversion.scored_sessions_of": [lambda c: conversion.scored_sessions_of(c, PERIOD, "ann")],
    "conversion.scored_users": [
        partial(conversion.scored_users, period=PERIOD, with_addresses=may) for may in (True, False)
    ],
    "conversion.newest_lead_scores": [lambda c: conversion.newest_lead_scores(c, PERIOD)],
    "conversion.past_offers": [lambda c: conversion.past_offers(c, PERIOD)],
    "conversion.offer_outcomes": [lambda c: conversion.offer_outcomes(c, PERIOD.end, PERIOD.start)],
    "conversion.find_users": [partial(conversion.find_users, words="50%", with_addresses=may) for may in (True, False)],
    "corrections.correct_forms": [corrections.correct_forms, partial(corrections.correct_forms, texts=["a"])],
    "engagement.sessions_by_role": [
        lambda c: engagement.sessions_by_role(c, [PERIOD], completed_only=False),
        lambda c: engagement.sessions_by_role(c, PERIOD.weeks, completed_only=True, levels=["B2", "unknown"]),
    ],
    "engagement.sessions_by_level": [
        lambda c: engagement.sessions_by_level(c, [PERIOD], completed_only=False),
        lambda c: engagement.sessions_by_level(c, PERIOD.weeks, completed_only=True, roles=["free", "unknown"]),
    ],
    "freshness.newest_session": [partial(freshness.newest_session, until=PERIOD.end)],
    "freshness.oldest_session": [freshness.oldest_session],
    "freshness.newest_row": [partial(freshness.newest_row, table=table, until=PERIOD.end) for table in TABLES],
    "health.table_states": [partial(health.table_states, until=PERIOD.end)],
    "health.count_oddities": [lambda c: health.count_oddities(c, health.table_states(c, PERIOD.end), PERIOD.end)],
    "health.oddity_table": [lambda c: health.oddity_table(c, health.table_states(c, PERIOD.end), PERIOD.end)],
    "mistakes.top_mistakes": [
        partial(mistakes.top_mistakes, period=PERIOD, where=where, limit=10) for where in (WIDE, NARROW)
    ],
    "mistakes.mistake_details": [
        partial(mistakes.mistake_details, period=PERIOD, where=where, rows=ROWS) for where in (WIDE, NARROW)
    ],
    "mistakes.mistake_totals": [
        partial(mistakes.mistake_totals, periods=[PERIOD, PERIOD], where=where) for where in (WIDE, NARROW)
    ],
    "mistakes.mistakes_by": [
        partial(mistakes.mistakes_by, period=PERIOD, where=where, view=view)
        for where in (WIDE, NARROW)
        for view in ("type", "level", "week", "domain")
    ],
    "mistakes.session_count": [partial(mistakes.session_count, period=PERIOD, where=where) for where in (WIDE, NARROW)],
    "people.everybody": [lambda c: list(people.everybody(c))],
}
# They ask the catalogue of the server alone, or what a person wrote.
NO_QUERIES = {"health.missing_parts"}
FOR_STATEMENTS_OF_OTHERS = ("own", "sqlite_apart", "wall", "wall_postgresql", "wall_sqlite")


def statements_of(connection: Connection, name: str) -> list[Any]:
    """What a query asks our tables."""
    with asked_of(connection) as statements:
        for ask in QUERIES[name]:
            ask(connection)
    return [one for one in statements if "pg_catalog" not in str(one.compile(dialect=connection.dialect))]


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_keeps_the_rules(worked: Connection, name: str):
    statements = statements_of(worked, name)
    assert len(statements) >= len(QUERIES[name])
    assert [broken for statement in statements for broken in broken_rules(statement)] == []


def test_no_query_is_forgotten():
    public = {
        f"{module}.{name}"
        for _, module, _ in pkgutil.iter_modules(lib.queries.__path__)
        if module not in FOR_STATEMENTS_OF_OTHERS
        for name, function in inspect.getmembers(import_module(f"lib.queries.{module}"), inspect.isfunction)
        if function.__module__ == f"lib.queries.{module}"
        and not name.startswith("_")
        and "connection" in inspect.signature(function).parameters
    }
    assert public == QUERIES.keys() | NO_QUERIES


# Each rule can be broken

PER_USER = select(s.c.user_id, func.count().label("sessions")).group_by(s.c.user_id).subquery()
LAST = func.row_number().over(order_by=s.c.started_at)
NEW_LEAD = {"score_id": "1", "user_id": "ann"}
UPSERTS = [(dialect.insert(lead_scores).values(NEW_LEAD)) for dialect in (postgresql, sqlite)]

WRONG: dict[str, tuple[Any, str]] = {
    "joined on the session alone": (select(s).join(d, d.c.session_id == s.c.session_id), "a join"),
    "joined on a user or a session": (
        select(s).join(d, or_(d.c.session_id == s.c.session_id, d.c.user_id == s.c.user_id)),
        "a join",
    ),
    "a user joined with itself": (select(s).join(d, d.c.user_id == d.c.user_id), "a join"),
    "joined on different things": (select(s).join(d, d.c.user_id == s.c.session_id), "a join"),
    "joined on the number of a user": (
        select(users).join(PER_USER, PER_USER.c.sessions == users.c.user_id),
        "a join",
    ),
    "crossed": (select(users).join(s, true()), "a join"),
    "side by side": (select(users.c.user_id, s.c.session_id), "side by side"),
    "side by side by session": (select(s, d).where(s.c.session_id == d.c.session_id), "side by side"),
    "EXISTS on the session alone": (
        select(s).where(exists().where(d.c.session_id == s.c.session_id)),
        "a subquery on the one around it",
    ),
    "EXISTS on nothing": (select(s).where(select(d.c.user_id).where(s.c.user_id != "").exists()), "a subquery"),
    "EXISTS on a user or not": (
        select(s).where(exists().where(or_(d.c.user_id == s.c.user_id, d.c.severity == "low"))),
        "a subquery on the one around it",
    ),
    "deep inside": (
        select(func.count()).select_from(
            select(literal(1).label("one")).union_all(select(s.c.user_id).join(d, d.c.error_id == s.c.phase)).subquery()
        ),
        "a join",
    ),
    "sessions IN sessions": (select(s).where(s.c.session_id.in_(select(d.c.session_id))), "IN (SELECT"),
    "a window over all rows": (select(s.c.user_id, LAST), "a window"),
    "a window by level": (select(func.rank().over(partition_by=s.c.user_level, order_by=s.c.started_at)), "a window"),
    "a window over a subquery that is not grouped": (
        select(func.count().over()).select_from(select(s.c.user_id).subquery()),
        "a window",
    ),
    "a window inside arithmetic": (select(LAST + 1), "a window"),
    "users NOT IN users": (select(users).where(users.c.user_id.not_in(select(s.c.user_id))), "NOT IN"),
    "ROLLUP": (select(func.count()).select_from(s).group_by(func.rollup(s.c.user_id, s.c.phase)), "rollup"),
    "GROUPING SETS": (select(func.count()).group_by(func.grouping_sets(tuple_(s.c.user_id))), "grouping_sets"),
    "percentile_cont": (select(func.percentile_cont(0.5).within_group(s.c.confidence_score)), "WITHIN GROUP"),
    "a recursive CTE": (select(select(literal(1).label("n")).cte(recursive=True).c.n), "recursive"),
    "LATERAL": (select(users).join(select(s.c.user_id).lateral("l"), true()), "LATERAL"),
    "DISTINCT ON": (select(s.c.user_id).ext(postgresql.distinct_on(s.c.user_id)), "DISTINCT ON"),
    "count(DISTINCT tuple)": (select(func.count(tuple_(s.c.user_id, s.c.phase).distinct())), "count(DISTINCT"),
    "OFFSET": (select(s.c.user_id).limit(10).offset(100_000), "OFFSET"),
    "OFFSET of a union": (select(s.c.user_id).union_all(select(d.c.user_id)).offset(1), "OFFSET"),
    "text": (text("select 1"), "text instead of a tree"),
    "text in a tree": (select(s.c.user_id).where(text("session_id in (select 1)")), "text instead of a tree"),
    "a cast to Date": (select(func.count()).group_by(cast(s.c.started_at, Date)), "a cast to Date"),
    "ON CONFLICT of the key alone": (UPSERTS[0].on_conflict_do_nothing(index_elements=["score_id"]), "ON CONFLICT"),
    "ON CONFLICT of the key alone, as a column": (
        UPSERTS[1].on_conflict_do_update(index_elements=[lead_scores.c.score_id], set_={"lead_status": "hot"}),
        "ON CONFLICT",
    ),
    "ON CONFLICT of anything": (UPSERTS[0].on_conflict_do_nothing(), "ON CONFLICT"),
    "now()": (UPSERTS[0].values(calculated_at=func.now()), "the clock"),
    "current_timestamp": (select(s).where(s.c.started_at < func.current_timestamp()), "the clock"),
    "texts in the server's order": (select(s.c.user_id).order_by(s.c.user_id.desc()), "order"),
    "texts in the server's order in a window": (
        select(func.rank().over(partition_by=s.c.user_id, order_by=s.c.session_id)),
        "order",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_statement_that_breaks_a_rule_is_found_out(name: str):
    statement, reason = WRONG[name]
    assert any(reason in broken for broken in broken_rules(statement)), broken_rules(statement)


RIGHT: dict[str, Any] = {
    "joined by user": select(s).join(users, users.c.user_id == s.c.user_id),
    "joined by user and session": select(s).outerjoin(
        d, and_(s.c.session_id == d.c.session_id, s.c.user_id == d.c.user_id)
    ),
    "three tables by user": select(s)
    .join(users, users.c.user_id == s.c.user_id)
    .join(d, and_(d.c.user_id == users.c.user_id, in_window(d.c.detected_at, PERIOD))),
    "joined with a subquery": select(users).join(PER_USER, PER_USER.c.user_id == users.c.user_id),
    "EXISTS by user": select(s).where(~exists().where(d.c.user_id == s.c.user_id, d.c.session_id == s.c.session_id)),
    "side by side by user": select(s, d).where(s.c.user_id == d.c.user_id),
    "users IN users": select(users).where(users.c.user_id.in_(select(s.c.user_id))),
    "IN a list": select(users).where(users.c.role.not_in(["free", "coach"])),
    "a window by user": select(func.lag(s.c.started_at).over(partition_by=s.c.user_id, order_by=s.c.started_at)),
    "a window over groups": select(func.sum(PER_USER.c.sessions).over()),
    "distinct users": select(func.count(s.c.user_id.distinct()), cast(func.sum(s.c.error_count), Integer)),
    "ON CONFLICT with the user": UPSERTS[0].on_conflict_do_nothing(index_elements=["user_id", "score_id"]),
    "texts by code point": select(s.c.user_id).order_by(code_points(s.c.user_id), s.c.started_at.desc()),
}


@pytest.mark.parametrize("name", RIGHT)
def test_a_statement_that_keeps_the_rules_is_let_through(name: str):
    assert broken_rules(RIGHT[name]) == []
