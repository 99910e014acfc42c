"""Timestamps as databases write them: what PostgreSQL says, and what we write for SQLite."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from lib.reading import read_time

_REAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::\d\d)?)?")


def of_database(value: Any) -> datetime | None:
    """The instant (aware, UTC) that PostgreSQL wrote as text, of any year that Python has; else as lib.reading."""
    if not isinstance(value, str) or not _REAL.fullmatch(value):
        return read_time(value)
    try:
        instant = datetime.fromisoformat(value)
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def to_text(instant: datetime) -> str:
    """`2026-11-16 09:30:00`, UTC, with a fraction only where there is one."""
    return instant.replace(tzinfo=None).isoformat(" ")
