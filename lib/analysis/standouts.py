"""What stands out this week: a few sentences, the strongest first, each with the page that shows more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from lib.analysis.mistakes import NEW
from lib.dialects import UNKNOWN

FEW_SESSIONS = 10
SMALL_CHANGE = 5.0  # percent
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
    for role, now, before in zip(table["group"], table["sessions"], table["sessions_before"], strict=True):
        if role == UNKNOWN or max(now, before) < FEW_SESSIONS or before == 0:
            continue
        percent = 100.0 * (now - before) / before
        if abs(percent) >= SMALL_CHANGE:
            word = "more" if percent > 0 else "fewer"
            text = f"{role.capitalize()} users: {now:,} sessions, {abs(percent):.0f} % {word} than before"
            found.append((abs(percent), Standout(text, "pages/engagement.py", {"roles": (role,)})))
    return [standout for _, standout in sorted(found, key=lambda pair: -pair[0])]


def confidence_standout(now: float, before: float) -> list[Standout]:
    """Average confidence of all, if it moved by at least a tenth of a point."""
    if pd.isna(now) or pd.isna(before) or abs(now - before) < SMALL_STEP:
        return []
    word = "rose" if now > before else "fell"
    return [Standout(f"Confidence {word} from {before:.2f} to {now:.2f}", "pages/engagement.py")]


def mistake_standouts(ranked: pd.DataFrame) -> list[Standout]:
    """What is new among the most frequent mistakes, or else the one that rose most; ``ranked`` as on Mistakes."""
    is_new = ranked["trend"] == NEW
    if is_new.any() and not is_new.all():
        row = ranked[is_new].iloc[0]
        text = f"“{row['mistake']}” is new among the {len(ranked)} most frequent mistakes: {row['frequency']:,} times"
        return [Standout(text, "pages/mistakes.py")]
    rising = ranked[(ranked["change"] > 0) & ~is_new].sort_values("change", ascending=False)
    if rising.empty:
        return []
    row = rising.iloc[0]
    text = f"“{row['mistake']}” rose from {row['frequency_before']:,} to {row['frequency']:,} times"
    return [Standout(text, "pages/mistakes.py")]


def candidate_standout(now: int, before: int, days: int) -> list[Standout]:
    """How many more or fewer users qualify than ``days`` days ago."""
    who = f"{now:,} user{' qualifies' if now == 1 else 's qualify'} for the offer"
    word = "more" if now > before else "fewer"
    change = f"{abs(now - before):,} {word} than" if now != before else "as"
    return [Standout(f"{who}, {change} {days} days ago", "pages/conversion.py")]
