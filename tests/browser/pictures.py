"""The pictures of the README: `python -m tests.browser.pictures OUTDIR`."""

from __future__ import annotations

import argparse
import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from lib.report.orders import order_from
from lib.report.run import run
from lib.settings import Settings
from tests.browser.app import ROOT, open_browser, running_app
from tests.browser.visitor import Visitor

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 400, "height": 860}
PICTURES = {
    "home": ("", DESK, "light"),
    "engagement": ("engagement", DESK, "light"),
    "mistakes": ("mistakes", DESK, "light"),
    "conversion": ("conversion", DESK, "light"),
    "analyses": ("analyses", DESK, "light"),
    "sql": ("sql", DESK, "light"),
    "reports": ("reports", DESK, "light"),
    "audit": ("audit", DESK, "light"),
    "data_health": ("data_health", DESK, "light"),
    "conversion_dark": ("conversion", DESK, "dark"),
    "home_phone": ("", PHONE, "light"),
}
MOST_BYTES = 200_000


def take_pictures(folder: Path) -> None:
    """Each page of the sample as PNG in ``folder``; raises ValueError for a file that is too large for a README."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        database = Path(shutil.copy(ROOT / "sample.db", scratch))
        places = {"audit": str(Path(scratch, "audit.jsonl")), "reports_folder": str(Path(scratch, "reports"))}
        run(order_from(Settings(database_url=str(database), **places)))
        with running_app(database, Path(scratch, "log.txt"), **places) as app:
            browser = open_browser(playwright)
            for name, (path, size, scheme) in PICTURES.items():
                _save(_picture(browser, app.address, path, size, scheme), folder / f"{name}.png")
            _save(_composer(browser, app.address), folder / "post.png")
            browser.close()


def _picture(browser: Browser, address: str, path: str, size: dict[str, int], scheme: str) -> bytes:
    window = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]  # plain dicts will do
    visitor = Visitor(window.new_page(), address)
    visitor.open(path)
    picture = _still(visitor)
    window.close()
    return picture


def _composer(browser: Browser, address: str) -> bytes:
    """The posts of two picked mistakes."""
    window = browser.new_context(viewport=DESK, color_scheme="light")
    visitor = Visitor(window.new_page(), address)
    visitor.open("mistakes")
    for row in (1, 4):
        visitor.tick(row)
    expect(visitor.page.get_by_role("tab")).to_have_count(2)
    visitor.settle()
    visitor.page.get_by_test_id("stTextArea").first.evaluate("text => text.scrollIntoView({block: 'end'})")
    picture = _still(visitor)
    window.close()
    return picture


def _still(visitor: Visitor) -> bytes:
    visitor.settle()
    visitor.page.mouse.move(DESK["width"] - 1, DESK["height"] - 1)
    visitor.page.wait_for_timeout(1000)  # lines and cards fade in
    return visitor.page.screenshot(animations="disabled")


def _save(picture: bytes, file: Path) -> None:
    Image.open(io.BytesIO(picture)).convert("RGB").save(file, optimize=True)
    if file.stat().st_size > MOST_BYTES:
        raise ValueError(f"{file} has {file.stat().st_size:,} bytes; {MOST_BYTES:,} are allowed.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Takes the pictures of the README.")
    parser.add_argument("folder", type=Path)
    take_pictures(parser.parse_args().folder)
