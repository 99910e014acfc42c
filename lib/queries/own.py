"""Questions of the installation's own: one statement that only reads, within a time and a number of rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

import pandas as pd
from sqlalchemy import Connection, Executable, bindparam, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import NullType

from lib.addresses import start_without_addresses
from lib.period import Period
from lib.queries.guard import NOTHING, Limits, OutOfTime, Refused, Stop, Withheld
from lib.queries.wall import fetched
from lib.queries.wall_postgresql import withheld_columns

__all__ = ["AnalysisProblem", "Answer", "Limits", "run_own"]

LONGEST_STATEMENT = 100_000  # characters; SQLite takes as many bytes
LONGEST_ROW = 500_000  # bytes that a server may send as one row
TOO_LONG = f"a row of more than {LONGEST_ROW:,} bytes"
# A server has no bound of its own for what it sends; the text in the way of a longer row becomes its error message. The
# size comes first: as a text, a value of a gigabyte takes minutes that nothing ends.
_BOUNDED = r"""SELECT answer.* FROM (
{sql}
) AS answer WHERE CASE
WHEN pg_column_size(answer) > {longest}
THEN CAST('{too_long}' || left(pg_column_size(answer)\:\:text, 0) AS integer) IS NULL
WHEN octet_length(answer\:\:text) > {longest} THEN CAST('{too_long}' || left(answer\:\:text, 0) AS integer) IS NULL
ELSE TRUE END LIMIT {rows}"""
# What begins something that is no code: comments, texts, quoted names, and PostgreSQL's texts between dollars.
_NO_CODE = re.compile(r"--[^\n]*|/\*|'|\"|\$\w*+\$")
_TAG = re.compile(r"(?=(\$\w*+\$))")
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w++)")
_NO_SIGN = re.compile("[\ud800-\udfff]")
_BEGINNING = re.compile(r"[\s(]*(?:select|with|values)(?![\w$])", re.IGNORECASE | re.ASCII)
_STOPPED = re.compile(r"interrupted|statement timeout|user request", re.IGNORECASE)
_MISSING = re.compile(r"(?:no such column: |using column )(?:\w+\.)*(\w+)")
_NO_RIGHT = re.compile(r"permission denied for (?:table|view) (\w+)")


class AnalysisProblem(Exception):
    """An own analysis cannot be run; ``str()`` is one sentence that says why."""


@dataclass(frozen=True, eq=False)
class Answer:
    """``frame`` has the columns that the statement names; ``is_cut`` where there are more rows than the limit."""

    frame: pd.DataFrame
    is_cut: bool


def run_own(
    connection: Connection,
    sql: str,
    period: Period,
    limits: Limits,
    *,
    withheld: Withheld = NOTHING,
    stop: Stop | None = None,
) -> Answer:
    """Run one statement with :start, :end (the first instant after the window) and :as_of bound.

    Start and end are UTC, `2026-11-16` where that is midnight, else `2026-11-16 23:00:00`. Values come back as the
    database has them. Where columns are ``withheld``, the connection must be one of `lib.queries.wall.Place`.
    Raises AnalysisProblem; a connection that is lost is the database's error, not the statement's.
    """
    statement = _statement(sql, period, _BOUNDED if connection.dialect.name == "postgresql" else "{sql}", limits)
    stop = stop or Stop()
    try:
        names, rows, is_cut = fetched(connection, statement, limits, withheld, stop)
    except OutOfTime as end:
        raise AnalysisProblem(f"{_ending(stop, limits)} {end}".strip()) from end
    except Refused as refusal:
        raise AnalysisProblem(str(refusal)) from refusal
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        hidden = withheld_columns(withheld) if connection.dialect.name == "postgresql" else withheld
        raise AnalysisProblem(_reason(error, hidden, stop, limits)) from error
    return Answer(pd.DataFrame(rows, columns=_unique(names), dtype="object"), is_cut)


def _statement(sql: str, period: Period, frame: str, limits: Limits) -> Executable:
    """``sql`` in its ``frame``, parameters bound. Each use is a value of its own: PostgreSQL may need it twice."""
    if len(sql) > LONGEST_STATEMENT:
        raise AnalysisProblem(f"It has more than {LONGEST_STATEMENT:,} characters.")
    if not sql.isascii() and _NO_SIGN.search(sql):
        raise AnalysisProblem("It holds signs that are none of any script.")
    values = {"start": _moment(period.start), "end": _moment(period.end), "as_of": period.as_of.isoformat()}
    bound: dict[str, str] = {}
    numbers = count(1)

    def bind(use: re.Match[str]) -> str:
        if use[1] not in values:
            raise AnalysisProblem(f"It has the parameter :{use[1]}; there are :start, :end and :as_of.")
        name = f"{use[1]}_{next(numbers)}"
        bound[name] = values[use[1]]
        return f":{name} "  # what follows, such as ::date, is not to hide it

    pieces = _in_pieces(_checked(sql), lambda part: _PARAMETER.sub(bind, part), lambda part: part.replace(":", r"\:"))
    framed = text(frame.format(sql=pieces, longest=LONGEST_ROW, too_long=TOO_LONG, rows=limits.rows + 1))
    # A value of no stated type takes the type of what it is compared with.
    return framed.bindparams(*(bindparam(name, value, type_=NullType()) for name, value in bound.items()))


def _checked(sql: str) -> str:
    """``sql`` without its last semicolon; raises AnalysisProblem unless it is one statement that asks."""
    code = _in_pieces(sql, lambda part: part, _blanked).rstrip(" \t\r\n;")
    if not code.strip():
        raise AnalysisProblem("It holds no statement.")
    if ";" in code:
        raise AnalysisProblem("It holds more than one statement.")
    if not _BEGINNING.match(code):
        raise AnalysisProblem("It does not begin with SELECT, WITH or VALUES: only those can be run here.")
    return sql[: len(code)]


def _blanked(part: str) -> str:
    return (" " if part.startswith(("--", "/*")) else "'") * len(part)


def _in_pieces(sql: str, code: Callable[[str], str], other: Callable[[str], str]) -> str:
    """``sql`` with its code changed, and what is no code; what has no end is code. A doubled quote ends and begins."""
    # Where each end is for the last time: none is looked for in vain, which would take long where many begin.
    last = {ending: sql.rfind(ending) for ending in ("*/", "'", '"')} | {
        tag[1]: tag.start() for tag in _TAG.finditer(sql)
    }
    pieces, done, place = [], 0, 0
    while found := _NO_CODE.search(sql, place):
        opening = found[0]
        ending = "*/" if opening == "/*" else opening
        if opening.startswith("--"):
            place = found.end()
        elif last[ending] >= found.end():
            place = sql.index(ending, found.end()) + len(ending)
        else:
            place = found.start() + 1
            continue
        pieces += [code(sql[done : found.start()]), other(sql[found.start() : place])]
        done = place
    return "".join([*pieces, code(sql[done:])])


def _moment(instant: datetime) -> str:
    """A bare day where that says it: SQLite compares it rightly with timestamps of every shape."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%d}" if utc.time() == utc.min.time() else f"{utc:%Y-%m-%d %H:%M:%S}"


def _ending(stop: Stop, limits: Limits) -> str:
    return "It was stopped." if stop.is_wished else f"It took longer than {limits.seconds:g} seconds and was stopped."


def _reason(error: DBAPIError, withheld: Withheld, stop: Stop, limits: Limits) -> str:
    message = str(error.orig).strip().partition("\n")[0]
    if _STOPPED.search(message):
        return _ending(stop, limits)
    if TOO_LONG in message or "string or blob too big" in message:
        return "One of its values or rows is too long for an answer."
    return f"The database refuses it: {start_without_addresses(message, 300).rstrip('.')}.{_hint(message, withheld)}"


def _hint(message: str, withheld: Withheld) -> str:
    """Which column is withheld, where that is why the database does not find it or does not let it be read."""
    missing, table = _MISSING.search(message), _NO_RIGHT.search(message)
    names = sorted(
        f"{of}.{column}"
        for of, column in withheld
        if (missing and column == missing[1].lower()) or (table and of == table[1].lower())
    )
    return f" Withheld from you: {', '.join(names)}; name the other columns instead." if names else ""


def _unique(names: list[str]) -> list[str]:
    """Names of columns, each once: two called id become `id` and `id 2`."""
    taken: list[str] = []
    for name in names:
        options = (name if number == 1 else f"{name} {number}" for number in count(1))
        taken.append(next(option for option in options if option not in taken))
    return taken
