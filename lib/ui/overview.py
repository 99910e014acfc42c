"""The Home page: the week at a glance, each figure against the window before, and what stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

import pandas as pd
import streamlit as st

from lib.access import Field
from lib.analysis.engagement import engagement_table, totals_by_window
from lib.analysis.mistakes import trend
from lib.analysis.numbers import NO_CHANGE, round_half_up, signed
from lib.analysis.offers import whole_money
from lib.analysis.standouts import (
    Standout,
    beginning_standout,
    candidate_standout,
    confidence_standout,
    mistake_standouts,
    role_standouts,
)
from lib.exports import Column, Sheet, without_markdown
from lib.period import Period
from lib.queries.engagement import sessions_by_role
from lib.queries.mistakes import MistakeFilter, mistake_totals, mistakes_by
from lib.ui.cached import ask, made, worked_out
from lib.ui.mistake_list import ranked_mistakes
from lib.ui.page import Page
from lib.ui.text import plain
from lib.ui.tuning import candidate_history, terms, thresholds
from lib.ui.withheld import shown_frame, shown_groups

WINDOWS_SHOWN = 8
MOST_STANDOUTS = 5
LONG_FIGURE = 5  # a card has no room for the figure before beside a long change
HOW = """
- Users, sessions, confidence and mistakes are of the window above; the arrow compares them with the window of the same
  length right before. Candidates and what stands out among mistakes have windows of their own: those that are set on
  their pages, and named beside them.
- The small line is the last 8 such windows, the newest at the right.
- **Active users**: different people with a finished session. **Confidence**: average score, 1 to 10.
- **Mistakes**: all that were detected in the window, finished sessions or not.
- **To offer**: of the Free users who qualify under the thresholds that are set on Conversion, those who may be offered
  at the end of each window; **revenue potential** is their number times the price.
"""
FIGURE_COLUMNS = {
    "figure": Column("Figure", "text"),
    "now": Column("Now", "decimal"),
    "before": Column("Before", "decimal"),
}


@dataclass(frozen=True)
class Week:
    """The figures of Home, newest window first, and the table by role that they come from.

    ``candidates``: those who could be offered at the end of each window, and all who qualified.
    """

    by_role: pd.DataFrame
    totals: pd.DataFrame
    mistakes: list[int]
    candidates: list[tuple[int, int]]

    @property
    def to_offer(self) -> list[int]:
        """The candidates who could be offered at the end of each window."""
        return [to_offer for to_offer, _ in self.candidates]

    @property
    def qualify(self) -> int:
        """All who qualify at the end of the newest window."""
        return self.candidates[0][1]


def load_week(page: Page, period: Period) -> Week:
    """Ask the database for the last windows; raises DatabaseProblem."""
    periods = [period]
    while len(periods) < WINDOWS_SHOWN:
        periods.append(periods[-1].before)
    by_role = ask(page.source, sessions_by_role, tuple(periods), completed_only=True)
    sums = shown_groups(page, by_role, "window", "group")
    ends = tuple(replace(page.period("conversion_days"), as_of=one.as_of) for one in periods)
    return Week(
        made(engagement_table, sums, total=None),
        made(totals_by_window, sums, WINDOWS_SHOWN),
        ask(page.source, mistake_totals, tuple(periods), MistakeFilter()),
        worked_out(page.source, candidate_history, ends, thresholds(page), **terms(page)),
    )


def draw_figures(page: Page, week: Week) -> None:
    """Six cards in a row, which wraps."""
    price, currency = page.filters["price"], page.settings.currency
    users, sessions, confidence = (week.totals[name].tolist() for name in ("users", "sessions", "avg_confidence"))
    with st.container(horizontal=True):
        _card("Active users", users)
        _card("Sessions", sessions)
        _card("Confidence, 1 to 10", confidence, places=2)
        _card("Mistakes", week.mistakes)
        _card(f"To offer, of {week.qualify:,}", week.to_offer)
        revenue = [count * price for count in week.to_offer]
        _card("Revenue potential", revenue, currency=currency)
    names = ("Active users", "Sessions", "Confidence", "Mistakes", "Candidates to offer", "Revenue potential")
    values = (users, sessions, confidence, week.mistakes, week.to_offer, revenue)
    rows = [(name, float(value[0]), float(value[1])) for name, value in zip(names, values, strict=True)]
    page.sheets["At a glance"] = Sheet("At a glance", pd.DataFrame(rows, columns=list(FIGURE_COLUMNS)), FIGURE_COLUMNS)
    page.definitions["At a glance"] = without_markdown(HOW)


def _card(label: str, values: Sequence[float], *, places: int = 0, currency: str = "") -> None:
    now, before = values[0], values[1]
    if pd.isna(now):
        st.metric(label, "–", border=True, width=166)
        return
    change = NO_CHANGE if pd.isna(before) else _change(now - before, places, currency)
    st.metric(
        label,
        _figure(now, places, currency),
        change,
        border=True,
        width=166,
        delta_color="off",  # red is for what is wrong
        delta_arrow="off" if change == NO_CHANGE else "auto",
        delta_description=_versus("" if pd.isna(before) else _figure(before, places, currency)),
        chart_data=list(reversed(values)),  # NaN where there is nothing to average: a gap
        chart_type="line",
    )


def _figure(value: float, places: int, currency: str) -> str:
    if currency:
        return whole_money(value, currency).replace("$", r"\$")
    return f"{round_half_up(value, places):,.{places}f}"


def _change(step: float, places: int, currency: str) -> str:
    sign = signed(step, places)[0]
    return sign if sign == NO_CHANGE else sign + _figure(abs(step), places, currency)


def _versus(before: str) -> str:
    text = before or "–"
    return f"vs {text}" if len(text) < LONG_FIGURE else ""


def draw_standouts(page: Page, period: Period, week: Week) -> None:
    """Three to five sentences, each a link to the page that shows more."""
    days = page.period("mistakes_days")
    mistakes = _mistakes(page, days) if page.visitor.may_see(Field.LEARNER_TEXT) else _categories(page, days)
    earlier = replace(page.period("conversion_days"), as_of=period.before.as_of)
    qualified = None if page.begins_inside(earlier) else week.to_offer[1]
    found = [
        *candidate_standout(week.to_offer[0], week.qualify, qualified, period.days),
        *([] if page.begins_inside(days.before) else made(mistake_standouts, shown_frame(page, mistakes), days.days)),
        *_changes(page, period, week),
    ]
    for standout in found[:MOST_STANDOUTS]:
        _draw(page, standout)
    if not found:
        st.caption("Nothing stands out in this window.")


def _changes(page: Page, period: Period, week: Week) -> list[Standout]:
    """Against the window before, where that has data from its first day on."""
    begins = page.begins_inside(period.before)
    if begins:
        return beginning_standout(begins)
    confidence = week.totals["avg_confidence"]
    return [*confidence_standout(float(confidence[0]), float(confidence[1])), *role_standouts(week.by_role)]


def _mistakes(page: Page, days: Period) -> pd.DataFrame:
    """The list on Mistakes."""
    limits = page.settings.top, page.settings.publish_min_users
    return worked_out(page.source, ranked_mistakes, days, MistakeFilter(), *limits)[1]


def _categories(page: Page, days: Period) -> pd.DataFrame:
    """Categories in place of mistakes, for those whom the texts of learners are not for.

    Columns: mistake (str, the category in words), frequency, frequency_before, change (int), trend (str).
    """
    now, before = (
        ask(page.source, mistakes_by, one, MistakeFilter(), "type").groupby("error_category")["frequency"].sum()
        for one in (days, days.before)
    )
    found = now.sort_values(ascending=False, kind="stable").head(page.settings.top).rename_axis("mistake").reset_index()
    earlier = found["mistake"].map(before).fillna(0).astype("int64")
    return found.assign(
        mistake="Mistakes with " + found["mistake"],
        frequency_before=earlier,
        change=found["frequency"] - earlier,
        trend=[trend(*pair) for pair in zip(found["frequency"], earlier, strict=True)],
    )


def _draw(page: Page, standout: Standout) -> None:
    if not page.visitor.may_open(PurePath(standout.page).stem):
        st.markdown(plain(standout.text))
        return
    address = page.filters.address(**standout.filters)
    st.page_link(standout.page, label=plain(standout.text), icon=":material/arrow_forward:", query_params=address)
