"""What the other tests here count as an error of a page."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Route

from tests.browser.conftest import Window
from tests.browser.visitor import Visitor

SITE = "http://app.test"
ASKS = "<script>fetch('/figures').catch(() => document.title = 'lost')</script>"


def visitor_of(context: BrowserContext) -> Visitor:
    """A visitor of a page whose script asks for figures that nobody sends, until the page is left for another one."""
    visitor, held = Visitor(context.new_page(), SITE), list[Route]()

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(SITE)
        if path == "/figures":
            held.append(route)
        else:
            for asked in held:
                asked.abort("failed")
            route.fulfill(body=ASKS if path == "/asks" else "Here.", content_type="text/html")

    visitor.page.route(f"{SITE}/**", answer)
    return visitor


def test_what_a_page_breaks_off_as_it_is_left_is_no_error(window: Window) -> None:
    visitor = visitor_of(window())
    with visitor.page.expect_request("**/figures"):
        visitor.page.goto(f"{SITE}/asks")
    visitor.page.goto(f"{SITE}/other")
    visitor.leave()
    assert visitor.troubles == []


def test_what_a_page_asks_for_in_vain_while_it_is_open_is_an_error(window: Window) -> None:
    visitor = visitor_of(window())
    visitor.page.route("**/figures", lambda route: route.abort("failed"))
    visitor.page.goto(f"{SITE}/asks")
    visitor.page.wait_for_function("document.title === 'lost'")
    visitor.leave()
    assert f"failed: {SITE}/figures net::ERR_FAILED" in visitor.troubles
