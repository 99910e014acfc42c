"""The database goes away while somebody looks, and the page comes back without a click."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.app import App
from tests.browser.conftest import Serve
from tests.browser.visitor import Visitor
from tests.factory import worked_case
from tests.postgres import Server


@pytest.fixture(scope="module")
def address(postgres_server: Server) -> str:
    """The worked cases on a server."""
    return worked_case(postgres_server.create_database("away_in_browser"))


@pytest.fixture(scope="module")
def app(serve: Serve, address: str) -> App:
    """The app over that server."""
    return serve(address)


def test_a_page_comes_back_by_itself_with_the_filters_that_were_set(
    visitor: Visitor, app: App, postgres_server: Server, address: str
) -> None:
    visitor.open("conversion", as_of="2026-11-22", conversion_days="30")
    visitor.slide("Confidence above", "ArrowLeft", 2)
    visitor.expect_in_query("min_confidence=7.8")
    before = visitor.metric("To offer").inner_text()
    postgres_server.stop()
    try:
        visitor.sidebar.get_by_role("button", name="Refresh").click()
        expect(visitor.main.get_by_text("The database server does not answer")).to_be_visible()
        expect(visitor.metric("To offer")).to_have_count(0)
    finally:
        postgres_server.start()
    expect(visitor.metric("To offer")).to_have_text(before)
    visitor.expect_score("7.8")
    visitor.expect_query("conversion_days=30&min_confidence=7.8")
    expect(visitor.main.get_by_text("The database server does not answer")).to_have_count(0)
    log = app.log.read_text()
    assert "database problem" in log
    assert address.split(":")[2].split("@", maxsplit=1)[0] not in log
