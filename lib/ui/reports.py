"""The Reports page: past runs, what each of them said, its files, and a report made now."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Sequence
from functools import partial
from mimetypes import guess_type
from pathlib import Path

import pandas as pd
import streamlit as st

from lib.exports import Column, Sheet
from lib.period import day_text, moment_text
from lib.report.failure import sentence
from lib.report.ledger import Run, read_runs
from lib.report.names import REPORT, STAMP
from lib.report.orders import order_from
from lib.settings import SettingsError
from lib.ui.door import drawn_by_itself
from lib.ui.downloads import offer_file
from lib.ui.gate import audit_log
from lib.ui.page import Page
from lib.ui.tables import list_height, show_table
from lib.ui.text import plain
from lib.ui.workshop import Job, workshop

LOG = logging.getLogger("fluency_lab")
SHOWN = 100
HEIGHT = 900  # pixels of the report
READ_FIRST = (".html", ".xlsx")
LOOKS = 0.5  # seconds between two looks at a report in the making
REFUSED = "refused_report"  # why a report could not be ordered
WATCHED = "watched_report"  # the job that this visitor has seen in the making, and not yet its outcome
DARK = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)")
RUN_COLUMNS = {
    "started": Column("Started", "datetime"),
    "as_of": Column("As of", "date"),
    "result": Column("Result", "text", help="good, or why the run failed."),
    "files": Column("Files", "integer"),
    "recipients": Column("Recipients", "integer", help="Whose mail server accepted the report."),
    "seconds": Column("Seconds", "decimal", places=1),
    "data_as_of": Column("Data as of", "datetime", help="The newest session at that time."),
}
HOW = """
- One line a run of the daily report: by the command, by its schedule, or from this page.
- **good**: every file was written and checked, and the mail, if there was one to send, was accepted by everybody's
  server. Otherwise it says what went wrong.
- The newest runs come first. The files of old runs may have been tidied away; the line stays.
"""


def folder_of(page: Page) -> Path:
    """Where the reports are."""
    return Path(page.settings.reports_folder)


def draw_maker(page: Page) -> None:
    """The button that makes a report, and how far it has come."""
    job = workshop().job
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Make a report now",
            on_click=_start,
            args=(page,),
            disabled=_is_busy(),
            type="primary",
            icon=":material/play_arrow:",
        )
        names = ", without names" if _hides_names(page) else ""
        st.caption(f"As of {day_text(page.as_of)}{names}. Files only; nothing is mailed from here.", width="content")
    if job and not job.is_over:
        st.session_state[WATCHED] = job
        st.fragment(_watch, run_every=LOOKS)(page, job)
    elif watched := st.session_state.pop(WATCHED, None):
        _say_outcome(watched)
    if refused := st.session_state.pop(REFUSED, None):
        _say_failure(refused)


def _is_busy() -> bool:
    job = workshop().job
    return bool(job and not job.is_over)


def _hides_names(page: Page) -> bool:
    return bool(page.filters["without_names"] and page.settings.pseudonym_key.get_secret_value())


def _start(page: Page) -> None:
    hides_names = _hides_names(page)
    facts = {"page": page.name, "as_of": page.as_of, "addresses": not hides_names}
    audit_log(page.settings).record("report", page.visitor.name, **facts)
    try:
        workshop().start(order_from(page.settings, as_of=page.as_of, anonymise=hides_names))
        st.session_state[WATCHED] = workshop().job  # now: it may be over before the page is drawn
    except SettingsError as error:
        st.session_state[REFUSED] = sentence(error)


def _watch(page: Page, job: Job) -> None:
    with drawn_by_itself(page):
        if job.is_over:
            st.rerun()
        st.progress(job.done, f"{job.what}. You can leave this page; the report will be in the list.")


def _say_outcome(job: Job) -> None:
    error = job.future.exception()
    if error is None:
        st.success("**The report is made.** It is the newest in the list.", icon=":material/check_circle:")
        return
    LOG.error("a report from the page failed", exc_info=error)
    _say_failure(sentence(error))


def _say_failure(why: str) -> None:
    st.error(f"**No report was made.** {plain(why)}", icon=":material/error:")


def load_runs(page: Page) -> list[Run]:
    """All runs, oldest first; what an empty list means and what to do about it."""
    try:
        runs = read_runs(folder_of(page))
    except OSError as error:
        st.error(f"**The record of runs cannot be read.** {plain(sentence(error))}", icon=":material/error:")
        return []
    if not runs and not _is_busy():
        st.info(
            "**There are no reports yet.** Make one now, or let `python daily_reports.py --at 08:00` make one a day.",
            icon=":material/info:",
        )
    return runs


def pick_run(page: Page, runs: Sequence[Run]) -> Run | None:
    """The list of runs, newest first, and the one that is picked: the newest that has a report by itself."""
    newest = list(reversed(runs))[:SHOWN]
    event = show_table(
        page,
        Sheet("Runs", run_table(newest), RUN_COLUMNS),
        how=HOW,
        of=len(runs),
        widths={"result": 320},
        height=list_height(len(newest)),
        key=page.filters.key(f"runs_{len(runs)}"),
        on_select="rerun",
        selection_mode="single-row",
    )
    picked = [newest[row] for row in event.selection.rows if row < len(newest)]
    return next(iter(picked), None) or next((run for run in newest if run.files), None)


def run_table(runs: Sequence[Run]) -> pd.DataFrame:
    """One row a run, columns as RUN_COLUMNS; seconds are how long it took."""
    return pd.DataFrame(
        {
            "started": pd.Series([run.started for run in runs], dtype="datetime64[ns, UTC]"),
            "as_of": pd.Series([run.as_of for run in runs], dtype="object"),
            "result": pd.Series([run.failure or "good" for run in runs], dtype="str"),
            "files": pd.Series([len(run.files) for run in runs], dtype="int64"),
            "recipients": pd.Series([len(run.recipients) for run in runs], dtype="int64"),
            "seconds": pd.Series([(run.ended - run.started).total_seconds() for run in runs], dtype="float64"),
            "data_as_of": pd.Series([run.data_as_of for run in runs], dtype="datetime64[ns, UTC]"),
        }
    )


def draw_run(page: Page, run: Run) -> None:
    """One run: whether it went well, its files, and the report as people read it."""
    st.header(f"Report of {moment_text(run.started, page.zone)} ({page.zone})", anchor=False)
    if run.failure:
        st.warning(f"**This run failed.** {plain(run.failure)}", icon=":material/report:")
    if run.recipients:
        st.caption(f"Mailed to {plain(', '.join(run.recipients))}")
    paths = [folder_of(page) / Path(name).name for name in run.files]
    there = [path for path in paths if path.is_file()]
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        for path in sorted(there, key=_read_first):
            if _read_first(path) < len(READ_FIRST):
                _offer(page, path)
        if more := [path for path in there if _read_first(path) == len(READ_FIRST)]:
            with st.popover(f"More files ({len(more)})", type="tertiary"):
                for path in more:
                    _offer(page, path)
    if len(there) < len(paths):
        st.caption(f"{len(paths) - len(there)} of {len(paths)} files are no longer there.")
    report = next((path for path in there if path.suffix == ".html" and path.name.startswith(REPORT)), None)
    if report is not None:
        st.iframe(framed(report.read_text(encoding="utf-8", errors="replace"), page.theme), height=HEIGHT)


def _read_first(path: Path) -> int:
    """The place of a file among those that people open; beyond them, what programs read."""
    return READ_FIRST.index(path.suffix) if path.suffix in READ_FIRST else len(READ_FIRST)


def _offer(page: Page, path: Path) -> None:
    offer_file(
        page,
        plain(STAMP.sub("", path.stem).replace("_", " ").strip().capitalize() + path.suffix),
        partial(path.read_bytes),
        path.name,
        guess_type(path.name)[0] or "application/octet-stream",
        type="tertiary",
        icon=":material/download:",
        key=f"{page.name}_{path.name}",
    )


def framed(document: str, theme: str) -> str:
    """``document`` in a frame that runs no script, whatever is in it, and knows nothing of this page.

    A document goes by the theme of the system; here it goes by that of the app.
    """
    themed = DARK.sub("(min-width: 0)" if theme == "dark" else "(max-width: 0)", document)
    return (
        f"<style>html, body {{ margin: 0; height: 100%; }} iframe {{ color-scheme: {theme}; }}</style>"
        f'<iframe sandbox title="Daily report" width="100%" height="{HEIGHT - 8}" style="border: 0" '
        f'srcdoc="{html.escape(themed, quote=True)}"></iframe>'
    )
