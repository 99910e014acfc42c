"""The answer of the Conversion page: three figures and the list of candidates."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from lib import definitions
from lib.analysis.candidates import candidate_table, to_offer_first
from lib.analysis.numbers import NO_CHANGE, counted
from lib.analysis.offers import Revenue, revenue, whole_money
from lib.analysis.streaks import Booleans, are_candidates
from lib.exports import Sheet
from lib.period import day_range
from lib.ui import looks
from lib.ui.page import Page
from lib.ui.tables import list_height, show_table
from lib.ui.tuning import Market, default_thresholds, thresholds


@dataclass(frozen=True)
class Standing:
    """How many candidates may be offered, how many users qualify, and the revenue of the former."""

    to_offer: int
    qualify: int
    revenue: Revenue


def draw_figures(page: Page, market: Market) -> None:
    """Candidates who may be offered, and the revenue that they bring; each with its change against the defaults."""
    now, default = standings(page, market)
    with st.container(horizontal=True, key="figures"):
        step = now.to_offer - default.to_offer
        _figure(f"To offer, of {now.qualify:,} who qualify", f"{now.to_offer:,}", step, f"{step:+,}")
        gain = now.revenue.potential - default.revenue.potential
        _figure("Revenue potential", _money(page, now.revenue.potential), gain, signed_money(page, gain))
        _expected(page, market, now.revenue, default.revenue)


def standings(page: Page, market: Market) -> tuple[Standing, Standing]:
    """Where things stand under the present settings, and under the defaults."""
    qualify = are_candidates(market.scored, thresholds(page)), market.to_offer
    usual = are_candidates(market.default_scored, default_thresholds(page)), market.default_to_offer
    return _standing(*qualify, page.filters["price"], market), _standing(*usual, page.settings.price, market)


def _standing(qualify: Booleans, may_be_offered: Booleans, price: float, market: Market) -> Standing:
    to_offer = int((qualify & may_be_offered).sum())
    return Standing(to_offer, int(qualify.sum()), revenue(to_offer, price, market.accepted))


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
        f"{a.low:.1%} to {a.high:.1%}. That makes {_money(page, now.low or 0)} to {_money(page, now.high or 0)}."
    )
    gain = now.expected - default.expected
    _figure("Expected revenue", _money(page, now.expected), gain, signed_money(page, gain), tip=tip)


def _money(page: Page, amount: float) -> str:
    return whole_money(amount, page.settings.currency).replace("$", r"\$")


def signed_money(page: Page, amount: float) -> str:
    """A change of revenue: `+$1,195`, for Markdown."""
    return ("+" if amount > 0 else "-") + _money(page, abs(amount))


def draw_list(page: Page, market: Market) -> pd.DataFrame:
    """The candidates, those who may be offered first; what an empty list means and what to do about it."""
    table = to_offer_first(candidate_table(market.scored, thresholds(page), market.known))
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
    show_table(
        page,
        Sheet("Candidates", table, definitions.CANDIDATE_COLUMNS),
        how=definitions.CANDIDATES,
        look=looks.candidate_days(page.zone),
        widths=looks.CANDIDATE_WIDTHS,
        column_order=looks.CANDIDATE_ORDER,
        height=list_height(len(table)),
    )
    return table
