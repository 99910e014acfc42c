"""The worked case with everything at once that a database may have and should not: what no page may fall over."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from lib.schema import TABLES
from tests.factory import worked_case

NO_UTF8, BYTES = "CAST(x'636166E9' AS TEXT)", "x'FF'"
SESSION = (
    "INSERT INTO coaching_sessions (session_id, user_id, started_at, ended_at, confidence_score, error_count) VALUES "
)


def odd_database(path: Path) -> Path:
    """A SQLite file without keys, in capitals: rows that repeat, bytes everywhere, days to come, fewer than none."""
    worked_case(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in TABLES:
            name = table.name
            connection.execute(f"CREATE TABLE copy AS SELECT * FROM {name}")
            connection.execute(f"INSERT INTO copy SELECT * FROM {name} LIMIT 3")
            connection.execute(f"DROP TABLE {name}")
            connection.execute(f'ALTER TABLE copy RENAME TO "{name.upper()}"')
        connection.executescript(";\n".join([*_people(), *_mistakes()]))
    return path


def _people() -> list[str]:
    """Users whose ids are no text, each with sessions that qualify, lead scores and an offer; and some without one."""
    ids = (BYTES, "x'FE01'", NO_UTF8, "x'616E6E'", "'zoë'")
    return [
        *(f"INSERT INTO users (user_id, role, email) VALUES ({one}, 'free', {NO_UTF8})" for one in ids),
        f"INSERT INTO users (role, english_level) VALUES (NULL, NULL), (x'66726565', {BYTES}), ({BYTES}, {NO_UTF8})",
        *(
            f"{SESSION} ({NO_UTF8}, {one}, '2026-11-2{day} 10:00:00', '2026-11-2{day} 11:00:00', 9.5, -3)"
            for one in ids
            for day in range(3)
        ),
        f"{SESSION} ('to come', 'user001', '2031-01-01 10:00:00', NULL, 9, 2), (NULL, NULL, NULL, NULL, NULL, NULL), "
        f"('bytes', 'user001', x'323032362D31312D3232', {BYTES}, {BYTES}, {BYTES})",
        *(
            f"INSERT INTO lead_scores (score_id, user_id, lead_status, overall_score, calculated_at) "
            f"VALUES ({BYTES}, {one}, {NO_UTF8}, -5, {at})"
            for one in ids
            for at in ("'2026-11-20 10:00:00'", "'2031-01-01 10:00:00'", BYTES)
        ),
        *(
            "INSERT INTO conversion_triggers (trigger_id, user_id, triggered_at, offer_sent, offer_accepted) "
            f"VALUES ({BYTES}, {one}, '2026-11-20 10:00:00', 'yes', 'maybe')"
            for one in ids[1:]
        ),
    ]


def _mistakes() -> list[str]:
    it = "INSERT INTO it_errors (user_id, domain, error_pattern, correct_form, frequency, detected_at) VALUES "
    return [
        f"UPDATE detected_errors SET error_text = {NO_UTF8}, error_type = {BYTES} WHERE rowid % 7 = 0",
        f"UPDATE detected_errors SET error_text = x'636166', error_category = {NO_UTF8} WHERE rowid % 7 = 1",
        f"{it} ({BYTES}, {NO_UTF8}, {NO_UTF8}, {BYTES}, -5, '2026-11-20 10:00:00'), "
        f"('user001', 'technical', 'caf', x'636166', 6, '2026-11-20 10:00:00')",
        "INSERT INTO pricing_errors (error_id, user_id, error, category, timestamp) "
        f"VALUES ({BYTES}, {BYTES}, {NO_UTF8}, {BYTES}, '2026-11-20 10:00:00')",
    ]
