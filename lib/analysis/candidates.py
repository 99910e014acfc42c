"""The list that sales works with: candidates and all that is known about them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lib.analysis.offer_status import TO_OFFER
from lib.analysis.streaks import Booleans, ScoredSessions, Streak, Thresholds, candidates
from lib.analysis.whatif import grid

CONFIDENCES = tuple(round(0.1 * tenth, 1) for tenth in range(50, 100))
MINIMUMS = tuple(range(1, 11))
GRID_MINIMUMS = 6


def known_users(people: pd.DataFrame, leads: pd.DataFrame, statuses: pd.DataFrame) -> pd.DataFrame:
    """What no slider changes: all that is known about each user.

    ``people`` and ``leads`` are answers of ``queries.conversion``, ``statuses`` is ``offer_status.offer_statuses``.
    Index: user_id (str). Columns: email, english_level (str), lead_score (float), lead_status (str), offered_at
    (datetime64[ns, UTC]), outcome, offer_status, recommendation (str).
    """
    known = people.drop(columns="has_address").merge(leads, on="user_id", how="left").set_index("user_id")
    return known.join(statuses)


def candidate_table(scored: ScoredSessions, thresholds: Thresholds, known: pd.DataFrame) -> pd.DataFrame:
    """Candidates in the order of ``streaks.candidates``, with what ``known_users`` knows about them.

    Columns: user_id, email, english_level (str), sessions (int), avg_score (float, two decimals), last_session_at
    (datetime64[ns, UTC]), lead_score (float), lead_status (str), offered_at (datetime64[ns, UTC]), outcome (str: of the
    newest offer), offer_status, recommendation (str).
    """
    found = candidates(scored, thresholds)
    table = pd.concat([found, known.reindex(found["user_id"]).reset_index(drop=True)], axis=1)
    names = ["user_id", "email", "english_level", "sessions", "avg_score", "last_session_at", "lead_score"]
    return table[[*names, "lead_status", "offered_at", "outcome", "offer_status", "recommendation"]]


def to_offer(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows of a candidate table, or of ``known_users``, are users who may be offered."""
    return rows["recommendation"] == TO_OFFER


def to_offer_first(table: pd.DataFrame) -> pd.DataFrame:
    """A candidate table with those who may be offered first, each part in its order."""
    return table.iloc[np.argsort(~to_offer(table).to_numpy(), kind="stable")].reset_index(drop=True)


def are_to_offer(scored: ScoredSessions, known: pd.DataFrame) -> Booleans:
    """For each of ``scored.user_ids``, whether the user may be offered; ``known`` as ``known_users`` gives it."""
    return np.asarray(pd.Index(scored.user_ids, dtype=object).isin(known.index[to_offer(known)]))


def with_people(rows: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with e-mail address, level and offer status beside the user, in the same order."""
    return rows.merge(
        known[["email", "english_level", "offer_status"]], left_on="user_id", right_index=True, how="left"
    )


def every_setting(scored: ScoredSessions, streak: Streak, price: float, among: Booleans | None = None) -> pd.DataFrame:
    """Candidates and revenue at every confidence from 5.0 to 9.9 and every minimum from 1 to 10.

    ``among``: for each of ``scored.user_ids``, whether the user counts; None counts all.
    Columns: min_confidence (float), min_sessions (int), candidates (int), revenue (float, potential).
    """
    table = grid(scored, streak, confidences=CONFIDENCES, minimums=MINIMUMS, among=among)
    return table.assign(revenue=table["candidates"] * price)


def readable_grid(table: pd.DataFrame, now: Thresholds) -> pd.DataFrame:
    """The cells of ``every_setting`` that fit on a page: half points, up to six sessions, and the present setting."""
    confidences = {*np.arange(5.0, 10.0, 0.5), now.min_confidence}
    minimums = {*range(1, GRID_MINIMUMS + 1), now.min_sessions}
    fits = table["min_confidence"].isin(confidences) & table["min_sessions"].isin(minimums)
    return table[fits].reset_index(drop=True)


def curve(table: pd.DataFrame, now: Thresholds) -> pd.DataFrame:
    """The row of ``every_setting`` for the present minimum."""
    return table[table["min_sessions"] == now.min_sessions].reset_index(drop=True)
