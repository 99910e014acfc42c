"""The heatmap: mistakes by category, and by type, level, week or domain."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import altair as alt
import pandas as pd

from lib.charts.cells import BESIDE, FADED, colored, compact, fitting, inks, narrower
from lib.charts.palette import Palette, dress

LINE = 22  # characters; longer names go on in a second line
LEADING = 13  # pixels from line to line
LONGEST = 66  # characters; what is longer is no name, its tooltip has it all
MANY = 25  # categories
MOST_CATEGORIES, MOST_VALUES = 40, 20  # beyond these nobody can read a picture, and no program open it


def heatmap(
    frame: pd.DataFrame,
    palette: Palette,
    *,
    x_title: str,
    selectable: bool,
    selected: Sequence[tuple[str, str]] = (),
    x_order: Sequence[str] | None = None,
    x_names: Mapping[str, str] = MappingProxyType({}),
) -> alt.LayerChart:
    """A cell for each value and category that has mistakes, with their number.

    ``frame``: value (str), error_category (str), frequency (int), one row a cell. Categories stand by their total,
    falling; the rarest beyond MOST_CATEGORIES are added up in one row, the last, that says how many they are, and so
    are values beyond MOST_VALUES. Values with ``x_names``, no two of them alike, are called so and stay as they are:
    weeks have an order. With ``selectable`` a click adds
    a cell to the selection "cell" (fields value and error_category) or takes it away; ``selected`` cells are chosen
    from the start, without them a click beside the cells clears the selection. The selection "last" is the cell clicked
    last.
    """
    shown, down = _folded(frame, "error_category", MOST_CATEGORIES, "categories")
    most = max(MOST_VALUES, len(x_names))
    shown, across = _folded(shown, "value", most, f"{x_title.lower()}s", x_order)
    cells, written = _all_cells(shown, across, down, palette, x_names), [x_names.get(name, name) for name in across]
    base = alt.Chart(cells).encode(
        x=alt.X("name:N", title=x_title, scale=_band(written, 0.012), axis=_top_axis(written)),
        y=alt.Y("error_category:N", title=None, scale=_band(down, 0.06), axis=_category_axis()),
    )
    empty = base.mark_rect(fill=None, stroke=palette.grid, aria=False)
    full, row_height = base.transform_filter("isValid(datum.frequency)"), _row_height(down)
    rect = _colored_cells(full, cells["frequency"].max() if len(cells) else 1, palette, x_title)
    text = _numbers(full, cells, across, row_height)
    if selectable:
        rect, text = _clickable(rect, text, palette, selected)
    else:
        rect = rect.encode(stroke=alt.value(palette.surface))
        text = text.encode(fill=alt.Fill("ink:N", scale=None, legend=None))
    said = describe_heatmap(frame, x_title=x_title)
    return dress((empty, rect, text), palette, height=row_height * max(len(down), 1), description=said)


def _folded(
    frame: pd.DataFrame, column: str, most: int, noun: str, wanted: Sequence[str] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """The cells with at most ``most`` names in ``column``, the rarest added up in one, and the names in order."""
    order = _order(frame, column, wanted)
    if len(order) <= most:
        return frame, order
    kept = set(_order(frame, column, None)[: most - 1])
    others = f"{len(order) - len(kept):,} other {noun}"
    cells = frame.assign(**{column: frame[column].where(frame[column].isin(kept), others)})
    cells = cells.groupby(["value", "error_category"], sort=False)["frequency"].sum().reset_index()
    return cells, [*(name for name in order if name in kept), others]


def _order(frame: pd.DataFrame, column: str, wanted: Sequence[str] | None) -> list[str]:
    """The names as wanted, then all others by their total, falling."""
    totals = frame.groupby(column)["frequency"].sum().reset_index()
    by_total = totals.sort_values(by=["frequency", column], ascending=[False, True])
    return list(dict.fromkeys([*(wanted or ()), *by_total[column].astype("str")]))


def _all_cells(
    frame: pd.DataFrame, across: list[str], down: list[str], palette: Palette, x_names: Mapping[str, str]
) -> pd.DataFrame:
    """Every combination; frequency is missing, not zero, where there are no mistakes."""
    every = pd.MultiIndex.from_product([across, down], names=["value", "error_category"]).to_frame(index=False)
    every = every.astype("str").merge(frame[["value", "error_category", "frequency"]], how="left")
    frequency = every["frequency"].astype("float64")
    short = len(across) > 6
    name = every["value"].map(lambda value: x_names.get(value, value)).astype("str")
    return every.assign(
        name=name,
        frequency=frequency,
        ink=inks(frequency, palette),
        number=frequency.map(compact if short else "{:,.0f}".format, na_action="ignore").astype("str"),
        label=name + ", " + every["error_category"] + ": " + frequency.map(_mistakes).astype("str"),
    )


def _mistakes(count: float) -> str:
    return f"{count:,.0f} mistake{'' if count == 1 else 's'}"


def _colored_cells(full: alt.Chart, most: float, palette: Palette, x_title: str) -> alt.Chart:
    cells: alt.Chart = full.mark_rect(strokeWidth=2, cornerRadius=1).encode(
        color=colored("frequency", most, palette, "Mistakes"),
        tooltip=[
            alt.Tooltip("name:N", title=x_title),
            alt.Tooltip("error_category:N", title="Category"),
            alt.Tooltip("frequency:Q", title="Mistakes", format=",d"),
        ],
        description="label:N",
    )
    return cells


def _numbers(full: alt.Chart, cells: pd.DataFrame, across: list[str], row_height: int) -> alt.Chart:
    """The number in each cell; it stands upright where it would be too small to read otherwise.

    No tooltip and no selection of its own: Vega then lets clicks on the number through to the cell.
    """
    longest = int(cells["number"].where(cells["frequency"].notna(), "").str.len().max()) if len(cells) else 1
    upright = narrower(len(across), max(longest, 1) * 4.8)
    size = f"{upright} ? {min(10, (row_height - 3) / (0.58 * max(longest, 1))):.1f} : {fitting(len(across), longest)}"
    text = full.mark_text(aria=False, fontSize=alt.ExprRef(size), angle=alt.ExprRef(f"{upright} ? 270 : 0"))
    numbers: alt.Chart = text.encode(text="number:N")
    return numbers


def _clickable(
    rect: alt.Chart, text: alt.Chart, palette: Palette, selected: Sequence[tuple[str, str]]
) -> tuple[alt.Chart, alt.Chart]:
    """Chosen cells stay as they are and get an outline, the others fade; none chosen is the same as all."""
    cell = _selection(selected)
    # To the page, taking away the only cell chosen from the start looks as if nothing had happened: no cell is what it
    # would have begun with. The click itself is always news.
    last = alt.selection_point(name="last", fields=["value", "error_category"], on="click", toggle=False, clear=False)
    own_ink = alt.Fill("ink:N", scale=None, legend=None)
    rect = rect.encode(
        fillOpacity=alt.when(cell).then(alt.value(1)).otherwise(alt.value(FADED)),
        stroke=alt.when(cell, empty=False).then(alt.value(palette.accent)).otherwise(alt.value(palette.surface)),
    )
    text = text.encode(fill=alt.when(cell).then(own_ink).otherwise(alt.value(palette.text)))
    return rect.add_params(cell, last), text


def _selection(selected: Sequence[tuple[str, str]]) -> alt.Parameter:
    chosen = [{"value": value, "error_category": category} for value, category in selected]
    return alt.selection_point(
        name="cell",
        fields=["value", "error_category"],
        on="click",
        toggle="true",
        clear=False if chosen else BESIDE,
        value=chosen or alt.Undefined,
    )


def _band(order: list[str], gap: float) -> alt.Scale:
    # The order goes into the scale, not into sort=, which would put names from the data into an expression.
    return alt.Scale(domain=order, paddingInner=gap, paddingOuter=0)


def _top_axis(across: list[str]) -> alt.Axis:
    """Labels above the columns, upright where they would run into each other."""
    upright = narrower(len(across), 7 * max((len(name) for name in across), default=1) + 4)
    return alt.Axis(
        orient="top",
        labelOverlap=False,
        titleAnchor="start",
        labelAngle=alt.ExprRef(f"{upright} ? 270 : 0"),
        labelAlign=alt.ExprRef(f"{upright} ? 'left' : 'center'"),
        labelBaseline=alt.ExprRef(f"{upright} ? 'middle' : 'alphabetic'"),
    )


def _category_axis() -> alt.Axis:
    short = f"truncate(datum.label, {LONGEST})"
    lines = f"split(trim(replace({short}, regexp('(.{{1,{LINE}}})( |$)', 'g'), '$1\\n')), '\\n')"
    middle = f"-{LEADING / 2} * (length({lines}) - 1)"
    return alt.Axis(
        labelExpr=lines, labelLineHeight=LEADING, labelOffset=alt.ExprRef(middle), labelOverlap=False, labelPadding=8
    )


def _row_height(down: list[str]) -> int:
    lines = max((len(textwrap.wrap(name[:LONGEST], LINE)) for name in down), default=1)
    return max(26 if len(down) <= MANY else 20, LEADING * lines + 5)


def describe_heatmap(frame: pd.DataFrame, *, x_title: str) -> str:
    """One sentence that says what ``heatmap`` shows."""
    subject = f"Mistakes (rows: category, columns: {x_title})"
    if frame.empty:
        return f"{subject}: none."
    top = frame.sort_values(["frequency", "error_category", "value"], ascending=[False, True, True]).iloc[0]
    categories = frame["error_category"].nunique()
    return (
        f"{subject}: {frame['frequency'].sum():,} in {categories:,} categor{'y' if categories == 1 else 'ies'};"
        f" most in {top['error_category']}, {top['value']}: {top['frequency']:,}."
    )
