"""What a process remembers of sign-ins: which have ended here, which are recorded, and where people wanted to go.

Streamlit's cookie lasts as long as the provider's token, whatever happens meanwhile, and leads back to Home alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import streamlit as st
from streamlit.web.server.starlette.starlette_app_utils import decode_xsrf_token_string

from lib.audit import AuditLog, Event

MONTH = 31 * 86_400  # seconds: longer than a browser keeps the cookie of a sign-in
SHORT = 600  # seconds in which somebody signs in
BROWSER = "_streamlit_xsrf"  # the cookie that Streamlit gives to each browser
Claims = Mapping[str, Any]


def stamp(claims: Claims) -> str:
    """What tells one sign-in of somebody from their next."""
    return " ".join(str(claims.get(name)) for name in ("iss", "sub", "iat", "exp"))


@st.cache_resource(max_entries=4, show_spinner=False)
def audit_log_in(place: str) -> AuditLog:
    """The one record in ``place``, for all visitors."""
    return AuditLog(place)


@st.cache_resource(ttl=MONTH, max_entries=10_000, show_spinner=False)
def record_once(place: str, event: Event, name: str, stamp: str, **facts: Any) -> None:
    """A line for a sign-in, not for each tab and each reload that shows the same cookie."""
    audit_log_in(place).record(event, name, **facts)


class _Ended:
    """Sign-ins that were ended before their time: in other tabs and copied cookies they go on otherwise."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._lock = Lock()

    def add(self, claims: Claims) -> None:
        now, end = time.time(), claims.get("exp")
        with self._lock:
            self._until = {name: until for name, until in self._until.items() if until > now}
            self._until[stamp(claims)] = float(end) if isinstance(end, (int, float)) else now + MONTH

    def __contains__(self, claims: Claims) -> bool:
        return stamp(claims) in self._until


@st.cache_resource(show_spinner=False)
def ended() -> _Ended:
    """The sign-ins that somebody ended in this process."""
    return _Ended()


@dataclass
class Wish:
    """The page that a browser asked for before its sign-in (name of the script), and the filters in the address."""

    page: str = ""
    filters: dict[str, str] = field(default_factory=dict)

    def take(self) -> Wish:
        """What was wished for; from now on nothing is."""
        taken = Wish(self.page, self.filters)
        self.page, self.filters = "", {}
        return taken


def wish() -> Wish:
    """What this browser wishes for; one that cannot be told from others wishes for nothing that lasts."""
    # The cookie is written anew with each answer; what it says stays the same.
    browser, _ = decode_xsrf_token_string(st.context.cookies.get(BROWSER, ""))
    return _wish(browser) if browser else Wish()


@st.cache_resource(ttl=SHORT, max_entries=1_000, show_spinner=False)
def _wish(browser: bytes) -> Wish:
    return Wish()
