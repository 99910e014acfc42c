"""The sidebar of every page: where to go, the day to look from, which data this is."""

from __future__ import annotations

from pathlib import PurePath

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.access import Visitor
from lib.period import day_text, moment_text
from lib.ui import cached
from lib.ui.gate import draw_sign_out
from lib.ui.page import Page
from lib.ui.params import OLDEST_DAY
from lib.ui.tables import take_whole_page
from lib.ui.text import plain

# Script, name, picture; who may open it says lib.access, by the name of the script.
PAGES = (
    ("Home.py", "Home", ":material/home:"),
    ("pages/engagement.py", "Engagement", ":material/groups:"),
    ("pages/mistakes.py", "Mistakes", ":material/spellcheck:"),
    ("pages/conversion.py", "Conversion", ":material/trending_up:"),
    ("pages/analyses.py", "Analyses", ":material/query_stats:"),
    ("pages/sql.py", "SQL", ":material/database_search:"),
    ("pages/reports.py", "Reports", ":material/mark_email_read:"),
    ("pages/data_health.py", "Data health", ":material/health_and_safety:"),
    ("pages/audit.py", "Audit", ":material/policy:"),
)


def draw_links(visitor: Visitor) -> DeltaGenerator:
    """The pages that the visitor may open; filters that they share follow. Gives back the place for a warning."""
    with st.sidebar:
        st.header("Fluency Lab", anchor=False)
        for path, label, icon in PAGES:
            if visitor.may_open(PurePath(path).stem.lower()):
                st.page_link(path, label=label, icon=icon)
        return st.empty()


def draw_as_of(page: Page) -> None:
    """The day that every window ends with."""
    with st.sidebar:
        day = st.date_input(
            "As of",
            key=page.filters.key("as_of"),
            min_value=OLDEST_DAY,
            max_value=max(page.today, page.filters["as_of"]),
            format="YYYY-MM-DD",
            help=f"Every window ends with this day. Days are those of the zone {page.zone}.",
        )
        page.filters.use("as_of", day)
        if not page.filters.is_default("as_of"):
            st.button("Newest day", on_click=page.filters.reset, args=("as_of",), icon=":material/last_page:")


def draw_source(page: Page, warning: DeltaGenerator) -> None:
    """Which database, how old, and the button that asks it again."""
    with st.sidebar:
        st.caption(f"Database: {plain(page.source.name)}")
        age = page.days_old
        if age is None:
            st.caption("No sessions yet.")
        elif age > page.settings.stale_after_days:
            said = f"The newest session is {age} days old."
            warning.warning(said, icon=":material/schedule:")
            page.say_old(said)
        _draw_names_switch(page)
        take_whole_page(page)
        _draw_refresh(page)
        if page.visitor.is_signed_in:
            st.caption(f"Signed in as {plain(page.visitor.name)}")
            draw_sign_out()


def _draw_refresh(page: Page) -> None:
    """When the data was read, and the button that reads it again."""
    st.button(
        "Refresh",
        on_click=_refresh,
        icon=":material/refresh:",
        help="Read the data again now. Without it, a page reads new data by itself as soon as there is some and "
        f"something on the page is clicked. Today is {day_text(page.today)}.",
    )
    st.caption(f"Data read {moment_text(page.computed, page.zone)}")


def _refresh() -> None:
    cached.forget()
    st.toast("The data is read again.", icon=":material/refresh:")


def _draw_names_switch(page: Page) -> None:
    """Whether files have names: only where there is a key to make pseudonyms with."""
    if page.settings.pseudonym_key.get_secret_value():
        wanted = st.toggle(
            "Without names",
            key=page.filters.key("without_names"),
            help="CSV and Excel files have pseudonyms instead of users, and no addresses. The page stays as it is.",
        )
        page.without_names = page.filters.use("without_names", wanted)
    elif page.filters["without_names"]:
        st.warning("Files have names: the setting FLUENCY\\_PSEUDONYM\\_KEY is not set.", icon=":material/badge:")
