"""All answers of one moment, and a name for that moment by which answers can be kept.

SQLite's state is that of its files, looked at without opening them: whoever opens and closes a database file beside
SQLite drops the locks of everybody else in this process. PostgreSQL's state is the snapshot's own name for itself (from
PostgreSQL 13 on). It also changes when other databases of the server are written to, which costs a question asked
twice; its counters of changes would not cost that, but they follow a commit up to a second late, and would file new
answers under the old state.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import uuid4

from sqlalchemy import Connection, Engine

from lib.database import connect

TRIES = 5
SETTLED_NS = 50_000_000  # file systems tell times in steps of up to 16 ms: a younger file may change without a trace
SHARED_SECONDS = 10  # how long answers are kept of a database that cannot name its state

# A server that copies another one names transactions that may have ended since; so how far it has come is added.
_POSTGRESQL_STATE = """
    SELECT concat_ws('|', (SELECT oid FROM pg_database WHERE datname = current_database()),
                     pg_postmaster_start_time(), pg_current_snapshot(),
                     CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() END),
           EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') OR EXISTS (SELECT FROM pg_foreign_table)
"""


@contextmanager
def snapshot(engine: Engine, *, patience: float | None = None) -> Iterator[tuple[Connection, str]]:
    """A connection that sees one moment of the data, and the state of that moment.

    Two snapshots of the same state see the same data; where a database cannot promise that (several servers under
    Citus, foreign tables), a state lasts for ten seconds. A SQLite file in rollback mode cannot be written to
    meanwhile, one in WAL mode and a server can. ``patience``: seconds to wait for a writer. Raises DatabaseProblem.
    """
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with connect(engine.execution_options(**options)) as connection:
        if engine.dialect.name != "sqlite":
            yield connection, _server_state(connection)
            return
        if patience is not None:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {patience * 1000:.0f}")
        yield connection, _begin(connection)


def fingerprint(engine: Engine) -> str:
    """A text that changes when the data does: for SQLite from its files, for a server from a snapshot."""
    if engine.dialect.name == "sqlite":
        return "|".join(_file_state(file) for file in _files(engine))
    with snapshot(engine) as (_, state):
        return state


def settled_state(engine: Engine) -> str | None:
    """The state of a SQLite file that is not being written to just now, without opening it; else None."""
    if engine.dialect.name != "sqlite":
        return None
    state = fingerprint(engine)
    return state if _is_settled(engine) else None


def keeps_writers_waiting(engine: Engine) -> bool:
    """Whether nobody can write while a snapshot is open: so it is for SQLite files in rollback mode."""
    if engine.dialect.name != "sqlite":
        return False
    with connect(engine) as connection:
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar()) != "wal"


def _begin(connection: Connection) -> str:
    """Begin to read; a transaction of SQLite sees the moment of its first read.

    Where the files were the same before and after it, they are the state of that moment; otherwise the state is one
    that nobody else has.
    """
    for _ in range(TRIES):
        before = fingerprint(connection.engine)
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
        if fingerprint(connection.engine) == before:
            return before if _is_settled(connection.engine) else uuid4().hex
        connection.exec_driver_sql("ROLLBACK")
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
    return uuid4().hex


def _server_state(connection: Connection) -> str:
    if connection.dialect.name == "postgresql":
        state, is_spread = connection.exec_driver_sql(_POSTGRESQL_STATE).one()
        if not is_spread:
            return str(state)
    return f"{connection.engine.url.database} {time.time() // SHARED_SECONDS:.0f}"


def _files(engine: Engine) -> tuple[Path, Path]:
    path = url2pathname(urlsplit(str(engine.url.database)).path)
    return Path(path), Path(path + "-wal")


def _is_settled(engine: Engine) -> bool:
    now = time.time_ns()
    found = [state for state in map(_stat, _files(engine)) if state]
    return all(abs(now - state.st_mtime_ns) > SETTLED_NS for state in found)


def _file_state(path: Path) -> str:
    state = _stat(path)
    return f"{state.st_ino}-{state.st_size}-{state.st_mtime_ns}" if state else "none"


def _stat(path: Path) -> os.stat_result | None:
    """None for a file that is not there, or is empty: each reader makes an empty log where there is none."""
    try:
        state = path.stat()
    except FileNotFoundError:
        return None
    return state if state.st_size else None
