"""A tab that stays open: what nobody chose follows the data and the settings, and state that is lost does no harm."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from lib.settings import Settings
from lib.ui.params import all_params
from tests.pages.app import control, drawn, go, move, open_page

BEGAN, NEXT = date(2026, 11, 22), date(2026, 11, 23)


@pytest.fixture
def a_day_passes(worked_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Brings a session of the day after the newest."""
    path = Path(shutil.copy(worked_path, tmp_path / "growing.db"))
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))

    def bring() -> None:
        newest = "(select max(started_at) from coaching_sessions)"
        later = "replace(started_at, '2026-11-22', '2026-11-23')"
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(f"update coaching_sessions set started_at = {later} where started_at = {newest}")

    return bring


@pytest.mark.parametrize(("title", "other"), [("Home", "Conversion"), ("Conversion", "Mistakes"), ("SQL", "Home")])
def test_the_day_that_nobody_chose_follows_the_data(a_day_passes: Callable[[], None], title: str, other: str):
    app = open_page(title)
    assert control(app, "as_of").value == BEGAN
    a_day_passes()
    app = drawn(app)
    assert (control(app, "as_of").value, app.query_params) == (NEXT, {})
    app = go(app, other)
    assert (control(app, "as_of").value, app.query_params) == (NEXT, {})


def test_the_day_that_nobody_chose_follows_the_data_to_another_page(a_day_passes: Callable[[], None]):
    app = open_page("Home")
    a_day_passes()
    app = go(app, "Engagement")
    assert (control(app, "as_of").value, app.query_params) == (NEXT, {})


def test_a_chosen_day_stays_whatever_comes(a_day_passes: Callable[[], None]):
    app = move(open_page("Home"), as_of=date(2026, 11, 15))
    a_day_passes()
    for step in (drawn, lambda app: go(app, "Conversion")):
        app = step(app)
        assert control(app, "as_of").value == date(2026, 11, 15)
        assert app.query_params == {"as_of": "2026-11-15"}


def test_a_day_chosen_in_the_run_that_meets_new_data_is_taken(a_day_passes: Callable[[], None]):
    app = open_page("Home")
    a_day_passes()
    app = move(app, as_of=date(2026, 11, 20))
    assert (control(app, "as_of").value, app.query_params) == (date(2026, 11, 20), {"as_of": "2026-11-20"})


@pytest.mark.parametrize(
    ("setting", "name", "value"), [("MIN_SESSIONS", "min_sessions", 4), ("CONVERSION_DAYS", "conversion_days", 30)]
)
def test_a_filter_that_nobody_chose_follows_its_setting(
    monkeypatch: pytest.MonkeyPatch, setting: str, name: str, value: int
):
    app = move(open_page("Conversion"), min_confidence=7.5)
    monkeypatch.setenv(f"FLUENCY_{setting}", str(value))
    app = drawn(app)
    assert (control(app, name).value, app.query_params) == (value, {"min_confidence": "7.5"})
    app = move(app, **{name: 7})
    assert app.query_params == {"min_confidence": "7.5", name: "7"}


@pytest.mark.parametrize("title", ["Home", "Engagement", "Mistakes", "Conversion", "Analyses", "SQL", "Reports"])
def test_controls_whose_state_is_lost_stand_as_the_address_says(title: str):
    address = {"as_of": "2026-11-15", "min_sessions": "2", "tab": "Near misses", "view": "level", "levels": "B1"}
    app = open_page(title, **address)
    page, before = title.lower(), app.query_params
    for name in all_params(Settings(), BEGAN, BEGAN):
        if f"{page}:{name}" in app.session_state:
            del app.session_state[f"{page}:{name}"]
    app._run()  # as by a client that sends no states
    assert not app.exception
    assert app.query_params == before
    assert control(app, "as_of").value == date(2026, 11, 15)
