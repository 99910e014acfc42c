"""What the other tests here count as an error of a page."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route

from tests.browser.conftest import Window
from tests.browser.visitor import Visitor

SITE = "http://app.test"
ONCE = "<script>fetch('/figures').catch(() => document.title = 'lost')</script>"
ALWAYS = "<script>setInterval(() => fetch('/figures').catch(() => {}), 20)</script>"


class Server:
    """Holds back figures, and the page `/other` until a page asks for figures: those fail as the page is left."""

    def __init__(self, page: Page, script: str) -> None:
        self.script, self.figures, self.other = script, list[Route](), list[Route]()
        page.route(f"{SITE}/**", self.answer)

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path == "/asks":
            route.fulfill(body=self.script, content_type="text/html")
        else:
            (self.other if path == "/other" else self.figures).append(route)
        if self.other and self.figures:
            asked, self.figures, left_for = self.figures, [], self.other.pop()
            for figures in asked:
                figures.abort("failed")
            left_for.fulfill(body="Here.", content_type="text/html")


@pytest.mark.parametrize("script", [ONCE, ALWAYS])
def test_what_a_page_breaks_off_as_it_is_left_is_no_error(window: Window, script: str) -> None:
    visitor = Visitor(window().new_page(), SITE)
    Server(visitor.page, script)
    with visitor.page.expect_request("**/figures"):
        visitor.page.goto(f"{SITE}/asks")
    visitor.page.goto(f"{SITE}/other")
    visitor.leave()
    assert visitor.troubles == []


def test_what_a_page_asks_for_in_vain_while_it_is_open_is_an_error(window: Window) -> None:
    visitor = Visitor(window().new_page(), SITE)
    Server(visitor.page, ONCE)
    visitor.page.route("**/figures", lambda route: route.abort("failed"))
    visitor.page.goto(f"{SITE}/asks")
    visitor.page.wait_for_function("document.title === 'lost'")
    visitor.leave()
    assert f"failed: {SITE}/figures net::ERR_FAILED" in visitor.troubles


def test_what_comes_when_a_page_asks_for_it_again_is_no_error(window: Window) -> None:
    visitor = Visitor(window().new_page(), SITE)
    Server(visitor.page, "<script>(ask = () => fetch('/figures').then(() => document.title = 'here', ask))()</script>")
    visitor.page.route("**/figures", lambda route: route.fulfill(body="7"))
    visitor.page.route("**/figures", lambda route: route.abort("failed"), times=1)
    visitor.page.goto(f"{SITE}/asks")
    visitor.page.wait_for_function("document.title === 'here'")
    visitor.leave()
    assert visitor.troubles == []
