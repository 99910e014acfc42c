from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages.app import control, drawn, markdown, move, open_page, said, table, tables


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of analyses."""
    path = tmp_path / "own"
    path.mkdir()
    monkeypatch.setenv("FLUENCY_ANALYSES_FOLDER", str(path))
    return path


def test_the_first_shipped_analysis_is_shown_and_the_others_can_be_chosen():
    page = open_page("Analyses")
    assert control(page, "analysis").options == ["Inactive users", "Mistakes by level", "Sessions by hour"]
    assert "state" in table(page, "user_id").columns
    move(page, analysis="sessions_by_hour")
    assert "hour_utc" in tables(page)[0].columns
    assert page.query_params["analysis"] in ("sessions_by_hour", ["sessions_by_hour"])


def test_a_file_that_is_dropped_in_is_there_on_the_next_look(folder: Path):
    page = open_page("Analyses")
    assert "There are no own analyses yet" in said(page)
    (folder / "roles.sql").write_text(
        "-- title: Roles\n-- description: *Who* is there\nselect count(*) as n from users"
    )
    drawn(page)
    assert page.header[0].value == "Roles"
    assert r"\*Who\* is there" in markdown(page)
    assert len(tables(page)) == 1


def test_the_window_and_the_as_of_day_are_those_of_the_page(folder: Path):
    (folder / "days.sql").write_text("select :start as s, :end as e, :as_of as d")
    page = open_page("Analyses", analyses_days="7", as_of="2026-11-20")
    assert tables(page)[0].iloc[0].tolist() == ["2026-11-14", "2026-11-21", "2026-11-20"]


def test_a_broken_one_is_named_with_the_reason_and_the_others_work(folder: Path):
    (folder / "a_broken.sql").write_text("select nobody from users")
    (folder / "b_fine.sql").write_text("select 1 as n")
    page = open_page("Analyses")
    assert not tables(page)
    assert "broken.sql did not run" in page.warning[0].value.replace("\\", "")
    assert "no such column: nobody" in page.warning[0].value.replace("\\", "")
    move(page, analysis="b_fine")
    assert len(tables(page)) == 1
    assert not page.warning


def test_rows_over_the_limit_are_cut_and_the_page_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_ANALYSES_ROWS", "2")
    (folder / "ids.sql").write_text("select user_id from users order by 1")
    page = open_page("Analyses")
    assert len(tables(page)[0]) == 2
    assert any("2 of more rows" in caption.value for caption in page.caption)


def test_an_analysis_that_takes_too_long_is_stopped(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_ANALYSES_SECONDS", "0.1")
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"
    (folder / "endless.sql").write_text(endless)
    page = open_page("Analyses")
    assert "took longer than 0.1 seconds" in page.warning[0].value.replace("\\", "")


def test_an_address_that_names_no_analysis_shows_the_first_one_and_says_so(folder: Path):
    (folder / "fine.sql").write_text("select 1 as n")
    page = open_page("Analyses", analysis="<b>gone</b>")
    assert len(tables(page)) == 1
    assert any("names an analysis that is not here" in caption.value for caption in page.caption)


def test_text_of_a_file_is_never_drawn_as_markdown(folder: Path):
    (folder / "odd.sql").write_text("-- title: [x](http://x)\n-- description: <b>$a$</b>\nselect 1 as n")
    page = open_page("Analyses")
    assert not [text for text in markdown(page) if "[x](http://x)" in text or "<b>$a$</b>" in text]
