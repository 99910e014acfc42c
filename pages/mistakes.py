"""Mistakes: which ones are the most frequent, and the post about them."""

import streamlit as st

from lib.ui.composer import draw_composer
from lib.ui.door import open_page
from lib.ui.mistake_list import draw_heatmap, draw_list, narrowed, read_filter, say_if_none

with open_page("Mistakes", question="Which mistakes are made most, and which make a post?") as page:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        period = page.window_control("mistakes_days")
        where = read_filter(page, period)
    page.say_window(period)
    say_if_none(page, period, where)

    left, right = st.columns([1, 2], gap="medium")
    with left:
        draw_heatmap(page, period, where)
    with right:
        picked = draw_list(page, period, narrowed(page, period, where))
    draw_composer(page, picked)
