"""The answer of the Conversion page: three figures and the list of candidates."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from lib import definitions
from lib.analysis.candidates import OFFERED, candidate_table
from lib.analysis.numbers import NO_CHANGE, counted
from lib.analysis.offers import Revenue, money, revenue
from lib.analysis.streaks import candidate_count
from lib.exports import Sheet
from lib.period import day_range
from lib.ui import looks
from lib.ui.page import Page
from lib.ui.tables import list_height, show_table
from lib.ui.tuning import Market, default_thresholds, thresholds


def draw_figures(page: Page, market: Market) -> None:
    """Candidates, revenue potential, expected revenue; each with its change against the defaults."""
    (count, now), (usual, default) = standings(page, market)
    with st.container(horizontal=True, key="figures"):
        _figure("Candidates", f"{count:,}", count - usual, f"{count - usual:+,}")
        gain = now.potential - default.potential
        _figure("Revenue potential", _money(page, now.potential), gain, signed_money(page, gain))
        _expected(page, market, now, default)


def standings(page: Page, market: Market) -> tuple[tuple[int, Revenue], tuple[int, Revenue]]:
    """Candidates and their revenue under the present settings, and under the defaults."""
    count = candidate_count(market.scored, thresholds(page))
    usual = candidate_count(market.default_scored, default_thresholds(page))
    return (
        (count, revenue(count, page.filters["price"], market.accepted)),
        (usual, revenue(usual, page.settings.price, market.accepted)),
    )


def _figure(label: str, value: str, gain: float, signed: str, *, tip: str = "") -> None:
    st.metric(
        label,
        value,
        signed if gain else NO_CHANGE,
        border=True,
        delta_color="off",
        delta_arrow="auto" if gain else "off",
        delta_description="against the defaults",
        help=tip or None,
    )


def _expected(page: Page, market: Market, now: Revenue, default: Revenue) -> None:
    if market.accepted is None or now.expected is None or default.expected is None:
        st.metric("Expected revenue", "–", border=True, delta_description="no past offers")
        return
    a = market.accepted
    tip = (
        f"{a.accepted:,} of {a.sent:,} past offers were accepted: {a.share:.1%}, 95 % interval "
        f"{a.low:.1%} to {a.high:.1%}. That makes {_money(page, now.low or 0)} to {_money(page, now.high or 0)}, "
        "at the list price, before the discount of an offer."
    )
    gain = now.expected - default.expected
    _figure("Expected revenue", _money(page, now.expected), gain, signed_money(page, gain), tip=tip)


def _money(page: Page, amount: float) -> str:
    return money(round(amount), page.settings.currency).replace("$", r"\$")


def signed_money(page: Page, amount: float) -> str:
    """A change of revenue: `+$1,195`, for Markdown."""
    return ("+" if amount > 0 else "-") + _money(page, abs(amount))


def draw_list(page: Page, market: Market) -> pd.DataFrame:
    """The candidates, best first; what an empty list means and what to do about it."""
    table = candidate_table(market.scored, thresholds(page), market.known)
    if table.empty:
        period = page.period("conversion_days")
        if len(market.scored.user_ids) == 0:
            page.say_empty("No Free user had a session with a score", period)
        else:
            st.info(
                f"**Nobody qualifies in {day_range(period.first, period.as_of)}.** "
                f"{counted(len(market.scored.user_ids), 'Free user')} had sessions with a score: "
                "lower a threshold, or look at Near misses.",
                icon=":material/info:",
            )
    offered = int(table["outcome"].isin(OFFERED).sum())
    if offered:
        has = "has" if offered == 1 else "have"
        st.caption(f"{offered:,} of {counted(len(table), 'candidate')} already {has} an offer.")
    show_table(
        page,
        Sheet("Candidates", table, definitions.CANDIDATE_COLUMNS),
        how=definitions.CANDIDATES,
        look={"offered_at": looks.day_of_offer(page.zone)},
        widths=looks.CANDIDATE_WIDTHS,
        column_order=looks.CANDIDATE_ORDER,
        height=list_height(len(table)),
    )
    return table
