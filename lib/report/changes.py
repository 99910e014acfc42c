"""What is news: this report against the last good one, so that nobody reads the same names every day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

import pandas as pd

from lib.analysis.engagement import TOTAL
from lib.analysis.offer_status import TO_OFFER
from lib.report.contents import Report
from lib.rounding import half_up


class Mistake(NamedTuple):
    """What makes two mistakes the same one."""

    error_type: str
    error_category: str
    text: str


class Gone(NamedTuple):
    """A candidate of the last report who is none any more. ``email`` is empty where there is none."""

    user_id: str
    email: str


class Step(NamedTuple):
    """A figure of the total of Engagement, rounded as the files have it; None where there is nothing to average."""

    name: str
    now: float | None
    last: float | None


class Setting(NamedTuple):
    """A setting that differs between the two reports, both values as text."""

    name: str
    now: str
    last: str


@dataclass(frozen=True)
class Last:
    """What this report is compared with: its day, and when it was made (aware)."""

    as_of: date
    generated_at: datetime


@dataclass(frozen=True)
class Changes:
    """What differs from the last report. Without a ``last`` one nothing is called new.

    ``new_candidates`` are ids of users who may be offered, and could not be then; ``gone`` could be offered then and do
    not qualify any more, in the order of the last report; ``steps`` are users, sessions and average confidence.
    ``is_unreadable``: there is a last report, but it cannot be understood.
    """

    last: Last | None = None
    is_unreadable: bool = False
    new_candidates: frozenset[str] = frozenset()
    gone: tuple[Gone, ...] = ()
    new_mistakes: frozenset[Mistake] = frozenset()
    steps: tuple[Step, ...] = ()
    settings: tuple[Setting, ...] = ()

    @property
    def any(self) -> bool:
        """Whether anything is different, figures and settings included."""
        lists = (self.new_candidates, self.gone, self.new_mistakes, self.settings)
        return any(lists) or any(step.now != step.last for step in self.steps)


def compare(report: Report, previous: Mapping[str, Any] | None) -> Changes:
    """What changed since ``previous``, the summary (parsed JSON) of the last good report; None where there is none.

    A summary that cannot be understood, of an older version or edited by hand, must not keep today's report from going
    out: it is as if there were none, and ``is_unreadable`` says so.
    """
    if previous is None:
        return Changes()
    try:
        return _compare(report, previous)
    except (KeyError, TypeError, ValueError):
        return Changes(is_unreadable=True)


def _compare(report: Report, previous: Mapping[str, Any]) -> Changes:
    last = Last(date.fromisoformat(previous["as_of"]), datetime.fromisoformat(previous["generated_at"]))
    if last.generated_at.tzinfo is None:
        raise ValueError("the time of the last report has no zone")
    before = {
        str(row["user_id"]): str(row["email"] or "")
        for row in previous["conversion"]["candidates"]
        if row["recommendation"] == TO_OFFER
    }
    qualify = set(report.conversion.candidates["user_id"])
    known = {
        Mistake(str(row["error_type"]), str(row["error_category"]), str(row["mistake"]))
        for row in previous["mistakes"]["top"]
    }
    return Changes(
        last,
        new_candidates=frozenset(report.conversion.to_offer["user_id"]) - before.keys(),
        gone=tuple(Gone(user_id, email) for user_id, email in before.items() if user_id not in qualify),
        new_mistakes=frozenset(mistake_keys(report.mistakes.top)) - known,
        steps=_steps(report.engagement.by_role, previous["engagement"]["total"]),
        settings=_settings(report, previous),
    )


def mistake_keys(top: pd.DataFrame) -> list[Mistake]:
    """The key of each row of ``analysis.mistakes.ranked``, in its order."""
    return [Mistake(*row) for row in zip(top["error_type"], top["error_category"], top["mistake"], strict=True)]


def _steps(by_role: pd.DataFrame, last: Mapping[str, Any]) -> tuple[Step, ...]:
    total = by_role[by_role["group"] == TOTAL].iloc[-1]
    names = ("users", "sessions", "avg_confidence")
    return tuple(Step(name, _rounded(total[name]), _rounded(last[name])) for name in names)


def _rounded(value: Any) -> float | None:
    """Rounded as the last report's file is; raises TypeError or ValueError for what is no number."""
    return None if value is None or pd.isna(value) else half_up(float(value))


def _settings(report: Report, previous: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Settings that change who and what is in the lists. What the last report does not say is not compared."""
    options, conversion = report.options, previous["conversion"]
    thresholds, last = options.thresholds, conversion["thresholds"]
    pairs = [
        ("database", report.source, previous["source"]),
        ("reporting zone", options.zone, previous["timezone"]),
        ("window of Engagement, days", options.engagement_days, previous["engagement"]["window_days"]),
        ("window of Mistakes, days", options.mistakes_days, previous["mistakes"]["window_days"]),
        ("window of Conversion, days", options.conversion_days, conversion["window_days"]),
        ("sessions at least", thresholds.min_sessions, last["min_sessions"]),
        ("score above", thresholds.min_confidence, last["min_confidence"]),
        ("way of counting", thresholds.streak, last["streak"]),
        ("price", options.offer.price, conversion["price"]),
    ]
    return tuple(Setting(name, _text(now), _text(before)) for name, now, before in pairs if _text(now) != _text(before))


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, (int, float)) else str(value)
