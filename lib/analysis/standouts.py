"""What stands out this week: a few sentences, the strongest first, each with the page that shows more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pandas as pd

from lib.analysis.engagement import told_apart
from lib.analysis.mistakes import NEW
from lib.analysis.numbers import counted, round_half_up
from lib.dialects import UNKNOWN
from lib.period import day_text

FEW_SESSIONS = 10
SMALL_CHANGE = 5.0  # percent
MANY_TIMES = 200.0  # percent: beyond it a percentage says less than the number before
SMALL_STEP = 0.1  # confidence points


@dataclass(frozen=True)
class Standout:
    """One sentence. ``page`` shows more, with ``filters`` set."""

    text: str
    page: str
    filters: Mapping[str, Any] = field(default_factory=dict)


def role_standouts(table: pd.DataFrame) -> list[Standout]:
    """Roles whose sessions rose or fell most; ``table`` is an engagement table without its total.

    Roles with fewer than ten sessions in both windows say nothing, nor do unknown ones and changes of less than 5 %.
    """
    found = []
    shown = told_apart(table["group"])
    for role, name, now, before in zip(table["group"], shown, table["sessions"], table["sessions_before"], strict=True):
        if role == UNKNOWN or max(now, before) < FEW_SESSIONS or before == 0:
            continue
        percent = 100.0 * (now - before) / before
        if abs(percent) >= SMALL_CHANGE:
            text = f"{name if name != role else role.capitalize()} users: {now:,} sessions, {_moved(percent, before)}"
            found.append((abs(percent), Standout(text, "pages/engagement.py", {"roles": (role,)})))
    return [standout for _, standout in sorted(found, key=lambda pair: -pair[0])]


def _moved(percent: float, before: int) -> str:
    if percent > MANY_TIMES:
        return f"up from {before:,}"
    return f"{round_half_up(abs(percent), 0):.0f} % {'more' if percent > 0 else 'fewer'} than before"


def confidence_standout(now: float, before: float) -> list[Standout]:
    """Average confidence of all, if it moved by at least a tenth of a point."""
    if pd.isna(now) or pd.isna(before) or abs(now - before) < SMALL_STEP:
        return []
    word = "rose" if now > before else "fell"
    return [
        Standout(
            f"Confidence {word} from {round_half_up(before):.2f} to {round_half_up(now):.2f}", "pages/engagement.py"
        )
    ]


def beginning_standout(begins: date) -> list[Standout]:
    """What is said in place of changes where the data begins inside the window before."""
    text = f"The data begins on {day_text(begins)}: too little before this window to compare with"
    return [Standout(text, "pages/engagement.py")]


def mistake_standouts(ranked: pd.DataFrame, days: int) -> list[Standout]:
    """What is new among the most frequent mistakes, or else the one that rose most; ``ranked`` as on Mistakes,
    for a window of ``days`` days.
    """
    is_new = ranked["trend"] == NEW
    if is_new.any() and not is_new.all():
        row = ranked[is_new].iloc[0]
        text = f"“{row['mistake']}” is new among the {len(ranked)} most frequent mistakes: {_times(row, days)}"
        return [Standout(text, "pages/mistakes.py")]
    rising = ranked[(ranked["change"] > 0) & ~is_new].sort_values("change", ascending=False)
    if rising.empty:
        return []
    row = rising.iloc[0]
    text = f"“{row['mistake']}” rose from {row['frequency_before']:,} to {_times(row, days)}"
    return [Standout(text, "pages/mistakes.py")]


def _times(row: pd.Series[Any], days: int) -> str:
    return f"{counted(row['frequency'], 'time')} in {counted(days, 'day')}"


def candidate_standout(now: int, qualify: int, before: int | None, days: int) -> list[Standout]:
    """How many of those who ``qualify`` may be offered, and how many could be ``days`` days ago (None: not known)."""
    if not now and not before:
        return []
    who = f"{counted(now, 'user')} to offer, of {qualify:,} who {'qualifies' if qualify == 1 else 'qualify'}"
    return [Standout(f"{who}{_against(now, before, days)}", "pages/conversion.py")]


def _against(now: int, before: int | None, days: int) -> str:
    if before is None:
        return ""
    ago = f"{counted(days, 'day')} ago"
    if now == before:
        return f", as many as {ago}"
    return f", {abs(now - before):,} {'more' if now > before else 'fewer'} than {ago}"
