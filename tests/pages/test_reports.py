from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.analysis.pseudonyms import pseudonym
from lib.exports import csv_bytes
from lib.report.ledger import Run, append, read_runs
from lib.ui.reports import framed
from tests.pages.app import drawn, elements, markdown, open_page, pick, press, said, tables

KEY = "0123456789abcdef0123456789abcdef"
START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PATIENCE = 60  # seconds for a report on a busy machine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of reports that the settings of these tests name."""
    return tmp_path / "reports"


def ran(folder: Path, day: int, *, failure: str | None = None, page: str | None = None) -> None:
    """A line of the ledger, and the page of the report where there is one."""
    started = START + timedelta(days=day)
    names = (f"daily_report_2026-11-{20 + day}_08-00-00.html", f"top_mistakes_2026-11-{20 + day}_08-00-00.csv")
    files = names if failure is None else ()
    append(
        folder, Run(started, started + timedelta(seconds=2), date(2026, 11, 20), None, files, ("a@b.example",), failure)
    )
    if page is not None:
        (folder / names[0]).write_text(page, encoding="utf-8")


def made(page: AppTest) -> AppTest:
    """Wait until the report that is being made is there."""
    press(page, "Make a report now")
    end = time.monotonic() + PATIENCE
    while page.get("progress") and time.monotonic() < end:
        time.sleep(0.05)
        drawn(page)
    return page


def downloads(page: AppTest) -> list[str]:
    return [element.label for element in page.get("download_button")]


def frames(page: AppTest) -> list[str]:
    return [element.proto.srcdoc for element in elements(page._tree) if element.type == "iframe"]


def test_without_a_run_the_page_says_so_and_offers_to_make_one():
    page = open_page("Reports")
    assert "There are no reports yet" in said(page)
    assert "Make a report now" in [button.label for button in page.button]


def test_runs_are_listed_newest_first_with_what_became_of_them(folder: Path):
    ran(folder, 0, page="<!doctype html><p>first</p></html>")
    ran(folder, 1, failure="The database server does not answer.")
    (table,) = tables(open_page("Reports"))
    assert table["result"].tolist() == ["The database server does not answer.", "good"]
    assert table["files"].tolist() == [0, 2]
    assert table["seconds"].tolist() == [2.0, 2.0]


def test_the_newest_report_is_shown_and_another_can_be_picked(folder: Path):
    ran(folder, 0, page="<!doctype html><p>first</p></html>")
    ran(folder, 1, page="<!doctype html><p>second</p></html>")
    page = open_page("Reports")
    assert ["second" in frame for frame in frames(page)] == [True]
    assert downloads(page).count(r"Daily report\.html") == 1
    pick(page, 1)
    assert ["first" in frame for frame in frames(page)] == [True]


def test_files_that_are_gone_are_counted_and_not_offered(folder: Path):
    ran(folder, 0, page="<!doctype html></html>")
    page = open_page("Reports")
    assert r"Top mistakes\.csv" not in downloads(page)
    assert any("1 of 2 files are no longer there" in caption.value for caption in page.caption)


def test_a_failed_run_says_why_as_text(folder: Path):
    ran(folder, 0, failure="No [way](http://x)")
    page = pick(open_page("Reports"), 0)
    assert "This run failed." in said(page)
    assert not [text for text in markdown(page) if "[way](http://x)" in text]


def test_a_file_outside_the_folder_is_never_shown(folder: Path):
    folder.mkdir()
    (folder.parent / "daily_report_secret.html").write_text("secret")
    append(folder, Run(START, START, files=("../daily_report_secret.html",)))
    page = open_page("Reports")
    assert frames(page) == []
    assert any("1 of 1 files" in caption.value for caption in page.caption)


def test_a_name_in_the_ledger_that_is_no_report_is_no_traceback(folder: Path):
    folder.mkdir()
    (folder / "notes.html").write_text("x")
    append(folder, Run(START, START, files=("notes.html",)))
    page = open_page("Reports")
    assert r"Notes\.html" in downloads(page)


def test_a_report_is_framed_so_that_no_script_in_it_runs():
    made = framed("<script>alert('x')</script>\"></iframe><b>&amp;", "dark")
    assert '<iframe sandbox title="' in made
    assert made.count("<iframe") == made.count("</iframe>") == 1
    assert "<script" not in made
    source = made.partition('srcdoc="')[2].partition('"')[0]
    assert unescape(source) == "<script>alert('x')</script>\"></iframe><b>&amp;"


@pytest.mark.parametrize(("theme", "query"), [("dark", "(min-width: 0)"), ("light", "(max-width: 0)")])
def test_a_report_has_the_theme_of_the_app(theme: str, query: str):
    made = framed("<style>@media (prefers-color-scheme:dark) { p { color: red } }</style>", theme)
    assert f"@media {query} {{" in unescape(made)
    assert "prefers-color-scheme" not in made


def test_a_report_is_made_from_the_page_and_shown(folder: Path):
    page = made(open_page("Reports"))
    assert "The report is made." in said(page)
    (run,) = read_runs(folder)
    assert run.is_good
    assert (run.as_of, run.recipients) == (date(2026, 11, 22), ())
    assert all((folder / name).is_file() for name in run.files)
    assert [name in frames(page)[0] for name in ("user002", "working on system")] == [True, True]
    assert "The report is made." not in said(drawn(page)), "said once"


def test_a_report_that_fails_says_why_and_the_page_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_OFFER_BODY", "$nothing")
    page = open_page("Reports")
    press(page, "Make a report now")
    assert "FLUENCY" in said(page)
    assert not read_runs(folder)


def test_a_folder_that_cannot_be_written_to_is_a_sentence(folder: Path):
    folder.write_text("a file in the way")
    page = made(open_page("Reports"))
    assert "No report was made." in said(page)


@pytest.mark.parametrize(("address", "hidden"), [({"without_names": "1"}, True), ({}, False)])
def test_a_report_from_the_page_is_without_names_where_the_switch_is_on(
    folder: Path, monkeypatch: pytest.MonkeyPatch, address: dict[str, str], hidden: bool
):
    monkeypatch.setenv("FLUENCY_PSEUDONYM_KEY", KEY)
    made(open_page("Reports", **address))
    (run,) = read_runs(folder)
    name = next(name for name in run.files if name.startswith("conversion_candidates"))
    text = (folder / name).read_text(encoding="utf-8-sig")
    assert (pseudonym(KEY.encode(), "user002") in text) == hidden
    assert ("user002" in text) != hidden


def test_the_switch_is_there_only_with_a_key(monkeypatch: pytest.MonkeyPatch):
    assert not open_page("Conversion").toggle
    assert "FLUENCY" in said(open_page("Conversion", without_names="1"))
    monkeypatch.setenv("FLUENCY_PSEUDONYM_KEY", KEY)
    assert [toggle.label for toggle in open_page("Conversion").toggle] == ["Without names"]


@pytest.mark.parametrize("on", [True, False])
def test_downloads_of_every_page_are_without_names_where_the_switch_is_on(monkeypatch: pytest.MonkeyPatch, on: bool):
    from lib.ui import sidebar
    from lib.ui import tables as drawing

    seen: list[Callable[[], object]] = []

    def look(page: object) -> None:
        seen.append(lambda: [csv_bytes(drawing.to_take(page, sheet), zone="UTC") for sheet in page.sheets.values()])

    monkeypatch.setenv("FLUENCY_PSEUDONYM_KEY", KEY)
    monkeypatch.setattr(sidebar, "take_whole_page", look)
    page = open_page("Conversion", without_names="1" if on else "0")
    assert "user002" in page.dataframe[0].value["user_id"].tolist(), "the page itself stays as it is"
    text = str(seen[-1]())
    assert ("user002" in text) != on
    assert (pseudonym(KEY.encode(), "user002") in text) == on
