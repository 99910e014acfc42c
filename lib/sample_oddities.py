"""What production really writes now and then, planted into the sample: a few rows of each, too few to move a number."""

from __future__ import annotations

import numpy as np
from sqlalchemy import ColumnClause, Connection, Integer, Table, bindparam, func, literal_column, select

from lib.schema import (
    coaching_sessions,
    conversion_triggers,
    detected_errors,
    it_errors,
    lead_scores,
    pricing_errors,
    users,
)

LONG_TEXT = 'Long sentence: "' + ("I would like to say that the meeting was good and " * 100)[:4_983] + '"'
TEXTS: tuple[str | None, ...] = (
    None,
    None,
    None,
    "",
    "   ",
    "\t\n",
    LONG_TEXT,
    '=HYPERLINK("http://example.com";"open")',
    "=1+1 is what he said",
    '+ missing article: "open ticket"',
    '-Wrong word: "minus point"',
    '@channel Wrong preposition: "ask to the team"',
    'Wrong word: "<script>alert(1)</script>"',
    'Wrong word: "<b>bold</b> & brave"',
    'False friend: "Ich bekomme ein Gerät für Köln"',
    'Wrong word: "I am 😀 of the result 🚀"',
    'Mispronounced: "软件" (software)',
    'Wrong word: "מחשב נייד"',
    'Wrong word: "البرنامج"',
)
UNREADABLE: tuple[str | None, ...] = ("soon", "2026-13-45 99:00:00", None, None)

# Table, column and the values that rows picked from the newest tenth of it get.
PLANTED: tuple[tuple[Table, str, tuple[object, ...]], ...] = (
    (detected_errors, "error_text", TEXTS),
    (detected_errors, "error_type", (None, None, None)),
    (detected_errors, "error_category", (None, None, None)),
    (detected_errors, "severity", (None,)),
    (detected_errors, "detected_at", (*UNREADABLE, "")),
    (coaching_sessions, "started_at", UNREADABLE),
    (coaching_sessions, "error_count", (None, None)),
    (coaching_sessions, "session_topic", (None,)),
    (it_errors, "correct_form", (None,)),
    (it_errors, "frequency", (None,)),
    (it_errors, "detected_at", ("soon",)),
    (pricing_errors, "error", (None, "")),
    (lead_scores, "lead_status", (None,)),
    (conversion_triggers, "conditions_met", ("{not json", None)),
    (users, "email", (None, "")),
    (users, "created_at", (None,)),
    (users, "last_active", (None, "soon")),
)
GONE: tuple[str | None, ...] = ("gone1", "gone2", "gone3", None)
rowid: ColumnClause[int] = literal_column("rowid", Integer)


def plant_oddities(connection: Connection, rng: np.random.Generator) -> None:
    """Change rows of the finished tables; a table with too few rows keeps them as they are."""
    for table, column, values in PLANTED:
        picked = _recent_rows(connection, rng, table, len(values))
        _change(connection, table, column, dict(zip(picked, values, strict=False)))
    _orphan_sessions(connection, rng)
    _blank_ends(connection)


def _change(connection: Connection, table: Table, column: str, values: dict[int, object]) -> None:
    """Set ``column`` to the value of each row in ``values``, which is keyed by rowid."""
    statement = table.update().values({column: bindparam("new")}).where(rowid == bindparam("row"))
    if values:
        connection.execute(statement, [{"row": row, "new": value} for row, value in values.items()])


def _recent_rows(connection: Connection, rng: np.random.Generator, table: Table, count: int) -> list[int]:
    """``count`` different rowids from the newest tenth of ``table``, none if that holds fewer than twice as many."""
    rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
    pool = np.arange(rows - rows // 10 + 1, rows + 1)
    return [int(row) for row in rng.permutation(pool)[:count]] if len(pool) >= 2 * count else []


def _orphan_sessions(connection: Connection, rng: np.random.Generator) -> None:
    """Sessions whose user is gone, with their mistakes, and one session without any user."""
    picked = _recent_rows(connection, rng, coaching_sessions, len(GONE))
    _change(connection, coaching_sessions, "user_id", dict(zip(picked, GONE, strict=False)))
    session = coaching_sessions.alias()
    owner = select(session.c.user_id).where(session.c.session_id == detected_errors.c.session_id).scalar_subquery()
    orphaned = select(coaching_sessions.c.session_id).where(rowid.in_(picked))
    connection.execute(detected_errors.update().values(user_id=owner).where(detected_errors.c.session_id.in_(orphaned)))


def _blank_ends(connection: Connection) -> None:
    """Two of the newest unfinished sessions have a blank end instead of none."""
    ends = coaching_sessions.c.ended_at
    unfinished = select(rowid).select_from(coaching_sessions).where(ends.is_(None)).order_by(rowid.desc()).limit(2)
    _change(connection, coaching_sessions, "ended_at", dict.fromkeys(connection.execute(unfinished).scalars(), ""))
