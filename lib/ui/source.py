"""The database behind the pages, as a value that caches can use as a key."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st
from sqlalchemy import Engine

from lib.database import database_url, fingerprint, open_engine, shown_address


@dataclass(frozen=True)
class Source:
    """A database in one state. ``name`` is for people, without a password; ``state`` changes when the data does."""

    name: str
    state: str
    engine: Engine = field(compare=False, repr=False)

    @property
    def key(self) -> tuple[str, str]:
        """What a cache goes by: which database, in which state."""
        return self.engine.url.render_as_string(hide_password=False), self.state


def open_source(address: str) -> Source:
    """The database at ``address`` (see settings) as it is now; raises DatabaseProblem."""
    url = database_url(address)
    engine = _engine(address)
    return Source(shown_address(url), fingerprint(engine), engine)


@st.cache_resource(max_entries=4, show_spinner=False)
def _engine(address: str) -> Engine:
    return open_engine(database_url(address))
