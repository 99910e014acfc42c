"""Statements that run beside the page that asked them: one at a time for each person, and a few for everybody."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Generic, TypeVar

from lib.queries.guard import Stop

R = TypeVar("R")
PLACES = 4


class DeskIsTaken(Exception):
    """A statement cannot be begun now; ``str()`` is a sentence that says why."""


@dataclass(frozen=True, eq=False)
class Job(Generic[R]):
    """A statement that runs, or has run."""

    future: Future[R]
    stop: Stop
    started: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """Whether ``result`` gives an answer at once."""
        return self.future.done()

    @property
    def seconds(self) -> float:
        """Since it was begun."""
        return time.monotonic() - self.started

    def wait(self, seconds: float) -> bool:
        """Whether it is over within that time."""
        wait_for([self.future], seconds)
        return self.is_over

    def result(self) -> R:
        """What the work returned, or raised."""
        return self.future.result()


class Desk:
    """Where statements are run; there is one for the whole server."""

    def __init__(self, places: int = PLACES) -> None:
        self._places = places
        self._threads = ThreadPoolExecutor(places, thread_name_prefix="statement")
        self._jobs: dict[str, Job[Any]] = {}
        self._lock = Lock()

    def begin(self, who: str, work: Callable[[Stop], R]) -> Job[R]:
        """Run ``work`` for ``who``; it is to end soon after the wish to stop. Raises DeskIsTaken."""
        with self._lock:
            self._jobs = {person: job for person, job in self._jobs.items() if not job.is_over}
            if who in self._jobs:
                raise DeskIsTaken(
                    "Another statement of yours is running: wait for it, or cancel it where you began it."
                )
            if len(self._jobs) >= self._places:
                raise DeskIsTaken("Too many statements of others are running. Try again in a moment.")
            stop = Stop()
            job = Job(self._threads.submit(work, stop), stop)
            self._jobs[who] = job
            return job

    def close(self) -> None:
        """End every statement, and take no more."""
        with self._lock:
            for job in self._jobs.values():
                job.stop.wish()
        self._threads.shutdown()
