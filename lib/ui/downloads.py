"""Files to take along: made when they are asked for, and only for who still may have them; each is recorded first."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import streamlit as st
from streamlit.runtime.backend_operation_handler import DeferredFileHandler
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from lib.addresses import file_has_addresses
from lib.ui.configured import settings_now
from lib.ui.gate import audit_log, is_still_admitted
from lib.ui.page import Page

# The session that asks for a file; empty where nobody said.
ASKING: ContextVar[str] = ContextVar("asking", default="")


class NotAdmitted(Exception):
    """The visitor's rights have ended since the page was drawn, or somebody else asks for the file."""


def offer_file(
    page: Page,
    label: str,
    make: Callable[[], bytes],
    file_name: str,
    mime: str,
    *,
    rows: int | None = None,
    **look: Any,
) -> None:
    """A download button; ``make`` is called on the click, ``rows`` is how many it has, ``look`` as Streamlit's.

    Only the session that draws the button gets the file: who learns its number elsewhere does not.
    """
    _note_who_asks()
    facts = {"page": page.name, "file": file_name, "filters": dict(page.filters.shown), "rows": rows}
    session = session_now()

    def made() -> bytes:
        settings = settings_now()
        log = audit_log(settings)
        if ASKING.get() != session:
            log.record("refusal", "unknown", why="the file was offered to another session", **facts)
            raise NotAdmitted
        if not is_still_admitted(page.visitor, page.name, settings):
            log.record("refusal", page.visitor.name, why="the rights have ended", **facts)
            raise NotAdmitted
        content = make()
        log.record("download", page.visitor.name, **facts, addresses=file_has_addresses(content))
        return content

    st.download_button(label, made, file_name, mime, on_click="ignore", **look)


def session_now() -> str:
    """The session for which a page is drawn."""
    context = get_script_run_ctx()
    return context.session_id if context else ""


@st.cache_resource(show_spinner=False)
def _note_who_asks() -> None:
    """Have Streamlit's handler of such files say which session asks: it makes one for whoever names its number."""
    handle = DeferredFileHandler.handle

    async def noting(self: DeferredFileHandler, request: Any, session_id: str) -> Any:
        ASKING.set(session_id)  # the thread that makes the file has a copy of this context
        return await handle(self, request, session_id)

    setattr(DeferredFileHandler, "handle", noting)  # noqa: B010 - a method is replaced, which mypy would not take
