"""How sign-in is set up in `[auth]` of secrets.toml, and where secrets may stand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

from lib.access import outside
from lib.settings import ROOT

UNNAMED = "default"  # Streamlit's name for the provider whose settings stand in [auth] itself
SHORTEST_SECRET = 32  # characters of cookie_secret: whoever guesses it signs in as anybody
INCOMPLETE = (
    "The section [auth] in .streamlit/secrets.toml is not complete: {what}. "
    "The file .streamlit/secrets.example.toml shows how it is written."
)
UNREADABLE = "The file {file} is there, and cannot be read as TOML."


class NotSetUp(Exception):
    """Sign-in is set up by half; ``str()`` is a sentence that names what is missing, and no value of it."""


def set_up_providers() -> dict[str, str]:
    """The providers of sign-in: client id by name; none at all is no sign-in. Raises NotSetUp."""
    try:
        auth = st.secrets.get("auth")
    except (StreamlitSecretNotFoundError, OSError, ValueError) as error:
        broken = [file for file in st.get_option("secrets.files") if Path(file).exists()]
        if broken:
            raise NotSetUp(UNREADABLE.format(file=broken[0])) from error
        return {}
    if auth is None:
        return {}
    auth = auth.to_dict() if hasattr(auth, "to_dict") else {}
    named = {name: value for name, value in auth.items() if isinstance(value, dict) and name != "client_kwargs"}
    sections = ({UNNAMED: auth} if "client_id" in auth else {}) | named
    lacks = _lacks(auth, sections)
    if lacks:
        raise NotSetUp(INCOMPLETE.format(what="; ".join(lacks)))
    return {name: section["client_id"] for name, section in sections.items()}


def _lacks(auth: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What is missing or wrong in the settings of sign-in, without their values."""
    lacks = []
    if len(str(auth.get("cookie_secret", ""))) < SHORTEST_SECRET:
        lacks.append(f"cookie_secret has fewer than {SHORTEST_SECRET} characters")
    if not (_is_safe(auth.get("redirect_uri")) and str(auth["redirect_uri"]).endswith("/oauth2callback")):
        lacks.append("redirect_uri is not https:// and the app's address and /oauth2callback")
    if not sections:
        lacks.append("client_id is missing")
    for name, section in sections.items():
        where = f" of {name}" if name != UNNAMED else ""
        lacks += [f"{key}{where} is missing" for key in ("client_id", "client_secret") if not section.get(key)]
        if not _is_safe(section.get("server_metadata_url")):
            lacks.append(f"server_metadata_url{where} is not an address that begins with https://")
        if "_" in name:
            lacks.append(f"the name {name} has an underscore, which Streamlit does not take")
    return lacks


def _is_safe(address: object) -> bool:
    """Whether nobody between can read or change what goes there; on this machine there is nobody between."""
    parts = urlsplit(str(address))
    return bool(parts.netloc) and (
        parts.scheme == "https" or (parts.scheme == "http" and not outside(parts.hostname, None, {}))
    )


def secret_files() -> list[Path]:
    """The files that secrets may stand in; not each of them is there."""
    return [*map(Path, st.get_option("secrets.files")), ROOT / ".env"]
