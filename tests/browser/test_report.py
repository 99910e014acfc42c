"""The report as it is opened: a file in a browser, light, dark and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from lib.report.orders import order_from
from lib.report.run import run
from lib.settings import Settings

# The width of a picture that is there, and how far the page can be moved sideways.
SHOWN = "document.querySelector('img').complete && document.querySelector('img').naturalWidth"
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def report(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    run(order_from(Settings(database_url=str(database)), folder=folder))
    return next(folder.glob("daily_report_*.html"))


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[360, 640, 1440])
def page(request: pytest.FixtureRequest, browser: Browser, report: Path, theme: str) -> Iterator[Page]:
    """The report; in the end it may have asked nobody for anything, and have complained of nothing."""
    context = browser.new_context(viewport={"width": request.param, "height": 800}, color_scheme=theme)
    opened = context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(report.as_uri())
    yield opened
    context.close()
    assert [address[:80] for address in asked if not address.startswith(("file:", "data:image/png;"))] == []
    assert complaints == []


def test_the_report_fits_its_window_and_shows_its_picture(page: Page, theme: str) -> None:
    assert page.evaluate(SIDEWAYS) == 0
    assert page.evaluate(SHOWN) > 500
    assert page.locator("h1").is_visible()
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(238, 241, 245)", "dark": "rgb(11, 14, 18)"}[theme]
