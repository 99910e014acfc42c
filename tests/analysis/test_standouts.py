from __future__ import annotations

import math
from datetime import date

import pandas as pd
import pytest

from lib.analysis.standouts import (
    beginning_standout,
    candidate_standout,
    confidence_standout,
    mistake_standouts,
    role_standouts,
)


def roles(**sessions: tuple[int, int]) -> pd.DataFrame:
    """Sessions now and before of each role."""
    rows = [(role, now, before) for role, (now, before) in sessions.items()]
    return pd.DataFrame(rows, columns=["group", "sessions", "sessions_before"])


def mistakes(*counts: tuple[str, int, int]) -> pd.DataFrame:
    """Text, count now and before."""
    frame = pd.DataFrame(counts, columns=["mistake", "frequency", "frequency_before"])
    return frame.assign(
        change=frame["frequency"] - frame["frequency_before"],
        trend=["new" if before == 0 else "known" for before in frame["frequency_before"]],
    )


def texts(found: list) -> list[str]:
    return [standout.text for standout in found]


def test_the_role_that_moved_most_comes_first():
    found = role_standouts(roles(free=(110, 100), student=(10, 40), coach=(20, 16)))
    assert texts(found) == [
        "Student users: 10 sessions, 75 % fewer than before",
        "Coach users: 20 sessions, 25 % more than before",
        "Free users: 110 sessions, 10 % more than before",
    ]


def test_a_role_leads_to_its_own_engagement():
    (found,) = role_standouts(roles(student=(10, 40)))
    assert (found.page, dict(found.filters)) == ("pages/engagement.py", {"roles": ("student",)})


@pytest.mark.parametrize(
    "sessions",
    [(9, 1), (104, 100), (96, 100), (50, 0), (0, 0)],
    ids=["few", "small rise", "small fall", "nothing before", "nothing at all"],
)
def test_small_numbers_and_small_changes_say_nothing(sessions: tuple[int, int]):
    assert role_standouts(roles(free=sessions)) == []


def test_users_without_a_role_say_nothing():
    assert role_standouts(roles(unknown=(10, 40))) == []


def test_a_rise_of_many_times_names_the_number_before_and_not_a_percentage():
    assert texts(role_standouts(roles(free=(300, 100)))) == ["Free users: 300 sessions, 200 % more than before"]
    assert texts(role_standouts(roles(free=(2_820, 7)))) == ["Free users: 2,820 sessions, up from 7"]


def test_where_the_data_begins_inside_the_window_before_that_is_said():
    (found,) = beginning_standout(date(2026, 5, 24))
    assert found.text == "The data begins on 24 May 2026: too little before this window to compare with"


def test_nobody_who_qualifies_now_or_before_does_not_stand_out():
    assert candidate_standout(0, 5, 0, 7) == candidate_standout(0, 0, None, 7) == []


def test_a_role_that_stopped_altogether_stands_out():
    assert texts(role_standouts(roles(free=(0, 20)))) == ["Free users: 0 sessions, 100 % fewer than before"]


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (7.9, 8.4, ["Confidence fell from 8.40 to 7.90"]),
        (8.4, 7.9, ["Confidence rose from 7.90 to 8.40"]),
        (8.0, 8.05, []),
        (math.nan, 8.0, []),
        (8.0, math.nan, []),
    ],
)
def test_confidence_stands_out_from_a_tenth_of_a_point_on(now: float, before: float, said: list[str]):
    assert texts(confidence_standout(now, before)) == said


def test_what_is_new_among_the_most_frequent_comes_before_what_rose():
    found = mistake_standouts(mistakes(("old", 50, 1), ("cache", 12, 0), ("queue", 9, 0)), 30)
    assert texts(found) == ["“cache” is new among the 3 most frequent mistakes: 12 times in 30 days"]


def test_where_everything_is_new_nothing_is_called_new():
    assert mistake_standouts(mistakes(("cache", 12, 0), ("queue", 9, 0)), 30) == []


def test_without_a_new_one_the_mistake_that_rose_most_stands_out():
    found = mistake_standouts(mistakes(("a", 50, 49), ("b", 12, 4), ("c", 9, 30)), 30)
    assert texts(found) == ["“b” rose from 4 to 12 times in 30 days"]


def test_where_every_mistake_fell_or_there_is_none_nothing_is_said():
    assert mistake_standouts(mistakes(("a", 5, 9)), 30) == []
    assert mistake_standouts(mistakes(), 30) == []


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (12, 8, "12 users to offer, of 1,200 who qualify, 4 more than 7 days ago"),
        (8, 1_012, "8 users to offer, of 1,200 who qualify, 1,004 fewer than 7 days ago"),
        (8, 8, "8 users to offer, of 1,200 who qualify, as many as 7 days ago"),
        (1, 0, "1 user to offer, of 1,200 who qualify, 1 more than 7 days ago"),
        (0, 3, "0 users to offer, of 1,200 who qualify, 3 fewer than 7 days ago"),
        (8, None, "8 users to offer, of 1,200 who qualify"),
    ],
)
def test_candidates_are_told_with_their_change_where_that_is_known(now: int, before: int | None, said: str):
    (found,) = candidate_standout(now, 1_200, before, 7)
    assert (found.text, found.page) == (said, "pages/conversion.py")
