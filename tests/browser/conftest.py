from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.app import ROOT, running_app
from tests.browser.visitor import Visitor

DESK = {"width": 1440, "height": 900}
Visit = Callable[..., Visitor]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample."""
    return Path(shutil.copy(ROOT / "sample.db", tmp_path_factory.mktemp("database") / "sample.db"))


@pytest.fixture(scope="session")
def address(database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the app answers."""
    with running_app(database, tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@pytest.fixture(scope="session")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """A window that keeps the app's scripts in its cache, so that pages open sooner."""
    context = browser.new_context(viewport=DESK, permissions=["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def visit(browser: Browser, window: BrowserContext, address: str) -> Iterator[Visit]:
    """Makes a visitor; with options a new window of its own. In the end nobody may have met with an error."""
    visitors: list[Visitor] = []
    windows: list[BrowserContext] = []

    def arrive(**options: object) -> Visitor:
        if options:
            windows.append(browser.new_context(**({"viewport": DESK} | options)))
        context = windows[-1] if options else window
        visitors.append(Visitor(context.new_page(), address))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.page.close()
    for own in windows:
        own.close()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """A visitor at a desk."""
    return visit()
