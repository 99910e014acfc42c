"""Analyses: what the installation's own questions find."""

import streamlit as st

from lib.ui import analyses
from lib.ui.door import open_page

with open_page("Analyses", question="What do our own analyses find?") as page:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = analyses.choose(page)
        period = page.window_control("analyses_days")
    page.say_window(period, compared=False)
    analyses.draw(page, chosen, period)
    with st.expander("Add an analysis", icon=":material/add:"):
        st.markdown(analyses.HOW_TO_ADD)
