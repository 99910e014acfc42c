"""What a table to export is, and what CSV and Excel agree on: headers, values by kind, text fit for a cell."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo

import pandas as pd

Kind = Literal["text", "integer", "decimal", "percent", "money", "date", "datetime", "boolean"]

# What XML, and so Excel, refuses, and all other control characters but tab and line ends.
REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
MARKS = re.compile(r"\*\*|`|\\(?=[^\w\s])|\\(?=_)")
# Formula signs, and their full-width, small and minus look-alikes.
SIGNS = "=+\\-@\u2212\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
SKIPPED = '(?:[^\\S\t\r\n]|["\u00ad\u200b-\u200f\u2060\ufeff])*'  # blanks, quotes and unseen characters
FORMULA = re.compile(f"{SKIPPED}[{SIGNS}\t\r\n]")


class CannotWrite(ValueError):
    """A file of this kind cannot hold what it was given; ``str()`` is a sentence that says what to do."""


@dataclass(frozen=True)
class Column:
    """How one column of a frame is written.

    A percent is given as 12.5 for 12.5 %. ``unit`` follows the label in parentheses. ``help`` is the definition, for
    the About sheet. ``places`` are the decimals of decimal and money, and of percent in CSV (Excel shows
    one, as pages do). A change is a number in files; pages write it with arrow and sign.
    """

    label: str
    kind: Kind
    unit: str = ""
    help: str = ""
    places: int = 2
    is_change: bool = False

    def header(self, zone: str) -> str:
        """The label with its unit; for a date-time the reporting zone, since no cell can carry one."""
        unit = zone if self.kind == "datetime" else self.unit
        return clean(f"{self.label} ({unit})" if unit else self.label)


@dataclass(frozen=True)
class Sheet:
    """A table to export: only the columns of ``frame`` named in ``columns``, in that order.

    In Excel the cells of the columns named in ``shaded`` are coloured together, from few to many.
    ``has_free_names``: whoever asked named the columns, so that what is called email need not be one.
    """

    name: str
    frame: pd.DataFrame
    columns: Mapping[str, Column]
    shaded: tuple[str, ...] = ()
    has_free_names: bool = False


def clean(text: str) -> str:
    """``text`` without the characters that a file must not hold."""
    return REFUSED.sub("", text)


def without_markdown(text: str) -> str:
    """``text`` as a file says it: a definition of ours without its marks for bold type, code and escaped signs."""
    return MARKS.sub("", text)


def column_values(series: pd.Series[Any], column: Column, zone: str) -> list[Any]:
    """Python values of one type (str, int, float, date, naive datetime in ``zone``), None where there is none.

    Timestamps are UTC unless they say otherwise. Raises CannotWrite, naming the column, for a value not of its kind.
    """
    try:
        if column.kind == "datetime":
            moments = pd.to_datetime(series, utc=True, format="ISO8601").dt.tz_convert(ZoneInfo(zone))
            in_seconds: list[Any] = moments.dt.tz_localize(None).to_numpy().astype("datetime64[s]").tolist()
            return in_seconds
        convert = _converter(column.kind, zone)
        pairs = zip(series.tolist(), series.isna().tolist(), strict=True)
        return [None if missing else convert(value) for value, missing in pairs]
    except (KeyError, TypeError, ValueError) as error:
        raise CannotWrite(f'The column "{column.label}" cannot be written as {column.kind}: {error}.') from error


def _converter(kind: Kind, zone: str) -> Callable[[Any], Any]:
    if kind == "text":
        return lambda value: clean(str(value))
    if kind == "integer":
        return _whole
    if kind == "date":
        return lambda value: _day(value, zone)
    if kind == "boolean":  # words, since Excel shows TRUE as WAHR or VRAI, and CSV would differ
        return {True: "yes", False: "no"}.__getitem__
    return _finite


def _whole(value: Any) -> int | None:
    if isinstance(value, int):  # as a float it would lose digits from the 16th on
        return int(value)
    number = _finite(value)
    if number is not None and not number.is_integer():
        raise ValueError(f"{value} is not a whole number")
    return None if number is None else int(value)


def _finite(value: Any) -> float | None:
    """A float, or None for an infinite one: a division by zero has no number to show."""
    number = float(value)
    return number if math.isfinite(number) else None


def _day(value: Any, zone: str) -> date:
    """A day stays that day; a moment with a zone is the day it falls on in ``zone``."""
    moment = pd.Timestamp(value)
    return (moment if moment.tzinfo is None else moment.tz_convert(ZoneInfo(zone))).date()
