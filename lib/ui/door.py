"""The door that every page passes: it sets the page up, opens the database, and draws the frame around the page."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from lib.database import DatabaseProblem
from lib.period import day_of, default_as_of
from lib.queries.freshness import newest_session
from lib.settings import Settings, SettingsError, load_settings
from lib.ui import cached, sidebar
from lib.ui.filters import Filters
from lib.ui.page import Page
from lib.ui.params import all_params
from lib.ui.source import Source, open_source
from lib.ui.tables import plain

HERE = Path(__file__).parent
LOG = logging.getLogger("fluency_lab")


@contextmanager
def open_page(title: str, *, question: str) -> Iterator[Page]:
    """Everything that a page needs; what the database refuses becomes a sentence on the page.

    ``question`` is what the page answers; files say it.
    """
    st.set_page_config(page_title=f"{title} · Fluency Lab", page_icon=str(HERE / "icon.svg"), layout="wide")
    st.html(HERE / "style.css")
    with say_problems():
        warning = sidebar.draw_links()
        settings = load_settings()
        source = open_source(settings.database_url)
        page = _page(title, question, settings, source)
        sidebar.draw_as_of(page)
        page.draw_header()
        yield page
        sidebar.draw_source(page, warning)
        page.filters.write_address()


@contextmanager
def say_problems() -> Iterator[None]:
    """Turn what can go wrong into a sentence, its cause and its remedy. Fragments need one of their own."""
    try:
        yield
        return
    except SettingsError as error:
        st.error(f"**The app cannot start.** {error}", icon=":material/settings:")
    except DatabaseProblem as problem:
        LOG.warning("database problem: %s", problem.what, exc_info=problem)
        st.error(f"**{plain(problem.what)}** {problem.remedy}", icon=":material/database_off:")
        st.button("Try again", on_click=cached.forget, key="try_again")
    except SQLAlchemyError as error:
        LOG.error("database error", exc_info=error)
        st.error("**The database could not answer.** Try again; if it stays so, the log says why.")
    st.stop()  # a door that did not open has no page to hand over


def _page(title: str, question: str, settings: Settings, source: Source) -> Page:
    newest = cached.ask(source, newest_session)
    today = day_of(datetime.now(UTC), settings.timezone)
    as_of = default_as_of(newest, today, settings.timezone)
    name = title.lower().replace(" ", "_")
    filters = Filters(name, all_params(settings, as_of, max(today, as_of)))
    return Page(title, name, question, settings, source, filters, newest, cached.computed_at(source), today)
