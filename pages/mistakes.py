"""Mistakes: which ones are the most frequent, and the post about them."""

import streamlit as st

from lib.ui.composer import draw_composer
from lib.ui.door import open_page
from lib.ui.mistake_list import draw_heatmap, draw_list, narrowed, read_filter

with open_page("Mistakes", question="Which mistakes are made most, and which make a post?") as page:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        period = page.window_control("mistakes_days")
        where = read_filter(page, period)
    page.say_window(period)

    left, right = st.columns([2, 3], gap="medium")
    with left:
        draw_heatmap(page, period, where)
    with right:
        picked = draw_list(page, period, narrowed(page, period, where))
    draw_composer(page, picked)
