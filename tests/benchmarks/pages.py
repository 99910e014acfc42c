"""Pages as a visitor gets them: reruns by the server, the start of it, and each page drawn in Chromium."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from lib.sample import END
from tests.benchmarks.rows import Bar, Clock, Row
from tests.benchmarks.server import BARE, ROOT, Server, serve
from tests.benchmarks.visitor import visit
from tests.browser.app import open_browser

APP = ROOT / "Home.py"
EVERY_PAGE = {
    "Home": "",
    "Engagement": "engagement",
    "Mistakes": "mistakes",
    "Conversion": "conversion",
    "Data health": "data_health",
}
DAYS = (END.isoformat(), (END - timedelta(days=1)).isoformat())
DRAWN = '[data-testid="stApp"][data-test-script-state="notRunning"] h1'
NOT_DRAWN = '[data-testid="stSkeleton"], [data-stale="true"]'
# Of a dashboard of three charts in Apache Superset on the same machine.
EMPTY_CACHE_BAR, WARM_CACHE_BAR, MEMORY_BAR = Bar("at most", 2_200), Bar("at most", 1_400), Bar("at most", 550)


def rerun_rows(database: Path, repeats: int, clock: Clock) -> Iterator[Row]:
    """Each page again, with every answer remembered: a slider has moved, or the day where there is no slider."""
    with serve(BARE) as server:
        server.wait()
        bare = _moves(server, "", "Slider", (40, 60), repeats, clock)
    with serve(APP, database) as server:
        server.wait()
        for name, page in EVERY_PAGE.items():
            moved = _moves(server, page, "As of", DAYS, repeats, clock)
            yield Row(f"server's rerun, {name}, day moved", moved, "bare page, slider moved", bare)
        moved = _moves(server, "conversion", "Confidence above", (7.9, 8.0), repeats, clock)
        yield Row("server's rerun, Conversion, slider moved", moved, "bare page, slider moved", bare)
        yield Row("memory of the server after that, MB", server.megabytes, bar=MEMORY_BAR)


def _moves(server: Server, page: str, widget: str, values: Sequence[object], repeats: int, clock: Clock) -> float:
    """A rerun in ms, the widget going to and fro between values that were seen before: the median, or the mean of the
    server's processor time, which is counted too coarsely for one rerun.
    """
    with visit(server, page) as visitor:
        for value in (*values, *values):
            visitor.move(widget, value)
        before = server.processor_seconds() if clock is time.process_time else 0.0
        times = [visitor.move(widget, values[turn % len(values)]) for turn in range(repeats)]
        if clock is time.process_time:
            return (server.processor_seconds() - before) / repeats * 1_000
        return median(times)


@contextmanager
def opened_browser() -> Iterator[Browser]:
    """A Chromium of its own; a process can have one alone."""
    with sync_playwright() as playwright, open_browser(playwright) as browser:
        yield browser


def start_rows(browser: Browser, repeats: int) -> Iterator[Row]:
    """From the start of the server to the first page drawn, on sample.db, beside a bare page."""
    ours, bare = [], []
    for _ in range(repeats):
        ours.append(_cold_start(browser, APP, ROOT / "sample.db"))
        bare.append(_cold_start(browser, BARE, None))
    yield Row("cold start of the server to first page drawn", median(ours), "bare page", median(bare))


def _cold_start(browser: Browser, script: Path, database: Path | None) -> float:
    with serve(script, database) as server, browser.new_context() as context:
        server.wait()
        _draw(context, server.address)
        return (time.perf_counter() - server.started) * 1_000


def drawing_rows(
    browser: Browser, database: Path, repeats: int, pages: Mapping[str, str] = EVERY_PAGE
) -> Iterator[Row]:
    """Each page drawn in Chromium, its answers remembered by the server, beside a bare page."""
    with serve(BARE) as bare, serve(APP, database) as server:
        bare.wait()
        server.wait()
        for name, page in pages.items():
            address = f"{server.address}/{page}"
            with browser.new_context() as context:
                yield Row(f"{name} drawn, first visit, nothing remembered", _draw(context, address))
            draws = [(*_draws(browser, address), *_draws(browser, bare.address)) for _ in range(repeats)]
            empty, warm, bare_empty, bare_warm = map(median, zip(*draws, strict=True))
            yield Row(f"{name} drawn, empty browser cache", empty, "bare page", bare_empty, EMPTY_CACHE_BAR)
            yield Row(f"{name} drawn, warm browser cache", warm, "bare page", bare_warm, WARM_CACHE_BAR)


def _draws(browser: Browser, address: str) -> tuple[float, float]:
    """With an empty cache (a context has one of its own), and with a warm one."""
    with browser.new_context() as context:
        return _draw(context, address), _draw(context, address)


def _draw(context: BrowserContext, address: str) -> float:
    """The time in ms until a new tab shows the page to the end: the script is over, and nothing is a placeholder."""
    tab = context.new_page()
    tab.set_default_timeout(300_000)
    start = time.perf_counter()
    tab.goto(address, wait_until="commit")
    tab.wait_for_selector(DRAWN)
    tab.wait_for_function(f"document.querySelector('{NOT_DRAWN}') === null")
    tab.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    elapsed = (time.perf_counter() - start) * 1_000
    tab.close()
    return elapsed
