"""PostgreSQL's columns of other types than the schema's, read as what they should be: SQL that never raises.

What is no number becomes NaN and what is no time infinity, which are left out everywhere, and named by Data health.
"""

from __future__ import annotations

from string import Template

from sqlalchemy import Boolean, Column, DateTime, Float, Integer

TEXT, NUMBER, FLAG, TIME = "text", "a number", "boolean", "a timestamp"
WANTED: dict[type, str] = {DateTime: TIME, Boolean: FLAG, Integer: NUMBER, Float: NUMBER}
# The schema's own types, and what PostgreSQL compares with them by itself.
AS_IT_IS = {
    TEXT: {"text", "character varying"},
    NUMBER: {"smallint", "integer", "bigint", "real", "double precision", "numeric"},
    FLAG: {"boolean"},
    TIME: {"timestamp with time zone", "timestamp without time zone"},
}
YES, NO = ("1", "1.0", "true", "t", "yes", "y", "on"), ("0", "0.0", "false", "f", "no", "n", "off")

_TEXT = Template("CAST($column AS text)")
_NUMBER_IN_TEXT = Template(
    "CASE WHEN $text ~ '^[ ]*[+-]?([0-9]{1,99}[.]?[0-9]{0,99}|[.][0-9]{1,99})([eE][+-]?[0-9]{1,2})?[ ]*$$' "
    "THEN CAST($text AS double precision) WHEN $text IS NOT NULL THEN CAST('NaN' AS double precision) END"
)
_FLAG_IN_TEXT = Template(
    f"CASE WHEN lower(btrim($text)) IN {YES} THEN true WHEN lower(btrim($text)) IN {NO} THEN false END"
)
# Seconds or milliseconds since 1970, of this century.
_TIME_IN_NUMBER = Template(
    "CASE WHEN $column BETWEEN 946684800 AND 4102444799 THEN to_timestamp($column) "
    "WHEN $column BETWEEN 946684800000 AND 4102444799999 THEN to_timestamp($column / 1000.0) "
    "WHEN $column IS NOT NULL THEN CAST('infinity' AS timestamptz) END"
)
# A day that its month does not have is one of the next month's, as SQLite reads it. UTC unless it says otherwise.
_TIME_IN_TEXT = Template(
    "CASE WHEN $text ~ '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    "($$|[T ]([01][0-9]|2[0-3]):[0-5][0-9]($$|Z$$|[+-][0-9]{2}|:[0-5][0-9]))' THEN "
    "make_timestamptz(CAST(substr($text, 1, 4) AS integer), CAST(substr($text, 6, 2) AS integer), 1, 0, 0, 0, 'UTC') "
    "+ make_interval(days => CAST(substr($text, 9, 2) AS integer) - 1) "
    "+ CAST(coalesce(substring($text FROM '^.{11}([0-9:]{5}(:[0-9]{2}([.][0-9]{1,6})?)?)'), '0:0') AS interval) "
    "- CAST(coalesce(substr($offset, 1, 3) || ':' || lpad(substr(replace($offset, ':', ''), 4), 2, '0'), '0:0') "
    "AS interval) WHEN btrim($text) <> '' THEN CAST('infinity' AS timestamptz) END"
)
_OFFSET = Template("substring($text FROM '^.{16,}([+-][0-9]{2}(:?[0-9]{2})?)$$')")
# What is wanted, and a type or, in capitals, a category of types that can be read as that.
_READINGS = {
    (NUMBER, "S"): _NUMBER_IN_TEXT,
    (NUMBER, "E"): _NUMBER_IN_TEXT,
    (NUMBER, "boolean"): Template("CAST($column AS integer)"),
    (NUMBER, "money"): Template("CAST(CAST($column AS numeric) AS double precision)"),
    (NUMBER, "interval"): Template("CAST(extract(epoch FROM $column) AS double precision)"),
    (FLAG, "S"): _FLAG_IN_TEXT,
    (FLAG, "E"): _FLAG_IN_TEXT,
    (FLAG, "N"): _FLAG_IN_TEXT,
    (TIME, "date"): Template("CAST($column AS timestamp)"),
    (TIME, "S"): _TIME_IN_TEXT,
    (TIME, "N"): _TIME_IN_NUMBER,
}


def wanted(column: Column[object]) -> str:
    """What a column of the schema holds, in a word."""
    return next((word for kind, word in WANTED.items() if isinstance(column.type, kind)), TEXT)


def reading(wanted: str, quoted: str, kind: str, category: str) -> str | None:
    """How the column ``quoted`` is read, of the type ``kind`` in PostgreSQL's ``category``; None where it cannot be."""
    if kind in AS_IT_IS[wanted]:
        return quoted
    text = _TEXT.substitute(column=quoted)
    if wanted == TEXT:
        return None if kind == "bytea" else text
    template = _READINGS.get((wanted, kind)) or _READINGS.get((wanted, category))
    offset = _OFFSET.substitute(text=text)
    return template.substitute(column=quoted, text=text, offset=offset) if template else None
