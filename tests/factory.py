"""Small databases for tests: the seven tables, filled from dicts of what matters.

    make_database(path, users=[{"user_id": "ann", "role": "free"}], sessions=[{"user_id": "ann"}])

Whatever a row does not name gets a sensible default, and its key is unique by itself. A path makes a SQLite file; the
address of a PostgreSQL database fills that, with the same rows: timestamps given as text become real ones there, and
NULL where the text is none, since a real timestamp cannot be wrong. So do numbers, and yes and no.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psycopg
from psycopg import sql
from sqlalchemy import Boolean, Column, DateTime, Dialect, Float, Integer
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from lib.schema import TABLES
from lib.schema.indexes import INDEXES
from tests.odd_data import real_number, real_time, whole_number, yes_or_no
from tests.worked_case import WORKED_CASE

Row = Mapping[str, Any]
# A SQLite file, or the address of a PostgreSQL database.
Target = TypeVar("Target", Path, str)

AS_OF = "2026-11-22"

# What a column of a kind makes of a value that a SQLite file may hold.
REAL: dict[type, Callable[[Any], Any]] = {
    DateTime: real_time,
    Boolean: yes_or_no,
    Integer: whole_number,
    Float: real_number,
}

# The names of the rows in `make_database`, by table.
KEYWORDS = {
    "users": "users",
    "coaching_sessions": "sessions",
    "detected_errors": "mistakes",
    "it_errors": "it_errors",
    "pricing_errors": "pricing_errors",
    "lead_scores": "lead_scores",
    "conversion_triggers": "offers",
}

DEFAULTS: dict[str, dict[str, Any]] = {
    "users": {"role": "free", "english_level": "B2", "created_at": "2026-01-05 08:00:00"},
    "coaching_sessions": {
        "session_topic": "stand-up meeting",
        "user_level": "B2",
        "started_at": f"{AS_OF} 09:30:00",
        "ended_at": f"{AS_OF} 10:00:00",
        "duration_seconds": 1800,
        "confidence_score": 7.5,
        "message_count": 20,
        "error_count": 2,
        "phase": "closing",
    },
    "detected_errors": {
        "error_type": "grammar",
        "error_category": "articles",
        "error_text": "working on system",
        "severity": "low",
        "detected_at": f"{AS_OF} 09:45:00",
    },
    "it_errors": {
        "domain": "technical",
        "error_pattern": "working on system",
        "correct_form": "working on the system",
        "frequency": 1,
        "detected_at": f"{AS_OF} 09:45:00",
    },
    "pricing_errors": {
        "error": "it makes 100 dollars",
        "category": "money",
        "domain": "business",
        "timestamp": f"{AS_OF} 09:45:00",
    },
    "lead_scores": {
        "lead_status": "warm",
        "overall_score": 60.0,
        "readiness_score": 60.0,
        "urgency_score": 60.0,
        "value_score": 60.0,
        "calculated_at": f"{AS_OF} 03:00:00",
    },
    "conversion_triggers": {
        "trigger_type": "executive_offer",
        "conditions_met": "3 sessions above 8.0",
        "confidence_scores": "[8.5, 9.0, 9.0]",
        "triggered_at": f"{AS_OF} 11:00:00",
        "offer_sent": 1,
        "offer_accepted": 0,
    },
}


def make_database(
    target: Target,
    *,
    without: Iterable[str] = (),
    indexes: bool = True,
    naive: bool = False,
    distributed: bool = False,
    **rows: Iterable[Row],
) -> Target:
    """Write a database to ``target``, replacing what is there; returns ``target``.

    ``rows`` by table, see KEYWORDS. Tables named in ``without`` are left out, and so are the indexes unless wanted.
    ``naive`` gives PostgreSQL timestamps without a time zone, in UTC; ``distributed`` spreads its tables over a Citus
    cluster by user.
    """
    complete = _complete_rows(**rows)
    if isinstance(target, str):
        with psycopg.connect(target) as connection:
            _create_postgres(connection, set(without), indexes, naive)
            if distributed:
                _distribute(connection, set(without))
            _fill_postgres(connection, complete, set(without))
        return target
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(target)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")  # thousands of small files, none of them to keep
        for statement in _definitions(sqlite.dialect(), set(without), indexes):
            connection.execute(statement)
        _fill_sqlite(connection, complete, set(without))
    return target


def refiller(address: str) -> Callable[..., object]:
    """A function that replaces the rows of a database that ``make_database`` made of all tables: quicker than anew."""
    if "://" not in address:
        return partial(make_database, Path(address))
    connection = psycopg.connect(address, autocommit=True)  # kept: to sign in takes longer than a small test

    def refill(**rows: Iterable[Row]) -> None:
        with connection.transaction():
            _fill_postgres(connection, _complete_rows(**rows), set())

    return refill


def empty_database(target: Target) -> Target:
    """The seven tables, no rows."""
    return make_database(target)


def one_row(target: Target) -> Target:
    """One row in every table, all of one free user, on the day ``AS_OF``."""
    ann: list[Row] = [{"user_id": "ann", "session_id": "session1"}]
    return make_database(
        target,
        users=[{"user_id": "ann", "email": "ann@example.com"}],
        sessions=ann,
        mistakes=ann,
        it_errors=ann,
        pricing_errors=ann,
        lead_scores=[{"user_id": "ann"}],
        offers=[{"user_id": "ann"}],
    )


def worked_case(target: Target) -> Target:
    """A database that holds the worked cases of the definitions exactly; see tests/worked_case.py."""
    return make_database(target, **WORKED_CASE)


def without_table(target: Target, name: str) -> Target:
    """The worked case without one table."""
    return make_database(target, **WORKED_CASE, without=[name])


def without_column(path: Path, table: str, column: str) -> Path:
    """The worked case, in a SQLite file, without one column (and without indexes, which might need it)."""
    make_database(path, **WORKED_CASE, indexes=False)
    columns = next(each.columns for each in TABLES if each.name == table)
    names = ", ".join(f'"{each.name}"' for each in columns if each.name != column)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f'CREATE TABLE copy AS SELECT {names} FROM "{table}"')
        connection.execute(f'DROP TABLE "{table}"')
        connection.execute(f'ALTER TABLE copy RENAME TO "{table}"')
    return path


def _complete_rows(**rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Rows by table, with their defaults; the key, which is the first column, counts up: `users1`, `users2`."""
    if odd := set(rows) - set(KEYWORDS.values()):
        raise TypeError(f"there are no rows of {', '.join(sorted(odd))}")
    complete: dict[str, list[Row]] = {}
    for table in TABLES:
        name, columns = table.name, table.columns.keys()
        given = enumerate(rows.get(KEYWORDS[name], ()), start=1)
        complete[name] = [{columns[0]: f"{name}{number}", **DEFAULTS[name], **row} for number, row in given]
        if odd := {key for row in complete[name] for key in row} - set(columns):
            raise ValueError(f"{name} has no column {', '.join(sorted(odd))}")
    return complete


def _fill_postgres(connection: psycopg.Connection, rows: Mapping[str, Iterable[Row]], without: set[str]) -> None:
    nobody = _nobody(connection)
    for table in TABLES:
        if table.name in without:
            continue
        name, columns = sql.Identifier(table.name), sql.SQL(", ").join(map(sql.Identifier, table.columns.keys()))
        connection.execute(sql.SQL("DELETE FROM {}").format(name))
        with connection.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(name, columns)) as copy:
            for row in rows[table.name]:
                copy.write_row([_for_postgres(row.get(column.name), column, nobody) for column in table.columns])


def _fill_sqlite(connection: sqlite3.Connection, rows: Mapping[str, Iterable[Row]], without: set[str]) -> None:
    for table in TABLES:
        if table.name not in without:
            columns = table.columns.keys()
            names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
            connection.executemany(
                f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})',
                [[row.get(name) for name in columns] for row in rows[table.name]],
            )


def _create_postgres(connection: psycopg.Connection, without: set[str], indexes: bool, naive: bool) -> None:
    """Tables without foreign keys: in a file nobody enforces them, and the rows of users who are gone are wanted."""
    here = connection.execute("SELECT current_schema()").fetchone() or ("public",)
    connection.execute(sql.SQL("DROP SCHEMA {0} CASCADE; CREATE SCHEMA {0}").format(sql.Identifier(here[0])))
    for statement in _definitions(postgresql.dialect(), without, indexes):
        connection.execute(statement.replace("WITH TIME ZONE", "WITHOUT TIME ZONE") if naive else statement)


def _distribute(connection: psycopg.Connection, without: set[str]) -> None:
    """Every table by user, on the same shards as the users; every key then holds the user."""
    for table in TABLES:
        if table.name not in without:
            key, name = table.columns.keys()[0], table.name
            if key != "user_id":
                connection.execute(f"ALTER TABLE {name} DROP CONSTRAINT {name}_pkey, ADD PRIMARY KEY (user_id, {key})")
            beside = "none" if name == "users" else "users"
            connection.execute(f"SELECT create_distributed_table('{name}', 'user_id', colocate_with => '{beside}')")


def _definitions(dialect: Dialect, without: set[str], indexes: bool) -> list[str]:
    tables: list[Any] = [
        CreateTable(table, include_foreign_key_constraints=() if dialect.name == "postgresql" else None)
        for table in TABLES
        if table.name not in without
    ]
    wanted = [
        CreateIndex(index)
        for index in INDEXES
        if indexes
        and index.table is not None
        and index.table.name not in without
        and index.info["only"] in ("", dialect.name)
    ]
    return [str(statement.compile(dialect=dialect)) for statement in [*tables, *wanted]]


def _nobody(connection: psycopg.Connection) -> str | None:
    """The user of rows that have none: no text where the user belongs to the key, as it does on a cluster."""
    in_key = connection.execute(
        "SELECT attnotnull FROM pg_attribute WHERE attrelid = to_regclass('coaching_sessions') AND attname = 'user_id'"
    ).fetchone()
    return "" if in_key == (True,) else None


def _for_postgres(value: Any, column: Column[Any], nobody: str | None) -> Any:
    if value is None and column.name == "user_id":
        return nobody
    if value is None or isinstance(value, datetime):
        return value
    return next((real(value) for kind, real in REAL.items() if isinstance(column.type, kind)), value)
