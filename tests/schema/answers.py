"""What the pages ask a database, to compare two of them, or one before and after."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import psycopg
from sqlalchemy import Connection

from lib.database import connect, database_url, open_engine
from lib.period import Period
from lib.queries import conversion, engagement, health, mistakes
from lib.queries.mistakes import MistakeFilter

PERIOD = Period(date(2026, 11, 22), 30, "UTC")
TOMORROW = datetime(2026, 11, 24, tzinfo=UTC)
EVERYTHING = MistakeFilter(("detected", "it", "pricing"))


def answers(url: str) -> list[pd.DataFrame]:
    """The answers of the database at ``url`` about the worked cases' days."""
    with connect(open_engine(database_url(url))) as connection:
        return [*_ranked(connection), *map(_in_order, _unordered(connection))]


def oddities(url: str) -> pd.DataFrame:
    """What Data health counts."""
    with connect(open_engine(database_url(url))) as connection:
        return health.oddity_table(connection, health.table_states(connection, TOMORROW), TOMORROW)


def changed(address: str | Path, *statements: str) -> str:
    """The address of the database, after these statements."""
    if isinstance(address, Path):
        with closing(sqlite3.connect(address)) as connection, connection:
            connection.executescript(";\n".join(statements))
    else:
        with psycopg.connect(address) as connection:
            for statement in statements:
                connection.execute(statement)
    return str(address)


def same_answers(before: list[pd.DataFrame], after: list[pd.DataFrame]) -> None:
    """Fail where two lists of answers are not equal, and where they hold nothing that could differ."""
    assert sum(len(frame) for frame in before)
    for left, right in zip(before, after, strict=True):
        pd.testing.assert_frame_equal(left, right)


def _ranked(c: Connection) -> Iterator[pd.DataFrame]:
    top = mistakes.top_mistakes(c, PERIOD, EVERYTHING, limit=10)
    yield top.rows.assign(total=top.total, different=top.different, left_out=top.left_out)
    yield mistakes.mistake_details(c, PERIOD, EVERYTHING, top.rows).reset_index(drop=True)
    yield pd.DataFrame([conversion.offer_outcomes(c, PERIOD.end, PERIOD.start)])


def _unordered(c: Connection) -> Iterator[pd.DataFrame]:
    yield engagement.sessions_by_role(c, [PERIOD, PERIOD.before], completed_only=True)
    yield engagement.sessions_by_level(c, [PERIOD], completed_only=False)
    for view in ("type", "level", "week", "domain"):
        yield mistakes.mistakes_by(c, PERIOD, EVERYTHING, view)
    yield conversion.scored_sessions(c, PERIOD)
    yield conversion.scored_users(c, PERIOD, with_addresses=True)
    yield conversion.newest_lead_scores(c, PERIOD)
    yield conversion.past_offers(c, PERIOD)


def _in_order(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.sort_values(list(frame.columns), ignore_index=True)
