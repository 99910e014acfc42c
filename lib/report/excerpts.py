"""Own analyses in the mail: the first rows of each as texts; broken ones are named with their reasons."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, NamedTuple

from lib.exports import Column
from lib.exports.tables import column_values
from lib.period import day_text
from lib.report.analyses import AnalysisResult
from lib.report.contents import Report
from lib.report.wording import NO_DATA, figure, shown

COLUMNS = 6
LONGEST_PROBLEM, LONGEST_PROBLEMS = 300, 8_000
NUMBERS = {"integer": 0, "decimal": 2, "percent": 1, "money": 2}


class Heading(NamedTuple):
    label: str
    is_number: bool


class Excerpt(NamedTuple):
    """``left`` says which rows and columns are not shown."""

    title: str
    window: str
    description: str
    headings: tuple[Heading, ...]
    rows: tuple[tuple[str, ...], ...]
    left: str


def excerpts(report: Report, limit: int, where: str) -> list[Excerpt]:
    """The first ``limit`` rows of every own analysis that ran; the rest is in ``where``."""
    return [_excerpt(result, limit, where, report.options.zone) for result in report.analyses if not result.problem]


def problems(report: Report) -> str:
    """All own analyses that did not run, each with its file and the reason; empty where there is none."""
    found = [shown(result.problem, LONGEST_PROBLEM) for result in report.analyses if result.problem]
    return shown(" ".join(found), LONGEST_PROBLEMS)


def _excerpt(result: AnalysisResult, limit: int, where: str, zone: str) -> Excerpt:
    columns = dict(list(result.columns.items())[:COLUMNS])
    head = result.frame.head(limit)
    texts = [_texts(column_values(head[name], column, zone), column) for name, column in columns.items()]
    return Excerpt(
        shown(result.title, 100),
        result.period.caption,
        shown(result.description, 400),
        tuple(Heading(shown(column.header(zone), 40), column.kind in NUMBERS) for column in columns.values()),
        tuple(zip(*texts, strict=True)),
        _left(result, len(head), where),
    )


def _left(result: AnalysisResult, rows: int, where: str) -> str:
    """Which rows and columns are not shown, and where they are."""
    parts, many = [], f"{len(result.frame):,}"
    if result.is_cut:
        parts.append(f"{rows:,} of more than {many} rows")
    elif rows < len(result.frame):
        parts.append(f"{rows:,} of {many} rows")
    if len(result.columns) > COLUMNS:
        parts.append(f"{COLUMNS} of {len(result.columns):,} columns")
    more = f"the first {many} rows are" if result.is_cut else "more"
    return f"{', '.join(parts)}; {more} in {where}" if parts else ""


def _texts(values: list[Any], column: Column) -> list[str]:
    return [_text(value, column) for value in values]


def _text(value: Any, column: Column) -> str:
    if value is None:
        return NO_DATA
    if column.kind in NUMBERS:
        return figure(value, NUMBERS[column.kind]) + (" %" if column.kind == "percent" else "")
    if isinstance(value, datetime):
        return f"{day_text(value.date())} {value:%H:%M}"
    return day_text(value) if isinstance(value, date) else shown(value, 80)
