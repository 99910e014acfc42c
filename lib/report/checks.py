"""Each file of the report read back: a blank report must not go out as a good one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

import pandas as pd

from lib.charts import LIGHT
from lib.exports import rows_in_workbook
from lib.report.alone import csv_sheets
from lib.report.contents import Report
from lib.report.names import stem
from lib.report.summary import schema
from lib.report.tables import sheets


class BrokenFile(Exception):
    """A file of the report is not what it should be; ``name`` is the file, ``what`` says what is wrong with it."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"The file {name} is broken: {what}.")
        self.name = name
        self.what = what


def check_files(files: Mapping[str, bytes], report: Report) -> None:
    """Read every file back and compare it with ``report``; raises BrokenFile for the first that does not fit.

    A workbook, picture or page that opens, and lacks its rows, cells or end, is broken, too.
    """
    checks: dict[str, Callable[[str, bytes, Report], str]] = {
        ".csv": _csv,
        ".html": _html,
        ".json": _json,
        ".png": _png,
        ".xlsx": _xlsx,
    }
    for name, content in files.items():
        if what := checks[PurePath(name).suffix](name, content, report):
            raise BrokenFile(name, what)


def _csv(name: str, content: bytes, report: Report) -> str:
    sheet = csv_sheets(report)[stem(name)]
    try:  # not by the csv module, which refuses long texts
        cells = pd.read_csv(
            io.BytesIO(content),
            encoding="utf-8-sig",
            encoding_errors="strict",
            header=None,
            dtype="str",
            keep_default_na=False,
            skip_blank_lines=False,
        )
    except ValueError as error:
        return f"it cannot be read ({error})"
    if cells.shape[1] != len(sheet.columns):
        return f"it has {cells.shape[1]} columns instead of {len(sheet.columns)}"
    if not content.endswith(b"\r\n"):
        return "its last row has no end"
    return _rows(len(cells) - 1, len(sheet.frame))


def _xlsx(name: str, content: bytes, report: Report) -> str:
    from zipfile import BadZipFile, ZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    wanted = sheets(report)
    try:
        tables = load_workbook(io.BytesIO(content), read_only=True).worksheets[:-1]
        headers = [next(table.values) for table in tables]
        # openpyxl takes seconds to read many rows again; each is one element, and the archive has a checksum of them.
        with ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.read(f"xl/worksheets/sheet{place}.xml") for place in range(1, len(tables) + 1)]
    except (BadZipFile, EOFError, InvalidFileException, KeyError, StopIteration, SyntaxError, ValueError) as error:
        return f"it does not open ({error})"  # a SyntaxError is what bad XML raises
    if [len(header) for header in headers] != [len(sheet.columns) for sheet in wanted]:
        return "it does not have the tables and columns that it should"
    found = zip(parts, wanted, rows_in_workbook(wanted), strict=True)
    counted = (_rows(part.count(b"<row ") - 1, count, f"{sheet.name}: ") for part, sheet, count in found)
    return next(filter(None, counted), "")


def _rows(found: int, wanted: int, where: str = "") -> str:
    return "" if found == wanted else f"{where}it has {found:,} rows instead of {wanted:,}"


def _png(name: str, content: bytes, report: Report) -> str:
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(content)).convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:
        return f"it does not open ({error})"
    colors = {color for _, color in picture.getcolors(picture.width * picture.height) or ()}
    if len(colors) < 2:
        return "the picture is blank"
    # The fullest cell has the strongest colour; a picture of axes alone has none of it.
    if report.mistakes.total and _channels(LIGHT.sequential[-1]) not in colors:
        return "the picture has no cells"
    return ""


def _channels(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color.removeprefix("#")))


def _html(name: str, content: bytes, report: Report) -> str:
    try:
        text = content.decode().strip().lower()
    except UnicodeDecodeError:
        return "it is not UTF-8"
    if not text.startswith("<!doctype html>"):
        return "it does not begin as a page"
    if not text.endswith("</html>"):
        return "it has no end"
    return "" if "<table" in text or report.is_empty else "it has no tables"


def _json(name: str, content: bytes, report: Report) -> str:
    try:
        found = json.loads(content, parse_constant=_refuse)
    except ValueError as error:
        return f"it is not JSON ({error})"
    if missing := missing_keys(schema(), found):
        return f"it lacks {missing}"
    counts = [("candidates", found["conversion"]["candidates"], report.conversion.candidates)]
    counts += [("mistakes", found["mistakes"]["top"], report.mistakes.top)]
    counts += [("roles", found["engagement"]["by_role"], report.engagement.by_role[:-1])]
    return next((what for part, rows, frame in counts if (what := _rows(len(rows), len(frame), f"{part}: "))), "")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def missing_keys(part: Mapping[str, Any], value: Any, where: str = "") -> str:
    """The first key that the JSON Schema ``part`` requires and ``value`` lacks, as a path; empty where all are there.

    Enough of JSON Schema to see that a file is whole, without a package for all of it: required, properties, items.
    """
    if "items" in part:
        entries = value if isinstance(value, list) else []
        inner = (missing_keys(part["items"], entry, f"{where}[{place}]") for place, entry in enumerate(entries))
        return next(filter(None, inner), "") if isinstance(value, list) else where
    if "properties" not in part:
        return ""
    if not isinstance(value, dict):
        return where or "everything"
    path = f"{where}." if where else ""
    gone = (f"{path}{key}" for key in part["required"] if key not in value)
    inner = (missing_keys(part["properties"][key], value[key], f"{path}{key}") for key in part["required"])
    return next(gone, "") or next(filter(None, inner), "")
