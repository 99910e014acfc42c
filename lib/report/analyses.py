"""Own analyses: each .sql file of a folder becomes a sheet, a CSV and a section; a broken one is named with the reason.

The first comment lines of a file say its title and what it shows:

    -- title: Sessions by hour
    -- description: When people practise. Hours are those of UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from lib.database import to_utc
from lib.exports import Column, Sheet, text_file_name
from lib.exports.tables import Kind, clean
from lib.period import Period
from lib.queries.guard import NOTHING, Withheld
from lib.queries.own import AnalysisProblem, Limits, run_own

LARGEST_FILE = 100_000  # bytes
EXACT = 2**53  # larger whole numbers lose digits in a spreadsheet, and become text
_HEADING = re.compile(r"\s*--\s*(title|description)\s*:\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class OwnAnalyses:
    """Where own analyses are, their window in days, and the limits of each."""

    folder: Path
    days: int = 30
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class AnalysisFile:
    """One .sql file. ``name`` fits into file names and is no other's; ``problem`` says why there is no SQL."""

    name: str
    file: str
    title: str
    description: str = ""
    sql: str = ""
    problem: str = ""


@dataclass(frozen=True, eq=False)
class AnalysisResult:
    """What one own analysis found in ``period``.

    ``columns`` say what ``frame`` holds; both are empty where ``problem`` (one sentence that names the file) is not.
    ``limit`` is the number of rows where there were more.
    """

    name: str
    title: str
    description: str
    period: Period
    sql: str = ""
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    columns: Mapping[str, Column] = field(default_factory=dict)
    is_cut: bool = False
    problem: str = ""

    @property
    def sheet(self) -> Sheet:
        """The table, to export."""
        return Sheet(self.title, self.frame, self.columns)

    @property
    def rows_text(self) -> str:
        """`12 rows`, or `first 10,000 of more rows`."""
        many = f"{len(self.frame):,}"
        return f"first {many} of more rows" if self.is_cut else f"{many} {'row' if many == '1' else 'rows'}"


def run_analyses(connection: Connection, own: OwnAnalyses, as_of: date, zone: str) -> tuple[AnalysisResult, ...]:
    """Every analysis of the folder by name of its file; none where there is no folder."""
    period = Period(as_of, own.days, zone)
    return tuple(run_analysis(connection, file, period, own.limits) for file in read_folder(own.folder))


def run_analysis(
    connection: Connection, file: AnalysisFile, period: Period, limits: Limits, withheld: Withheld = NOTHING
) -> AnalysisResult:
    """One analysis; what is wrong with its SQL is a sentence in the result. ``withheld`` as in `run_own`."""
    result = AnalysisResult(file.name, file.title, file.description, period, file.sql, problem=file.problem)
    if file.problem:
        return result
    try:
        answer = run_own(connection, file.sql, period, limits, withheld=withheld)
    except AnalysisProblem as problem:
        return replace(result, problem=f"{file.file} did not run. {problem}")
    frame, columns = typed(answer.frame)
    return replace(result, frame=frame, columns=columns, is_cut=answer.is_cut)


def read_folder(folder: Path) -> list[AnalysisFile]:
    """The .sql files of ``folder`` in the order of their names; those that begin with a dot are not looked at."""
    paths = sorted(path for path in folder.glob("*.sql") if path.is_file() and not path.name.startswith("."))
    found: dict[str, AnalysisFile] = {}
    for path in paths:
        name = text_file_name(path.stem, extension="sql").removesuffix(".sql")
        while name in found:
            name += "_2"
        found[name] = _read_file(path, name)
    return list(found.values())


def _read_file(path: Path, name: str) -> AnalysisFile:
    title = path.stem.replace("_", " ").strip().capitalize() or name
    try:
        content = path.read_bytes()
        sql = content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return AnalysisFile(name, path.name, title, problem=f"{path.name} cannot be read as a text in UTF-8.")
    if len(content) > LARGEST_FILE or "\0" in sql:
        return AnalysisFile(name, path.name, title, problem=f"{path.name} is too long, or no text.")
    said = _headings(sql)
    return AnalysisFile(name, path.name, said.get("title") or title, said.get("description", ""), sql)


def _headings(sql: str) -> dict[str, str]:
    """Title and description from the comment lines that the file begins with; several of one kind are one text."""
    said: dict[str, str] = {}
    for line in sql.splitlines():
        if line.strip() and not line.lstrip().startswith("--"):
            break
        if match := _HEADING.match(line):
            kind = match[1].lower()
            said[kind] = f"{said.get(kind, '')} {match[2].strip()}".strip()
    return said


def typed(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, Column]]:
    """Values as a database gives them, with types that pages and files know: each column one kind.

    Text that is a timestamp is one where the column's name ends with "_at"; numbers are percents where it ends with
    "percent". Identifiers are text, and so is a column of mixed values.
    """
    made, columns = pd.DataFrame(index=frame.index), {}
    for place, name in enumerate(frame.columns, start=1):
        kind = _kind(str(name), [value for value in frame[name] if value is not None])
        made[name] = _converted(frame[name], kind)
        if kind == "datetime" and (made[name].isna() & frame[name].notna()).any():
            kind, made[name] = "text", _converted(frame[name], "text")
        label = clean(str(name)).replace("_", " ").strip() or f"column {place}"
        label = re.sub(r" utc$", " (UTC)", label)
        columns[str(name)] = Column(label[:1].upper() + label[1:], kind)
    return made, columns


def _kind(name: str, values: list[Any]) -> Kind:
    kinds = {type(value) for value in values}
    if name == "id" or name.endswith("_id") or not kinds:
        return "text"
    if kinds == {int} and max(map(abs, values)) > EXACT:
        return "text"
    if kinds == {str}:
        return "datetime" if name.endswith("_at") else "text"
    fits: tuple[tuple[Kind, set[type]], ...] = (
        ("boolean", {bool}),
        ("integer", {int}),
        ("percent" if name.endswith("percent") else "decimal", {int, float, Decimal}),
        ("date", {date}),
        ("datetime", {datetime}),
    )
    return next((kind for kind, types in fits if kinds <= types), "text")


def _converted(values: pd.Series[Any], kind: Kind) -> pd.Series[Any]:
    if kind == "integer":
        return values.astype("Int64")
    if kind in ("decimal", "percent"):
        return values.astype("float64")
    if kind == "datetime":
        return to_utc(values)
    if kind == "text":
        return values.map(_text, na_action="ignore").astype("str")
    return values


def _text(value: Any) -> str:
    return f"{len(value):,} bytes" if isinstance(value, bytes) else str(value)
