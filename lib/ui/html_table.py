"""A table as HTML: on paper, where the grid is blank, and on a phone, where its last columns are out of sight."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from typing import Any

from lib.exports import Column, Sheet
from lib.exports.tables import column_values
from lib.period import day_text
from lib.rounding import half_up
from lib.ui.text import LONG_TEXT, NO_DATA, change_text

MOST_ROWS = 500  # more make a page slow that nobody prints
NUMBERS = frozenset({"integer", "decimal", "percent", "money"})


def html_table(sheet: Sheet, order: Sequence[str], zone: str, currency: str) -> str:
    """The first rows with the columns in ``order``, each cell with the label of its column, all text escaped."""
    columns = {name: sheet.columns[name] for name in order}
    head = "".join(f"<th>{escape(column.label)}</th>" for column in columns.values())
    rows = sheet.frame.head(MOST_ROWS)
    cells = [_cells(column_values(rows[name], column, zone), column, currency) for name, column in columns.items()]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    left = f"<p>{MOST_ROWS:,} of {len(sheet.frame):,} rows; the files have all.</p>"
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="whole-table">{table}{left if len(sheet.frame) > MOST_ROWS else ""}</div>'


def _cells(values: list[Any], column: Column, currency: str) -> list[str]:
    start = f'<td data-label="{escape(column.label)}"' + (' class="number">' if column.kind in NUMBERS else ">")
    return [f"{start}{escape(_text(value, column, currency))}</td>" for value in values]


def _text(value: Any, column: Column, currency: str) -> str:
    if value is None or value == "":
        return NO_DATA
    if column.is_change:
        return change_text(value, column) or NO_DATA
    if column.kind in NUMBERS:
        places = {"integer": 0, "percent": 1, "money": 0}.get(column.kind, column.places)
        before, after = (currency if column.kind == "money" else ""), (" %" if column.kind == "percent" else "")
        return f"{before}{half_up(value, places):,.{places}f}{after}"
    if isinstance(value, datetime):
        return f"{day_text(value.date())} {value:%H:%M}"
    return day_text(value) if isinstance(value, date) else str(value)[:LONG_TEXT]
