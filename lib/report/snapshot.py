"""All answers of one moment: a program that writes meanwhile cannot make the numbers of a report disagree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from lib import snapshots
from lib.database import UNTOLD

PATIENCE = 60  # seconds; nobody looks at an empty page meanwhile, and a lock is not worth a day without a report


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection in one read transaction. Raises DatabaseProblem as `lib.database.connect` does.

    A SQLite file in rollback mode cannot be written to meanwhile, one in WAL mode can.
    """
    with snapshots.snapshot(engine, patience=PATIENCE) as (connection, _):
        yield connection.execution_options(**{UNTOLD: True})
