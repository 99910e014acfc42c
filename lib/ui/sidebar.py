"""The sidebar of every page: where to go, the day to look from, which data this is."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from lib.period import day_text
from lib.ui import cached
from lib.ui.page import Page
from lib.ui.params import OLDEST_DAY
from lib.ui.tables import take_whole_page

PAGES = (
    ("Home.py", "Home", ":material/home:"),
    ("pages/engagement.py", "Engagement", ":material/groups:"),
    ("pages/mistakes.py", "Mistakes", ":material/spellcheck:"),
    ("pages/conversion.py", "Conversion", ":material/trending_up:"),
    ("pages/data_health.py", "Data health", ":material/health_and_safety:"),
)


def draw_links() -> DeltaGenerator:
    """The pages. Filters that pages share follow by themselves within a visit. Gives back the place for a warning."""
    with st.sidebar:
        st.markdown("### Fluency Lab")
        for path, label, icon in PAGES:
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
        st.caption(f"Database: {page.source.name}")
        age = page.days_old
        if age is None:
            st.caption("No sessions yet.")
        elif age > page.settings.stale_after_days:
            warning.warning(f"The newest session is {age} days old.", icon=":material/schedule:")
        take_whole_page(page)
        st.button(
            "Refresh",
            on_click=cached.forget,
            icon=":material/refresh:",
            help=f"Ask the database again. Today is {day_text(page.today)}.",
        )
