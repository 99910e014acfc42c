"""Timestamps: windows, order and oddities, in whatever shape they are written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Dialect,
    Text,
    and_,
    bindparam,
    func,
    literal_column,
    not_,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement
from sqlalchemy.types import TypeDecorator

from lib.dialects import sqlite_times
from lib.dialects.condition import Condition, written
from lib.dialects.values import is_blank
from lib.period import Period

# The widest offsets in use: the text of a timestamp may be 14 hours ahead of UTC, or 12 behind.
AHEAD, BEHIND = timedelta(hours=14), timedelta(hours=12)
# PostgreSQL holds years that Python cannot, and infinity; the same century is kept there, so that answers agree.
CENTURY_START: ColumnElement[Any] = literal_column("'2000-01-01 00:00:00+00'")
CENTURY_END: ColumnElement[Any] = literal_column("'2100-01-01 00:00:00+00'")


class Instant(TypeDecorator[datetime]):
    """An aware datetime as a bound value: text of UTC on SQLite, a timestamp elsewhere."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return dialect.type_descriptor(Text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


class _InWindow(Condition):
    inherit_cache = True


class _Before(Condition):
    inherit_cache = True


class _Unreadable(Condition):
    inherit_cache = True


class _Readable(Condition):
    inherit_cache = True


class _OtherShape(Condition):
    inherit_cache = True


class _Part(Condition):
    inherit_cache = True


class _Moment(FunctionElement[Any]):
    inherit_cache = True


def in_window(column: ColumnElement[Any], period: Period) -> ColumnElement[bool]:
    """True where the timestamp in ``column`` lies in ``period``: exact in any zone and shape, and the index is used.

    On SQLite a range of bare dates, wide enough for every offset, finds the rows by index; only those near the edges
    are looked at with the slow, exact datetime(). Where some times are numbers, the range begins with these.
    What is no timestamp is never in a window.
    """
    start, end = period.start, period.end
    return _InWindow(
        column,
        _instant(start),
        _instant(end),
        _bare(start - BEHIND),
        _bare(start + AHEAD, up=True),
        _bare(end - BEHIND),
        _bare(end + AHEAD, up=True),
        bindparam(None, int(start.timestamp()), type_=BigInteger(), unique=True),
    )


def before(column: ColumnElement[Any], end: datetime) -> ColumnElement[bool]:
    """True where the timestamp in ``column`` is readable and earlier than ``end`` (aware)."""
    return _Before(column, _instant(end), _bare(end + AHEAD, up=True))


def is_readable(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where a timestamp is given that can be read: text of ISO 8601, or a number of seconds or milliseconds."""
    return _Readable(column)


def is_unreadable(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where a timestamp is given but is none."""
    return _Unreadable(column)


def has_other_shape(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where a timestamp can be read but is not written as `2026-11-16 09:30:00`; never on real timestamps."""
    return _OtherShape(column)


def moment(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A value that sorts as the instants in ``column`` do, whatever their shapes; NULL where there is none."""
    return _Moment(column)


def parts_in_order(column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """Conditions that every readable timestamp meets one of, and those that do sort as their instants, about.

    So the first and the last of each are found by index. Elsewhere than on SQLite there is one part.
    """
    return [_Part(column, literal_column(str(number))) for number in range(len(sqlite_times.PARTS))]


def _instant(value: datetime) -> ColumnElement[Any]:
    return bindparam(None, value, type_=Instant(), unique=True)


def _bare(value: datetime, *, up: bool = False) -> ColumnElement[Any]:
    day = value.astimezone(UTC)
    if up and day.time() != day.min.time():
        day += timedelta(days=1)
    return bindparam(None, f"{day:%Y-%m-%d}", type_=Text(), unique=True)


@compiles(_InWindow)
def _in_window(element: _InWindow, compiler: SQLCompiler, **kw: Any) -> str:
    column, start, end, *_ = element.clauses
    return written(compiler, and_(column >= start, column < end), kw)


@compiles(_InWindow, "sqlite")
def _in_window_sqlite(element: _InWindow, compiler: SQLCompiler, **kw: Any) -> str:
    window = (compiler.process(clause, **kw) for clause in list(element.clauses)[1:])
    start, end, wide_from, sure_from, sure_to, wide_to, second = window
    column: Any = next(iter(element.clauses))
    c, quote = compiler.process(column, **kw), compiler.preparer
    first = sqlite_times.range_start(quote.format_table(column.table), quote.quote(column.name), wide_from, second)
    exact = sqlite_times.instant(c)
    return (
        f"({c} >= {first} AND {c} < {wide_to} AND {sqlite_times.is_time(c)} "
        f"AND (({c} >= {sure_from} AND {c} < {sure_to}) OR ({exact} >= {start} AND {exact} < {end})))"
    )


@compiles(_Before)
def _before(element: _Before, compiler: SQLCompiler, **kw: Any) -> str:
    column, end, _ = element.clauses
    return written(compiler, and_(column >= CENTURY_START, column < end), kw)


@compiles(_Before, "sqlite")
def _before_sqlite(element: _Before, compiler: SQLCompiler, **kw: Any) -> str:
    c, end, wide_end = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({c} < {wide_end} AND {sqlite_times.is_time(c)} AND {sqlite_times.instant(c)} < {end})"


@compiles(_Readable)
def _readable(element: _Readable, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    return written(compiler, and_(column.is_not(None), column >= CENTURY_START, column < CENTURY_END), kw)


@compiles(_Readable, "sqlite")
def _readable_sqlite(element: _Readable, compiler: SQLCompiler, **kw: Any) -> str:
    return sqlite_times.is_time(compiler.process(element.clauses, **kw))


@compiles(_Unreadable)
def _unreadable(element: _Unreadable, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    other_century = or_(column < CENTURY_START, column >= CENTURY_END)
    return written(compiler, and_(column.is_not(None), other_century), kw)


@compiles(_Unreadable, "sqlite")
def _unreadable_sqlite(element: _Unreadable, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    return written(compiler, and_(not_(is_blank(column)), not_(_Readable(column))), kw)


@compiles(_OtherShape)
def _other_shape(element: _OtherShape, compiler: SQLCompiler, **kw: Any) -> str:
    return "(1 = 0)"


@compiles(_OtherShape, "sqlite")
def _other_shape_sqlite(element: _OtherShape, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    plain = and_(func.length(column) == len("2026-11-16 09:30:00"), func.substr(column, 11, 1) == " ")
    return written(compiler, and_(_Readable(column), not_(plain)), kw)


@compiles(_Part)
def _part(element: _Part, compiler: SQLCompiler, **kw: Any) -> str:
    _, number = element.clauses
    return f"({compiler.process(number, **kw)} = 0)"


@compiles(_Part, "sqlite")
def _part_sqlite(element: _Part, compiler: SQLCompiler, **kw: Any) -> str:
    column, number = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({sqlite_times.PARTS[int(number)].format(c=column)})"


@compiles(_Moment)
def _moment(element: _Moment, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(_Moment, "sqlite")
def _moment_sqlite(element: _Moment, compiler: SQLCompiler, **kw: Any) -> str:
    return sqlite_times.days(compiler.process(element.clauses, **kw))
