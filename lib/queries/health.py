"""The state of the tables: what is there, what is missing, and what is odd, counted in one pass over each table."""

from __future__ import annotations

from collections.abc import Sequence
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

from lib.dialects import is_odd_text
from lib.queries.freshness import newest_row
from lib.queries.guard import NOTHING, Withheld
from lib.queries.oddities import Check, checks, text_columns
from lib.schema import (
    OPTIONAL_TABLES,
    TABLES,
    TIME_COLUMN,
    create_statement,
    metadata,
    missing_indexes,
)
from lib.schema.present import EVERY_ROW, PresentTable, present_tables


@dataclass(frozen=True)
class TableState:
    """One table as it stands. ``rows`` is None where it is missing or may not be read, ``newest`` also where it has no
    readable time. ``wrong_types``: column and a sentence, for each of a type that cannot be read.
    """

    name: str
    rows: int | None
    newest: datetime | None
    missing_columns: tuple[str, ...]
    may_be_read: bool = True
    wrong_types: tuple[tuple[str, str], ...] = ()

    def has(self, column: str) -> bool:
        """Whether the column can be read."""
        return self.rows is not None and column not in {*self.missing_columns, *dict(self.wrong_types)}


def table_states(connection: Connection, until: datetime) -> list[TableState]:
    """The seven tables in the order of the schema; ``newest`` is before ``until``, the end of today."""
    present = present_tables(connection)
    return [_state(connection, table, present.get(table.name), until) for table in TABLES]


def _state(connection: Connection, table: Table, present: PresentTable | None, until: datetime) -> TableState:
    if present is None or not present.may_be_read:
        return TableState(table.name, None, None, (), may_be_read=present is None)
    missing = tuple(column.name for column in table.columns if column.name not in present.columns)
    rows = connection.execute(_of_every_row(select(func.count()).select_from(table))).scalar_one()
    newest = newest_row(connection, table, until) if present.has(TIME_COLUMN[table.name]) else None
    return TableState(table.name, int(rows), newest, missing, wrong_types=tuple(present.unreadable.items()))


def _of_every_row(query: Select[Any]) -> Select[Any]:
    """Of each row that is there, also where it is one of several of a user."""
    return query.execution_options(**{EVERY_ROW: True})


def count_oddities(
    connection: Connection, states: Sequence[TableState], until: datetime, withheld: Withheld = NOTHING
) -> list[tuple[Check, int]]:
    """Each check of the tables that are there, with its number of rows; those of missing columns are left out.

    What is dated ``until`` (the end of today) or later is odd. Columns ``withheld`` are not read.
    """
    known = [check for check in checks(until) if withheld.isdisjoint(map(_named, check.needs))]
    return [
        pair
        for state in states
        if state.rows is not None
        for pair in _count(connection, [check for check in known if check.table.name == state.name], states, withheld)
    ]


def _named(column: Column[Any]) -> tuple[str, str]:
    return column.table.name, column.name


def _count(
    connection: Connection, of_table: list[Check], states: Sequence[TableState], withheld: Withheld
) -> list[tuple[Check, int]]:
    wanted = [check for check in of_table if all(_is_there(column, states) for column in check.needs)]
    if not wanted:
        return []
    present = present_tables(connection)[wanted[0].table.name]
    nothing = [check for check in wanted if check.of_keys and present.has_unique_key]
    if not _has_odd_bytes(connection, present, withheld):
        nothing += [check for check in wanted if check.of_bytes]
    numbers = [literal_column("0") if check in nothing else _number(check) for check in wanted]
    query: Any = select(func.count(), *numbers).select_from(present.table)  # one row, also if all are constants
    _, *row = connection.execute(_of_every_row(query)).one()
    return list(zip(wanted, map(int, row), strict=True))


def _number(check: Check) -> ColumnElement[int]:
    if check.of_keys:
        (key,) = check.needs
        return func.count(key) - func.count(key.distinct())
    return func.coalesce(func.sum(case((check.condition, 1), else_=0)), 0)


def _has_odd_bytes(connection: Connection, present: PresentTable, withheld: Withheld) -> bool:
    """Whether any text of the table has them: one look at each row, not at each of its columns."""
    texts = [column for column in text_columns(present.table) if present.has(column.name)]
    columns = [column for column in texts if _named(column) not in withheld]
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
    quote = dialect.identifier_preparer.quote
    tables = [metadata.tables[state.name] for state in states if state.rows is None and state.may_be_read]
    closed = [state.name for state in states if not state.may_be_read]
    reader = connection.execute(select(func.current_user())).scalar_one() if closed else ""
    columns = [metadata.tables[state.name].c[name] for state in states for name in state.missing_columns]
    rows = [
        *(("table", t.name, str(CreateTable(t).compile(dialect=dialect)), _is_needed(t)) for t in tables),
        *(("table", name, f"GRANT SELECT ON {name} TO {quote(reader)}", True) for name in closed),
        *(("column", f"{c.table.name}.{c.name}", _add_column(c, dialect), True) for c in columns),
        *(("index", str(i.name), create_statement(i, dialect), False) for i in missing_indexes(connection)),
    ]
    kinds = {"kind": "str", "name": "str", "statement": "str", "is_needed": "bool"}
    frame = pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
    return frame.assign(statement=frame["statement"].str.strip() + ";")


def _is_needed(table: Table) -> bool:
    return table.name not in OPTIONAL_TABLES


def _add_column(column: Column[Any], dialect: Dialect) -> str:
    return f"ALTER TABLE {column.table.name} ADD COLUMN {column.name} {column.type.compile(dialect=dialect)}"
