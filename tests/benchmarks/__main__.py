"""Prints the table, row by row as they are measured. See ``--help``."""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.benchmarks.computing import slider_rows
from tests.benchmarks.data import FIFTH, FULL, QUICK, Size, database
from tests.benchmarks.pages import drawing_rows, opened_browser, rerun_rows, start_rows
from tests.benchmarks.postgres import postgres_rows
from tests.benchmarks.queries import growth_rows, query_rows
from tests.benchmarks.report import report_rows
from tests.benchmarks.rows import HEAD, Clock, Row, Timer, show

GROUPS = ("few", "distinct", "growth", "postgres", "report", "slider", "rerun", "start", "drawing")

CLOCKS: dict[str, Clock] = {"time": time.perf_counter, "processor": time.process_time}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0, or 1 where a bar was missed."""
    options = _options(arguments)
    size = QUICK if options.quick else FULL
    folder = options.dir or Path(tempfile.gettempdir()) / f"fluency_benchmarks_{size.errors}"
    folder.mkdir(parents=True, exist_ok=True)
    _say_machine(size)
    show(HEAD)
    missed = 0
    for name, rows in groups(folder, size, Timer(CLOCKS[options.clock]), pandas_too=not options.no_pandas).items():
        for row in rows() if name in options.rows else ():
            show(row.cells())
            missed += row.verdict.startswith("MISSES")
    return int(missed > 0)


def groups(folder: Path, size: Size, timer: Timer, *, pandas_too: bool) -> dict[str, Callable[[], Iterator[Row]]]:
    """The rows of the table by group, measured when they are asked for."""
    repeats = 15 if size == FULL else 5
    few = partial(database, folder, size)
    distinct = partial(database, folder, size, distinct_texts=True)
    smaller = partial(database, folder / "fifth", FIFTH) if size == FULL else few  # it is copied anew in each run
    return {
        "few": lambda: query_rows(few(), "few texts", timer, sessions_too=True, pandas_too=pandas_too),
        "distinct": lambda: query_rows(distinct(), "distinct texts", timer, sessions_too=False, pandas_too=pandas_too),
        "growth": lambda: growth_rows(few(), timer),
        # The server's processor time is not ours, so here the clock on the wall counts.
        "postgres": lambda: postgres_rows(smaller(), replace(timer, clock=time.perf_counter)),
        "report": lambda: report_rows(few(), timer, repeats=5, pandas_too=pandas_too),
        "slider": lambda: slider_rows(size.sessions * 3 // 10, timer),
        "rerun": lambda: rerun_rows(few(), repeats, timer.clock),
        "start": lambda: _drawn(start_rows, 3),
        "drawing": lambda: _drawn(drawing_rows, few(), 3),
    }


def _drawn(rows: Callable[..., Iterator[Row]], *values: object) -> Iterator[Row]:
    with opened_browser() as browser:
        yield from rows(browser, *values)


def _say_machine(size: Size) -> None:
    print(
        f"{size.users:,} users, {size.sessions:,} sessions, {size.errors:,} mistakes; {os.cpu_count()} processors, "
        f"{platform.machine()}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; medians, ms\n"
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure, and print the table.")
    parser.add_argument("--quick", action="store_true", help="a fiftieth of the size, for a try")
    parser.add_argument("--dir", type=Path, metavar="FOLDER", help="where databases are kept; default: a temporary one")
    parser.add_argument("--rows", nargs="+", choices=GROUPS, default=GROUPS, metavar="GROUP", help=", ".join(GROUPS))
    parser.add_argument("--no-pandas", action="store_true", help="leave out whole tables in pandas (some 5 GB)")
    parser.add_argument(
        "--clock",
        choices=CLOCKS,
        default="time",
        help="processor: count processor time instead, where others use the machine as well (not in the browser)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
