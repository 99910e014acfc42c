"""All answers of one moment: a program that writes meanwhile cannot make the numbers of a report disagree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from lib.database import connect

PATIENCE = 60  # seconds; nobody looks at an empty page meanwhile, and a lock is not worth a day without a report


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection in one read transaction. Raises DatabaseProblem as `lib.database.connect` does.

    A SQLite file in rollback mode cannot be written to meanwhile, one in WAL mode can.
    """
    with connect(engine) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {PATIENCE * 1000:d}")
            connection.exec_driver_sql("BEGIN")
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection
