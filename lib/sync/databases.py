"""A database as a source: read-only, in one snapshot, row by row."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from psycopg.types.string import TextLoader
from sqlalchemy import URL, Connection, Table, column, func, select, table

from lib.database import connect, open_engine, shown_address
from lib.schema import OPTIONAL_TABLES, TABLES
from lib.schema.present import EVERY_ROW, present_tables
from lib.sync.problems import SyncProblem, speaking_of
from lib.sync.source import ROWS_AT_ONCE, Batch

EVERY: dict[str, Any] = {EVERY_ROW: True}  # which of a user's rows is left out is to be said


class DatabaseSource:
    """The tables of a database. Raises SyncProblem where it cannot be opened."""

    unit = " rows"

    def __init__(self, url: URL) -> None:
        with speaking_of("Source", "--from"):
            self._engine = open_engine(url)
        self.name = shown_address(url)
        self.kind = self._engine.dialect.name
        self.total: int | None = None

    def batches(self) -> Generator[Batch, None, None]:
        """The rows of every table that is there, all of one moment; raises SyncProblem."""
        try:
            with speaking_of("Source", "--from"), connect(self._engine) as connection:
                _begin_snapshot(connection)
                tables = _present(connection)
                self.total = sum(_count(connection, each) for each in tables)
                for each in tables:
                    yield Batch(each.name, [], 0)
                    yield from _rows(connection, each)
        finally:
            self._engine.dispose()


def identity(connection: Connection) -> tuple[Any, ...]:
    """What tells one PostgreSQL database (and schema) from every other, however its address is written."""
    query = (
        "SELECT pg_postmaster_start_time(), inet_server_port(), oid, current_schema() "
        "FROM pg_database WHERE datname = current_database()"
    )
    return tuple(connection.exec_driver_sql(query).one())


def _begin_snapshot(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        # Bytes that are no UTF-8 come as halves of a pair, which fitting replaces and counts.
        driver.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")
        return
    # As text: Python has no infinity and no year 10000.
    driver.adapters.register_loader("timestamptz", TextLoader)
    driver.adapters.register_loader("timestamp", TextLoader)
    connection.execution_options(isolation_level="REPEATABLE READ")
    for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
        connection.exec_driver_sql(f"SET LOCAL {limit} = 0")


def _present(connection: Connection) -> list[Table]:
    """The tables that the source has; each complete, or there would be NULLs that nobody wrote."""
    there, present = present_tables(connection), []
    for wanted in TABLES:
        if wanted.name not in there:
            if wanted.name not in OPTIONAL_TABLES:
                raise SyncProblem(f"Source: The database has no table {wanted.name}.", "Check --from.")
            continue
        columns = there[wanted.name].columns
        if missing := [each.name for each in wanted.columns if each.name not in columns]:
            raise SyncProblem(f"Source: The table {wanted.name} has no column {missing[0]}.", "Add it, be it empty.")
        present.append(wanted)
    return present


def _count(connection: Connection, present: Table) -> int:
    return connection.execute(select(func.count()).select_from(present), execution_options=EVERY).scalar_one()


def _rows(connection: Connection, present: Table) -> Iterator[Batch]:
    # Without types: values come as the driver gives them, and fitting looks at each.
    bare = table(present.name, *(column(each.name) for each in present.columns))
    result = connection.execute(select(*bare.columns), execution_options=EVERY | {"yield_per": ROWS_AT_ONCE})
    for rows in result.partitions():
        yield Batch(present.name, rows, len(rows))
