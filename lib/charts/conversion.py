"""What the thresholds do: candidates and revenue at every setting, the present one marked."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from lib.charts.cells import colored, compact, fitting, inks
from lib.charts.palette import Palette, dress

CELL_HEIGHT = 44
CONFIDENCE = "Confidence above (1 to 10)"


def what_if_grid(
    frame: pd.DataFrame, palette: Palette, *, now: tuple[float, int], price: float, currency: str
) -> alt.LayerChart:
    """Candidates, and the revenue they would bring, at every setting; the present one is outlined.

    ``frame``: min_confidence (float), min_sessions (int), candidates (int), revenue (float), one row a setting.
    ``now``: the present (min_confidence, min_sessions). ``price`` a candidate, and ``currency`` as written before a
    number ("$", "EUR "). A click selects one setting: selection "cell", fields min_confidence and min_sessions.
    """
    settings = _with_texts(frame, palette, now, currency)
    base = alt.Chart(settings).encode(
        x=alt.X("min_confidence:O", title=CONFIDENCE, scale=_bands(0.03), axis=_number_axis(".1f")),
        y=alt.Y("min_sessions:O", title="Minimum sessions", scale=_bands(0.05), axis=_number_axis("d")),
    )
    outline = base.transform_filter("datum.is_now").mark_rect(
        fill=None, stroke=palette.accent, strokeWidth=3, cornerRadius=1, aria=False
    )
    layers = (
        _settings(base, frame, palette),
        outline,
        _written(base, settings, "count"),
        _written(base, settings, "money"),
    )
    said = describe_what_if_grid(frame, now=now, price=price, currency=currency)
    rows = frame["min_sessions"].nunique()
    return dress(layers, palette, height=CELL_HEIGHT * max(rows, 1), description=said)


def _with_texts(frame: pd.DataFrame, palette: Palette, now: tuple[float, int], currency: str) -> pd.DataFrame:
    money = frame["revenue"].map(lambda revenue: f"{currency}{revenue:,.0f}").astype("str")
    return frame.assign(
        is_now=_is_now(frame, now),
        ink=inks(frame["candidates"], palette),
        count=frame["candidates"].map("{:,}".format).astype("str"),
        money=frame["revenue"].map(lambda revenue: f"{currency}{compact(revenue)}").astype("str"),
        revenue_text=money,
        label=[
            f"confidence above {confidence:.1f}, at least {_counted(least, 'session')}: {_counted(count, 'candidate')}"
            for confidence, least, count in zip(
                frame["min_confidence"], frame["min_sessions"], frame["candidates"], strict=True
            )
        ],
    )


def _is_now(frame: pd.DataFrame, now: tuple[float, int]) -> pd.Series:
    # The steps come from arithmetic: 8.1 may be 8.100000000000001.
    same = np.isclose(frame["min_confidence"].to_numpy(dtype=np.float64), now[0])
    return pd.Series(same, index=frame.index) & (frame["min_sessions"] == now[1])


def _bands(gap: float) -> alt.Scale:
    return alt.Scale(paddingInner=gap, paddingOuter=0)


def _number_axis(form: str) -> alt.Axis:
    return alt.Axis(format=form, labelAngle=0, labelOverlap=False)


def _settings(base: alt.Chart, frame: pd.DataFrame, palette: Palette) -> alt.Chart:
    cell = alt.selection_point(
        name="cell", fields=["min_confidence", "min_sessions"], on="click", toggle=False, clear=False
    )
    most = frame["candidates"].max() if len(frame) else 1
    tooltip = [
        alt.Tooltip("min_confidence:Q", title=CONFIDENCE, format=".1f"),
        alt.Tooltip("min_sessions:Q", title="Minimum sessions"),
        alt.Tooltip("candidates:Q", title="Candidates", format=",d"),
        alt.Tooltip("revenue_text:N", title="Revenue potential"),
    ]
    rect = base.mark_rect(cornerRadius=1, cursor="pointer").encode(
        color=colored("candidates", most, palette, "Candidates"), tooltip=tooltip, description="label:N"
    )
    clickable: alt.Chart = rect.add_params(cell)
    return clickable


def _written(base: alt.Chart, settings: pd.DataFrame, column: str) -> alt.Chart:
    """The large number of a cell (count), or the smaller one beneath (money)."""
    is_large = column == "count"
    longest = int(settings[column].str.len().max()) if len(settings) else 1
    size = alt.ExprRef(fitting(settings["min_confidence"].nunique(), longest, largest=13 if is_large else 11))
    text = base.mark_text(dy=-7 if is_large else 9, fontWeight=600 if is_large else 400, aria=False, fontSize=size)
    number: alt.Chart = text.encode(text=f"{column}:N", fill=alt.Fill("ink:N", scale=None, legend=None))
    return number


def describe_what_if_grid(frame: pd.DataFrame, *, now: tuple[float, int], price: float, currency: str) -> str:
    """One sentence that says what ``what_if_grid`` shows."""
    subject = f"Candidates and revenue at {currency}{price:,.0f} each for every setting"
    if frame.empty:
        return f"{subject}: none."
    few, many = frame["candidates"].min(), frame["candidates"].max()
    here = frame.loc[_is_now(frame, now), "candidates"]
    present = f"; {_counted(here.iloc[0], 'candidate')} at the present one" if len(here) else ""
    return f"{subject}: {few:,} to {many:,} candidates{present} ({_rule(now)})."


def _rule(now: tuple[float, int]) -> str:
    return f"confidence above {now[0]:.1f}, at least {_counted(now[1], 'session')}"


def _counted(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"


def candidates_curve(frame: pd.DataFrame, palette: Palette, *, now: float) -> alt.LayerChart:
    """Candidates at every minimum confidence, the present one marked with its value.

    ``frame``: min_confidence (float, steps of 0.1), candidates (int), revenue (float). A setting between two steps is
    marked without a value, since none was computed for it.
    """
    base = alt.Chart(frame).encode(
        x=alt.X(
            "min_confidence:Q",
            title=CONFIDENCE,
            scale=alt.Scale(zero=False, nice=False, padding=10),
            axis=_curve_axis(),
        ),
        y=alt.Y("candidates:Q", title="Candidates", axis=alt.Axis(format=",d", tickMinStep=1, tickCount=4)),
    )
    # A setting holds up to the next step: scores above it count, so the line drops where a step begins.
    line = base.mark_line(interpolate="step-after", color=palette.strong, strokeWidth=2)
    tooltip = [
        alt.Tooltip("min_confidence:Q", title=CONFIDENCE, format=".1f"),
        alt.Tooltip("candidates:Q", title="Candidates", format=",d"),
        alt.Tooltip("revenue:Q", title="Revenue potential", format=",.0f"),
    ]
    touch = base.mark_point(size=120, opacity=0, filled=True).encode(tooltip=tooltip)
    layers = (line, *_present(base, frame, palette, now), touch)
    return dress(layers, palette, height=180, description=describe_candidates_curve(frame, now=now))


def _curve_axis() -> alt.Axis:
    return alt.Axis(format=".1f", grid=False, labelOverlap="parity", labelSeparation=6, labelFlush=False)


def _present(
    base: alt.Chart, frame: pd.DataFrame, palette: Palette, now: float
) -> tuple[alt.Chart, alt.Chart, alt.Chart]:
    here = frame[np.isclose(frame["min_confidence"].to_numpy(dtype=np.float64), now)]
    text = f"{_counted(here['candidates'].iloc[0], 'candidate')} above {now:.1f}" if len(here) else f"above {now:g}"
    is_right = len(frame) > 0 and now > frame["min_confidence"].mean()
    mark = pd.DataFrame({"min_confidence": [now], "text": [text]}).iloc[: len(frame)]
    at = alt.Chart(mark).encode(x="min_confidence:Q")
    rule = at.mark_rule(color=palette.accent, strokeWidth=1.5, aria=False)
    point = base.mark_point(filled=True, size=70, opacity=1, color=palette.accent, aria=False).properties(data=here)
    label = at.mark_text(
        align="right" if is_right else "left", dx=-6 if is_right else 6, baseline="bottom", fontWeight=600, aria=False
    ).encode(y=alt.value(-4), text="text:N")
    return rule, point, label


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
