"""The wall around statements that somebody typed: they read what that person may see, for a while, and do nothing else.

The wall is the database's own, never a reading of the text. SQLite: `lib.queries.wall_sqlite`, PostgreSQL:
`lib.queries.wall_postgresql`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Executable, inspect

from lib.access import Field, Visitor
from lib.database import DatabaseProblem, connect, database_url, open_engine
from lib.queries import wall_postgresql, wall_sqlite
from lib.queries.guard import Fetched, Limits, Stop, Withheld
from lib.schema.present import PresentTable, present_tables

# The columns behind each field; a test holds them against the schema.
FIELD_COLUMNS: Mapping[Field, Withheld] = {
    Field.ADDRESSES: frozenset({("users", "email")}),
    Field.LEARNER_TEXT: frozenset(
        {
            ("detected_errors", "error_text"),
            ("it_errors", "error_pattern"),
            ("pricing_errors", "error"),
            ("coaching_sessions", "session_topic"),
        }
    ),
}
NO_SQL_USER = DatabaseProblem(
    "Statements need a PostgreSQL user of their own, and none is set.",
    "Set FLUENCY_SQL_DATABASE_URL; docs/sql_page.md has the statements that make that user.",
)


def withheld_from(visitor: Visitor) -> Withheld:
    """The columns that the visitor may not see, as pairs of table and column."""
    return frozenset(
        column for field, columns in FIELD_COLUMNS.items() if not visitor.may_see(field) for column in columns
    )


@dataclass(frozen=True)
class Place:
    """Where statements are asked: ``main`` and ``sql`` are the settings `database_url` and `sql_database_url`.

    SQLite needs no second address. PostgreSQL does: what a statement may read there is what its user may.
    """

    main: str
    sql: str = ""

    @contextmanager
    def connect(self, withheld: Withheld) -> Iterator[Connection]:
        """A connection of its own that shows nothing of what is ``withheld``. Raises DatabaseProblem."""
        url = database_url(self.main)
        if url.get_backend_name() == "sqlite":
            with connect(open_engine(url)) as connection:
                yield connection.execution_options(**{wall_sqlite.BEHIND_VIEWS: True})
        elif not self.sql:
            raise NO_SQL_USER
        else:
            with wall_postgresql.own_user(self.sql, withheld) as connection:
                yield connection


def fetched(connection: Connection, statement: Executable, limits: Limits, withheld: Withheld, stop: Stop) -> Fetched:
    """What the statement gives within its limits: it only reads, and leaves no trace.

    On any connection; one from a Place hides what is withheld. Raises OutOfTime (also where ``stop`` is wished),
    Refused, DBAPIError.
    """
    if connection.dialect.name == "postgresql":
        return wall_postgresql.fetched(connection, statement, limits, stop)
    hides_addresses = FIELD_COLUMNS[Field.ADDRESSES] <= withheld
    return wall_sqlite.fetched(connection, statement, limits, withheld, hides_addresses, stop)


class SeenColumn(NamedTuple):
    """A column of the database, and whether the visitor may see it."""

    name: str
    type: str
    is_withheld: bool


class SeenTable(NamedTuple):
    """A table of the database as the visitor sees it; ``name`` as a statement writes it."""

    name: str
    columns: tuple[SeenColumn, ...]


def tables_seen(
    connection: Connection, withheld: Collection[tuple[str, str]], main: str, sql: str = ""
) -> list[SeenTable]:
    """Those of the seven tables that are there, addresses as in Place.

    Raises DatabaseProblem where the wall would not stand.
    """
    with Place(main, sql).connect(frozenset(withheld)) as walled:
        tables = _columns(connection)
        readable = (
            wall_postgresql.readable(walled)
            if walled.dialect.name == "postgresql"
            else _readable_in_sqlite(tables, frozenset(withheld))
        )
    return [
        SeenTable(
            table.name,
            tuple(SeenColumn(name, kind, (table.table.name, name.lower()) not in readable) for name, kind in columns),
        )
        for table, columns in tables
    ]


def _readable_in_sqlite(tables: list[tuple[PresentTable, list[tuple[str, str]]]], withheld: Withheld) -> Withheld:
    return frozenset(
        (table.table.name, name.lower())
        for table, columns in tables
        for name, _ in columns
        if not withheld
        or (name.lower() in wall_sqlite.KNOWN[table.table.name] and (table.table.name, name.lower()) not in withheld)
    )


def _columns(connection: Connection) -> list[tuple[PresentTable, list[tuple[str, str]]]]:
    """The seven tables that are there, each with names and types of its columns."""
    inspector = inspect(connection)
    return [
        (table, [(each["name"], str(each["type"])) for each in inspector.get_columns(table.real_name, table.schema)])
        for table in present_tables(connection).values()
    ]
