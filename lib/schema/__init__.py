"""The seven tables as production writes them, and the indexes that our queries need.

Production owns the tables; the app only reads them. On SQLite every timestamp is text, on PostgreSQL a real one.

"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
    text,
)
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.schema import CreateIndex

# The values that production writes, in the order in which people read them.
ROLES = ("free", "student", "coach", "superuser")
LEVELS = ("B1", "B2", "C1", "C2")

metadata = MetaData()

Timestamp = DateTime(timezone=True).with_variant(Text(), "sqlite")

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("email", Text),
    Column("role", Text),
    Column("english_level", Text),
    Column("created_at", Timestamp),
    Column("last_active", Timestamp),
)

coaching_sessions = Table(
    "coaching_sessions",
    metadata,
    Column("session_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("session_topic", Text),
    Column("user_level", Text),
    Column("started_at", Timestamp),
    Column("ended_at", Timestamp),
    Column("duration_seconds", Integer),
    Column("confidence_score", Float),
    Column("message_count", Integer),
    Column("error_count", Integer),
    Column("phase", Text),
)

detected_errors = Table(
    "detected_errors",
    metadata,
    Column("error_id", Text, primary_key=True),
    Column("session_id", Text, ForeignKey("coaching_sessions.session_id")),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("error_type", Text),
    Column("error_category", Text),
    Column("error_text", Text),
    Column("severity", Text),
    Column("detected_at", Timestamp),
)

it_errors = Table(
    "it_errors",
    metadata,
    Column("error_id", Text, primary_key=True),
    Column("session_id", Text, ForeignKey("coaching_sessions.session_id")),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("domain", Text),
    Column("error_pattern", Text),
    Column("correct_form", Text),
    Column("frequency", Integer),
    Column("detected_at", Timestamp),
)

pricing_errors = Table(
    "pricing_errors",
    metadata,
    Column("error_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("error", Text),
    Column("category", Text),
    Column("domain", Text),
    Column("session_id", Text),
    Column("timestamp", Timestamp),
)

lead_scores = Table(
    "lead_scores",
    metadata,
    Column("score_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("lead_status", Text),
    Column("overall_score", Float),
    Column("readiness_score", Float),
    Column("urgency_score", Float),
    Column("value_score", Float),
    Column("calculated_at", Timestamp),
)

conversion_triggers = Table(
    "conversion_triggers",
    metadata,
    Column("trigger_id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.user_id")),
    Column("trigger_type", Text),
    Column("conditions_met", Text),
    Column("confidence_scores", Text),
    Column("triggered_at", Timestamp),
    Column("offer_sent", Boolean),
    Column("offer_accepted", Boolean),
)

TABLES: tuple[Table, ...] = (
    users,
    coaching_sessions,
    detected_errors,
    it_errors,
    pricing_errors,
    lead_scores,
    conversion_triggers,
)
# The tables that a young installation may not have yet.
OPTIONAL_TABLES: frozenset[str] = frozenset(
    table.name for table in (it_errors, pricing_errors, lead_scores, conversion_triggers)
)

# The column that says when a row happened.
TIME_COLUMN: dict[str, str] = {
    "users": "created_at",
    "coaching_sessions": "started_at",
    "detected_errors": "detected_at",
    "it_errors": "detected_at",
    "pricing_errors": "timestamp",
    "lead_scores": "calculated_at",
    "conversion_triggers": "triggered_at",
}


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
    present = set(inspect(connection).get_table_names())
    here = ("", connection.dialect.name)
    return [index for index in INDEXES if _table_of(index).name in present and index.info["only"] in here]


@dataclass(frozen=True)
class MissingIndex:
    """One of INDEXES that a database lacks; ``in_the_way``: an index of no use to queries bears its name there."""

    index: Index
    in_the_way: bool

    @property
    def name(self) -> str:
        return str(self.index.name)

    @property
    def table(self) -> str:
        return _table_of(self.index).name


def missing_indexes(connection: Connection) -> list[MissingIndex]:
    """Those of ``indexes_for`` that no index of the database serves, whatever its name."""
    wanted = indexes_for(connection)
    inspector, invalid = inspect(connection), _invalid_indexes(connection)
    present = {table.name: inspector.get_indexes(table.name) for table in {_table_of(index) for index in wanted}}
    return [
        MissingIndex(index, any(other["name"] == index.name for other in present[_table_of(index).name]))
        for index in wanted
        if not any(_serves(other, index) for other in present[_table_of(index).name] if other["name"] not in invalid)
    ]


def _serves(other: ReflectedIndex, index: Index) -> bool:
    """Whether queries can use ``other`` instead: all rows, in order, by the same columns first."""
    options = other.get("dialect_options", {})
    wanted = [column.name for column in index.columns]
    is_of_other_kind = any(name.endswith(("_where", "_using")) for name in options)
    return not is_of_other_kind and other["column_names"][: len(wanted)] == wanted


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
        "SELECT relname, rolname FROM pg_class JOIN pg_roles ON pg_roles.oid = relowner "
        "WHERE relname = ANY (:names) AND relkind IN ('r', 'p') AND pg_table_is_visible(pg_class.oid) "
        "AND NOT pg_has_role(relowner, 'USAGE')"
    )
    found = connection.execute(text(query), {"names": [table.name for table in TABLES]})
    return {row.relname: row.rolname for row in found}


def _table_of(index: Index) -> Table:
    if index.table is None:
        raise ValueError(f"the index {index.name} has no table")
    return index.table


def create_statement(wanted: Index | MissingIndex, dialect: Dialect) -> str:
    """The CREATE INDEX statement for one index, after a DROP INDEX where its name is taken."""
    if isinstance(wanted, MissingIndex):
        create = create_statement(wanted.index, dialect)
        return f"DROP INDEX {wanted.name};\n{create}" if wanted.in_the_way else create
    return " ".join(str(CreateIndex(wanted, if_not_exists=True).compile(dialect=dialect)).split())


def index_statements(connection: Connection) -> list[str]:
    """What creates the indexes that are missing, and lets the database take its statistics."""
    dialect = connection.dialect
    creating = [create_statement(index, dialect).split(";\n") for index in missing_indexes(connection)]
    # Of all tables PostgreSQL would skip those of the system, with a warning each.
    names = dict.fromkeys(_table_of(index).name for index in indexes_for(connection))
    analyze = f"ANALYZE {', '.join(names)}" if dialect.name == "postgresql" else "ANALYZE"
    return [*chain.from_iterable(creating), analyze]


def create_indexes(connection: Connection) -> None:
    """Run ``index_statements``."""
    for statement in index_statements(connection):
        connection.execute(text(statement))
    connection.commit()
