"""What the thresholds do: candidates and revenue at every setting, the present one marked.

Written as Vega-Lite: both are drawn anew for every step of a slider, and Altair takes a tenth of a second for them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from lib.charts.cells import compact, few_to_many, fitting, inks
from lib.charts.palette import NOTHING, Layer, Palette, dress_layers
from lib.exports import Spec
from lib.rounding import half_up

CELL_HEIGHT = 44
CONFIDENCE, LEAST = "Confidence above", "Sessions at least"


def what_if_grid(frame: pd.DataFrame, palette: Palette, *, now: tuple[float, int], price: float, currency: str) -> Spec:
    """Candidates, and the revenue they would bring, at every setting; the present one is outlined.

    ``frame``: min_confidence (float), min_sessions (int), candidates (int), revenue (float), one row a setting.
    ``now``: the present (min_confidence, min_sessions). ``price`` a candidate, and ``currency`` as written before a
    number ("$", "EUR "). A click selects one setting: selection "cell", fields min_confidence and min_sessions.
    """
    settings = _with_texts(frame, palette, now, currency)
    layers = (
        _cells(frame, palette),
        _layer("rect", fill=None, stroke=palette.accent, strokeWidth=3, cornerRadius=1, aria=False)
        | {"transform": [{"filter": "datum.is_now"}]},
        _written(settings, "count", largest=13, dy=-7, fontWeight=600),
        _written(settings, "money", largest=11, dy=9, fontWeight=400),
    )
    place = {
        "x": _band("min_confidence", CONFIDENCE, ".1f", 0.03),
        "y": _band("min_sessions", LEAST, "d", 0.05),
    }
    said = describe_what_if_grid(frame, now=now, price=price, currency=currency)
    rows = max(frame["min_sessions"].nunique(), 1)
    drawn = dress_layers(layers, palette, rows={"settings": settings}, height=CELL_HEIGHT * rows, description=said)
    return drawn | {"data": {"name": "settings"}, "encoding": place, "params": [_CLICK]}


# A click selects a setting, and stays: there is always one.
_CLICK = {
    "name": "cell",
    "views": ["settings"],
    "select": {
        "type": "point",
        "fields": ["min_confidence", "min_sessions"],
        "on": "click",
        "toggle": False,
        "clear": False,
    },
}


def _with_texts(frame: pd.DataFrame, palette: Palette, now: tuple[float, int], currency: str) -> pd.DataFrame:
    counts, revenues = frame["candidates"].tolist(), frame["revenue"].tolist()
    texts = {
        "count": [f"{count:,}" for count in counts],
        "money": [f"{currency}{compact(revenue)}" for revenue in revenues],
        "revenue_text": [f"{currency}{half_up(revenue, 0):,.0f}" for revenue in revenues],
        "label": [
            f"{_rule((confidence, least))}: {_counted(count, 'candidate')}"
            for confidence, least, count in zip(frame["min_confidence"], frame["min_sessions"], counts, strict=True)
        ],
    }
    columns = {name: pd.Series(text, index=frame.index, dtype="str") for name, text in texts.items()}
    return frame.assign(is_now=_is_now(frame, now), ink=inks(frame["candidates"], palette), **columns)


def _is_now(frame: pd.DataFrame, now: tuple[float, int]) -> pd.Series:
    # The steps come from arithmetic: 8.1 may be 8.100000000000001.
    same = np.isclose(frame["min_confidence"].to_numpy(dtype=np.float64), now[0])
    return pd.Series(same, index=frame.index) & (frame["min_sessions"] == now[1])


def _layer(mark: str, encoding: dict[str, Any] | None = None, **look: Any) -> Layer:
    return {"mark": {"type": mark, **look}, "encoding": encoding or {}}


def _field(name: str, kind: str, title: str | None = None, **more: Any) -> dict[str, Any]:
    return {"field": name, "type": kind, "title": title, **more}


def _band(name: str, title: str, form: str, gap: float) -> dict[str, Any]:
    axis = {"format": form, "labelAngle": 0, "labelOverlap": False}
    return _field(name, "ordinal", title, scale={"paddingInner": gap, "paddingOuter": 0}, axis=axis)


def _cells(frame: pd.DataFrame, palette: Palette) -> Layer:
    most = float(frame["candidates"].max()) if len(frame) else 1
    color = _field("candidates", "quantitative", "To offer", scale=few_to_many(most, palette), legend=None)
    tooltip = [
        _field("min_confidence", "quantitative", CONFIDENCE, format=".1f"),
        _field("min_sessions", "quantitative", LEAST),
        _field("candidates", "quantitative", "To offer", format=",d"),
        _field("revenue_text", "nominal", "Revenue potential"),
    ]
    encoding = {"color": color, "tooltip": tooltip, "description": _field("label", "nominal")}
    return _layer("rect", encoding, cornerRadius=1, cursor="pointer") | {"name": "settings"}


def _written(settings: pd.DataFrame, column: str, *, largest: float, **look: Any) -> Layer:
    """The large number of a cell (count), or the smaller one beneath (money)."""
    longest = int(settings[column].str.len().max()) if len(settings) else 1
    size = {"expr": fitting(settings["min_confidence"].nunique(), longest, largest=largest)}
    fill = {"field": "ink", "type": "nominal", "scale": None, "legend": None}
    return _layer("text", {"text": _field(column, "nominal"), "fill": fill}, fontSize=size, aria=False, **look)


def describe_what_if_grid(frame: pd.DataFrame, *, now: tuple[float, int], price: float, currency: str) -> str:
    """One sentence that says what ``what_if_grid`` shows."""
    subject = f"Candidates and revenue at {currency}{price:,.0f} each for every setting"
    if frame.empty:
        return f"{subject}: none."
    few, many = frame["candidates"].min(), frame["candidates"].max()
    here = frame.loc[_is_now(frame, now), "candidates"]
    present = f"; {_counted(here.iloc[0], 'candidate')} at the present one" if len(here) else ""
    return f"{subject}: {few:,} to {many:,} candidates{present} ({_rule(now)})."


def _rule(setting: tuple[float, int]) -> str:
    return f"confidence above {setting[0]:.1f}, at least {_counted(setting[1], 'session')}"


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def candidates_curve(frame: pd.DataFrame, palette: Palette, *, now: float) -> Spec:
    """Candidates at every minimum confidence, the present one marked with its value.

    ``frame``: min_confidence (float, steps of 0.1), candidates (int), revenue (float). A setting between two steps is
    marked without a value, since none was computed for it.
    """
    here = frame[np.isclose(frame["min_confidence"].to_numpy(dtype=np.float64), now)]
    text = f"{_counted(here['candidates'].iloc[0], 'candidate')} above {now:.1f}" if len(here) else f"above {now:g}"
    mark = pd.DataFrame({"min_confidence": [now], "text": pd.Series([text], dtype="str")}).iloc[: len(frame)]
    is_right = len(frame) > 0 and now > frame["min_confidence"].mean()
    rows = {"steps": frame, "here": here, "now": mark}
    every = (_steps(palette), *_present(palette, is_right=is_right), _touch())
    none = _layer("text", text=NOTHING) | {"data": {"values": [{}]}}
    layers = [layer for layer in every if len(rows[layer["data"]["name"]])] or [none]  # see palette.with_rows
    return dress_layers(layers, palette, rows=rows, height=180, description=describe_candidates_curve(frame, now=now))


_AXIS = {"format": ".1f", "grid": False, "labelOverlap": "parity", "labelSeparation": 6, "labelFlush": False}
_X = _field(
    "min_confidence", "quantitative", CONFIDENCE, scale={"zero": False, "nice": False, "padding": 10}, axis=_AXIS
)
_Y = _field("candidates", "quantitative", "To offer", axis={"format": ",d", "tickMinStep": 1, "tickCount": 4})


def _steps(palette: Palette) -> Layer:
    # A setting holds up to the next step: scores above it count, so the line drops where a step begins.
    line = _layer("line", {"x": _X, "y": _Y}, interpolate="step-after", color=palette.strong, strokeWidth=2)
    return line | {"data": {"name": "steps"}}


def _present(palette: Palette, *, is_right: bool) -> tuple[Layer, Layer, Layer]:
    """The present setting: a line, a dot where there is a value, and the value in words."""
    rule = _layer("rule", {"x": _X}, color=palette.accent, strokeWidth=1.5, aria=False)
    dot = _layer("point", {"x": _X, "y": _Y}, filled=True, size=70, opacity=1, color=palette.accent, aria=False)
    side = {"align": "right" if is_right else "left", "dx": -6 if is_right else 6}
    words = {"x": _X, "y": {"value": -4}, "text": _field("text", "nominal")}
    label = _layer("text", words, baseline="bottom", fontWeight=600, aria=False, **side)
    return rule | {"data": {"name": "now"}}, dot | {"data": {"name": "here"}}, label | {"data": {"name": "now"}}


def _touch() -> Layer:
    """Points that are not seen, for the pointer."""
    tooltip = [
        _field("min_confidence", "quantitative", CONFIDENCE, format=".1f"),
        _field("candidates", "quantitative", "To offer", format=",d"),
        _field("revenue", "quantitative", "Revenue potential", format=",.0f"),
    ]
    points = _layer("point", {"x": _X, "y": _Y, "tooltip": tooltip}, size=120, opacity=0, filled=True)
    return points | {"data": {"name": "steps"}}


def describe_candidates_curve(frame: pd.DataFrame, *, now: float) -> str:
    """One sentence that says what ``candidates_curve`` shows."""
    if frame.empty:
        return "Candidates by minimum confidence: none."
    steps = frame.sort_values("min_confidence")
    first, last = steps.iloc[0], steps.iloc[-1]
    here = frame.loc[np.isclose(frame["min_confidence"].to_numpy(dtype=np.float64), now), "candidates"]
    present = f"; {_counted(here.iloc[0], 'candidate')} at the present {now:.1f}" if len(here) else ""
    return (
        f"Candidates by minimum confidence: {first['candidates']:,.0f} above {first['min_confidence']:.1f},"
        f" {last['candidates']:,.0f} above {last['min_confidence']:.1f}{present}."
    )
