from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from lib.access import Role, Visitor
from lib.audit import AuditProblem
from lib.charts import LIGHT
from lib.charts.own import KINDS, describe_own_chart, own_chart
from lib.exports import Column, chart_svg
from lib.period import Period
from lib.queries.desk import Desk
from lib.queries.own import AnalysisProblem, Limits
from lib.report.analyses import read_folder
from lib.report.proposals import proposal_text, propose
from lib.ui import sql_page, sql_run
from tests.factory import worked_case
from tests.pages.app import as_shown, drawn, elements, markdown, open_page, press, said, tables
from tests.postgres import Server

ENDLESS = "with recursive n(i) as (select 1 union all select 1 from n) select count(*) from n"
DOCUMENT = Path(__file__).parents[2] / "docs" / "sql_page.md"


@pytest.fixture(autouse=True)
def _page(fresh_server: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FLUENCY_AUDIT", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("FLUENCY_ANALYSES_FOLDER", str(tmp_path / "own"))


@pytest.fixture
def analyst(monkeypatch: pytest.MonkeyPatch) -> None:
    sits_here(monkeypatch, Role.ANALYST)


@pytest.fixture
def _nobody_runs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    desk = Desk()
    monkeypatch.setattr(sql_run, "Desk", lambda: desk)
    yield
    desk.close()


def sits_here(monkeypatch: pytest.MonkeyPatch, role: Role) -> None:
    monkeypatch.setattr("lib.ui.gate.LOCAL", Visitor("", frozenset({role})))


def run(page: AppTest, sql: str, *, wait: bool = True) -> AppTest:
    page.text_area[0].set_value(sql)
    press(page, "Run")
    while wait and sql_run.JOB in page.session_state:
        time.sleep(0.05)
        drawn(page)
    return page


def audited(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == "sql"]


def shown(page: AppTest) -> str:
    return as_shown("\n".join([*markdown(page), said(page)]))


def test_a_statement_gives_a_table_with_its_rows():
    page = run(open_page("SQL"), "select role, count(*) as people from users group by role order by role")
    (answer,) = tables(page)
    assert list(answer.columns) == ["role", "people"]
    assert answer["people"].sum() > 0


def test_every_example_runs():
    page = open_page("SQL")
    for name in sql_page.EXAMPLES:
        press(page, name)
        assert page.text_area[0].value == sql_page.EXAMPLES[name]
        press(page, "Run")
        while sql_run.JOB in page.session_state:
            drawn(page)
        assert not page.warning, said(page)
        assert len(tables(page)) == 1


def test_the_window_is_that_of_the_page():
    page = run(open_page("SQL", analyses_days="7", as_of="2026-11-20"), "select :start as s, :end as e, :as_of as d")
    assert tables(page)[0].iloc[0].tolist() == ["2026-11-14", "2026-11-21", "2026-11-20"]


def test_a_broken_statement_is_a_sentence():
    page = run(open_page("SQL"), "select nobody from users")
    assert "no such column: nobody" in shown(page)
    assert not tables(page)


@pytest.mark.usefixtures("analyst")
def test_an_analyst_does_not_see_addresses_and_the_page_says_which_column_is_withheld(worked_path: Path):
    page = run(open_page("SQL"), "select email from users")
    assert "Withheld from you: users.email" in shown(page)
    assert re.search(r"email · withheld", shown(page))
    run(page, "select * from users")
    assert "email" not in tables(page)[0].columns
    assert "@" not in tables(page)[0].to_csv()


def test_who_may_see_addresses_sees_them():
    page = run(open_page("SQL"), "select email from users where email is not null")
    assert tables(page)[0]["email"].str.contains("@").all()
    assert "withheld" not in "".join(text for text in markdown(page) if "user" in text)


def test_what_was_found_with_a_right_is_gone_with_it(monkeypatch: pytest.MonkeyPatch):
    page = run(open_page("SQL"), "select email from users")
    assert tables(page)
    sits_here(monkeypatch, Role.ANALYST)
    drawn(page)
    assert not tables(page)
    assert "History of this visit" not in shown(page)


def test_rows_over_the_limit_are_cut_and_the_page_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_ANALYSES_ROWS", "2")
    page = run(open_page("SQL"), "select user_id from users")
    assert len(tables(page)[0]) == 2
    assert "The first 2 rows of more" in shown(page)


def test_a_statement_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_ANALYSES_SECONDS", "0.2")
    page = run(open_page("SQL"), ENDLESS)
    assert "took longer than 0.2 seconds" in shown(page)


@pytest.mark.usefixtures("_nobody_runs")
def test_a_running_statement_can_be_cancelled_and_is_the_only_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_ANALYSES_SECONDS", "600")
    page = run(open_page("SQL"), ENDLESS, wait=False)
    assert "of 600 seconds" in shown(page)
    other = run(open_page("SQL"), "select 1", wait=False)
    assert "Another statement of yours is running" in shown(other)
    press(page, "Cancel")
    while sql_run.JOB in page.session_state:
        time.sleep(0.05)
        drawn(page)
    assert "It was stopped" in shown(page)
    assert len(tables(run(other, "select 1 as n"))) == 1


def test_the_history_of_the_visit_brings_a_statement_back():
    page = run(open_page("SQL"), "select 1 as one")
    run(page, "select nobody from users")
    assert "History of this visit (2)" in [block.label for block in page.expander]
    press(page, "select 1 as one")
    assert page.text_area[0].value == "select 1 as one"


def test_each_statement_is_on_record_and_no_address_is(tmp_path: Path):
    page = run(open_page("SQL"), "select user_id from users where email = 'ann@example.com' or 1 = 1")
    users = len(tables(page)[0])
    run(page, "select nobody from users")
    first, second = audited(tmp_path)
    assert (first["visitor"], first["outcome"], first["rows"]) == ("local", "answered", users)
    assert first["seconds"] >= 0
    assert "ann@example.com" not in json.dumps(first)
    assert "no such column: nobody" in second["outcome"]


def test_without_a_record_there_is_no_answer(monkeypatch: pytest.MonkeyPatch):
    page = open_page("SQL")
    monkeypatch.setattr("lib.audit.AuditLog.record", refuses)
    page.text_area[0].set_value("select user_id from users")
    press(page, "Run")
    while sql_run.JOB in page.session_state:
        drawn(page)
    assert "cannot be kept" in shown(page)
    assert not tables(page)


def refuses(*_: object, **__: object) -> None:
    raise AuditProblem("The record cannot be kept.")


@pytest.mark.parametrize("kind", KINDS)
def test_the_answer_can_be_a_chart_of_ones_choice(kind: str):
    page = run(open_page("SQL"), "select role, count(*) as people, avg(1.5) as x from users group by role")
    page.session_state["sql_shown"] = kind
    drawn(page)
    charts = [
        element for element in elements(page._tree) if element.type in ("arrow_vega_lite_chart", "vega_lite_chart")
    ]
    assert len(charts) == 1
    assert [box.label for box in page.selectbox][-2:] == ["Across", "Value"]


@pytest.mark.parametrize(
    ("sql", "kinds"),
    [
        ("select role, count(*) as n from users group by role", ["Table", "Bars", "Points"]),
        ("select date(started_at) as day, count(*) as n from coaching_sessions group by day", ["Table", *KINDS]),
        ("select duration_seconds as s, count(*) as n from coaching_sessions group by s", ["Table", *KINDS]),
    ],
)
def test_a_line_is_offered_over_times_and_numbers_alone(sql: str, kinds: list[str]):
    page = run(open_page("SQL"), sql)
    (control,) = [box for box in page.button_group if box.label == "Show as"]
    assert control.options == kinds


def test_the_history_cuts_a_long_statement_between_two_words_and_says_so():
    page = run(open_page("SQL"), f"select {', '.join(f'{number} as column_{number}' for number in range(20))}")
    (label,) = [button.label for button in page.button if "column" in button.label]
    assert as_shown(label) == "select 0 as column_0, 1 as column_1, 2 as column_2, 3 as column_3, 4 as …"


@pytest.mark.parametrize(
    ("seconds", "rows", "told"), [(0.04, 1, "1 row, under 0.1 s"), (0.3, 12, "12 rows, 0.3 s"), (2, 0, "0 rows, 2.0 s")]
)
def test_what_a_statement_took_is_told(seconds: float, rows: int, told: str):
    frame = pd.DataFrame({"n": range(rows)})
    assert sql_run.Outcome("", Period(date(2026, 11, 22), 30), Limits(), 0, seconds, frame).told == told


def test_text_of_the_data_and_of_the_statement_is_never_drawn_as_markdown():
    page = run(open_page("SQL"), 'select \'<b>$a$</b>\' as "[x](http://x)", 1 as "![](http://y)"')
    run(page, 'select "[x](http://x) $a$" from nobody')
    assert not [text for text in markdown(page) if "[x](http://" in text or "<b>$a$" in text or "![](" in text]


def test_an_analysis_is_proposed_as_a_file_that_nothing_runs(tmp_path: Path):
    page = run(open_page("SQL"), "-- title: old\nselect 1 as n")
    for key, value in {"sql_name": "my_own", "sql_title": "Mine\n-- x", "sql_description": "What *it* is"}.items():
        page.text_input(key=key).set_value(value)
    press(page, "Propose")
    assert "my_own.sql is proposed" in shown(page)
    content = (tmp_path / "own" / "proposed" / "my_own.sql").read_text(encoding="utf-8")
    assert content == "-- title: Mine -- x\n-- description: What *it* is\n\nselect 1 as n\n"
    assert read_folder(tmp_path / "own") == []
    assert audited(tmp_path)[-1]["outcome"] == "proposed as my_own.sql"
    press(page, "Propose")
    assert "There is an analysis my_own.sql already" in shown(page)


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/b", "A", "1a", "a.sql", "a b", "a\n", "ä", "x" * 61, ".a", "a\0"]
)
def test_a_name_that_might_lead_elsewhere_is_refused(tmp_path: Path, name: str):
    with pytest.raises(AnalysisProblem, match="The name must begin with a letter"):
        propose(tmp_path, name, "select 1")
    assert list(tmp_path.iterdir()) == []


def test_a_proposal_overwrites_neither_an_analysis_nor_a_proposal_nor_what_a_link_leads_to(tmp_path: Path):
    (tmp_path / "taken.sql").write_text("select 1")
    (tmp_path / "proposed").mkdir()
    (tmp_path / "proposed" / "linked.sql").symlink_to(tmp_path / "elsewhere.sql")
    for name in ("taken", "linked"):
        with pytest.raises(AnalysisProblem, match="already"):
            propose(tmp_path, name, "select 2")
    assert (tmp_path / "taken.sql").read_text() == "select 1"
    assert not (tmp_path / "elsewhere.sql").exists()


def test_where_the_app_may_not_write_a_proposal_is_a_sentence(tmp_path: Path):
    (tmp_path / "proposed").write_text("no folder")
    with pytest.raises(AnalysisProblem, match="may not write"):
        propose(tmp_path, "mine", "select 1")


def test_a_proposal_is_read_as_the_analysis_that_it_says(tmp_path: Path):
    content = proposal_text("  select ':x'\n", "A title", "Two\nlines")
    (tmp_path / "a.sql").write_text(content, encoding="utf-8")
    (file,) = read_folder(tmp_path)
    assert (file.title, file.description) == ("A title", "Two lines")


FRAME = pd.DataFrame(
    {
        "when": pd.to_datetime(["2026-11-01T10:00Z", "2026-11-02T23:30Z", None], utc=True),
        "a.b[0]": ["x", None, "z"],
        "n": pd.array([3, None, 5], dtype="Int64"),
        "share_percent": [1.5, 2.5, None],
    }
)
COLUMNS = {
    "when": Column("When", "datetime"),
    "a.b[0]": Column("A.b[0]", "text"),
    "n": Column("N", "integer"),
    "share_percent": Column("Share percent", "percent"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("x", list(COLUMNS))
@pytest.mark.parametrize("y", ["n", "share_percent"])
def test_every_kind_of_chart_is_drawn_of_every_kind_of_column(kind: Any, x: str, y: str):
    chart = own_chart(FRAME, (x, COLUMNS[x]), (y, COLUMNS[y]), kind, LIGHT, "Europe/Berlin")
    assert b"<svg" in chart_svg(chart)


def test_a_chart_says_in_words_what_it_shows():
    told = describe_own_chart(FRAME, ("a.b[0]", COLUMNS["a.b[0]"]), ("n", COLUMNS["n"]), "Bars")
    assert told == "Bars of N by A.b[0]: 2 values, from 3 to 5."


def test_on_postgresql_the_page_asks_as_the_user_of_the_documentation(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
):
    url = worked_case(postgres_server.create_database("sqlpage"))
    (code,) = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    postgres_server.execute(code.replace("DATABASE coach", "DATABASE sqlpage"), "sqlpage")
    monkeypatch.setenv("FLUENCY_DATABASE_URL", url)
    sits_here(monkeypatch, Role.ANALYST)
    try:
        assert "Statements need a PostgreSQL user of their own" in shown(open_page("SQL"))
        assert "Statements need a PostgreSQL user of their own" in shown(own_analysis())
        monkeypatch.setenv("FLUENCY_SQL_DATABASE_URL", re.sub("//.*@", "//fluency_sql:choose%20one@", url))
        page = run(open_page("SQL"), "select current_user as who, count(*) as people from users")
        assert tables(page)[0]["who"].tolist() == ["fluency_sql"]
        assert "email · withheld" in shown(page)
        assert "permission denied" in shown(run(page, "select email from users"))
        assert "permission denied" in shown(own_analysis())
    finally:
        postgres_server.execute("DROP OWNED BY fluency_sql; DROP ROLE fluency_sql", "sqlpage")


def own_analysis() -> AppTest:
    folder = Path(os.environ["FLUENCY_ANALYSES_FOLDER"])
    folder.mkdir(exist_ok=True)
    (folder / "addresses.sql").write_text("select email from users where email is not null", encoding="utf-8")
    return open_page("Analyses")


def test_an_own_analysis_shows_each_what_they_may_see_and_keeps_the_answers_apart(monkeypatch: pytest.MonkeyPatch):
    assert "@" in tables(own_analysis())[0].to_csv()
    sits_here(monkeypatch, Role.ANALYST)
    page = own_analysis()
    assert not tables(page)
    assert "Withheld from you: users.email" in shown(page)
