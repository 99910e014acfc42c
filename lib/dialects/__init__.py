"""The differences between databases, as SQLAlchemy constructs with one compilation each; queries never ask.

SQLite holds timestamps as text, UTC unless the text names an offset, in any ISO 8601 shape, or as numbers of seconds or
milliseconds, mixed within a column. PostgreSQL has real timestamps. SQLite also takes any text where a number or a yes
belongs; PostgreSQL's numbers may be NaN or infinite. lib.reading gives each value the same meaning, for copies.
"""

from lib.dialects.times import before, has_other_shape, in_window, is_readable, is_unreadable, moment, parts_in_order
from lib.dialects.values import (
    EMPTY,
    UNKNOWN,
    amount,
    code_points,
    is_blank,
    is_neither,
    is_no_number,
    is_odd_text,
    is_one_of,
    is_yes,
    number,
    text_or,
    whole,
)

__all__ = [
    "EMPTY",
    "UNKNOWN",
    "amount",
    "before",
    "code_points",
    "has_other_shape",
    "in_window",
    "is_blank",
    "is_neither",
    "is_no_number",
    "is_odd_text",
    "is_one_of",
    "is_readable",
    "is_unreadable",
    "is_yes",
    "moment",
    "number",
    "parts_in_order",
    "text_or",
    "whole",
]
