"""What the thresholds do: candidates at every setting, who comes in, who just misses, and why or why not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from lib.analysis.numbers import counted, round_half_up
from lib.analysis.streaks import (
    Booleans,
    Floats,
    Integers,
    Runs,
    ScoredSessions,
    Streak,
    Thresholds,
    in_run,
    qualifying,
    run_lengths,
    runs,
)
from lib.period import Period, day_of, day_text

CHANGES = ("comes in", "drops out", "stays")
NEAR_MISSES = ("one session short", "score just missed", "drops out soon")
CLOSING_DAYS = 3


def grid(
    scored: ScoredSessions,
    streak: Streak,
    *,
    confidences: Sequence[float],
    minimums: Sequence[int],
    among: Booleans | None = None,
) -> pd.DataFrame:
    """The number of candidates at every setting, in the order given: all minimums of the first confidence, and so on.

    ``among``: for each of ``scored.user_ids``, whether the user counts; None counts all.
    Columns: min_confidence (float), min_sessions (int), candidates (int). Raises ValueError for a minimum below 1.
    """
    if min(minimums, default=1) < 1:
        raise ValueError("the minimum of sessions must be 1 or more")
    least = np.array(minimums, dtype=np.int64)
    longest = int(least.max(initial=1))
    counts = np.empty((len(confidences), len(least)), dtype=np.int64)
    for row, confidence in enumerate(confidences):
        lengths = np.minimum(run_lengths(scored, qualifying(scored, confidence), streak), longest)
        lengths = lengths if among is None else lengths[among]
        at_least = np.bincount(lengths, minlength=longest + 1)[::-1].cumsum()[::-1]
        counts[row] = at_least[least]
    return pd.DataFrame(
        {
            "min_confidence": np.repeat(np.array(confidences, dtype=np.float64), len(least)),
            "min_sessions": np.tile(least, len(confidences)),
            "candidates": counts.ravel(),
        }
    )


def compare(
    scored: ScoredSessions, now: Thresholds, default: Thresholds, *, default_scored: ScoredSessions | None = None
) -> pd.DataFrame:
    """Candidates under ``now`` or under ``default``; ``default_scored`` where the default window is another one.

    Columns: user_id (str), change (str, of CHANGES), sessions (int) and avg_score (float, two decimals, NaN without a
    run) under ``now``, default_sessions and default_avg_score under ``default``. Order: change as in CHANGES, avg_score
    falling, default_avg_score falling, user_id.
    """
    before = scored if default_scored is None else default_scored
    new, old = (runs(of, by.min_confidence, by.streak) for of, by in ((scored, now), (before, default)))
    chosen = pd.Index(scored.user_ids[new.sessions >= now.min_sessions], dtype=object)
    chosen_before = pd.Index(before.user_ids[old.sessions >= default.min_sessions], dtype=object)
    user_ids = chosen.union(chosen_before)
    figures = _figures(scored, new, user_ids, "") | _figures(before, old, user_ids, "default_")
    change = np.select([~user_ids.isin(chosen_before), ~user_ids.isin(chosen)], [0, 1], 2)
    order = np.lexsort((np.arange(len(user_ids)), -figures["default_avg_score"], -figures["avg_score"], change))
    columns = {"user_id": user_ids.astype("str"), "change": pd.Index(CHANGES, dtype="str")[change], **figures}
    return pd.DataFrame(columns).iloc[order].reset_index(drop=True)


def _figures(scored: ScoredSessions, found: Runs, user_ids: pd.Index, prefix: str) -> dict[str, Integers | Floats]:
    position = pd.Index(scored.user_ids, dtype=object).get_indexer(user_ids)  # -1 for none
    return {
        f"{prefix}sessions": np.append(found.sessions, 0)[position],
        f"{prefix}avg_score": round_half_up(np.append(found.avg_score, np.nan)[position]),
    }


def near_misses(
    scored: ScoredSessions,
    thresholds: Thresholds,
    *,
    score_margin: float = 0.3,
    closing_days: int = CLOSING_DAYS,
    window_end: datetime,
    window_days: int,
    zone: str = "UTC",
) -> pd.DataFrame:
    """Users who nearly qualify, and candidates who soon will not; one row a user, the first kind that fits.

    - one session short: no candidate yet, but one with a next session above the score.
    - score just missed: a candidate if one session, at most ``score_margin`` too low, had been above the score.
    - drops out soon: a candidate now, but not in ``closing_days`` days without a new session.

    ``window_end`` is the first instant after the window of ``window_days`` days in ``zone``.
    Columns: user_id (str), kind (str, of NEAR_MISSES), sessions (int) and avg_score (float, two decimals, NaN without a
    run) of the run as it is, what_is_missing (str, a sentence). Order: kind as above, avg_score falling, user_id.
    """
    found = runs(scored, thresholds.min_confidence, thresholds.streak)
    is_candidate = found.sessions >= thresholds.min_sessions
    is_short = _one_short(scored, thresholds) & ~is_candidate
    period = Period(day_of(window_end, zone) - timedelta(days=1), window_days, zone)
    of_each_kind = (
        {int(user): _short_sentence(thresholds) for user in np.flatnonzero(is_short)},
        _just_missed(scored, thresholds, ~is_candidate & ~is_short, score_margin, zone),
        _closing(scored, thresholds, is_candidate, period, closing_days),
    )
    rows = [(user, kind, text) for kind, of_kind in enumerate(of_each_kind) for user, text in of_kind.items()]
    users = np.array([user for user, _, _ in rows], dtype=np.int64)
    kinds = np.array([kind for _, kind, _ in rows], dtype=np.int64)
    avg_score = round_half_up(found.avg_score[users])
    frame = pd.DataFrame(
        {
            "user_id": pd.Series(scored.user_ids[users], dtype="str"),
            "kind": pd.Series([NEAR_MISSES[kind] for kind in kinds], dtype="str"),
            "sessions": found.sessions[users],
            "avg_score": avg_score,
            "what_is_missing": pd.Series([text for _, _, text in rows], dtype="str"),
        }
    )
    return frame.iloc[np.lexsort((users, -avg_score, kinds))].reset_index(drop=True)


def _one_short(scored: ScoredSessions, thresholds: Thresholds) -> Booleans:
    """Users whom one more session would make candidates. A best run that was broken later does not grow any more."""
    growing: Streak = "current" if thresholds.streak == "best" else thresholds.streak
    lengths = run_lengths(scored, qualifying(scored, thresholds.min_confidence), growing)
    return np.asarray((lengths == thresholds.min_sessions - 1) & (lengths > 0))


def _short_sentence(thresholds: Thresholds) -> str:
    needed = thresholds.min_sessions
    return f"{needed - 1} of {needed} sessions above {_score(thresholds.min_confidence)}; one more is enough"


def _just_missed(
    scored: ScoredSessions, thresholds: Thresholds, wanted: Booleans, margin: float, zone: str
) -> dict[int, str]:
    """For each of the ``wanted`` users, the session that missed by least, the newer of equals."""
    low = np.flatnonzero(~qualifying(scored, thresholds.min_confidence))
    owner = scored.owner[low]
    close = scored.scores[low] >= round(thresholds.min_confidence - margin, 9)
    enough = _length_if_it_counted(scored, thresholds, low) >= thresholds.min_sessions
    chosen = low[close & enough & wanted[owner]]
    chosen = chosen[np.lexsort((chosen, scored.scores[chosen]))]
    needed = f"not above {_score(thresholds.min_confidence)}"
    session_of = {int(user): int(session) for user, session in zip(scored.owner[chosen], chosen, strict=True)}
    return {
        user: f"The session on {_day(scored, session, zone)} scored {_score(scored.scores[session])}, {needed}"
        for user, session in session_of.items()
    }


def _length_if_it_counted(scored: ScoredSessions, thresholds: Thresholds, low: Integers) -> Integers:
    """The length of the run through each of the ``low`` sessions (all that do not qualify) if that one did."""
    owner = scored.owner[low]
    if thresholds.streak == "any":
        return run_lengths(scored, qualifying(scored, thresholds.min_confidence), "any")[owner] + 1
    begin, end = scored.starts[owner], scored.starts[owner + 1]
    break_before = np.maximum(np.concatenate(([-1], low[:-1])), begin - 1) if len(low) else low
    break_after = np.minimum(np.concatenate((low[1:], [len(scored.scores)])), end) if len(low) else low
    length = break_after - break_before - 1
    return np.where(break_after == end, length, 0) if thresholds.streak == "current" else length


def _closing(
    scored: ScoredSessions, thresholds: Thresholds, is_candidate: Booleans, period: Period, days: int
) -> dict[int, str]:
    """For each candidate who stops being one within ``days`` days as the oldest sessions leave the window, the day."""
    qualifies, remaining = qualifying(scored, thresholds.min_confidence), is_candidate
    sentences: dict[int, str] = {}
    for ahead in range(1, days + 1):
        later = replace(period, as_of=period.as_of + timedelta(days=ahead))
        # The sessions that leave are the oldest, so to leave them uncounted gives the same run as to take them out.
        inside = scored.started_at >= np.datetime64(later.start.replace(tzinfo=None), "ns")
        enough = run_lengths(scored, qualifies & inside, thresholds.streak) >= thresholds.min_sessions
        sentence = f"Drops out on {day_text(later.as_of)} unless they practise again"
        sentences |= dict.fromkeys(np.flatnonzero(remaining & ~enough).tolist(), sentence)
        remaining = remaining & enough
    return sentences


def near_miss_counts(near: pd.DataFrame) -> str:
    """`7 are one session short, 1 drops out within 3 days`: how many there are of each kind, in words."""
    one, many = dict(zip(NEAR_MISSES, _ONE, strict=True)), dict(zip(NEAR_MISSES, _MANY, strict=True))
    counts = near["kind"].value_counts()
    return ", ".join(
        f"{counts[kind]:,} {(one if counts[kind] == 1 else many)[kind]}" for kind in NEAR_MISSES if kind in counts
    )


_ONE = ("is one session short", "just missed a score", f"drops out within {CLOSING_DAYS} days")
_MANY = ("are one session short", "just missed a score", f"drop out within {CLOSING_DAYS} days")


def explain(scored: ScoredSessions, user_id: str, thresholds: Thresholds, *, zone: str = "UTC") -> pd.DataFrame:
    """The sessions of one user, oldest first, and what each does to the run; no rows when there are none.

    Columns: started_at (datetime64[ns, zone]), session_id (str), confidence_score (float), qualifies (bool),
    in_run (bool), why (str).
    """
    own = scored.of_user(user_id)
    qualifies = qualifying(own, thresholds.min_confidence)
    counts = in_run(own, runs(own, thresholds.min_confidence, thresholds.streak), qualifies)
    whys = [_why(*session, thresholds) for session in zip(own.scores, qualifies, counts, strict=True)]
    return pd.DataFrame(
        {
            "started_at": pd.DatetimeIndex(own.started_at).tz_localize("UTC").tz_convert(zone),
            "session_id": pd.Series(own.session_ids, dtype="str"),
            "confidence_score": own.scores,
            "qualifies": qualifies,
            "in_run": counts,
            "why": pd.Series(whys, dtype="str"),
        }
    )


def _why(score: float, qualifies: bool, counts: bool, thresholds: Thresholds) -> str:
    if counts:
        return f"{_score(score)} is above {_score(thresholds.min_confidence)}; it counts"
    if qualifies:
        outside = {"current": "a later session breaks the run", "best": "it is outside the longest run"}
        return f"{_score(score)} is above {_score(thresholds.min_confidence)}, but {outside[thresholds.streak]}"
    effect = "it does not count" if thresholds.streak == "any" else "this breaks the run"
    return f"{_score(score)} is not above {_score(thresholds.min_confidence)}; {effect}"


@dataclass(frozen=True)
class Rule:
    """One rule that a candidate has to pass, and what was found, in a sentence."""

    passed: bool
    text: str


@dataclass(frozen=True)
class Verdict:
    """``answer`` goes on after the user: "qualifies"; ``rules`` are those that led to it, the first that fails last."""

    answer: str
    rules: list[Rule]


def verdict(role: str | None, scored: ScoredSessions, user_id: str, thresholds: Thresholds) -> Verdict:
    """Why or why not, for one user. ``scored``: sessions of the window that have a score, this user's among them.

    Rules after the first that fails are left out: they mean nothing.
    """
    own = scored.of_user(user_id)
    longest = int(run_lengths(own, qualifying(own, thresholds.min_confidence), thresholds.streak).max(initial=0))
    rules = [_role_rule(role), _scores_rule(len(own.scores)), _run_rule(longest, thresholds)]
    failed = next((place for place, rule in enumerate(rules) if not rule.passed), None)
    if failed is None:
        return Verdict("qualifies", rules)
    is_short = failed == len(rules) - 1 and bool(_one_short(own, thresholds).any())
    return Verdict(f"is {NEAR_MISSES[0]}" if is_short else "does not qualify", rules[: failed + 1])


def _role_rule(role: str | None) -> Rule:
    if role == "free":
        return Rule(True, "The role is free")
    found = f"The role is {role}" if role else "The account has no role"
    return Rule(False, f"{found}; the offer is for free users")


def _scores_rule(sessions: int) -> Rule:
    return Rule(sessions > 0, f"{counted(sessions, 'session')} with a score in the window")


def _run_rule(longest: int, thresholds: Thresholds) -> Rule:
    how = {"current": "in a row, up to the newest session", "best": "in a row", "any": "in a row or not"}
    above = f"above {_score(thresholds.min_confidence)} {how[thresholds.streak]}"
    needed = thresholds.min_sessions
    return Rule(longest >= needed, f"{counted(longest, 'session')} {above}; at least {needed} needed")


def _score(value: float) -> str:
    """`8.0`, `7.95`: as it was scored, so that the sentence agrees with the comparison."""
    return str(round(float(value), 4))


def _day(scored: ScoredSessions, session: int, zone: str) -> str:
    return day_text(day_of(pd.Timestamp(scored.started_at[session], tz="UTC").to_pydatetime(warn=False), zone))
