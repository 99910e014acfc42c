"""The one place that remembers answers, for as long as the data stays the same.

The key is the database, its state, the question, and the plain values that it was asked with. What is kept is bounded
in entries and in bytes; whoever asks the same as somebody else at the same time waits for that answer.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pickle import Pickler
from threading import Lock
from types import FunctionType, MappingProxyType
from typing import Any, Concatenate, ParamSpec, TypeVar

import altair as alt
import pandas as pd
import streamlit as st
from sqlalchemy import Connection

from lib.analysis.candidates import every_setting
from lib.analysis.streaks import Booleans, ScoredSessions, Streak
from lib.charts import Palette, finished
from lib.database import TableProblem
from lib.exports import Spec
from lib.period import Period
from lib.queries import conversion
from lib.ui.source import Source

P = ParamSpec("P")
R = TypeVar("R")
Periods = tuple[Period, ...]
ONE_HOUR = 3600
MOST_SHARED = 16
MOST_SHARED_BYTES = 512 * 2**20
MOST_STATES = 1_000
_TEXT_BYTES = 64  # of a short text in memory, beside the pointer to it


def ask(source: Source, query: Callable[Concatenate[Connection, P], R], *values: P.args, **named: P.kwargs) -> R:
    """The answer of a query of lib.queries to plain values, a copy for each caller.

    Raises DatabaseProblem, and DataMoved where the data has changed since the page was begun.
    """
    key = _key(source.key, query, values, named)
    return source.fetch(lambda: _kept(key=key, _make=lambda: query(source.connection, *values, **named)))


def ask_if_readable(
    source: Source, query: Callable[Concatenate[Connection, P], R], *values: P.args, **named: P.kwargs
) -> R | None:
    """As ``ask``; None where a table cannot be read: what needs that table says why, the rest stands."""
    try:
        return ask(source, query, *values, **named)
    except TableProblem:
        return None


def worked_out(source: Source, work: Callable[Concatenate[Source, P], R], *values: P.args, **named: P.kwargs) -> R:
    """What ``work`` makes of several answers that it asks the source for, a copy for each caller. Raises as ``ask``."""
    key = _key(source.key, work, values, named)

    def make() -> R:
        _ = source.connection  # opened before others wait for this, see Source.fetch
        return work(source, *values, **named)

    return source.fetch(lambda: _kept(key=key, _make=make))


def made(function: Callable[P, R], *values: P.args, **named: P.kwargs) -> R:
    """What a pure function makes of these values, a copy for each caller: a table of lib.analysis, a finished chart."""
    return _kept(key=_key(function, values, named), _make=lambda: function(*values, **named))


@st.cache_data(ttl=ONE_HOUR, max_entries=2048, max_size="256MB", show_spinner=False)
def _kept(*, key: bytes, _make: Callable[[], R]) -> R:  # Streamlit goes by arguments without an underscore
    return _make()


class _Writer(Pickler):
    """Writes values down, tables too, many times faster than Streamlit's own way of looking at each of their values.

    The same values may be written in two ways, which costs a question asked twice; different ones never in one.
    """

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, FunctionType):
            return str, (f"{value.__module__}.{value.__qualname__}",)
        return (dict, (dict(value),)) if isinstance(value, MappingProxyType) else NotImplemented


def _key(*values: Any) -> bytes:
    written = BytesIO()
    _Writer(written).dump(values)
    return written.getvalue()


def scored_sessions(source: Source, period: Period) -> ScoredSessions:
    """The scores that a slider works on: one read-only copy for everybody. Raises as ``ask`` does."""
    return scored_history(source, (period,))[0]


def scored_history(source: Source, periods: Periods) -> tuple[ScoredSessions, ...]:
    """The same for several windows, newest first, from one question to the database."""
    key = _key(source.key, periods)
    found = source.fetch(lambda: _scored_history(key=key, _source=source, _periods=periods))
    for unused in _shared().use(key, sum(_size(scored) for scored in found)):
        _scored_history.clear(key=unused)
    return found


def around(periods: Periods) -> Period:
    """The window from the first day of the oldest to the last day of the newest, which comes first."""
    newest, oldest = periods[0], periods[-1]
    return replace(newest, days=(newest.as_of - oldest.first).days + 1)


@st.cache_resource(ttl=ONE_HOUR, max_entries=MOST_SHARED, show_spinner=False)
def _scored_history(*, key: bytes, _source: Source, _periods: Periods) -> tuple[ScoredSessions, ...]:
    every = conversion.scored_sessions(_source.connection, around(_periods))
    at = every["started_at"]
    return tuple(ScoredSessions.from_frame(every[(at >= one.start) & (at < one.end)]) for one in _periods)


def candidates_at_every_setting(
    source: Source, period: Period, streak: Streak, price: float, among: Booleans
) -> pd.DataFrame:
    """What the two sliders do not change, see analysis.candidates."""
    return worked_out(source, _candidates_at_every_setting, period, streak, price, among)


def _candidates_at_every_setting(
    source: Source, period: Period, streak: Streak, price: float, among: Booleans
) -> pd.DataFrame:
    return every_setting(scored_sessions(source, period), streak, price, among)


def drawn(chart: Callable[..., alt.LayerChart], *values: Any, **named: Any) -> Callable[[Palette], Spec]:
    """What draws, in the colours asked for, the chart that a function of lib.charts makes of these values."""
    return lambda colours: made(_finished, chart, (*values, colours), named)


def _finished(chart: Callable[..., alt.LayerChart], values: tuple[Any, ...], named: dict[str, Any]) -> Spec:
    return finished(chart(*values, **named))


def computed_at(source: Source) -> datetime:
    """When the figures of this state of the data were first asked for (UTC)."""
    if _shared().is_one_state_too_many(source.state):
        forget()
    return _computed_at(source.key)


@st.cache_data(ttl=ONE_HOUR, max_entries=256, max_size="1MB", show_spinner=False)
def _computed_at(key: tuple[str, str]) -> datetime:
    return datetime.now(UTC)


def forget() -> None:
    """Drop every answer: the next look asks the database again."""
    for cache in (_kept, _scored_history, _computed_at, _shared):
        cache.clear()


class _Shared:
    """What is kept for everybody: its bytes, which Streamlit does not count, and how many states were seen.

    Streamlit keeps a lock for each key that it ever met; with data that always changes, that would grow without end.
    """

    def __init__(self) -> None:
        self._sizes: OrderedDict[bytes, int] = OrderedDict()
        self._states: set[str] = set()
        self._lock = Lock()

    def use(self, key: bytes, size: int) -> list[bytes]:
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
