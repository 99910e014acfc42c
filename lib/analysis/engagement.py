"""From sums by group to the figures that people read: averages, a total row, and the window before beside each."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from lib.dialects import UNKNOWN
from lib.period import Period
from lib.schema import LEVELS, ROLES

TOTAL = "total"
FIGURES = ("users", "sessions", "avg_confidence", "avg_mistakes", "sessions_per_user")
_SUMS = ["users", "sessions", "scored", "score_sum", "counted", "mistake_sum"]


def ordered(groups: Collection[str], first: Sequence[str] = ROLES) -> list[str]:
    """``first`` in its order, zeros included; then any other group by name; "unknown" last, where there is one."""
    others = sorted(set(groups) - set(first) - {UNKNOWN})
    return [*first, *others, *([UNKNOWN] if UNKNOWN in groups else [])]


def told_apart(names: pd.Series[str]) -> pd.Series[str]:
    """Names as they are shown: in quotes where another one differs from it by blanks or case alone.

    The one that is written in small letters without blanks around it stays as it is.
    """
    folded = names.map(lambda name: " ".join(name.split()).casefold())
    others = pd.Series(names.to_numpy(), folded.to_numpy()).groupby(level=0).nunique()
    return names.mask((folded.map(others) > 1) & (names != folded), "“" + names + "”")


def engagement_table(
    sums: pd.DataFrame, *, first: Sequence[str] = ROLES, shown: Collection[str] = (), total: str | None = TOTAL
) -> pd.DataFrame:
    """One row a group, and one for the ``total`` if it has a name.

    ``sums`` has window 0 (now) and 1 (before), see ``queries.engagement``; ``shown`` keeps those groups only.
    Columns: group (str), users, sessions (int), avg_confidence (float, 1-10), avg_mistakes (float, a session),
    sessions_per_user (float); for each of the five its value before, with the ending _before, and the change against
    that, with the ending _change. Averages are not rounded; NaN where there is nothing to average.
    """
    groups = [group for group in ordered(set(sums["group"]), first) if not shown or group in shown]
    now, before = (_figures(sums[sums["window"] == window], groups, total) for window in (0, 1))
    now, before = now.reset_index(), before.reset_index(drop=True)
    change = now[list(FIGURES)] - before[list(FIGURES)]
    return pd.concat([now, before.add_suffix("_before"), change.add_suffix("_change")], axis=1)


def level_table_of(sums: pd.DataFrame, shown: Collection[str] = ()) -> pd.DataFrame:
    """The same by level, without a total; group is called level, and avg_confidence_before avg_before."""
    table = engagement_table(sums, first=LEVELS, shown=shown, total=None)
    return table.rename(columns={"group": "level", "avg_confidence_before": "avg_before"})


def weekly_table(sums: pd.DataFrame, weeks: Sequence[Period], shown: Collection[str] = ()) -> pd.DataFrame:
    """One row a week and role, zeros included; the windows of ``sums`` are ``weeks``.

    Columns: week (datetime64, its first day), group (str), users, sessions (int), avg_confidence (float),
    avg_mistakes, sessions_per_user (float), is_over (bool). Superusers and others are left out where they never came.
    """
    came = set(sums["group"])
    groups = [group for group in ordered(came) if group in came and (not shown or group in shown)]
    parts = []
    for place, week in enumerate(weeks):
        part = _figures(sums[sums["window"] == place], groups, None).reset_index()
        parts.append(part.assign(week=pd.Timestamp(week.first), is_over=week.days == 7))
    return pd.concat(parts, ignore_index=True)[["week", "group", *FIGURES, "is_over"]]


def totals_by_window(sums: pd.DataFrame, count: int) -> pd.DataFrame:
    """One row a window (0 to ``count`` - 1), all groups together; the five figures as columns."""
    per_window = sums.groupby("window")[_SUMS].sum().reindex(range(count), fill_value=0)
    return _averages(per_window)


def _figures(sums: pd.DataFrame, groups: list[str], total: str | None) -> pd.DataFrame:
    table = sums.set_index("group")[_SUMS].reindex(groups, fill_value=0)
    if total is not None:  # beside a role that happens to have the same name
        table = pd.concat([table, table.sum().rename(total).to_frame().T])
    return _averages(table.rename_axis("group"))


def _averages(table: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "users": table["users"].astype("int64"),
            "sessions": table["sessions"].astype("int64"),
            "avg_confidence": _ratio(table["score_sum"], table["scored"]),
            "avg_mistakes": _ratio(table["mistake_sum"], table["counted"]),
            "sessions_per_user": _ratio(table["sessions"], table["users"]),
        }
    )


def _ratio(part: pd.Series[float], whole: pd.Series[float]) -> pd.Series[float]:
    return part.astype("float64") / whole.where(whole > 0).astype("float64")
