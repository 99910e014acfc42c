"""The database goes away while a page is open, and comes back."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from lib.ui import door, sidebar
from lib.ui.page import Page
from tests.factory import worked_case
from tests.pages.app import drawn, figures, forget_everything, move, open_page, press, said, table
from tests.postgres import Server

pytestmark = pytest.mark.usefixtures("fresh_server")


@pytest.fixture
def server(postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The worked cases on a server, as the app's database."""
    monkeypatch.setenv("FLUENCY_DATABASE_URL", worked_case(postgres_server.create_database("away")))
    return postgres_server


def test_the_pages_show_the_same_figures_from_a_server_as_from_a_file(
    server: Server, worked_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {title: figures(open_page(title)) for title in ("Home", "Conversion")}
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(worked_path))
    forget_everything()
    assert shown == {title: figures(open_page(title)) for title in ("Home", "Conversion")}


def test_a_server_that_goes_away_is_a_sentence_and_the_page_is_as_before_when_it_is_back(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    page = move(open_page("Conversion", conversion_days="30"), min_sessions=2)
    before = figures(page)
    server.stop()
    try:
        page = press(page, "Refresh")
        assert "The database server does not answer" in said(page)
        assert "by itself" in page.caption[-1].value
        assert not page.metric
        page = drawn(page)
        assert "The database server does not answer" in said(page)
    finally:
        server.start()
    page = drawn(page)
    assert not page.error
    assert figures(page) == before
    assert "conversion_days" in page.query_params
    assert str(make_url(os.environ["FLUENCY_DATABASE_URL"]).password) not in caplog.text + said(page)


def test_a_server_that_stops_in_the_middle_of_a_page_is_a_sentence(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_values: object, **_named: object) -> None:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'away'")

    with monkeypatch.context() as patched:
        patched.setattr("lib.ui.door.sidebar.draw_as_of", cut)
        page = open_page("Home")
    assert "The database server" in said(page)
    assert not drawn(page).error


@pytest.mark.parametrize("missing", [True, False], ids=["gone", "busy"])
def test_a_page_draws_itself_again_as_soon_as_the_file_is_back(
    missing: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = worked_case(tmp_path / "data.db")
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    monkeypatch.setattr("lib.database.WAIT_SECONDS", 0.05)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as writer:
        come_back = _go_away(path, writer, missing)
        real, looks = door.is_back, iter(range(100))

        def look(address: str, seconds: float) -> bool:
            if next(looks) == 2:
                come_back()
            door.is_back.clear()
            return real(address, seconds)

        look.clear = real.clear
        monkeypatch.setattr(door, "LOOKS", 0.0001)
        monkeypatch.setattr(door, "is_back", look)
        page = open_page("Engagement")
        for _ in range(5):
            if page.error:
                page = drawn(page)
    assert not page.error
    assert len(table(page, "avg_confidence"))
    assert next(looks) == 3


def _go_away(path: Path, writer: sqlite3.Connection, missing: bool) -> Callable[[], object]:
    if missing:
        path.rename(path.with_suffix(".away"))
        return lambda: path.with_suffix(".away").rename(path)
    writer.execute("BEGIN EXCLUSIVE")
    return lambda: writer.execute("ROLLBACK")


def test_a_problem_that_does_not_pass_by_itself_is_not_asked_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "data.db"
    path.write_bytes(b"no database at all")
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    with caplog.at_level(logging.WARNING):
        page = open_page("Engagement")
    assert "is not a SQLite database" in caplog.text
    assert not [line.value for line in page.caption if "by itself" in line.value]


def test_a_page_whose_data_changes_while_it_is_drawn_shows_all_of_the_new_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = worked_case(tmp_path / "data.db")
    os.utime(path, ns=(10**9, 10**9))
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    real, draws = sidebar.draw_as_of, iter(range(100))

    def draw(page: Page) -> None:
        if next(draws) == 0:
            with closing(sqlite3.connect(path)) as writer, writer:
                writer.execute("DELETE FROM coaching_sessions")
        real(page)

    monkeypatch.setattr(sidebar, "draw_as_of", draw)
    page = open_page("Home")
    assert "no sessions yet" in said(page)
    assert figures(page)["Sessions"] == "0"
    assert next(draws) == 2


def test_refresh_reads_the_data_again_and_says_so() -> None:
    page = open_page("Home")
    button = next(one for one in page.button if one.label == "Refresh")
    assert "Read the data again" in button.help
    before = [line.value for line in page.sidebar.caption if line.value.startswith("Data read")]
    assert len(before) == 1
    assert [toast.value for toast in press(page, "Refresh").toast] == ["The data is read again."]


@pytest.mark.parametrize("address", ["/no/such/folder/app.db", "postgresql://nobody@127.0.0.1:1/none"])
def test_the_log_says_a_wrong_path_in_one_line(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("FLUENCY_DATABASE_URL", address)
    with caplog.at_level(logging.INFO, "fluency_lab"):
        open_page("Home")
    lines = [record for record in caplog.records if record.name == "fluency_lab"]
    assert len(lines) == 1
    assert "\n" not in logging.Formatter().format(lines[0])
