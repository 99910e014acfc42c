"""What the claims of a sign-in (an OpenID Connect ID token) are worth: who somebody is, or why they are nobody here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import streamlit as st

from lib.access import Role, Visitor, address_of, roles_of
from lib.audit import Event
from lib.settings import Settings
from lib.ui import remembered
from lib.ui.text import plain

USER_COOKIE = "_streamlit_user"  # Streamlit's, of a sign-in
ASK_AN_ADMIN = "Ask an administrator of this app"


class NotAdmitted(Exception):
    """Somebody does not pass: the sentence for them, what is recorded of it, and whether signing in would help."""

    def __init__(
        self, sentence: str, why: str = "", *, name: str = "", event: Event = "refusal", may_sign_in: bool = False
    ) -> None:
        super().__init__(sentence)
        self.why, self.name, self.event, self.may_sign_in = why, name, event, may_sign_in


def signed_in(claims: Mapping[str, Any], providers: Mapping[str, str], settings: Settings) -> Visitor:
    """The visitor who has these claims; raises NotAdmitted where they are over, not meant for us, or not enough."""
    if not claims.get("is_logged_in"):
        why = "its cookie was not made by this app" if USER_COOKIE in st.context.cookies else ""
        raise NotAdmitted("Sign in to see the figures.", why, name="unknown", may_sign_in=True)
    name = name_of(claims)
    again = partial(NotAdmitted, name=name, event="sign-out", may_sign_in=True)
    if claims in remembered.ended():
        raise again("You have signed out. Sign in again to go on.")
    if _is_over(claims):
        raise again("Your sign-in has ended. Sign in again to go on.", "the sign-in has expired")
    if not _is_for_us(claims, providers):
        why = "the sign-in is of a provider or a client that is not set up here"
        raise again("Sign in again: your sign-in was made for another app.", why)
    visitor = Visitor(name, roles_of(claims, {role: getattr(settings, f"role_{role}") for role in Role}), claims)
    if not visitor.roles:
        raise NotAdmitted(f"**{plain(name)} is not admitted here.** {_remedy(claims)}", "not admitted", name=name)
    return visitor


def name_of(claims: Mapping[str, Any]) -> str:
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
