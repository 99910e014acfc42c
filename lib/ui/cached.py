"""The one place that remembers answers, for as long as the data stays the same.

The key is the database, its state, the question, and the plain values that it was asked with. What is kept is bounded
in entries and in bytes; whoever asks the same as somebody else at the same time waits for that answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from threading import Lock
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, TypeVar

import altair as alt
import pandas as pd
import streamlit as st
from sqlalchemy import Connection

from lib.analysis.candidates import every_setting
from lib.analysis.streaks import ScoredSessions, Streak
from lib.charts import Palette, finished
from lib.period import Period
from lib.queries import conversion
from lib.queries.mistakes import MistakeFilter
from lib.ui.source import Source

P = ParamSpec("P")
R = TypeVar("R")
Periods = tuple[Period, ...]
ONE_HOUR = 3600
MOST_SHARED = 16
MOST_SHARED_BYTES = 512 * 2**20
MOST_STATES = 1_000
_TEXT_BYTES = 64  # of a short text in memory, beside the pointer to it
_KEYS: dict[Any, Callable[[Any], Any]] = {
    Source: lambda source: source.key,
    FunctionType: lambda function: f"{function.__module__}.{function.__qualname__}",
    Period: repr,
    MistakeFilter: repr,
    Palette: repr,
}


def ask(source: Source, query: Callable[Concatenate[Connection, P], R], *values: P.args, **named: P.kwargs) -> R:
    """The answer of a query of lib.queries to plain values, a copy for each caller.

    Raises DatabaseProblem, and DataMoved where the data has changed since the page was begun.
    """
    return source.fetch(lambda: _ask(source, query, values, named))


@st.cache_data(ttl=ONE_HOUR, max_entries=1024, max_size="256MB", show_spinner=False, hash_funcs=_KEYS)
def _ask(source: Source, query: Callable[..., R], values: tuple[Any, ...], named: dict[str, Any]) -> R:
    return query(source.connection, *values, **named)


def scored_sessions(source: Source, period: Period) -> ScoredSessions:
    """The scores that a slider works on: one read-only copy for everybody. Raises as ``ask`` does."""
    return scored_history(source, (period,))[0]


def scored_history(source: Source, periods: Periods) -> tuple[ScoredSessions, ...]:
    """The same for several windows, newest first, from one question to the database."""
    found = source.fetch(lambda: _scored_history(source, periods))
    for unused in _shared().use((source, periods), sum(_size(scored) for scored in found)):
        _scored_history.clear(*unused)
    return found


@st.cache_resource(ttl=ONE_HOUR, max_entries=MOST_SHARED, show_spinner=False, hash_funcs=_KEYS)
def _scored_history(source: Source, periods: Periods) -> tuple[ScoredSessions, ...]:
    newest, oldest = periods[0], periods[-1]
    around = Period(newest.as_of, (newest.as_of - oldest.first).days + 1, newest.zone)
    every = conversion.scored_sessions(source.connection, around)
    at = every["started_at"]
    return tuple(ScoredSessions.from_frame(every[(at >= one.start) & (at < one.end)]) for one in periods)


def candidates_at_every_setting(source: Source, period: Period, streak: Streak, price: float) -> pd.DataFrame:
    """What the two sliders do not change, see analysis.candidates."""
    return source.fetch(lambda: _candidates_at_every_setting(source, period, streak, price))


@st.cache_data(ttl=ONE_HOUR, max_entries=32, max_size="32MB", show_spinner=False, hash_funcs=_KEYS)
def _candidates_at_every_setting(source: Source, period: Period, streak: Streak, price: float) -> pd.DataFrame:
    return every_setting(_scored_history(source, (period,))[0], streak, price)


def made(function: Callable[P, R], *values: P.args, **named: P.kwargs) -> R:
    """What a pure function makes of these values, a copy for each caller: a table of lib.analysis, a finished chart."""
    return _made(function, values, named)


@st.cache_data(ttl=ONE_HOUR, max_entries=1024, max_size="128MB", show_spinner=False, hash_funcs=_KEYS)
def _made(function: Callable[..., R], values: tuple[Any, ...], named: dict[str, Any]) -> R:
    return function(*values, **named)


def drawn(draw: partial[alt.LayerChart], colours: Palette) -> dict[str, Any]:
    """The chart that a function of lib.charts makes of its values in these colours, finished."""
    return made(_finished, draw.func, (*draw.args, colours), draw.keywords)


def _finished(chart: Callable[..., alt.LayerChart], values: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    return finished(chart(*values, **named))


def computed_at(source: Source) -> datetime:
    """When the figures of this state of the data were first asked for (UTC)."""
    if _shared().is_one_state_too_many(source.state):
        forget()
    return _computed_at(source)


@st.cache_data(ttl=ONE_HOUR, max_entries=256, max_size="1MB", show_spinner=False, hash_funcs=_KEYS)
def _computed_at(source: Source) -> datetime:
    return datetime.now(UTC)


def forget() -> None:
    """Drop every answer: the next look asks the database again."""
    for cache in (_ask, _made, _scored_history, _candidates_at_every_setting, _computed_at, _shared):
        cache.clear()


class _Shared:
    """What is kept for everybody: its bytes, which Streamlit does not count, and how many states were seen.

    Streamlit keeps a lock for each key that it ever met; with data that always changes, that would grow without end.
    """

    def __init__(self) -> None:
        self._sizes: OrderedDict[tuple[Source, Periods], int] = OrderedDict()
        self._states: set[str] = set()
        self._lock = Lock()

    def use(self, key: tuple[Source, Periods], size: int) -> list[tuple[Source, Periods]]:
        """Note a use; what has to go, the longest unused first, to keep within the bounds."""
        with self._lock:
            self._sizes[key] = size
            self._sizes.move_to_end(key)
            unused = []
            while len(self._sizes) > 1 and (
                len(self._sizes) > MOST_SHARED or sum(self._sizes.values()) > MOST_SHARED_BYTES
            ):
                unused.append(self._sizes.popitem(last=False)[0])
            return unused

    def is_one_state_too_many(self, state: str) -> bool:
        """Whether it is time to begin anew."""
        with self._lock:
            self._states.add(state)
            return len(self._states) > MOST_STATES


@st.cache_resource(show_spinner=False)
def _shared() -> _Shared:
    return _Shared()


def _size(scored: ScoredSessions) -> int:
    """Bytes, roughly: users are as many texts as there are, sessions have one each."""
    arrays = (scored.user_ids, scored.starts, scored.scores, scored.started_at, scored.session_ids)
    return sum(array.nbytes for array in arrays) + _TEXT_BYTES * (len(scored.user_ids) + len(scored.session_ids))
