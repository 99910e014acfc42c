"""The Analyses page: one of the installation's own analyses, as a table to read and to take along."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import streamlit as st
from sqlalchemy import Connection

from lib.period import Period
from lib.queries.own import Limits
from lib.queries.wall import Place, withheld_from
from lib.report.analyses import AnalysisFile, AnalysisResult, read_folder, run_analysis
from lib.ui import cached
from lib.ui.page import Page
from lib.ui.tables import list_height, show_table
from lib.ui.text import plain
from lib.ui.withheld import shown_text

HOW_TO_ADD = """
- Put a file that ends with `.sql` into the folder of analyses: one statement that begins with SELECT, WITH or VALUES.
- Its first comment lines say what it is: `-- title: ...` and `-- description: ...`.
- `:start` and `:end` stand for the window (from the first instant on, up to the first one after it, UTC), `:as_of` for
  its last day.
- It runs read-only, for a limited time, and its rows are limited. It is in the daily report too.
- A column whose name ends with `_at` is shown as a time in the reporting zone, one that ends with `percent` in percent.
"""


def choose(page: Page) -> AnalysisFile | None:
    """The control that picks an analysis, the first one by itself; None where there is none."""
    files = {file.name: file for file in read_folder(Path(page.settings.analyses_folder))}
    if not files:
        return None
    first, key = next(iter(files)), page.filters.key("analysis")
    wanted = st.session_state[key]
    if wanted not in files:
        st.session_state[key] = first
    name = st.selectbox("Analysis", list(files), key=key, format_func=lambda name: files[name].title, width=320)
    if wanted and wanted not in files:
        st.caption("The address names an analysis that is not here; this is the first one.")
    page.filters.use("analysis", "" if name == first else name, "Analysis", files[name].title)
    return files[name]


def draw(page: Page, file: AnalysisFile | None, period: Period) -> None:
    """The table of an analysis; a broken one is a sentence that names its file."""
    if file is None:
        st.info("**There are no own analyses yet.** See below how to add one.", icon=":material/info:")
        return
    limits = Limits(page.settings.analyses_seconds, page.settings.analyses_rows)
    with st.spinner(f"Running {plain(file.title)}"):
        result: AnalysisResult = cached.ask(page.source, _run, file, period, limits, *_rights(page))
    st.header(plain(result.title), anchor=False)
    if result.description:
        st.markdown(plain(result.description))
    if result.problem:
        st.warning(f"**{plain(shown_text(page, result.problem))}**", icon=":material/report:")
        return
    if result.frame.empty:
        page.say_empty("No rows", period)
    _draw_rows(page, result)


def _rights(page: Page) -> tuple[tuple[tuple[str, str], ...], str, str]:
    """What is withheld from the visitor, and where a statement is asked then: answers are kept apart by it."""
    withheld = tuple(sorted(withheld_from(page.visitor)))
    return withheld, page.settings.database_url, page.settings.sql_database_url.get_secret_value()


def _run(
    connection: Connection,
    file: AnalysisFile,
    period: Period,
    limits: Limits,
    withheld: tuple[tuple[str, str], ...],
    main: str,
    sql: str,
) -> AnalysisResult:
    """Whoever may see everything asks on the page's own connection, everybody else behind the wall."""
    if not withheld:
        return run_analysis(connection, file, period, limits)
    with Place(main, sql).connect(frozenset(withheld)) as walled:
        return run_analysis(walled, file, period, limits, frozenset(withheld))


def _draw_rows(page: Page, result: AnalysisResult) -> None:
    show_table(
        page,
        replace(result.sheet, has_free_names=True),
        how=plain(result.description or result.title),
        sql=result.sql,
        height=list_height(len(result.frame)),
    )
    cut = f"{result.rows_text}: the first ones are shown, and the files have no others." if result.is_cut else ""
    if cut:
        st.caption(cut)
    page.definitions[result.title] = f"{result.description} {cut}".strip()  # files say it as it is written
