"""A program that commits all the time: `python tests/pages/busy_writer.py ADDRESS`, until it is told to stop.

Each commit adds a session and its mistake. It waits for readers as long as SQLite's drivers do unless told otherwise,
five seconds, and in the end says how many commits there were, and how long the longest one took.
"""

from __future__ import annotations

import json
import signal
import sqlite3
import sys
import time
from itertools import count

import psycopg

AT = "2026-11-22 12:00:00+00:00"
SESSION = f"""INSERT INTO coaching_sessions (session_id, user_id, started_at, ended_at, confidence_score)
              VALUES ('new%d', 'ann', '{AT}', '{AT}', 7)"""
MISTAKE = f"""INSERT INTO detected_errors (error_id, user_id, error_type, error_category, error_text, detected_at)
              VALUES ('new%d', 'ann', 'grammar', 'articles', 'in office', '{AT}')"""
PAUSE = 0.002  # seconds, so that somebody else gets a turn: locks of a SQLite file know no queue


def write(address: str) -> None:
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _frame: stopped.append(number))
    longest = 0.0
    connection = psycopg.connect(address) if "://" in address else sqlite3.connect(address)
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous = OFF")  # more commits in the same time
    for number in count():
        began = time.monotonic()
        connection.execute(SESSION % number)
        connection.execute(MISTAKE % number)
        connection.commit()
        longest = max(longest, time.monotonic() - began)
        if number == 0:
            print("writing", flush=True)
        if stopped:
            break
        time.sleep(PAUSE)
    connection.close()
    print(json.dumps({"commits": number + 1, "longest": longest}), flush=True)


if __name__ == "__main__":
    write(sys.argv[1])
