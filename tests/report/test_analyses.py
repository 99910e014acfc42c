from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sqlalchemy import Connection, text

from lib.exports import csv_bytes, xlsx_bytes
from lib.period import Period
from lib.queries.engagement import sessions_by_role
from lib.queries.mistakes import MistakeFilter, top_mistakes
from lib.queries.own import AnalysisProblem, Limits, run_own
from lib.report.analyses import AnalysisResult, OwnAnalyses, read_folder, run_analyses, typed
from lib.report.orders import order_from
from lib.settings import load_settings
from tests.conftest import Fill, opened
from tests.factory import worked_case
from tests.postgres import Server

SHIPPED = Path(__file__).parents[2] / "analyses"
AS_OF = date(2026, 11, 22)
MONTH = Period(AS_OF, 30)
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"


def folder_of(folder: Path, **files: str) -> OwnAnalyses:
    for name, sql in files.items():
        (folder / f"{name}.sql").write_text(sql, encoding="utf-8")
    return OwnAnalyses(folder, limits=Limits(seconds=0.5, rows=5))


def run_one(connection: Connection, folder: Path, sql: str) -> AnalysisResult:
    (result,) = run_analyses(connection, folder_of(folder, one=sql), AS_OF, "UTC")
    return result


def shipped(connection: Connection, zone: str = "UTC") -> dict[str, AnalysisResult]:
    found = run_analyses(connection, OwnAnalyses(SHIPPED), AS_OF, zone)
    assert [one.problem for one in found] == ["", "", ""]
    return {one.name: one for one in found}


def test_title_and_description_are_in_the_first_comment_lines(worked: Connection, tmp_path: Path):
    sql = "-- Title: Who is there \n-- description: One row\n-- description: a user.\n\nselect 1 as n\n-- title: no"
    found = run_one(worked, tmp_path, sql)
    assert (found.title, found.description) == ("Who is there", "One row a user.")


def test_a_file_without_a_title_has_that_of_its_name(tmp_path: Path):
    folder_of(tmp_path, paying_users="select 1")
    assert [(file.name, file.title) for file in read_folder(tmp_path)] == [("paying_users", "Paying users")]


def test_files_go_by_name_and_no_two_have_the_same(tmp_path: Path):
    folder_of(tmp_path, **{"b": "select 1", "Ä b": "select 1", "a_b": "select 1", "A-b": "select 1", ".hidden": "x"})
    (tmp_path / "notes.txt").write_text("no")
    (tmp_path / "folder.sql").mkdir()
    names = [file.name for file in read_folder(tmp_path)]
    assert len(names) == len(set(names)) == 4


def test_without_a_folder_there_are_no_analyses(worked: Connection, tmp_path: Path):
    assert run_analyses(worked, OwnAnalyses(tmp_path / "none"), AS_OF, "UTC") == ()


def test_the_window_is_bound_as_bare_days_where_midnight_is_that_of_utc(worked: Connection):
    sql = "select :start as s, :end as e, :as_of as d, :start as again, ':start' as quoted -- :nothing"
    found = run_own(worked, sql, Period(AS_OF, 7), Limits()).frame.iloc[0]
    assert list(found) == ["2026-11-16", "2026-11-23", "2026-11-22", "2026-11-16", ":start"]


def test_the_window_is_bound_as_instants_in_other_zones(worked: Connection):
    found = run_own(worked, "select :start as s, :end as e", Period(AS_OF, 7, "Europe/Berlin"), Limits()).frame
    assert list(found.iloc[0]) == ["2026-11-15 23:00:00", "2026-11-22 23:00:00"]


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        (
            "select * form users",
            {"sqlite": 'near "form": syntax error.', "postgresql": 'syntax error at or near "form".'},
        ),
        ("select nobody from users", {"sqlite": "column: nobody.", "postgresql": 'column "nobody" does not exist.'}),
        ("select 1; select 2", "It holds more than one statement."),
        ("select ';'; drop table users", "It holds more than one statement."),
        ("", "It holds no statement."),
        ("-- title: only this\n/* ; */ ;", "It holds no statement."),
        ("delete from users", "It does not begin with SELECT, WITH or VALUES: only those can be run here."),
        ("pragma query_only = off", "It does not begin with SELECT, WITH or VALUES: only those can be run here."),
        (
            "with a as (select 1) delete from users",
            {"sqlite": "It does something else than to ask.", "postgresql": 'syntax error at or near "delete"'},
        ),
        ("select :since", "It has the parameter :since; there are :start, :end and :as_of."),
        (f"{ENDLESS} where i < 0", "It took longer than 0.5 seconds and was stopped."),
    ],
)
def test_a_broken_one_is_named_with_the_reason_and_does_not_stop_the_rest(
    worked: Connection, tmp_path: Path, sql: str, sentence: str | dict[str, str]
):
    own = folder_of(tmp_path, broken=sql, fine="select 1 as n")
    broken, fine = run_analyses(worked, own, AS_OF, "UTC")
    assert broken.problem.startswith("broken.sql did not run. ")
    assert (sentence if isinstance(sentence, str) else sentence[worked.dialect.name]) in broken.problem
    assert (fine.problem, len(fine.frame)) == ("", 1)
    assert worked.execute(text("select count(*) from users")).scalar_one() > 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"select '\xff'", "odd.sql cannot be read as a text"), (b"select 1 \0", "no text"), (b"-" * 100_001, "too long")],
)
def test_a_file_that_is_no_text_is_named(worked: Connection, tmp_path: Path, content: bytes, sentence: str):
    (tmp_path / "odd.sql").write_bytes(content)
    (found,) = run_analyses(worked, OwnAnalyses(tmp_path), AS_OF, "UTC")
    assert sentence in found.problem


@pytest.mark.parametrize("sql", ["select 1;", " select 1 ; ;\n-- done; really", "SELECT ';' /* ; */", "values (1)"])
def test_semicolons_at_the_end_in_texts_and_in_comments_are_no_second_statement(worked: Connection, sql: str):
    assert len(run_own(worked, sql, MONTH, Limits()).frame) == 1


def test_rows_over_the_limit_are_cut_and_that_is_said(worked: Connection, tmp_path: Path):
    found = run_one(worked, tmp_path, ENDLESS)
    assert found.frame["i"].tolist() == [1, 2, 3, 4, 5]
    assert (found.is_cut, found.rows_text) == (True, "first 5 of more rows")


def test_the_report_has_as_many_rows_as_the_page():
    own = order_from(load_settings()).report.own
    assert own is not None
    assert own.limits.rows == load_settings().analyses_rows == 10_000


def test_as_many_rows_as_the_limit_are_all_there_are(worked: Connection, tmp_path: Path):
    found = run_one(worked, tmp_path, f"{ENDLESS} limit 5")
    assert (found.is_cut, found.rows_text) == (False, "5 rows")


def test_the_time_limit_ends_with_the_analysis(worked: Connection):
    with pytest.raises(AnalysisProblem):
        run_own(worked, f"{ENDLESS} where i < 0", MONTH, Limits(seconds=0.05))
    time.sleep(0.06)
    assert worked.execute(text(f"select count(*) from ({ENDLESS} limit 100000) as n")).scalar_one() == 100_000


def test_values_become_columns_of_one_kind():
    frame = pd.DataFrame(
        {
            "user_id": [1, 2],
            "count": [3, None],
            "share_percent": [12.5, 1],
            "huge": [2**60, 1],
            "seen_at": ["2026-11-22T09:30:00Z", None],
            "odd_at": ["soon", None],
            "mixed": ["a", 1],
            "raw": [b"ab", None],
            "nothing": [None, None],
        },
        dtype="object",
    )
    made, columns = typed(frame)
    assert {name: column.kind for name, column in columns.items()} == {
        "user_id": "text",
        "count": "integer",
        "share_percent": "percent",
        "huge": "text",
        "seen_at": "datetime",
        "odd_at": "text",
        "mixed": "text",
        "raw": "text",
        "nothing": "text",
    }
    assert (columns["share_percent"].label, made["raw"][0], made["mixed"][1]) == ("Share percent", "2 bytes", "1")


def test_two_columns_of_one_name_are_told_apart(worked: Connection):
    found = run_own(worked, "select 1 as id, 2 as id, 3 as id", MONTH, Limits()).frame
    assert list(found.columns) == ["id", "id 2", "id 3"]


ODD_VALUES = {
    "sqlite": "x'00ff' as b, 9e999 as c, '2026-11-22' as f_at, '😀' as \"\"",
    "postgresql": "'\\x00ff'::bytea as b, 'Infinity'::float8 as c, timestamptz '2026-11-22 10:00+02' as f_at, "
    "'😀' as \" \", array[1, null] as g, '{\"a\": [1]}'::jsonb as h, interval '1 day' as i, 1.50 as j, "
    "date '2026-11-22' as k, time '10:00' as l, 'NaN'::numeric as m, true as n, inet '10.0.0.1' as o",
}


def test_whatever_comes_back_can_be_written_as_csv_and_excel(worked: Connection, tmp_path: Path):
    sql = f"select '=1+1' as a, {ODD_VALUES[worked.dialect.name]}, null as d, 1 as e, 'x' as e"
    found = run_one(worked, tmp_path, sql)
    assert found.problem == ""
    assert "'=1+1" in csv_bytes(found.sheet, zone="UTC").decode()
    assert xlsx_bytes([found.sheet], {}, zone="UTC")


@pytest.fixture
def postgres(postgres_server: Server) -> Iterator[Connection]:
    with opened(worked_case(postgres_server.create_database("analyses"))) as connection:
        yield connection


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        (
            "with a as (insert into users (user_id) values ('eve') returning 1) select * from a",
            "must be at the top level",
        ),
        ("select nextval('numbers')", "cannot execute nextval.. in a read-only transaction"),
        ("select * from users for update", "cannot execute SELECT FOR UPDATE in a read-only transaction"),
        ("select set_config('transaction_read_only', 'off', false)", "cannot set transaction read-write mode"),
    ],
)
def test_a_postgresql_server_itself_refuses_to_write_for_an_analysis(
    postgres_server: Server, postgres: Connection, sql: str, refusal: str
):
    postgres_server.execute("create sequence numbers; grant all on sequence numbers to public", "analyses")
    with pytest.raises(AnalysisProblem, match=refusal):
        run_own(postgres, sql, MONTH, Limits())


def test_nothing_that_an_analysis_does_on_a_server_outlives_it(postgres_server: Server, postgres: Connection):
    wishes = {"statement_timeout": "0", "search_path": "nowhere", "default_transaction_read_only": "off"}
    calls = [f"set_config('{name}', '{value}', false)" for name, value in wishes.items()]
    before = [postgres.execute(text(f"show {name}")).scalar_one() for name in wishes]
    run_own(postgres, f"select lo_create(4711), {', '.join(calls)}", MONTH, Limits())
    assert [postgres.execute(text(f"show {name}")).scalar_one() for name in wishes] == before
    postgres.commit()
    assert postgres_server.execute("select count(*) from pg_largeobject_metadata", "analyses") == [(0,)]


@pytest.mark.parametrize(
    "sql", ["select pg_sleep(60)", "select set_config('statement_timeout', '0', false), pg_sleep(60)"]
)
def test_the_server_itself_stops_an_analysis_and_works_on_for_nobody(
    postgres_server: Server, postgres: Connection, sql: str
):
    with pytest.raises(AnalysisProblem, match="took longer than"):
        run_own(postgres, sql, MONTH, Limits(seconds=0.2))
    active = "select query from pg_stat_activity where datname = 'analyses' and state = 'active'"
    assert postgres_server.execute(active) == []


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "America/New_York"])
def test_the_shipped_analyses_count_what_the_pages_count(odd: Connection, zone: str):
    found, period = shipped(odd, zone), Period(AS_OF, 30, zone)
    sessions = sessions_by_role(odd, [period], completed_only=False)["sessions"].sum()
    assert found["sessions_by_hour"].frame["sessions"].sum() == sessions
    mistakes = top_mistakes(odd, period, MistakeFilter(), limit=10).total
    assert found["mistakes_by_level"].frame["mistakes"].sum() == mistakes


@pytest.fixture
def odd(filled: Fill) -> object:
    """Sessions and mistakes around the edges of days, in every shape that is UTC."""
    moments = [
        f"2026-{day}{mark}{clock}"
        for day in ("10-23", "10-24", "10-25", "11-21", "11-22", "11-23")
        for clock in ("04:59:59", "05:00:00", "10:00:00", "22:59:59", "23:00:00")
        for mark in (" ", "T")
    ]
    shapes = [moment + tail for moment in moments for tail in ("", ".000Z", "+00:00")] + ["soon", "", None]
    sessions = [{"user_id": "ann", "started_at": moment} for moment in shapes]
    mistakes = [
        {"user_id": "ann", "detected_at": moment, "error_text": f"text {place % 3}" if place % 7 else " \t\n"}
        for place, moment in enumerate(shapes)
    ]
    with filled(users=[{"user_id": "ann"}], sessions=sessions, mistakes=mistakes) as connection:
        yield connection


def test_inactive_users_are_those_without_a_session_in_the_window_and_those_who_never_came(filled: Fill):
    users = [
        {"user_id": name, "created_at": "2026-01-05T08:00:00Z"} for name in ("active", "left", "long_gone", "never")
    ]
    users.append({"user_id": "tomorrow", "created_at": "2026-11-23 00:00:00"})
    sessions = [
        {"user_id": "active", "started_at": "2026-10-24 00:00:00"},
        {"user_id": "left", "started_at": "2026-10-23T23:59:59.000Z"},
        {"user_id": "left", "started_at": "2026-08-01 10:00:00"},
        {"user_id": "long_gone", "started_at": "2026-02-01 10:00:00"},
        {"user_id": "never", "started_at": "2026-11-23 00:00:00"},
        {"user_id": "never", "started_at": "soon"},
    ]
    with filled(users=users, sessions=sessions) as connection:
        frame = shipped(connection)["inactive_users"].frame
    assert list(zip(frame["user_id"], frame["sessions"], frame["state"], strict=True)) == [
        ("left", 2, "inactive"),
        ("long_gone", 1, "inactive"),
        ("never", 0, "never came"),
    ]


def test_the_hours_have_users_scores_and_the_share_that_was_finished(filled: Fill):
    sessions = [
        {"user_id": "ann", "started_at": f"{AS_OF} 09:30:00", "confidence_score": 8.0},
        {"user_id": "ann", "started_at": f"{AS_OF}T09:45:00.000Z", "confidence_score": 7.0, "ended_at": ""},
        {"user_id": "ben", "started_at": f"{AS_OF} 21:00:00", "confidence_score": None, "ended_at": None},
    ]
    with filled(users=[{"user_id": "ann"}, {"user_id": "ben"}], sessions=sessions) as connection:
        frame = shipped(connection)["sessions_by_hour"].frame
    assert frame["hour_utc"].tolist() == [9, 21]
    assert frame[["sessions", "users"]].values.tolist() == [[2, 1], [1, 1]]
    assert frame["avg_confidence"].tolist()[0] == 7.5
    assert frame["avg_confidence"].isna().tolist() == [False, True]
    assert frame["finished_percent"].tolist() == [50.0, 0.0]


def test_mistakes_by_level_name_what_is_not_known(filled: Fill):
    users = [{"user_id": "ann", "english_level": "B1"}, {"user_id": "ben", "english_level": None}]
    mistakes = [
        {"user_id": "ann", "error_type": "grammar", "error_category": "articles"},
        {"user_id": "ann", "error_type": "grammar", "error_category": "articles"},
        {"user_id": "ben", "error_type": None, "error_category": " "},
        {"user_id": "gone", "error_type": None, "error_category": None},
    ]
    with filled(users=users, mistakes=mistakes) as connection:
        frame = shipped(connection)["mistakes_by_level"].frame
    assert frame.values.tolist() == [
        ["B1", "grammar", "articles", 2, 1],
        ["unknown", "unknown", "uncategorised", 2, 2],
    ]
