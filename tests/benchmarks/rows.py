"""A row of the table: one piece of work, our time, that of the other way, the bar, and whether we meet it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

Work = Callable[[], Any]
Clock = Callable[[], float]  # in seconds: time.perf_counter, or time.process_time where others use the machine as well
HEAD = ("work", "ours, ms", "beside", "its ms", "ratio", "bar", "")
WIDTHS = (58, 10, 34, 10, 7, 22, 0)


@dataclass(frozen=True)
class Bar:
    """What has to hold: at most ``limit`` times the other, at least ``limit`` times as fast, or at most ``limit``."""

    kind: Literal["times", "faster", "at most"]
    limit: float

    def __str__(self) -> str:
        forms = {"times": "at most {:g}x", "faster": "at least {:g}x faster", "at most": "at most {:,g}"}
        return forms[self.kind].format(self.limit)

    def misses_by(self, ours: float, theirs: float | None) -> float:
        """How many times too slow (or too big); 1 or less meets the bar."""
        if self.kind == "at most" or theirs is None:
            return ours / self.limit
        return ours / theirs / self.limit if self.kind == "times" else ours * self.limit / theirs


@dataclass(frozen=True)
class Row:
    """``ours`` and ``theirs`` in milliseconds, or whatever unit ``work`` names."""

    work: str
    ours: float
    beside: str = ""
    theirs: float | None = None
    bar: Bar | None = None

    @property
    def verdict(self) -> str:
        """Whether the bar is met, or missed by how much; nothing where there is no bar."""
        if self.bar is None:
            return ""
        times = self.bar.misses_by(self.ours, self.theirs)
        return "meets" if times <= 1 else f"MISSES by {times:.2f}x"

    def cells(self) -> tuple[str, ...]:
        """The row as texts."""
        theirs = "" if self.theirs is None else f"{self.theirs:,.1f}"
        ratio = "" if not self.theirs else f"{self.ours / self.theirs:.2f}"
        bar = "" if self.bar is None else str(self.bar)
        return self.work, f"{self.ours:,.1f}", self.beside, theirs, ratio, bar, self.verdict


def show(cells: Iterable[str]) -> None:
    """Print one line of the table at once: a run takes minutes."""
    padded = [
        f"{cell:>{width}}" if place in (1, 3, 4) else f"{cell:<{width}}"
        for place, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    ]
    print(" ".join(padded).rstrip(), flush=True)


@dataclass(frozen=True)
class Timer:
    """Repeats for about ``seconds`` seconds a row, at least 3 and at most ``most`` times."""

    clock: Clock = time.perf_counter
    seconds: float = 6.0
    most: int = 15

    def compare(self, works: Mapping[str, Work]) -> dict[str, float]:
        """The median time of each in ms. One run each to warm up, then in turns: what slows one slows the others."""
        start = time.perf_counter()
        for work in works.values():
            work()
        fit = int(self.seconds / (time.perf_counter() - start))
        times: dict[str, list[float]] = {name: [] for name in works}
        for _ in range(min(self.most, max(3, fit))):
            for name, work in works.items():
                times[name].append(self.once(work))
        return {name: median(values) for name, values in times.items()}

    def once(self, work: Work) -> float:
        """The time of one run in ms."""
        gc.collect()
        start = self.clock()
        work()
        return (self.clock() - start) * 1_000
