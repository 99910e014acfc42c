"""What the walls of both databases share: the limits of a statement, the wish to stop, and what was refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Lock
from typing import Any

# Pairs of table and column, in small letters.
Withheld = frozenset[tuple[str, str]]
NOTHING: Withheld = frozenset()
# Names of an answer's columns, its rows, and whether there are more than the limits allow.
Fetched = tuple[list[str], list[tuple[Any, ...]], bool]
BATCH = 100  # rows that are fetched at once


@dataclass(frozen=True)
class Limits:
    """How long a statement may take, in seconds, how many rows it may have, and how many bytes, roughly."""

    seconds: float = 10
    rows: int = 10_000
    bytes: int = 20_000_000


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


class Refused(Exception):
    """The wall refused something that the database's own words would not explain; ``str()`` is a sentence."""


def rows_within(
    limits: Limits, fetch: Callable[[int], Sequence[Sequence[Any]]], look: Callable[[], object] = lambda: None
) -> tuple[list[tuple[Any, ...]], bool]:
    """The rows that ``fetch`` gives, within the limits, and whether there are more; ``look`` comes after each batch."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    while batch := fetch(BATCH):
        for row in batch:
            size += sum(len(value) if isinstance(value, (str, bytes)) else len(str(value)) for value in row)
            if len(rows) == limits.rows or size > limits.bytes:
                return rows, True
            rows.append(tuple(row))
        look()
    return rows, False
