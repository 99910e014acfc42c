"""The tray of the Mistakes page: what was picked stays there, whatever the list shows now, until it is taken out."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from lib.analysis.posts import SERIES_LIMIT
from lib.ui import withheld
from lib.ui.page import Page
from lib.ui.text import plain

PICKED = "picked_mistakes"
IDENTITY = ["error_type", "error_category", "mistake"]
HOW_TO_PICK = (
    f"Pick up to {SERIES_LIMIT} mistakes for posts: tick the box in front of a row (Shift+Space on the keyboard). They "
    "stay picked while you look at other cells."
)


def picked_before(page: Page, table: pd.DataFrame) -> pd.DataFrame:
    """What is in the tray, columns of ``table`` (see `lib.analysis.mistakes.ranked`), as the visitor may see it."""
    return withheld.shown_frame(page, st.session_state.get(PICKED, table.iloc[:0]))


def places(table: pd.DataFrame, picked: pd.DataFrame) -> list[int]:
    """The places in ``table`` of what is picked."""
    return [place for place, is_picked in enumerate(_which(table).isin(_which(picked))) if is_picked]


def pick(page: Page, table: pd.DataFrame, ticked: Sequence[int]) -> pd.DataFrame:
    """Take over which rows of ``table`` are ticked; gives back what is in the tray then.

    A mistake that was picked in two views of the data counts as in the one where more users made it: that others are
    filtered out takes nothing away from what may be published.
    """
    new = table.iloc[[place for place in ticked if place < len(table)]]
    every = pd.concat([picked_before(page, table), new], ignore_index=True)
    is_unticked = _which(every).isin(_which(table)) & ~_which(every).isin(_which(new))
    every = every[~is_unticked]
    picked = every.loc[every.groupby(IDENTITY, sort=False)["users"].idxmax()].reset_index(drop=True)
    st.session_state[PICKED] = picked
    return picked


def _which(table: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(table[IDENTITY])


def draw_tray(table: pd.DataFrame, picked: pd.DataFrame, key: str) -> None:
    """What is picked, and a button to take each out; ``key`` is that of the list of ``table``, with its ticks."""
    if picked.empty:
        st.caption(HOW_TO_PICK)
        return
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{len(picked)} of {SERIES_LIMIT} picked** · [Write posts](#posts)")
        if (fit := int((picked["post"] == "yes").sum())) > SERIES_LIMIT:
            st.warning(f"A series has {SERIES_LIMIT} posts at most; the first {SERIES_LIMIT} of {fit} are shown.")
        for place, (mistake, verdict) in enumerate(zip(picked["mistake"], picked["post"], strict=True)):
            with st.container(horizontal=True, vertical_alignment="center"):
                _draw_pick(mistake, verdict)
                rest = picked.drop(index=place).reset_index(drop=True)
                st.button(
                    "Remove",
                    on_click=_leave,
                    args=(rest, key, places(table, rest)),
                    type="tertiary",
                    icon=":material/close:",
                    key=f"remove_{place}",
                )


def _draw_pick(mistake: str, verdict: str) -> None:
    if verdict == "yes":
        st.markdown(plain(mistake))
    else:
        st.warning(f"**{plain(mistake)}** cannot be published. {plain(verdict)}.", icon=":material/block:")


def _leave(rest: pd.DataFrame, key: str, ticks: list[int]) -> None:
    """Only ``rest`` stays in the tray, and only ``ticks`` in the list."""
    st.session_state[PICKED] = rest
    st.session_state[key] = {"selection": {"rows": ticks}}
