"""A picture for a post: one mistake, and how to say it."""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass

import altair as alt
import pandas as pd

from lib.charts.palette import LIGHT, Palette

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"  # the one that vl-convert brings along: widths are known
WIDTH, HEIGHT = 1200, 627  # what LinkedIn shows without cropping
MARGIN, INDENT = 100, 84
TOP, BOTTOM = 160, 514  # the two forms stand between these
GAP = 56
LEADING = 1.25  # line height, of the type size
CROSS, CHECK = "M-1,-1L1,1M1,-1L-1,1", "M-1.1,0L-.35,.75L1.1,-.8"
BRAND = "Fluency Lab"
TINY = 14


@dataclass(frozen=True)
class Block:
    """Lines of text of one size, in pixels."""

    lines: tuple[str, ...]
    size: int

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * LEADING


def post_card(wrong: str, right: str, label: str, palette: Palette = LIGHT) -> alt.LayerChart:
    """A card of 1200 x 627 pixels: the label, the wrong form with a cross, the right form large with a check.

    Long text gets more lines and smaller type until all of it fits; nothing is cut off.
    """
    said = fit(wrong, largest=44, height=130)
    better = fit(right, largest=84, height=BOTTOM - TOP - GAP - said.height)
    top = TOP + (BOTTOM - TOP - GAP - said.height - better.height) / 2
    below = top + said.height + GAP
    indent = MARGIN + INDENT
    layers = (
        _ground(palette),
        _text(fit(label, largest=30, height=40), MARGIN, 84, palette.muted),
        _sign(CROSS, top + said.size * LEADING / 2, 15, palette.muted),
        _text(said, indent, top, palette.muted),
        _sign(CHECK, below + better.size * LEADING / 2, 22, palette.role("coach")),
        _text(better, indent, below, palette.text, is_bold=True),
        _text(Block((BRAND,), 24), MARGIN, HEIGHT - 70, palette.muted, is_bold=True),
    )
    description = f"{label}. Not: {wrong}. But: {right}."
    chart = alt.LayerChart(layer=list(layers)).properties(
        width=WIDTH, height=HEIGHT, padding=0, description=description
    )
    card: alt.LayerChart = chart.configure(
        background=palette.surface, view=alt.ViewConfig(stroke="transparent"), font=FONT
    )
    return card


def fit(text: str, *, largest: int, height: float) -> Block:
    """The text in the largest type that keeps it within the card and ``height`` pixels."""
    room = WIDTH - 2 * MARGIN - INDENT
    for size in range(largest, TINY, -2):
        block = Block(_wrap(text, room / size), size)
        if block.height <= height and all(_ems(line) * size <= room for line in block.lines):
            return block
    return Block(_wrap(text, room / TINY), TINY)


def _wrap(text: str, ems: float) -> tuple[str, ...]:
    """Lines of at most about ``ems`` times the type size, all of about the same length."""
    mean = _ems(text) / max(len(text), 1)
    most = max(int(ems / max(mean, 0.3)), 1)
    lines = textwrap.wrap(text, most)
    even = (textwrap.wrap(text, width) for width in range(max(len(text) // max(len(lines), 1), 1), most))
    return tuple(next((better for better in even if len(better) <= len(lines)), lines)) or ("",)


def _ems(text: str) -> float:
    """The width of bold text in type sizes, on the wide side: there is no font to measure before it is drawn."""
    return sum(_em(character) for character in text)


def _em(character: str) -> float:
    if unicodedata.east_asian_width(character) in "WF" or character in "mwMW@%":
        return 1.05
    if character in "iljtfrI.,:;'|! ()-":
        return 0.4
    return 0.78 if character.isupper() else 0.64


def _ground(palette: Palette) -> alt.Chart:
    """A plain ground with a bar of the accent colour at the edge."""
    bar = pd.DataFrame({"x": [0], "x2": [14], "y": [0], "y2": [HEIGHT]})
    across, down = (_pixels(channel, name) for channel, name in ((alt.X, "x"), (alt.Y, "y")))
    mark = alt.Chart(bar).mark_rect(color=palette.strong, aria=False)
    ground: alt.Chart = mark.encode(across, down, x2="x2", y2="y2")
    return ground


def _pixels(channel: type[alt.X] | type[alt.Y], column: str) -> alt.X | alt.Y:
    return channel(f"{column}:Q", scale=None, axis=None)


def _text(block: Block, x: float, top: float, color: str, *, is_bold: bool = False) -> alt.Chart:
    row = pd.DataFrame({"x": [x], "y": [top + block.size * LEADING / 2], "text": [list(block.lines)]})
    mark = alt.Chart(row).mark_text(
        align="left",
        baseline="middle",
        color=color,
        font=FONT,
        fontSize=block.size,
        fontWeight=700 if is_bold else 400,
        lineHeight=block.size * LEADING,
    )
    text: alt.Chart = mark.encode(_pixels(alt.X, "x"), _pixels(alt.Y, "y"), text="text:N")
    return text


def _sign(path: str, y: float, radius: int, color: str) -> alt.Chart:
    row = pd.DataFrame({"x": [MARGIN + radius], "y": [y]})
    mark = alt.Chart(row).mark_point(
        shape=path, size=4 * radius**2, filled=False, stroke=color, strokeWidth=radius / 3, opacity=1, aria=False
    )
    sign: alt.Chart = mark.encode(_pixels(alt.X, "x"), _pixels(alt.Y, "y"))
    return sign
