"""The indexes that our queries need, which of them a database lacks, and the statements that make those."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from sqlalchemy import Connection, Dialect, Index, Table, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.schema import CreateIndex

from lib.schema import (
    coaching_sessions,
    conversion_triggers,
    detected_errors,
    it_errors,
    lead_scores,
    pricing_errors,
    users,
)
from lib.schema.present import PresentTable, find_tables


def _index(table: Table, *names: str, only: str = "") -> Index:
    index = Index(f"ix_{table.name}_{'_'.join(names[:2])}", *(table.c[name] for name in names))
    index.info["only"] = only
    return index


# A PostgreSQL index entry holds at most about 2,700 bytes and a learner's text may be longer,
# so the indexes that carry texts are for SQLite alone.
INDEXES: tuple[Index, ...] = (
    _index(users, "role", "user_id", "english_level"),
    _index(coaching_sessions, "started_at", "user_id", "confidence_score", "error_count", "ended_at"),
    _index(coaching_sessions, "user_id", "started_at", "confidence_score"),
    _index(detected_errors, "error_type", "error_category", "error_text", "detected_at", "user_id", only="sqlite"),
    _index(detected_errors, "detected_at", "user_id"),
    _index(it_errors, "domain", "error_pattern", "detected_at", "user_id", "frequency", "correct_form", only="sqlite"),
    _index(it_errors, "detected_at", "user_id"),
    _index(pricing_errors, "timestamp", "user_id"),
    _index(lead_scores, "user_id", "calculated_at"),
    _index(conversion_triggers, "user_id", "triggered_at"),
)


def indexes_for(connection: Connection) -> list[Index]:
    """The indexes that the tables of this database should have, those that it already has included."""
    there, here = find_tables(connection), ("", connection.dialect.name)
    with_indexes = {name for name, table in there.items() if table.may_have_indexes}
    return [index for index in INDEXES if _table_of(index).name in with_indexes and index.info["only"] in here]


@dataclass(frozen=True)
class MissingIndex:
    """One of INDEXES that a database lacks ``on`` a table; ``in_the_way``: an index of no use has its name there."""

    index: Index
    in_the_way: bool
    on: PresentTable

    @property
    def name(self) -> str:
        return str(self.index.name)

    @property
    def table(self) -> str:
        return _table_of(self.index).name


def missing_indexes(connection: Connection) -> list[MissingIndex]:
    """Those of ``indexes_for`` that no index of the database serves, whatever its name."""
    wanted, there = indexes_for(connection), find_tables(connection)
    inspector, invalid = inspect(connection), _invalid_indexes(connection)
    names = {_table_of(index).name for index in wanted}
    present = {name: inspector.get_indexes(there[name].real_name, schema=there[name].schema) for name in names}
    return [
        MissingIndex(
            index,
            any(other["name"] == index.name for other in present[_table_of(index).name]),
            there[_table_of(index).name],
        )
        for index in wanted
        if not any(_serves(other, index) for other in present[_table_of(index).name] if other["name"] not in invalid)
    ]


def _serves(other: ReflectedIndex, index: Index) -> bool:
    """Whether queries can use ``other`` instead: all rows, in order, by the same columns first."""
    options = other.get("dialect_options", {})
    wanted = [column.name for column in index.columns]
    is_of_other_kind = any(name.endswith(("_where", "_using")) for name in options)
    columns = [(name or "").lower() for name in other["column_names"]]
    return not is_of_other_kind and columns[: len(wanted)] == wanted


def _invalid_indexes(connection: Connection) -> set[str]:
    """What CREATE INDEX CONCURRENTLY leaves behind where it fails: PostgreSQL keeps it up, and reads it never."""
    if connection.dialect.name != "postgresql":
        return set()
    query = "SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE NOT indisvalid"
    return set(connection.scalars(text(query)))


def owners(connection: Connection) -> dict[str, str]:
    """The tables of ours whose indexes this user may not make, on PostgreSQL, each with the one who may."""
    if connection.dialect.name != "postgresql":
        return {}
    query = (
        "SELECT lower(relname) AS name, rolname FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner "
        "WHERE pg_class.oid = ANY (CAST(CAST(:sources AS text[]) AS regclass[])) AND NOT pg_has_role(relowner, 'USAGE')"
    )
    sources = [table.source for table in find_tables(connection).values() if table.may_have_indexes]
    return {row.name: row.rolname for row in connection.execute(text(query), {"sources": sources})}


def _table_of(index: Index) -> Table:
    if index.table is None:
        raise ValueError(f"the index {index.name} has no table")
    return index.table


def create_statement(wanted: Index | MissingIndex, dialect: Dialect) -> str:
    """The CREATE INDEX statement for one index, after a DROP INDEX where its name is taken."""
    if isinstance(wanted, Index):
        return " ".join(str(CreateIndex(wanted, if_not_exists=True).compile(dialect=dialect)).split())
    columns = ", ".join(wanted.on.name_of(column.name) for column in wanted.index.columns)
    create = f"CREATE INDEX IF NOT EXISTS {wanted.name} ON {wanted.on.name} ({columns})"
    return f"DROP INDEX {wanted.name};\n{create}" if wanted.in_the_way else create


def index_statements(connection: Connection) -> list[str]:
    """What creates the indexes that are missing, and lets the database take its statistics."""
    dialect = connection.dialect
    creating = [create_statement(index, dialect).split(";\n") for index in missing_indexes(connection)]
    # Of all tables PostgreSQL would skip those of the system, with a warning each.
    there = find_tables(connection)
    names = dict.fromkeys(there[_table_of(index).name].name for index in indexes_for(connection))
    analyze = f"ANALYZE {', '.join(names)}" if dialect.name == "postgresql" else "ANALYZE"
    return [*chain.from_iterable(creating), analyze]


def create_indexes(connection: Connection) -> None:
    """Run ``index_statements``."""
    for statement in index_statements(connection):
        connection.execute(text(statement))
    connection.commit()
