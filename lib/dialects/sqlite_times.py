"""Timestamps in SQLite, which has no type for them: texts of ISO 8601, and numbers of seconds or milliseconds.

Written out as SQL; lib.reading.read_time gives every value the same meaning. On SQLite a number sorts before a text,
and one that is a time begins with a 1, as text as well: in every column these sort before all dates of the century.
"""

from __future__ import annotations

from lib.reading import MILLISECONDS, SECONDS

FIRST_DATE, AFTER_DATES = "'2000-'", "'20:'"
LONG_AGO = 2_400_000  # julianday() takes a text such as 2026.5 for days, all of them long before this one

# What SQLite's functions read by themselves comes first; all else is rare. They take a day that its month does not have
# for one of the next, and bare numbers and 'now': this keeps those out.
_TIME = """
CASE WHEN {c} >= '2000-' AND (substr({c}, 9, 2) < '29' OR date(substr({c}, 1, 10), '+0 days') = substr({c}, 1, 10))
THEN coalesce({f}({c}{more}), (
SELECT coalesce({f}(n{more}), {f}(n || ':00'{more}), {f}(substr(n, 1, length(n) - 2) || ':' || substr(n, -2){more}))
FROM (SELECT {plain} AS n)))
ELSE {f}({seconds}, 'unixepoch'{more}) END
"""
# Without the name of a zone that follows an offset in brackets, with a point before the fraction, and a capital Z.
_PLAIN = """
rtrim(replace(replace(upper(replace(
CASE WHEN instr({c}, '[') > 17 AND substr({c}, 17, instr({c}, '[') - 17) GLOB '*[-+Zz]*'
THEN substr({c}, 1, instr({c}, '[') - 1) ELSE {c} END,
',', '.')), 'UTC', 'Z'), 'GMT', 'Z'), char(32, 9, 10, 13))
"""
# Compared with what is declared a number, a text is taken for one if it can be; if not, it is beyond them all.
_SECONDS = """
CASE WHEN {c} >= {s0} AND {c} NOT GLOB '*[^0-9.]*' THEN CASE
WHEN {c} >= CAST({s0} AS NUMERIC) AND {c} < CAST({s1} AS NUMERIC) THEN {c} + 0.0
WHEN {c} >= CAST({m0} AS NUMERIC) AND {c} < CAST({m1} AS NUMERIC) THEN {c} / 1000.0 END END
"""
# The smallest number that is a time says how they are written. As text, milliseconds sort right after their second.
_RANGE_START = """
coalesce((SELECT CASE WHEN typeof(n) = 'text' OR n < {m0} THEN {second} ELSE {second} * 1000 END FROM (
SELECT {name} AS n FROM {table}
WHERE {name} >= {s0} AND {name} < '2000-' AND {name} NOT GLOB '*[^0-9.]*' ORDER BY {name} LIMIT 1)), {day})
"""
# Dates, milliseconds, and seconds. In a column of texts the second part has all numbers: they sort by their digits.
PARTS = (
    f"{{c}} >= {FIRST_DATE}",
    f"{{c}} >= {MILLISECONDS[0]} AND {{c}} < {FIRST_DATE}",
    f"{{c}} >= {SECONDS[0]} AND {{c}} < {MILLISECONDS[0]}",
)
_BOUNDS = {"s0": SECONDS[0], "s1": SECONDS[1], "m0": MILLISECONDS[0], "m1": MILLISECONDS[1]}


def days(column: str) -> str:
    """The time in ``column`` as a number of days that sorts; NULL where there is none that can be read."""
    return _parsed("julianday", column)


def instant(column: str) -> str:
    """The time in ``column`` as `2026-11-16 09:30:00`, UTC; NULL where there is none that can be read."""
    return _parsed("datetime", column, ", '+0 days'")  # or 24:00:00 would not be the next day


def is_time(column: str) -> str:
    """The condition that ``column`` holds a time that can be read; never NULL where it holds anything."""
    return f"({column} < {AFTER_DATES} AND coalesce({days(column)}, 0) > {LONG_AGO})"


def range_start(table: str, name: str, day: str, second: str) -> str:
    """Where a window of the column ``name`` begins in its index: at the text ``day``, but where times are numbers at
    the number ``second`` (since 1970), before all texts.
    """
    return _on_one_line(_RANGE_START.format(table=table, name=name, day=day, second=second, **_BOUNDS))


def _parsed(function: str, column: str, more: str = "") -> str:
    plain, seconds = _PLAIN.format(c=column), _SECONDS.format(c=column, **_BOUNDS)
    return _on_one_line(_TIME.format(c=column, f=function, more=more, plain=plain, seconds=seconds))


def _on_one_line(sql: str) -> str:
    return sql.strip().replace("\n", " ")
