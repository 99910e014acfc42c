"""The real app for tests that look at it with a browser: a server on a free port, and the Chromium of this machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).parents[2]
PATIENCE = 60  # seconds for a server to answer on a busy machine
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def running_app(database: Path, log: Path, **settings: str) -> Iterator[str]:
    """The app over ``database``; its address. What the server prints goes to ``log``."""
    port = _free_port()
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
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server, log)
        yield address
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and server.poll() is None:
        try:
            with urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"The app did not start:\n{log.read_text(errors='replace')}")


def open_browser(playwright: Playwright) -> Browser:
    """A Chromium: the one that FLUENCY_CHROMIUM names, else the machine's (best without windows), else Playwright's."""
    known = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    names = (shutil.which(name) for name in known)
    path = os.environ.get("FLUENCY_CHROMIUM") or next((found for found in names if found), None)
    return playwright.chromium.launch(executable_path=path, args=FLAGS)
