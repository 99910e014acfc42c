"""Conversion: which Free users to offer the Executive module to, and what other thresholds would change."""

import streamlit as st

from lib.ui import conversion_tabs as tabs
from lib.ui import tuning
from lib.ui.conversion_list import draw_figures, draw_list
from lib.ui.door import drawn_by_itself, open_page
from lib.ui.page import Page

TABS = {
    "What if": tabs.draw_what_if,
    "In and out": tabs.draw_in_and_out,
    "Near misses": tabs.draw_near_misses,
    tuning.WHY: tabs.draw_why,
    "Offer": tabs.draw_offer,
}


@st.fragment
def tune(page: Page, market: tuning.Market) -> None:
    """All that a slider changes: only this is drawn again when one moves."""
    with drawn_by_itself(page):
        if page.period("conversion_days") != market.period:
            st.rerun()  # a reset has brought another window back
        left, right = st.columns([1, 3], gap="medium")
        with left, st.container(border=True):
            tuning.draw_sliders(page)
        with right:
            draw_figures(page, market)
            candidates = draw_list(page, market)
        for tab, draw in zip(tuning.draw_tabs(page, list(TABS)), TABS.values(), strict=True):
            if tab.open:
                with tab:
                    draw(page, market, candidates)
        page.filters.write_address()


with open_page("Conversion", question="Which Free users qualify for the Executive module?") as page:
    period = page.window_control("conversion_days")
    page.say_window(period, compared=False)
    tune(page, tuning.load_market(page, period))
