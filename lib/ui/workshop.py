"""Where a report is made while the visitor looks on or goes elsewhere: one at a time, for all visitors."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock

import streamlit as st

from lib.report.run import Order, Outcome, run


@dataclass
class Job:
    """One report in the making: the part that is done, 0 to 1, and what comes now."""

    future: Future[Outcome]
    done: float = 0.0
    what: str = "Starting"

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome, good or not."""
        return self.future.done()


class Workshop:
    """Makes reports one after the other, in a thread of its own: a page that is left does not stop it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="report")
        self._lock = Lock()
        self.job: Job | None = None

    def start(self, order: Order) -> None:
        """Begin with ``order``, unless a report is being made already: then there is that one to look at."""
        with self._lock:
            if self.job and not self.job.is_over:
                return
            job = Job(Future())
            job.future = self._pool.submit(run, order, progress=_Watch(job))
            self.job = job


class _Watch:
    """Takes down how far a run has come."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def __call__(self, done: float, what: str) -> None:
        self._job.done, self._job.what = done, what


@st.cache_resource(show_spinner=False)
def workshop() -> Workshop:
    """The one workshop of this server."""
    return Workshop()
