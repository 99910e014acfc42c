"""The Data health page: a verdict in a sentence, then what was found, what the app does about it, what to do."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lib.analysis.numbers import counted
from lib.exports import Column, Sheet
from lib.period import moment_text
from lib.queries.health import TableState
from lib.ui.cached import made
from lib.ui.page import Page
from lib.ui.tables import draw_footer, show_table
from lib.ui.text import plain

TABLE_COLUMNS = {
    "table": Column("Table", "text"),
    "rows": Column("Rows", "integer"),
    "newest": Column("Newest row", "datetime"),
    "state": Column("State", "text"),
}
ODDITY_COLUMNS = {
    "table": Column("Table", "text"),
    "found": Column("What was found", "text"),
    "rows": Column("Rows", "integer"),
    "app_does": Column("What the app does", "text"),
    "to_do": Column("What to do", "text"),
}
PLURALS = {"table": "tables", "column": "columns", "index": "indexes"}
TABLES = "Every row is counted, the newest one by the time that the table itself holds. The app only reads."
ODDITIES = "Each check counts the rows of the whole table, not of a window. Checks that found nothing are not shown."


def draw_verdict(page: Page, states: Sequence[TableState], oddities: pd.DataFrame, missing: pd.DataFrame) -> None:
    """The answer of the page in one sentence, and what follows from it."""
    failures = _failures(states, missing)
    for failure in failures:
        st.error(failure, icon=":material/error:")
    if page.newest is None and not failures:
        st.warning(_EMPTY if not any(state.rows for state in states) else _NO_SESSIONS, icon=":material/inbox:")
    elif troubles := [*_age(page), *_wrong_rows(oddities[oddities["is_wrong"]])]:
        st.warning("\n\n".join(troubles), icon=":material/report:")
    elif not failures:
        st.success("**The data is fresh and sound.**", icon=":material/check_circle:")


def _failures(states: Sequence[TableState], missing: pd.DataFrame) -> list[str]:
    """What pages cannot answer for: tables and columns that cannot be read, or are not there."""
    problems = [f"- {plain(state.name)}: {plain(state.problem)}" for state in states if state.problem]
    columns = [f"- {plain(sentence)}" for state in states for _, sentence in state.unreadable]
    found = {"Tables that cannot be read": problems, "Columns that cannot be read": columns}
    failures = [f"**{title}.**\n" + "\n".join(lines) for title, lines in found.items() if lines]
    if needed := int(missing["is_needed"].sum()):
        what = counted(needed, "table or column", "tables or columns")
        failures.append(
            f"**The database is not complete: {what} cannot be read.** Pages that need them cannot answer. "
            "The statements that mend it are below."
        )
    return failures


def _age(page: Page) -> list[str]:
    if page.newest is None or page.days_old is None or page.days_old <= page.settings.stale_after_days:
        return []
    return [
        f"**The data is {page.days_old} days old.** The newest session is of {moment_text(page.newest, page.zone)} "
        f"({page.zone}). Ask whoever runs the product whether it still writes to this database."
    ]


def _wrong_rows(wrong: pd.DataFrame) -> list[str]:
    if wrong.empty:
        return []
    rows = int(wrong["rows"].sum())
    each = zip(wrong["found"], wrong["table"], wrong["rows"], strict=True)
    kinds = ", ".join(plain(f"{found} in {table} ({count:,})") for found, table, count in each)
    return [f"**{counted(rows, 'row is', 'rows are')} wrong** and should be corrected: {kinds}."]


_EMPTY = (
    "**The database is empty.** Connect it to the product, or set FLUENCY_DATABASE_URL to another database. "
    "For a try, leave the setting out: the app then shows its sample."
)
_NO_SESSIONS = "**There are no sessions with a time yet.** Pages fill as soon as the first session is written."


def draw_tables(page: Page, states: Sequence[TableState]) -> None:
    """Rows and newest row of each table."""
    st.header("Tables", anchor=False)
    show_table(page, Sheet("Tables", made(_table_of, states), TABLE_COLUMNS), how=TABLES)


def _table_of(states: Sequence[TableState]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "table": pd.Series([state.name for state in states], dtype="str"),
            "rows": pd.array([state.rows for state in states], dtype="Int64"),
            "newest": pd.Series([state.newest for state in states], dtype="datetime64[ns, UTC]"),
            "state": pd.Series([_state(state) for state in states], dtype="str"),
        }
    )


def _state(state: TableState) -> str:
    if state.problem:
        return state.problem
    if state.rows is None:
        return "missing" if state.may_be_read else "may not be read"
    if state.missing_columns:
        return f"without {', '.join(state.missing_columns)}"
    if state.unreadable:
        return " ".join(sentence for _, sentence in state.unreadable)
    return "complete" if state.rows else "empty"


def draw_oddities(page: Page, oddities: pd.DataFrame) -> None:
    """Each oddity that was found: those that somebody can mend in full, the others folded away."""
    st.header("What is odd about the data", anchor=False)
    if oddities.empty:
        st.markdown("Nothing.")
        return
    frame = oddities.sort_values(["is_wrong", "rows"], ascending=False, kind="stable")
    is_idle = frame["to_do"].str.startswith("Nothing")
    st.markdown(_listed(frame[~is_idle]) or "Nothing that somebody has to mend.")
    if is_idle.any():
        with st.expander(f"Nothing to do ({is_idle.sum()})"):
            st.markdown(_listed(frame[is_idle]))
    draw_footer(page, Sheet("Oddities", frame, ODDITY_COLUMNS), how=ODDITIES)


def _listed(oddities: pd.DataFrame) -> str:
    """As a list: whole sentences, which the cells of a table would cut."""
    rows = oddities[["found", "rows", "table", "app_does", "to_do"]].itertuples(index=False, name=None)
    return "\n".join(
        f"- **{plain(found[0].upper() + found[1:])}** ({count:,} in {plain(table)}). {app_does} **To do:** {to_do}"
        for found, count, table, app_does, to_do in rows
    )


def draw_repairs(page: Page, missing: pd.DataFrame) -> None:
    """The statements for what is missing, in the order in which they have to run."""
    st.header("What is missing", anchor=False)
    if missing.empty:
        st.markdown("No table, column or index is missing.")
        return
    counts = {kind: int((missing["kind"] == kind).sum()) for kind in PLURALS}
    listed = ", ".join(f"{count} {kind if count == 1 else PLURALS[kind]}" for kind, count in counts.items() if count)
    st.markdown(
        f"**{listed}.** The app only reads, so somebody who may change the database has to run these statements. "
        "Indexes make pages faster, nothing else; `python -m lib.schema create-indexes URL --apply` creates them all."
    )
    st.code("\n".join(missing["statement"]), language="sql", wrap_lines=True)
