"""The server is restarted, or a laptop was closed for so long that its session is gone, while pages are open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.app import running_app
from tests.browser.conftest import Window
from tests.browser.visitor import CONNECTION, Visitor, to_offer
from tests.ports import free_port

STATEMENT = "select 42 as answer"
EDITED = "Say it right.\n\nThis is what the visitor made of the draft."


@pytest.fixture(scope="module")
def visitors(window: Window, database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Visitor]]:
    """Visitors by page, each of whom has done something there before the server was restarted."""
    folder, port = tmp_path_factory.mktemp("restart"), free_port()
    with running_app(database, folder / "before.txt", port=port) as app:
        pages = ("conversion", "mistakes", "sql")
        visitors = {path: Visitor(window().new_page(), app.address) for path in pages}
        for path, visitor in visitors.items():
            visitor.open(path)
        visitors["sql"].page.get_by_role("textbox", name="Statement").fill(STATEMENT)
        visitors["sql"].page.get_by_role("button", name="Run", exact=True).click()
        expect(visitors["sql"].main.get_by_role("heading", name="Answer")).to_be_visible()
        visitors["mistakes"].tick(0)
        visitors["mistakes"].page.get_by_role("textbox", name="Text", exact=True).fill(EDITED)
        visitors["mistakes"].page.get_by_role("textbox", name="Text", exact=True).blur()
        expect(visitors["mistakes"].main.get_by_text(f"{len(EDITED)} of 3,000 characters")).to_be_visible()
    for visitor in visitors.values():
        expect(visitor.page.get_by_test_id("stApp")).not_to_have_attribute(CONNECTION, "CONNECTED")
    with running_app(database, folder / "after.txt", port=port):
        for visitor in visitors.values():
            visitor.settle_with_a_new_server()
        yield visitors
        for visitor in visitors.values():
            visitor.leave()


def test_sliders_list_files_and_tabs_go_on_together(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["conversion"]
    before = to_offer(visitor.rows())
    visitor.slide("Sessions at least", "ArrowRight")
    visitor.expect_query("min_sessions=4")
    expect(visitor.metric("To offer")).not_to_have_text(str(len(before)))
    after = to_offer(visitor.rows())
    assert visitor.metric("To offer").inner_text() == str(len(after))
    assert len(after) < len(before)
    assert visitor.downloads("CSV", visitor.tab("Near misses")).count() == 1


def test_a_statement_is_still_there_and_runs(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["sql"]
    expect(visitor.page.get_by_role("textbox", name="Statement")).to_have_value(STATEMENT)
    visitor.page.get_by_role("button", name="Run", exact=True).click()
    expect(visitor.main.get_by_role("heading", name="Answer")).to_be_visible()
    assert visitor.rows() == [["42"]]


def test_an_edited_post_is_still_there(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["mistakes"]
    expect(visitor.page.get_by_role("textbox", name="Text", exact=True)).to_have_value(EDITED)
    expect(visitor.main.get_by_text(f"{len(EDITED)} of 3,000 characters")).to_be_visible()
