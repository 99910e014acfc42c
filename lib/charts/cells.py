"""What the two grids of numbers share: cells that can be clicked, a number in each that reads on its colour."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from lib.charts.palette import TEXT_SIZE, Palette, ink

# A click beside the cells: on the empty ground, where there is no item or only the group that holds the marks.
BESIDE = "click[!event.item || event.item.mark.marktype === 'group']"
FADED = 0.25


def colored(column: str, most: float, palette: Palette, title: str) -> alt.Color:
    """Few to many on the sequential scale, from zero. No legend: every cell says its number.

    A square-root scale, or one large number would make all others look alike.
    """
    return alt.Color(f"{column}:Q", scale=alt.Scale(**few_to_many(most, palette)), legend=None, title=title)


def few_to_many(most: float, palette: Palette) -> dict[str, Any]:
    """The sequential scale of ``colored``, as Vega-Lite."""
    most = max(most, 1)
    domain = [0, most / 4, most]
    return {"type": "sqrt", "domain": domain, "range": list(palette.sequential), "interpolate": "rgb", "clamp": True}


def inks(values: pd.Series, palette: Palette) -> pd.Series:
    """For each number of cells colored by ``colored``, the colour to write it in."""
    most = max(values.max(), 1) if values.notna().any() else 1
    return values.map(lambda value: ink(palette.shade((value / most) ** 0.5)), na_action="ignore").astype("str")


def fitting(columns: int, characters: int, *, largest: float = TEXT_SIZE) -> str:
    """An expression for the type size at which ``characters`` fit into one of ``columns`` cells side by side."""
    pixels_each = 0.58 * max(characters, 1) * max(columns, 1) / 0.94
    return f"max(6, min({largest}, width / {pixels_each:.2f}))"


def narrower(columns: int, pixels: float) -> str:
    """An expression that is true where each of ``columns`` has less than ``pixels``, as on a phone."""
    return f"width < {max(columns, 1) * pixels:.0f}"


def compact(count: float) -> str:
    """`940`, `1.2k`, `60k`, `1.3M`: a count where there is little room."""
    if count < 1000:
        return f"{count:,.0f}"
    part, unit = (count / 1e6, "M") if count >= 999_500 else (count / 1e3, "k")
    return f"{part:.{0 if part >= 9.95 else 1}f}{unit}"
