"""Who is at the door: nobody sees a page before this has let them in.

With sign-in (`[auth]` in secrets.toml) everybody has the roles that the settings give them; without it the app serves
the machine that it runs on, and nobody else. What is set up by half lets nobody in.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, NoReturn

import streamlit as st

from lib.access import LOCAL, Role, Visitor, address_of, outside, roles_of
from lib.audit import AuditLog, Event
from lib.settings import Settings
from lib.ui.sign_in import UNNAMED, NotSetUp, files_open_to_others, secret_files, set_up_providers
from lib.ui.text import plain

LOG = logging.getLogger("fluency_lab")
SEEN, LEAVING = "gate_page", "gate_leaving"
LONGEST_WATCH = 3600  # seconds
ASK_AN_ADMIN = "Ask an administrator of this app"
MISSING = (
    "**This app serves only the machine that it runs on, and {why}.** Sign-in is not set up: the section [auth] is "
    "missing in .streamlit/secrets.toml. The file .streamlit/secrets.example.toml shows how it is written."
)
READABLE = "**Other users of this machine can read {files}.** Secrets stand there: take that right away with {remedy}."


class NotAdmitted(Exception):
    """Somebody does not pass: the sentence for them, what is recorded of it, and whether signing in would help."""

    def __init__(self, sentence: str, why: str = "", *, name: str = "", event: Event = "refusal") -> None:
        super().__init__(sentence)
        self.why, self.name, self.event = why, name, event
        self.may_sign_in = event == "sign-out"


def recognise(settings: Settings) -> Visitor:
    """Who is at the door; somebody who is nobody here gets a sentence, or the way to sign in, and nothing else."""
    log = audit_log(settings)
    if st.session_state.pop(LEAVING, False):
        log.record("sign-out", _name(st.user.to_dict()), why="asked for")
        st.logout()
    try:
        visitor = _who(settings)
    except NotAdmitted as refusal:
        _turn_away(refusal, log)
    if visitor.is_signed_in:
        _record_once(log.place, "sign-in", visitor.name, _stamp(visitor.claims), roles=sorted(visitor.roles))
        _watch_the_end(visitor.claims["exp"])
    _warn_of_open_secrets(visitor)
    return visitor


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
        return _signed_in(visitor.claims, providers, settings) == visitor and visitor.may_open(page)
    except NotAdmitted:
        return False


@st.cache_resource(max_entries=4, show_spinner=False)
def _audit_log(place: str) -> AuditLog:
    return AuditLog(place)


def audit_log(settings: Settings) -> AuditLog:
    """The one record of who did what, for all visitors."""
    return _audit_log(settings.audit)


@st.cache_resource(ttl=31 * 86_400, max_entries=10_000, show_spinner=False)
def _record_once(place: str, event: Event, name: str, stamp: str, **facts: Any) -> None:
    """A line for a sign-in, not for each tab and each reload that shows the same cookie."""
    _audit_log(place).record(event, name, **facts)


def _stamp(claims: Mapping[str, Any]) -> str:
    """What tells one sign-in of somebody from their next."""
    return " ".join(str(claims.get(name)) for name in ("iss", "sub", "iat", "exp"))


def _who(settings: Settings) -> Visitor:
    """The visitor; raises NotAdmitted."""
    providers = _providers()
    if providers:
        return _signed_in(st.user.to_dict(), providers, settings)
    address = st.context.ip_address
    client = address if isinstance(address, str) else None  # a page that a test runs without a server has no client
    why = outside(st.get_option("server.address"), client, st.context.headers)
    if why:
        raise NotAdmitted(MISSING.format(why=why).replace("[", "\\["), why, name=client or "")
    return LOCAL


def _providers() -> dict[str, str]:
    """The providers of sign-in: client id by name; none at all is no sign-in. Raises NotAdmitted."""
    try:
        return set_up_providers()
    except NotSetUp as problem:
        raise NotAdmitted(f"**Nobody can sign in.** {plain(problem)}", "sign-in is not set up completely") from problem


def _signed_in(claims: Mapping[str, Any], providers: Mapping[str, str], settings: Settings) -> Visitor:
    """The visitor who has these claims; raises NotAdmitted where they are over, not meant for us, or not enough."""
    if not claims.get("is_logged_in"):
        raise NotAdmitted("Sign in to see the figures.", event="sign-out")
    name = _name(claims)
    if _is_over(claims):
        why = "the sign-in has expired"
        raise NotAdmitted("Your sign-in has ended. Sign in again to go on.", why, name=name, event="sign-out")
    if not _is_for_us(claims, providers):
        why = "the sign-in is of a provider or a client that is not set up here"
        raise NotAdmitted("Sign in again: your sign-in was made for another app.", why, name=name, event="sign-out")
    visitor = Visitor(name, roles_of(claims, {role: getattr(settings, f"role_{role}") for role in Role}), claims)
    if not visitor.roles:
        raise NotAdmitted(f"**{plain(name)} is not admitted here.** {_remedy(claims)}", "not admitted", name=name)
    return visitor


def _name(claims: Mapping[str, Any]) -> str:
    """How somebody is called, here and in the record: their verified address, or else the provider's id of them."""
    return address_of(claims) or str(claims.get("sub") or "unknown")


def _is_over(claims: Mapping[str, Any]) -> bool:
    """Whether the sign-in has ended: Streamlit's cookie outlives the provider's token and does not look at its end."""
    end = claims.get("exp")
    return not (isinstance(end, (int, float)) and end > time.time())


def _is_for_us(claims: Mapping[str, Any], providers: Mapping[str, str]) -> bool:
    """Whether the sign-in is of a provider that is set up now, and names our client there among its readers."""
    client = providers.get(str(claims.get("provider", next(iter(providers)))))
    readers = claims.get("aud", client)
    return client is not None and client in (readers if isinstance(readers, list) else [readers])


def _remedy(claims: Mapping[str, Any]) -> str:
    if claims.get("email") and not address_of(claims):
        return (
            "Your provider does not say that your e-mail address is verified, so it does not count. "
            f"{ASK_AN_ADMIN} for a role by another claim."
        )
    return f"{ASK_AN_ADMIN} to add you."


def _watch_the_end(end: float) -> None:
    """Draw the page again when the sign-in ends, so that a screen that nobody touches does not go on showing it."""

    @st.fragment(run_every=min(max(end - time.time(), 0) + 1, LONGEST_WATCH))
    def look() -> None:
        if end <= time.time():
            st.rerun()

    with st.sidebar:
        look()


def _warn_of_open_secrets(visitor: Visitor) -> None:
    """Once in the log, and on each page for those who can do something about it."""
    opened = files_open_to_others(secret_files())
    if opened:
        names = " and ".join(map(str, opened))
        _log_once(READABLE.replace("*", "").format(files=names, remedy=f"chmod o-r {' '.join(map(str, opened))}"))
        if Role.ADMIN in visitor.roles:
            st.warning(READABLE.format(files=plain(names), remedy="chmod o-r"), icon=":material/lock_open:")


@st.cache_resource(max_entries=16, show_spinner=False)
def _log_once(sentence: str) -> None:
    LOG.warning("%s", sentence)


def _turn_away(refusal: NotAdmitted, log: AuditLog) -> NoReturn:
    claims = st.user.to_dict()
    if refusal.may_sign_in:
        if refusal.why:
            _record_once(log.place, "sign-out", refusal.name, _stamp(claims), why=refusal.why)
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
