from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.browser.app import ROOT
from tests.ports import free_port
from tests.sign_in.forger import Forger
from tests.sign_in.parts import NAME, copy_tree, running_apps, running_nginx, running_provider
from tests.sign_in.site import USERS, Site


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sample."""
    return Path(shutil.copy(ROOT / "sample.db", tmp_path_factory.mktemp("database") / "sample.db"))


@pytest.fixture(scope="session")
def forger() -> Iterator[Forger]:
    """A second provider, which says what we want."""
    with Forger.running() as forger:
        yield forger


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, database: Path, forger: Forger) -> Iterator[Site]:
    """Two processes of the app with sign-in behind nginx with TLS."""
    folder = tmp_path_factory.mktemp("site")
    port, plain_port, apps, log = free_port(), free_port(), (free_port(), free_port()), folder / "apps.txt"
    state = {"database_url": str(database), "audit": str(folder / "audit.jsonl"), "reports_folder": str(folder)}
    with ExitStack() as stack:
        provider = stack.enter_context(running_provider([f"https://{NAME}:{port}/oauth2callback"], USERS))
        site = Site(copy_tree(folder / "tree"), port, plain_port, apps, log, provider, forger.address)
        site.write_secrets()
        (folder / "nginx").mkdir()
        stack.enter_context(running_nginx(folder / "nginx", port, plain_port, apps))
        stack.enter_context(running_apps(site.tree, apps, log, **state))
        yield site


@pytest.fixture(scope="session")
def window(browser: Browser) -> BrowserContext:
    """One window for all, which keeps the app's scripts in its cache."""
    return browser.new_context(viewport={"width": 1440, "height": 900})
