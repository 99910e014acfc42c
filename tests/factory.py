"""Small databases for tests: SQLite files with the seven tables, filled from dicts of what matters.

    make_database(path, users=[{"user_id": "ann", "role": "free"}], sessions=[{"user_id": "ann"}])

Whatever a row does not name gets a sensible default, and its key is unique by itself.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from lib.schema import INDEXES, TABLES
from tests.worked_case import WORKED_CASE

Row = Mapping[str, Any]

AS_OF = "2026-11-22"

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
    path: Path,
    *,
    users: Iterable[Row] = (),
    sessions: Iterable[Row] = (),
    mistakes: Iterable[Row] = (),
    it_errors: Iterable[Row] = (),
    pricing_errors: Iterable[Row] = (),
    lead_scores: Iterable[Row] = (),
    offers: Iterable[Row] = (),
    without: Iterable[str] = (),
    indexes: bool = True,
) -> Path:
    """Write a database to ``path``, replacing what is there; returns ``path``.

    ``mistakes`` are rows of detected_errors, ``offers`` of conversion_triggers. Tables named in ``without`` are left
    out, and so are the indexes unless wanted.
    """
    rows = {
        "users": users,
        "coaching_sessions": sessions,
        "detected_errors": mistakes,
        "it_errors": it_errors,
        "pricing_errors": pricing_errors,
        "lead_scores": lead_scores,
        "conversion_triggers": offers,
    }
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")  # thousands of small files, none of them to keep
        _create_tables(connection, set(without), indexes)
        for table in TABLES:
            if table.name not in set(without):
                _insert(connection, table.name, [column.name for column in table.columns], rows[table.name])
    return path


def empty_database(path: Path) -> Path:
    """The seven tables, no rows."""
    return make_database(path)


def one_row(path: Path) -> Path:
    """One row in every table, all of one free user, on the day ``AS_OF``."""
    ann: list[Row] = [{"user_id": "ann", "session_id": "session1"}]
    return make_database(
        path,
        users=[{"user_id": "ann", "email": "ann@example.com"}],
        sessions=ann,
        mistakes=ann,
        it_errors=ann,
        pricing_errors=ann,
        lead_scores=[{"user_id": "ann"}],
        offers=[{"user_id": "ann"}],
    )


def worked_case(path: Path) -> Path:
    """A database that holds the worked cases of the definitions exactly; see tests/worked_case.py."""
    return make_database(path, **WORKED_CASE)


def without_table(path: Path, name: str) -> Path:
    """The worked case without one table."""
    return make_database(path, **WORKED_CASE, without=[name])


def without_column(path: Path, table: str, column: str) -> Path:
    """The worked case without one column (and without indexes, which might need it)."""
    make_database(path, **WORKED_CASE, indexes=False)
    columns = next(each.columns for each in TABLES if each.name == table)
    names = ", ".join(f'"{each.name}"' for each in columns if each.name != column)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f'CREATE TABLE copy AS SELECT {names} FROM "{table}"')
        connection.execute(f'DROP TABLE "{table}"')
        connection.execute(f'ALTER TABLE copy RENAME TO "{table}"')
    return path


def _create_tables(connection: sqlite3.Connection, without: set[str], indexes: bool) -> None:
    dialect = sqlite.dialect()
    for table in TABLES:
        if table.name not in without:
            connection.execute(str(CreateTable(table).compile(dialect=dialect)))
    for index in INDEXES:
        if indexes and index.table is not None and index.table.name not in without:
            connection.execute(str(CreateIndex(index).compile(dialect=dialect)))


def _insert(connection: sqlite3.Connection, table: str, columns: list[str], rows: Iterable[Row]) -> None:
    """Rows with their defaults; the key, which is the first column, counts up: `users1`, `users2`."""
    complete = [{columns[0]: f"{table}{number}", **DEFAULTS[table], **row} for number, row in enumerate(rows, start=1)]
    for row in complete:
        if odd := set(row) - set(columns):
            raise ValueError(f"{table} has no column {', '.join(sorted(odd))}")
    names, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    connection.executemany(
        f'INSERT INTO "{table}" ({names}) VALUES ({marks})', [[row.get(name) for name in columns] for row in complete]
    )
