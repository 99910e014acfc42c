"""Files to take along: made when they are asked for, and only for who still may have them; each is recorded first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from lib.addresses import file_has_addresses
from lib.ui.configured import settings_now
from lib.ui.gate import audit_log, is_still_admitted
from lib.ui.page import Page


class NotAdmitted(Exception):
    """The visitor's rights have ended since the page was drawn."""


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
    """A download button; ``make`` is called on the click, ``rows`` is how many it has, ``look`` as Streamlit's."""
    facts = {"page": page.name, "file": file_name, "filters": dict(page.filters.shown), "rows": rows}

    def made() -> bytes:
        settings = settings_now()
        log = audit_log(settings)
        if not is_still_admitted(page.visitor, page.name, settings):
            log.record("refusal", page.visitor.name, why="the rights have ended", **facts)
            raise NotAdmitted
        content = make()
        log.record("download", page.visitor.name, **facts, addresses=file_has_addresses(content))
        return content

    st.download_button(label, made, file_name, mime, on_click="ignore", **look)
