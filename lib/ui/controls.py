"""Filter controls: each is bound to the address, says itself in files, and never holds what is not an option."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import streamlit as st

from lib.ui.page import Page

Option = TypeVar("Option")


def some_of(
    page: Page, name: str, label: str, options: Sequence[Option], *, shown: Callable[[Option], str] = str, **look: Any
) -> tuple[Option, ...]:
    """Any number of ``options``; none chosen is all of them, and comes back as (). ``look`` as Streamlit's."""
    _drop_strangers(page, name, label, options)
    key, look = page.filters.key(name), {"placeholder": "All", "width": 230, **look}
    chosen: list[Option] = st.multiselect(label, options, key=key, format_func=shown, **look)
    text = ", ".join(map(shown, chosen)) or "all"
    return tuple(page.filters.use(name, list(chosen), label, text))


def one_or_more_of(
    page: Page, name: str, label: str, options: Sequence[str], *, shown: Callable[[str], str]
) -> tuple[str, ...]:
    """At least one of ``options``, side by side; the last one cannot be taken away."""
    chosen = st.pills(
        label,
        options,
        key=page.filters.key(name),
        format_func=shown,
        selection_mode="multi",
        on_change=_keep_one,
        args=(page, name),
    )
    in_order = [option for option in options if option in chosen]
    return tuple(page.filters.use(name, in_order, label, ", ".join(map(shown, in_order))))


def one_of(
    page: Page, name: str, label: str, options: Sequence[str], *, shown: Callable[[str], str], forgets: str = ""
) -> Any:
    """One of ``options``, side by side. Another choice brings the filter ``forgets`` back to its default."""
    chosen = st.segmented_control(
        label,
        options,
        key=page.filters.key(name),
        format_func=shown,
        required=True,
        width="stretch",
        on_change=page.filters.reset,
        args=[forgets] if forgets else [],
    )
    return page.filters.use(name, chosen, label, shown(page.filters[name] if chosen is None else chosen))


def switch(page: Page, name: str, label: str) -> bool:
    """On or off."""
    return bool(page.filters.use(name, st.toggle(label, key=page.filters.key(name)), label))


def _keep_one(page: Page, name: str) -> None:
    if not st.session_state[page.filters.key(name)]:
        page.filters.set(**{name: page.filters[name]})


def _drop_strangers(page: Page, name: str, label: str, options: Sequence[Option]) -> None:
    """An address may name an option that this data does not have; say so and go on without it."""
    wanted = st.session_state[page.filters.key(name)]
    known = tuple(option for option in wanted if option in options)
    if len(known) < len(wanted):
        page.filters.set(**{name: known})
        page.say_misfits(label)
