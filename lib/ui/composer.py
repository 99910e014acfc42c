"""The post composer: for each picked mistake a text to edit, its limits, a preview, and the way to take it along."""

from __future__ import annotations

import altair as alt
import pandas as pd
import streamlit as st

from lib import charts, exports
from lib.analysis.posts import (
    HOOK_LIMIT,
    POST_LIMIT,
    SERIES_LIMIT,
    Post,
    PostMistake,
    check_post,
    compose_series,
    post_length,
)
from lib.ui.door import drawn_by_itself
from lib.ui.downloads import offer_file
from lib.ui.page import Page
from lib.ui.text import plain


def draw_composer(page: Page, picked: pd.DataFrame) -> None:
    """What may be published of the picked rows, as posts; and why not, for the rest."""
    st.subheader("Posts", anchor=False)
    if picked.empty:
        st.caption(f"Pick up to {SERIES_LIMIT} mistakes in the list: tick the box in front of a row.")
        return
    for row in picked[picked["post"] != "yes"].itertuples():
        st.warning(f"**{plain(row.mistake)}** cannot be published. {plain(row.post)}.", icon=":material/block:")
    fit = picked[picked["post"] == "yes"]
    if len(fit) > SERIES_LIMIT:
        st.warning(f"A series has {SERIES_LIMIT} posts at most; the first {SERIES_LIMIT} of {len(fit)} are shown.")
    chosen = [_mistake(row) for _, row in fit.head(SERIES_LIMIT).iterrows()]
    if not chosen:
        return
    for tab, mistake, post in zip(
        st.tabs([f"{n}. {plain(m.text)}" for n, m in enumerate(chosen, 1)]), chosen, compose_series(chosen), strict=True
    ):
        with tab:
            _draw_post(page, mistake, post)


def _mistake(row: pd.Series[str]) -> PostMistake:
    return PostMistake(
        row["mistake"],
        row["error_type"],
        row["error_category"],
        None if pd.isna(row["correct_form"]) else row["correct_form"],
        int(row["frequency"]),
        int(row["users"]),
    )


def _card(mistake: PostMistake) -> alt.LayerChart:
    return charts.post_card(mistake.text, mistake.correct_form or "", mistake.error_category)


@st.fragment
def _draw_post(page: Page, mistake: PostMistake, post: Post) -> None:
    with drawn_by_itself(page):
        _draw_text(page, mistake, post)


def _draw_text(page: Page, mistake: PostMistake, post: Post) -> None:
    which = repr((mistake.error_type, mistake.error_category, mistake.text))
    left, right = st.columns([3, 2], gap="large")
    with left:
        text = st.text_area("Text", post.full_text, height=420, key=f"post_{which}") or ""
        hook = text.strip().partition("\n")[0]
        st.caption(
            f"{post_length(text):,} of {POST_LIMIT:,} characters · first line {post_length(hook)} of {HOOK_LIMIT}"
        )
        for problem in check_post(text):
            st.warning(problem)
        name = f"post_{mistake.text[:40]}"
        with st.container(horizontal=True):
            offer_file(
                page,
                "Text file",
                text.encode,
                page.file_name(name, "txt"),
                "text/plain",
                icon=":material/download:",
                key=f"text_{which}",
            )
            offer_file(
                page,
                "Picture",
                lambda: exports.chart_png(_card(mistake), scale=1),
                page.file_name(name, "png"),
                "image/png",
                icon=":material/image:",
                key=f"picture_{which}",
            )
    with right:
        st.caption("As it will look; the copy button is at the top right")
        st.code(text, language=None, wrap_lines=True)
