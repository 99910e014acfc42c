"""The state of the tables: what is there, what is missing, and what is odd, counted in one pass over each table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd
from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Table,
    case,
    func,
    literal_column,
    select,
)
from sqlalchemy.schema import CreateTable

from lib.database import TableProblem, reading_by_itself
from lib.dialects import is_odd_text
from lib.queries.freshness import newest_row
from lib.queries.guard import NOTHING, Withheld
from lib.queries.oddities import Check, cannot_be_read, checks, text_columns
from lib.schema import OPTIONAL_TABLES, TABLES, TIME_COLUMN, metadata
from lib.schema.indexes import create_statement, missing_indexes
from lib.schema.present import EVERY_ROW, PresentTable, present_tables


@dataclass(frozen=True)
class TableState:
    """One table as it stands. ``rows`` is None where it is missing or cannot be read, ``newest`` also where it has no
    readable time. ``unreadable``: column and a sentence, for each that cannot be read. ``problem``: why the rows cannot
    be counted, or the newest one not be found.
    """

    name: str
    rows: int | None
    newest: datetime | None
    missing_columns: tuple[str, ...]
    may_be_read: bool = True
    unreadable: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    def has(self, column: str) -> bool:
        """Whether the column can be read."""
        return self.rows is not None and column not in {*self.missing_columns, *dict(self.unreadable)}


def table_states(connection: Connection, until: datetime) -> list[TableState]:
    """The seven tables in the order of the schema; ``newest`` is before ``until``, the end of today."""
    present = present_tables(connection)
    return [_state(connection, table, present.get(table.name), until) for table in TABLES]


def _state(connection: Connection, table: Table, present: PresentTable | None, until: datetime) -> TableState:
    if present is None or not present.may_be_read:
        return TableState(table.name, None, None, (), may_be_read=present is None)
    missing = tuple(column.name for column in table.columns if column.name not in present.columns)
    unreadable = tuple(present.unreadable.items())
    rows, newest = None, None
    try:
        with reading_by_itself(connection):
            rows = int(connection.execute(_of_every_row(select(func.count()).select_from(table))).scalar_one())
        if present.has(TIME_COLUMN[table.name]):
            with reading_by_itself(connection):
                newest = newest_row(connection, table, until)
    except TableProblem as problem:
        known = () if rows is None else missing
        return TableState(table.name, rows, None, known, unreadable=unreadable, problem=str(problem))
    return TableState(table.name, rows, newest, missing, unreadable=unreadable)


def _of_every_row(query: Select[Any]) -> Select[Any]:
    """Of each row that is there, also where it is one of several of a user."""
    return query.execution_options(**{EVERY_ROW: True})


def count_oddities(
    connection: Connection, states: Sequence[TableState], until: datetime, withheld: Withheld = NOTHING
) -> list[tuple[Check, int]]:
    """Each check of the tables that are there, with its number of rows; those of missing columns are left out.

    What is dated ``until`` (the end of today) or later is odd. Columns ``withheld`` are not read.
    """
    known = [check for check in checks(until) if all(_is_there(column, states) for column in check.needs)]
    return [
        pair
        for state in states
        if state.rows is not None
        for pair in _count(connection, state, [check for check in known if check.table.name == state.name], withheld)
    ]


def _named(column: Column[Any]) -> tuple[str, str]:
    return column.table.name, column.name


def _count(
    connection: Connection, state: TableState, of_table: list[Check], left_out: Withheld
) -> list[tuple[Check, int]]:
    """Those checks that need no column that is left out; where a column cannot be read, that is named instead."""
    wanted = [check for check in of_table if left_out.isdisjoint(map(_named, check.needs))]
    if not wanted:
        return []
    present = present_tables(connection)[state.name]
    try:
        with reading_by_itself(connection):
            return _numbers(connection, wanted, present, left_out)
    except TableProblem as problem:
        failing = _failing(connection, present, left_out)
        if not failing:
            return [(cannot_be_read(present.table, "rows that", str(problem)), state.rows or 0)]
    named = [cannot_be_read(present.table, f"rows whose {column.name}", why) for column, why in failing.items()]
    rest = _count(connection, state, of_table, left_out | {*map(_named, failing)})
    return [*((check, state.rows or 0) for check in named), *rest]


def _failing(connection: Connection, present: PresentTable, left_out: Withheld) -> dict[Column[Any], str]:
    """The columns that fail by themselves, each with the reason: what a view computes may do so."""
    failing: dict[Column[Any], str] = {}
    for column in _readable(present, left_out):
        try:
            with reading_by_itself(connection):
                connection.execute(_of_every_row(select(func.count(column))))
        except TableProblem as problem:
            failing[column] = str(problem)
    return failing


def _numbers(
    connection: Connection, wanted: list[Check], present: PresentTable, withheld: Withheld
) -> list[tuple[Check, int]]:
    nothing = [check for check in wanted if check.of_keys and present.has_unique_key]
    if not _has_odd_bytes(connection, present, withheld):
        nothing += [check for check in wanted if check.of_bytes]
    numbers = [literal_column("0") if check in nothing else _number(check, present) for check in wanted]
    # Every column is read, be it for no check: whether a page could is what has to be known.
    columns = [func.count(column) for column in _readable(present, withheld)]
    query: Any = select(*numbers, func.count(), *columns).select_from(present.table)
    row = connection.execute(_of_every_row(query)).one()
    return list(zip(wanted, map(int, row[: len(wanted)]), strict=True))


def _readable(present: PresentTable, left_out: Withheld) -> list[Column[Any]]:
    columns = [column for column in present.table.columns if present.has(column.name)]
    return [column for column in columns if _named(column) not in left_out]


def _number(check: Check, present: PresentTable) -> ColumnElement[int]:
    if check.of_flags and (lost := present.lost(check.needs[0].name)):
        return literal_column(lost)
    if check.of_keys:
        (key,) = check.needs
        return func.count(key) - func.count(key.distinct())
    return func.coalesce(func.sum(case((check.condition, 1), else_=0)), 0)


def _has_odd_bytes(connection: Connection, present: PresentTable, withheld: Withheld) -> bool:
    """Whether any text of the table has them: one look at each row, not at each of its columns."""
    texts = {column.name for column in text_columns(present.table)}
    columns = [column for column in _readable(present, withheld) if column.name in texts]
    query: Any = select(literal_column("1")).select_from(present.table).where(is_odd_text(*columns)).limit(1)
    return bool(columns) and connection.execute(_of_every_row(query)).first() is not None


def _is_there(column: Column[Any], states: Sequence[TableState]) -> bool:
    return any(state.name == column.table.name and state.has(column.name) for state in states)


def oddity_table(
    connection: Connection, states: Sequence[TableState], until: datetime, withheld: Withheld = NOTHING
) -> pd.DataFrame:
    """``count_oddities`` for people, those that were found alone.

    Columns: found, table (str), rows (int), app_does, to_do (str), is_wrong (bool).
    """
    rows = [
        (check.found, check.table.name, count, check.app_does, check.to_do, check.is_wrong)
        for check, count in count_oddities(connection, states, until, withheld)
        if count
    ]
    kinds = {"found": "str", "table": "str", "rows": "int64", "app_does": "str", "to_do": "str", "is_wrong": "bool"}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def missing_parts(connection: Connection, states: Sequence[TableState]) -> pd.DataFrame:
    """Tables, columns and indexes that are not there or may not be read, each with the statement that mends it.

    Columns: kind ("table", "column", "index"), name, statement (str), is_needed (bool: pages fail without it).
    """
    dialect = connection.dialect
    present = present_tables(connection)
    tables = [metadata.tables[state.name] for state in states if state.name not in present]
    columns = [metadata.tables[state.name].c[name] for state in states for name in state.missing_columns]
    rows = [
        *(("table", t.name, str(CreateTable(t).compile(dialect=dialect)), _is_needed(t)) for t in tables),
        *(("table", table.table.name, grant, True) for table, grant in _grants(connection)),
        *(("column", f"{c.table.name}.{c.name}", _add_column(c, present, dialect), True) for c in columns),
        *(("index", str(i.name), create_statement(i, dialect), False) for i in missing_indexes(connection)),
    ]
    kinds = {"kind": "str", "name": "str", "statement": "str", "is_needed": "bool"}
    frame = pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
    return frame.assign(statement=frame["statement"].str.strip() + ";")


def _grants(connection: Connection) -> list[tuple[PresentTable, str]]:
    """The tables with something that the user may not read, each with the statement that lets it."""
    granted = []
    for table in present_tables(connection).values():
        columns = [column.name for column in table.columns.values() if not column.may_be_read]
        if columns or not table.may_be_read:
            user = connection.execute(select(func.current_user())).scalar_one()
            reader = connection.dialect.identifier_preparer.quote(user)
            what = f"SELECT ({', '.join(columns)})" if table.may_be_read else "SELECT"
            granted.append((table, f"GRANT {what} ON {table.name} TO {reader}"))
    return granted


def _is_needed(table: Table) -> bool:
    return table.name not in OPTIONAL_TABLES


def _add_column(column: Column[Any], present: Mapping[str, PresentTable], dialect: Dialect) -> str:
    table = present[column.table.name].name
    return f"ALTER TABLE {table} ADD COLUMN {column.name} {column.type.compile(dialect=dialect)}"
