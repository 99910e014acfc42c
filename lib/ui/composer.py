"""The post composer: for each picked mistake a text to edit, its limits, a preview, and the way to take it along."""

from __future__ import annotations

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
    fold,
    post_length,
)
from lib.ui.cached import made
from lib.ui.door import drawn_by_itself
from lib.ui.downloads import offer_file
from lib.ui.page import Page
from lib.ui.text import plain

TEXTS = "edited_posts"  # by mistake, what the visitor made of the draft


def draw_composer(page: Page, picked: pd.DataFrame) -> None:
    """What may be published of the tray, as posts."""
    fit = picked[picked["post"] == "yes"]
    chosen = [_mistake(row) for _, row in fit.head(SERIES_LIMIT).iterrows()]
    if not chosen:
        return
    st.header("Posts", anchor="posts")
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


def _on_card(mistake: PostMistake) -> tuple[str, str, str]:
    """The wrong form, the right one, and the label."""
    return mistake.text, mistake.correct_form or "", mistake.error_category


@st.fragment
def _draw_post(page: Page, mistake: PostMistake, post: Post) -> None:
    with drawn_by_itself(page):
        _draw_text(page, mistake, post)


def _draw_text(page: Page, mistake: PostMistake, post: Post) -> None:
    which = repr((mistake.error_type, mistake.error_category, mistake.text))
    left, right = st.columns(2, gap="large")
    with left:
        text = _edited(which, post.full_text)
        hook = text.strip().partition("\n")[0]
        st.caption(
            f"{post_length(text):,} of {POST_LIMIT:,} characters · first line {post_length(hook)} of {HOOK_LIMIT}"
        )
        for problem in check_post(text):
            st.warning(problem)
        name = f"post_{mistake.text[:40]}"
        with st.container(horizontal=True):
            with st.popover("Copy", icon=":material/content_copy:"):
                st.caption("The button at the top right copies the post.")
                st.code(text, language=None, wrap_lines=True)
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
                lambda: exports.chart_png(charts.post_card(*_on_card(mistake)), scale=1),
                page.file_name(name, "png"),
                "image/png",
                icon=":material/image:",
                key=f"picture_{which}",
            )
        if missing := made(exports.signs_without_glyph, "".join(_on_card(mistake))):
            st.caption(f"The picture has a box for each of these signs, which no font here has: {plain(missing)}")
    with right:
        _draw_preview(text)


def _edited(which: str, draft: str) -> str:
    """The text as the visitor left it, also after it was out of sight; the draft until somebody has changed it."""
    key, texts = f"post_{which}", st.session_state.setdefault(TEXTS, {})

    def keep() -> None:
        texts[which] = st.session_state.get(key, draft)

    if which in texts or key in st.session_state:
        st.session_state[key] = texts.get(which, draft)
    text = st.text_area("Text", draft, height=420, key=key, on_change=keep) or ""
    if text != draft:  # in a new session the browser may still have what was made of it
        texts[which] = text
    return text


def _draw_preview(text: str) -> None:
    """The post as LinkedIn shows it: the beginning, and the rest behind "see more"."""
    beginning, rest = fold(text)
    st.caption("As it will look: readers see the first lines, and the rest after a click")
    with st.container(border=True, gap="xsmall"):
        st.text(beginning)
        if rest:
            st.caption("…see more")
            st.text(rest)
