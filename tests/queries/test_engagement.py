from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from lib.period import Period
from lib.queries.engagement import COLUMNS, sessions_by_level, sessions_by_role
from tests.conftest import Fill
from tests.odd_data import LEVELS, PERIODS, SOME, amount_of, instant_of, lies_in, named, number_of, sessions, users

WEEK = Period(date(2026, 11, 22), 7)
Groups = dict[tuple[int, str], tuple[float, ...]]


def as_groups(frame: pd.DataFrame) -> Groups:
    assert list(frame.columns) == list(COLUMNS)
    return {(row[0], row[1]): row[2:] for row in frame.itertuples(index=False, name=None)}


def by_hand(
    people: list[dict[str, Any]],
    held: list[dict[str, Any]],
    periods: list[Period],
    column: str,
    *,
    completed_only: bool,
    levels: Collection[str] = (),
    roles: Collection[str] = (),
) -> Groups:
    known = {user["user_id"]: user for user in people}
    groups = defaultdict(list)
    for place, period in enumerate(periods):
        for session in held:
            user = known.get(session["user_id"], {})
            wanted = not levels or named(user.get("english_level"), "unknown") in levels
            wanted = wanted and (not roles or named(user.get("role"), "unknown") in roles)
            finished = not completed_only or instant_of(session["ended_at"]) is not None
            if lies_in(session["started_at"], period) and wanted and finished:
                groups[place, named(user.get(column), "unknown")].append(session)
    return {key: _figures(found) for key, found in groups.items()}


def _figures(found: list[dict[str, Any]]) -> tuple[float, ...]:
    scores, mistakes = (
        [value for session in found if (value := read(session[name])) is not None]
        for name, read in (("confidence_score", number_of), ("error_count", amount_of))
    )
    people = {session["user_id"] for session in found} - {None, ""}
    return len(people), len(found), len(scores), pytest.approx(sum(scores)), len(mistakes), sum(mistakes)


def test_the_worked_case(worked: Connection):
    found = as_groups(sessions_by_role(worked, [WEEK], completed_only=True))
    averages = {
        role: (users, sessions, round(score / scored, 2), round(mistakes / counted, 2), sessions / users)
        for (_, role), (users, sessions, scored, score, counted, mistakes) in found.items()
    }
    assert averages == {"free": (4, 9, 7.67, 2.67, 2.25), "student": (4, 7, 8.14, 2.14, 1.75)}


def test_the_switch_counts_sessions_that_were_not_finished(worked: Connection):
    found = as_groups(sessions_by_role(worked, [WEEK], completed_only=False))
    assert found[0, "student"] == (4, 8, 7, pytest.approx(57), 7, 15)
    assert found[0, "free"] == as_groups(sessions_by_role(worked, [WEEK], completed_only=True))[0, "free"]


@SOME
@given(st.data(), PERIODS, users(), st.booleans(), st.sets(st.sampled_from([name or "unknown" for name in LEVELS])))
def test_every_role_in_every_window_is_what_counting_by_hand_gives(
    filled: Fill,
    data: st.DataObject,
    period: Period,
    people: list[dict[str, Any]],
    completed_only: bool,
    levels: set[str],
):
    held = data.draw(sessions(period))
    periods = [period, period.before]
    with filled(users=people, sessions=held) as connection:
        found = sessions_by_role(connection, periods, completed_only=completed_only, levels=levels)
    assert as_groups(found) == by_hand(people, held, periods, "role", completed_only=completed_only, levels=levels)


@SOME
@given(st.data(), PERIODS, users(), st.booleans(), st.sampled_from([(), ("free",), ("guest", "unknown")]))
def test_every_level_in_every_window_is_what_counting_by_hand_gives(
    filled: Fill,
    data: st.DataObject,
    period: Period,
    people: list[dict[str, Any]],
    completed_only: bool,
    roles: tuple[str, ...],
):
    held = data.draw(sessions(period))
    periods = list(period.weeks)
    with filled(users=people, sessions=held) as connection:
        found = sessions_by_level(connection, periods, completed_only=completed_only, roles=roles)
    expected = by_hand(people, held, periods, "english_level", completed_only=completed_only, roles=roles)
    assert as_groups(found) == expected


def test_a_session_without_a_user_counts_as_a_session_and_not_as_a_user(filled: Fill):
    held = [{"user_id": None}, {"user_id": ""}, {"user_id": "gone"}, {"user_id": "gone"}]
    with filled(sessions=held) as connection:
        found = as_groups(sessions_by_role(connection, [WEEK], completed_only=True))
    assert {key: row[:2] for key, row in found.items()} == {(0, "unknown"): (1, 4)}


def test_a_window_without_sessions_has_no_rows_and_the_right_types(filled: Fill):
    with filled() as connection:
        found = sessions_by_role(connection, [WEEK, WEEK.before], completed_only=True)
    assert found.empty
    assert {name: str(kind) for name, kind in found.dtypes.items()} == {
        name: str(kind) for name, kind in COLUMNS.items()
    }
