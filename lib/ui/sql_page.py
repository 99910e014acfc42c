"""The SQL page: an editor with the tables beside it, and what a statement is asked with."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import streamlit as st

from lib.period import Period
from lib.queries.desk import DeskIsTaken
from lib.queries.own import Limits
from lib.queries.wall import Place, SeenTable, tables_seen, withheld_from
from lib.ui import cached, sql_answer, sql_run
from lib.ui.door import drawn_by_itself
from lib.ui.page import Page
from lib.ui.text import plain

EDITOR, TEXT = "sql_editor", "sql_text"
MOST_CHARACTERS = 20_000
LONGEST_LINE = 80  # characters of a statement in the history
LOOKS = 0.5  # seconds between two looks whether a statement is over
WORTH_WAITING = 0.4  # seconds in which most statements are over
# The editor is code; the theme has no say in that.
STYLE = "<style>.st-key-sql_editor textarea { font-family: 'Source Code Pro', monospace; font-size: 0.875rem; }</style>"
HELP = """One statement that begins with SELECT, WITH or VALUES; Ctrl+Enter (Cmd+Enter) runs it.

\\:start and \\:end stand for the window (from the first instant on, up to the first one after it, UTC), \\:as_of for
its last day."""
WITHHELD = """{}.

They hold what your roles do not show, or texts in which an e-mail address may stand: on PostgreSQL nothing can replace
one before a statement sees it. The other pages have those texts, with \\[address\\] for each address."""
EXAMPLES = {
    "Sessions by role": """select u.role, count(*) as sessions, count(distinct s.user_id) as users
from coaching_sessions as s
join users as u on u.user_id = s.user_id
where s.started_at >= :start and s.started_at < :end
group by u.role
order by sessions desc""",
    "Types of mistakes": """select error_type, severity, count(*) as mistakes, count(distinct user_id) as users
from detected_errors
where detected_at >= :start and detected_at < :end
group by error_type, severity
order by mistakes desc""",
    "Confidence by length of a session": """select duration_seconds / 60 as minutes, avg(confidence_score) as confidence
from coaching_sessions
where confidence_score is not null and duration_seconds > 0
group by duration_seconds / 60
order by minutes""",
}


def draw(page: Page) -> None:
    """The whole page below the title."""
    st.html(STYLE)
    place = _place(page)
    withheld = withheld_from(page.visitor)
    sql_run.forget_what_is_not_theirs(page.visitor.name, withheld)
    tables = cached.ask(page.source, tables_seen, tuple(sorted(withheld)), place.main, place.sql)
    left, right = st.columns([3, 1], gap="medium")
    with left:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            period = page.window_control("analyses_days")
            _draw_examples()
        page.say_window(period, compared=False)
        _draw_editor(page, place, period)
    with right:
        _draw_tables(tables)
    if not _is_running(page):
        sql_answer.draw(page)
    _draw_history(page)


def _place(page: Page) -> Place:
    return Place(page.settings.database_url, page.settings.sql_database_url.get_secret_value())


def limits_of(page: Page) -> Limits:
    """The limits of one statement."""
    return Limits(page.settings.analyses_seconds, page.settings.analyses_rows)


def _draw_examples() -> None:
    with st.popover("Examples", icon=":material/lightbulb:"):
        for name, sql in EXAMPLES.items():
            st.button(name, on_click=_put, args=(sql,), type="tertiary", key=f"example_{name}")


def _put(sql: str) -> None:
    """From a callback: the statement stands in the editor."""
    st.session_state[TEXT] = st.session_state[EDITOR] = sql


def _draw_editor(page: Page, place: Place, period: Period) -> None:
    limits = limits_of(page)
    if EDITOR not in st.session_state and TEXT in st.session_state:
        st.session_state[EDITOR] = st.session_state[TEXT]
    with st.form("sql_form", border=False):
        first = next(iter(EXAMPLES.values()))  # in a new session the browser may have another statement
        sql = st.text_area("Statement", first, key=EDITOR, height=270, max_chars=MOST_CHARACTERS, help=HELP)
        with st.container(horizontal=True, vertical_alignment="center"):
            is_asked = st.form_submit_button("Run", type="primary", icon=":material/play_arrow:")
            st.caption(f"Only reads, for {limits.seconds:g} seconds, up to {limits.rows:,} rows.", width="content")
    st.session_state[TEXT] = sql
    if is_asked:
        try:
            sql_run.begin(page, place, sql or "", period, limits).wait(WORTH_WAITING)
        except DeskIsTaken as taken:
            st.warning(str(taken), icon=":material/hourglass_top:")


def _draw_tables(tables: list[SeenTable]) -> None:
    st.caption("Tables")
    with st.container(height=345, border=True, gap="xsmall"):
        for table in tables:
            with st.expander(plain(table.name)):
                st.markdown("  \n".join(_line(*column) for column in table.columns))
    hidden = [f"{table.name}.{column.name}" for table in tables for column in table.columns if column.is_withheld]
    if hidden:
        st.caption(
            f"{len(hidden)} columns are withheld (:material/lock:).", help=WITHHELD.format(plain(", ".join(hidden)))
        )


def _line(name: str, kind: str, is_withheld: bool) -> str:
    if is_withheld:
        return f":material/lock: :gray[{plain(name)} · withheld]"
    return f"{plain(name)} :gray[{plain(kind.lower())}]"


def _is_running(page: Page) -> bool:
    """Whether a statement runs: then, how long already, and the way to end it. Else the answer is taken over."""
    job = sql_run.running()
    if job is None:
        return False
    if job.is_over:
        sql_run.take_over()
        return False

    @st.fragment(run_every=LOOKS)
    def watch() -> None:
        with drawn_by_itself(page):
            if job.is_over:
                st.rerun()
            if job.stop.is_wished:
                job.stop.wish()  # one that came before the server had begun was not heard
            with st.container(horizontal=True, vertical_alignment="center"):
                st.caption(f"Running for {job.seconds:.0f} of {limits_of(page).seconds:g} seconds.", width="content")
                st.button("Cancel", on_click=job.stop.wish, icon=":material/stop:", disabled=job.stop.is_wished)

    watch()
    return True


def _draw_history(page: Page) -> None:
    past = sql_run.history()
    if not past:
        return
    with st.expander(f"History of this visit ({len(past)})", icon=":material/history:"):
        for number, outcome in enumerate(past):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    plain(_beginning(outcome.sql)),
                    on_click=_put,
                    args=(outcome.sql,),
                    type="tertiary",
                    key=f"past_{number}",
                )
                at = datetime.fromtimestamp(outcome.at, ZoneInfo(page.zone))
                st.caption(f"{at:%H:%M:%S} · {plain(outcome.told)}", width="content")


def _beginning(sql: str) -> str:
    """The statement in one line, cut between two words."""
    line = " ".join(sql.split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE].rsplit(' ', 1)[0]} …"
