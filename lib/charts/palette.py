"""The colours and the type of every chart, on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import altair as alt
import pandas as pd

from lib.exports import Spec

# The page's own fonts; then the one that vl-convert brings along for pictures.
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif"
TEXT_SIZE = 12
Layer = dict[str, Any]  # one layer of a chart in Vega-Lite


@dataclass(frozen=True)
class Palette:
    """Colours as #rrggbb. ``surface`` is the page behind the chart, ``sequential`` runs from few to many."""

    text: str
    muted: str
    grid: str
    surface: str
    accent: str
    sequential: tuple[str, str, str]
    others: str
    roles: Mapping[str, str] = field(hash=False)
    background: str = "transparent"

    def role(self, name: str) -> str:
        """The colour of a role, on every page the same; one grey for those that are not in the list."""
        return self.roles.get(name, self.others)

    def shade(self, share: float) -> str:
        """The colour of the sequential scale at ``share`` (0 to 1), as Vega mixes it (in RGB)."""
        pair = self.sequential[:2] if share < 0.5 else self.sequential[1:]
        at = 2 * share - (share >= 0.5)
        few, many = (_channels(color) for color in pair)
        return "#" + "".join(f"{round(a + (b - a) * at):02x}" for a, b in zip(few, many, strict=True))

    @property
    def strong(self) -> str:
        """The colour of a figure that has no colour of its own."""
        return self.sequential[-1]


LIGHT = Palette(
    text="#1f2933",
    muted="#5a6572",
    grid="#e4e7eb",
    surface="#ffffff",
    accent="#d55e00",
    sequential=("#e6eff8", "#5f9fd4", "#08306b"),
    others="#7f7f7f",
    roles=MappingProxyType({"free": "#0072b2", "student": "#e69f00", "coach": "#009e73", "superuser": "#cc79a7"}),
)
# Blue and grey are lifted, so that thin lines stay visible; the other three are light enough as they are.
DARK = Palette(
    text="#e4e8ed",
    muted="#a3adb9",
    grid="#2b313b",
    surface="#11151a",
    accent="#ff9248",
    sequential=("#17283d", "#2f6ea8", "#b3d7ff"),
    others="#a0a0a0",
    roles=MappingProxyType({"free": "#3399dd", "student": "#e69f00", "coach": "#12b886", "superuser": "#d68fb7"}),
)


def palette(theme: str | None) -> Palette:
    """The palette for the page's theme, "light" or "dark"; light when it is not known yet."""
    return DARK if theme == "dark" else LIGHT


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, 1 (none) to 21. Source: WCAG 2.2, "contrast ratio" and "relative luminance"."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def ink(fill: str) -> str:
    """Black or white, whichever reads better on ``fill``: at least 4.5, whatever the colour."""
    return max("#000000", "#ffffff", key=lambda color: contrast(color, fill))


def _luminance(color: str) -> float:
    shares = (channel / 255 for channel in _channels(color))
    linear = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


# The width includes axes and labels, so a phone shows all of them; the height does not, so rows keep theirs.
_SHAPE: dict[str, Any] = {
    "width": "container",
    "autosize": {"type": "fit-x", "contains": "padding"},
    "padding": {"left": 2, "top": 6, "right": 10, "bottom": 6},
}


NOTHING = "Nothing to draw"


def with_rows(*layers: tuple[alt.Chart, int]) -> list[alt.Chart]:
    """Those of ``layers`` (each with its number of rows) that have any: Vega warns of the infinite extent of others.

    Where none has, a word that says so.
    """
    none = alt.Chart(alt.InlineData([{}])).mark_text(text=NOTHING)
    return [layer for layer, rows in layers if rows] or [none]


def dress(layers: Iterable[alt.Chart], colors: Palette, *, height: int, description: str) -> alt.LayerChart:
    """The layers as one chart with the common type and colours, as wide as its place; ``height``: pixels of plot.

    ``description`` is the text alternative; st.altair_chart takes it from the chart.
    """
    chart = alt.LayerChart(layer=list(layers)).properties(**_SHAPE, height=height, description=description)
    dressed: alt.LayerChart = chart.configure(**_config(colors))
    return dressed


def dress_layers(
    layers: Iterable[Layer], colors: Palette, *, rows: Mapping[str, pd.DataFrame], height: int, description: str
) -> Spec:
    """The same for layers that are written as Vega-Lite; ``rows`` by the name that a layer gives its data."""
    return {
        "$schema": alt.SCHEMA_URL,
        **_SHAPE,
        "height": height,
        "description": description,
        "layer": list(layers),
        "datasets": dict(rows),
        "config": _config(colors),
    }


def _config(colors: Palette) -> dict[str, Any]:
    labels = {"labelFontSize": TEXT_SIZE, "labelColor": colors.text, "labelLimit": 260, "labelFontWeight": "normal"}
    titles = {"titleFontSize": TEXT_SIZE, "titleColor": colors.muted, "titleFontWeight": "normal", "titleLimit": 320}
    return {
        "font": FONT,
        "background": colors.background,
        "view": {"stroke": "transparent"},
        # A mark that has no tooltip of its own lets the pointer through to the one below it.
        "mark": {"tooltip": None},
        "text": {"fontSize": TEXT_SIZE, "color": colors.text},
        "axis": {
            **labels,
            **titles,
            "gridColor": colors.grid,
            "domain": False,
            "ticks": False,
            "labelPadding": 6,
            "titlePadding": 10,
        },
        "legend": {**labels, **titles, "orient": "top", "title": None, "offset": 10, "symbolSize": 80},
    }
