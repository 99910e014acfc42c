"""The Mistakes page: sources, cells of the heatmap, and what may become a post."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.factory import make_database
from tests.pages.app import as_shown, control, figures, markdown, move, open_page, pick, press, said, table

FIVE = [f"user{number}" for number in range(5)]


def listed(app: AppTest) -> list[str]:
    return table(app, "percent")["mistake"].tolist()


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
    assert not [text for text in markdown(app) if "As it will look" in text]


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


def test_what_is_typed_into_a_post_is_what_is_shown_and_counted():
    app = pick(open_page("Mistakes"), 0)
    app.text_area[0].set_value("Short 😀")
    app.run()
    assert app.code[-1].value == "Short 😀"
    assert any(caption.value.startswith("8 of 3,000 characters") for caption in app.caption)


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
