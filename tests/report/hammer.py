"""A program that keeps writing to a SQLite file: pairs of a session and a mistake, each pair in one transaction."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def hammer(path: Path) -> None:
    """Write until killed; says so on standard output after the first pair."""
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        number = 0
        while True:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT INTO coaching_sessions (session_id, user_id, started_at, ended_at, confidence_score)"
                " VALUES (?, 'user001', '2026-11-22 12:00:00', '2026-11-22 12:30:00', 7.0)",
                [f"hammered{number}"],
            )
            connection.execute(
                "INSERT INTO detected_errors (error_id, user_id, error_type, error_category, error_text, detected_at)"
                " VALUES (?, 'user001', 'grammar', 'articles', 'hammered', '2026-11-22 12:10:00')",
                [f"hammered{number}"],
            )
            connection.execute("COMMIT")
            if number == 0:
                print("writing", flush=True)
            number += 1
            time.sleep(0.001)  # so that somebody else gets a turn: locks of a SQLite file know no queue


@contextmanager
def writer(path: Path, journal: str) -> Iterator[None]:
    """While inside, another process writes to ``path`` without a pause; ``journal`` is SQLite's mode: wal, delete."""
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {journal}").fetchone() == (journal,)
    command = [sys.executable, "-m", "tests.report.hammer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "writing\n"
            yield
            assert process.poll() is None, "the writer was stopped by what it wrote against"
        finally:
            process.kill()


def pairs(path: Path) -> tuple[int, int]:
    """How many sessions and how many mistakes of the writer are in the file."""
    with closing(sqlite3.connect(path)) as connection:
        sessions = "SELECT count(*) FROM coaching_sessions WHERE session_id LIKE 'hammered%'"
        mistakes = "SELECT count(*) FROM detected_errors WHERE error_id LIKE 'hammered%'"
        return connection.execute(sessions).fetchone()[0], connection.execute(mistakes).fetchone()[0]


if __name__ == "__main__":
    hammer(Path(sys.argv[1]))
