"""The three tables in which mistakes are written down, under one set of names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, Text, cast, func, literal_column

from lib.dialects import whole
from lib.schema import detected_errors, it_errors, pricing_errors

Source = Literal["detected", "it", "pricing"]
SOURCES: dict[Source, str] = {"detected": "Detected", "it": "IT English", "pricing": "Pricing"}
UNCATEGORISED = "uncategorised"


@dataclass(frozen=True)
class MistakeTable:
    """A table of mistakes. ``count`` is how often one row counts, ``times`` how often a group of rows does."""

    name: str
    error_type: ColumnElement[Any]
    error_category: ColumnElement[Any]
    text: ColumnElement[Any]
    count: ColumnElement[Any]
    times: ColumnElement[Any]
    user_id: ColumnElement[Any]
    at: ColumnElement[Any]
    domain: ColumnElement[Any] | None
    grouped: tuple[ColumnElement[Any], ...]


@cache
def tables() -> dict[Source, MistakeTable]:
    """The sources of mistakes. A type that is the same in every row is a constant, and nothing to group by."""
    d, i, p = detected_errors.c, it_errors.c, pricing_errors.c
    one: ColumnElement[int] = literal_column("1")
    repeated = func.coalesce(whole(i.frequency), 1)
    return {
        "detected": MistakeTable(
            detected_errors.name,
            d.error_type,
            d.error_category,
            d.error_text,
            one,
            func.count(),
            d.user_id,
            d.detected_at,
            None,
            (d.error_type, d.error_category, d.error_text),
        ),
        "it": MistakeTable(
            it_errors.name,
            literal_column("'IT English'", Text),
            i.domain,
            i.error_pattern,
            repeated,
            cast(func.sum(repeated), BigInteger),
            i.user_id,
            i.detected_at,
            i.domain,
            (i.domain, i.error_pattern),
        ),
        "pricing": MistakeTable(
            pricing_errors.name,
            literal_column("'pricing'", Text),
            p.category,
            p.error,
            one,
            func.count(),
            p.user_id,
            p.timestamp,
            p.domain,
            (p.category, p.error),
        ),
    }
