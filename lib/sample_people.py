"""The people of the sample and their sessions: who signs up when, comes back how often, and how well it goes.

Everything is drawn as numpy arrays from one generator, so that a million sessions take seconds. Times are whole
seconds since 1970 in UTC, days are whole days since then. Sorting is stable throughout: ties must fall the same way
on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

DAY = 86_400
HISTORY_DAYS = 557  # 18 months

# Role, its share of the users, how often its people practise.
ROLES: tuple[str | None, ...] = ("free", "student", "coach", "superuser", None, "guest")
ROLE_SHARE = (0.62, 0.33, 0.03, 0.008, 0.008, 0.004)
ROLE_ACTIVITY = np.array([1.3, 1.4, 1.3, 2.0, 0.6, 0.6])
ROLE_SCORE = np.array([0.0, 0.35, 1.9, 1.6, 0.0, 0.0])
ROLE_LAST_WEEK = np.array([0.85, 1.0, 0.7, 1.0, 1.0, 1.0])  # so that the last week brings news
FREE, STUDENT, COACH, SUPERUSER = range(4)

LEVELS: tuple[str | None, ...] = ("B1", "B2", "C1", "C2", None)
LEVEL_SHARE = (0.29, 0.38, 0.22, 0.07, 0.04)
LEVEL_SCORE = np.array([4.9, 6.0, 6.9, 7.7, 5.9])

WEEKDAY_FACTOR = np.array([0.92, 1.0, 1.0, 0.95, 0.78, 0.36, 0.42])  # Monday first
PEAK_HOURS = np.array([7.2, 11.4, 18.3])  # before work, at lunch, after work, for Europe in UTC
PEAK_SHARE = (0.32, 0.24, 0.44)

TOPICS = (
    "standup",
    "code review",
    "incident call",
    "job interview",
    "demo to stakeholders",
    "small talk",
    "salary negotiation",
    "architecture discussion",
    "sprint planning",
    "pricing call",
)
TOPIC_SHARE = (0.17, 0.13, 0.09, 0.15, 0.11, 0.09, 0.06, 0.09, 0.07, 0.04)
PRICE_TOPICS = (TOPICS.index("salary negotiation"), TOPICS.index("pricing call"))


@dataclass(frozen=True)
class People:
    """One entry a user, in order of signing up; ``role`` and ``level`` are positions in ROLES and LEVELS."""

    created: Ints
    role: Ints
    level: Ints
    ability: Floats
    gain: Floats
    fade_days: Floats


@dataclass(frozen=True)
class Sessions:
    """One entry a session, in order of its start; ``score`` is NaN where there is none."""

    user: Ints
    start: Ints
    seconds: Ints
    topic: Ints
    level: Ints
    completed: Flags
    score: Floats


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


def draw_people(rng: np.random.Generator, count: int, end: date) -> People:
    """``count`` users who signed up in the 18 months up to ``end``, more of them as the product grows."""
    days = np.arange(day_number(end) - HISTORY_DAYS, day_number(end) + 1)
    growth = np.linspace(0.4, 1.4, len(days)) ** 2
    day = np.sort(_pick(rng, growth * _day_factor(days), count))
    role = _quota(rng, ROLE_SHARE, count)
    level = _pick(rng, np.array(LEVEL_SHARE), count)
    loyal = (rng.random(count) < 0.22) | (role == COACH) | (role == SUPERUSER)
    return People(
        created=days[day] * DAY + _time_of_day(rng, count),
        role=role,
        level=level,
        ability=rng.normal(0.0, 0.85, count) + ROLE_SCORE[role],
        gain=rng.uniform(0.6, 2.6, count),
        fade_days=np.where(loyal, rng.uniform(120, 400, count), rng.uniform(6, 40, count)),
    )


def draw_sessions(rng: np.random.Generator, people: People, count: int, end: date) -> Sessions:
    """Exactly ``count`` sessions of ``people`` up to ``end``: nine users in ten start on the day they sign up."""
    user, day = _draw_days(rng, people, count, end)
    start = day * DAY + _time_of_day(rng, count)
    order = np.lexsort((user, start))
    user, start = user[order], start[order]
    nth = _nth_of_user(user)
    level = _level_at_the_time(rng, people, user, nth)
    completed = rng.random(count) >= 0.06
    return Sessions(
        user=user,
        start=start,
        seconds=rng.integers(240, 2_400, count),
        topic=_pick(rng, np.array(TOPIC_SHARE), count),
        level=level,
        completed=completed,
        score=np.where(completed, _scores(rng, people, user, level, nth), np.nan),
    )


def signed_up_before_first_session(people: People, sessions: Sessions) -> People:
    """``people`` with every sign-up moved to ten minutes before the first session, where it was later."""
    created = people.created.copy()
    np.minimum.at(created, sessions.user, sessions.start - 600)
    return replace(people, created=created)


def stage_last_fortnight(people: People, sessions: Sessions, end: date) -> Sessions:
    """``sessions`` with the newest scores of some free users set, so that each rule of the offer has its cases."""
    runs = (
        (8.2, 8.3, 8.6, 9.0),
        (8.5, 8.7, 9.0, 7.9),  # the best run and the current one differ
        (8.4, 8.8, 8.7, 9.1),
        (9.0, 8.9, 8.6, 8.0),  # a score equal to the threshold ends the run
        (7.9, 8.5, 8.2, 8.8),
        (8.9, 7.9, 8.5, 8.8),
        (8.7, 9.2, 8.9, 9.4),
        (9.1, 8.8, 9.3, 6.4),
        (9.0, 9.0, 9.0),
        (7.2, 8.4, 8.8),  # one session short
        (8.1, 8.1, 8.2),
        (8.6, 8.9, 8.0),
        (8.5, 8.5, 8.6),
        (8.4, 8.3, 7.8),
        (8.3, 8.7, 8.5),
        (6.9, 8.2, 9.1),
        (8.8, 8.4, 8.2),
        (8.6, 9.3, 9.0),
    )
    score = sessions.score.copy()
    recent = np.flatnonzero((sessions.start >= (day_number(end) - 13) * DAY) & ~np.isnan(score))
    recent = recent[people.role[sessions.user[recent]] == FREE]
    by_user = recent[np.argsort(sessions.user[recent], kind="stable")]
    groups = np.split(by_user, np.flatnonzero(np.diff(sessions.user[by_user])) + 1)
    for run, group in zip(runs, sorted(groups, key=len, reverse=True), strict=False):
        if len(group) >= len(run):
            score[group[-len(run) :]] = run
    return replace(sessions, score=score)


def _pick(rng: np.random.Generator, weight: Floats, count: int) -> Ints:
    """``count`` positions in ``weight``, each as likely as its weight."""
    cumulated = np.cumsum(weight)
    found = np.searchsorted(cumulated, rng.random(count) * cumulated[-1], "right")
    return np.asarray(np.minimum(found, len(weight) - 1))


def _quota(rng: np.random.Generator, share: tuple[float, ...], count: int) -> Ints:
    """Positions in ``share`` in random order, each as often as its share: none is missing by chance."""
    bounds = np.rint(np.cumsum(share) / sum(share) * count).astype(np.int64)
    return rng.permutation(np.searchsorted(bounds, np.arange(count), "right"))


def _day_factor(day: Ints) -> Floats:
    """How busy a day is, at most 1: weekdays, the turn of the year, August."""
    dates = day.astype("datetime64[D]")
    month = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
    of_month = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    holidays = ((month == 12) & (of_month >= 22)) | ((month == 1) & (of_month <= 4))
    season = np.select([holidays, month == 8], [0.38, 0.7], 1.0)
    return np.asarray(WEEKDAY_FACTOR[(day + 3) % 7] * season)


def _time_of_day(rng: np.random.Generator, count: int) -> Ints:
    hours = PEAK_HOURS[_pick(rng, np.array(PEAK_SHARE), count)] + rng.normal(0.0, 1.3, count)
    return (np.clip(hours, 4.5, 22.9) * 3_600).astype(np.int64)


def _draw_days(rng: np.random.Generator, people: People, count: int, end: date) -> tuple[Ints, Ints]:
    """User and day of each session: the chance to come back fades with a user's age at a pace of their own."""
    last = day_number(end)
    created = people.created // DAY
    begins = np.flatnonzero(rng.random(len(created)) < 0.9)
    begins = np.sort(rng.permutation(begins)[:count])
    kept = 1.0 - np.exp(-(last - created + 1) / people.fade_days)
    weight = (
        rng.lognormal(0.0, 1.2, len(created))
        * ROLE_ACTIVITY[people.role]
        * np.minimum(people.fade_days, 150.0) ** 0.8
        * kept
    )
    users, days, missing = [begins], [created[begins]], count - len(begins)
    while missing > 0:
        user = np.tile(_pick(rng, weight, missing + 8), 2)
        age = -people.fade_days[user] * np.log1p(-rng.random(len(user)) * kept[user])
        day = created[user] + age.astype(np.int64)
        # Practice comes in bursts: the second half follows up the first, a few days later.
        half = len(user) // 2
        day[half:] = day[:half] + rng.integers(1, 5, half)
        role_factor = np.where(day > last - 7, ROLE_LAST_WEEK[people.role[user]], 1.0)
        accepted = np.flatnonzero((rng.random(len(user)) < _day_factor(day) * role_factor) & (day <= last))[:missing]
        users.append(user[accepted])
        days.append(day[accepted])
        missing -= len(accepted)
    return np.concatenate(users), np.concatenate(days)


def _nth_of_user(user: Ints) -> Ints:
    """The position of each session among its user's own, from 0."""
    order = np.argsort(user, kind="stable")
    position = np.arange(len(user))
    first = np.concatenate(([True], np.diff(user[order]) != 0)) if len(user) else np.zeros(0, dtype=np.bool_)
    nth = np.empty(len(user), dtype=np.int64)
    nth[order] = position - np.maximum.accumulate(np.where(first, position, 0))
    return nth


def _level_at_the_time(rng: np.random.Generator, people: People, user: Ints, nth: Ints) -> Ints:
    """One user in six began a level lower than today."""
    climbed = rng.random(len(people.level)) < 1 / 6
    lower = climbed[user] & (nth < 10) & (people.level[user] > 0) & (people.level[user] < 4)
    return people.level[user] - lower


def _scores(rng: np.random.Generator, people: People, user: Ints, level: Ints, nth: Ints) -> Floats:
    """Confidence from 1 to 10, one decimal and sometimes whole; it rises with practice, less each time."""
    learned = people.gain[user] * (1.0 - np.exp(-nth / 9.0))
    score = LEVEL_SCORE[level] + people.ability[user] + learned + rng.normal(0.0, 0.7, len(user))
    rounded = np.where(rng.random(len(user)) < 0.1, np.rint(score), np.rint(score * 10) / 10)
    return np.where(rng.random(len(user)) < 0.015, np.nan, np.clip(rounded, 1.0, 10.0))
