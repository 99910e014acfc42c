"""The report as JSON for other programs; its form is published in summary.schema.json beside this module."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from lib.period import Period
from lib.report.contents import Conversion, Engagement, Mistakes, Report, ReportOptions
from lib.rounding import half_up

SCHEMA = Path(__file__).with_name("summary.schema.json")

# What a column of the tables is called in the JSON; other columns are not in it.
FIGURES = {
    "users": "users",
    "sessions": "sessions",
    "avg_confidence": "avg_confidence",
    "avg_mistakes": "avg_errors",
    "sessions_per_user": "sessions_per_user",
}
MISTAKE = ("rank", "error_type", "error_category", "mistake", "correct_form", "frequency", "percent", "users")
CANDIDATE = ("user_id", "email", "english_level", "sessions", "avg_score", "last_session_at", "recommendation")


def summary(report: Report) -> dict[str, Any]:
    """The report as values that JSON has: fractions rounded half up to two decimals, None where there is nothing.

    Moments are ISO 8601 in the reporting zone, with its offset and to the second; ``start`` and ``end`` are the first
    and the last day of a window, both included.
    """
    zone = report.options.zone
    return {
        "generated_at": _moment(report.generated_at, zone),
        "as_of": report.as_of.isoformat(),
        "timezone": zone,
        "data_as_of": None if report.data_as_of is None else _moment(report.data_as_of, zone),
        "source": report.source,
        "engagement": _engagement(report.engagement, zone),
        "mistakes": _mistakes(report.mistakes, zone),
        "conversion": _conversion(report.conversion, report.options),
    }


def schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of ``summary``."""
    read: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return read


def _window(period: Period) -> dict[str, Any]:
    return {"window_days": period.days, "start": period.first.isoformat(), "end": period.as_of.isoformat()}


def _engagement(engagement: Engagement, zone: str) -> dict[str, Any]:
    by_role = engagement.by_role
    return {
        **_window(engagement.period),
        "by_role": _records(by_role[:-1], {"group": "role", **FIGURES}, zone),
        "total": _records(by_role[-1:], FIGURES, zone)[0],
    }


def _mistakes(mistakes: Mistakes, zone: str) -> dict[str, Any]:
    return {
        **_window(mistakes.period),
        "total_errors": mistakes.total,
        "left_out": mistakes.left_out,
        "top": _records(mistakes.top, {name: name for name in MISTAKE}, zone),
    }


def _conversion(conversion: Conversion, options: ReportOptions) -> dict[str, Any]:
    thresholds = options.thresholds
    return {
        **_window(conversion.period),
        "thresholds": {
            "min_sessions": thresholds.min_sessions,
            "min_confidence": half_up(thresholds.min_confidence),
            "streak": thresholds.streak,
        },
        "price": half_up(options.offer.price),
        "revenue_potential": half_up(conversion.revenue.potential),
        "candidates": _records(conversion.candidates, {name: name for name in CANDIDATE}, options.zone),
    }


def _records(frame: pd.DataFrame, names: Mapping[str, str], zone: str) -> list[dict[str, Any]]:
    columns = [_values(frame[name], zone) for name in names]
    return [dict(zip(names.values(), row, strict=True)) for row in zip(*columns, strict=True)]


def _values(column: pd.Series[Any], zone: str) -> list[Any]:
    """A column as JSON has it; each different value is converted once, for most columns have few."""
    converted = {value: _value(value, zone) for value in column.dropna().unique().tolist()}
    return [converted.get(value) for value in column.tolist()]


def _value(value: Any, zone: str) -> Any:
    if isinstance(value, datetime):
        return _moment(value, zone)
    return half_up(value) if isinstance(value, float) else value


def _moment(instant: datetime, zone: str) -> str:
    return instant.astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
