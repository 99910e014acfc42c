"""The table that is printed, and what it says about the bars."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tests.load.people import FILTERED, MOVED, OPENED, Diary, Step
from tests.load.process import Watch

TIMES_BAR = 3.0  # p95 of a slider's move: ours, as a multiple of the bare page's
GROWTH_BAR = 5.0  # percent that memory may grow in the second half
LONG_ENOUGH = 600  # seconds after which memory has to be flat
HEAD = ("", "number", "p50, ms", "p95, ms", "bare: number", "p50, ms", "p95, ms", "p95 ratio")
WIDTHS = (32, 8, 9, 9, 14, 9, 9, 10)


def lines(ours: Diary, bare: Diary) -> Iterator[str]:
    """The table: by what was done, then by page; errors last."""
    yield _line(HEAD)
    for kind in (OPENED, FILTERED, MOVED):
        yield _line(_row(kind, *(_times(diary, lambda step, kind=kind: step.kind == kind) for diary in (ours, bare))))
    yield ""
    for name in sorted({step.name for step in ours.times}):
        yield _line(_row(name, *(_times(diary, lambda step, name=name: step.name == name) for diary in (ours, bare))))
    yield ""
    yield f"errors: {len(ours.errors)}, bare page: {len(bare.errors)}"
    for text, count in Counter([*ours.errors, *(f"bare page, {error}" for error in bare.errors)]).most_common(10):
        yield f"  {count} x {text[:300]}"


def machine_lines(name: str, diary: Diary, watch: Watch) -> Iterator[str]:
    """Memory and processor of one server."""
    start, middle, end = watch.three
    actions = sum(map(len, diary.times.values())) + len(diary.errors)
    yield (
        f"{name}: memory {start:,.0f} MB at the start, {middle:,.0f} in the middle, {end:,.0f} at the end; "
        f"processor {watch.share:.0f} % of a core (people {watch.own_share:.0f} %, others {watch.others_share:.0f} %), "
        f"{1_000 * watch.seconds / max(actions, 1):,.0f} ms of it for each action"
    )


def verdicts(ours: Diary, bare: Diary, watch: Watch, seconds: float) -> dict[str, bool]:
    """Each bar in words, and whether it is met."""
    times = [percentile(_times(diary, lambda step: step.kind == MOVED), 95) for diary in (ours, bare)]
    ratio = times[0] / times[1]
    found = {
        "no errors": not ours.errors and not bare.errors,
        f"p95 of a slider's move is {ratio:.2f} times the bare page's, at most {TIMES_BAR:g}": ratio <= TIMES_BAR,
    }
    if seconds >= LONG_ENOUGH:
        flat = f"memory grew by {watch.growth:.1f} % in the second half, at most {GROWTH_BAR:g}"
        found[flat] = watch.growth <= GROWTH_BAR
    return found


def percentile(times: Sequence[float], percent: float) -> float:
    """Of times in ms; NaN of none."""
    return float(np.percentile(times, percent)) if times else float("nan")


def _times(diary: Diary, fits: Callable[[Step], bool]) -> list[float]:
    return [time for step, times in diary.times.items() if fits(step) for time in times]


def _row(name: str, ours: list[float], bare: list[float]) -> tuple[str, ...]:
    figures = [
        (f"{len(times):,}", *(f"{percentile(times, percent):,.0f}" for percent in (50, 95))) for times in (ours, bare)
    ]
    return name, *figures[0], *figures[1], f"{percentile(ours, 95) / percentile(bare, 95):.2f}"


def _line(cells: Sequence[str]) -> str:
    first, *others = zip(cells, WIDTHS, strict=True)
    return (f"{first[0]:<{first[1]}}" + "".join(f"{cell:>{width}}" for cell, width in others)).rstrip()
