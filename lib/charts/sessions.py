"""Charts of sessions: how many a week, and how sure of themselves the learners were."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import altair as alt
import pandas as pd

from lib.charts.palette import Palette, dress, with_rows
from lib.period import day_text
from lib.schema import ROLES

LEVELS = ("B1", "B2", "C1", "C2")
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-left", "triangle-right")
NOW, BEFORE = "this window", "window before"
NO_SCORES = "no scores"
TALL_TICK = "M0,-1.4V1.4"


def weekly_sessions(frame: pd.DataFrame, palette: Palette) -> alt.LayerChart:
    """Sessions a week, a line for each role; the week that is not over is dashed and hollow.

    ``frame``: week (date or datetime64, its Monday), group (str, the role), sessions (int), is_over (bool), one row for
    each week and group, zeros included.
    """
    weeks = _with_marks(frame)
    base = alt.Chart(weeks).encode(
        x=alt.X("week:T", title="Week beginning", scale=alt.Scale(padding=12), axis=_week_axis(weeks["week"])),
        y=alt.Y("sessions:Q", title="Sessions a week", axis=alt.Axis(format=",d", tickMinStep=1, tickCount=5)),
        color=alt.Color(
            "group:N", scale=_role_scale(weeks["group"], palette), legend=_role_legend(weeks["group"]), title=None
        ),
    )
    whole = base.transform_filter("datum.is_over").mark_line(strokeWidth=2)
    running = base.transform_filter("datum.is_end").mark_line(strokeWidth=2, strokeDash=[4, 4])
    layers = with_rows(
        (whole, int(weeks["is_over"].sum())),
        (running, int(weeks["is_end"].sum())),
        (_points(base, weeks["group"], palette), len(weeks)),
        (_not_over(weeks, palette), int((~weeks["is_over"]).sum())),
    )
    return dress(layers, palette, height=260, description=describe_weekly_sessions(frame))


def _with_marks(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with what is drawn and said of them. ``is_end``: the last whole week and the running one."""
    week = pd.to_datetime(frame["week"])
    week = week.dt.tz_localize(None) if week.dt.tz is not None else week
    is_over = frame["is_over"].astype(bool)
    last_whole = week[is_over].max()
    return pd.DataFrame(
        {
            "week": week,
            "group": frame["group"].astype("str"),
            "sessions": frame["sessions"],
            "is_over": is_over,
            "is_end": ~is_over | (week == last_whole) & (not is_over.all()),
            "state": is_over.map({True: "whole", False: "not over, more may come"}).astype("str"),
        }
    )


def _week_axis(week: pd.Series) -> alt.Axis:
    # The very Mondays, so that a label stands under its points; those that find no room are left out, not cut.
    mondays = [alt.DateTime(year=d.year, month=d.month, date=d.day) for d in sorted(week.dropna().unique())]
    return alt.Axis(
        format="%-d %b", values=mondays, grid=False, labelOverlap="parity", labelSeparation=8, labelFlush=False
    )


def _ordered(names: pd.Series, first: Sequence[str]) -> list[str]:
    present = set(names)
    return [name for name in first if name in present] + sorted(present.difference(first))


def _role_scale(groups: pd.Series, palette: Palette) -> alt.Scale:
    order = _ordered(groups, ROLES)
    return alt.Scale(domain=order, range=[palette.role(role) for role in order])


def _role_legend(groups: pd.Series) -> alt.Legend | None:
    if groups.empty:  # a legend without entries takes the chart's size away
        return None
    return alt.Legend(columns=alt.ExprRef("width < 420 ? 3 : 0"), symbolStrokeWidth=1.5, offset=22)


def _points(base: alt.Chart, groups: pd.Series, palette: Palette) -> alt.Chart:
    order = _ordered(groups, ROLES)
    spare = itertools.cycle(SHAPES[len(ROLES) :])
    shapes = [SHAPES[ROLES.index(role)] if role in ROLES else next(spare) for role in order]
    fill = alt.Fill("group:N", scale=_role_scale(groups, palette), legend=_role_legend(groups), title=None)
    points: alt.Chart = base.mark_point(size=48, strokeWidth=1.5, opacity=1).encode(
        shape=alt.Shape(
            "group:N", scale=alt.Scale(domain=order, range=shapes), legend=_role_legend(groups), title=None
        ),
        fill=alt.when("datum.is_over").then(fill).otherwise(alt.value(palette.surface)),
        tooltip=[
            alt.Tooltip("week:T", title="Week beginning", format="%-d %b %Y"),
            alt.Tooltip("group:N", title="Role"),
            alt.Tooltip("sessions:Q", title="Sessions", format=",d"),
            alt.Tooltip("state:N", title="Week"),
        ],
    )
    return points


def _not_over(weeks: pd.DataFrame, palette: Palette) -> alt.Chart:
    running = weeks.loc[~weeks["is_over"], ["week"]].drop_duplicates()
    mark = alt.Chart(running).mark_text(align="right", baseline="bottom", dx=4, color=palette.muted, aria=False)
    label: alt.Chart = mark.encode(x="week:T", y=alt.value(-6), text=alt.value("week not over"))
    return label


def describe_weekly_sessions(frame: pd.DataFrame) -> str:
    """One sentence that says what ``weekly_sessions`` shows."""
    if frame.empty:
        return "Sessions a week by role: no sessions."
    marked = _with_marks(frame)
    by_week = marked.groupby("week")["sessions"].sum()
    totals = list(zip(pd.DatetimeIndex(by_week.index), by_week, strict=True))
    over = set(marked.loc[marked["is_over"], "week"])
    parts = [f"{total:,} in the week of {day_text(week)}" for week, total in totals if week in over]
    running = [f"{total:,} so far in the running week" for week, total in totals if week not in over]
    ends = parts[:: len(parts) - 1] if len(parts) > 1 else parts
    roles = ", ".join(_ordered(frame["group"].astype("str"), ROLES))
    return f"Sessions a week by role ({roles}), together: {', '.join(ends + running)}."


def confidence_by_level(frame: pd.DataFrame, palette: Palette) -> alt.LayerChart:
    """Average confidence by English level on the scale of 1 to 10, and that of the window before as a tick.

    ``frame``: level (str), avg_confidence (float, NaN without scores), sessions (int), avg_before (float, may be NaN).
    """
    levels = _with_labels(frame)
    scale = alt.Scale(domain=[1, 10], nice=False, zero=False)
    average = alt.X(
        "average:Q", title="Average confidence (1 to 10)", scale=scale, axis=alt.Axis(tickCount=10, labelFlush=False)
    )
    level_axis = alt.Axis(labelExpr="split(datum.label, '\\n')", labelLineHeight=15, labelOffset=-7, labelOverlap=False)
    base = alt.Chart(levels).encode(
        y=alt.Y("label:N", title=None, scale=alt.Scale(domain=levels["label"].tolist()), axis=level_axis)
    )
    line = base.mark_rule(color=palette.grid, strokeWidth=2, aria=False).encode(x=alt.datum(1), x2=alt.datum(10))
    scored = base.transform_filter("isValid(datum.avg_confidence)")
    figure = scored.mark_text(dy=-15, fontWeight=600, aria=False).encode(
        x=alt.X("avg_confidence:Q", scale=scale), text="now:N"
    )
    unscored = base.transform_filter("!isValid(datum.avg_confidence)")
    none = unscored.mark_text(dy=-11, align="left", color=palette.muted, aria=False).encode(
        x=alt.datum(1), text=alt.value(NO_SCORES)
    )
    layers = (line, _averages(base.encode(x=average), levels, palette), figure, none)
    height = 50 * max(len(levels), 1)
    return dress(layers, palette, height=height, description=describe_confidence_by_level(frame))


def _with_labels(frame: pd.DataFrame) -> pd.DataFrame:
    order = _ordered(frame["level"].astype("str"), LEVELS)
    levels = frame.assign(level=frame["level"].astype("str")).set_index("level").loc[order].reset_index()
    texts = {
        "sessions_text": [_sessions(int(count)) for count in levels["sessions"]],
        "now": [_figure(average) for average in levels["avg_confidence"]],
        "before": [_figure(average) for average in levels["avg_before"]],
    }
    levels = levels.assign(**{name: pd.Series(text, dtype="str") for name, text in texts.items()})
    return levels.assign(label=levels["level"] + "\n" + levels["sessions_text"])


def _figure(average: float) -> str:
    return NO_SCORES if pd.isna(average) else f"{average:.2f}"


def _sessions(count: int) -> str:
    return f"{count:,} session{'' if count == 1 else 's'}"


def _averages(base: alt.Chart, levels: pd.DataFrame, palette: Palette) -> alt.Chart:
    """A dot for this window and a tick for the one before, and the legend that says so."""
    measures = {"avg_before": BEFORE, "avg_confidence": NOW}
    names = [name for name in levels.columns if name not in measures]
    long = levels.melt(names, list(measures), "column", "average").dropna(subset="average")
    long = long.assign(measure=long["column"].map(measures).astype("str"))
    strong, both = palette.strong, [NOW, BEFORE]
    mark = base.mark_point(size=110, opacity=1, strokeWidth=2).properties(data=long)
    points: alt.Chart = mark.encode(
        shape=alt.Shape("measure:N", scale=alt.Scale(domain=both, range=["circle", TALL_TICK]), title=None),
        stroke=alt.Stroke("measure:N", scale=alt.Scale(domain=both, range=[strong, palette.muted]), title=None),
        fill=alt.Fill("measure:N", scale=alt.Scale(domain=both, range=[strong, "transparent"]), title=None),
        tooltip=[
            alt.Tooltip("level:N", title="Level"),
            alt.Tooltip("now:N", title="Average confidence"),
            alt.Tooltip("before:N", title="Window before"),
            alt.Tooltip("sessions:Q", title="Sessions", format=",d"),
        ],
    )
    return points


def describe_confidence_by_level(frame: pd.DataFrame) -> str:
    """One sentence that says what ``confidence_by_level`` shows."""
    if frame.empty:
        return "Average confidence by level: no sessions."
    rows = _with_labels(frame).itertuples()
    parts = [f"{row.level} {row.now} (before {row.before}, {row.sessions_text})" for row in rows]
    return f"Average confidence by English level, 1 to 10: {', '.join(parts)}."
