"""Whether a value fits its column, and what becomes of it: see the rules in the package's own description."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, Float, Integer, Table

from lib.schema import INDEXES
from lib.sync.moments import of_database, of_text, to_text

# PostgreSQL's index entries hold 2,704 bytes: three such texts of four bytes a character.
LONGEST_KEY = 200
LARGEST_WHOLE = 2**31 - 1
RANGES = {"confidence_score": (1, 10)}
FREE_JSON = frozenset({"conditions_met", "confidence_scores"})
REPLACEMENT = "\ufffd"

_UNSUITED = re.compile("[\0\ud800-\udfff]")
_NUMBER = re.compile(r"\s*[+-]?\d+(\.\d*)?([eE][+-]?\d+)?\s*")

Converter = Callable[[Any], Any]


class Misfit(Exception):
    """The value does not fit, and so its row does not; ``str()`` goes on after the column's name."""


class Mended(Exception):
    """The value fits after a change; ``str()`` goes on after the column's name."""

    def __init__(self, value: Any, what: str) -> None:
        super().__init__(what)
        self.value = value


@dataclass(frozen=True)
class Limits:
    """What the target's own column insists on, beyond our tables."""

    length: int | None = None
    required: bool = False
    valid_json: bool = False


class Fitter:
    """Fits the rows of one table for one kind of target."""

    def __init__(self, table: Table, *, source: str, target: str, limits: Mapping[str, Limits]) -> None:
        self._columns = [
            (
                column.name,
                _converter(column, source, target, limits.get(column.name, Limits())),
                column.primary_key or limits.get(column.name, Limits()).required,
            )
            for column in table.columns
        ]

    def fit(self, row: Sequence[Any] | None) -> tuple[tuple[Any, ...] | None, list[str]]:
        """The values to be stored and what was mended; or None and the reason why the row does not fit."""
        if row is None:
            return None, ["the item is no object"]
        values, mended = [], []
        for value, (name, convert, required) in zip(row, self._columns, strict=True):
            try:
                fitted = None if value is None else convert(value)
            except Mended as change:
                fitted = change.value
                mended.append(f"{name} {change}")
            except Misfit as misfit:
                return None, [f"{name} {misfit}"]
            if fitted is None and required:
                return None, [f"{name} is missing"]
            values.append(fitted)
        return tuple(values), mended


def _converter(column: Column[Any], source: str, target: str, limits: Limits) -> Converter:
    if isinstance(column.type, DateTime):
        return _times(source, target)
    if isinstance(column.type, Boolean):
        return _boolean
    if isinstance(column.type, Integer):
        return _whole
    if isinstance(column.type, Float):
        return partial(_float, within=RANGES.get(column.name))
    lengths = [length for length in (limits.length, LONGEST_KEY if _is_indexed(column) else None) if length]
    return partial(
        _text,
        longest=min(lengths, default=None),
        key=column.primary_key,
        any_json=column.name in FREE_JSON,
        valid_json=limits.valid_json,
    )


def _is_indexed(column: Column[Any]) -> bool:
    everywhere = (index for index in INDEXES if not index.info["only"])
    return column.name.endswith("_id") or any(column in tuple(index.columns) for index in everywhere)


def _text(value: Any, *, longest: int | None, key: bool, any_json: bool, valid_json: bool) -> str | None:
    if not isinstance(value, str):
        value = _as_text(value, any_json)
    if key and not value.strip():
        return None
    if longest is not None and len(value) > longest:
        raise Misfit(f"is longer than {longest} characters")
    if valid_json:
        _check_json(value)
    if _UNSUITED.search(value):
        raise Mended(_UNSUITED.sub(REPLACEMENT, value), "held characters that databases cannot keep")
    return str(value)


def _as_text(value: Any, any_json: bool) -> str:
    if any_json:
        return json.dumps(value, ensure_ascii=False, default=_finite)
    if isinstance(value, int | UUID) and not isinstance(value, bool):
        return str(value)
    raise Misfit("is no text")


def _finite(value: Decimal | str) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise Misfit("holds a number that databases cannot keep")
    return number


def _check_json(value: str) -> None:
    try:
        json.loads(value, parse_float=_finite, parse_constant=_finite)
    except ValueError as error:
        raise Misfit("is no JSON, and the target wants JSON") from error


def _number(value: Any) -> int | float:
    """Without a limit: 1e999999999 is infinite, and too large for every column."""
    if isinstance(value, Decimal) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit("is no number")
    if isinstance(value, float) and math.isnan(value):
        raise Misfit("is no number")
    return value


def _float(value: Any, *, within: tuple[float, float] | None) -> float:
    number = _number(value)
    if within is not None and not within[0] <= number <= within[1]:
        raise Misfit(f"is not between {within[0]} and {within[1]}")
    if abs(number) > sys.float_info.max:
        raise Misfit("is too large")
    return float(number)


def _whole(value: Any) -> int:
    number = _number(value)
    if abs(number) > LARGEST_WHOLE:
        raise Misfit("is too large")
    if number != int(number):
        raise Mended(round(number), "was not whole, and was rounded")
    return int(number)


def _boolean(value: Any) -> bool:
    if value in (0, 1):
        return bool(value)
    raise Misfit("is neither true nor false")


def _times(source: str, target: str) -> Converter:
    if source == target == "sqlite":
        return partial(_text, longest=None, key=False, any_json=False, valid_json=False)
    read = of_database if source == "postgresql" else of_text
    return partial(_time, read=read, write=to_text if target == "sqlite" else None)


def _time(value: Any, *, read: Converter, write: Converter | None) -> Any:
    if isinstance(value, str) and not value.strip():
        return None
    instant = read(value)
    if instant is None:
        raise Mended(None, "cannot be read as a time, and was emptied")
    return write(instant) if write else instant
