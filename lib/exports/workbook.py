"""Excel workbooks: real types, text that stays text, and an About sheet that says what the numbers are."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.exports.tables import FORMULA, Column, Kind, Sheet, clean, column_values

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

CREATOR = "Fluency Lab Analytics"
ABOUT = "About"
MOST_CELLS = 200_000  # of data in one file: each takes time to write, and whoever opens it waits for all of them
MAX_TEXT = 32_767  # in one cell, counted as Excel does, in UTF-16 units
MAX_NAME = 31
ABOUT_WIDTHS = 30, 90  # of its two columns, in characters
LINE, HIGHEST = 15, 409  # of a row, in points
NARROWEST, WIDEST = 8, 60
EXCEL_BEGINS = date(1900, 3, 1)  # before it Excel counts a 29 February 1900 that never was
ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
EXACT = 10**15  # from here on Excel keeps the first 15 digits of a number
FEW, MANY = "E6EFF8", "5F9FD4"  # the light half of the charts' scale, since the numbers stay black
TYPE: Mapping[str, Any] = {"name": "Calibri", "size": 11}  # that of all other cells; without it bold ones differ
DATE_WIDTHS = {"date": 12, "datetime": 21}
NUMBER_FORMATS: Mapping[Kind, str] = {
    "text": "@",
    "boolean": "@",
    "integer": "#,##0",
    "percent": '0.0"%"',
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
}


def xlsx_bytes(sheets: Sequence[Sheet], about: Mapping[str, str], *, zone: str) -> bytes:
    """A workbook: one sheet per table, then About (``about``, what was cut, the columns' definitions).

    Values have real types; text is text whatever it looks like; date-times are in ``zone`` (IANA name), which their
    header names. Of a table that is too large the first rows are kept, see `rows_in_workbook`: its sheet is named
    "Candidates, 1,666 of 10,000", and About says so. Raises CannotWrite, as `csv_bytes`, for values not of their kind.
    """
    from openpyxl import Workbook

    counts = rows_in_workbook(sheets)
    names = sheet_names([_title(sheet, count) for sheet, count in zip(sheets, counts, strict=True)])
    # Rows are written as they come: never all cells in memory.
    book = Workbook(write_only=True)
    book.properties.creator = CREATOR
    lines = list(about.items())
    cut = 0
    for name, sheet, count in zip(names, sheets, counts, strict=True):
        cut += _write_table(book.create_sheet(name), replace(sheet, frame=sheet.frame.head(count)), zone)
        if count < len(sheet.frame):
            lines.append((f"Rows of {sheet.name}", f"The first {count:,} of {len(sheet.frame):,}; the CSV has all."))
        lines += [(f"{name}: {column.label}", column.help) for column in sheet.columns.values() if column.help]
    if cut:
        lines.append(("Shortened texts", f"{cut:,}: Excel holds {MAX_TEXT:,} characters in a cell; these end with …"))
    _write_about(book.create_sheet(ABOUT), lines)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_names(wanted: Sequence[str]) -> list[str]:
    """Names that Excel takes: 31 characters, none of ``[ ] : * ? / \\``, and each once, whatever its case."""
    taken = {ABOUT.lower(), "history"}  # Excel keeps History to itself
    names = []
    for name in wanted:
        legal = re.sub(r"[\[\]:*?/\\\s]+", " ", clean(name)).strip(" '")
        base = unique = _shortened(legal, MAX_NAME) or "Sheet"
        number = 2
        while unique.lower() in taken:
            unique = f"{_shortened(base, MAX_NAME - 5)} {number}"
            number += 1
        taken.add(unique.lower())
        names.append(unique)
    return names


def rows_in_workbook(sheets: Sequence[Sheet]) -> list[int]:
    """How many rows of each table a workbook of them has: small tables are whole, large ones share the other cells."""
    widths = [max(1, len(sheet.columns)) for sheet in sheets]
    counts = [len(sheet.frame) for sheet in sheets]
    left = MOST_CELLS
    by_size = sorted(range(len(sheets)), key=lambda place: counts[place] * widths[place])
    for rank, place in enumerate(by_size):
        counts[place] = min(counts[place], left // (len(sheets) - rank) // widths[place])
        left -= counts[place] * widths[place]
    return counts


def _title(sheet: Sheet, count: int) -> str:
    """The table's name, with "N of M" where not all of its rows are there."""
    if count == len(sheet.frame):
        return sheet.name
    rows = f", {count:,} of {len(sheet.frame):,}"
    return f"{_shortened(sheet.name, MAX_NAME - len(rows))}{rows}"


def _write_table(target: WriteOnlyWorksheet, sheet: Sheet, zone: str) -> int:
    """Fill one sheet; gives back how many texts were cut."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    columns, headers, cut = [], [], 0
    target.freeze_panes = "A2"
    target.print_title_rows = "1:1"
    _fit_to_paper(target)
    for position, (name, column) in enumerate(sheet.columns.items(), start=1):
        values, shortened = _excel_values(sheet.frame[name], column, zone)
        cell = _set_text(WriteOnlyCell(target), _excel_text(column.header(zone)))
        cell.font = Font(**TYPE, bold=True)
        target.column_dimensions[get_column_letter(position)].width = _width(cell.value, values, column)
        columns.append(values)
        headers.append(cell)
        cut += shortened
    if headers:
        target.print_area = f"A1:{get_column_letter(len(headers))}{len(sheet.frame) + 1}"
        target.auto_filter.ref = f"A1:{get_column_letter(len(headers))}{len(sheet.frame) + 1}"
    target.append(headers)
    for row in _rows(target, list(sheet.columns.values()), columns):
        target.append(row)
    _shade(target, sheet)
    return cut


def _fit_to_paper(target: WriteOnlyWorksheet) -> None:
    """On paper as wide as the page, which lies on its side, and as many pages long as it takes."""
    target.page_setup.orientation = "landscape"
    target.page_setup.fitToWidth, target.page_setup.fitToHeight = 1, 0
    target.sheet_properties.pageSetUpPr.fitToPage = True


def _shade(target: WriteOnlyWorksheet, sheet: Sheet) -> None:
    """One scale over all shaded cells, so that equal numbers look equal in every column."""
    from openpyxl.formatting.rule import ColorScaleRule
    from openpyxl.utils import get_column_letter

    letters = [get_column_letter(place) for place, name in enumerate(sheet.columns, start=1) if name in sheet.shaded]
    if letters and len(sheet.frame):
        cells = " ".join(f"{letter}2:{letter}{len(sheet.frame) + 1}" for letter in letters)
        scale = ColorScaleRule(start_type="min", start_color=FEW, end_type="max", end_color=MANY)
        target.conditional_formatting.add(cells, scale)


def _excel_values(series: pd.Series[Any], column: Column, zone: str) -> tuple[list[Any], int]:
    """The column's values as Excel can hold them, and how many texts had to be cut for it."""
    values = column_values(series, column, zone)
    if column.kind in DATE_WIDTHS:
        return [_excel_date(value) for value in values], 0
    if column.kind == "integer":
        return [value if value is None or abs(value) < EXACT else str(value) for value in values], 0
    if column.kind != "text":
        return values, 0
    lines = [_excel_text(value) if value else value for value in values]
    fitted = [_shortened(value, MAX_TEXT) if value else value for value in lines]
    return fitted, sum(before != after for before, after in zip(lines, fitted, strict=True))


def _excel_date(value: date | datetime | None) -> date | datetime | str | None:
    """Text for days that Excel has no right number for."""
    day = value.date() if isinstance(value, datetime) else value
    return str(value) if day and day < EXCEL_BEGINS else value


def _excel_text(text: str) -> str:
    """Line ends as Excel has them, for XML would turn every other kind into this one; and what looks like the escape
    of a character, ``_x0041_``, escaped itself (ECMA-376, part 1, 22.9.2.19, ST_Xstring), which openpyxl leaves out."""
    return ESCAPE.sub("_x005F_", re.sub("\r\n?", "\n", text))


def _shortened(text: str, limit: int) -> str:
    """``text`` within ``limit`` UTF-16 units, the last of them an ellipsis where something was cut."""
    units = text.encode("utf-16-le")
    if len(units) <= 2 * limit:
        return text
    return units[: 2 * (limit - 1)].decode("utf-16-le", errors="ignore") + "…"


def _rows(target: WriteOnlyWorksheet, columns: list[Column], values: list[list[Any]]) -> Iterator[list[Cell]]:
    """Rows of styled cells. A row is written before the next is asked for, so each column needs only two cells: one
    plain, and one marked as quoted, which keeps text that looks like a formula from running when the cell is edited."""
    plain = [_styled_cell(target, _number_format(column), quoted=False) for column in columns]
    quoted = [_styled_cell(target, _number_format(column), quoted=True) for column in columns]
    for row in zip(*values, strict=True):
        cells = []
        for value, usual, marked in zip(row, plain, quoted, strict=True):
            if isinstance(value, str):
                cells.append(_set_text(marked if FORMULA.match(value) else usual, value))
            else:
                usual.value = value
                cells.append(usual)
        yield cells


def _number_format(column: Column) -> str:
    decimals = f".{'0' * column.places}" if column.places else ""
    return NUMBER_FORMATS.get(column.kind, ("#,##0" if column.kind == "money" else "0") + decimals)


def _styled_cell(target: WriteOnlyWorksheet, number_format: str, *, quoted: bool) -> Cell:
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(target)
    cell.number_format = number_format
    cell.quotePrefix = quoted
    return cell


def _set_text(cell: Cell, text: str) -> Cell:
    """openpyxl takes "=1+1" for a formula and "#N/A" for an error when assigned: say after that that they are text."""
    cell.value = text or None
    cell.data_type = "s" if text else "n"
    return cell


def _width(label: str, values: list[Any], column: Column) -> int:
    """Column width in characters. The header needs room for its bold type and the filter arrow."""
    if column.kind in DATE_WIDTHS:
        longest = DATE_WIDTHS[column.kind]
    elif column.kind in ("text", "boolean"):
        longest = max((len(line) for value in values if value for line in value.split("\n")), default=0)
    else:
        longest = max((_length(value, column.places) for value in values if value is not None), default=0)
    return min(max(NARROWEST, longest + 2, len(label) + 4), WIDEST)


def _length(value: float | str, places: int) -> int:
    return len(value) if isinstance(value, str) else len(f"{value:,.{places}f}")


def _write_about(target: WriteOnlyWorksheet, lines: list[tuple[str, str]]) -> None:
    from openpyxl.styles import Alignment, Font

    _fit_to_paper(target)
    for letter, width in zip("AB", ABOUT_WIDTHS, strict=True):
        target.column_dimensions[letter].width = width
    for place, line in enumerate(lines, start=1):
        texts = [_shortened(_excel_text(clean(str(text))), MAX_TEXT) for text in line]
        cells = [_set_text(_styled_cell(target, "@", quoted=bool(FORMULA.match(text))), text) for text in texts]
        cells[0].font = Font(**TYPE, bold=True)
        target.row_dimensions[place].height = _height(texts)
        for cell in cells:
            cell.alignment = Alignment(wrap_text=True, vertical="top")
        target.append(cells)


def _height(texts: list[str]) -> int:
    """Of a row of About, in points: not every program looks how many lines a wrapped text has."""
    lines = (
        sum(max(1, math.ceil(len(line) * 1.1 / width)) for line in text.split("\n"))
        for text, width in zip(texts, ABOUT_WIDTHS, strict=True)
    )
    return min(LINE * max(lines), HIGHEST)
