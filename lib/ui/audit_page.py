"""The Audit page: who signed in, was refused, looked at a page, took a file or asked the database, newest first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lib.exports import Column, Sheet
from lib.ui.gate import audit_log
from lib.ui.page import Page
from lib.ui.tables import list_height, show_table

SHOWN = 500
COLUMNS = {
    "at": Column("When", "datetime"),
    "event": Column("What", "text"),
    "visitor": Column("Who", "text", help="The sign-in; local where there is none."),
    "page": Column("Page", "text"),
    "details": Column("Details", "text"),
}
HOW = """
- One line for each sign-in, sign-out, refusal, page view, download, report and SQL statement, the newest first.
- A download says its file, filters and rows, and whether it had e-mail addresses. No address of a learner is kept.
- The file is named by the setting FLUENCY\\_AUDIT. At 10 MB a new one is begun, and nine old ones are kept.
"""


def load_lines(page: Page) -> tuple[list[dict[str, Any]], int]:
    """The newest lines, and how many there are; what an empty list means. Raises AuditProblem."""
    log = audit_log(page.settings)
    lines, count = log.last(SHOWN)
    if not lines:
        st.info(
            "**There is nothing to show here.** The setting FLUENCY\\_AUDIT sends the record to standard output, or "
            "switches it off.",
            icon=":material/info:",
        )
    return lines, count


def draw_lines(page: Page, lines: Sequence[Mapping[str, Any]], count: int) -> None:
    """The newest of ``count`` lines as a table."""
    table = audit_table(lines)
    show_table(
        page,
        Sheet("Audit", table, COLUMNS),
        how=HOW,
        of=count,
        widths={"at": 150, "event": 90, "visitor": 220, "page": 110},
        height=list_height(len(table)),
    )


def audit_table(lines: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a line, columns as COLUMNS; ``details`` is all that has no column of its own."""
    rows = [
        {
            **{name: str(line.get(name) or "") for name in ("event", "visitor", "page")},
            "at": line.get("at"),
            "details": "; ".join(_details(line)),
        }
        for line in lines
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.assign(at=pd.to_datetime(table["at"], utc=True, errors="coerce", format="ISO8601"))


def _details(line: Mapping[str, Any]) -> Iterator[str]:
    """What a line says besides, the long statement last; what is empty says nothing."""
    for name in sorted(line.keys() - COLUMNS.keys(), key=lambda name: name == "sql"):
        fact = line[name]
        if name == "filters" and isinstance(fact, dict):
            fact = ", ".join(f"{label} {value}" for label, value in fact.items())
        if fact not in (None, "", []):
            yield f"{name}: {fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)}"
