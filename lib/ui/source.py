"""The database behind one run of one page: as a value that caches can use as a key, and as what they can ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock, local
from typing import TypeVar

import streamlit as st
from sqlalchemy import Connection, Engine

from lib.database import DatabaseProblem, database_url, open_engine, shown_address
from lib.snapshots import keeps_writers_waiting, settled_state, snapshot

R = TypeVar("R")
TURN_SECONDS = 30  # how long a page waits for those before it
CHECKED_SECONDS = 2  # between two looks whether the database is back, for all visitors together


class DataMoved(Exception):
    """The data is no longer what the page was begun with; drawn again, the page shows all of it as it is now."""


class _NotOpen(Exception):
    """An answer is not in the cache, and there is no connection to ask on."""


@dataclass(frozen=True)
class Source:
    """A database in one state. ``name`` is for people, without a password; ``state`` changes when the data does."""

    name: str
    state: str
    engine: Engine = field(compare=False, repr=False)
    _thread: local = field(default_factory=local, compare=False, repr=False)

    @cached_property
    def key(self) -> tuple[str, str]:
        """What a cache goes by: which database, in which state."""
        return self.engine.url.render_as_string(hide_password=False), self.state

    @property
    def connection(self) -> Connection:
        """What a cached function asks on: it sees the data in this state. Only within ``fetch``."""
        connection: Connection | None = getattr(self._thread, "connection", None)
        if connection is None:
            raise _NotOpen
        return connection

    def fetch(self, question: Callable[[], R]) -> R:
        """What a cached function returns. Raises DatabaseProblem, and DataMoved where the state is gone.

        A connection is opened only where the answer is not known, and before the function's lock is taken: nobody waits
        for a connection while those who have one wait for his answer.
        """
        with suppress(_NotOpen):
            return question()
        with snapshot(self.engine) as (connection, state):
            if state != self.state:
                raise DataMoved
            with self.asked_on(connection):
                return question()

    @contextmanager
    def asked_on(self, connection: Connection) -> Iterator[None]:
        """Ask on ``connection``, which sees this state, as long as this is open."""
        self._thread.connection = connection
        try:
            yield
        finally:
            self._thread.connection = None


@dataclass(frozen=True)
class _Database:
    engine: Engine
    turn: Lock = field(default_factory=Lock)


@contextmanager
def open_source(address: str, query_seconds: float = 0, *, held: bool = False) -> Iterator[Source]:
    """The database at ``address`` (see settings) as it is now; raises DatabaseProblem.

    Where the state can be told without opening it, it is opened for each question that the cache cannot answer, and
    each time looked at whether it still is the same: a SQLite file that somebody wants to write to is let go between
    two questions. Otherwise, or when ``held``, one snapshot is open as long as this is.
    """
    name, database = shown_address(database_url(address)), _database(address, query_seconds)
    state = None if held else settled_state(database.engine)
    if state is not None:
        yield Source(name, state, database.engine)
        return
    with _in_turn(database), snapshot(database.engine) as (connection, state):
        source = Source(name, state, database.engine)
        with source.asked_on(connection):
            yield source


@contextmanager
def _in_turn(database: _Database) -> Iterator[None]:
    """One page after the other where a page keeps writers waiting: together they would do so for seconds."""
    if not keeps_writers_waiting(database.engine):
        yield
        return
    if not database.turn.acquire(timeout=TURN_SECONDS):
        raise DatabaseProblem("Too many people ask the database at once.", "Try again in a moment.", passes=True)
    try:
        yield
    finally:
        database.turn.release()


@st.cache_data(ttl=CHECKED_SECONDS, max_entries=4, show_spinner=False)
def is_back(address: str, query_seconds: float) -> bool:
    """Whether the database at ``address`` answers now, or did a moment ago."""
    try:
        with snapshot(_database(address, query_seconds).engine):
            return True
    except DatabaseProblem:
        return False


@st.cache_resource(max_entries=4, show_spinner=False)
def _database(address: str, query_seconds: float) -> _Database:
    return _Database(open_engine(database_url(address), query_seconds=query_seconds))
