"""CSV for spreadsheets, JSON for programs, and names for all files."""

from __future__ import annotations

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from lib.exports.tables import SIGNS, SKIPPED, Column, Sheet, column_values
from lib.rounding import half_up

AT_ONCE = 10_000  # rows whose cells are in memory together
CELL_STARTS = re.compile(f"^(?={SKIPPED}[{SIGNS}\t\r\n])|(?<=[;\t\r\n])(?={SKIPPED}[{SIGNS}])")


def csv_bytes(sheet: Sheet, *, zone: str) -> bytes:
    """The sheet as CSV for spreadsheets: UTF-8 with BOM, CRLF, labels as header, missing values empty.

    Date-times are in ``zone`` (IANA name), numbers rounded half up to the column's places. Raises ValueError, naming
    the column, for a value that its kind does not allow, and KeyError for a column that the frame does not have.
    """
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([_without_formula(column.header(zone)) for column in sheet.columns.values()])
        for start in range(0, max(len(sheet.frame), 1), AT_ONCE):
            part = sheet.frame.iloc[start : start + AT_ONCE]
            cells = [_csv_texts(part[name], column, zone) for name, column in sheet.columns.items()]
            writer.writerows(zip(*cells, strict=True))
        out.flush()
        return raw.getvalue()


def _csv_texts(values: pd.Series[Any], column: Column, zone: str) -> list[str]:
    """The cells of a column; each different value is put into words once, for most columns have few."""
    found = column_values(values, column, zone)
    texts = {value: _csv_text(value, column) for value in set(found)}
    return [texts[value] for value in found]


def _csv_text(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{half_up(value, column.places):.{column.places}f}"
    return _without_formula(value) if isinstance(value, str) else str(value)


def _without_formula(text: str) -> str:
    """``text`` with an apostrophe wherever a spreadsheet would begin a cell with a formula sign.

    The signs, and tab and line ends in first place, are OWASP's (CSV Injection). Blanks, quotes and unseen characters
    before a sign do not count, because importers trim them. OWASP also warns of separators: where Excel expects
    semicolons it splits our commas' text at ``;``, tab and line end, so what follows those within a text starts a cell.
    """
    return CELL_STARTS.sub("'", text)


def json_bytes(value: object) -> bytes:
    """``value`` as JSON, UTF-8, indented by two: floats rounded half up to two decimals, what is missing or infinite as
    null, dates in ISO 8601, a DataFrame as a list of records. Raises TypeError for what JSON has no form for."""
    text = json.dumps(_json_value(value), ensure_ascii=False, indent=2, allow_nan=False)
    return f"{text}\n".encode("utf-8", errors="replace")


def _json_value(value: Any) -> Any:
    if isinstance(value, (str, int)):  # most values: asked first, for the other questions take longer
        return value
    if isinstance(value, Mapping):
        return {str(key): _json_value(item) for key, item in value.items()}
    if isinstance(value, pd.DataFrame):
        value = value.to_dict("records")
    if isinstance(value, (list, tuple, np.ndarray, pd.Series)):
        return [_json_value(item) for item in value]
    return _json_scalar(value)


def _json_scalar(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = pd.Timestamp(value) if isinstance(value, np.datetime64) else value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (float, Decimal)):
        return half_up(float(value)) if math.isfinite(value) else None
    return value.isoformat() if isinstance(value, date) else value


def text_file_name(*parts: object, extension: str) -> str:
    """A file name that every system takes, lower case: ``top_mistakes_2026-11-16_2026-11-22.csv``."""
    plain = unicodedata.normalize("NFKD", "_".join(str(part) for part in parts).casefold())
    ascii_only = plain.encode("ascii", errors="ignore").decode()
    stem = re.sub(r"[^a-z0-9-]+", "_", ascii_only)[:120].strip("_-")
    return f"{stem or 'export'}.{extension.lstrip('.').lower()}"
