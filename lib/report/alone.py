"""Tables that leave the report alone, as CSV and Parquet: each says itself which days, rows and times it is of.

A workbook says that on its sheet About. A CSV file has no such place, and a line above its header or below its last row
would be read, counted and sorted as data: so it has columns for it, the last ones, the same in every row.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from lib.definitions import MISTAKE_COLUMNS
from lib.exports import Column, Sheet
from lib.period import Period
from lib.report.contents import Report
from lib.report.tables import candidates_sheet, engagement_sheet, mistakes_sheet


class Table(NamedTuple):
    """A table, its window, and how many of its rows are in it: `10 of 1,204`, or `first 10,000 of more rows`."""

    sheet: Sheet
    period: Period
    rows: str


def csv_sheets(report: Report) -> dict[str, Sheet]:
    """The CSV files by the stem of their name, each with the columns that say what it is of."""
    found = {
        f"engagement_{report.engagement.period.days}d": _engagement(report),
        "top_mistakes": _mistakes(report),
        "conversion_candidates": _candidates(report),
        **_analyses(report),
    }
    return {name: _saying(report, table) for name, table in found.items()}


def feed_tables(report: Report) -> dict[str, Table]:
    """The tables of the Parquet feed by name; columns have the names of the frames, not those that people read.

    The heatmap has one row a cell here: error_type, error_category (str), frequency (int).
    """
    cells = report.mistakes.cells.rename(columns={"value": "error_type"})
    cell_columns = {name: MISTAKE_COLUMNS[name] for name in ("error_type", "error_category", "frequency")}
    return {
        "engagement": _engagement(report),
        "mistakes": _mistakes(report),
        "heatmap": _whole(Sheet("Heatmap", cells, cell_columns), report.mistakes.period),
        "candidates": _candidates(report),
        **_analyses(report),
    }


def _engagement(report: Report) -> Table:
    return _whole(engagement_sheet(report), report.engagement.period)


def _mistakes(report: Report) -> Table:
    sheet, found = mistakes_sheet(report), report.mistakes
    return Table(sheet, found.period, _of(len(sheet.frame), found.different))


def _candidates(report: Report) -> Table:
    return _whole(candidates_sheet(report), report.conversion.period)


def _analyses(report: Report) -> dict[str, Table]:
    return {
        f"analysis_{one.name}": Table(one.sheet, one.period, one.rows_text)
        if one.is_cut
        else _whole(one.sheet, one.period)
        for one in report.analyses
        if not one.problem
    }


def _whole(sheet: Sheet, period: Period) -> Table:
    return Table(sheet, period, _of(len(sheet.frame), len(sheet.frame)))


def _of(few: int, many: int) -> str:
    return f"{few:,} of {many:,}"


def _saying(report: Report, table: Table) -> Sheet:
    sheet = table.sheet
    said: list[tuple[Column, object]] = [
        (Column("Report window", "text"), table.period.caption),
        (Column("Report rows", "text"), table.rows),
        (Column("Data as of", "datetime"), report.data_as_of),
        (Column("Computed at", "datetime"), report.generated_at),
    ]
    # A column of an own analysis may have any name, but no line end.
    named = {f"\n{column.label}": (column, value) for column, value in said}
    values = pd.DataFrame({name: [value] * len(sheet.frame) for name, (_, value) in named.items()}, sheet.frame.index)
    columns = {**sheet.columns, **{name: column for name, (column, _) in named.items()}}
    return replace(sheet, frame=pd.concat([sheet.frame, values], axis="columns"), columns=columns)
