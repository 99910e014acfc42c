"""The Mistakes page: heatmap and ranked list side by side, with one selection between them."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import pandas as pd
import streamlit as st

from lib import charts, definitions
from lib.analysis.mistakes import ranked
from lib.dialects import UNKNOWN
from lib.exports import Sheet
from lib.period import Period, day_text
from lib.queries import mistakes
from lib.queries.corrections import correct_forms
from lib.queries.mistake_tables import SOURCES, tables
from lib.queries.mistakes import Cell, MistakeFilter, TopMistakes, View
from lib.schema import LEVELS
from lib.ui import controls, looks, tray, withheld
from lib.ui.cached import ask, drawn, worked_out
from lib.ui.page import Page
from lib.ui.source import Source
from lib.ui.tables import list_height, show_chart, show_table
from lib.ui.text import plain


def read_filter(page: Page, period: Period) -> MistakeFilter:
    """The row of controls; cells of the heatmap are not part of it yet."""
    wanted = controls.one_or_more_of(page, "sources", "Sources", list(SOURCES), shown=_source_name)
    sources = tuple(source for source in SOURCES if source in wanted)
    levels = controls.some_of(page, "levels", "Level", [*LEVELS, UNKNOWN])
    names = sorted(set(_of_every_type(page, period, MistakeFilter(sources, levels=levels))["value"]))
    types = controls.some_of(page, "types", "Type", sorted({withheld.shown_text(page, name) for name in names}))
    return MistakeFilter(sources, withheld.meant(page, types, names), levels)


def _source_name(source: str) -> str:
    return {str(name): label for name, label in SOURCES.items()}[source]


def _of_every_type(page: Page, period: Period, where: MistakeFilter) -> pd.DataFrame:
    return ask(page.source, mistakes.mistakes_by, period, MistakeFilter(where.sources, levels=where.levels), "type")


def say_if_none(page: Page, period: Period, where: MistakeFilter) -> None:
    """Once for the whole page that there is nothing to show, and why."""
    if _of_every_type(page, period, where).empty:
        page.say_empty("No mistakes", period)


def draw_heatmap(page: Page, period: Period, where: MistakeFilter) -> None:
    """Mistakes by category and what the visitor chooses; a click on cells narrows the list."""
    view = controls.one_of(
        page, "view", "Across", list(definitions.VIEWS), shown=definitions.VIEWS.__getitem__, forgets="cells"
    )
    counts = withheld.shown_groups(page, _counts(page, period, where, view), "value", "error_category")
    names = _step_names(period) if view == "week" else {}
    picture = st.container()  # above the control that says which cells it begins with
    _choose_cells(page, counts, names)
    with picture:
        if counts.empty:
            _say_no_cells(page, period, where, view)
        else:
            _draw_cells(page, period, where, counts, names)


def _draw_cells(
    page: Page, period: Period, where: MistakeFilter, counts: pd.DataFrame, names: Mapping[str, str]
) -> None:
    view: View = page.filters["view"]
    order = sorted(set(counts["value"])) if view in ("week", "level") else None
    title = definitions.STEPS if view == "week" else definitions.VIEWS[view]
    key = page.filters.key(withheld.shown_text(page, f"heatmap_{page.filters.visit}_{view}_{period}_{where}"))
    # The cells that the chart starts with; after that the browser keeps them, and the same chart need not travel again.
    start = st.session_state.setdefault(f"{key}_start", page.filters["cells"])
    show_chart(
        page,
        Sheet(f"Mistakes by {definitions.VIEWS[view].lower()}", counts, definitions.CELL_COLUMNS),
        drawn(charts.heatmap, counts, x_title=title, x_names=names, selectable=True, selected=start, x_order=order),
        how=definitions.HEATMAP,
        sql=counts.attrs.get("sql", ""),
        key=key,
        on_select=lambda: _take_cells(page, key, counts),
        selection_mode=("cell", "last"),
    )


def _counts(page: Page, period: Period, where: MistakeFilter, view: View) -> pd.DataFrame:
    return ask(page.source, mistakes.mistakes_by, period, where, view)


def _step_names(period: Period) -> dict[str, str]:
    """What weeks or months are called in the picture: `25 Aug`, with a star where the window cuts them."""
    return {
        step.first.isoformat(): day_text(step.first).rpartition(" ")[0] + ("*" if is_cut else "")
        for step, is_cut in zip(period.steps, period.cut_steps, strict=True)
    }


def _choose_cells(page: Page, counts: pd.DataFrame, names: Mapping[str, str]) -> None:
    """The cells of the heatmap for the keyboard: the same filter as a click, which the chart takes over."""
    cells = list(counts.sort_values(["error_category", "value"])[["value", "error_category"]].itertuples(index=False))
    controls.some_of(
        page,
        "cells",
        "Show only",
        [(value, category) for value, category in cells],
        shown=lambda cell: _cell_name(cell, names),
        placeholder="All; choose here, or click above",
        width="stretch",
        on_change=page.filters.reset,  # of nothing: the chart begins anew, with these cells
    )


def _cell_name(cell: tuple[str, str], names: Mapping[str, str]) -> str:
    value, category = cell
    return f"{category} / {names.get(value, value)}"


def _say_no_cells(page: Page, period: Period, where: MistakeFilter, view: View) -> None:
    """Why the heatmap is empty where the list is not."""
    if _of_every_type(page, period, where).empty:
        return
    having = [source for source, table in tables().items() if table.domain is not None]
    if view != "domain" or set(having) & set(where.sources):
        page.say_empty(f"No mistakes by {definitions.VIEWS[view].lower()}", period)
        return
    labels = " and ".join(SOURCES[source] for source in having)
    st.info(f"**Domains are recorded for {labels} only.**", icon=":material/info:")
    wanted = tuple(source for source in SOURCES if source in (*where.sources, *having))
    st.button("Add these sources", on_click=page.filters.set, kwargs={"sources": wanted}, icon=":material/add:")


def _take_cells(page: Page, key: str, counts: pd.DataFrame) -> None:
    """The clicked cells become the filter. A cell of what is added up stands for too many: the chart begins anew."""
    points = st.session_state.get(key, {}).get("selection", {}).get("cell") or []
    clicked = [(str(point["value"]), str(point["error_category"])) for point in points]
    there = set(counts[["value", "error_category"]].itertuples(index=False, name=None))
    page.filters.set(cells=tuple(cell for cell in clicked if cell in there))
    if not there.issuperset(clicked):
        page.filters.reset()


def narrowed(page: Page, period: Period, where: MistakeFilter) -> MistakeFilter:
    """The filter with the picked cells of the heatmap."""
    weeks = {week.first.isoformat(): week for week in period.steps}
    view = page.filters["view"]
    chosen = page.filters["cells"]
    if chosen:
        names = _counts(page, period, where, view)[["value", "error_category"]].itertuples(index=False, name=None)
        chosen = withheld.meant_pairs(page, chosen, names)
    cells = [Cell(view, value, category, weeks.get(value)) for value, category in chosen]
    return MistakeFilter(where.sources, where.types, where.levels, tuple(cells))


def ranked_mistakes(
    source: Source, period: Period, where: MistakeFilter, limit: int, min_users: int
) -> tuple[TopMistakes, pd.DataFrame]:
    """The most frequent mistakes, as they were counted and as `lib.analysis.mistakes.ranked` has them."""
    top = ask(source, mistakes.top_mistakes, period, where, limit=limit)
    details = ask(source, mistakes.mistake_details, period, where, top.rows)
    sessions = ask(source, mistakes.session_count, period, where)
    return top, ranked(top, details, ask(source, correct_forms), sessions=sessions, min_users=min_users)


def draw_list(page: Page, period: Period, where: MistakeFilter) -> pd.DataFrame:
    """The ranked table and the tray under it; gives back what is in the tray, all columns."""
    st.header("Most frequent mistakes", anchor=False)
    limits = page.settings.top, page.settings.publish_min_users
    top, table = worked_out(page.source, ranked_mistakes, period, where, *limits)
    _say_selection(page, period)
    # Addresses are cut only now: what may be published, and which form is right, goes by the text as it is.
    table = withheld.shown_frame(page, table)
    table = table.assign(publishable=table["post"] == "yes")
    # Ticks belong to rows: another list is another key, and begins with what is in the tray.
    key = page.filters.key(f"list_{crc32(repr(table[tray.IDENTITY].values.tolist()).encode())}")
    event = show_table(
        page,
        Sheet("Top mistakes", table, definitions.MISTAKE_LIST_COLUMNS),
        how=definitions.MISTAKES
        + f"- {top.total:,} mistakes, {top.different:,} different; {top.left_out:,} without a text.\n",
        sql=top.rows.attrs.get("sql", ""),
        of=top.different,
        widths=looks.MISTAKE_WIDTHS,
        height=list_height(len(table)),
        key=key,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": tray.places(table, tray.picked_before(page, table))}},
    )
    if top.left_out:
        st.caption(f"Left out because they have no text: {top.left_out:,}")
    picked = tray.pick(page, table, event.selection.rows)
    tray.draw_tray(table, picked, key)
    return picked


def _say_selection(page: Page, period: Period) -> None:
    if cells := page.filters["cells"]:
        names = _step_names(period) if page.filters["view"] == "week" else {}
        st.button(
            f"Only {', '.join(plain(_cell_name(cell, names)) for cell in cells)}: show all",
            on_click=page.filters.reset,
            args=("cells",),
            type="tertiary",
            icon=":material/close:",
        )
