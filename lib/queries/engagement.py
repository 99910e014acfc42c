"""Who practised: sessions by role and by level, in any number of windows at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Select, and_, func, literal, or_, select, union_all

from lib.database import Kind, read
from lib.dialects import EMPTY, UNKNOWN, amount, in_window, is_blank, is_one_of, is_readable, number, text_or
from lib.period import Period
from lib.schema import coaching_sessions as s
from lib.schema import users as u

COLUMNS: dict[str, Kind] = {
    "window": "int64",
    "group": "str",
    "users": "int64",
    "sessions": "int64",
    "scored": "int64",
    "score_sum": "float64",
    "counted": "int64",
    "mistake_sum": "float64",
}


def sessions_by_role(
    connection: Connection, periods: Sequence[Period], *, completed_only: bool, levels: Collection[str] = ()
) -> pd.DataFrame:
    """One row per window and role that has sessions.

    Columns: window (int, place in ``periods``), group (str, the role as written; "unknown" for sessions without a
    known user or role), users (int, distinct), sessions (int), scored (int, sessions that have a confidence score),
    score_sum (float, sum of those scores), counted (int, sessions that have a number of mistakes), mistake_sum (float).
    Sums instead of averages, so that groups add up to a total.
    """
    where = level_is(levels) if levels else None
    return _by(text_or(u.c.role, UNKNOWN), connection, periods, completed_only, where)


def sessions_by_level(
    connection: Connection, periods: Sequence[Period], *, completed_only: bool, roles: Collection[str] = ()
) -> pd.DataFrame:
    """The same columns as ``sessions_by_role``; group is the user's English level today, or "unknown"."""
    where = _is_one_of(u.c.role, roles) if roles else None
    return _by(text_or(u.c.english_level, UNKNOWN), connection, periods, completed_only, where)


def _by(
    group: ColumnElement[str],
    connection: Connection,
    periods: Sequence[Period],
    completed_only: bool,
    where: ColumnElement[bool] | None,
) -> pd.DataFrame:
    parts = [_one_window(place, period, group, completed_only, where) for place, period in enumerate(periods)]
    return read(connection, union_all(*parts) if len(parts) > 1 else parts[0], COLUMNS)


def _one_window(
    place: int, period: Period, group: ColumnElement[str], completed_only: bool, where: ColumnElement[bool] | None
) -> Select[Any]:
    per_user = _per_user(period, completed_only)
    a = per_user.c
    query = (
        select(
            literal(place).label("window"),
            group.label("group"),
            func.count(func.nullif(a.user_id, EMPTY)).label("users"),
            func.sum(a.sessions),
            func.sum(a.scored),
            func.coalesce(func.sum(a.score_sum), 0.0),
            func.sum(a.counted),
            func.coalesce(func.sum(a.mistake_sum), 0),
        )
        .select_from(per_user.outerjoin(u, u.c.user_id == a.user_id))
        .group_by(group)
    )
    return query if where is None else query.where(where)


def _per_user(period: Period, completed_only: bool) -> Any:
    """Sessions are added up by user first: the join then looks up each user once, and users are distinct by itself."""
    wanted = (
        and_(in_window(s.c.started_at, period), is_readable(s.c.ended_at))
        if completed_only
        else in_window(s.c.started_at, period)
    )
    score, mistakes = number(s.c.confidence_score), amount(s.c.error_count)
    return (
        select(
            s.c.user_id,
            func.count().label("sessions"),
            func.count(score).label("scored"),
            func.sum(score).label("score_sum"),
            func.count(mistakes).label("counted"),
            func.sum(mistakes).label("mistake_sum"),
        )
        .where(wanted)
        .group_by(s.c.user_id)
        .subquery()
    )


def level_is(levels: Collection[str]) -> ColumnElement[bool]:
    """True for users at one of ``levels``; "unknown" stands for those without one, and for users who are gone."""
    return _is_one_of(u.c.english_level, levels)


def _is_one_of(column: ColumnElement[str], names: Collection[str]) -> ColumnElement[bool]:
    named = is_one_of(column, sorted(set(names)))
    return or_(named, is_blank(column)) if UNKNOWN in names else named
