"""The generator of sample.db, and of databases of any size for measuring.

    python -m lib.sample --out FILE [--users N] [--sessions N] [--errors N] [--seed S] [--end DATE] [--distinct-texts]

The same options give the same file, byte for byte: nothing depends on the clock, on hashing or on the order of a set,
and what SQLite notes about itself is set to fixed values. Numbers of users, sessions and detected errors are exact;
the other tables follow from them. Memory holds the sessions as arrays of numbers; rows are written in chunks.
"""

from __future__ import annotations

import argparse
import mmap
import struct
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from lib.console import escape_what_cannot_be_shown
from lib.sample_mistakes import error_chunks, errors_per_session
from lib.sample_oddities import plant_oddities
from lib.sample_people import draw_people, draw_sessions, signed_up_before_first_session, stage_last_fortnight
from lib.sample_rows import Chunk, session_chunks, user_rows
from lib.sample_sales import lead_rows, offer_rows
from lib.schema import TABLES, metadata
from lib.schema.indexes import create_indexes

USERS = 800
SESSIONS = 6_500
ERRORS = 11_000
SEED = 20_261_122
END = date(2026, 11, 22)  # a Sunday

PAGE_SIZE = 4_096
DATABASE_HEADER = 100  # bytes, on the first page
B_TREE_HEADER = {2: 12, 5: 12, 10: 8, 13: 8}  # bytes, by the kind of page
# Change counter, schema cookie, version-valid-for (equal to the change counter), version of the library.
HEADER_FIELDS = {24: 1, 40: 1, 92: 1, 96: 3_040_001}

PRAGMAS = (
    f"PRAGMA page_size = {PAGE_SIZE}",
    "PRAGMA auto_vacuum = NONE",
    "PRAGMA encoding = 'UTF-8'",
    "PRAGMA secure_delete = ON",  # no remains of earlier rows in the file
    "PRAGMA journal_mode = OFF",  # a file that was not finished is thrown away
    "PRAGMA synchronous = OFF",
    "PRAGMA cache_size = -200000",
)


def generate(
    path: Path | str,
    *,
    users: int = USERS,
    sessions: int = SESSIONS,
    errors: int = ERRORS,
    seed: int = SEED,
    end: date = END,
    distinct_texts: bool = False,
) -> None:
    """Write a SQLite database with the seven tables, their indexes and statistics to ``path``, replacing it.

    Raises ValueError when there is nobody to have the sessions, or no session to have the errors.
    """
    if min(users, sessions, errors) < 0 or (sessions and not users) or (errors and not sessions):
        raise ValueError("sessions need at least one user, errors at least one session, and no number is negative")
    unfinished = Path(f"{path}.part")
    unfinished.unlink(missing_ok=True)
    rng = np.random.default_rng(seed)
    people = draw_people(rng, users, end)
    held = stage_last_fortnight(people, draw_sessions(rng, people, sessions, end), end)
    people = signed_up_before_first_session(people, held)
    counts = errors_per_session(rng, held, errors)
    engine = create_engine(URL.create("sqlite", database=str(unfinished)), poolclass=NullPool)
    with engine.connect() as connection:
        _create_tables(connection)
        _insert(connection, [{"users": user_rows(rng, people, held)}])
        _insert(connection, session_chunks(rng, people, held, counts))
        _insert(connection, error_chunks(rng, people, held, counts, end, distinct_texts=distinct_texts))
        _insert(connection, [{"lead_scores": lead_rows(rng, people, held, end)}])
        _insert(connection, [{"conversion_triggers": offer_rows(rng, people, held, end)}])
        plant_oddities(connection, rng)
        connection.commit()
        create_indexes(connection)
        _normalise_statistics(connection)
        connection.exec_driver_sql("VACUUM")
    _normalise_file(unfinished)
    unfinished.replace(path)


def _create_tables(connection: Connection) -> None:
    """The seven tables without their indexes: those are quicker to build when the rows are there."""
    for pragma in PRAGMAS:
        connection.exec_driver_sql(pragma)
    for table in TABLES:
        connection.execute(CreateTable(table))


def _insert(connection: Connection, chunks: Iterable[Chunk]) -> None:
    for chunk in chunks:
        for name, rows in chunk.items():
            statement = str(metadata.tables[name].insert().compile(dialect=connection.dialect))
            if rows:
                connection.exec_driver_sql(statement, rows)


def _normalise_statistics(connection: Connection) -> None:
    """Keep the statistics that every SQLite takes, in an order of ours; some builds add samples in sqlite_stat4."""
    connection.exec_driver_sql("DROP TABLE IF EXISTS sqlite_stat4")
    rows = connection.exec_driver_sql("SELECT tbl, idx, stat FROM sqlite_stat1 ORDER BY tbl, idx").all()
    connection.exec_driver_sql("DELETE FROM sqlite_stat1")
    if rows:
        connection.exec_driver_sql("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", [tuple(row) for row in rows])
    connection.commit()


def _normalise_file(path: Path) -> None:
    """Set the header fields in which SQLite notes its own doings, and clear the bytes of each page that hold nothing.

    Which remains of earlier rows such bytes keep depends on the version of SQLite. The places are those of
    https://www.sqlite.org/fileformat2.html, sections 1.3 (database header) and 1.6 (B-tree pages).
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
        for start in range(0, len(content), PAGE_SIZE):
            header = start or DATABASE_HEADER
            length = B_TREE_HEADER.get(content[header])
            if length:
                cells, first = struct.unpack_from(">HH", content, header + 3)
                low, high = header + length + 2 * cells, start + first
                if any(content[low:high]):
                    content[low:high] = bytes(high - low)
        for place, value in HEADER_FIELDS.items():
            struct.pack_into(">I", content, place, value)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m lib.sample", description="Write a sample database.")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="SQLite file to write or replace")
    parser.add_argument("--users", type=int, default=USERS, metavar="N", help="default %(default)s")
    parser.add_argument("--sessions", type=int, default=SESSIONS, metavar="N", help="default %(default)s")
    parser.add_argument("--errors", type=int, default=ERRORS, metavar="N", help="default %(default)s")
    parser.add_argument("--seed", type=int, default=SEED, metavar="S", help="default %(default)s")
    parser.add_argument("--end", type=date.fromisoformat, default=END, metavar="DATE", help="last day, %(default)s")
    parser.add_argument("--distinct-texts", action="store_true", help="make every mistake's text a different one")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the database that the options ask for; 0, or 2 when they make no sense or the file cannot be written."""
    escape_what_cannot_be_shown()
    options = vars(_options(arguments))
    out = options.pop("out")
    try:
        generate(out, **options)
    except (ValueError, OSError, OperationalError) as error:
        print(f"{out} was not written: {error}", file=sys.stderr)
        return 2
    print(f"{out}: {out.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
