"""What the files of a report are called: a fixed stem, and the second at which the report was made."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SUMMARY = "daily_summary"
REPORT = "daily_report"
HEATMAP = "mistakes_heatmap"
STAMP = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d")
_FORMAT = "%Y-%m-%d_%H-%M-%S"
_NAME = re.compile(rf"([A-Za-z0-9_-]+)_({STAMP.pattern})\.[a-z]+")


def make_stamp(now: datetime, zone: str) -> str:
    """`2026-11-22_08-00-00`: the wall clock of ``zone`` (IANA name) at ``now`` (aware)."""
    return now.astimezone(ZoneInfo(zone)).strftime(_FORMAT)


def next_stamp(stamp: str) -> str:
    """The stamp a second later."""
    moment = datetime.strptime(stamp, _FORMAT).replace(tzinfo=UTC)
    return (moment + timedelta(seconds=1)).strftime(_FORMAT)


def stem(name: str) -> str:
    """A file's name without stamp and extension; raises ValueError for a name that is not one of a report's."""
    return _parts(name)[0]


def stamp_of(name: str) -> str:
    """The stamp in a file's name; raises ValueError for a name that is not one of a report's."""
    return _parts(name)[1]


def _parts(name: str) -> tuple[str, str]:
    if (match := _NAME.fullmatch(name)) is None:
        raise ValueError(f"{name} is not the name of a file of the report")
    return match[1], match[2]
