"""Texts, numbers, and yes or no, whatever else stands in their columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    and_,
    case,
    cast,
    collate,
    func,
    literal,
    literal_column,
    not_,
    or_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from lib.dialects.condition import Condition, written
from lib.reading import LARGEST, LARGEST_WHOLE, NO, YES
from lib.schema.present import IS_UTF8

WHITE_SPACE: ColumnElement[str] = literal_column("' \t\r\n'")
EMPTY: ColumnElement[str] = literal_column("''")
UNKNOWN = "unknown"


class _IsYes(Condition):
    inherit_cache = True


class _IsNeither(Condition):
    inherit_cache = True


class _IsOddText(Condition):
    inherit_cache = True


class _IsOneOf(Condition):
    inherit_cache = True


class _Number(FunctionElement[Any]):
    inherit_cache = True


class _CodePoints(FunctionElement[str]):
    inherit_cache = True


def number(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The number in ``column``, also where it is written as text; NULL where there is none that can be added up.

    In a column of whole numbers it is rounded, halves away from zero.
    """
    most = LARGEST_WHOLE if _is_whole(column) else LARGEST
    return _Number(column, literal_column(str(-most)), literal_column(str(most)))


def amount(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """The number of things that ``column`` says there are: as ``number``, NULL also where that is below zero."""
    return _Number(column, literal_column("0"), literal_column(str(LARGEST_WHOLE)))


def whole(column: ColumnElement[Any]) -> ColumnElement[int]:
    """The same without a fraction."""
    return cast(amount(column), BigInteger)


def is_no_number(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where something is given, but no number that can be added up."""
    return and_(column.is_not(None), number(column).is_(None))


def is_yes(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where a column of yes and no says yes, in one of the words that PostgreSQL takes for it; never NULL."""
    return _IsYes(column)


def is_neither(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where a column of yes and no holds something else."""
    return _IsNeither(column)


def is_blank(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where a text is NULL or nothing but white space."""
    return or_(column.is_(None), func.trim(column, WHITE_SPACE) == EMPTY)


def is_odd_text(*columns: ColumnElement[Any]) -> ColumnElement[bool]:
    """True where one of the columns holds bytes that are no text, or not one in UTF-8; never on PostgreSQL."""
    return _IsOddText(*columns)


def is_one_of(column: ColumnElement[str], texts: Iterable[str]) -> ColumnElement[bool]:
    """True where ``column`` holds one of ``texts``, in SQLite also as bytes; an index is used."""
    return _IsOneOf(column, *(literal(text, Text) for text in texts))


def text_or(column: ColumnElement[Any], otherwise: str) -> ColumnElement[str]:
    """The text in ``column``, or the constant ``otherwise`` where it is NULL or blank."""
    # Written out, not bound: PostgreSQL wants the very same expression in SELECT and GROUP BY.
    return case((is_blank(column), literal_column(f"'{otherwise}'", Text)), else_=column)


def code_points(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """``column`` for ORDER BY, sorted by code point on every database."""
    return _CodePoints(column)


@compiles(_Number)
def _number(element: _Number, compiler: SQLCompiler, **kw: Any) -> str:
    column, least, most = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"CASE WHEN ({column} BETWEEN {least} AND {most}) THEN {column} END"


@compiles(_Number, "sqlite")
def _number_sqlite(element: _Number, compiler: SQLCompiler, **kw: Any) -> str:
    """Compared with what is declared a number, a text is taken for one if it can be; if not, it is beyond them all."""
    column, least, most = (compiler.process(clause, **kw) for clause in element.clauses)
    between = f"BETWEEN CAST({least} AS NUMERIC) AND CAST({most} AS NUMERIC)"
    value = f"CAST(round({column}) AS INTEGER)" if _is_whole(next(iter(element.clauses))) else f"{column} + 0"
    return f"CASE WHEN ({column} {between}) THEN {value} END"


def _is_whole(column: ColumnElement[Any]) -> bool:
    return isinstance(column.type, Integer)


@compiles(_IsOddText)
def _is_odd_text(element: _IsOddText, compiler: SQLCompiler, **kw: Any) -> str:
    return "(1 = 0)"


@compiles(_IsOddText, "sqlite")
def _is_odd_text_sqlite(element: _IsOddText, compiler: SQLCompiler, **kw: Any) -> str:
    columns = [compiler.process(clause, **kw) for clause in element.clauses]
    are_bytes = " OR ".join(f"typeof({column}) = 'blob'" for column in columns)
    together = " || ' ' || ".join(f"coalesce({column}, '')" for column in columns)
    return f"({are_bytes} OR NOT {IS_UTF8}(CAST({together} AS BLOB)))"


@compiles(_IsOneOf)
def _is_one_of_these(element: _IsOneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, *texts = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({column} IN ({', '.join(texts)}))"


@compiles(_IsOneOf, "sqlite")
def _is_one_of_these_sqlite(element: _IsOneOf, compiler: SQLCompiler, **kw: Any) -> str:
    column, *texts = (compiler.process(clause, **kw) for clause in element.clauses)
    as_bytes = (f"CAST({text} AS BLOB)" for text in texts)
    return f"({column} IN ({', '.join([*texts, *as_bytes])}))"


@compiles(_IsYes)
def _is_yes(element: _IsYes, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    return written(compiler, column.is_(True), kw)


@compiles(_IsYes, "sqlite")
def _is_yes_sqlite(element: _IsYes, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    return written(compiler, and_(column.is_not(None), _is_one_of(column, YES)), kw)


@compiles(_IsNeither)
def _is_neither(element: _IsNeither, compiler: SQLCompiler, **kw: Any) -> str:
    return "(1 = 0)"


@compiles(_IsNeither, "sqlite")
def _is_neither_sqlite(element: _IsNeither, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    return written(compiler, and_(column.is_not(None), not_(_is_one_of(column, YES + NO))), kw)


def _is_one_of(column: ColumnElement[Any], words: tuple[str, ...]) -> ColumnElement[bool]:
    written = func.lower(func.trim(column, WHITE_SPACE))
    return written.in_([literal_column(f"'{word}'", Text) for word in words])


@compiles(_CodePoints)
def _code_points(element: _CodePoints, compiler: SQLCompiler, **kw: Any) -> str:
    (column,) = element.clauses
    return compiler.process(collate(column, "C"), **kw)


@compiles(_CodePoints, "sqlite")
def _code_points_sqlite(element: _CodePoints, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)
