"""What the Conversion page works with: thresholds from the sliders, the data of its window, the terms of an offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from lib import definitions
from lib.analysis.candidates import are_to_offer, known_users
from lib.analysis.offer_status import offer_statuses, open_since
from lib.analysis.offers import Acceptance, acceptance
from lib.analysis.streaks import STREAKS, Booleans, ScoredSessions, Thresholds, are_candidates
from lib.period import Period
from lib.queries import conversion
from lib.ui import cached, withheld
from lib.ui.page import Page
from lib.ui.source import Source

SETTINGS = ("min_sessions", "min_confidence", "streak", "price", "conversion_days")

WHY = "Why or why not"  # the tab that answers for a user
STREAK_HELP = "\n".join(
    f"- **{label}**: {STREAKS[streak].sentence}" for streak, label in definitions.STREAK_LABELS.items()
)


@dataclass(frozen=True, eq=False)
class Market:
    """Everything of ``period`` that a slider needs, fetched before it moves, and the scores of the default window.

    ``known`` is about the users of both; ``to_offer`` and ``default_to_offer`` say which users of the two may be
    offered.
    """

    period: Period
    scored: ScoredSessions
    default_scored: ScoredSessions
    to_offer: Booleans
    default_to_offer: Booleans
    known: pd.DataFrame
    accepted: Acceptance | None


def load_market(page: Page, period: Period) -> Market:
    """Ask the database for the window; raises DatabaseProblem."""
    source, default = page.source, replace(period, days=page.settings.conversion_days)
    both = max(period, default, key=lambda window: window.days)
    people = cached.ask(source, conversion.scored_users, both, with_addresses=withheld.sees_addresses(page))
    leads = cached.ask(source, conversion.newest_lead_scores, both)
    offers = cached.ask(source, conversion.past_offers, both)
    statuses = cached.made(offer_statuses, people, offers, both, **terms(page))
    known = cached.made(known_users, people, leads, statuses)
    scored, default_scored = cached.scored_sessions(source, period), cached.scored_sessions(source, default)
    return Market(
        period,
        scored,
        default_scored,
        are_to_offer(scored, known),
        are_to_offer(default_scored, known),
        known,
        acceptance(
            *cached.ask(source, conversion.offer_outcomes, period.end, open_since(period, page.settings.valid_hours))
        ),
    )


def terms(page: Page) -> dict[str, int]:
    """How long an offer is valid, and how long it is to the next one, for ``offer_statuses``."""
    return {"valid_hours": page.settings.valid_hours, "cooldown_days": page.settings.offers_cooldown_days}


def candidate_history(
    source: Source, windows: cached.Periods, at: Thresholds, valid_hours: int, cooldown_days: int
) -> list[tuple[int, int]]:
    """For each window, newest first: the candidates who could be offered at its end, and all who qualified."""
    period, found = cached.around(windows), []
    people = cached.ask(source, conversion.scored_users, period, with_addresses=False)
    offers = cached.ask(source, conversion.past_offers, period)
    for window, scored in zip(windows, cached.scored_history(source, windows), strict=True):
        statuses = offer_statuses(people, offers, window, valid_hours=valid_hours, cooldown_days=cooldown_days)
        qualify = are_candidates(scored, at)
        found.append((int((qualify & are_to_offer(scored, statuses)).sum()), int(qualify.sum())))
    return found


def thresholds(page: Page) -> Thresholds:
    """The thresholds as they are set."""
    return Thresholds(page.filters["min_sessions"], page.filters["min_confidence"], page.filters["streak"])


def default_thresholds(page: Page) -> Thresholds:
    """The thresholds of the settings."""
    return Thresholds(page.settings.min_sessions, page.settings.min_confidence, page.settings.streak)


def draw_sliders(page: Page) -> None:
    """The controls of the thresholds and the price, and the way back to the defaults."""
    filters = page.filters
    sessions = st.slider("Sessions at least", 1, 10, key=filters.key("min_sessions"))
    filters.use("min_sessions", sessions, "Sessions at least")
    score = st.slider("Confidence above", 5.0, 9.9, step=0.1, format="%.1f", key=filters.key("min_confidence"))
    filters.use("min_confidence", round(score, 1), "Confidence above")
    streak = st.segmented_control(
        "Sessions in a row",
        list(definitions.STREAK_LABELS),
        format_func=definitions.STREAK_LABELS.__getitem__,
        key=filters.key("streak"),
        help=STREAK_HELP,
        required=True,
        width="stretch",
    )
    filters.use("streak", streak, "Sessions in a row", definitions.STREAK_LABELS[streak or filters["streak"]])
    price = st.number_input(
        f"Price, {page.settings.currency}", 1.0, 100_000.0, step=10.0, format="%g", key=filters.key("price")
    )
    filters.use("price", price, "Price", f"{page.settings.currency}{filters['price']:g}")
    st.button(
        "Reset to defaults",
        on_click=filters.reset,
        args=SETTINGS,
        disabled=filters.is_default(*SETTINGS),
        icon=":material/restart_alt:",
        width="stretch",
    )


def draw_tabs(page: Page, names: list[str]) -> Sequence[TabContainer]:
    """The tabs of these ``names``; the open one is in the address.

    But for the one that opens anyway: ``WHY`` where a user is asked about, else the first.
    """
    key = page.filters.key("tab")
    usual = WHY if page.filters["user"] else names[0]
    if st.session_state[key] not in names:
        st.session_state[key] = usual
    tabs = st.tabs(names, key=key, on_change="rerun")
    chosen = st.session_state[key]
    page.filters.use("tab", "" if chosen == usual else chosen)
    return tabs
