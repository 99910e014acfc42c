"""The real app for tests that look at it with a browser: a server on a free port, and the Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Playwright

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 180  # seconds for a server to answer on a busy machine
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # For certificates of our own: whoever asks for it window by window has scripts over new connections fail at times.
    "--ignore-certificate-errors",
]


@dataclass(frozen=True)
class App:
    """A running app: where it answers, and the file to which its server prints."""

    address: str
    log: Path


@contextmanager
def running_app(database: Path | str, log: Path, *, port: int | None = None, **settings: str) -> Iterator[App]:
    """The app over ``database``, with ``settings`` as the environment has them, in lower case without FLUENCY_.

    Without a ``port`` it takes a free one.
    """
    port = port or free_port()
    options = ["--server.port", str(port), "--server.address", "127.0.0.1"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("FLUENCY_")}
    given = {"database_url": str(database), "audit": ""} | settings
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "Home.py", *options],
            cwd=ROOT,
            env=own | {f"FLUENCY_{name.upper()}": value for name, value in given.items()},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        app = App(f"http://127.0.0.1:{port}", log)
        _wait_for(app, server)
        yield app
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def _wait_for(app: App, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(f"{app.address}/_stcore/health", timeout=PATIENCE):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The app did not start:\n{app.log.read_text(errors='replace')}")


def open_browser(playwright: Playwright) -> Browser:
    """A Chromium: the one that FLUENCY_CHROMIUM names, else the machine's (best without windows), else Playwright's."""
    known = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    names = (shutil.which(name) for name in known)
    path = os.environ.get("FLUENCY_CHROMIUM") or next((found for found in names if found), None)
    return playwright.chromium.launch(executable_path=path, args=FLAGS)
