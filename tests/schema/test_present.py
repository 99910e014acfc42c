"""A database that is not quite as the schema says gives the same answers, or says in a sentence what it cannot give."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select

from lib.database import DatabaseProblem, connect, database_url, open_engine, read, rows_of
from lib.dialects import is_readable, is_yes, number
from lib.queries.engagement import sessions_by_role
from lib.queries.health import count_oddities, missing_parts, table_states
from lib.queries.mistakes import MistakeFilter, mistake_details, top_mistakes
from lib.queries.own import Limits, run_own
from lib.queries.people import everybody
from lib.schema import TABLES, users
from lib.schema import coaching_sessions as s
from lib.schema import conversion_triggers as t
from lib.schema.present import present_tables
from lib.sync.__main__ import main as sync
from tests.factory import worked_case
from tests.postgres import Server
from tests.schema.answers import PERIOD, TOMORROW, answers, changed, same_answers
from tests.values import NUMBERS, TIMES

SOURCES = MistakeFilter(("detected", "it", "pricing"))
SCORE = number(s.c.confidence_score)
NAMES = [table.name for table in TABLES]


@pytest.fixture
def server_address(postgres_server: Server) -> str:
    return worked_case(postgres_server.create_database("present"))


def oddities(address: str) -> dict[tuple[str, str], int]:
    """What Data health names."""
    with connect(open_engine(database_url(address))) as connection:
        found = count_oddities(connection, table_states(connection, TOMORROW), TOMORROW)
    return {(check.table.name, check.found): number for check, number in found if number}


# Types


def test_columns_of_other_types_are_read_as_what_they_hold(server_address: str):
    owners = [table.name for table in TABLES if "user_id" in table.columns]
    changed(
        server_address, *(f"UPDATE {name} SET user_id = CAST(CAST(md5(user_id) AS uuid) AS text)" for name in owners)
    )
    before = answers(server_address)
    iso = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    types = {
        **{f"{name}.user_id": ("uuid", "CAST(user_id AS uuid)") for name in owners},
        "users.role": ("role", "CAST(role AS role)"),
        "users.english_level": ("char(2)", "english_level"),
        "users.email": ("name", "email"),
        "coaching_sessions.started_at": ("text", iso.format("started_at")),
        "coaching_sessions.ended_at": ("varchar(40)", iso.format("ended_at")),
        "coaching_sessions.confidence_score": ("numeric(4, 2)", "confidence_score"),
        "coaching_sessions.error_count": ("text", "error_count"),
        "detected_errors.error_type": ("varchar(20)", "error_type"),
        "detected_errors.detected_at": ("timestamp", "detected_at AT TIME ZONE 'UTC'"),
        "it_errors.frequency": ("text", "frequency || '.0'"),
        "it_errors.detected_at": ("bigint", "extract(epoch FROM detected_at)"),
        "pricing_errors.timestamp": ("bigint", "extract(epoch FROM timestamp) * 1000"),
        "lead_scores.overall_score": ("text", "overall_score"),
        "conversion_triggers.confidence_scores": ("jsonb", "CAST(confidence_scores AS jsonb)"),
        "conversion_triggers.offer_sent": ("integer", "CAST(offer_sent AS integer)"),
        "conversion_triggers.offer_accepted": ("text", "CASE WHEN offer_accepted THEN 'Yes' ELSE 'no' END"),
    }
    changed(
        server_address,
        "CREATE TYPE role AS ENUM ('free', 'student', 'coach', 'superuser')",
        *(
            f"ALTER TABLE {at.split('.')[0]} ALTER COLUMN {at.split('.')[1]} TYPE {kind} USING {value}"
            for at, (kind, value) in types.items()
        ),
    )
    same_answers(before, answers(server_address))


def test_whole_numbers_as_keys_are_read_as_text(server_address: str):
    numbers = "UPDATE {} SET user_id = CAST(hashtext(user_id) AS text)"
    names = [table.name for table in TABLES if "user_id" in table.columns]
    changed(server_address, *map(numbers.format, names))
    before = answers(server_address)
    changed(
        server_address,
        *(f"ALTER TABLE {name} ALTER COLUMN user_id TYPE bigint USING user_id::bigint" for name in names),
    )
    same_answers(before, answers(server_address))


@pytest.mark.parametrize(
    ("column", "kind", "meanings"),
    [
        ("started_at", "text", {value: at for value, at in TIMES.items() if isinstance(value, str)}),
        ("started_at", "numeric", {value: at for value, at in TIMES.items() if isinstance(value, int | float)}),
        ("confidence_score", "text", {value: at for value, at in NUMBERS.items() if isinstance(value, str)}),
    ],
)
def test_values_of_other_types_mean_what_they_mean_everywhere(
    server_address: str, column: str, kind: str, meanings: dict[Any, Any]
):
    changed(server_address, f"ALTER TABLE coaching_sessions ALTER COLUMN {column} TYPE {kind} USING NULL")
    with psycopg.connect(server_address) as connection:
        connection.execute("DELETE FROM coaching_sessions")
        add = f"INSERT INTO coaching_sessions (session_id, {column}) VALUES (%s, %s)"
        connection.cursor().executemany(add, [(repr(value), value) for value in meanings])
    is_time = column == "started_at"
    value, condition = (s.c.started_at, is_readable(s.c.started_at)) if is_time else (SCORE, SCORE.is_not(None))
    with connect(open_engine(database_url(server_address))) as connection:
        query = select(s.c.session_id, value).where(condition)
        found = read(connection, query, {"session_id": "str", "value": "utc" if is_time else "float64"})
    assert dict(found.values.tolist()) == {repr(text): at for text, at in meanings.items() if at is not None}
    named = oddities(server_address)
    what = f"rows whose {column} is no {'date and time' if is_time else 'number'}"
    odd = [text for text, at in meanings.items() if at is None and not (is_time and str(text).strip(" \t\r\n") == "")]
    assert named.get(("coaching_sessions", what), 0) == len(odd)


def test_a_word_that_is_neither_yes_nor_no_is_named(server_address: str):
    values = ["maybe", "", "yes\n", " True ", "0", "OFF", None]
    changed(
        server_address,
        "ALTER TABLE conversion_triggers ALTER COLUMN offer_accepted TYPE text USING NULL",
        "DELETE FROM conversion_triggers",
    )
    with psycopg.connect(server_address) as connection:
        add = "INSERT INTO conversion_triggers (trigger_id, offer_accepted) VALUES (%s, %s)"
        connection.cursor().executemany(add, list(enumerate(values)))
    found = oddities(server_address)
    assert found["conversion_triggers", "rows whose offer_accepted is neither yes nor no"] == 2
    with connect(open_engine(database_url(server_address))) as connection:
        yes = connection.scalars(select(t.c.trigger_id).where(is_yes(t.c.offer_accepted)))
        assert sorted(yes) == ["2", "3"]


def test_a_column_that_cannot_be_read_is_told_in_a_sentence_and_the_others_are_read(server_address: str):
    changed(
        server_address,
        "ALTER TABLE users ALTER COLUMN role TYPE bytea USING NULL",
        "ALTER TABLE lead_scores ALTER COLUMN overall_score TYPE point USING NULL",
    )
    with connect(open_engine(database_url(server_address))) as connection:
        states = {state.name: state for state in table_states(connection, TOMORROW)}
        assert states["users"].unreadable == (("role", "users.role is of the type bytea; it should be text."),)
        assert states["lead_scores"].unreadable[0][1].endswith("is of the type point; it should be a number.")
        assert top_mistakes(connection, PERIOD, SOURCES, limit=3).total
        with pytest.raises(DatabaseProblem, match=r"^users\.role is of the type bytea; it should be text\.$"):
            sessions_by_role(connection, [PERIOD], completed_only=True)
    assert not [key for key in oddities(server_address) if "role" in key[1]]


# What is there


@pytest.mark.parametrize(
    "how",
    [
        'ALTER TABLE {0} RENAME TO "{1}"',
        'ALTER TABLE {0} RENAME TO kept; CREATE VIEW {0} AS SELECT * FROM kept; ALTER TABLE kept RENAME TO "{1}_kept"',
        "ALTER TABLE {0} RENAME TO kept; CREATE MATERIALIZED VIEW {0} AS SELECT * FROM kept; "
        'ALTER TABLE kept RENAME TO "{1}_kept"',
        'CREATE TABLE kept (LIKE {0}) PARTITION BY HASH (user_id); CREATE TABLE "{1}_part" PARTITION OF kept '
        "FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO kept SELECT * FROM {0}; DROP TABLE {0} CASCADE; "
        "ALTER TABLE kept RENAME TO {0}",
        "CREATE SCHEMA IF NOT EXISTS elsewhere; ALTER TABLE {0} SET SCHEMA elsewhere",
    ],
    ids=["capitals", "view", "materialized view", "partitioned", "schema of the search path"],
)
def test_whatever_can_be_read_is_there_for_pages_and_for_data_health(server_address: str, how: str):
    before, known = answers(server_address), oddities(server_address)
    changed(server_address, *(how.format(name, name.title()) for name in NAMES))
    database = server_address.rpartition("/")[2]
    changed(server_address, f'ALTER DATABASE "{database}" SET search_path = public, elsewhere')
    same_answers(before, answers(server_address))
    assert oddities(server_address) == known
    with connect(open_engine(database_url(server_address))) as connection:
        states = table_states(connection, TOMORROW)
        missing = missing_parts(connection, states)
    assert [state.name for state in states if state.rows] == NAMES
    assert not missing["is_needed"].any()


def test_columns_in_capitals_are_read(server_address: str):
    before = answers(server_address)
    changed(
        server_address,
        'ALTER TABLE users RENAME COLUMN user_id TO "User_ID"',
        'ALTER TABLE pricing_errors RENAME COLUMN timestamp TO "TIMESTAMP"',
    )
    same_answers(before, answers(server_address))


def test_a_sqlite_file_with_tables_and_columns_in_capitals_is_complete(tmp_path: Path):
    path = worked_case(tmp_path / "capitals.db")
    before = answers(str(path))
    changed(
        path,
        *(f'ALTER TABLE {name} RENAME TO x{name}; ALTER TABLE x{name} RENAME TO "{name.upper()}"' for name in NAMES),
    )
    changed(path, 'ALTER TABLE users RENAME COLUMN role TO "ROLE"')
    same_answers(before, answers(str(path)))
    with connect(open_engine(database_url(str(path)))) as connection:
        states = table_states(connection, TOMORROW)
    assert all(state.rows and not state.missing_columns for state in states)


def test_statements_for_a_database_as_the_schema_says_are_unchanged(server_address: str, worked_path: Path):
    for address in (server_address, str(worked_path)):
        with connect(open_engine(database_url(address))) as connection:
            assert [table.stand_in() for table in present_tables(connection).values()] == [""] * len(TABLES)


# Keys that come twice


TWICE = (
    "CREATE TABLE copy_users AS SELECT * FROM users",
    "DROP TABLE users CASCADE",
    "ALTER TABLE copy_users RENAME TO users",
    "UPDATE users SET last_active = '2026-11-20 10:00:00'",
    "INSERT INTO users SELECT user_id, 'old@example.com', 'superuser', 'B1', created_at, NULL FROM users",
    "INSERT INTO users SELECT user_id, 'older@example.com', 'coach', 'C2', created_at, '2026-11-19 10:00:00' "
    "FROM users WHERE email <> 'old@example.com'",
)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_each_user_counts_once_as_the_newest_row_says(kind: str, tmp_path: Path, postgres_server: Server):
    target: str | Path = tmp_path / "twice.db" if kind == "sqlite" else postgres_server.create_database("twice")
    address = str(worked_case(target))
    before = answers(address)
    statements = [one.replace(" CASCADE", "") if kind == "sqlite" else one for one in TWICE]
    changed(target, *statements)
    same_answers(before, answers(address))
    assert oddities(address)["users", "rows whose user_id came before"] == 18
    with connect(open_engine(database_url(address))) as connection:
        people = dict(everybody(connection))
        assert next(state.rows for state in table_states(connection, TOMORROW) if state.name == "users") == 27
    assert len(people) == 9
    assert not {"old@example.com", "older@example.com"} & set(people.values())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_other_keys_that_repeat_stop_nothing_and_are_named(kind: str, tmp_path: Path, postgres_server: Server):
    target: str | Path = tmp_path / "twice.db" if kind == "sqlite" else postgres_server.create_database("twice")
    address = str(worked_case(target))
    others = [table for table in TABLES if table is not users]
    for table in others:
        key = table.columns.keys()[0]
        changed(
            target,
            f"CREATE TABLE other AS SELECT * FROM {table.name}",
            f"DROP TABLE {table.name}" + (" CASCADE" if kind == "postgresql" else ""),
            f"ALTER TABLE other RENAME TO {table.name}",
            f"UPDATE {table.name} SET {key} = 'same'",
        )
    answers(address)
    found = oddities(address)
    with connect(open_engine(database_url(address))) as connection:
        rows = {state.name: state.rows or 0 for state in table_states(connection, TOMORROW)}
    for table in others:
        assert found[table.name, f"rows whose {table.columns.keys()[0]} came before"] == rows[table.name] - 1


# Bytes


def test_bytes_that_are_no_utf8_count_with_a_sign_in_their_place(tmp_path: Path):
    path = worked_case(tmp_path / "bytes.db")
    where = "WHERE error_text LIKE 'Missing article%'"
    changed(path, f"UPDATE detected_errors SET error_text = 'caf\ufffd' {where}")
    replaced, top = answers(str(path)), top_of(str(path))
    worked_case(path)
    changed(
        path,
        f"UPDATE detected_errors SET error_text = CAST(x'636166E9' AS TEXT) {where} AND rowid % 2",
        f"UPDATE detected_errors SET error_text = x'636166E8' {where}",
    )
    same_answers(replaced, answers(str(path)))
    assert top_of(str(path)) == top
    assert top[0] == "caf\ufffd"
    with closing(sqlite3.connect(path)) as connection:
        (rows,) = connection.execute(
            "SELECT count(*) FROM detected_errors WHERE hex(error_text) LIKE '636166E_'"
        ).fetchone()
    assert oddities(str(path))["detected_errors", "rows whose error_text is not a text in UTF-8"] == rows


def top_of(address: str) -> tuple[str, int, int]:
    """The most frequent mistake: its text, how often, and by how many users."""
    with connect(open_engine(database_url(address))) as connection:
        top = top_mistakes(connection, PERIOD, SOURCES, limit=1)
        users_of_it = mistake_details(connection, PERIOD, SOURCES, top.rows)["users"].item()
    return top.rows["mistake"].item(), top.rows["frequency"].item(), users_of_it


def test_every_column_of_text_may_be_bytes_keys_too(tmp_path: Path):
    path = worked_case(tmp_path / "blobs.db")
    before = answers(str(path))
    for table in TABLES:
        names = [column.name for column in table.columns if column.type.python_type is str and "_at" not in column.name]
        names = [name for name in names if name != "timestamp"]
        changed(path, f"UPDATE {table.name} SET " + ", ".join(f"{name} = CAST({name} AS BLOB)" for name in names))
    same_answers(before, answers(str(path)))
    found = oddities(str(path))
    assert found["users", "rows whose user_id is not a text in UTF-8"] == 9
    assert found["coaching_sessions", "rows whose session_id is not a text in UTF-8"] == 37
    with connect(open_engine(database_url(str(path)))) as connection:
        assert all(isinstance(value, str) for pair in everybody(connection) for value in pair)
        assert rows_of(connection, users.select())


def test_a_copy_holds_the_newest_row_of_each_user_and_says_which_were_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source, target = worked_case(tmp_path / "source.db"), tmp_path / "target.db"
    before = answers(str(source))
    changed(source, *(one.replace(" CASCADE", "") for one in TWICE))
    left_out = tmp_path / "left_out.jsonl"
    assert not sync(["--from", str(source), "--to", str(target), "--left-out", str(left_out)])
    same_answers(before, answers(str(target)))
    assert "18 rows of users: user_id came before" in capsys.readouterr().out
    assert left_out.read_text(encoding="utf-8").count("old") == 18


def test_a_statement_of_ones_own_shows_a_sign_in_place_of_bytes_too(worked_path: Path):
    with connect(open_engine(database_url(str(worked_path)))) as connection:
        answer = run_own(connection, "SELECT CAST(x'636166E9' AS TEXT) AS word", PERIOD, Limits())
    assert answer.frame["word"].tolist() == ["caf\ufffd"]
