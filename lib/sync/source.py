"""What every source of rows looks like to the rest."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

ROWS_AT_ONCE = 5_000

# The values of one row in the order of its table's columns; None where the source had something else than a row.
Row = Sequence[Any] | None


@dataclass(frozen=True)
class Batch:
    """Some rows of one table, and how much of the source has been read with them, in the source's own unit."""

    table: str
    rows: Sequence[Row]
    done: int


class Source(Protocol):
    """Where rows come from. Each table that the source has comes in at least one batch, be it an empty one."""

    name: str  # for people: no user, no password
    unit: str  # of `Batch.done`: rows or bytes
    total: int | None  # in that unit; None as long as, or where, nobody knows
    kind: str  # sqlite, postgresql or rest

    def batches(self) -> Generator[Batch, None, None]:
        """All rows, in one state of the data; raises SyncProblem."""
        ...
