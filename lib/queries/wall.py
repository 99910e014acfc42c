"""The wall around statements that somebody typed: they read what that person may see, for a while, and do nothing else.

The wall is the database's own, never a reading of the text. SQLite: `lib.queries.wall_sqlite`, PostgreSQL:
`lib.queries.wall_postgresql`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, inspect

from lib.access import Field, Visitor
from lib.database import DatabaseProblem, database_url
from lib.queries import wall_postgresql, wall_sqlite
from lib.queries.guard import Guard, Stop, Withheld
from lib.schema import TABLES

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
            with wall_sqlite.behind_views(url, withheld) as connection:
                yield connection
        elif not self.sql:
            raise NO_SQL_USER
        else:
            with wall_postgresql.own_user(self.sql, withheld) as connection:
                yield connection


@contextmanager
def guarded(connection: Connection, seconds: float, withheld: Withheld, stop: Stop) -> Iterator[Guard]:
    """What runs inside only reads, ends after ``seconds`` or when ``stop`` is wished, and leaves no trace.

    On any connection; one from a Place hides what is withheld, a SQLite file otherwise refuses most ways to it.
    """
    wall = wall_sqlite.guarded if connection.dialect.name == "sqlite" else wall_postgresql.guarded
    with wall(connection, seconds, withheld, stop) as guard:
        yield guard


class SeenColumn(NamedTuple):
    """A column of the database, and whether the visitor may see it."""

    name: str
    type: str
    is_withheld: bool


class SeenTable(NamedTuple):
    """A table of the database as the visitor sees it."""

    name: str
    columns: tuple[SeenColumn, ...]


def tables_seen(
    connection: Connection, withheld: Collection[tuple[str, str]], main: str, sql: str = ""
) -> list[SeenTable]:
    """Those of the seven tables that are there, addresses as in Place.

    Raises DatabaseProblem where the wall would not stand.
    """
    with Place(main, sql).connect(frozenset(withheld)) as walled:
        if walled.dialect.name == "postgresql":
            readable = wall_postgresql.readable(walled)
        else:
            readable = frozenset((table, name) for table, columns in _columns(walled) for name, _ in columns)
    return [
        SeenTable(table, tuple(SeenColumn(name, kind, (table, name) not in readable) for name, kind in columns))
        for table, columns in _columns(connection)
    ]


def _columns(connection: Connection) -> list[tuple[str, list[tuple[str, str]]]]:
    """The seven tables that are there, each with names and types of its columns."""
    inspector = inspect(connection)
    names = [table.name for table in TABLES if inspector.has_table(table.name)]
    return [(name, [(each["name"], str(each["type"])) for each in inspector.get_columns(name)]) for name in names]
