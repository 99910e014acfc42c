"""An end for what would take for ever, where a test sees by it that something is broken."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 60  # seconds for what takes a moment, on a machine that has much to do


@contextmanager
def ended_within_patience() -> Iterator[None]:
    """Fail, rather than wait for ever, where work in this process takes minutes: what is quadratic does."""

    def give_up(*_: object) -> None:
        raise TimeoutError("it did not come to an end")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
