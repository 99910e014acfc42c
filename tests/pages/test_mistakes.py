"""The Mistakes page: sources, cells of the heatmap, and what may become a post."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.factory import make_database
from tests.pages.app import as_shown, control, drawn, figures, go, move, open_page, pick, press, said, table

FIVE = [f"user{number}" for number in range(5)]


def listed(app: AppTest) -> list[str]:
    return table(app, "percent")["mistake"].tolist()


def tray(app: AppTest) -> list[str]:
    """What is picked, in its order."""
    return app.session_state["picked_mistakes"]["mistake"].tolist()


def ticks(app: AppTest) -> list[int]:
    """The rows of the list that are ticked."""
    key = next(element.key for element in app.dataframe if element.key)
    return list(app.session_state[key]["selection"]["rows"])


def database_of(path: Path, *mistakes: dict[str, str], users: list[str] = FIVE) -> Path:
    """Each mistake, made by every one of the users."""
    return make_database(
        path,
        users=[{"user_id": user_id} for user_id in users],
        sessions=[{"user_id": users[0]}],
        mistakes=[{"user_id": user_id, **mistake} for mistake in mistakes for user_id in users],
    )


def test_ten_of_all_different_mistakes_are_shown_and_the_page_says_so():
    app = open_page("Mistakes")
    assert len(listed(app)) == 10
    assert "10 of 30 rows" in [caption.value for caption in app.caption]


def test_home_counts_the_mistakes_of_the_same_window():
    home = figures(open_page("Home", engagement_days="7"))["Mistakes"]
    week = table(open_page("Mistakes", mistakes_days="7"), "value")
    assert int(home) == week["frequency"].sum()


def test_it_english_counts_by_its_own_frequency():
    app = open_page("Mistakes", sources="it")
    rows = table(app, "percent")
    assert rows[["mistake", "frequency"]].values.tolist() == [
        ["responsible of", 4],
        ["depends of", 3],
        ["I am working on", 2],
        ["working on system", 1],
    ]
    assert set(rows["error_type"]) == {"IT English"}


def test_sources_add_up():
    each = [table(open_page("Mistakes", sources=name), "value")["frequency"].sum() for name in ("detected", "it")]
    both = table(open_page("Mistakes", sources="detected,it"), "value")["frequency"].sum()
    assert sum(each) == both == 130


def test_a_source_always_stays_picked():
    app = move(open_page("Mistakes"), sources=[])
    assert control(app, "sources").value == ["detected"]
    assert not app.error


@pytest.mark.parametrize("view", ["type", "level", "week"])
def test_every_view_of_the_heatmap_counts_the_same_mistakes(view: str):
    app = open_page("Mistakes", view=view)
    assert table(app, "value")["frequency"].sum() == 120


@pytest.mark.parametrize("view", ["type", "level", "week", "domain"])
def test_a_cell_of_the_heatmap_narrows_the_list_to_its_own_number(view: str):
    page = {"view": view, "sources": "detected,it,pricing", "mistakes_days": "7"}
    cells = table(open_page("Mistakes", **page), "value")
    cell = cells.sort_values("frequency").iloc[-1]
    app = open_page("Mistakes", cells=f"{cell['value']}|{cell['error_category']}", **page)
    rows = table(app, "percent")
    assert len(rows) < 10, "all of the cell is shown"
    assert rows["frequency"].sum() == cell["frequency"]
    assert rows["percent"].sum() == pytest.approx(100)
    if view != "domain":
        assert set(rows["error_category"]) == {cell["error_category"]}


def test_show_all_brings_the_whole_list_back():
    app = open_page("Mistakes", cells="grammar|articles")
    assert set(table(app, "percent")["error_category"]) == {"articles"}
    label = next(button.label for button in app.button if button.label.startswith("Only "))
    assert as_shown(label) == "Only articles / grammar: show all"
    app = press(app, label)
    assert len(listed(app)) == 10
    assert app.query_params == {}


def test_another_view_forgets_the_picked_cells():
    app = move(open_page("Mistakes", cells="grammar|articles"), view="level")
    assert app.query_params == {"view": "level"}
    assert len(listed(app)) == 10


def test_a_type_narrows_list_and_heatmap():
    app = move(open_page("Mistakes"), types=["grammar"])
    assert set(table(app, "percent")["error_type"]) == {"grammar"}
    assert set(table(app, "value")["value"]) == {"grammar"}
    assert table(app, "percent")["percent"].iloc[0] == pytest.approx(100 * 15 / table(app, "value")["frequency"].sum())


def test_blank_texts_are_left_out_and_their_number_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    texts = [{"error_text": text} for text in ("working on system", " ", "", None)]
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(database_of(tmp_path / "blank.db", *texts)))
    app = open_page("Mistakes")
    assert listed(app) == ["working on system"]
    assert any("no text" in caption.value and "15" in caption.value for caption in app.caption)
    assert table(app, "value")["frequency"].sum() == 5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Wrote to ann@example.com", "It contains an e-mail address"),
        ("See https://example.com/ann", "It contains a web address"),
        ("It costed 500 dollars", "It contains a number"),
        ("<b>responsible of</b>", "It contains HTML"),
    ],
)
def test_a_row_that_could_name_somebody_gives_a_reason_and_no_post(
    text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(database_of(tmp_path / "named.db", {"error_text": text})))
    app = pick(open_page("Mistakes"), 0)
    assert "cannot be published" in said(app)
    assert reason in as_shown(said(app))
    assert not app.text_area
    assert not app.text


def test_a_row_of_four_users_gives_a_reason_and_no_post(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = database_of(tmp_path / "few.db", {"error_text": "responsible of"}, users=FIVE[:4])
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    app = pick(open_page("Mistakes"), 0)
    assert "Made by 4 users; 5 are needed" in as_shown(said(app))
    assert not app.text_area


def test_the_same_text_in_two_categories_makes_two_posts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    twice = [{"error_text": "responsible of", "error_category": category} for category in ("prepositions", "verbs")]
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(database_of(tmp_path / "twice.db", *twice)))
    assert len(pick(open_page("Mistakes"), 0, 1).text_area) == 2


def test_a_post_says_which_signs_its_picture_cannot_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = database_of(tmp_path / "signs.db", {"error_text": "responsible \u0378"}, {"error_text": "depends of"})
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    app = pick(open_page("Mistakes"), 0, 1)
    assert [caption.value[-1] for caption in app.caption if "no font here has" in caption.value] == ["\u0378"]


def test_what_is_typed_into_a_post_is_what_is_shown_and_counted():
    app = pick(open_page("Mistakes"), 0)
    app.text_area[0].set_value("Short 😀")
    app.run()
    assert app.code[-1].value == "Short 😀"
    assert [text.value for text in app.text] == ["Short 😀"]
    assert any(caption.value.startswith("8 of 3,000 characters") for caption in app.caption)


def test_picks_stay_while_the_list_shows_something_else_and_more_are_added_to_them():
    app = pick(open_page("Mistakes"), 0, 1)
    first = tray(app)
    app = move(app, cells=[("pronunciation", "everyday words")])
    there = listed(app)
    assert tray(app) == first, "another list unticks nothing"
    shown = [there.index(mistake) for mistake in first if mistake in there]
    app = pick(app, *shown, 2)
    assert tray(app) == [*first, there[2]]
    app = press(app, "Only everyday words / pronunciation: show all")
    assert tray(app) == [*first, there[2]]


def test_what_is_unticked_or_removed_leaves_the_tray_and_the_rest_stays():
    app = pick(open_page("Mistakes"), 0, 1, 2)
    first = tray(app)
    app = pick(app, 0, 2)
    assert tray(app) == [first[0], first[2]]
    app = press(app, "Remove")
    assert tray(app) == [first[2]]
    assert ticks(app) == [2]


def test_a_text_that_was_edited_is_there_again_after_its_mistake_was_out_of_sight():
    app = pick(open_page("Mistakes"), 0)
    app.text_area[0].set_value("Mine")
    drawn(app)
    app = pick(app, 0, 1)
    assert app.text_area[0].value == "Mine"
    assert "Part 2 of 2" in app.text_area[1].value
    app = go(go(app, "Home"), "Mistakes")
    assert [area.value == "Mine" for area in app.text_area] == [True, False]


def test_a_text_that_was_not_edited_follows_the_series():
    app = pick(open_page("Mistakes"), 0)
    assert "Part 1" not in app.text_area[0].value
    assert "Part 1 of 2" in pick(app, 0, 1).text_area[0].value


def test_what_may_be_published_stays_so_where_filters_leave_fewer_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = make_database(
        tmp_path / "levels.db",
        users=[{"user_id": user, "english_level": "B1" if user == "user0" else "C1"} for user in FIVE],
        sessions=[{"user_id": FIVE[0]}],
        mistakes=[{"user_id": user, "error_text": "responsible of"} for user in FIVE],
    )
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    app = move(pick(open_page("Mistakes"), 0), levels=["B1"])
    assert table(app, "percent")["publishable"].tolist() == ["no"]
    assert len(app.text_area) == 1
    assert "cannot be published" not in said(app)


def test_domains_are_offered_with_the_sources_that_have_them():
    app = open_page("Mistakes", view="domain")
    assert "Domains are recorded for IT English and Pricing only" in said(app)
    assert "No mistakes" not in said(app)
    assert len(listed(app)) == 10
    app = press(app, "Add these sources")
    assert control(app, "sources").value == ["detected", "it", "pricing"]
    assert len(table(app, "value"))
    assert not said(app)


@pytest.mark.parametrize("view", ["type", "domain"])
def test_an_empty_window_is_said_once(view: str):
    app = open_page("Mistakes", as_of="2001-01-01", view=view)
    assert said(app).count("No mistakes in") == 1
    assert "Domains" not in said(app)
    app = press(app, "Show 24 Oct – 22 Nov 2026")
    assert len(listed(app)) == 10
    assert app.query_params == ({} if view == "type" else {"view": "domain"})


def test_cells_can_be_chosen_without_the_heatmap():
    app = move(open_page("Mistakes"), cells=[("grammar", "articles")])
    assert set(table(app, "percent")["error_category"]) == {"articles"}
    assert app.query_params == {"cells": "grammar|articles"}


def test_a_week_is_called_by_its_first_day_and_the_address_has_the_date_of_it():
    app = open_page("Mistakes", view="week")
    names = control(app, "cells").options
    assert "articles / 24 Oct*" in names
    assert "articles / 26 Oct" in names
    assert set(table(app, "value")["value"]) > {"2026-10-24", "2026-10-26"}
    app = move(app, cells=[("2026-10-24", "articles")])
    assert app.query_params["cells"] == "2026-10-24|articles"
    assert any(as_shown(button.label) == "Only articles / 24 Oct*: show all" for button in app.button)


def test_a_post_that_is_too_long_says_so():
    app = pick(open_page("Mistakes"), 0)
    assert not app.warning
    app.text_area[0].set_value("x" * 3_001)
    app.run()
    assert "3,000" in said(app)


def test_a_post_never_carries_a_frequency_of_learners_below_the_rule_or_a_name():
    app = pick(open_page("Mistakes"), 0, 1, 2)
    for area in app.text_area:
        assert "example.com" not in area.value
        assert "user0" not in area.value
