"""Filters follow from page to page, and the address says them."""

from __future__ import annotations

from datetime import date

import pytest

from tests.pages.app import control, figures, go, move, open_page, press, said, table


def test_defaults_are_not_in_the_address():
    for title in ("Home", "Engagement", "Mistakes", "Conversion"):
        assert open_page(title).query_params == {}


def test_what_is_set_is_in_the_address_and_nothing_else():
    app = move(open_page("Conversion"), min_sessions=2)
    assert app.query_params == {"min_sessions": "2"}


def test_an_address_shows_what_it_names():
    app = open_page("Conversion", min_confidence="7.9")
    assert control(app, "min_confidence").value == 7.9
    assert table(app, "recommendation")["user_id"].tolist() == ["user002", "user003", "user004"]


def test_thresholds_follow_to_home_and_back():
    app = move(open_page("Conversion"), min_confidence=7.9)
    app = go(app, "Home")
    assert figures(app)["To offer, of 3"] == "3"
    assert app.query_params["min_confidence"] == "7.9"
    app = go(app, "Conversion")
    assert control(app, "min_confidence").value == 7.9


@pytest.mark.parametrize("title", ["Engagement", "Mistakes", "Conversion", "Data health"])
def test_the_day_follows_to_every_page(title: str):
    app = go(move(open_page("Home"), as_of=date(2026, 11, 15)), title)
    assert control(app, "as_of").value == date(2026, 11, 15)
    assert app.query_params["as_of"] == "2026-11-15"


def test_filters_of_one_page_stay_there():
    app = move(open_page("Engagement"), roles=["free"])
    app = go(app, "Home")
    assert "roles" not in app.query_params
    assert control(go(app, "Engagement"), "roles").value == []


def test_what_a_link_names_beats_what_was_set():
    app = move(open_page("Conversion"), min_sessions=5)
    app = go(go(app, "Home"), "Conversion", min_sessions="2")
    assert control(app, "min_sessions").value == 2


def test_the_newest_day_is_one_click_away():
    app = press(open_page("Home", as_of="2026-11-10"), "Newest day")
    assert control(app, "as_of").value == date(2026, 11, 22)
    assert app.query_params == {}


def test_foreign_parts_of_an_address_are_left_alone():
    app = move(open_page("Engagement", campaign="autumn"), engagement_days=30)
    assert app.query_params == {"campaign": "autumn", "engagement_days": "30"}


def test_a_value_that_does_not_fit_is_named():
    assert "Window on Engagement" in said(open_page("Engagement", engagement_days="0"))
