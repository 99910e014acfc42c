"""The tabs of the Conversion page: what other thresholds would change, and why one user qualifies or not."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from lib import charts, definitions
from lib.analysis.candidates import curve, readable_grid, to_offer, with_people
from lib.analysis.numbers import counted
from lib.analysis.offers import offer_text
from lib.analysis.streaks import ScoredSessions
from lib.analysis.whatif import CHANGES, Rule, compare, explain, near_miss_counts, near_misses, verdict
from lib.exports import Sheet
from lib.queries import conversion
from lib.report.terms import offer_of
from lib.ui import cached, looks, withheld
from lib.ui.conversion_list import signed_money, standings
from lib.ui.downloads import offer_file
from lib.ui.page import Page
from lib.ui.tables import show_chart, show_table
from lib.ui.text import plain
from lib.ui.tuning import Market, default_thresholds, thresholds

MOST_MATCHES = 20


def draw_what_if(page: Page, market: Market, _candidates: pd.DataFrame) -> None:
    """Candidates and revenue at every setting; a click on a cell sets the sliders."""
    if len(market.scored.user_ids) == 0:
        st.info("**There is nothing to try out.** No Free user had a session with a score in this window.")
        return
    now, price = thresholds(page), float(page.filters["price"])
    every = cached.candidates_at_every_setting(page.source, market.period, now.streak, price, market.to_offer)
    left, right = st.columns([3, 2], gap="large")
    key = page.filters.key(f"grid_{st.session_state.get('grid_clicks', 0)}")
    with left:
        cells = readable_grid(every, now)
        setting = (now.min_confidence, now.min_sessions)
        currency = page.settings.currency
        show_chart(
            page,
            Sheet("What if", every, definitions.SETTING_COLUMNS),
            partial(charts.what_if_grid, cells, now=setting, price=price, currency=currency),
            how=definitions.WHAT_IF,
            key=key,
            on_select=lambda: _set_sliders(page, key),
            selection_mode="cell",
        )
    with right:
        line = curve(every, now)
        show_chart(
            page,
            Sheet("Candidates by score", line, definitions.SETTING_COLUMNS),
            partial(charts.candidates_curve, line, now=now.min_confidence),
            how=definitions.WHAT_IF,
        )


def _set_sliders(page: Page, key: str) -> None:
    """Take the clicked setting over. A new key makes the same cell clickable again."""
    for cell in (st.session_state.get(key, {}).get("selection", {}).get("cell") or [])[-1:]:
        page.filters.set(min_confidence=round(float(cell["min_confidence"]), 1), min_sessions=int(cell["min_sessions"]))
        st.session_state["grid_clicks"] = st.session_state.get("grid_clicks", 0) + 1


def draw_in_and_out(page: Page, market: Market, _candidates: pd.DataFrame) -> None:
    """Who comes in and who drops out against the defaults."""
    now, default = thresholds(page), default_thresholds(page)
    changes = compare(market.scored, now, default, default_scored=market.default_scored)
    moved = with_people(changes[changes["change"] != "stays"], market.known)
    gain = _gain(page, market)
    if moved.empty:
        same = counted(len(changes), "candidate is", "candidates are")
        st.info(f"**Nobody comes in or drops out.** {same} the same as under the defaults. {gain}")
        return
    come, drop, stay = (int((changes["change"] == change).sum()) for change in CHANGES)
    moves = f"{counted(come, 'comes in', 'come in')}, {counted(drop, 'drops out', 'drop out')}"
    st.markdown(f"**{moves}**, {counted(stay, 'stays', 'stay')}. {gain}")
    show_table(page, Sheet("In and out", moved, definitions.CHANGE_COLUMNS), how=definitions.IN_AND_OUT)


def _gain(page: Page, market: Market) -> str:
    """What the settings do to the revenue potential, as the card says it."""
    now, default = standings(page, market)
    if now.revenue.potential == default.revenue.potential:
        return ""
    that = "That is" if page.filters.is_default("price") else "With the price that is set, that is"
    return f"{that} {signed_money(page, now.revenue.potential - default.revenue.potential)} of revenue potential."


def draw_near_misses(page: Page, market: Market, _candidates: pd.DataFrame) -> None:
    """Who nearly qualifies, and who soon will not, each with what is missing."""
    period = market.period
    rows = near_misses(
        market.scored, thresholds(page), window_end=period.end, window_days=period.days, zone=period.zone
    )
    if rows.empty:
        st.info("**No near misses.** Nobody is one session or a small step away under these thresholds.")
        return
    st.markdown(f"**{near_miss_counts(rows)}**")
    show_table(
        page,
        Sheet("Near misses", with_people(rows, market.known), definitions.NEAR_COLUMNS),
        how=definitions.NEAR_MISSES,
        widths=looks.NEAR_WIDTHS,
    )


def draw_why(page: Page, market: Market, _candidates: pd.DataFrame) -> None:
    """For any one user, rule by rule, why or why not."""
    sees_addresses = withheld.sees_addresses(page)
    hint = "User id or part of an e-mail address" if sees_addresses else "User id, or part of one"
    wanted = st.text_input("User", key=page.filters.key("user"), placeholder=hint, max_chars=100)
    page.filters.use("user", wanted.strip())
    if not wanted.strip():
        return
    words = wanted.strip()
    found = cached.ask(page.source, conversion.find_users, words, with_addresses=sees_addresses, limit=MOST_MATCHES)
    if found.empty:
        what = "id or address" if sees_addresses else "id"
        st.info(f"**No account has this {what}.** Check the spelling.")
        return
    user = found.iloc[0]
    if len(found) > 1:
        label = f"{len(found)} users fit; whom do you mean?"
        if len(found) == MOST_MATCHES:
            label = f"The first {MOST_MATCHES} users that fit; type more to find others"
        names = _names(page, found)
        user = found.iloc[names.index(st.selectbox(label, names))]
    _draw_verdict(page, market, user)


def _names(page: Page, people: pd.DataFrame) -> list[str]:
    """Users as a list to choose from names them; by pseudonym and id where addresses are withheld."""
    shown = withheld.shown_frame(page, people[["user_id", "email"]])
    nothing = "no e-mail" if withheld.sees_addresses(page) else "no pseudonym"
    addresses = shown["email"].where(shown["email"].fillna("").str.strip() != "", nothing)
    return (addresses + " · " + shown["user_id"]).tolist()


def _draw_verdict(page: Page, market: Market, user: pd.Series[str]) -> None:
    own = _own_sessions(page, market, user)
    found = verdict(None if pd.isna(user["role"]) else user["role"], own, user["user_id"], thresholds(page))
    rules = (f"{_icon(rule)} {plain(withheld.shown_text(page, rule.text))}" for rule in found.rules)
    st.markdown("  \n".join((f"**{plain(user['user_id'])} {found.answer}.**", *rules)))
    sessions = explain(own, user["user_id"], thresholds(page), zone=page.zone)
    if not sessions.empty:
        show_table(page, Sheet("Why or why not", sessions, definitions.WHY_COLUMNS), how=definitions.WHY)


def _icon(rule: Rule) -> str:
    return ":material/check_circle:" if rule.passed else ":material/cancel:"


def _own_sessions(page: Page, market: Market, user: pd.Series[str]) -> ScoredSessions:
    if user["role"] == conversion.FREE:
        return market.scored
    frame = cached.ask(page.source, conversion.scored_sessions_of, market.period, user["user_id"])
    return ScoredSessions.from_frame(frame)


def draw_offer(page: Page, _market: Market, candidates: pd.DataFrame) -> None:
    """The offer text for one candidate, to read, copy or take along; only for those who may see whom it is to."""
    if not withheld.sees_addresses(page):
        st.info(
            "**An offer is written to an e-mail address, and those are not for your role.** The role sales shows them.",
            icon=":material/lock:",
        )
        return
    if candidates.empty:
        st.info("**There is no candidate to write to.** Lower a threshold, or look at Near misses.")
        return
    people = candidates[to_offer(candidates)]
    if len(people) < len(candidates):
        others = counted(len(candidates) - len(people), "candidate is", "candidates are")
        st.caption(f"{others} not to be offered now: the list above says why.")
    if people.empty:
        return
    names = _names(page, people)
    row = people.iloc[names.index(st.selectbox("Candidate", names, width=420))]
    offer = offer_text(
        str(row["email"]),
        None,
        int(row["sessions"]),
        float(row["avg_score"]),
        offer_of(page.settings, page.filters["price"]),
    )
    whole = f"To: {offer.to}\nSubject: {offer.subject}\n\n{offer.body}"
    st.code(whole, language=None, wrap_lines=True)
    if page.without_names:
        st.caption("An offer is written to a person: switch off Without names in the sidebar to take it along.")
        return
    offer_file(
        page,
        "Text file",
        whole.encode,
        page.file_name(f"offer_{row['user_id']}", "txt"),
        "text/plain",
        rows=1,
        icon=":material/download:",
    )
    st.caption("Nothing is sent from here. The copy button is at the top right of the text.")
