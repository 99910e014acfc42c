"""The daily report: as a command, beside the sum of its queries, over a long history, and beside whole tables."""

from __future__ import annotations

import json
import math
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
from sqlalchemy import Engine, event

from lib.period import Period
from lib.queries.own import Limits
from lib.report.analyses import OwnAnalyses
from lib.report.contents import ReportOptions
from lib.report.names import REPORT, SUMMARY
from lib.report.run import Order, run
from lib.sample import END
from lib.settings import Settings
from tests.benchmarks.data import short_history
from tests.benchmarks.rows import Bar, Clock, Row, Timer
from tests.benchmarks.usage import ROOT, Usage, usage_of
from tests.factory import one_row

COMMAND_BAR, IMPORT_BAR = Bar("at most", 3_000), Bar("times", 0.5)
QUERIES_BAR, GROWTH_BAR, MEMORY_BAR = Bar("times", 1.3), Bar("times", 1.3), Bar("times", 1.1)
MORNING = datetime.combine(END + timedelta(days=1), datetime.min.time(), UTC).replace(hour=8)
SHORT_DAYS = 10  # this window and the one before are within the last tenth of the history
COMMAND = ("daily_reports.py", "--as-of", END.isoformat(), "--output")
# The report, and then the modules that it has loaded, in their order, into the file that comes first.
LOADED = """
import sys, daily_reports
from pathlib import Path
status = daily_reports.main(sys.argv[2:])
Path(sys.argv[1]).write_text("\\n".join(name for name, module in sys.modules.items() if hasattr(module, "__file__")))
sys.exit(status)
"""
LOAD = """
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
for name in Path(sys.argv[1]).read_text().split():
    with suppress(ImportError):
        import_module(name)
"""

Statement = tuple[str, Any, int | None]


def report_rows(database: Path, timer: Timer, *, repeats: int, pandas_too: bool) -> Iterator[Row]:
    """The group of the daily report; ``database`` is the generated one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield from command_rows(folder, repeats, timer.clock)
        for own in (False, True):
            yield from queries_rows(database, folder, timer, own=own)
        for own in (False, True):
            yield from history_rows(database, folder, timer, own=own)
        yield memory_row(database, folder)
        if pandas_too:
            yield from rival_rows(database, folder, timer.clock)


def command_rows(folder: Path, repeats: int, clock: Clock) -> Iterator[Row]:
    """The command on sample.db, and the share of it in which nothing but modules is loaded."""
    modules, database = folder / "modules", ROOT / "sample.db"
    usage_of(["-c", LOADED, modules, *COMMAND[1:], folder], database_url=database)
    wholes, imports = [], []
    for _ in range(repeats):
        wholes.append(_time(usage_of([*COMMAND, folder], database_url=database), clock))
        bare = _time(usage_of(["-c", "pass"]), clock)
        imports.append(_time(usage_of(["-c", LOAD, modules]), clock) - bare)
    yield Row("daily report, the command on sample.db", median(wholes), bar=COMMAND_BAR)
    yield Row("its modules loaded, nothing else", median(imports), "the whole command", median(wholes), IMPORT_BAR)


def _time(usage: Usage, clock: Clock) -> float:
    return usage.processor if clock is time.process_time else usage.wall


def queries_rows(database: Path, folder: Path, timer: Timer, *, own: bool) -> Iterator[Row]:
    """The whole report in process, beside the sum of its queries and the fixed part.

    The queries are the very statements that it sends, sent once more through sqlite3, as many rows fetched; own
    analyses, which run in processes of their own, as they are in their files. The fixed
    part is the same report on a database with one row a table: what it takes to draw, write and check the files.
    """
    whole, fixed = (
        partial(_make, _order(path, folder, own=own)) for path in (database, one_row(folder / "one_row.db"))
    )
    with _recorded() as statements:
        whole()
    statements += _own_statements() if own else []
    with sqlite3.connect(database) as bare:
        times = timer.compare({"whole": whole, "queries": partial(_ask, bare, statements), "fixed": fixed})
    name = f"daily report in process, {_kind(own)}"
    together = times["queries"] + times["fixed"]
    yield Row(f"{name}: its queries", times["queries"], "the fixed part", times["fixed"])
    yield Row(name, times["whole"], "its queries and the fixed part", together, QUERIES_BAR)


def history_rows(database: Path, folder: Path, timer: Timer, *, own: bool) -> Iterator[Row]:
    """The time with the same windows over a long and a short history."""
    times = timer.compare(
        {
            path.name: partial(_make, _order(path, folder, own=own, days=SHORT_DAYS))
            for path in (database, short_history(database))
        }
    )
    long, short = times.values()
    name = f"daily report in process, {_kind(own)}, {SHORT_DAYS} days"
    yield Row(name, long, "over a tenth of the history", short, GROWTH_BAR)


def memory_row(database: Path, folder: Path) -> Row:
    """The memory of the command at its peak, with the same windows over a long and a short history."""
    days = {f"{part}_days": SHORT_DAYS for part in ("engagement", "mistakes", "conversion", "analyses")}
    long, short = (
        usage_of([*COMMAND, folder], database_url=path, **days).megabytes
        for path in (database, short_history(database))
    )
    return Row("daily report, the command: memory, MB", long, "over a tenth of the history", short, MEMORY_BAR)


def rival_rows(database: Path, folder: Path, clock: Clock) -> Iterator[Row]:
    """The command beside a script that reads whole tables; neither runs own analyses, both find the same."""
    mine, theirs, nothing = (folder / name for name in ("ours", "theirs", "no_analyses"))
    for place in (mine, theirs, nothing):
        place.mkdir()
    ours = usage_of([*COMMAND, mine], database_url=database, analyses_folder=nothing)
    script = usage_of(["-m", "tests.benchmarks.whole_tables", database, theirs, END.isoformat()])
    check_the_same(mine, theirs)
    beside = "whole tables, pandas, matplotlib"
    yield Row("daily report, the command", _time(ours, clock), beside, _time(script, clock))
    yield Row("daily report, the command: memory, MB", ours.megabytes, beside, script.megabytes)


def check_the_same(mine: Path, theirs: Path) -> None:
    """Raises AssertionError unless every number of the script's summary and heatmap is one of ours."""
    summary, workbook = next(mine.glob(f"{SUMMARY}_*.json")), next(mine.glob(f"{REPORT}_*.xlsx"))
    found = json.loads(summary.read_text(encoding="utf-8")), _cells(workbook)
    wanted = json.loads((theirs / "summary.json").read_text(encoding="utf-8")), _cells(theirs / "report.xlsx")
    if different := _difference(_by_user(found[0]), _by_user(wanted[0])) or _difference(found[1], wanted[1]):
        raise AssertionError(f"the report and the script that reads whole tables differ: {different}")


def _cells(workbook: Path) -> dict[str, dict[str, float]]:
    sheet = (
        pd.read_excel(workbook, sheet_name="Heatmap", index_col=0).fillna(0).drop(columns="All types", errors="ignore")
    )
    return {str(name): row for name, row in sheet.to_dict("index").items()}


def _by_user(summary: dict[str, Any]) -> dict[str, Any]:
    """Both summaries in one order: equal candidates may stand in any."""
    summary["conversion"]["candidates"].sort(key=lambda row: row["user_id"])
    return summary


def _difference(ours: Any, theirs: Any, where: str = "") -> str:
    """Where the two differ; empty where all that both have is equal, fractions to two decimals."""
    if isinstance(ours, dict):
        shared = sorted((ours.keys() & theirs.keys()) - {"correct_form"})  # the catalogue's are ours alone
        return next(filter(None, (_difference(ours[key], theirs[key], f"{where}/{key}") for key in shared)), "")
    if isinstance(ours, list):
        if len(ours) != len(theirs):
            return f"{where}: {len(ours)} and {len(theirs)}"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next(filter(None, (_difference(*pair, f"{where}/{place}") for place, pair in pairs)), "")
    if where.endswith("_at"):
        ours, theirs = (pd.Timestamp(value).floor("s") for value in (ours, theirs))
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return "" if math.isclose(ours, theirs, abs_tol=0.0051) else f"{where}: {ours} and {theirs}"
    return "" if ours == theirs else f"{where}: {ours} and {theirs}"


def _kind(own: bool) -> str:
    return "own analyses too" if own else "no own analyses"


def _order(database: Path, folder: Path, *, own: bool, days: int | None = None) -> Order:
    lengths = dict.fromkeys(("engagement_days", "mistakes_days", "conversion_days"), days) if days else {}
    limits = Limits(rows=Settings.model_fields["analyses_rows"].default)
    analyses = OwnAnalyses(ROOT / "analyses", days or OwnAnalyses.days, limits) if own else None
    options = ReportOptions(zone="UTC", as_of=END, own=analyses, **lengths)
    return Order(database_url=str(database), report=options, folder=folder)


def _make(order: Order) -> None:
    """The report into an empty folder: with an earlier one beside it, it would also be compared with that."""
    with tempfile.TemporaryDirectory(dir=order.folder) as folder:
        run(Order(database_url=order.database_url, report=order.report, folder=Path(folder)), now=MORNING)


@contextmanager
def _recorded() -> Iterator[list[Statement]]:
    """Every statement that is sent meanwhile: its SQL, its values, and after how many rows we stop, if we do."""
    said: list[Statement] = []

    def note(_connection: Any, _cursor: Any, sql: str, values: Any, context: Any, _many: bool) -> None:
        said.append((sql, values, context.execution_options.get("yield_per")))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def _own_statements() -> list[Statement]:
    period = Period(END, OwnAnalyses.days)
    moments = {name: f"{moment:%Y-%m-%d %H:%M:%S}" for name, moment in (("start", period.start), ("end", period.end))}
    most = Settings.model_fields["analyses_rows"].default + 1
    return [
        (file.read_text(encoding="utf-8"), moments | {"as_of": END.isoformat()}, most)
        for file in sorted((ROOT / "analyses").glob("*.sql"))
    ]


def _ask(bare: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    for sql, values, most in statements:
        cursor = bare.execute(sql, values)
        cursor.fetchmany(most) if most else cursor.fetchall()
    bare.rollback()  # the report's BEGIN is one of them
