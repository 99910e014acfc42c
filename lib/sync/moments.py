"""Timestamps as they are written, and what they mean.

The app reads text on SQLite by the rules of lib.dialects; these are the same rules, so that a copy in PostgreSQL gives
the same numbers as the file.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from lib.database import to_utc

_DAY = re.compile(r"20\d\d-\d\d-\d\d(?:[T ]|$)")
# A day that a month does not have, or 24:00:00: SQLite reads these, and lib.database says what they mean.
_OVERFLOWING = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[T ](?:[01]\d|2[0-4]):[0-5]\d:[0-5]\d")
_GAP_BEFORE_OFFSET = re.compile(r" (?=[+-]\d\d(?::?\d\d)?$)")
_WHOLE_SECONDS = len("2026-11-16 09:30:00")


def of_text(value: Any) -> datetime | None:
    """The instant (aware, UTC) that a text of any ISO 8601 shape names, UTC unless it says otherwise; None if none."""
    if not isinstance(value, str) or not _DAY.match(value):
        return None
    text = value.rstrip()
    for readable in (text, _GAP_BEFORE_OFFSET.sub("", text), text[:_WHOLE_SECONDS]):
        instant = _iso(readable)
        if instant is not None:
            return instant
    return _overflowing(text) if _OVERFLOWING.match(text) else None


def of_database(value: Any) -> datetime | None:
    """The instant that PostgreSQL wrote as text; None for infinity and for years that Python does not have."""
    return _iso(value) if isinstance(value, str) else None


def to_text(instant: datetime) -> str:
    """`2026-11-16 09:30:00`, UTC, with a fraction only where there is one."""
    return instant.replace(tzinfo=None).isoformat(" ")


def _iso(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _overflowing(text: str) -> datetime | None:
    instant = to_utc(pd.Series([text], dtype="str")).iloc[0]
    return None if pd.isna(instant) else instant.to_pydatetime()
