"""What people are told when a copy cannot be made."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lib.database import DatabaseProblem


class SyncProblem(Exception):
    """The copy cannot be made. ``str()`` is a sentence or two, without password or token; the target is as before."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what} {remedy}".strip())
        self.what = what
        self.remedy = remedy


@contextmanager
def speaking_of(side: str, option: str) -> Iterator[None]:
    """Within it a DatabaseProblem becomes a SyncProblem that says which of the two databases is meant."""
    try:
        yield
    except DatabaseProblem as problem:
        what, remedy = problem.in_command(option)
        raise SyncProblem(f"{side}: {what}", remedy) from problem
