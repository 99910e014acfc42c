"""Who qualifies for the offer: runs of sessions above a confidence score, counted in three ways (spec, section 6).

Everything is arrays: a slider moves over hundreds of thousands of sessions, and the list has to follow at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Literal, NamedTuple, Self, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.analysis.numbers import round_half_up

Streak = Literal["current", "best", "any"]

Booleans = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Texts = npt.NDArray[np.object_]
Times = npt.NDArray[np.datetime64]


class WayOfCounting(NamedTuple):
    label: str
    sentence: str


STREAKS: Mapping[Streak, WayOfCounting] = MappingProxyType(
    {
        "current": WayOfCounting("Current run", "The unbroken run of sessions that ends with the newest one."),
        "best": WayOfCounting("Best run", "The longest unbroken run in the window; of two equal ones, the newer."),
        "any": WayOfCounting("Any sessions", "All sessions above the score, in a row or not."),
    }
)


@dataclass(frozen=True)
class Thresholds:
    """What makes a candidate: at least ``min_sessions`` sessions above ``min_confidence``, strictly.

    Raises ValueError for fewer than one session or an unknown way of counting.
    """

    min_sessions: int = 3
    min_confidence: float = 8.0
    streak: Streak = "current"

    def __post_init__(self) -> None:
        if self.min_sessions < 1:
            raise ValueError("the minimum of sessions must be 1 or more")
        if self.streak not in get_args(Streak):
            raise ValueError(f"the way of counting must be one of {', '.join(get_args(Streak))}")


@dataclass(frozen=True, eq=False)
class ScoredSessions:
    """Sessions that have a confidence score, user after user, each user's from the oldest to the newest.

    The sessions of ``user_ids[u]`` stand at ``starts[u]`` up to, not including, ``starts[u + 1]`` of the three other
    arrays. Every user has at least one session. ``started_at`` is UTC. The arrays are read-only.
    """

    user_ids: Texts
    starts: Integers
    scores: Floats
    started_at: Times
    session_ids: Texts

    def __post_init__(self) -> None:
        for array in (self.user_ids, self.starts, self.scores, self.started_at, self.session_ids):
            array.setflags(write=False)

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """From rows in any order, with the columns user_id (str), session_id (str), started_at (datetime64, with a
        time zone) and confidence_score (float, 1-10).

        Raises ValueError when one of them is missing in a row.
        """
        columns = frame[["user_id", "session_id", "started_at", "confidence_score"]]
        if columns.isna().to_numpy().any():
            raise ValueError("every session needs a user, an id, a start and a confidence score")
        owner, user_ids = pd.factorize(columns["user_id"], sort=True)
        started_at = columns["started_at"].dt.tz_convert(None).dt.as_unit("ns").to_numpy()
        order = np.lexsort((_rank_among_equals(owner, started_at, columns["session_id"]), started_at, owner))
        return cls(
            user_ids=np.array(user_ids, dtype=object),
            starts=_offsets(np.bincount(owner, minlength=len(user_ids))),
            scores=columns["confidence_score"].to_numpy(dtype=np.float64)[order],
            started_at=started_at[order],
            session_ids=columns["session_id"].to_numpy(dtype=object)[order],
        )

    @cached_property
    def owner(self) -> Integers:
        """For each session, the position of its user in ``user_ids``."""
        return np.repeat(np.arange(len(self.user_ids)), np.diff(self.starts))

    def of_user(self, user_id: str) -> ScoredSessions:
        """The sessions of one user; empty when the user has none."""
        position = int(np.searchsorted(self.user_ids, user_id))
        found = self.user_ids[position : position + 1] == user_id
        own = slice(*self.starts[position : position + 2]) if found.any() else slice(0)
        return ScoredSessions(
            user_ids=self.user_ids[position : position + 1][found],
            starts=_offsets(np.diff(self.starts)[position : position + 1][found]),
            scores=self.scores[own],
            started_at=self.started_at[own],
            session_ids=self.session_ids[own],
        )


def _rank_among_equals(owner: npt.NDArray[np.intp], started_at: Times, session_ids: pd.Series[str]) -> Integers:
    """The order of session_id, but only where a user has two sessions at one time: sorting all the text is slow."""
    equal = pd.DataFrame({"owner": owner, "at": started_at}).duplicated(keep=False).to_numpy()
    rank = np.zeros(len(owner), dtype=np.int64)
    rank[equal] = pd.factorize(session_ids[equal], sort=True)[0]
    return rank


def _offsets(counts: npt.NDArray[np.intp]) -> Integers:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


@dataclass(frozen=True, eq=False)
class Runs:
    """One run for each user, in the order of ``ScoredSessions.user_ids``.

    ``sessions``: its length, 0 where no session counts. ``avg_score``: unrounded, NaN where ``sessions`` is 0.
    ``first`` and ``last``: positions of its oldest and newest session, -1 where ``sessions`` is 0.
    """

    sessions: Integers
    avg_score: Floats
    first: Integers
    last: Integers


def qualifying(scored: ScoredSessions, min_confidence: float) -> Booleans:
    """For each session, whether its score is above ``min_confidence``, strictly.

    A slider that counts in tenths can hand over 8.299999999999999; a score of 8.3 must not pass that.
    """
    return scored.scores > round(min_confidence, 9)


def in_run(scored: ScoredSessions, found: Runs, qualifies: Booleans) -> Booleans:
    """For each session, whether it counts towards its user's run."""
    position = np.arange(len(scored.scores))
    return qualifies & (position >= found.first[scored.owner]) & (position <= found.last[scored.owner])


def runs(scored: ScoredSessions, min_confidence: float, streak: Streak) -> Runs:
    """Each user's run of sessions above ``min_confidence``, counted the way that ``streak`` names."""
    qualifies = qualifying(scored, min_confidence)
    sessions, last = _lengths(scored, qualifies, streak)
    last = np.where(sessions > 0, last, -1)
    first = _first_qualifying(scored, qualifies) if streak == "any" else last - sessions + 1
    first = np.where(sessions > 0, first, -1)
    found = Runs(sessions, np.full(len(sessions), np.nan), first, last)
    total = np.add.reduceat(np.where(in_run(scored, found, qualifies), scored.scores, 0.0), scored.starts[:-1])
    np.divide(total, sessions, out=found.avg_score, where=sessions > 0)
    return found


def run_lengths(scored: ScoredSessions, qualifies: Booleans, streak: Streak) -> Integers:
    """Only the ``sessions`` of ``runs``, for any choice of sessions that count: quick enough for a grid of settings."""
    return _lengths(scored, qualifies, streak)[0]


def _lengths(scored: ScoredSessions, qualifies: Booleans, streak: Streak) -> tuple[Integers, Integers]:
    """Length and last position of each user's run; the position means nothing where the length is 0."""
    begins, newest = scored.starts[:-1], scored.starts[1:] - 1
    position = np.arange(len(qualifies))
    if streak == "any":
        last = np.maximum.reduceat(np.where(qualifies, position, -1), begins)
        return np.add.reduceat(qualifies, begins, dtype=np.int64), last
    breaks = np.where(qualifies, -1, position)
    if streak == "current":
        return newest - np.maximum(np.maximum.reduceat(breaks, begins), begins - 1), newest
    # A user's first session cannot go on with the run of the user before: there is a break just in front of it.
    breaks[begins] = np.maximum(breaks[begins], begins - 1)
    length = position - np.maximum.accumulate(breaks)
    # Length and position in one number, so that the longest run wins, and the newer of equals.
    best = np.maximum.reduceat(length * len(length) + position, begins)
    return best // len(length), best % len(length)


def _first_qualifying(scored: ScoredSessions, qualifies: Booleans) -> Integers:
    position = np.arange(len(qualifies))
    return np.minimum.reduceat(np.where(qualifies, position, len(qualifies)), scored.starts[:-1])


def are_candidates(scored: ScoredSessions, thresholds: Thresholds) -> Booleans:
    """For each of ``scored.user_ids``, whether the user is a candidate."""
    lengths = run_lengths(scored, qualifying(scored, thresholds.min_confidence), thresholds.streak)
    return np.asarray(lengths >= thresholds.min_sessions)


def candidates(scored: ScoredSessions, thresholds: Thresholds) -> pd.DataFrame:
    """Users whose run is long enough, one row each.

    Columns: user_id (str), sessions (int, of the run), avg_score (float, of the run, two decimals), last_session_at
    (datetime64[ns, UTC], of the run). Order: avg_score falling, sessions falling, user_id rising by code point.
    """
    found = runs(scored, thresholds.min_confidence, thresholds.streak)
    chosen = np.flatnonzero(found.sessions >= thresholds.min_sessions)
    avg_score = round_half_up(found.avg_score[chosen])
    # user_ids are sorted already, and lexsort keeps the order of equals.
    order = np.lexsort((-found.sessions[chosen], -avg_score))
    chosen, avg_score = chosen[order], avg_score[order]
    return pd.DataFrame(
        {
            "user_id": pd.Series(scored.user_ids[chosen], dtype="str"),
            "sessions": found.sessions[chosen],
            "avg_score": avg_score,
            "last_session_at": pd.DatetimeIndex(scored.started_at[found.last[chosen]]).tz_localize("UTC"),
        }
    )
