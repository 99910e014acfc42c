"""The rows of one table on their way: a temporary table in the target's database, which no reader sees.

On SQLite a temporary table is in a file of its own, so that filling it locks nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    MetaData,
    Select,
    Table,
    and_,
    cast,
    delete,
    exists,
    false,
    func,
    insert,
    inspect,
    literal,
    select,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateIndex, CreateTable, CreateTableAs

from lib.sync.fitting import Fitter, Limits
from lib.sync.left_out import LeftOut
from lib.sync.problems import SyncProblem
from lib.sync.source import Row


class Stage:
    """One table's rows. Raises SyncProblem where the target's own table is not like ours."""

    def __init__(self, connection: Connection, table: Table, source_kind: str) -> None:
        self.table = table
        self.key: Column[Any] = table.columns[0]
        self.names = [column.name for column in table.columns]
        self.read = 0
        self.unfit = 0
        self._connection = connection
        self._lines = 0
        reflected = _columns(connection, table)
        self.is_new = reflected is None
        self.json = {name for name, column in (reflected or {}).items() if isinstance(column["type"], JSON)}
        limits = {name: _limits(column) for name, column in (reflected or {}).items()}
        self._fitter = Fitter(table, source=source_kind, target=connection.dialect.name, limits=limits)
        self.rows = _create(connection, table, self.is_new)
        self._insert = str(insert(self.rows).compile(dialect=connection.dialect))

    def add(self, rows: Sequence[Row], left_out: LeftOut) -> None:
        """Put the rows that fit into the temporary table."""
        fitting = []
        for row in rows:
            values, notes = self._fitter.fit(row)
            for note in notes:
                given = None if row is None else dict(zip(self.names, row, strict=True))
                left_out.add(self.table.name, note, given, kept=values is not None)
            if values is not None:
                self._lines += 1
                fitting.append((self._lines, *values))
        self.read += len(rows)
        self.unfit += len(rows) - len(fitting)
        if fitting:
            self._load(fitting)

    def _load(self, rows: list[tuple[Any, ...]]) -> None:
        if self._connection.dialect.name == "sqlite":
            self._connection.exec_driver_sql(self._insert, rows)
            return
        driver: Any = self._connection.connection.driver_connection
        names = sql.SQL(", ").join(map(sql.Identifier, ("line", *self.names)))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(self.rows.name), names)
        try:
            with driver.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row(row)
        except psycopg.DataError as error:
            raise refused(self.table.name, error) from error
        except psycopg.Error as error:
            raise OperationalError("COPY", None, error) from error  # as every other statement would

    def finish(self, stages: Mapping[str, Stage], left_out: LeftOut) -> None:
        """Leave out what came twice, and what points at nothing where the target's keys insist."""
        self._connection.execute(CreateIndex(Index(f"ix_{self.rows.name}", self.rows.c[self.key.name])))
        if self._connection.dialect.name == "postgresql":
            self._connection.exec_driver_sql(f"ANALYZE {self.rows.name}")
        self._leave_out(_repeated(self.rows, self.key.name), f"{self.key.name} came before", left_out)
        if self._connection.dialect.name == "postgresql" and not self.is_new:
            for key in inspect(self._connection).get_foreign_keys(self.table.name):
                self._leave_out_orphans(key, stages, left_out)

    def _leave_out_orphans(self, key: Any, stages: Mapping[str, Stage], left_out: LeftOut) -> None:
        parent, names = stages.get(key["referred_table"]), key["constrained_columns"]
        if parent is None or not set(names) <= set(self.names) or not set(key["referred_columns"]) <= set(parent.names):
            return  # a key of the target's own: the database says so where it is broken
        pairs = [(self.rows.c[n], parent.rows.c[o]) for n, o in zip(names, key["referred_columns"], strict=True)]
        condition: ColumnElement[bool] = and_(
            *(mine.is_not(None) for mine, _ in pairs), ~exists().where(*(mine == other for mine, other in pairs))
        )
        reason = f"{' and '.join(names)} points at nothing in {key['referred_table']}"
        self._leave_out(select(self.rows).where(condition), reason, left_out)

    def _leave_out(self, rows: Select[Any], reason: str, left_out: LeftOut) -> None:
        found = self._connection.execute(rows, execution_options={"yield_per": 1_000})
        for row in found.mappings():
            left_out.add(self.table.name, reason, {name: row[name] for name in self.names})
        lines = rows.with_only_columns(self.rows.c.line)
        self._connection.execute(delete(self.rows).where(self.rows.c.line.in_(lines)))

    def count(self) -> int:
        """How many rows are here."""
        return self._connection.execute(select(func.count()).select_from(self.rows)).scalar_one()


def refused(table: str, error: Exception) -> SyncProblem:
    """The problem of rows that fit our tables, but not the target's own."""
    original = getattr(error, "orig", None) or error
    reason = str(original).partition("\n")[0].strip().rstrip(".")
    return SyncProblem(
        f"Target: The table {table} refuses the rows: {reason}.", "Its definition is not the one in lib/schema."
    )


def _columns(connection: Connection, table: Table) -> dict[str, Any] | None:
    """The target's own columns by name; None where it does not have the table yet."""
    inspector = inspect(connection)
    if not inspector.has_table(table.name):
        return None
    columns = {column["name"]: column for column in inspector.get_columns(table.name)}
    if missing := [column.name for column in table.columns if column.name not in columns]:
        raise SyncProblem(f"Target: The table {table.name} has no column {missing[0]}.", "Add it there.")
    return columns


def _limits(column: Any) -> Limits:
    return Limits(
        length=getattr(column["type"], "length", None),
        required=not column["nullable"] and column.get("default") is None,
        valid_json=isinstance(column["type"], JSON),
    )


def _create(connection: Connection, table: Table, is_new: bool) -> Table:
    """The temporary table: with the target's own types where it has the table, so that the two can be compared."""
    columns = [Column(column.name, column.type) for column in table.columns]
    rows = Table(f"sync_{table.name}", MetaData(), Column("line", BigInteger), *columns, prefixes=["TEMPORARY"])
    if is_new:
        connection.execute(CreateTable(rows))
    else:
        nothing = select(cast(literal(0), BigInteger).label("line"), *table.columns).where(false())
        connection.execute(CreateTableAs(nothing, rows.name, temporary=True))
    return rows


def _repeated(rows: Table, key: str) -> Select[Any]:
    first = (
        select(rows.c[key], func.min(rows.c.line).label("line"))
        .group_by(rows.c[key])
        .having(func.count() > 1)
        .subquery("first")
    )
    return select(rows).join(first, first.c[key] == rows.c[key]).where(rows.c.line > first.c.line)
