from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.app import ROOT, App, running_app
from tests.browser.visitor import Visitor

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 400, "height": 800}
Serve = Callable[..., App]
Visit = Callable[..., Visitor]
Window = Callable[..., BrowserContext]


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample."""
    return Path(shutil.copy(ROOT / "sample.db", tmp_path_factory.mktemp("database") / "sample.db"))


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """`serve(database, **settings)`: an app with these settings, the same one for every test that asks for it."""
    with ExitStack() as running:

        @cache
        def served(database: Path | str, **settings: str) -> App:
            return running.enter_context(running_app(database, tmp_path_factory.mktemp("app") / "log.txt", **settings))

        yield served


@pytest.fixture(scope="session")
def app(serve: Serve, database: Path) -> App:
    """The app over the sample, with the usual settings."""
    return serve(database)


@pytest.fixture(scope="session")
def window(browser: Browser) -> Iterator[Window]:
    """`window(**options)`: a window of a kind, the same one for every test: it keeps the app's scripts in its cache."""
    with ExitStack() as open_windows:

        @cache
        def opened(phone: bool = False, **options: str) -> BrowserContext:
            size, rights = PHONE if phone else DESK, ["clipboard-read", "clipboard-write"]
            context = browser.new_context(viewport=size, has_touch=phone, permissions=rights, **options)
            return open_windows.enter_context(context)

        yield opened


@pytest.fixture
def visit(window: Window, app: App) -> Iterator[Visit]:
    """`visit(app, phone=True, locale="de-DE")`: a new visitor. In the end nobody may have met with an error."""
    visitors: list[Visitor] = []

    def arrive(to: App = app, **options: Any) -> Visitor:
        visitors.append(Visitor(window(**options).new_page(), to.address))
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.leave()
    assert [trouble for visitor in visitors for trouble in visitor.troubles] == []


@pytest.fixture
def visitor(visit: Visit) -> Visitor:
    """A visitor at a desk."""
    return visit()
