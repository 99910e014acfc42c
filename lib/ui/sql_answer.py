"""What a statement gave, on the SQL page: a table or a chart, files, and the way to propose it as an analysis."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from lib.charts.own import KINDS, MOMENTS, NUMBERS, OwnKind, drawn_rows, own_chart
from lib.exports import Sheet
from lib.queries.own import AnalysisProblem
from lib.report.proposals import LONGEST_DESCRIPTION, LONGEST_TITLE, PROPOSED, proposal_text, propose
from lib.ui import cached, sql_run
from lib.ui.downloads import offer_file
from lib.ui.gate import audit_log
from lib.ui.page import Page
from lib.ui.sql_run import Outcome
from lib.ui.tables import list_height, show_chart, show_table
from lib.ui.text import plain

HOW = "One statement that only reads, as it was typed; what the visitor may not see is withheld by the database."


def draw(page: Page) -> None:
    """The last answer of this visit, if there is one."""
    outcome = sql_run.answer()
    if outcome is None:
        return
    if outcome.problem:
        st.warning(f"**{plain(outcome.problem)}**", icon=":material/report:")
        return
    page.definitions["SQL"] = outcome.sql
    if outcome.is_cut:
        st.info(_cut(outcome), icon=":material/content_cut:")
    if not outcome.columns:
        st.caption("The answer has no columns.")
        return
    choice = _draw_choice(outcome)
    if choice is None:
        _draw_table(page, outcome)
    else:
        _draw_chart(page, outcome, *choice)
    _draw_proposing(page, outcome)


def _cut(outcome: Outcome) -> str:
    return (
        f"**The first {len(outcome.frame):,} rows of more.** An answer has at most {outcome.limits.rows:,} rows "
        f"and {outcome.limits.bytes / 1e6:,.0f} MB; the files have no others."
    )


def _draw_choice(outcome: Outcome) -> tuple[OwnKind, str, str] | None:
    """The kind of chart with its two columns; None for a table."""
    st.header("Answer", anchor=False)
    numbers = [name for name, column in outcome.columns.items() if column.kind in NUMBERS]
    if not numbers or outcome.frame.empty:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom"):
        in_order = [name for name in outcome.columns if _is_in_order(outcome, name)]
        kinds = [kind for kind in KINDS if kind != "Line" or len(in_order) > 1]
        if st.session_state.get("sql_shown") not in kinds:
            st.session_state["sql_shown"] = "Table"
        shown = st.segmented_control("Show as", ["Table", *kinds], required=True, key="sql_shown")
        kind = next((kind for kind in kinds if kind == shown), None)
        if kind is None:
            return None
        across = _pick("Across", "sql_x", in_order if kind == "Line" else list(outcome.columns), outcome)
        others = [name for name in numbers if name != across] or numbers
        return kind, across, _pick("Value", "sql_y", others, outcome)


def _is_in_order(outcome: Outcome, name: str) -> bool:
    """Whether a line may lead from one value of the column to the next: numbers, times, and texts such as 2026-11."""
    if outcome.columns[name].kind != "text":
        return outcome.columns[name].kind in NUMBERS | MOMENTS
    texts = outcome.frame[name].dropna().astype("str")
    return not texts.empty and bool(texts.str.match(r"\d{4}-").all())


def _pick(label: str, key: str, names: list[str], outcome: Outcome) -> str:
    if st.session_state.get(key) not in names:
        st.session_state[key] = names[0]
    return st.selectbox(label, names, key=key, format_func=lambda name: outcome.columns[name].label, width=240)


def _sheet(outcome: Outcome) -> Sheet:
    return Sheet("Answer", outcome.frame, outcome.columns, has_free_names=True)


def _draw_table(page: Page, outcome: Outcome) -> None:
    show_table(page, _sheet(outcome), how=HOW, sql=outcome.sql, height=list_height(len(outcome.frame)))


def _draw_chart(page: Page, outcome: Outcome, kind: OwnKind, x: str, y: str) -> None:
    columns = outcome.columns
    show_chart(
        page,
        _sheet(outcome),
        cached.drawn(own_chart, outcome.frame, (x, columns[x]), (y, columns[y]), kind, zone=page.zone),
        how=HOW,
        sql=outcome.sql,
    )
    count = len(drawn_rows(outcome.frame, kind, y))
    if count < len(outcome.frame):
        st.caption(f"{count:,} of {len(outcome.frame):,} rows are drawn: the first ones that have a number.")


def _draw_proposing(page: Page, outcome: Outcome) -> None:
    with st.expander("Propose as an analysis", icon=":material/send:"):
        st.markdown(
            f"The file goes into the folder {plain(PROPOSED)} within that of the analyses, where nothing runs it. "
            "An administrator reads it, moves it up and commits it; then it is on the page Analyses and in the report."
        )
        with st.form("sql_save", border=False):
            name = st.text_input("Name of the file", max_chars=60, help="Small letters, digits and _", key="sql_name")
            title = st.text_input("Title", max_chars=LONGEST_TITLE, key="sql_title")
            description = st.text_input("What it shows", max_chars=LONGEST_DESCRIPTION, key="sql_description")
            is_asked = st.form_submit_button("Propose", icon=":material/send:")
        content = proposal_text(outcome.sql, title or "", description or "")
        offer_file(
            page,
            "Take the file along",
            content.encode,
            page.file_name(name or "analysis", "sql"),
            "application/sql",
            type="tertiary",
            icon=":material/download:",
            key="sql_take",
        )
        if is_asked:
            _propose(page, name or "", content)


def _propose(page: Page, name: str, content: str) -> None:
    try:
        path = propose(Path(page.settings.analyses_folder), name, content)
    except AnalysisProblem as problem:
        st.warning(plain(str(problem)), icon=":material/report:")
        return
    audit_log(page.settings).record("sql", page.visitor.name, sql=content, outcome=f"proposed as {path.name}")
    st.success(f"**{plain(path.name)} is proposed.** It runs nowhere before it is approved.", icon=":material/check:")
