"""The keys that the seven tables really have in a PostgreSQL database, under the names that they have there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from lib.schema import TABLES

NAMES: tuple[str, ...] = tuple(table.name for table in TABLES)

_USER_COLUMNS = """
SELECT c.relname, format_type(a.atttypid, a.atttypmod), a.attnotnull
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'
WHERE c.oid = ANY (CAST(:tables AS regclass[]))
ORDER BY array_position(CAST(:tables AS text[]), CAST(c.relname AS text))
"""
_UNIQUE_KEYS = """
SELECT t.relname, quote_ident(x.relname), quote_ident(k.conname), i.indisprimary,
    ARRAY(SELECT quote_ident(a.attname) FROM unnest(i.indkey) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part.number
        WHERE place <= i.indnkeyatts ORDER BY place),
    pg_get_indexdef(x.oid)
FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_constraint k ON k.conindid = x.oid AND k.contype IN ('p', 'u')
WHERE i.indisunique AND t.oid = ANY (CAST(:tables AS regclass[]))
ORDER BY array_position(CAST(:tables AS text[]), CAST(t.relname AS text)), x.relname
"""
_FOREIGN_KEYS = """
SELECT t.relname, quote_ident(k.conname),
    ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.conkey) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part.number ORDER BY place),
    f.relname,
    ARRAY(SELECT quote_ident(a.attname) FROM unnest(k.confkey) WITH ORDINALITY AS part (number, place)
        JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum = part.number ORDER BY place),
    substring(pg_get_constraintdef(k.oid) FROM 'REFERENCES [^(]*[(][^)]*[)](.*)$')
FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND (k.conrelid = ANY (CAST(:tables AS regclass[]))
    OR k.confrelid = ANY (CAST(:tables AS regclass[])))
ORDER BY array_position(CAST(:tables AS text[]), CAST(t.relname AS text)), k.conname
"""
_TRIGGERS = """
SELECT c.relname, quote_ident(t.tgname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgrelid = ANY (CAST(:tables AS regclass[])) ORDER BY 1, 2
"""
_DISTRIBUTED = """
SELECT c.relname, column_to_column_name(p.logicalrelid, p.partkey)
FROM pg_dist_partition p JOIN pg_class c ON c.oid = p.logicalrelid
WHERE p.partmethod = 'h' AND p.logicalrelid = ANY (CAST(:tables AS regclass[])) ORDER BY 1
"""


@dataclass(frozen=True)
class UserColumn:
    """The column user_id of a table: its type as PostgreSQL writes it, and whether it refuses NULL."""

    table: str
    type: str
    is_required: bool


@dataclass(frozen=True)
class UniqueKey:
    """A primary key, a unique constraint, or (without ``constraint``) a unique index. Names are quoted where needed."""

    table: str
    index: str
    constraint: str | None
    is_primary: bool
    columns: tuple[str, ...]
    definition: str


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key from, or to, one of the seven tables; ``options`` is what follows the columns: ON DELETE ..."""

    table: str
    constraint: str
    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]
    options: str

    @property
    def keeps_user(self) -> bool:
        """Whether it leads from a user's row to a row of the same user."""
        return ("user_id", "user_id") in zip(self.columns, self.target_columns, strict=True)


def user_columns(connection: Connection) -> list[UserColumn]:
    """The column user_id of each table that has one."""
    return [UserColumn(*row) for row in _ask(connection, _USER_COLUMNS)]


def unique_keys(connection: Connection) -> list[UniqueKey]:
    """Whatever makes rows unique, in the order of the schema."""
    rows = _ask(connection, _UNIQUE_KEYS)
    return [UniqueKey(t, index, constraint, first, tuple(own), sql) for t, index, constraint, first, own, sql in rows]


def foreign_keys(connection: Connection) -> list[ForeignKey]:
    """The foreign keys between the seven tables, and those that lead to other tables or come from them."""
    rows = _ask(connection, _FOREIGN_KEYS)
    return [ForeignKey(table, name, tuple(own), target, tuple(at), end) for table, name, own, target, at, end in rows]


def triggers(connection: Connection) -> list[tuple[str, str]]:
    """Table and name of each trigger that somebody made."""
    return [(table, name) for table, name in _ask(connection, _TRIGGERS)]


def distributed_by(connection: Connection) -> dict[str, str]:
    """The tables that a Citus cluster has spread, each with the column that decides where a row lies."""
    return {table: str(column) for table, column in _ask(connection, _DISTRIBUTED)}


def _ask(connection: Connection, query: str) -> list[Any]:
    return [tuple(row) for row in connection.execute(text(query), {"tables": list(NAMES)})]
