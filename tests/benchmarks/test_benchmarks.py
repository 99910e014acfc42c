"""The benchmarks run and compare what is the same; how long anything takes is no matter here."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from lib.database import no_rows
from lib.report.contents import ReportOptions
from lib.report.run import Order, run
from lib.sample import END
from tests.benchmarks import whole_tables
from tests.benchmarks.__main__ import main
from tests.benchmarks.computing import slider_rows
from tests.benchmarks.data import Size, database
from tests.benchmarks.pages import EVERY_PAGE, drawing_rows, rerun_rows, start_rows
from tests.benchmarks.postgres import postgres_rows
from tests.benchmarks.queries import growth_rows, query_rows
from tests.benchmarks.questions import of_mistakes, of_sessions, with_the_same_window
from tests.benchmarks.report import (
    MORNING,
    check_the_same,
    command_rows,
    history_rows,
    queries_rows,
    rival_rows,
)
from tests.benchmarks.rows import HEAD, Bar, Row, Timer

TINY = Size(users=60, sessions=900, errors=4_000)
ONCE = Timer(most=1)
NOTHING = no_rows({"error_type": "str", "error_category": "str", "mistake": "str"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the databases of this file are kept."""
    return tmp_path_factory.mktemp("benchmarks")


@pytest.mark.parametrize("distinct_texts", [False, True])
def test_every_question_is_measured_against_bare_sql_duckdb_and_pandas_which_answer_the_same(
    folder: Path, distinct_texts: bool
):
    path = database(folder, TINY, distinct_texts=distinct_texts)
    rows = list(query_rows(path, "texts", ONCE, sessions_too=True, pandas_too=True))
    names = {question.name for question in (*of_mistakes(NOTHING), *of_sessions())}
    assert {row.work.removesuffix(" (texts)") for row in rows} == names
    assert len(rows) == 3 * len(names)
    assert all(row.ours > 0 and row.theirs and row.bar and row.verdict for row in rows)


def test_the_same_window_is_asked_of_a_long_and_a_short_history_which_answer_the_same(folder: Path):
    rows = list(growth_rows(database(folder, TINY), ONCE))
    assert [row.work for row in rows] == [question.name for question in with_the_same_window()]


def test_the_report_is_measured_beside_its_queries_a_shorter_history_and_whole_tables(folder: Path, tmp_path: Path):
    path = database(folder, TINY)
    rows = [
        *command_rows(tmp_path, 1, time.perf_counter),
        *queries_rows(path, tmp_path, ONCE, own=True),
        *history_rows(path, tmp_path, ONCE, own=False),
        *rival_rows(path, tmp_path, time.perf_counter),
    ]
    assert [row.beside for row in rows] == [
        "",
        "the whole command",
        "the fixed part",
        "its queries and the fixed part",
        "over a tenth of the history",
        *["whole tables, pandas, matplotlib"] * 2,
    ]
    assert all(row.ours > 0 and (row.theirs is None or row.theirs > 0) for row in rows)


def test_a_script_that_finds_other_numbers_than_the_report_is_no_comparison(folder: Path, tmp_path: Path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    for place in (mine, theirs):
        place.mkdir()
    path = database(folder, TINY)
    run(Order(database_url=str(path), report=ReportOptions(zone="UTC", as_of=END), folder=mine), now=MORNING)
    whole_tables.main(str(path), str(theirs), END.isoformat())
    check_the_same(mine, theirs)
    summary = json.loads((theirs / "summary.json").read_text())
    summary["mistakes"]["top"][0]["frequency"] += 1
    (theirs / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(AssertionError, match="/mistakes/top/0/frequency"):
        check_the_same(mine, theirs)


def test_postgresql_is_measured_with_the_same_rows_and_answers_as_sqlite(folder: Path):
    rows = list(postgres_rows(database(folder, TINY), ONCE))
    names = [question.name for question in (*of_mistakes(NOTHING), *of_sessions(), *with_the_same_window())]
    assert [row.work for row in rows] == [f"PostgreSQL: {name}" for name in names]
    assert all(row.ours > 0 and row.theirs and row.bar for row in rows)


def test_a_slider_is_measured_for_every_way_of_counting_and_so_is_the_grid():
    works = [row.work for row in slider_rows(500, ONCE)]
    assert [work.split(", ")[-2] for work in works[:3]] == ["current", "best", "any"]
    assert works[3].startswith("what-if grid of 500 settings")


def test_a_rerun_of_each_page_is_measured_beside_a_bare_page(folder: Path):
    rows = list(rerun_rows(database(folder, TINY), 1, time.perf_counter))
    names = [f"server's rerun, {name}, day moved" for name in EVERY_PAGE]
    assert [row.work for row in rows[:-1]] == [*names, "server's rerun, Conversion, slider moved"]
    assert all(row.ours > 0 for row in rows)


def test_a_cold_start_and_the_drawing_of_a_page_are_measured_in_a_browser(folder: Path, browser: Browser):
    assert all(row.ours > 0 and row.theirs for row in start_rows(browser, 1))
    rows = list(drawing_rows(browser, database(folder, TINY), 1, {"Engagement": EVERY_PAGE["Engagement"]}))
    assert len(rows) == 3
    assert all(row.ours > 0 for row in rows)


@pytest.mark.parametrize(
    ("ours", "theirs", "bar", "verdict"),
    [
        (12.0, 10.0, Bar("times", 1.2), "meets"),
        (24.0, 10.0, Bar("times", 1.2), "MISSES by 2.00x"),
        (1.0, 50.0, Bar("faster", 50), "meets"),
        (3.0, 50.0, Bar("faster", 50), "MISSES by 3.00x"),
        (20.0, None, Bar("at most", 20), "meets"),
        (30.0, 1.0, Bar("at most", 20), "MISSES by 1.50x"),
        (30.0, 1.0, None, ""),
    ],
)
def test_a_row_says_whether_its_bar_is_met(ours: float, theirs: float | None, bar: Bar | None, verdict: str):
    row = Row("work", ours, "other", theirs, bar)
    assert row.verdict == verdict
    assert len(row.cells()) == len(HEAD)


def test_the_command_prints_a_head_and_the_rows_that_were_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["--quick", "--dir", str(tmp_path), "--rows", "slider"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[-5:]] == ["work", "slider:", "slider:", "slider:", "what-if"]
