"""The one place that remembers answers, for as long as the data stays the same.

The key is the database, its state, the question, and the plain values that it was asked with.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import FunctionType
from typing import Any, Concatenate, ParamSpec, TypeVar

import pandas as pd
import streamlit as st
from sqlalchemy import Connection

from lib.analysis.candidates import every_setting
from lib.analysis.streaks import ScoredSessions, Streak
from lib.database import connect
from lib.period import Period
from lib.queries import conversion
from lib.queries.mistakes import MistakeFilter
from lib.ui.source import Source

P = ParamSpec("P")
R = TypeVar("R")
ONE_HOUR = 3600
_KEYS: dict[Any, Callable[[Any], Any]] = {
    Source: lambda source: source.key,
    FunctionType: lambda function: f"{function.__module__}.{function.__qualname__}",
    Period: repr,
    MistakeFilter: repr,
}


def ask(source: Source, query: Callable[Concatenate[Connection, P], R], *values: P.args, **named: P.kwargs) -> R:
    """The answer of a query of lib.queries to plain values; raises DatabaseProblem."""
    return _ask(source, query, values, named)


@st.cache_data(ttl=ONE_HOUR, max_entries=256, show_spinner=False, hash_funcs=_KEYS)
def _ask(source: Source, query: Callable[..., R], values: tuple[Any, ...], named: dict[str, Any]) -> R:
    with connect(source.engine) as connection:
        return query(connection, *values, **named)


@st.cache_resource(ttl=ONE_HOUR, max_entries=16, show_spinner=False, hash_funcs=_KEYS)
def scored_sessions(source: Source, period: Period) -> ScoredSessions:
    """The scores that a slider works on: one read-only copy for everybody."""
    with connect(source.engine) as connection:
        return ScoredSessions.from_frame(conversion.scored_sessions(connection, period))


@st.cache_resource(ttl=ONE_HOUR, max_entries=16, show_spinner=False, hash_funcs=_KEYS)
def scored_history(source: Source, periods: tuple[Period, ...]) -> tuple[ScoredSessions, ...]:
    """The same for several windows, newest first, from one question to the database."""
    newest, oldest = periods[0], periods[-1]
    around = Period(newest.as_of, (newest.as_of - oldest.first).days + 1, newest.zone)
    with connect(source.engine) as connection:
        every = conversion.scored_sessions(connection, around)
    at = every["started_at"]
    return tuple(ScoredSessions.from_frame(every[(at >= one.start) & (at < one.end)]) for one in periods)


@st.cache_data(ttl=ONE_HOUR, max_entries=32, show_spinner=False, hash_funcs=_KEYS)
def candidates_at_every_setting(source: Source, period: Period, streak: Streak, price: float) -> pd.DataFrame:
    """What the two sliders do not change, see analysis.candidates."""
    return every_setting(scored_sessions(source, period), streak, price)


@st.cache_data(ttl=ONE_HOUR, max_entries=64, show_spinner=False, hash_funcs=_KEYS)
def computed_at(source: Source) -> datetime:
    """When the figures of this state of the data were first asked for (UTC)."""
    return datetime.now(UTC)


def forget() -> None:
    """Drop every answer: the next look asks the database again."""
    for cache in (_ask, scored_sessions, scored_history, candidates_at_every_setting, computed_at):
        cache.clear()
