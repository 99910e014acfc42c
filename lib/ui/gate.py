"""Who is at the door: nobody sees a page before this has let them in.

With sign-in (`[auth]` in secrets.toml) everybody has the roles that the settings give them; without it the app serves
the machine that it runs on, and nobody else. What is set up by half lets nobody in.
"""

from __future__ import annotations

import logging
import time
from typing import NoReturn

import streamlit as st

from lib.access import LOCAL, Role, Visitor, outside
from lib.audit import AuditLog
from lib.open_files import files_open_to_others, said_of
from lib.settings import Settings, SettingsError
from lib.ui import remembered
from lib.ui.claims import ASK_AN_ADMIN, USER_COOKIE, NotAdmitted, name_of, signed_in
from lib.ui.sign_in import UNNAMED, NotSetUp, secret_files, set_up_providers
from lib.ui.text import plain

LOG = logging.getLogger("fluency_lab")
SEEN, LEAVING = "gate_page", "gate_leaving"
LONGEST_WATCH = 3600  # seconds
MISSING = (
    "**This app serves only the machine that it runs on, and {why}.** Sign-in is not set up: the section [auth] is "
    "missing in .streamlit/secrets.toml. The file .streamlit/secrets.example.toml shows how it is written."
)


def recognise(settings: Settings, page: str) -> Visitor:
    """Who is at the door of ``page``; who is nobody here gets a sentence, or the way to sign in, and nothing else."""
    log, warning = audit_log(settings), said_of(files_open_to_others(secret_files()))
    if warning:
        _log_once(warning)
    if st.session_state.pop(LEAVING, False):
        _end_sign_in(log)
    try:
        visitor = _who(settings)
    except NotAdmitted as refusal:
        _turn_away(refusal, log, page)
    if visitor.is_signed_in:
        stamp = remembered.stamp(visitor.claims)
        remembered.record_once(log.place, "sign-in", visitor.name, stamp, roles=sorted(visitor.roles))
        _go_where_wished(page)
        _watch_the_end(visitor.claims["exp"])
    if warning and Role.ADMIN in visitor.roles:
        st.warning(plain(warning), icon=":material/lock_open:")
    return visitor


def _end_sign_in(log: AuditLog) -> None:
    claims = st.user.to_dict()
    log.record("sign-out", name_of(claims), why="asked for")
    remembered.ended().add(claims)
    st.logout()


def _go_where_wished(page: str) -> None:
    """Sign-in leads back to Home: from there on to where it began."""
    if page == "home" and not st.query_params:
        wish = remembered.wish().take()
        if wish.page not in ("", "home") or wish.filters:
            script = "Home.py" if wish.page == "home" else f"pages/{wish.page}.py"
            st.switch_page(script, query_params=wish.filters)


def admit(visitor: Visitor, page: str, settings: Settings) -> None:
    """Let the visitor in to ``page`` (name of its script), or stop with a sentence."""
    log = audit_log(settings)
    if not visitor.may_open(page):
        why = "the role does not open this page"
        log.record("refusal", visitor.name, page=page, why=why, roles=sorted(visitor.roles))
        _refuse(f"**This page is not open to you.** {ASK_AN_ADMIN} for a role that opens it.", visitor.is_signed_in)
    if st.session_state.get(SEEN) != page:
        st.session_state[SEEN] = page
        log.record("page", visitor.name, page=page, filters=st.query_params.to_dict())


def still_admitted(visitor: Visitor, page: str, settings: Settings) -> None:
    """For a part of a page that is drawn again by itself: where the visitor's rights have changed, all of it is."""
    try:
        is_same = _who(settings) == visitor and visitor.may_open(page)
    except NotAdmitted:
        is_same = False
    if not is_same:
        st.rerun()


def is_still_admitted(visitor: Visitor, page: str, settings: Settings) -> bool:
    """The same for where nothing can be drawn: whether the sign-in lasts and still opens the page."""
    try:
        providers = _providers()
        if not visitor.is_signed_in:
            return not providers
        return signed_in(visitor.claims, providers, settings) == visitor and visitor.may_open(page)
    except NotAdmitted:
        return False


def audit_log(settings: Settings) -> AuditLog:
    """The one record of who did what, for all visitors."""
    return remembered.audit_log_in(settings.audit)


def told(error: SettingsError) -> str:
    """What is wrong with the settings: in full to who sits at the machine, names alone to others, and to the log."""
    try:
        is_here = not _providers() and not _outside()
    except NotAdmitted:
        is_here = False
    if is_here or not error.names:
        return str(error)
    _log_once(str(error))
    return f"These settings cannot be used: {', '.join(error.names)}. The log of the app says why.".replace("_", "\\_")


def _who(settings: Settings) -> Visitor:
    """The visitor; raises NotAdmitted."""
    providers = _providers()
    if providers:
        return signed_in(st.user.to_dict(), providers, settings)
    why = _outside()
    if why:
        raise NotAdmitted(MISSING.format(why=why).replace("[", "\\["), why, name=_client() or "")
    return LOCAL


def _outside() -> str:
    return outside(st.get_option("server.address"), _client(), st.context.headers)


def _client() -> str | None:
    address = st.context.ip_address
    return address if isinstance(address, str) else None  # a page that a test runs without a server has no client


def _providers() -> dict[str, str]:
    """The providers of sign-in: client id by name; none at all is no sign-in. Raises NotAdmitted."""
    try:
        return set_up_providers()
    except NotSetUp as problem:
        raise NotAdmitted(f"**Nobody can sign in.** {plain(problem)}", "sign-in is not set up completely") from problem


def _watch_the_end(end: float) -> None:
    """Draw the page again when the sign-in ends, so that a screen that nobody touches does not go on showing it.

    And each hour until then: a browser counts no longer than that, and an interval is set when a page is drawn.
    """
    wait = min(max(end - time.time(), 0) + 1, LONGEST_WATCH)
    due = time.monotonic() + wait - 0.5

    @st.fragment(run_every=wait)
    def look() -> None:
        if time.monotonic() >= due:
            st.rerun()

    with st.sidebar:
        look()


@st.cache_resource(max_entries=16, show_spinner=False)
def _log_once(sentence: str) -> None:
    LOG.warning("%s", sentence)


def _turn_away(refusal: NotAdmitted, log: AuditLog, page: str) -> NoReturn:
    claims = st.user.to_dict()
    if refusal.may_sign_in:
        if refusal.why:
            stamp = remembered.stamp(claims) + st.context.cookies.get(USER_COOKIE, "")
            remembered.record_once(log.place, refusal.event, refusal.name, stamp, why=refusal.why)
        wish = remembered.wish()
        wish.page, wish.filters = page, st.query_params.to_dict()
        _ask(str(refusal))
    log.record(refusal.event, refusal.name, why=refusal.why)
    _refuse(str(refusal), bool(claims.get("is_logged_in")))


def _ask(sentence: str) -> NoReturn:
    st.title("Fluency Lab Analytics", anchor=False)
    st.write(sentence)
    for name in _providers():
        label = "Sign in" if name == UNNAMED else f"Sign in with {plain(name.capitalize())}"
        st.button(label, on_click=st.login, args=(name,), type="primary", icon=":material/login:")
    st.stop()


def _refuse(sentence: str, is_signed_in: bool) -> NoReturn:
    st.error(sentence, icon=":material/lock:")
    if is_signed_in:
        draw_sign_out()
    st.stop()


def draw_sign_out() -> None:
    """The button that ends the sign-in."""
    st.button("Sign out", on_click=_leave, icon=":material/logout:")


def _leave() -> None:
    """The door ends the sign-in, which can also say what is wrong with it."""
    st.session_state[LEAVING] = True
