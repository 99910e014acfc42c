"""Tables, charts and reports as files, each as bytes: pure functions, no database, no page.

What only one kind of file needs (openpyxl, vl-convert) is imported where it is made, so that pages start without it.
"""

from lib.exports.pictures import Spec, chart_png, chart_svg, signs_without_glyph, specification
from lib.exports.tables import CannotWrite, Column, Sheet, without_markdown
from lib.exports.texts import csv_bytes, json_bytes, text_file_name
from lib.exports.workbook import rows_in_workbook, sheet_names, xlsx_bytes

__all__ = [
    "CannotWrite",
    "Column",
    "Sheet",
    "Spec",
    "chart_png",
    "chart_svg",
    "csv_bytes",
    "json_bytes",
    "rows_in_workbook",
    "sheet_names",
    "signs_without_glyph",
    "specification",
    "text_file_name",
    "without_markdown",
    "xlsx_bytes",
]
