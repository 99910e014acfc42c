"""A visitor: one page of the browser, what can be done there, and what went wrong behind it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from playwright.sync_api import ConsoleMessage, Frame, Locator, Page, Request, Response, TimeoutError, expect

from tests.browser.app import ROOT

DONE = '[data-testid="stApp"][data-test-script-state="notRunning"]'
CONNECTION = "data-test-connection-state"
WAIT = 90_000  # milliseconds: how long anything may take on a busy machine
PROBES = ("/_stcore/health", "/_stcore/host-config")  # Streamlit asks for these below a page's path first
# Streamlit draws the small line of a figure before it has its values.
SPARKLINE = re.compile(r'WARN Infinite extent for field "[xy]": \[Infinity, -Infinity\]')
AXE = ROOT / "tests/sign_in/provider/node_modules/axe-core/axe.min.js"
VIOLATIONS = """async () => (await axe.run({resultTypes: ['violations'], iframes: false})).violations
    .filter(found => ['serious', 'critical'].includes(found.impact))
    .flatMap(found => found.nodes.map(node => `${found.id}: ${node.html.slice(0, 200)} ${node.failureSummary}`))"""
FADES = 15_000  # milliseconds in which what is drawn anew has faded in
ROW, HEADER = 35, 36  # pixels of a table, which is drawn on a canvas

expect.set_options(timeout=WAIT)


class Visitor:
    """Opens pages of the app at ``address`` in ``page``."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self._seen: list[tuple[str, str]] = []  # addresses, and what went wrong there
        self._under_way, self._broken_off, self._is_left = set[Request](), set[str](), False
        page.set_default_timeout(WAIT)
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._seen.append(("", f"script: {error}")))
        page.on("request", self._request)
        page.on("requestfinished", self._finished)
        page.on("requestfailed", self._failed)
        page.on("response", self._response)
        page.on("framenavigated", self._arrived)

    @property
    def troubles(self) -> list[str]:
        """What went wrong, but for what a page broke off as it was left."""
        return [text for url, text in self._seen if url not in self._broken_off or "net::ERR_" not in text]

    def open(self, path: str = "", **query: str) -> None:
        """A page of the app, drawn to the end."""
        self.page.goto(f"{self.address}/{path}" + (f"?{urlencode(query)}" if query else ""))
        self.settle()

    def leave(self) -> None:
        """Close the page. Before that, what happened there until then is taken in."""
        self.page.title()
        self._break_off()
        self._is_left = True
        self.page.close()

    def settle(self) -> None:
        """Wait until the page has its title, the server is done with it, and the browser has drawn all of it."""
        expect(self.main.get_by_role("heading", level=1)).to_be_visible()
        self.page.wait_for_selector(DONE)
        expect(self.page.get_by_test_id("stSkeleton")).to_have_count(0)

    def settle_with_a_new_server(self) -> None:
        """Wait until the page, whose server was restarted, is connected again and drawn to the end."""
        expect(self.page.get_by_test_id("stApp")).to_have_attribute(CONNECTION, "CONNECTED")
        self.settle()

    @property
    def main(self) -> Locator:
        """The page without the sidebar."""
        return self.page.get_by_test_id("stMainBlockContainer")

    @property
    def sidebar(self) -> Locator:
        """The sidebar."""
        return self.page.get_by_test_id("stSidebar")

    @property
    def query(self) -> str:
        """What stands behind the question mark in the address bar."""
        return urlsplit(self.page.url).query

    @property
    def steps(self) -> int:
        """How many steps the browser's history has."""
        return int(self.page.evaluate("history.length"))

    def expect_query(self, query: str) -> None:
        """Wait until the address bar has exactly this behind the question mark."""
        self.page.wait_for_url(lambda url: urlsplit(url).query == query)

    def expect_in_query(self, *parts: str) -> None:
        """Wait until the address bar holds all of these."""
        self.page.wait_for_url(lambda url: set(parts) <= set(urlsplit(url).query.split("&")))

    def go(self, label: str) -> None:
        """Follow a link of the sidebar."""
        self.sidebar.get_by_role("link", name=label, exact=True).click()
        expect(self.main.get_by_role("heading", level=1, name=label)).to_be_visible()
        self.settle()

    def walk(self, *labels: str) -> Iterator[str]:
        """From the first page, which is open, to each of the others by the sidebar, closed as it may be on a phone."""
        for place, label in enumerate(labels):
            if place:
                links = self.sidebar.get_by_role("link", include_hidden=True)
                links.filter(has_text=re.compile(f"{label}$")).dispatch_event("click")
            expect(self.main.get_by_role("heading", level=1, name=label)).to_be_visible()
            self.settle()
            yield label

    def states(self) -> Iterator[str]:
        """The page as it opens, and with each other tab open."""
        yield "as it opens"
        for name in self.main.get_by_role("tab").all_inner_texts()[1:]:
            self.tab(name)
            self.settle()
            yield name

    def violations(self) -> list[str]:
        """What axe-core calls serious or critical on the page as it stands once everything has faded in."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE.read_text())
        try:
            self.page.wait_for_function(f"async () => !(await ({VIOLATIONS})()).length", timeout=FADES)
        except TimeoutError:
            found: list[str] = self.page.evaluate(VIOLATIONS)
            return found
        return []

    def metric(self, label: str) -> Locator:
        """The figure of a card."""
        return self.page.get_by_test_id("stMetric").filter(has_text=label).get_by_test_id("stMetricValue")

    def slide(self, label: str, key: str, times: int = 1) -> None:
        """Move a slider with the keyboard."""
        thumb = self.page.get_by_role("slider", name=label)
        for _ in range(times):
            thumb.press(key)

    def expect_score(self, score: str) -> None:
        """Wait until the slider of the score stands there."""
        expect(self.page.get_by_role("slider", name="Confidence above")).to_have_attribute("aria-valuetext", score)

    def choose(self, label: str, option: str) -> None:
        """One of the options that stand side by side under ``label``."""
        group = self.main.get_by_test_id("stButtonGroup").filter(has_text=label)
        group.get_by_text(option, exact=True).click()

    def tab(self, name: str) -> Locator:
        """Open a tab; what it holds."""
        self.page.get_by_role("tab", name=name).click()
        panel = self.page.get_by_role("tabpanel", name=name)
        expect(panel).not_to_be_empty()
        return panel

    def cell(self, label: str) -> Locator:
        """A cell of a grid by the start of what a screen reader says of it."""
        return self.page.locator(f'path[aria-roledescription="rect mark"][aria-label^="{label}"]')

    def tick(self, row: int) -> None:
        """Tick the box of a row of the first table that has boxes."""
        table = self.main.get_by_test_id("stDataFrame").first
        table.scroll_into_view_if_needed()
        table.click(position={"x": 18, "y": HEADER + ROW * row + 12})

    def downloads(self, label: str, inside: Locator | None = None) -> Locator:
        """The download buttons with this label."""
        buttons = (inside or self.page.locator("body")).get_by_test_id("stDownloadButton").get_by_role("button")
        return buttons.filter(has_text=label)

    def take(self, button: Locator) -> tuple[str, bytes]:
        """Press a download button: name and content of the file."""
        with self.page.expect_download() as download:
            button.click()
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    def rows(self, inside: Locator | None = None) -> list[list[str]]:
        """The rows of the first table, without its header, from its CSV file."""
        _, content = self.take(self.downloads("CSV", inside).first)
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))[1:]

    def _console(self, message: ConsoleMessage) -> None:
        url = message.location["url"]
        is_fault = message.type in ("error", "warning") and not SPARKLINE.fullmatch(message.text)
        if is_fault and not self._is_probe(url):
            self._seen.append((url, f"console: {message.text} ({url})"))

    def _request(self, request: Request) -> None:
        if request.is_navigation_request():
            self._break_off()
            self._is_left = True
        elif self._is_left:
            self._broken_off.add(request.url)
        self._under_way.add(request)
        if not self._is_ours(request.url):
            self._seen.append(("", f"asked elsewhere: {request.url}"))

    def _finished(self, request: Request) -> None:
        # What came when it was asked for again is not missing.
        self._seen = [(url, text) for url, text in self._seen if url != request.url or "net::ERR_" not in text]
        self._under_way.discard(request)

    def _arrived(self, _frame: Frame) -> None:
        self._is_left = False

    def _break_off(self) -> None:
        """A page that is left, for another one or for good, breaks off what it still asks for."""
        self._broken_off |= {request.url for request in self._under_way}
        self._under_way.clear()

    def _failed(self, request: Request) -> None:
        self._under_way.discard(request)
        if request.is_navigation_request():  # a download, for which no page is left
            self._is_left = False
        if request.failure != "net::ERR_ABORTED":  # what a script no longer needs is aborted
            self._seen.append((request.url, f"failed: {request.url} {request.failure}"))

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not self._is_probe(response.url):
            self._seen.append((response.url, f"{response.status}: {response.url}"))

    def _is_ours(self, url: str) -> bool:
        return url.startswith((self.address, "data:", "blob:"))

    def _is_probe(self, url: str) -> bool:
        parts = urlsplit(url)
        return url.startswith(self.address) and parts.path.endswith(PROBES) and not parts.path.startswith("/_stcore")


def to_offer(rows: list[list[str]]) -> list[list[str]]:
    """Those of a list of candidates who may be offered."""
    return [row for row in rows if "may be offered" in row]
