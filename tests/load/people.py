"""What people do, and how long they wait for it. The same seed makes the same people, on every server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from websockets.exceptions import WebSocketException

from tests.load.tab import PageError, Tab, open_tab

Kind = Literal["page opened", "filter changed", "slider moved"]
OPENED: Kind = "page opened"
FILTERED: Kind = "filter changed"
MOVED: Kind = "slider moved"
HOME = "Home"
# How often a page is opened, what is changed there, and how many times at least and at most.
HABITS: dict[str, tuple[float, Kind, tuple[str, ...], tuple[int, int]]] = {
    HOME: (2, FILTERED, ("Window, days",), (0, 1)),
    "Engagement": (3, FILTERED, ("Window, days",), (1, 2)),
    "Mistakes": (3, FILTERED, ("Across", "Sources", "Level", "Window, days"), (1, 3)),
    "Conversion": (4, MOVED, ("Confidence above", "Sessions at least"), (3, 6)),
    "Data health": (0.5, FILTERED, (), (0, 0)),
}
PAGES_A_VISIT = 6, 12
PAUSE = 2.0, 8.0  # seconds
BARE_SLIDER = "Slider"


@dataclass(frozen=True)
class Step:
    """One thing that a person does: open ``page``, or change ``widget`` on it."""

    kind: Kind
    page: str
    widget: str = ""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        return f"{self.page}: {self.widget or 'opened'}"


@dataclass
class Diary:
    """What everybody did on one server: times in ms by step, and what went wrong."""

    times: dict[Step, list[float]] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def took(self, step: Step, milliseconds: float) -> None:
        """Note a time."""
        self.times.setdefault(step, []).append(milliseconds)


def visit(random: Random) -> Iterator[Step]:
    """One visit to the app: Home first, then other pages, each with a few changes."""
    page = HOME
    for _ in range(random.randint(*PAGES_A_VISIT)):
        _, kind, widgets, (least, most) = HABITS[page]
        yield Step(OPENED, page)
        for _ in range(random.randint(least, most)):
            yield Step(kind, page, random.choice(widgets))
        others = {other: habit[0] for other, habit in HABITS.items() if other != page}
        [page] = random.choices(list(others), list(others.values()))


@dataclass(frozen=True)
class Person:
    """Comes, looks around with pauses, leaves, comes again. On a bare page each step is a reload or a slider's move."""

    number: int
    address: str
    pause: float
    is_bare: bool = False

    async def live(self, seconds: float, diary: Diary, seed: int = 0) -> None:
        """Visit after visit, for ``seconds``; what was begun by then is finished."""
        random, values = Random(f"{seed} {self.number}"), Random(f"{seed} {self.number} values")
        end = asyncio.get_running_loop().time() + seconds
        await _sleep(random.uniform(0, PAUSE[1]) * self.pause, end)
        while not _is_over(end):
            try:
                async with open_tab(self.address, values) as tab:
                    await self._look_around(tab, random, end, diary)
            except (OSError, WebSocketException) as error:  # OSError: no answer in time as well
                diary.errors.append(f"The connection failed: {type(error).__name__} {error}".strip())
            await _sleep(random.uniform(*PAUSE) * self.pause, end)

    async def _look_around(self, tab: Tab, random: Random, end: float, diary: Diary) -> None:
        for step in visit(random):
            try:
                diary.took(step, await self._do(tab, step))
            except PageError as error:
                diary.errors.append(f"{step.name}: {error}")
            await _sleep(random.uniform(*PAUSE) * self.pause, end)
            if _is_over(end):
                return

    async def _do(self, tab: Tab, step: Step) -> float:
        if step.kind != OPENED:
            return await tab.change(BARE_SLIDER if self.is_bare else step.widget)
        return await (tab.reload() if self.is_bare or not tab.has_page else tab.follow(step.page))


def _is_over(end: float) -> bool:
    return asyncio.get_running_loop().time() >= end


async def _sleep(seconds: float, end: float) -> None:
    await asyncio.sleep(max(0.0, min(seconds, end - asyncio.get_running_loop().time())))
