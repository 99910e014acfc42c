"""The chart of a statement's answer: whoever asked chooses its kind and its two columns."""

from __future__ import annotations

from typing import Any, Literal

import altair as alt
import pandas as pd

from lib.charts.palette import Palette, dress, with_rows
from lib.exports import Column

OwnKind = Literal["Bars", "Line", "Points"]
KINDS: tuple[OwnKind, ...] = ("Bars", "Line", "Points")
NUMBERS = frozenset({"integer", "decimal", "percent", "money"})
MOMENTS = frozenset({"date", "datetime"})
MOST_DRAWN = 2_000
MOST_BARS = 60
LONGEST_LABEL = 60
FEW_LABELS = 6  # that stand side by side on a phone
BAR_WIDTH = alt.ExprRef("min(0.85 * bandwidth('x'), 64)")


def drawn_rows(frame: pd.DataFrame, kind: OwnKind, y: str) -> pd.DataFrame:
    """The rows that the chart shows: the first ones that have a number, as many as can be told apart."""
    with_number = frame[frame[y].notna()]
    return with_number.head(MOST_BARS if kind == "Bars" else MOST_DRAWN)


def own_chart(
    frame: pd.DataFrame, x: tuple[str, Column], y: tuple[str, Column], kind: OwnKind, palette: Palette, zone: str
) -> alt.LayerChart:
    """``frame`` as bars, a line or points; ``x`` and ``y`` are names of its columns with what they hold.

    ``y`` is a column of numbers. Moments are drawn in ``zone``. Rows are drawn in their order, see ``drawn_rows``.
    """
    rows = drawn_rows(frame, kind, y[0])
    # Names of columns are whoever asked's: they are titles here, never names of fields.
    data = pd.DataFrame({"x": _drawable(rows[x[0]], x[1], zone), "y": rows[y[0]].astype("float64")})
    base = alt.Chart(data.reset_index(drop=True)).encode(
        x=_axis_x(x[1], kind, len(data)),
        y=alt.Y("y:Q", title=y[1].label, scale=alt.Scale(zero=kind == "Bars")),
        tooltip=[alt.Tooltip("x", title=x[1].label), alt.Tooltip("y:Q", title=y[1].label, format=",.10~g")],
    )
    marks = {
        "Bars": lambda: base.mark_bar(color=palette.sequential[1], width=BAR_WIDTH),
        "Line": lambda: base.mark_line(
            color=palette.strong, strokeWidth=2, point={"color": palette.strong, "size": 30}
        ),
        "Points": lambda: base.mark_point(color=palette.strong, size=40, strokeWidth=1.5, opacity=0.8),
    }
    return dress(
        with_rows((marks[kind](), len(data))), palette, height=300, description=describe_own_chart(frame, x, y, kind)
    )


def describe_own_chart(frame: pd.DataFrame, x: tuple[str, Column], y: tuple[str, Column], kind: OwnKind) -> str:
    """The text alternative."""
    values = drawn_rows(frame, kind, y[0])[y[0]]
    span = f", from {values.min():,.6g} to {values.max():,.6g}" if len(values) else ""
    return f"{kind} of {y[1].label} by {x[1].label}: {len(values):,} values{span}."


def _axis_x(column: Column, kind: OwnKind, count: int) -> alt.X:
    if column.kind in MOMENTS and kind != "Bars":
        return alt.X("x:T", title=column.label)
    if column.kind in NUMBERS and kind != "Bars":
        return alt.X("x:Q", title=column.label, scale=alt.Scale(zero=False))
    axis = alt.Axis(labelAngle=0 if count <= FEW_LABELS else -40, labelLimit=120, labelOverlap="greedy")
    return alt.X("x:N", title=column.label, sort=None, axis=axis)


def _drawable(values: pd.Series[Any], column: Column, zone: str) -> pd.Series[Any]:
    if column.kind == "datetime":
        values = values.dt.tz_convert(zone).dt.tz_localize(None)
    elif column.kind == "date":
        values = pd.to_datetime(values, errors="coerce")
    elif column.kind in NUMBERS:
        values = values.astype("float64")
    else:
        values = values.astype("str").str.slice(0, LONGEST_LABEL)
    return values
