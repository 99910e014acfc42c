"""PostgreSQL's columns of other types than the schema's, read as what they should be: SQL that never raises.

What is no number becomes NaN and what is no time infinity, which are left out everywhere, and named by Data health.
"""

from __future__ import annotations

from string import Template

from sqlalchemy import Boolean, Column, DateTime, Float, Integer

from lib.reading import MILLISECONDS, NO, SECONDS, YES

TEXT, NUMBER, FLAG, TIME = "text", "a number", "boolean", "a timestamp"
WANTED: dict[type, str] = {DateTime: TIME, Boolean: FLAG, Integer: NUMBER, Float: NUMBER}
# The schema's own types, and what PostgreSQL compares with them by itself.
AS_IT_IS = {
    TEXT: {"text", "character varying"},
    NUMBER: {"smallint", "integer", "bigint", "real", "double precision", "numeric"},
    FLAG: {"boolean"},
    TIME: {"timestamp with time zone", "timestamp without time zone"},
}
_TEXT = Template("CAST($column AS text)")
_NUMBER_IN_TEXT = Template(
    "CASE WHEN $text ~ '^[[:space:]]*[+-]?([0-9]{1,99}[.]?[0-9]{0,99}|[.][0-9]{1,99})([eE][+-]?[0-9]{1,2})?"
    "[[:space:]]*$$' THEN CAST($text AS double precision) "
    "WHEN $text IS NOT NULL THEN CAST('NaN' AS double precision) END"
)
_TRIMMED = "btrim($text, ' ' || chr(9) || chr(10) || chr(13))"
_FLAG_IN_TEXT = Template(
    f"CASE WHEN lower({_TRIMMED}) IN {YES} THEN true WHEN lower({_TRIMMED}) IN {NO} THEN false END"
)
_TIME_IN_NUMBER = Template(
    "CASE WHEN $column >= {} AND $column < {} THEN to_timestamp(floor($column * 1000.0 + 0.5) / 1000.0) "
    "WHEN $column >= {} AND $column < {} THEN to_timestamp(floor($column + 0.5) / 1000.0) "
    "WHEN $column IS NOT NULL THEN CAST('infinity' AS timestamptz) END".format(*SECONDS, *MILLISECONDS)
)
# As lib.reading reads a text: without the name of a zone in brackets, a point before the fraction, a capital Z.
_PLAIN = Template(
    "rtrim(replace(replace(upper(replace(regexp_replace($text, '^(.{16}[^[]*[+Zz-][^[]*)[[].*', '\\1'), ',', '.')), "
    "'UTC', 'Z'), 'GMT', 'Z'), ' ' || chr(9) || chr(10) || chr(13))"
)
_SHAPE = (
    "^(20[0-9]{2})-([0-9]{2})-([0-9]{2})(?:[[:space:]T]*(?:([0-9]{2}):([0-9]{2})(?::([0-9]{2})([.][0-9]{1,6})?[0-9]*)?"
    "[[:space:]]*(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)?|([0-9]{2})([0-9]{2})?)|[[:space:]T]*)$$"
)
_LAST_DAY = "to_char(make_date(CAST(m[1] AS integer), CAST(m[2] AS integer), 1) + interval '1 month -1 day', 'DD')"
_INSTANT = (
    "make_timestamptz(CAST(m[1] AS integer), CAST(m[2] AS integer), CAST(m[3] AS integer), 0, 0, 0, 'UTC') "
    "+ make_interval(hours => CAST(coalesce(m[4], m[11], '0') AS integer), "
    "mins => CAST(coalesce(m[5], m[12], '0') AS integer), "
    "secs => CAST(coalesce(m[6], '0') || coalesce(m[7], '') AS double precision)) "
    "- CAST(coalesce(m[8], '+') || '1' AS integer) * make_interval(hours => CAST(coalesce(m[9], '0') AS integer), "
    "mins => CAST(coalesce(m[10], '0') AS integer))"
)
_OF_PARTS = (
    "CASE WHEN m[2] BETWEEN '01' AND '12' AND coalesce(m[4], m[11], '00') <= '24' "
    "AND coalesce(m[5], m[12], '00') <= '59' AND coalesce(m[6], '00') <= '59' "
    "AND coalesce(m[9], '00') <= '14' AND coalesce(m[10], '00') <= '59' "
    f"THEN CASE WHEN m[3] BETWEEN '01' AND {_LAST_DAY} THEN {_INSTANT} END END"
)
_PARTS = f"(VALUES (regexp_match($plain, '{_SHAPE}'))) AS parts (m)"
_TIME_IN_TEXT = Template(
    f"CASE WHEN $text ~ '^1[0-9]{{9}}([0-9]{{3}})?([.][0-9]*)?$$' THEN {_TIME_IN_NUMBER.template} "
    f"WHEN $plain <> '' THEN coalesce(({' '.join(['SELECT', _OF_PARTS, 'FROM', _PARTS])}), "
    "CAST('infinity' AS timestamptz)) END"
)
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
    column = f"CAST({quoted} AS numeric)" if template is _TIME_IN_TEXT else quoted
    return template.substitute(column=column, text=text, plain=_PLAIN.substitute(text=text)) if template else None
