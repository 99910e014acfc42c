"""The Mistakes page: heatmap and ranked list side by side, with one selection between them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib import charts, definitions
from lib.analysis.mistakes import ranked
from lib.dialects import UNKNOWN
from lib.exports import Sheet
from lib.period import Period
from lib.queries import mistakes
from lib.queries.corrections import correct_forms
from lib.queries.mistake_tables import SOURCES
from lib.queries.mistakes import Cell, MistakeFilter, TopMistakes, View
from lib.schema import LEVELS
from lib.ui import controls, looks, withheld
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
    every = ask(page.source, mistakes.mistakes_by, period, MistakeFilter(sources, levels=levels), "type")
    names = sorted(set(every["value"]))
    types = controls.some_of(page, "types", "Type", sorted({withheld.shown_text(page, name) for name in names}))
    return MistakeFilter(sources, withheld.meant(page, types, names), levels)


def _source_name(source: str) -> str:
    return {str(name): label for name, label in SOURCES.items()}[source]


def draw_heatmap(page: Page, period: Period, where: MistakeFilter) -> None:
    """Mistakes by category and what the visitor chooses; a click on cells narrows the list."""
    view = controls.one_of(
        page, "view", "Across", list(definitions.VIEWS), shown=definitions.VIEWS.__getitem__, forgets="cells"
    )
    counts = withheld.shown_groups(page, _counts(page, period, where, view), "value", "error_category")
    if counts.empty:
        page.say_empty("No mistakes", period)
        return
    order = sorted(set(counts["value"])) if view in ("week", "level") else None
    key = page.filters.key(withheld.shown_text(page, f"heatmap_{page.filters.visit}_{view}_{period}_{where}"))
    # The cells that the chart starts with; after that the browser keeps them, and the same chart need not travel again.
    start = st.session_state.setdefault(f"{key}_start", page.filters["cells"])
    show_chart(
        page,
        Sheet(f"Mistakes by {definitions.VIEWS[view].lower()}", counts, definitions.CELL_COLUMNS),
        drawn(charts.heatmap, counts, x_title=definitions.VIEWS[view], selectable=True, selected=start, x_order=order),
        how=definitions.HEATMAP,
        sql=counts.attrs.get("sql", ""),
        key=key,
        on_select=lambda: page.filters.set(cells=_clicked(key)),
        selection_mode=("cell", "last"),
    )


def _counts(page: Page, period: Period, where: MistakeFilter, view: View) -> pd.DataFrame:
    """The cells of the heatmap, weeks by their names."""
    counts = ask(page.source, mistakes.mistakes_by, period, where, view)
    if view != "week":
        return counts
    return counts.assign(value=counts["value"].map({week.first.isoformat(): _name(week) for week in period.steps}))


def _clicked(key: str) -> tuple[tuple[str, str], ...]:
    points = st.session_state[key]["selection"].get("cell") or []
    return tuple((str(point["value"]), str(point["error_category"])) for point in points)


def _name(week: Period) -> str:
    return week.first.isoformat() + ("" if week.days == 7 else f" ({week.days} d)")


def narrowed(page: Page, period: Period, where: MistakeFilter) -> MistakeFilter:
    """The filter with the picked cells of the heatmap."""
    weeks = {_name(week): week for week in period.steps}
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
    """The ranked table; gives back the rows that are picked for posts, all columns."""
    limits = page.settings.top, page.settings.publish_min_users
    top, table = worked_out(page.source, ranked_mistakes, period, where, *limits)
    _say_selection(page)
    # Addresses are cut only now: what may be published, and which form is right, goes by the text as it is.
    table = withheld.shown_frame(page, table)
    if table.empty:
        page.say_empty("No mistakes", period)
    event = show_table(
        page,
        Sheet("Top mistakes", table, definitions.MISTAKE_COLUMNS),
        how=definitions.MISTAKES
        + f"- {top.total:,} mistakes, {top.different:,} different; {top.left_out:,} without a text.\n",
        sql=top.rows.attrs.get("sql", ""),
        of=top.different,
        widths=looks.MISTAKE_WIDTHS,
        height=list_height(len(table)),
        key=page.filters.key(withheld.shown_text(page, f"list_{period}_{where}")),
        on_select="rerun",
        selection_mode="multi-row",
    )
    if top.left_out:
        st.caption(f"Left out because they have no text: {top.left_out:,}")
    return table.iloc[[row for row in event.selection.rows if row < len(table)]]


def _say_selection(page: Page) -> None:
    cells = page.filters["cells"]
    if cells:
        names = ", ".join(plain(f"{category} / {value}") for value, category in cells)
        page.filters.use("cells", cells, "Cells", ", ".join(f"{category} / {value}" for value, category in cells))
        st.button(
            f"Only {names}: show all",
            on_click=page.filters.reset,
            args=("cells",),
            type="tertiary",
            icon=":material/close:",
        )
