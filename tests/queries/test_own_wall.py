from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from lib.access import Field, Role, Visitor
from lib.database import DatabaseProblem, connect, database_url, open_engine
from lib.period import Period
from lib.queries.desk import Desk, DeskIsTaken
from lib.queries.guard import NOTHING, Stop, Withheld
from lib.queries.own import AnalysisProblem, Answer, Limits, _statement, run_own
from lib.queries.sqlite_apart import Question, _opened
from lib.queries.wall import FIELD_COLUMNS, Place, tables_seen, withheld_from
from lib.queries.wall_postgresql import MAY_HOLD_ADDRESSES, WRITING
from lib.queries.wall_sqlite import KNOWN
from lib.report.analyses import read_folder, run_analysis
from lib.schema import TABLES
from lib.snapshots import snapshot
from tests.attacks.statements import LONG
from tests.conftest import opened
from tests.factory import make_database, worked_case
from tests.postgres import Server
from tests.watchdog import ended_within_patience

MONTH = Period(date(2026, 11, 22), 30)
ANALYST = withheld_from(Visitor("ann@example.org", frozenset({Role.ANALYST})))
ENDLESS = "with recursive n(i) as (select 1 union all select 1 from n) select count(*) from n"
DOCUMENT = Path(__file__).parents[2] / "docs" / "sql_page.md"
ANALYSES = Path(__file__).parents[2] / "analyses"
COLUMNS = {(table.name, column.name) for table in TABLES for column in table.columns}


def ask(
    place: Place, sql: str, withheld: Withheld = ANALYST, limits: Limits | None = None, stop: Stop | None = None
) -> Answer:
    with place.connect(withheld) as connection:
        return run_own(connection, sql, MONTH, limits or Limits(), withheld=withheld, stop=stop)


def documented(database: str) -> str:
    (code,) = re.findall(r"```sql\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    return code.replace("DATABASE coach", f"DATABASE {database}")


@pytest.fixture(scope="module")
def server_place(postgres_server: Server) -> Iterator[Place]:
    """The worked cases on PostgreSQL, with the user of the documentation."""
    url = worked_case(postgres_server.create_database("walled"))
    postgres_server.execute(documented("walled"), "walled")
    yield Place(url, re.sub("//.*@", "//fluency_sql:choose%20one@", url))
    postgres_server.execute("DROP OWNED BY fluency_sql; DROP ROLE fluency_sql", "walled")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, worked_path: Path) -> Place:
    return Place(str(worked_path)) if request.param == "sqlite" else request.getfixturevalue("server_place")


def test_every_withheld_column_is_one_of_the_schema_and_every_field_has_some():
    assert set(FIELD_COLUMNS) == set(Field)
    assert all(columns and columns <= COLUMNS for columns in FIELD_COLUMNS.values())


@pytest.mark.parametrize(
    ("role", "fields"),
    [
        (Role.ADMIN, set()),
        (Role.SALES, {Field.LEARNER_TEXT}),
        (Role.ANALYST, {Field.ADDRESSES}),
        (Role.VIEWER, set(Field)),
    ],
)
def test_what_is_withheld_follows_from_the_roles(role: Role, fields: set[Field]):
    found = withheld_from(Visitor("x@example.org", frozenset({role})))
    assert found == frozenset(column for field in fields for column in FIELD_COLUMNS[field])


def hidden_in(place: Place) -> Withheld:
    return MAY_HOLD_ADDRESSES if place.sql else ANALYST


def test_an_analyst_reads_everything_but_addresses(place: Place):
    for table in TABLES:
        names = [column.name for column in table.columns if (table.name, column.name) not in hidden_in(place)]
        assert list(ask(place, f"select {', '.join(names)} from {table.name}").frame.columns) == names


def test_a_withheld_column_is_named_in_the_refusal(place: Place):
    with pytest.raises(AnalysisProblem, match=r"Withheld from you: users\.email; name the other columns"):
        ask(place, "select email from users")


def test_a_shipped_analysis_of_texts_is_refused_on_postgresql_with_the_names_of_what_it_may_not_read(
    server_place: Place,
):
    (file,) = (file for file in read_folder(ANALYSES) if file.name == "mistakes_by_level")
    with server_place.connect(ANALYST) as connection:
        result = run_analysis(connection, file, MONTH, Limits(), ANALYST)
    assert result.problem == (
        "mistakes_by_level.sql did not run. The database refuses it: permission denied for table detected_errors."
        " Withheld from you: detected_errors.error_category, detected_errors.error_text;"
        " name the other columns instead."
    )


def test_every_column_in_sqlite_is_every_one_that_may_be_seen(worked_path: Path):
    assert "email" not in ask(Place(str(worked_path)), "select * from users").frame.columns
    assert "email" in ask(Place(str(worked_path)), "select * from users", NOTHING).frame.columns


def test_columns_and_tables_that_the_app_does_not_know_are_withheld_in_sqlite(tmp_path: Path):
    path = worked_case(tmp_path / "more.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("ALTER TABLE users ADD COLUMN phone text; CREATE TABLE tokens (token text)")
        connection.executescript("INSERT INTO tokens VALUES ('geheim'); UPDATE users SET phone = '555'")
    place = Place(str(path))
    assert "phone" not in ask(place, "select * from users").frame.columns
    assert "phone" in ask(place, "select * from users", NOTHING).frame.columns
    for withheld in (ANALYST, NOTHING):
        with pytest.raises(AnalysisProblem, match="tokens cannot be read here"):
            ask(place, "select * from tokens", withheld)
        assert ask(place, "select count(*) as n from tokens", withheld).frame["n"].tolist() == [0]


def test_sqlite_does_not_tell_by_using_what_its_authorizer_is_not_asked_about(worked_path: Path):
    sql = "select * from (select 'x' as email) as g full join users using (email)"
    assert len(ask(Place(str(worked_path)), sql, NOTHING).frame) > 1
    with pytest.raises(AnalysisProblem, match="Withheld from you"):
        ask(Place(str(worked_path)), sql)


def test_an_analysis_on_the_connection_of_the_page_is_refused_a_withheld_column_as_well(worked_path: Path):
    with opened(str(worked_path)) as connection:
        for _ in range(2):
            assert len(run_own(connection, "select email from users", MONTH, Limits()).frame)
            with pytest.raises(AnalysisProblem, match=r"Withheld from you: users\.email"):
                run_own(connection, "select email from users", MONTH, Limits(), withheld=ANALYST)
        assert connection.execute(text("select count(email) from users")).scalar_one()


def test_no_table_comes_up_in_front_of_which_no_view_stands_although_somebody_writes(tmp_path: Path):
    path = worked_case(tmp_path / "wal.db")
    question = Question(
        f"{path.as_uri()}?mode=ro", "", (), Limits(), KNOWN, ANALYST, is_cleaned=True, is_behind_views=True
    )
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        with closing(_opened(question)) as connection:
            writer.executescript("CREATE TABLE later (x); INSERT INTO later VALUES ('geheim')")
            with pytest.raises(sqlite3.OperationalError, match="no such table: later"):
                connection.execute("select * from later")


def test_the_window_is_bound_where_a_cast_follows(server_place: Place):
    assert ask(server_place, "select :as_of::date as d").frame["d"].tolist() == [date(2026, 11, 22)]


@pytest.mark.parametrize(
    "unit", ["/*", "'", '"', "--\n", "$", "$a", ":a:", "$tags"], ids=lambda unit: unit.replace("\n", "newline")
)
def test_looking_through_a_long_text_comes_to_an_end(unit: str):
    text = "".join(f"$a{number}" for number in range(20_000)) if unit == "$tags" else unit * (100_000 // len(unit))
    with ended_within_patience(), suppress(AnalysisProblem):
        _statement(f"select {text}", MONTH, "{sql}", Limits())


@pytest.mark.parametrize(
    "sql",
    ["select $a$ ; $a$", "select '$$ ; $$'", "select $$ ' ; $$", "select '--', $a$$b$ ; $a$", "select /* $$ ; */ 1"],
)
def test_what_stands_in_a_text_or_a_comment_is_no_code(server_place: Place, sql: str):
    assert len(ask(server_place, sql).frame) == 1


@pytest.mark.parametrize("sql", ["select $a$ ; $b$", "select '; x", "select $$ $a$ ; $b$ $", "select /* ; x"])
def test_what_has_no_end_is_code(worked_path: Path, sql: str):
    with pytest.raises(AnalysisProblem, match="more than one statement"):
        ask(Place(str(worked_path)), sql)


@pytest.mark.parametrize(
    "sql",
    [
        *("values(1)", "select(1)", "select'x'", 'select"user_id"from users', "select*from(select 1)as q", "select+1"),
        *("SELECT\t1", "/**/select/**/1", "with a(b)as(select 1)select*from a", "-- (\nvalues(1);"),
    ],
)
def test_a_statement_needs_no_blank_after_its_first_word(place: Place, sql: str):
    assert len(ask(place, sql).frame) >= 1


def test_a_statement_may_begin_with_a_parenthesis_where_the_database_takes_that(server_place: Place):
    assert len(ask(server_place, "(select 1) union (select 2)").frame) == 2


@pytest.mark.parametrize(
    "sql", ["selects", "select_1", "\u017felect 1", "explain(select 1)", "table users", "'select'"]
)
def test_a_longer_or_another_first_word_begins_no_statement(worked_path: Path, sql: str):
    with pytest.raises(AnalysisProblem, match="does not begin with SELECT, WITH or VALUES"):
        ask(Place(str(worked_path)), sql)


def test_a_statement_has_its_limit(place: Place):
    with pytest.raises(AnalysisProblem, match=r"^It has more than 100,000 characters\.$"):
        ask(place, f"select '{'x' * 100_000}'")


@pytest.mark.parametrize("before", [0, 240, 246, 250, 254])
def test_no_part_of_an_address_gets_out_in_the_words_of_the_database(server_place: Place, before: int):
    with pytest.raises(AnalysisProblem, match="The database refuses it") as problem:
        ask(server_place, f"select cast('{'x ' * (before // 2)}kim.learner@' || 'example.org' as integer)")
    assert "kim" not in str(problem.value)


def test_signs_of_no_script_are_refused(place: Place):
    with pytest.raises(AnalysisProblem, match="signs that are none of any script"):
        ask(place, "select '\ud800'")


def test_more_bytes_than_the_limit_are_cut_and_that_is_said(place: Place):
    sql = "with n(t) as (select user_id from users) select a.t, 'xxxxxxxxxx' as x from n a, n b, n c"
    answer = ask(place, sql, limits=Limits(bytes=1_000))
    assert answer.is_cut
    assert 0 < len(answer.frame) < 100


def test_as_many_rows_as_the_limit_are_all_there_are(place: Place):
    users = len(ask(place, "select user_id from users").frame)
    assert not ask(place, "select user_id from users", limits=Limits(rows=users)).is_cut
    answer = ask(place, "select user_id from users", limits=Limits(rows=users - 1))
    assert (len(answer.frame), answer.is_cut) == (users - 1, True)


def test_the_wish_to_stop_ends_a_statement_long_before_its_time(place: Place):
    stop = Stop()
    threading.Timer(0.2, stop.wish).start()
    with place.connect(ANALYST) as connection, pytest.raises(AnalysisProblem, match=r"^It was stopped\.$"):
        run_own(connection, ENDLESS, MONTH, Limits(seconds=600), withheld=ANALYST, stop=stop)


SLOW = f"{LONG} select count(*) from t, d a, d b, d c, d e, d f where instr(t, substr(t, 1, 45000) || 'b') = a.d"


def test_on_sqlite_the_wish_to_stop_ends_what_works_long_on_one_value(worked_path: Path):
    stop = Stop()
    threading.Timer(0.5, stop.wish).start()
    # A limit that is over first would be told in another sentence.
    with pytest.raises(AnalysisProblem, match=r"^It was stopped\.$"):
        ask(Place(str(worked_path)), SLOW, limits=Limits(seconds=120), stop=stop)


def test_on_sqlite_no_process_is_left_of_a_statement_that_was_ended(worked_path: Path, monkeypatch: pytest.MonkeyPatch):
    processes: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            processes.append(self)

    monkeypatch.setattr("lib.queries.wall_sqlite.subprocess.Popen", Noted)
    for sql, limits in ((SLOW, Limits(seconds=0.1)), ("select user_id from users", Limits(rows=1))):
        with suppress(AnalysisProblem):
            ask(Place(str(worked_path)), sql, limits=limits)
    assert [process.returncode is not None for process in processes] == [True, True]


PEOPLE = ("kim@home.example", "lee@home.example", "ann")
TEXTS = sorted((table.name, column.name) for table in TABLES for column in table.columns if column.name != "user_id")


@pytest.fixture(scope="module")
def full_of_addresses(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An address in every column that takes a text, and in the ids of two of three users."""
    path = worked_case(tmp_path_factory.mktemp("addresses") / "full.db")
    with closing(sqlite3.connect(path)) as connection:
        for table in TABLES:
            names = [column.name for column in table.columns]
            values = [[f"{name} mo@{name}.{place}.example" for name in names] for place in range(3)]
            for place, row in enumerate(values):
                row[names.index("user_id")] = PEOPLE[place]
            connection.execute(f"DELETE FROM {table.name}")
            connection.executemany(f"INSERT INTO {table.name} VALUES ({', '.join('?' * len(names))})", values)
        connection.commit()
    return Place(str(path))


@pytest.mark.parametrize(("table", "column"), TEXTS)
def test_on_sqlite_no_address_in_any_column_is_seen_by_a_statement(full_of_addresses: Place, table: str, column: str):
    sql = f"select hex({column}) as t, replace(replace({column}, '@', ' at '), '.', ' dot ') as s from {table}"
    if (table, column) in ANALYST:
        with pytest.raises(AnalysisProblem, match="Withheld from you"):
            ask(full_of_addresses, sql)
        return
    shown = ask(full_of_addresses, sql).frame
    told = " ".join([*shown["s"], *(bytes.fromhex(text).decode() for text in shown["t"])])
    assert "mo" not in told.replace(column, "").split()
    assert " at " not in told
    assert "mo@" in str(ask(full_of_addresses, f"select {column} from {table}", NOTHING).frame)


def test_on_sqlite_users_whose_ids_are_addresses_are_told_apart_and_nobody_finds_out_whose(full_of_addresses: Place):
    ids = ask(full_of_addresses, "select user_id from users").frame["user_id"].tolist()
    assert [re.fullmatch(r"\[address\] [0-9a-f]{12}|ann", one) is not None for one in ids] == [True] * 3
    assert len(set(ids)) == 3
    joined = "select count(*) as n from users u join coaching_sessions s on s.user_id = u.user_id"
    assert ask(full_of_addresses, joined).frame["n"].tolist() == [3]
    assert ask(full_of_addresses, "select user_id from users").frame["user_id"].tolist() != ids
    with pytest.raises(AnalysisProblem, match=r"no such function|is not for use here"):
        ask(full_of_addresses, "select without_addresses('kim@home.example')")


def test_on_sqlite_a_column_without_addresses_keeps_its_index_and_its_type(worked_path: Path):
    question = Question(
        f"{worked_path.as_uri()}?mode=ro",
        "select * from users",
        (),
        Limits(),
        KNOWN,
        ANALYST,
        is_cleaned=True,
        is_behind_views=True,
    )
    with closing(_opened(question)) as connection:
        (view,) = connection.execute("SELECT sql FROM temp.sqlite_master WHERE name = 'users'").fetchone()
        plan = connection.execute("EXPLAIN QUERY PLAN SELECT role FROM users WHERE user_id = 'x'").fetchall()
    assert "hidden_" not in view.partition(" FROM ")[0]
    assert "INDEX" in str(plan)


def test_on_sqlite_no_address_stands_in_the_words_of_a_refusal(full_of_addresses: Place):
    with pytest.raises(AnalysisProblem) as caught:
        ask(full_of_addresses, "select json_extract('{}', error_text) from detected_errors")
    assert "mo@" not in str(caught.value)


@contextmanager
def frozen_in_its_sleep(server: Server) -> Iterator[None]:
    """Freeze the process of the server that sleeps for a statement as soon as it does: it hears nothing any more."""
    found: list[int] = []

    def freeze() -> None:
        for _ in range(3_000):
            found.extend(
                pid for (pid,) in server.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
            )
            if found:
                os.kill(found[0], signal.SIGSTOP)
                return

    freezing = threading.Thread(target=freeze)
    freezing.start()
    try:
        yield
    finally:
        freezing.join()
        for pid in found:
            os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("is_walled", [True, False], ids=["a user of its own", "the connection of a page or a report"])
def test_on_postgresql_a_statement_ends_although_the_server_hears_nothing(
    postgres_server: Server, server_place: Place, is_walled: bool
):
    limits, refusal = Limits(seconds=1), r"took longer than 1 seconds and was stopped\. Its connection was cut"
    with frozen_in_its_sleep(postgres_server):
        if is_walled:
            with pytest.raises(AnalysisProblem, match=refusal):
                ask(server_place, "select pg_sleep(20)", limits=limits)
            return
        with opened(server_place.main) as connection:
            with pytest.raises(AnalysisProblem, match=refusal):
                run_own(connection, "select pg_sleep(20)", MONTH, limits)
            # What comes after it in the same report goes on.
            assert connection.execute(text("select count(*) from users")).scalar_one() > 0
            assert run_own(connection, "select count(*) as n from users", MONTH, Limits()).frame["n"].tolist()[0] > 0


def test_an_own_analysis_sees_the_moment_that_the_report_sees(postgres_server: Server):
    url = make_database(postgres_server.create_database("one_moment"), users=[{"user_id": "ann"}])
    engine = open_engine(database_url(url))
    try:
        with snapshot(engine) as (connection, _):
            with psycopg.connect(url) as writer:
                writer.execute("INSERT INTO users (user_id) VALUES ('ben')")
            assert run_own(connection, "select user_id from users", MONTH, Limits()).frame["user_id"].tolist() == [
                "ann"
            ]
    finally:
        engine.dispose()


def test_a_wish_that_came_before_the_statement_ends_it_too(place: Place):
    stop = Stop()
    stop.wish()
    with place.connect(ANALYST) as connection, pytest.raises(AnalysisProblem, match=r"^It was stopped\.$"):
        run_own(connection, "select 1", MONTH, Limits(), withheld=ANALYST, stop=stop)


def test_the_tables_beside_the_editor_are_those_of_the_database_with_what_is_withheld(place: Place):
    engine = open_engine(database_url(place.main))
    with connect(engine) as connection:
        seen = tables_seen(connection, ANALYST, place.main, place.sql)
    engine.dispose()
    assert [table.name for table in seen] == [table.name for table in TABLES]
    columns = {(table.name, column.name): column.is_withheld for table in seen for column in table.columns}
    assert columns == {column: column in hidden_in(place) for column in COLUMNS}


def test_tables_in_capitals_and_in_other_schemas_are_listed_as_a_statement_writes_them(postgres_server: Server):
    url = worked_case(postgres_server.create_database("capitals"))
    postgres_server.execute(documented("capitals").replace("fluency_sql", "capitals_sql"), "capitals")
    place = Place(url, re.sub("//.*@", "//capitals_sql:choose%20one@", url))
    for statement in (
        'ALTER TABLE users RENAME TO "Users"',
        'ALTER TABLE "Users" RENAME COLUMN role TO "Role"',
        "CREATE SCHEMA elsewhere",
        "GRANT USAGE ON SCHEMA elsewhere TO PUBLIC",
        "ALTER TABLE lead_scores SET SCHEMA elsewhere",
        "ALTER DATABASE capitals SET search_path = public, elsewhere",
    ):
        postgres_server.execute(statement, "capitals")
    with opened(place.main) as connection:
        seen = {table.name: table for table in tables_seen(connection, ANALYST, place.main, place.sql)}
    assert list(seen) == ['"Users"', *(table.name for table in TABLES[1:])]
    assert {column.name: column.is_withheld for column in seen['"Users"'].columns} == {
        "user_id": False,
        "email": True,
        "Role": False,
        "english_level": False,
        "created_at": False,
        "last_active": False,
    }
    assert ask(place, 'select "Role" from "Users"').frame["Role"].tolist()
    postgres_server.execute("CREATE TABLE users (secret text); GRANT SELECT ON users TO capitals_sql", "capitals")
    with pytest.raises(DatabaseProblem, match="other tables or views than the seven"):
        ask(place, "select 1")
    postgres_server.execute("DROP OWNED BY capitals_sql; DROP ROLE capitals_sql", "capitals")


def test_postgresql_without_a_user_for_statements_says_which_setting_is_missing(server_place: Place):
    with pytest.raises(DatabaseProblem) as caught:
        ask(Place(server_place.main), "select 1")
    assert "FLUENCY_SQL_DATABASE_URL" in caught.value.remedy


def test_an_address_that_does_not_work_is_called_by_its_own_setting(server_place: Place, tmp_path: Path):
    wrong = server_place.sql.replace("choose%20one", "geheim")
    for address in (wrong, str(tmp_path / "file.db"), "postgresql://a@b@c/d"):
        with pytest.raises(DatabaseProblem) as caught:
            ask(Place(server_place.main, address), "select 1")
        assert "FLUENCY_SQL_DATABASE_URL" in caught.value.remedy
        assert "geheim" not in f"{caught.value.what} {caught.value.remedy}"


# What gives the user too much, what takes it back, and what the refusal says.
TOO_MUCH = (
    ("ALTER ROLE mighty_sql SUPERUSER", "ALTER ROLE mighty_sql NOSUPERUSER", "it is a superuser"),
    ("ALTER ROLE mighty_sql CREATEROLE", "ALTER ROLE mighty_sql NOCREATEROLE", "it may make roles"),
    ("ALTER ROLE mighty_sql REPLICATION", "ALTER ROLE mighty_sql NOREPLICATION", "copy the server"),
    ("ALTER ROLE mighty_sql BYPASSRLS", "ALTER ROLE mighty_sql NOBYPASSRLS", "pass row security"),
    *(
        (f"GRANT {role} TO mighty_sql", f"REVOKE {role} FROM mighty_sql", "member of another role")
        for role in ("pg_read_all_data", "pg_read_server_files", "pg_execute_server_program", "mighty_owner")
    ),
    ("ALTER TABLE accounts OWNER TO mighty_sql", "ALTER TABLE accounts OWNER TO mighty_owner", "belong to it"),
    ("ALTER DATABASE mighty OWNER TO mighty_sql", "ALTER DATABASE mighty OWNER TO mighty_owner", "belong to it"),
    *(
        (f"GRANT {right} ON {on} TO {whom}", f"REVOKE {right} ON {on} FROM {whom}", reason)
        for right, on, whom, reason in (
            ("INSERT", "users", "mighty_sql", "it may write"),
            ("UPDATE (role)", "users", "mighty_sql", "it may write"),
            ("DELETE", "users", "PUBLIC", "it may write"),
            ("TRUNCATE", "accounts", "mighty_sql", "it may write"),
            ("CREATE", "SCHEMA public", "PUBLIC", "it may make tables"),
            ("CREATE", "DATABASE mighty", "mighty_sql", "it may make tables"),
            ("SELECT", "accounts", "mighty_sql", "other tables or views"),
            ("SELECT (email)", "people", "PUBLIC", "other tables or views"),
            ("EXECUTE", "FUNCTION steal()", "PUBLIC", "rights of others"),
            ("SELECT (email)", "users", "mighty_sql", r"it may read users\.email"),
            ("SELECT (email)", "users", "PUBLIC", r"it may read users\.email"),
            *(
                (f"SELECT ({column})", table, "PUBLIC", rf"{table}\.{column}, which may hold e-mail addresses")
                for table, column in sorted(MAY_HOLD_ADDRESSES - ANALYST)
            ),
        )
    ),
    *(
        (f"GRANT EXECUTE ON FUNCTION {name} TO PUBLIC", f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC", "write into")
        for name in ("pg_logical_emit_message(boolean, text, text)", "lo_create(oid)", "lo_from_bytea(oid, bytea)")
    ),
    (
        "ALTER TABLE coaching_sessions ADD learner_email text;"
        "GRANT SELECT (learner_email) ON coaching_sessions TO PUBLIC",
        "ALTER TABLE coaching_sessions DROP learner_email",
        r"it may read coaching_sessions\.learner_email, which the app does not know",
    ),
    (
        "ALTER TABLE lead_scores ADD learner_email text; GRANT SELECT ON lead_scores TO mighty_sql",
        "ALTER TABLE lead_scores DROP learner_email",
        r"it may read lead_scores\.learner_email, which the app does not know",
    ),
    (
        "INSERT INTO users (user_id) VALUES ('kim@home.example')",
        "DELETE FROM users WHERE user_id = 'kim@home.example'",
        r"users\.user_id, which holds e-mail addresses",
    ),
    (
        "CREATE SCHEMA legacy; CREATE TABLE legacy.users (mail text); GRANT USAGE ON SCHEMA legacy TO PUBLIC;"
        "GRANT SELECT (mail) ON legacy.users TO PUBLIC",
        "DROP SCHEMA legacy CASCADE",
        "other tables or views",
    ),
    (
        "CREATE FUNCTION http_get(text) RETURNS text LANGUAGE internal AS 'upper'",
        "DROP FUNCTION http_get(text)",
        "reach other servers or files",
    ),
    ("CREATE EXTENSION dblink", "DROP EXTENSION dblink", "reach other servers"),
    (
        "CREATE FUNCTION dblink(text) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP FUNCTION dblink(text)",
        "reach other servers",
    ),
)


@pytest.fixture(scope="module")
def mighty(postgres_server: Server) -> Iterator[Place]:
    url = worked_case(postgres_server.create_database("mighty"))
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE accounts (pw text); CREATE VIEW people AS SELECT email FROM users")
        connection.execute(
            "CREATE FUNCTION steal() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT max(email) FROM users';"
            "REVOKE EXECUTE ON FUNCTION steal() FROM PUBLIC"
        )
    code = documented("mighty").replace("fluency_sql", "mighty_sql")
    postgres_server.execute(code, "mighty")
    yield Place(url, re.sub("//.*@", "//mighty_sql:choose%20one@", url))
    postgres_server.execute("DROP OWNED BY mighty_sql; DROP ROLE mighty_sql", "mighty")


@pytest.mark.parametrize(("gives", "takes", "reason"), TOO_MUCH, ids=[gives for gives, _, _ in TOO_MUCH])
def test_a_user_who_may_do_more_than_read_what_it_should_is_not_used(
    postgres_server: Server, mighty: Place, gives: str, takes: str, reason: str
):
    postgres_server.execute(gives, "mighty")
    try:
        with pytest.raises(DatabaseProblem, match=reason) as caught:
            ask(mighty, "select user_id from users")
    finally:
        postgres_server.execute(takes, "mighty")
    assert "docs/sql_page.md" in caught.value.remedy
    assert len(ask(mighty, "select user_id from users").frame)


def test_extensions_that_anybody_may_install_are_no_reason_against_a_user(postgres_server: Server, mighty: Place):
    postgres_server.execute("CREATE EXTENSION pg_trgm; CREATE EXTENSION pg_stat_statements", "mighty")
    try:
        assert ask(mighty, "select similarity('a', 'a') as s").frame["s"].tolist() == [1.0]
    finally:
        postgres_server.execute("DROP EXTENSION pg_trgm; DROP EXTENSION pg_stat_statements", "mighty")


def test_the_documentation_grants_every_column_of_the_schema_in_which_no_address_can_stand():
    grants = re.findall(r"GRANT SELECT \(([^)]*)\)\s+ON\s+(\w+)\s+TO\s+fluency_sql;", documented("x"))
    assert {
        (table, name) for names, table in grants for name in re.split(r",\s*", names)
    } == COLUMNS - MAY_HOLD_ADDRESSES
    assert MAY_HOLD_ADDRESSES < COLUMNS
    assert documented("x").count("GRANT SELECT") == len(TABLES)
    assert set(re.findall(r"'((?:pg|lo)\w+)'", documented("x"))) - {"pg_catalog"} == set(WRITING)


def test_a_user_who_acts_as_another_one_is_not_used(postgres_server: Server, mighty: Place):
    postgres_server.execute("CREATE ROLE other; GRANT other TO mighty_sql")
    try:
        with pytest.raises(DatabaseProblem, match="it acts as another user"):
            ask(Place(mighty.main, f"{mighty.sql}?options=-crole%3Dother"), "select 1")
    finally:
        postgres_server.execute("DROP ROLE other")


def test_who_may_see_addresses_may_use_a_user_who_reads_them(postgres_server: Server, mighty: Place):
    postgres_server.execute("GRANT SELECT (email) ON users TO mighty_sql", "mighty")
    try:
        assert ask(mighty, "select email from users", NOTHING).frame["email"].notna().any()
    finally:
        postgres_server.execute("REVOKE SELECT (email) ON users FROM mighty_sql", "mighty")


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk(places=2)
    yield desk
    desk.close()


def until_stopped(stop: Stop) -> str:
    while not stop.is_wished:
        time.sleep(0.005)
    return "stopped"


def test_one_person_runs_one_statement_at_a_time_and_a_server_a_few(desk: Desk):
    first = desk.begin("ann", until_stopped)
    with pytest.raises(DeskIsTaken, match="Another statement of yours"):
        desk.begin("ann", until_stopped)
    second = desk.begin("bob", until_stopped)
    with pytest.raises(DeskIsTaken, match="statements of others"):
        desk.begin("cyd", until_stopped)
    assert not first.is_over
    first.stop.wish()
    assert first.wait(60)
    assert first.result() == "stopped"
    third = desk.begin("ann", lambda _: "again")
    assert third.result() == "again"
    second.stop.wish()
    assert second.result() == "stopped"


def test_what_the_work_raises_comes_with_its_result(desk: Desk):
    def fails(_: Stop) -> str:
        raise AnalysisProblem("It is broken.")

    with pytest.raises(AnalysisProblem, match="It is broken"):
        desk.begin("ann", fails).result()
