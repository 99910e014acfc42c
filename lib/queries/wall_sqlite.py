"""The wall around a statement in SQLite: views instead of tables, an authorizer, bounds, and a look at the clock.

An authorizer alone is no wall: SQLite (3.40, for one) does not ask it about the columns of USING and NATURAL, and a
FULL JOIN then gives their values out. So the file is attached under a name that nobody can guess, with a view of what
may be seen in front of every table; the authorizer stands behind the views.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, NullPool, create_engine

from lib.database import connect, open_engine
from lib.queries.guard import Guard, Stop, Withheld
from lib.refusals import WAIT_SECONDS
from lib.schema import TABLES

MOST_ON_DISK = 300_000_000  # bytes for what does not fit into memory, roughly
STEPS = 10_000  # of SQLite's machine between two looks at the clock: well under a millisecond
LONGEST_VALUE = 100_000  # bytes of a text or a row: what works on one value cannot be stopped, so it must be quick
KNOWN = {table.name: frozenset(table.columns.keys()) for table in TABLES}
FROM_JSON = frozenset({"json_each", "json_tree"})  # functions that are tables
LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: LONGEST_VALUE,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 500,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 200,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 100_000,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 60,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 500,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 1_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
# They compute with what they are given. Left out: what reads files, loads code, tells of the machine, works on without
# end (printf pads to any width) or gathers without a bound (json_group_array).
_NAMES = """
-> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling char coalesce concat concat_ws cos cosh count
cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor
glob group_concat hex if ifnull iif instr json json_array json_array_length json_error_position json_extract
json_object json_quote json_type json_valid julianday lag last_value lead length
like likelihood likely ln log log10 log2 lower ltrim max min mod nth_value ntile nullif octet_length
percent_rank pi pow power quote radians random rank replace round
row_number rtrim sign sin sinh sqrt strftime string_agg substr substring sum tan tanh time timediff total trim trunc
typeof unicode unixepoch unlikely upper
"""
FUNCTIONS = frozenset(_NAMES.split())
HARMLESS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})


@contextmanager
def behind_views(url: URL, withheld: Withheld) -> Iterator[Connection]:
    """A connection that knows the seven tables without what is ``withheld``. Raises DatabaseProblem.

    Where anything is withheld, columns that the app does not know are too: nobody said who may see them.
    """
    address, hidden = f"{open_engine(url).url.database}?mode=ro", f"hidden_{secrets.token_hex(16)}"
    engine = create_engine("sqlite://", creator=lambda: _attached(address, hidden), poolclass=NullPool)
    with connect(engine) as connection:
        connection.exec_driver_sql("BEGIN")  # one moment: no table comes up that has no view in front of it
        _put_views(connection, hidden, withheld)
        yield connection


def _attached(address: str, hidden: str) -> sqlite3.Connection:
    with ExitStack() as stack:
        raw = sqlite3.connect(":memory:", uri=True, isolation_level=None, timeout=WAIT_SECONDS)
        stack.callback(raw.close)
        raw.execute(f"ATTACH ? AS {hidden}", (address,))
        stack.pop_all()
        return raw


def _put_views(connection: Connection, hidden: str, withheld: Withheld) -> None:
    run = connection.exec_driver_sql
    names = " ".join(["SELECT name FROM", f"{hidden}.sqlite_master", "WHERE type IN ('table', 'view')"])
    run("PRAGMA writable_schema = ON")  # views may then stand in front of SQLite's own tables, too
    for (name,) in run(names).fetchall():
        table = run(f"PRAGMA {hidden}.table_info({_quoted(name)})")
        columns = [str(column[1]) for column in table if _may_read(name, str(column[1]), withheld)]
        run(f"CREATE TEMP VIEW {_quoted(name)} AS {_view(hidden, name, columns)}")
    for pragma in ("writable_schema = OFF", "trusted_schema = OFF", "query_only = ON"):
        run(f"PRAGMA {pragma}")


def _view(hidden: str, name: str, columns: list[str]) -> str:
    if name.lower() not in KNOWN or not columns:
        return "SELECT NULL AS hidden WHERE 0"
    return " ".join(["SELECT", ", ".join(map(_quoted, columns)), "FROM", f"{hidden}.{_quoted(name)}"])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _may_read(table: str, column: str, withheld: Withheld) -> bool:
    table, column = table.lower(), column.lower()
    if not withheld:
        return True
    return (table, column) not in withheld and column in KNOWN.get(table, frozenset()) | {"rowid"}


@dataclass
class _Authorizer(Guard):
    """SQLite asks it about everything that a statement needs, before the statement runs."""

    withheld: Withheld = frozenset()
    free: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it is time to end, or too much room on disk is taken."""
        if _free() < self.free - MOST_ON_DISK:
            self.refusal = "It needs too much room on disk and was stopped."
            return True
        return super().is_over

    def __call__(self, action: int, one: str | None, two: str | None, schema: str | None, _view: str | None) -> int:
        refusal = self._refusal(action, one or "", two or "", schema or "")
        self.refusal = self.refusal or refusal
        return sqlite3.SQLITE_DENY if refusal else sqlite3.SQLITE_OK

    def _refusal(self, action: int, one: str, two: str, schema: str) -> str:
        if action in HARMLESS:
            return ""
        if action == sqlite3.SQLITE_FUNCTION:
            return "" if two.lower() in FUNCTIONS else f"The function {two} is not for use here."
        if action == sqlite3.SQLITE_READ:
            return self._refusal_to_read(one, two, schema)
        return "It does something else than to ask."

    def _refusal_to_read(self, table: str, column: str, schema: str) -> str:
        name = table.lower()
        is_put_in_front = schema == "temp" and name not in KNOWN
        if is_put_in_front or name.startswith(("sqlite_", "pragma_")):
            return f"{table} cannot be read here."
        # Without a column it is a mere count: of a table, which may be one of the statement's own (WITH).
        if not column or name in FROM_JSON or _may_read(table, column, self.withheld):
            return ""
        return f"{table}.{column} is withheld from you."


@contextmanager
def guarded(connection: Connection, seconds: float, withheld: Withheld, stop: Stop) -> Iterator[Guard]:
    """See `lib.queries.wall.guarded`."""
    raw: Any = connection.connection.driver_connection
    raw.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')")  # what is made on first use is not asked about later
    guard = _Authorizer(stop, time.monotonic() + seconds, withheld=withheld, free=_free())
    before = {limit: raw.getlimit(limit) for limit in LIMITS}
    for limit, most in LIMITS.items():
        raw.setlimit(limit, min(most, before[limit]))
    raw.set_authorizer(guard)
    raw.set_progress_handler(lambda: guard.is_over, STEPS)
    try:
        yield guard
    finally:
        raw.set_progress_handler(None, 0)
        raw.set_authorizer(None)
        for limit, most in before.items():
            raw.setlimit(limit, most)


def _free() -> int:
    """Bytes that are free where SQLite puts what does not fit into memory; it looks for a folder in this order."""
    named = [Path(os.environ[name]) for name in ("SQLITE_TMPDIR", "TMPDIR") if os.environ.get(name)]
    usual = [Path(os.sep, *parts) for parts in (("var", "tmp"), ("usr", "tmp"), ("tmp",))]
    return shutil.disk_usage(next((folder for folder in [*named, *usual] if folder.is_dir()), Path())).free
