"""Free users and their scores, what is known about them, and what became of past offers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    case,
    cast,
    func,
    not_,
    or_,
    select,
)
from sqlalchemy.sql.expression import Subquery

from lib.addresses import ADDRESS_SIGNS
from lib.database import Kind, has_table, no_rows, read
from lib.dialects import EMPTY, before, code_points, in_window, is_neither, is_one_of, is_yes, moment, number
from lib.period import Period
from lib.schema import coaching_sessions as s
from lib.schema import conversion_triggers as t
from lib.schema import lead_scores, users

FREE = "free"
_SCORE = number(s.c.confidence_score)

_SCORES: dict[str, Kind] = {"user_id": "str", "session_id": "str", "started_at": "utc", "confidence_score": "float64"}
_USERS: dict[str, Kind] = {"user_id": "str", "email": "str", "has_address": "bool", "english_level": "str"}
_LEADS: dict[str, Kind] = {"user_id": "str", "lead_score": "float64", "lead_status": "str"}
_OFFERS: dict[str, Kind] = {"user_id": "str", "trigger_id": "str", "offered_at": "utc", "offer_accepted": "float64"}
_FOUND: dict[str, Kind] = {"user_id": "str", "email": "str", "role": "str", "english_level": "str"}


def scored_sessions(connection: Connection, period: Period) -> pd.DataFrame:
    """The sessions of free users in ``period`` that have a confidence score, in no particular order.

    Columns: user_id, session_id (str), started_at (datetime64[ns, UTC]), confidence_score (float, 1-10).
    """
    query = _of_free_users(select(s.c.user_id, s.c.session_id, s.c.started_at, _SCORE), period)
    return read(connection, query, _SCORES).dropna(subset=["started_at"])


def scored_sessions_of(connection: Connection, period: Period, user_id: str) -> pd.DataFrame:
    """The same of one user, whatever the role."""
    query = select(s.c.user_id, s.c.session_id, s.c.started_at, _SCORE).where(
        is_one_of(s.c.user_id, [user_id]), in_window(s.c.started_at, period), _SCORE.is_not(None)
    )
    return read(connection, query, _SCORES).dropna(subset=["started_at"])


def scored_users(connection: Connection, period: Period, *, with_addresses: bool) -> pd.DataFrame:
    """Who those sessions belong to. Columns: user_id, email (str), has_address (bool), english_level (str).

    Without addresses the column email is not read, and is empty; whether there is one is asked of the database.
    """
    ids = _scored_ids(period)
    has_address = case((users.c.email.like("%_@_%"), 1), else_=0)
    query = select(users.c.user_id, _email(with_addresses), has_address, users.c.english_level)
    return read(connection, query.join(ids, ids.c.user_id == users.c.user_id), _USERS)


def newest_lead_scores(connection: Connection, period: Period) -> pd.DataFrame:
    """The newest lead score of each of those users at the end of ``period``.

    Columns: user_id (str), lead_score (float), lead_status (str).
    """
    leads = lead_scores
    if not has_table(connection, leads.name):
        return no_rows(_LEADS)
    return read(
        connection,
        _newest(
            select(leads.c.user_id, number(leads.c.overall_score), leads.c.lead_status).where(
                before(leads.c.calculated_at, period.end)
            ),
            leads.c.user_id,
            [moment(leads.c.calculated_at).desc(), code_points(leads.c.score_id).desc()],
            period,
        ),
        _LEADS,
    )


def past_offers(connection: Connection, period: Period) -> pd.DataFrame:
    """The offers made to each of those users before the end of ``period``, in no particular order.

    Columns: user_id, trigger_id (str), offered_at (datetime64[ns, UTC]), offer_accepted (float: 1 yes, 0 no, NaN
    without an answer). A trigger that sent nothing is no offer; what was accepted was sent, whatever it says.
    """
    if not has_table(connection, t.name):
        return no_rows(_OFFERS)
    ids = _scored_ids(period)
    query = select(t.c.user_id, t.c.trigger_id, t.c.triggered_at, _answer(t.c.offer_accepted)).where(
        or_(is_yes(t.c.offer_sent), is_yes(t.c.offer_accepted)), before(t.c.triggered_at, period.end)
    )
    return read(connection, query.join(ids, ids.c.user_id == t.c.user_id), _OFFERS).dropna(subset=["offered_at"])


def offer_outcomes(connection: Connection, until: datetime, open_since: datetime) -> tuple[int, int]:
    """How many offers were sent before ``until`` (aware), and how many of those were accepted.

    Those sent since ``open_since`` (aware) that have no answer are not counted: it may still come.
    """
    if not has_table(connection, t.name):
        return 0, 0
    is_open = and_(_no_answer(t.c.offer_accepted), not_(before(t.c.triggered_at, open_since)))
    query = select(func.count(), func.coalesce(func.sum(_yes(t.c.offer_accepted)), 0)).where(
        is_yes(t.c.offer_sent), before(t.c.triggered_at, until), not_(is_open)
    )
    sent, accepted = connection.execute(query).one()
    return int(sent), int(accepted)


def find_users(connection: Connection, words: str, *, with_addresses: bool, limit: int = 20) -> pd.DataFrame:
    """Users whose id or e-mail address contains ``words``, case ignored; those whose id is just that come first.

    Columns: user_id, email, role, english_level (str). Without addresses the column email is neither read, and is
    empty, nor searched: else whoever tries long enough would spell one out. Ids that look like one are not, either.
    """
    u = users.c
    query = (
        select(u.user_id, _email(with_addresses), u.role, u.english_level)
        .where(_found_by(words) if with_addresses else _found_by_id(words))
        .order_by(case((u.user_id == words, 0), else_=1), code_points(u.user_id))
        .limit(limit)
    )
    return read(connection, query, _FOUND)


def _email(is_read: bool) -> ColumnElement[str]:
    return users.c.email if is_read else EMPTY


def _found_by(words: str) -> ColumnElement[bool]:
    return or_(*(column.icontains(words, autoescape=True) for column in (users.c.user_id, users.c.email)))


def _found_by_id(words: str) -> ColumnElement[bool]:
    user_id = users.c.user_id
    looks_like_address = or_(*(user_id.contains(sign, autoescape=True) for sign in ADDRESS_SIGNS))
    return and_(user_id.icontains(words, autoescape=True), not_(looks_like_address))


def _of_free_users(query: Select[Any], period: Period) -> Select[Any]:
    return query.join(users, users.c.user_id == s.c.user_id).where(
        is_one_of(users.c.role, [FREE]), in_window(s.c.started_at, period), _SCORE.is_not(None)
    )


def _scored_ids(period: Period) -> Subquery:
    return _of_free_users(select(s.c.user_id).distinct(), period).subquery()


def _newest(query: Select[Any], user_id: Any, order: list[Any], period: Period) -> Select[Any]:
    """One row a user of ``query``: the first in ``order``."""
    ids = _scored_ids(period)
    place = func.row_number().over(partition_by=user_id, order_by=order).label("place")
    ranked = query.add_columns(place).join(ids, ids.c.user_id == user_id).subquery()
    return select(*list(ranked.c)[:-1]).where(ranked.c.place == 1)


def _answer(column: Any) -> Any:
    return case((_no_answer(column), None), else_=_yes(column))


def _no_answer(column: Any) -> ColumnElement[bool]:
    return or_(column.is_(None), is_neither(column))


def _yes(column: Any) -> Any:
    return cast(case((is_yes(column), 1), else_=0), Integer)
