"""Reports, and the sets of files that stand for them, as the tests of the report need them."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from lib.report.changes import compare
from lib.report.contents import Report, ReportOptions, fetch_report
from lib.report.files import make_files
from lib.report.names import SUMMARY, make_stamp
from lib.report.together import write_together

NOW = datetime(2026, 11, 23, 8, 0, 0, 250_000, tzinfo=UTC)
STAMP = "2026-11-23_08-00-00"
STEMS = {
    "daily_report": "html",
    "engagement_7d": "csv",
    "top_mistakes": "csv",
    "conversion_candidates": "csv",
    "mistakes_heatmap": "png",
    SUMMARY: "json",
}


def report_of(connection: Connection, *, now: datetime = NOW, **options: Any) -> Report:
    """The report as of the newest session, in UTC unless told otherwise."""
    return fetch_report(connection, ReportOptions(**{"zone": "UTC", **options}), source="worked.db", now=now)


def files_of(report: Report) -> dict[str, bytes]:
    """Its files by the stem and extension of their names: `daily_report.html`."""
    files = make_files(report, compare(report, None), stamp=STAMP)
    return {name.replace(f"_{STAMP}", ""): content for name, content in files.items()}


def stamp(number: int) -> str:
    """The stamp of the set with that number; one a second."""
    return make_stamp(NOW + timedelta(seconds=number), "UTC")


def set_of(number: int) -> dict[str, bytes]:
    """Files of a set, some larger than one write of the operating system, the summary in the middle."""
    names = [f"{stem}_{stamp(number)}.{ending}" for stem, ending in STEMS.items()]
    return {name: content_of(name) for name in [*names[:3], names[-1], *names[3:-1]]}


def content_of(name: str) -> bytes:
    """What a file of that stem holds; nothing else has this length and these bytes."""
    stem = name[: name.index("_20")]
    return hashlib.sha256(stem.encode()).digest() * (1 + 700 * len(stem))


def visible(folder: Path) -> set[str]:
    """The names in ``folder`` that people see."""
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def hidden(folder: Path) -> list[Path]:
    """What a run keeps aside."""
    return [path for path in folder.iterdir() if path.name.startswith(".")]


def assert_whole(folder: Path, *, strays: bool) -> int:
    """Every set with a summary has all its files, each complete; without ``strays`` there are no others."""
    names = visible(folder)
    whole = {name[len(SUMMARY) + 1 : -5] for name in names if name.startswith(SUMMARY)}
    wanted = {f"{stem}_{each}.{ending}" for each in whole for stem, ending in STEMS.items()}
    assert wanted <= names
    assert strays or wanted == names
    for name in names:
        assert (folder / name).read_bytes() == content_of(name), name
    return len(whole)


def write_sets_for_ever(folder: Path, first: int) -> None:
    """Until somebody puts an end to it."""
    number = first
    while True:
        write_together(set_of(number), folder)
        number += 1


def write_and_die(folder: Path, number: int, at: int) -> None:
    """Write one set, and die as by kill -9 at the ``at``-th time that Python asks the system to touch ``folder``."""
    left = at

    def count(event: str, args: tuple[Any, ...]) -> None:
        nonlocal left
        if event.startswith(("open", "os.")) and args and str(args[0]).startswith(str(folder)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    write_together(set_of(number), folder)
