"""What the process of its own does in which a statement is asked of SQLite: views, an authorizer, bounds.

An authorizer alone is no wall: SQLite (3.40, for one) does not ask it about the columns of USING and NATURAL, and a
FULL JOIN then gives their values out. So the file is attached under a name that nobody can guess, with a view of what
may be seen in front of every table; the authorizer stands behind the views.

Nothing but Python's own library is imported here: the process starts for each statement.
"""

from __future__ import annotations

import hmac
import json
import os
import pickle
import secrets
import shutil
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any, Literal, NamedTuple

from lib.addresses import ADDRESS, ADDRESS_SIGNS, without_addresses
from lib.queries.guard import Limits, Withheld, rows_within

WAIT_SECONDS = 5
READY = b"."
MOST_ON_DISK = 300_000_000  # bytes for what does not fit into memory, roughly
MOST_IN_MEMORY = 300_000_000  # bytes for SQLite
STEPS = 10_000  # of SQLite's machine between two looks at the disk
LONGEST_VALUE = 100_000  # bytes of a text or a row
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
HAS_SIGN = f"*[{''.join(sorted({sign[0] for sign in ADDRESS_SIGNS}))}]*"  # what may hold an address has one of these
OURS = "hidden_"  # what we put beside a statement begins so, and goes on in a way that nobody can guess
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


class Question(NamedTuple):
    """A statement with its values, and where it is asked.

    ``known``: the columns of each table that the app knows. Where anything is ``withheld``, the others are too: nobody
    said who may see them. ``is_cleaned``: in every column, `[address]` stands for each address; in ids with digits
    behind it, which tell one from the other within one answer. ``is_behind_views``: nothing is there but the tables
    that the app knows.
    """

    address: str
    sql: str
    values: tuple[Any, ...]
    limits: Limits
    known: Mapping[str, frozenset[str]]
    withheld: Withheld
    is_cleaned: bool
    is_behind_views: bool

    def may_read(self, table: str, column: str) -> bool:
        """Whether the column may be seen."""
        table, column = table.lower(), column.lower()
        if not self.withheld:
            return True
        return (table, column) not in self.withheld and column in self.known.get(table, frozenset()) | {"rowid"}


class Reply(NamedTuple):
    """What came of it: a `Fetched`, a sentence of the wall's, or the words of the database about statement or file."""

    kind: Literal["fetched", "refusal", "error", "problem"]
    what: Any


def main() -> None:
    """The process: one question comes in, one reply goes out."""
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    question: Question = pickle.load(sys.stdin.buffer)  # noqa: S301 - from the app; what goes back is data alone
    forgotten = Timer(question.limits.seconds + 2, os._exit, [1])  # nobody is left who would end this
    forgotten.daemon = True
    forgotten.start()
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"PRAGMA hard_heap_limit = {MOST_IN_MEMORY}")
    print(written(reply(question)))


def written(reply: Reply) -> str:
    """The reply as JSON, whose only objects are bytes."""
    return json.dumps(reply, default=lambda value: {"hex": value.hex()})


def read(reply: str | bytes) -> Reply:
    """What was written."""
    return Reply(*json.loads(reply, object_hook=lambda value: bytes.fromhex(value["hex"])))


def reply(question: Question) -> Reply:
    """Ask it."""
    try:
        with closing(_opened(question)) as connection:
            return _asked(connection, question)
    except sqlite3.Error as error:
        return Reply("problem", str(error))


def _asked(connection: sqlite3.Connection, question: Question) -> Reply:
    authorizer = _Authorizer(question)
    authorizer.stand_before(connection)
    try:
        cursor = connection.execute(question.sql, question.values)
        names = [str(column[0]) for column in cursor.description or ()]
        return Reply("fetched", (names, *rows_within(question.limits, cursor.fetchmany)))
    except MemoryError:
        return Reply("refusal", "It needs too much memory and was stopped.")
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        return Reply("refusal", authorizer.refusal) if authorizer.refusal else Reply("error", str(error))


def _opened(question: Question) -> sqlite3.Connection:
    """A connection in a transaction: no table comes up that has no view in front of it."""
    address = ":memory:" if question.is_behind_views else question.address
    connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=WAIT_SECONDS)
    connection.text_factory = partial(str, encoding="utf-8", errors="replace")
    try:
        if question.is_behind_views:
            hidden = f"{OURS}{secrets.token_hex(16)}"
            connection.execute(f"ATTACH ? AS {hidden}", (question.address,))
            connection.execute("BEGIN")
            _put_views(connection, hidden, question)
        connection.execute("PRAGMA query_only = ON")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _put_views(connection: sqlite3.Connection, hidden: str, question: Question) -> None:
    names = " ".join(["SELECT name FROM", f"{hidden}.sqlite_master", "WHERE type IN ('table', 'view')"])
    connection.execute("PRAGMA writable_schema = ON")  # views may then stand in front of SQLite's own tables, too
    for (name,) in connection.execute(names).fetchall():
        table = connection.execute(f"PRAGMA {hidden}.table_info({_quoted(name)})")
        columns = [str(column[1]) for column in table if question.may_read(name, str(column[1]))]
        connection.execute(f"CREATE TEMP VIEW {_quoted(name)} AS {_view(connection, hidden, name, columns, question)}")
    for pragma in ("writable_schema = OFF", "trusted_schema = OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _view(connection: sqlite3.Connection, hidden: str, name: str, columns: list[str], question: Question) -> str:
    if name.lower() not in question.known or not columns:
        return "SELECT NULL AS hidden WHERE 0"
    source = f"{hidden}.{_quoted(name)}"
    to_clean = _with_signs(connection, source, columns, question.sql) if question.is_cleaned else set[str]()
    shown = [
        f"{_cleaning(connection, hidden, column)}({_quoted(column)}) AS {_quoted(column)}"
        if column in to_clean
        else _quoted(column)
        for column in columns
    ]
    return " ".join(["SELECT", ", ".join(shown), "FROM", source])


def _with_signs(connection: sqlite3.Connection, source: str, columns: list[str], sql: str) -> set[str]:
    """The columns that may hold an address. The others stay as they are: their indexes are of use then."""
    if source.partition(".")[2].strip('"').lower() not in sql.lower():
        return set(columns)  # the statement cannot read them, and looking for signs would take long
    found = [
        f"max(typeof({column}) = 'blob' OR typeof({column}) = 'text' AND {column} GLOB ?)"
        for column in map(_quoted, columns)
    ]
    asked = " ".join(["SELECT", ", ".join(found), "FROM", source])
    row = connection.execute(asked, [HAS_SIGN] * len(columns)).fetchone()
    return {name for name, holds in zip(columns, row, strict=True) if holds}


def _cleaning(connection: sqlite3.Connection, hidden: str, column: str) -> str:
    """The name of the function that cleans a column. A statement cannot call it, to try whose address an id is."""
    is_id = column.lower().endswith("_id")
    name = f"{hidden}_{'id' if is_id else 'text'}"
    connection.create_function(name, 1, _Cleaner(hidden if is_id else ""), deterministic=True)
    return name


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Cleaner:
    """Replaces addresses in what a column holds; with a ``key``, by what tells one value from the other."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def __call__(self, value: Any) -> Any:
        if not isinstance(value, (str, bytes)):
            return value
        text = value if isinstance(value, str) else value.decode("utf-8", "replace")
        clean = without_addresses(text)
        if clean == text:
            return value
        return f"{ADDRESS} {hmac.digest(self._key, text.encode(), 'sha256').hex()[:12]}" if self._key else clean


class _Authorizer:
    """SQLite asks it about everything that a statement needs, before the statement runs. ``refusal``: a sentence."""

    def __init__(self, question: Question) -> None:
        self.refusal = ""
        self._question = question
        self._free = _free()

    def stand_before(self, connection: sqlite3.Connection) -> None:
        """From now on nothing runs on the connection without its consent, and within bounds."""
        connection.execute("SELECT 1 FROM json_each('[]'), json_tree('[]')")  # made on first use, unasked
        for limit, most in LIMITS.items():
            connection.setlimit(limit, most)
        connection.set_authorizer(self)
        connection.set_progress_handler(self._needs_too_much_room, STEPS)

    def _needs_too_much_room(self) -> bool:
        if _free() < self._free - MOST_ON_DISK:
            self.refusal = "It needs too much room on disk and was stopped."
        return bool(self.refusal)

    def __call__(self, action: int, one: str | None, two: str | None, schema: str | None, _view: str | None) -> int:
        refusal = self._refusal(action, one or "", two or "", schema or "")
        self.refusal = self.refusal or refusal
        return sqlite3.SQLITE_DENY if refusal else sqlite3.SQLITE_OK

    def _refusal(self, action: int, one: str, two: str, schema: str) -> str:
        if action in HARMLESS:
            return ""
        if action == sqlite3.SQLITE_FUNCTION:
            is_allowed = two.lower() in FUNCTIONS or two.startswith(OURS)
            return "" if is_allowed else f"The function {two} is not for use here."
        if action == sqlite3.SQLITE_READ:
            return self._refusal_to_read(one, two, schema)
        return "It does something else than to ask."

    def _refusal_to_read(self, table: str, column: str, schema: str) -> str:
        name = table.lower()
        is_put_in_front = schema == "temp" and name not in self._question.known
        if is_put_in_front or name.startswith(("sqlite_", "pragma_")):
            return f"{table} cannot be read here."
        # Without a column it is a mere count: of a table, which may be one of the statement's own (WITH).
        if not column or name in FROM_JSON or self._question.may_read(table, column):
            return ""
        return f"{table}.{column} is withheld from you."


def _free() -> int:
    """Bytes that are free where SQLite puts what does not fit into memory; it looks for a folder in this order."""
    named = [Path(os.environ[name]) for name in ("SQLITE_TMPDIR", "TMPDIR") if os.environ.get(name)]
    usual = [Path(os.sep, *parts) for parts in (("var", "tmp"), ("usr", "tmp"), ("tmp",))]
    return shutil.disk_usage(next((folder for folder in [*named, *usual] if folder.is_dir()), Path())).free
