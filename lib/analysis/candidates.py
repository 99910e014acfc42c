"""The list that sales works with: candidates and all that is known about them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from lib.analysis.numbers import counted
from lib.analysis.streaks import ScoredSessions, Streak, Thresholds, candidates
from lib.analysis.whatif import grid
from lib.period import day_text

RECOMMENDATION = "SEND_EXECUTIVE_OFFER"
CONFIDENCES = tuple(round(0.1 * tenth, 1) for tenth in range(50, 100))
MINIMUMS = tuple(range(1, 11))
GRID_MINIMUMS = 6
ACCEPTED, NOT_ACCEPTED, NOT_SENT = "accepted", "not accepted", "not sent"
OFFERED = (ACCEPTED, NOT_ACCEPTED)
COOLDOWN_DAYS = 30  # between two offers to a user


def known_users(people: pd.DataFrame, leads: pd.DataFrame, offers: pd.DataFrame) -> pd.DataFrame:
    """What no slider changes: all that is known about each user, from the answers of ``queries.conversion``.

    Index: user_id (str). Columns: email, english_level (str), lead_score (float), lead_status (str), offered_at
    (datetime64[ns, UTC]), outcome (str: of the newest offer).
    """
    offered = offers[["user_id", "offered_at"]].assign(outcome=outcomes(offers))
    known = people.merge(leads, on="user_id", how="left").merge(offered, on="user_id", how="left")
    return known.set_index("user_id")


def candidate_table(scored: ScoredSessions, thresholds: Thresholds, known: pd.DataFrame) -> pd.DataFrame:
    """Candidates in the order of ``streaks.candidates``, with what ``known_users`` knows about them.

    Columns: user_id, email, english_level (str), sessions (int), avg_score (float, two decimals), last_session_at
    (datetime64[ns, UTC]), lead_score (float), lead_status (str), offered_at (datetime64[ns, UTC]), outcome (str: of the
    newest offer), recommendation (str).
    """
    found = candidates(scored, thresholds)
    table = pd.concat([found, known.reindex(found["user_id"]).reset_index(drop=True)], axis=1)
    table["recommendation"] = pd.Series(RECOMMENDATION, index=table.index, dtype="str")
    names = ["user_id", "email", "english_level", "sessions", "avg_score", "last_session_at", "lead_score"]
    return table[[*names, "lead_status", "offered_at", "outcome", "recommendation"]]


def with_people(rows: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """``rows`` with e-mail address and level beside the user, in the same order."""
    return rows.merge(people, on="user_id", how="left")


def outcomes(offers: pd.DataFrame) -> pd.Series[str]:
    """What became of each offer: accepted, not accepted, or not sent."""
    words = np.where(offers["offer_accepted"], ACCEPTED, np.where(offers["offer_sent"], NOT_ACCEPTED, NOT_SENT))
    return pd.Series(words, index=offers.index, dtype="str")


def reason_to_wait(outcome: str, offered_on: date, as_of: date) -> str:
    """Why no offer should go to somebody whose newest one was of that day, in a sentence; "" if nothing is against it.

    ``outcome``: what became of it, as ``outcomes`` says. Accepted is accepted for good; another waits for the cooldown.
    """
    if outcome == ACCEPTED:
        return f"The offer of {day_text(offered_on)} was accepted"
    days = (as_of - offered_on).days
    if outcome != NOT_ACCEPTED or days >= COOLDOWN_DAYS:
        return ""
    ago = f"{counted(days, 'day')} ago" if days else "on the same day"
    return (
        f"The last offer was sent on {day_text(offered_on)}, {ago}; the next one may go {COOLDOWN_DAYS} days after it"
    )


def every_setting(scored: ScoredSessions, streak: Streak, price: float) -> pd.DataFrame:
    """Candidates and revenue at every confidence from 5.0 to 9.9 and every minimum from 1 to 10.

    Columns: min_confidence (float), min_sessions (int), candidates (int), revenue (float, potential).
    """
    table = grid(scored, streak, confidences=CONFIDENCES, minimums=MINIMUMS)
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
