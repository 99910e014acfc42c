"""The seven tables as a database really has them, and how a statement reads them as the schema says.

A statement names the tables and columns of the schema. Where the database has a table under capitals, with columns of
other types, or with users more than once, the statement gets a WITH clause of the same name in front, which reads the
real table and gives what the schema says. A database that is as the schema says gets its statements unchanged.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import OperationalError

from lib.schema import TABLES, metadata, users
from lib.schema.postgresql_types import TEXT, reading, wanted

EVERY_ROW = "fluency_every_row"  # option of a statement: users that repeat come all, the newest row of each first
AS_TEXT = "fluency_as_text"  # function of SQLite: bytes as the text that they are, U+FFFD for what is not UTF-8
IS_UTF8 = "fluency_is_utf8"  # whether bytes are a text
_FOUND = "fluency_tables"
_NAMED = re.compile(rf"\b(?:{'|'.join(table.name for table in TABLES)})\b")
# The newest row of a user: it was active last; of those, it was made last; then whatever sorts last.
_NEWEST = ("last_active", "created_at", "role", "english_level", "email")

# Tables, views, materialized views, foreign and partitioned tables that a name without a schema finds, the one that is
# written in small letters first.
_POSTGRESQL = """
WITH found AS (
    SELECT DISTINCT ON (lower(c.relname)) c.oid, lower(c.relname) AS name,
        concat_ws('.', quote_ident(n.nspname), quote_ident(c.relname)) AS source, c.relname, n.nspname, c.relkind
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE lower(c.relname) = ANY (%s) AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND pg_table_is_visible(c.oid)
    ORDER BY lower(c.relname), c.relname <> lower(c.relname), c.oid)
SELECT f.name, f.source, f.relname, f.nspname, f.relkind IN ('r', 'p', 'm'), has_any_column_privilege(f.oid, 'SELECT'),
    has_column_privilege(f.oid, a.attnum, 'SELECT'), a.attname, quote_ident(a.attname),
    format_type(t.oid, NULL), t.typcategory,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = f.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
        AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum)
FROM found f JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type d ON d.oid = a.atttypid JOIN pg_type t ON t.oid = CASE d.typtype WHEN 'd' THEN d.typbasetype ELSE d.oid END
ORDER BY f.name, a.attname <> lower(a.attname)
"""

# The columns that are alone in a unique index.
_UNIQUE_IN_SQLITE = """
SELECT lower(m.name), lower(min(i.name)) FROM sqlite_master m, pragma_index_list(m.name) l, pragma_index_info(l.name) i
WHERE m.type = 'table' AND l."unique" AND NOT l.partial GROUP BY m.name, l.name HAVING count(*) = 1
"""


@dataclass(frozen=True)
class PresentColumn:
    """A column as the database has it: ``name`` as SQL; ``sql`` reads it as the schema says, None where that cannot be.

    ``is_as_in_schema``: whether a statement can name it as it is. ``may_be_read``: whether the user has the right to.
    """

    name: str
    type: str
    sql: str | None
    is_as_in_schema: bool
    is_unique: bool
    may_be_read: bool = True


@dataclass(frozen=True)
class PresentTable:
    """A table, view or whatever else can be read. ``source``: its name as SQL; ``columns`` by the schema's names.

    ``real_name`` and ``schema``: the same as the database itself has them, not quoted.
    """

    table: Table
    source: str
    columns: Mapping[str, PresentColumn]
    real_name: str
    schema: str | None = None
    is_as_in_schema: bool = True
    may_be_read: bool = True
    may_have_indexes: bool = True

    @property
    def name(self) -> str:
        """Its name as SQL, without a schema."""
        return self.table.name if self.is_as_in_schema else self.source.rpartition(".")[2]

    def name_of(self, column: str) -> str:
        """The column's name as SQL, that of the schema where it is not there."""
        present = self.columns.get(column)
        return column if present is None or present.is_as_in_schema else present.name

    @property
    def has_unique_key(self) -> bool:
        """Whether the database itself sees to it that no key comes twice."""
        return self.columns[self.key].is_unique if self.key in self.columns else True

    def has(self, name: str) -> bool:
        """Whether the column is there and can be read."""
        return self.may_be_read and name in self.columns and self.columns[name].sql is not None

    @property
    def key(self) -> str:
        """The column that is to name a row."""
        return str(self.table.columns.keys()[0])

    @property
    def unreadable(self) -> Mapping[str, str]:
        """A sentence for each column that cannot be read: it is of a type that is none, or the user has no right to."""
        return {name: self._why(name, column) for name, column in self.columns.items() if column.sql is None}

    def _why(self, name: str, column: PresentColumn) -> str:
        if not column.may_be_read:
            return f"{self.table.name}.{name} may not be read; the database user needs SELECT on it."
        return f"{self.table.name}.{name} is of the type {column.type}; it should be {wanted(self.table.c[name])}."

    def lost(self, name: str) -> str:
        """A subquery that counts the values of a column which are none of the schema's type; "" where each is one."""
        column = self.columns[name]
        if column.sql in (None, column.name):
            return ""
        return f"({_select('count(*)', self.source, f'WHERE {column.name} IS NOT NULL AND ({column.sql}) IS NULL')})"

    def stand_in(self, *, every_row: bool = False, as_text: bool = False) -> str:
        """A SELECT that gives what the schema says; "" where the table itself does."""
        repeats = self.table is users and not self.has_unique_key and self.has(self.key)
        is_plain = self.is_as_in_schema and all(c.is_as_in_schema for c in self.columns.values() if c.sql)
        if is_plain and not repeats and not as_text:
            return ""
        columns = {name: column.sql for name, column in self.columns.items() if column.sql}
        if as_text:
            columns |= {name: _text(sql) for name, sql in columns.items() if wanted(self.table.c[name]) == TEXT}
        listed = ", ".join(f'{sql} AS "{name}"' for name, sql in columns.items())
        rows = _select(listed, self.source)
        if not repeats:
            return rows
        newest = ", ".join(f'"{name}" DESC NULLS LAST' for name in _NEWEST if name in columns)
        if every_row:
            return _select("*", f"({rows}) AS every", f"ORDER BY {newest}")
        place = f'row_number() OVER (PARTITION BY "{self.key}" ORDER BY {newest}) AS place'
        return _select("*", f"({_select('*, ' + place, f'({rows}) AS every')}) AS numbered", "WHERE place = 1")


class UnreadableColumn(Exception):
    """A statement needs a column that cannot be read; ``str()`` is one sentence."""


def present_tables(connection: Connection) -> Mapping[str, PresentTable]:
    """Those of the seven tables that are there, by name; asked once for each time that a connection is taken."""
    found = connection.info.get(_FOUND)
    if found is None:
        found = connection.info[_FOUND] = find_tables(connection)
    return found


def find_tables(connection: Connection) -> Mapping[str, PresentTable]:
    """The same, asked anew: where tables are made on the same connection."""
    read = {"sqlite": _in_sqlite, "postgresql": _in_postgresql}[connection.dialect.name]
    try:
        return read(connection.connection.driver_connection)
    except connection.dialect.loaded_dbapi.Error as error:
        raise OperationalError("which tables are there", None, error) from error  # as every other question would


def forget_tables(_connection: object, record: Any) -> None:
    """Ask anew when the connection is taken again: a listener to a pool's "checkin"."""
    record.info.pop(_FOUND, None)


def as_in_schema(connection: Connection, sql: str, options: Mapping[str, Any]) -> str:
    """A SELECT with what stands in for the tables that it names. Raises UnreadableColumn."""
    names = set(_NAMED.findall(sql))
    if not names or not sql.startswith(("SELECT", "WITH")):
        return sql
    clauses = []
    for name, table in present_tables(connection).items():
        if name in names:
            _check_readable(table, sql)
            as_text = connection.dialect.name == "sqlite" and options.get(AS_TEXT, False)
            rows = table.stand_in(every_row=options.get(EVERY_ROW, False), as_text=as_text)
            clauses += [f"{name} AS NOT MATERIALIZED ({rows})"] if rows else []
    if not clauses:
        return sql
    rest = sql.removeprefix("WITH ") if sql.startswith("WITH ") else ""
    return f"WITH {', '.join(clauses)}{', ' + rest if rest else ' ' + sql}"


def _check_readable(table: PresentTable, sql: str) -> None:
    for name, sentence in table.unreadable.items():
        if re.search(rf"\b{table.table.name}\.{name}\b", sql):
            raise UnreadableColumn(sentence)


def _in_sqlite(driver: Any) -> dict[str, PresentTable]:
    """Every column can be read: what differs in a file are its values."""
    names = driver.execute("SELECT lower(name), name, type FROM sqlite_master WHERE type IN ('table', 'view')")
    there = {small: (name, kind) for small, name, kind in names.fetchall()}
    unique = set(driver.execute(_UNIQUE_IN_SQLITE).fetchall())
    found = {}
    for table in (table for table in TABLES if table.name in there):
        name, kind_of_table = there[table.name]
        listed: list[tuple[str, str, int]] = []
        with suppress(sqlite3.OperationalError):  # a view of a table that is gone: the database says so when it is read
            listed = driver.execute("SELECT lower(name), type, pk FROM pragma_table_xinfo(?)", (name,)).fetchall()
        keys = [column for column, _, place in listed if place]
        columns = {
            own: PresentColumn(f'"{own}"', kind, f'"{own}"', True, keys == [own] or (table.name, own) in unique)
            for own, kind, _ in listed
            if own in table.columns
        }
        is_table = kind_of_table == "table"
        found[table.name] = PresentTable(table, f'main."{name}"', columns, name, may_have_indexes=is_table)
    return found


def _in_postgresql(driver: Any) -> dict[str, PresentTable]:
    found, names = {}, [table.name for table in TABLES]
    columns: dict[str, dict[str, PresentColumn]] = {name: {} for name in names}
    with driver.cursor() as cursor:
        rows = cursor.execute(_POSTGRESQL, [names]).fetchall()
    for name, source, *of_table, may_be_read, is_granted, column, quoted, kind, category, is_unique in rows:
        table, own = metadata.tables[name], str(column).lower()
        real, schema, may_have_indexes = of_table
        found[name] = PresentTable(
            table, source, columns[name], real, schema, real == name, may_be_read, may_have_indexes
        )
        if own in table.columns and own not in columns[name]:
            sql = reading(wanted(table.c[own]), quoted, kind, category) if is_granted or not may_be_read else None
            is_plain = column == own and sql == quoted
            columns[name][own] = PresentColumn(quoted, kind, sql, is_plain, is_unique, is_granted)
    return {name: found[name] for name in names if name in found}


def _select(columns: str, source: str, rest: str = "") -> str:
    """Of names that the database has, quoted, and of constants."""
    return " ".join(["SELECT", columns, "FROM", source, rest]).strip()


def _text(sql: str) -> str:
    return f"CASE WHEN typeof({sql}) IN ('text', 'blob') THEN {AS_TEXT}(CAST({sql} AS BLOB)) ELSE {sql} END"
