"""What holds for every page: the door, bad input, bad days, and text from the data that stays text."""

from __future__ import annotations

import ast
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from lib.schema import OPTIONAL_TABLES, TABLES
from lib.settings import Settings
from lib.ui import sidebar
from lib.ui.params import all_params
from tests.factory import (
    DEFAULTS,
    empty_database,
    make_database,
    one_row,
    without_column,
    without_table,
    worked_case,
)
from tests.odd_database import odd_database
from tests.pages.app import (
    PAGES,
    ROOT,
    as_shown,
    figures,
    links,
    markdown,
    move,
    open_page,
    open_tab,
    pick,
    press,
    said,
    table,
    tables,
)
from tests.worked_case import WORKED_CASE

TABS = ("What if", "In and out", "Near misses", "Why or why not", "Offer")
Made = Callable[..., Path]
EVERY_PAGE = pytest.mark.parametrize("title", PAGES)
FIGURES = pytest.mark.parametrize("title", [title for title in PAGES if title not in ("SQL", "Audit")])
NEEDED_TABLES = [table.name for table in TABLES if table.name not in OPTIONAL_TABLES]

AS_OF = date(2026, 11, 22)
GARBAGE = {
    "as_of": "9999-99-99",
    "engagement_days": "abc",
    "mistakes_days": "-30",
    "conversion_days": "1e9",
    "all_sessions": "<script>alert(1)</script>",
    "min_sessions": "3.5",
    "min_confidence": "nan",
    "streak": "CURRENT",
    "price": "1e309",
    "sources": "detected,nobody",
    "view": "😀",
    "cells": "x|y|z~~",
    "roles": "x," * 5_000,
    "user": "x" * 10_000,
}
STRANGE = {
    "as_of": "2026-11-31",
    "engagement_days": ["7", "0"],
    "mistakes_days": "",
    "conversion_days": "9" * 10_000,
    "all_sessions": "2",
    "min_sessions": "0",
    "min_confidence": "1e9",
    "streak": "😀",
    "price": "-0",
    "sources": "",
    "view": "<b>type</b>",
    "cells": "|" * 10_000,
    "user": "😀" * 201,
}
# Pages that are not about a window of the data.
TIMELESS = {"Data health", "Reports", "SQL", "Audit"}
DOES_WITHOUT = {
    ("Engagement", "detected_errors"),
    ("Conversion", "detected_errors"),
    ("Mistakes", "users"),
    # An analysis that breaks is named on its page, and a report is made of the data that there is.
    *product(("Analyses", "Reports", "SQL", "Audit"), NEEDED_TABLES),
}
# These fit, but name what the data does not have.
STRANGERS = {
    "roles": "nobody,<b>free</b>,😀,%00,%FF,%,",
    "levels": "A1,B2,[x](http://x)",
    "types": "nothing,grammar," + "y" * 200,
    "cells": "x|y~~<script>|:material/home:~a|b",
    "user": "' OR 1=1 --",
    "nobody": "knows",
}

HOSTILE = (
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "$latex$",
    ":material/home:",
    "![](http://x)",
    ":red[*big*]",
    "`code` **bold** ~~gone~~",
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """`made(make, *what)`: the database that `make(path, *what)` writes, once for all pages: they only read it."""
    folder = tmp_path_factory.mktemp("made")
    return cache(lambda make, *what: make(folder / f"{'-'.join((make.__name__, *what))}.db", *what))


@pytest.fixture(scope="module")
def usual() -> Callable[[str], AppTest]:
    """`usual(title)`: the page with nothing in its address, opened once for all tests that only look at it."""
    return cache(open_page)


def address_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))


def door_problems(source: str) -> list[str]:
    """What a page does outside its door: only imports, plain constants, functions and one `with open_page` may be."""
    statements = ast.parse(source).body
    doors = [one for one in statements if isinstance(one, ast.With)]
    problems = [f"line {one.lineno}: {ast.unparse(one)[:60]}" for one in statements if not _is_harmless(one)]
    return problems + ([] if len(doors) == 1 and statements[-1] is doors[0] else ["one door, and nothing after it"])


def _is_harmless(statement: ast.stmt) -> bool:
    match statement:
        case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return not any(isinstance(part, ast.Call | ast.Await | ast.Yield) for part in ast.walk(value))
        case ast.With(items=[ast.withitem(context_expr=ast.Call(func=ast.Name(id="open_page")))]):
            return True
    return False


@pytest.mark.parametrize(
    "path", [ROOT / "Home.py", *sorted((ROOT / "pages").rglob("*.py"))], ids=lambda path: path.name
)
def test_a_page_does_nothing_before_it_has_passed_the_door(path: Path):
    source = path.read_text(encoding="utf-8")
    assert door_problems(source) == []
    assert re.search(r"^from lib\.ui\.door import (.*, )?open_page$", source, re.MULTILINE)


@pytest.mark.parametrize(
    "source",
    [
        "import streamlit as st\nst.title('open to everybody')",
        "with open_page('A'):\n    pass\nshow()",
        "rows = load()\nwith open_page('A'):\n    pass",
        "with open_page('A'):\n    pass\nwith open_page('B'):\n    pass",
        "with another_door('A'):\n    pass",
        "if True:\n    with open_page('A'):\n        pass",
    ],
)
def test_the_test_of_the_door_sees_a_page_that_goes_round_it(source: str):
    assert door_problems(source)


def test_the_sidebar_leads_to_every_page_and_nowhere_else(usual: Callable[[str], AppTest]):
    files = ["Home.py", *(f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py"))]
    assert sorted(path for path, _, _ in sidebar.PAGES) == sorted(files) == sorted(PAGES.values())
    assert {label for _, label, _ in sidebar.PAGES} <= set(links(usual("Home")))


@EVERY_PAGE
def test_a_page_says_which_window_zone_and_data_it_shows(title: str, usual: Callable[[str], AppTest]):
    page = usual(title)
    assert page.title[0].value == title
    line = page.caption[0].value
    assert "data as of 22 Nov 2026 23:59" in line
    assert "computed" in line
    assert line.endswith("(UTC)")
    assert not page.error
    assert not page.warning


@FIGURES
def test_an_empty_database_gives_a_sentence_and_tables_without_rows(
    title: str, made: Made, monkeypatch: pytest.MonkeyPatch
):
    address_of(made(empty_database), monkeypatch)
    page = open_page(title)
    empty = ("The database is empty", "The database has no sessions yet", "There are no reports yet")
    assert any(sentence in said(page) for sentence in empty)
    assert not page.error
    assert not any(table["sessions"].sum() for table in tables(page) if "sessions" in table)


@EVERY_PAGE
def test_one_row_in_every_table_is_enough_for_every_page(title: str, made: Made, monkeypatch: pytest.MonkeyPatch):
    address_of(made(one_row), monkeypatch)
    page = open_page(title, sources="detected,it,pricing", min_sessions="1", min_confidence="7")
    assert not page.error
    assert page.metric or page.dataframe or title in ("Reports", "SQL")


@EVERY_PAGE
@pytest.mark.parametrize("garbage", [GARBAGE, STRANGE], ids=["garbage", "strange"])
def test_garbage_in_the_address_shows_the_usual_values_and_says_so(
    title: str, garbage: dict[str, str], usual: Callable[[str], AppTest]
):
    page = open_page(title, **garbage)
    assert not page.error
    (warning,) = [box.value for box in page.warning if "values that do not fit" in box.value]
    names = warning.partition("(")[2].partition(")")[0].split(", ")
    labels = {name: param.label for name, param in all_params(Settings(), AS_OF, AS_OF).items()}
    assert set(names) >= {labels[name] for name in set(garbage) - {"engagement_days", "cells"}}
    assert not set(names) & set(labels), "by the words on the page, not by those of the code"
    assert figures(page) == figures(usual(title))
    same = zip(tables(page), tables(usual(title)), strict=True)
    assert title == "Audit" or all(shown.equals(expected) for shown, expected in same)  # which tells of each visit


@EVERY_PAGE
def test_an_address_that_names_what_is_not_there_is_no_traceback(title: str):
    page = open_page(title, **STRANGERS)
    assert not page.error
    assert not [text for text in markdown(page) for odd in ("<script>", "<b>free", "[x](http") if odd in text]


@EVERY_PAGE
def test_a_window_with_nothing_in_it_says_where_the_data_is(title: str):
    page = open_page(title, as_of="2001-01-01")
    assert not page.error
    if title not in TIMELESS:
        assert "in 26 Dec 2000 – 1 Jan 2001" in said(page) or "Jan 2001 (UTC)" in said(page)
        (there,) = {button.label for button in page.button if button.label.startswith("Show ")}
        assert there.endswith("22 Nov 2026")
        assert "in 26 Dec 2000" not in said(press(page, there))
        assert page.sidebar.date_input[0].value == AS_OF


@EVERY_PAGE
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "There is no file gone.db in"),
        (b"", "The file gone.db is empty."),
        (b"user_id,email\n1,a@example.com\n", "The file gone.db is not a SQLite database."),
        (b"SQLite format 3\0" + b"\0" * 2_000, "The database file is damaged"),
    ],
    ids=["wrong path", "empty file", "not a database", "damaged"],
)
def test_a_file_that_is_no_database_gives_a_sentence_and_a_remedy(
    title: str, content: bytes | None, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "gone.db"
    if content is not None:
        path.write_bytes(content)
    address_of(path, monkeypatch)
    page = open_page(title)
    assert [sentence in as_shown(box.value) for box in page.error] == [True]
    assert "FLUENCY_DATABASE_URL" in as_shown(page.error[0].value)
    assert "Try again" in [button.label for button in page.button]
    assert not tables(page)


@EVERY_PAGE
def test_a_database_that_comes_back_is_shown_after_try_again_and_left_as_it_was(
    title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "late.db"
    address_of(path, monkeypatch)
    page = open_page(title)
    assert page.error
    worked_case(path)
    before, state = path.read_bytes(), path.stat()
    press(page, "Try again")
    assert not page.error
    assert tables(page) or title in ("Reports", "SQL")
    if title == "Conversion":
        move(page, min_sessions=2)
    if title == "Mistakes":
        pick(page, 0)
    assert path.read_bytes() == before, "a visit leaves the database as it was"
    assert path.stat().st_mtime_ns == state.st_mtime_ns
    assert [file.name for file in tmp_path.iterdir()] == ["late.db"]


@EVERY_PAGE
def test_a_locked_database_says_that_somebody_writes(title: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("lib.database.WAIT_SECONDS", 0.05)
    path = worked_case(tmp_path / "busy.db")
    address_of(path, monkeypatch)
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        page = open_page(title)
        writer.rollback()
    assert ["The database is busy" in box.value for box in page.error] == [True]
    assert "Try again" in page.error[0].value


@EVERY_PAGE
@pytest.mark.parametrize("name", NEEDED_TABLES)
def test_a_missing_table_is_named_where_it_is_needed_and_data_health_has_the_statement(
    title: str, name: str, made: Made, monkeypatch: pytest.MonkeyPatch
):
    address_of(made(without_table, name), monkeypatch)
    page = open_page(title)
    if title == "Data health":
        assert "not complete: 1 table or column cannot be read" in said(page)
        assert any(f"CREATE TABLE {name}" in code.value for code in page.code)
    elif (title, name) not in DOES_WITHOUT:
        assert [f"has no table {name}" in as_shown(box.value) for box in page.error] == [True]
        assert "Data health" in page.error[0].value
    else:
        assert not page.error


def young(path: Path) -> Path:
    """The worked case without the optional tables."""
    return make_database(path, **WORKED_CASE, without=OPTIONAL_TABLES)


@EVERY_PAGE
def test_a_young_installation_without_the_optional_tables_is_complete_enough(
    title: str, made: Made, monkeypatch: pytest.MonkeyPatch
):
    address_of(made(young), monkeypatch)
    page = open_page(title, sources="detected,it,pricing")
    assert not page.error
    if title == "Data health":
        assert all(f"CREATE TABLE {name}" in page.code[0].value for name in OPTIONAL_TABLES)
    if title == "Conversion":
        assert list(table(page, "recommendation")["user_id"]) == ["user002", "user003"]


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Home", "it_errors"),
        ("Mistakes", "it_errors"),
        ("Mistakes", "pricing_errors"),
        ("Conversion", "lead_scores"),
        ("Conversion", "conversion_triggers"),
        *(("Data health", name) for name in sorted(OPTIONAL_TABLES)),
    ],
)
def test_a_page_does_without_one_optional_table(title: str, name: str, made: Made, monkeypatch: pytest.MonkeyPatch):
    address_of(made(without_table, name), monkeypatch)
    page = open_page(title, sources="detected,it,pricing")
    assert not page.error
    if title == "Data health":
        states = table(page, "state")
        assert list(states.loc[states["state"] == "missing", "table"]) == [name]


@pytest.mark.parametrize(
    ("title", "name", "column"),
    [
        ("Home", "coaching_sessions", "started_at"),
        ("Engagement", "coaching_sessions", "confidence_score"),
        ("Engagement", "users", "english_level"),
        ("Mistakes", "detected_errors", "error_text"),
        ("Conversion", "users", "role"),
        ("Conversion", "lead_scores", "overall_score"),
    ],
)
def test_a_missing_column_is_named_and_data_health_has_the_statement(
    title: str, name: str, column: str, made: Made, monkeypatch: pytest.MonkeyPatch
):
    address_of(made(without_column, name, column), monkeypatch)
    page = open_page(title)
    assert [f"has no column {column}" in as_shown(box.value) for box in page.error] == [True]
    health = open_page("Data health")
    assert f"ALTER TABLE {name} ADD COLUMN {column}" in health.code[0].value
    assert f"without {column}" in list(table(health, "state")["state"])


@EVERY_PAGE
@pytest.mark.parametrize(
    ("name", "value"),
    [("FLUENCY_TIMEZONE", "Mars/Base"), ("FLUENCY_PRICE", "-1"), ("FLUENCY_MIN_CONFIDENCE", "eight")],
)
def test_a_setting_that_cannot_be_used_is_one_sentence_with_its_name(
    title: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    page = open_page(title)
    assert len(page.error) == 1
    assert name in as_shown(page.error[0].value)
    assert not tables(page)


@pytest.mark.parametrize("title", ["Home", "Conversion"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("FLUENCY_PRICE", "0.5"), ("FLUENCY_MIN_CONFIDENCE", "8.05"), ("FLUENCY_TIMEZONE", "Pacific/Kiritimati")],
)
def test_a_setting_at_the_edge_of_what_fits_works_or_is_refused_in_a_sentence(
    title: str, name: str, value: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    page = open_page(title)
    assert all(name in box.value for box in page.error)
    if title == "Conversion" and not page.error:
        assert not page.query_params, "the defaults are not in the address"


def hostile_database(path: Path) -> Path:
    """Texts that would be more than text in Markdown or HTML, wherever a text can stand."""
    ids = [f"user {text}" for text in HOSTILE]
    users = [{"user_id": user_id, "email": f"mail {text}"} for user_id, text in zip(ids, HOSTILE, strict=True)]
    users += [{"user_id": f"role{place}", "role": text} for place, text in enumerate(HOSTILE)]
    users += [{"user_id": f"level{place}", "english_level": text} for place, text in enumerate(HOSTILE)]
    sessions = [
        {"user_id": user["user_id"], "confidence_score": 9.0, "started_at": f"2026-11-{day} 0{hour}:00:00"}
        for user in users
        for day, hours in ((22, 6), (10, 3))
        for hour in range(hours * 2 if user["user_id"].startswith("role") else 3)
        if hour < 10
    ]
    sessions += [{"user_id": ids[0], "started_at": "2026-09-01 09:00:00"}]  # there is something to compare with
    mistakes = [
        {"user_id": user_id, "error_type": text, "error_category": text, "error_text": text}
        for text in HOSTILE
        for user_id in ids
    ]
    offers = [{"user_id": user_id, "trigger_type": HOSTILE[0]} for user_id in ids]
    leads = [{"user_id": user_id, "lead_status": text} for user_id, text in zip(ids, HOSTILE, strict=True)]
    return make_database(path, users=users, sessions=sessions, mistakes=mistakes, offers=offers, lead_scores=leads)


def with_everything(title: str) -> AppTest:
    """The page with as much of the data's text on it as there can be."""
    page = open_page(title, user="user")
    if title == "Mistakes":
        return pick(page, *range(len(HOSTILE)))
    if title == "Conversion":
        return open_tab(page, "Why or why not")
    return page


@EVERY_PAGE
def test_text_from_the_data_is_never_drawn_as_markdown_or_html(title: str, made: Made, monkeypatch: pytest.MonkeyPatch):
    address_of(made(hostile_database), monkeypatch)
    page = with_everything(title)
    texts = markdown(page)
    assert not [text for text in texts for hostile in HOSTILE if hostile in text]
    if title in ("Home", "Mistakes", "Conversion"):
        assert any(as_shown(text) in as_shown(drawn) for text in HOSTILE for drawn in texts), "it does stand there"


@pytest.fixture(scope="module")
def odd_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return odd_database(tmp_path_factory.mktemp("odd") / "odd.db")


@EVERY_PAGE
def test_whatever_is_odd_about_the_data_every_page_opens(title: str, odd_path: Path, monkeypatch: pytest.MonkeyPatch):
    address_of(odd_path, monkeypatch)
    page = open_page(title, sources="detected,it,pricing", user="caf\ufffd", tab="Why or why not")
    assert not page.error, said(page)
    if title == "Mistakes":
        pick(page, 0, 1)
        assert "caf" in set(table(page, "mistake")["mistake"]), "half of them are bytes"
    if title == "Conversion":
        assert "caf\ufffd" in set(table(page, "recommendation")["user_id"])
        for tab in TABS:
            assert not open_tab(page, tab).error


def test_data_health_names_everything_that_is_odd_with_its_number(odd_path: Path, monkeypatch: pytest.MonkeyPatch):
    address_of(odd_path, monkeypatch)
    named = as_shown(said(open_page("Data health")))
    for found in (
        "rows whose user_id came before in users (3)",
        "rows whose user_id is not a text in UTF-8 in users (4)",
        "rows whose email is not a text in UTF-8 in users (5)",
        "rows whose session_id came before in coaching_sessions (17)",
        "rows whose started_at is after today in coaching_sessions (1)",
        "rows whose error_count is below zero in coaching_sessions (15)",
        "rows whose error_count is no number in coaching_sessions (1)",
        "rows whose frequency is below zero in it_errors (1)",
        "rows whose error is not a text in UTF-8 in pricing_errors (1)",
        "rows whose calculated_at is after today in lead_scores (5)",
        "rows whose offer_accepted is neither yes nor no in conversion_triggers (4)",
    ):
        assert found in named


def test_a_picked_cell_with_hostile_names_is_shown_as_the_characters_that_they_are(
    made: Made, monkeypatch: pytest.MonkeyPatch
):
    address_of(made(hostile_database), monkeypatch)
    page = open_page("Mistakes", cells=f"{HOSTILE[0]}|{HOSTILE[0]}")
    assert list(table(page, "mistake")["mistake"]) == [HOSTILE[0]]
    assert not [text for text in markdown(page) if HOSTILE[0] in text]
    assert any(r"\<script\>" in button.label for button in page.button)


def test_the_defaults_of_the_small_databases_fit_the_schema():
    assert set(DEFAULTS) == {table.name for table in TABLES}
