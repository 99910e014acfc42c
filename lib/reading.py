"""What a value means, whatever type it was written as: a time, a number, yes or no.

The same table of meanings as lib.dialects has for SQLite, so that a copy of a file gives the numbers that the file
itself gives.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

# No score and no count is as large, and a sum of millions of them is still held by every database.
LARGEST = 10**12
LARGEST_WHOLE = 2**31 - 1
YES = ("1", "1.0", "true", "t", "yes", "y", "on")
NO = ("0", "0.0", "false", "f", "no", "n", "off")
WHITE_SPACE = " \t\r\n"
# Times as numbers: the seconds since 1970, or the milliseconds that JavaScript counts, from September 2001 to May 2033.
SECONDS = (10**9, 2 * 10**9)
MILLISECONDS = (10**12, 2 * 10**12)

_STAMP = re.compile(r"1[0-9]{9}(?:[0-9]{3})?(?:\.[0-9]*)?")
_ZONE = re.compile(r"UTC|GMT")
_BRACKET = re.compile(r"^(.{16}[^[]*[+Zz-][^[]*)\[.*", re.DOTALL)  # what Java and Temporal add to an offset
_TIMESTAMP = re.compile(
    r"""
    (20\d\d)-(\d\d)-(\d\d)
    (?:[\sT]*
        (?:(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?\s*(?:Z|([+-])(\d\d)(?::?(\d\d))?)?
        |(\d\d)(\d\d)?)
    |[\sT]*)
    """,
    re.VERBOSE | re.ASCII,
)
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)


def read_time(value: Any) -> datetime | None:
    """The instant (aware, UTC) that a text in ISO 8601's extended format names, UTC unless it says otherwise, or a
    number of seconds or milliseconds; None where it is neither, or not of this century.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str):
        return _of_stamp(float(value)) if _STAMP.fullmatch(value) else _of_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return _of_stamp(float(value)) if value < MILLISECONDS[1] else None


def read_number(value: Any) -> float | None:
    """The number, also where it is written as text; None where there is none, or one too large to be added up."""
    if isinstance(value, Decimal) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= LARGEST else None  # NaN is not, either


def read_whole(value: Any) -> int | None:
    """The number without a fraction, halves away from zero; None also where 32 bits do not hold it."""
    number = read_number(value)
    if number is None or abs(number) > LARGEST_WHOLE:
        return None
    return int(math.copysign(math.floor(abs(number) + 0.5), number))


def read_yes_or_no(value: Any) -> bool | None:
    """Whether it is one of the words (or numbers) for yes, or for no; None where it is neither."""
    if isinstance(value, str):
        word = value.strip(WHITE_SPACE).lower()
        return True if word in YES else False if word in NO else None
    return bool(value) if isinstance(value, int | float | Decimal) and value in (0, 1) else None


def _of_stamp(value: float) -> datetime | None:
    if SECONDS[0] <= value < SECONDS[1]:
        milliseconds = math.floor(value * 1000 + 0.5)
    elif MILLISECONDS[0] <= value < MILLISECONDS[1]:
        milliseconds = math.floor(value + 0.5)
    else:
        return None
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def _of_text(text: str) -> datetime | None:
    plain = _ZONE.sub("Z", _BRACKET.sub(r"\1", text).replace(",", ".").upper()).rstrip(WHITE_SPACE)
    found = _TIMESTAMP.fullmatch(plain)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, ahead, more, bare_hour, bare_minute = found.groups("0")
    hours, minutes, seconds = int(hour) + int(bare_hour), int(minute) + int(bare_minute), int(second)
    offset = timedelta(hours=int(ahead), minutes=int(more))
    if hours > 24 or minutes > 59 or seconds > 59 or int(ahead) > 14 or int(more) > 59:
        return None
    try:
        midnight = datetime(int(year), int(month), int(day), tzinfo=timezone(-offset if sign == "-" else offset))
    except ValueError:
        return None
    since = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=int(f"{fraction[1:]:0<6}"[:6]))
    return (midnight + since).astimezone(UTC)
