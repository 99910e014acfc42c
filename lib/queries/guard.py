"""What the walls of both databases share: the wish to stop, and what was refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock

# Pairs of table and column, in small letters.
Withheld = frozenset[tuple[str, str]]
NOTHING: Withheld = frozenset()


class Stop:
    """The wish that a statement end, made in another thread than the one that runs it."""

    def __init__(self) -> None:
        self._wish, self._lock = Event(), Lock()
        self._cancel: Callable[[], object] | None = None

    @property
    def is_wished(self) -> bool:
        """Whether somebody made the wish."""
        return self._wish.is_set()

    def wish(self) -> None:
        """Make the wish, as often as you like."""
        self._wish.set()
        with self._lock:
            if self._cancel is not None:
                self._cancel()

    @contextmanager
    def heard_by(self, cancel: Callable[[], object]) -> Iterator[None]:
        """The wish calls ``cancel`` as long as this is open."""
        with self._lock:
            self._cancel = cancel
        try:
            yield
        finally:
            with self._lock:
                self._cancel = None


class OutOfTime(Exception):
    """The time is over, or somebody wished to stop."""


@dataclass
class Guard:
    """What holds while a statement runs; ``end`` is on the clock of `time.monotonic`.

    ``refusal``: a sentence, once the wall refused something that the database's own words would not explain.
    """

    stop: Stop
    end: float
    refusal: str = ""

    @property
    def is_over(self) -> bool:
        """Whether it is time to end."""
        return self.stop.is_wished or time.monotonic() > self.end

    def look(self) -> None:
        """Between two batches of rows: raises OutOfTime where it is time to end."""
        if self.is_over:
            raise OutOfTime
