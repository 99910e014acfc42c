"""Whether a value fits its column, and what becomes of it: see the rules in the package's own description."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, DateTime, Float, Integer, Table

from lib.reading import WHITE_SPACE, read_number, read_time, read_whole, read_yes_or_no
from lib.schema.indexes import INDEXES
from lib.sync.moments import of_database, to_text

# PostgreSQL's index entries hold 2,704 bytes: three such texts of four bytes a character.
LONGEST_KEY = 200
FREE_JSON = frozenset({"conditions_met", "confidence_scores"})
REPLACEMENT = "\ufffd"

_UNSUITED = re.compile("[\0\ud800-\udfff]")

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
    for kind, read, what in (
        (Boolean, read_yes_or_no, "is neither yes nor no"),
        (Integer, _whole, "cannot be read as a whole number"),
        (Float, read_number, "cannot be read as a number"),
    ):
        if isinstance(column.type, kind):
            return partial(_value, read=read, what=what)
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
        value = _as_text(value, key, any_json)
    if key and not value.strip():
        return None
    if longest is not None and len(value) > longest:
        raise Misfit(f"is longer than {longest} characters")
    if valid_json:
        _check_json(value)
    if _UNSUITED.search(value):
        raise Mended(_UNSUITED.sub(REPLACEMENT, value), "held characters that databases cannot keep")
    return str(value)


def _as_text(value: Any, key: bool, any_json: bool) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")  # which is then noted
    if any_json:
        return json.dumps(value, ensure_ascii=False, default=_finite)
    if isinstance(value, int | float | Decimal | UUID) and not isinstance(value, bool):
        return str(value)
    if key:
        raise Misfit("is no text")
    raise Mended(None, "is no text, and was emptied")


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


def _value(value: Any, *, read: Converter, what: str) -> Any:
    """What pages read there: a value that they cannot read is none for them, and its row counts."""
    if isinstance(value, str) and not value.strip(WHITE_SPACE):
        return None
    found = read(value)
    if found is None:
        raise Mended(None, f"{what}, and was emptied")
    return found


def _whole(value: Any) -> int | None:
    whole = read_whole(value)
    if whole is not None and whole != read_number(value):
        raise Mended(whole, "was not whole, and was rounded")
    return whole


def _times(source: str, target: str) -> Converter:
    if source == target == "sqlite":
        return partial(_text, longest=None, key=False, any_json=False, valid_json=False)
    read = of_database if source == "postgresql" else read_time
    return partial(_time, read=read, write=to_text if target == "sqlite" else None)


def _time(value: Any, *, read: Converter, write: Callable[[datetime], str] | None) -> Any:
    instant = _value(value, read=read, what="cannot be read as a time")
    return write(instant) if write and instant else instant
