"""The door that every page passes: it sets the page up, opens the database, and draws the frame around the page."""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from lib.access import Visitor
from lib.audit import AuditProblem
from lib.database import DatabaseProblem
from lib.period import day_of, default_as_of, end_of_day
from lib.queries.freshness import newest_session
from lib.settings import Settings, SettingsError
from lib.ui import cached, sidebar
from lib.ui.configured import settings_now
from lib.ui.filters import Filters
from lib.ui.gate import admit, recognise, still_admitted, told
from lib.ui.page import Page
from lib.ui.params import all_params
from lib.ui.source import DataMoved, Source, is_back, open_source
from lib.ui.text import plain

HERE = Path(__file__).parent
LOG = logging.getLogger("fluency_lab")
ONE_HOUR = 3600  # seconds
LOOKS = 3  # seconds between two looks whether the database is back
AGAIN = "again"  # somebody pressed the button of a problem
HIDDEN = "hidden"  # a problem stood where the controls were
HELD = "held"  # the run that follows keeps one snapshot open: the data changes faster than a page is drawn


@contextmanager
def open_page(title: str, *, question: str) -> Iterator[Page]:
    """Everything that a page needs; what the database refuses becomes a sentence on the page.

    ``question`` is what the page answers; files say it. All its figures are of one moment of the data.
    """
    st.set_page_config(page_title=f"{title} · Fluency Lab", page_icon=str(HERE / "icon.svg"), layout="wide")
    st.html(HERE / "style.css")
    with st.sidebar:
        st.html(HERE / "dates.html", unsafe_allow_javascript=True)
        st.html(HERE / "history.html", unsafe_allow_javascript=True)
        _ask_anew_after_a_lost_connection()
    held = st.session_state.pop(HELD, False)
    with say_problems():
        settings, name = settings_now(), title.lower().replace(" ", "_")
        visitor = recognise(settings, name)
        warning = sidebar.draw_links(visitor)
        admit(visitor, name, settings)
        with open_source(settings.database_url, settings.query_seconds, held=held) as source:
            page = _page(title, name, question, settings, source, visitor)
            sidebar.draw_as_of(page)
            page.draw_header()
            yield page
            sidebar.draw_source(page, warning)
            page.filters.write_address()
    _settle()


@st.fragment(run_every=ONE_HOUR)
def _ask_anew_after_a_lost_connection() -> None:
    """Draw nothing: a browser with a new session asks for the page again only if a part of it is drawn by itself.

    Without that the controls of fragments move and nothing else: their session is gone (streamlit/streamlit#11660).
    It stands beside the other fragments, for those with an interval may not be nested (streamlit/streamlit#15084).
    """


@st.cache_resource(show_spinner=False)
def _settle() -> None:
    """What the first page has loaded stays as long as the process: Python need not look through it for garbage.

    It did so after every hundred clicks or so, for a tenth of a second in which everybody waited.
    """
    if not gc.get_freeze_count():
        gc.freeze()


@contextmanager
def say_problems() -> Iterator[None]:
    """Turn what can go wrong into a sentence, its cause and its remedy. Fragments need one of their own."""
    if st.session_state.pop(AGAIN, False):
        st.rerun()  # the whole page, also where a part of it had the problem
    try:
        yield
        return
    except SettingsError as error:
        st.error(f"**The app cannot start.** {told(error)}", icon=":material/settings:")
    except AuditProblem as problem:
        st.error(f"**Nothing can be shown.** {plain(str(problem))}", icon=":material/lock:")
    except DataMoved:
        st.session_state[HELD] = True
        st.rerun()
    except DatabaseProblem as problem:
        st.session_state[HIDDEN] = True
        unknown = problem if "log says" in problem.remedy else None
        LOG.warning("database problem: %s %s", *problem.in_command("FLUENCY_DATABASE_URL"), exc_info=unknown)
        st.error(f"**{plain(problem.what)}** {problem.remedy}", icon=":material/database_off:")
        st.button("Try again", on_click=_try_again, key="try_again")
        if problem.passes:
            st.fragment(_look_again, run_every=LOOKS)(time.monotonic())
    except SQLAlchemyError as error:
        LOG.error("database error", exc_info=error)
        st.error("**The database could not answer.** Try again; if it stays so, the log says why.")
    st.stop()  # a door that did not open has no page to hand over


@contextmanager
def drawn_by_itself(page: Page) -> Iterator[None]:
    """Around a fragment: it passes the door again, for it is drawn again without the page around it."""
    with say_problems():
        still_admitted(page.visitor, page.name, settings_now())
        yield


def _try_again() -> None:
    cached.forget()
    st.session_state[AGAIN] = True


def _look_again(since: float) -> None:
    """Draw the page again once the database answers; not at once, or a page that fails would never come to rest."""
    st.caption("This page looks again by itself.")
    settings = settings_now()
    if time.monotonic() - since > LOOKS / 2 and is_back(settings.database_url, settings.query_seconds):
        st.rerun()


def _page(title: str, name: str, question: str, settings: Settings, source: Source, visitor: Visitor) -> Page:
    today = day_of(datetime.now(UTC), settings.timezone)
    newest = cached.ask_if_readable(source, newest_session, end_of_day(today, settings.timezone))
    as_of = default_as_of(newest, today, settings.timezone)
    filters = Filters(name, all_params(settings, as_of, max(today, as_of)))
    if st.session_state.pop(HIDDEN, False):
        _stand_as_before(filters)
    computed = cached.computed_at(source)
    return Page(title, name, question, settings, source, filters, newest, computed, today, visitor=visitor)


def _stand_as_before(filters: Filters) -> None:
    """The browser forgets controls that it does not see; what code sets is sent to it again."""
    for name in filters.params:
        filters.set(**{name: filters.use(name, st.session_state.get(filters.key(name)))})
