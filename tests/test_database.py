from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

from lib import database
from lib.database import (
    UNTOLD,
    DatabaseProblem,
    connect,
    database_key,
    database_url,
    has_table,
    newest,
    no_rows,
    open_engine,
    read,
    shown_address,
    sql_text,
    to_utc,
)
from lib.dialects import in_window
from lib.period import Period
from lib.queries.engagement import sessions_by_role
from lib.schema import coaching_sessions, users
from lib.snapshots import fingerprint
from tests.factory import empty_database, one_row, without_column, without_table, worked_case
from tests.odd_data import PERIODS, instant_of, timestamps

WEEK = Period(date(2026, 11, 22), 7)


@contextmanager
def opened(value: Path | str, *, writable: bool = False) -> Iterator[Connection]:
    with connect(open_engine(database_url(str(value)), writable=writable)) as connection:
        yield connection


def number_of_users(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(users)).scalar_one()


def problem_with(value: Path | str) -> DatabaseProblem:
    with pytest.raises(DatabaseProblem) as caught, opened(value) as connection:
        sessions_by_role(connection, [WEEK], completed_only=True)
    assert str(caught.value) == caught.value.what
    assert caught.value.what.endswith(".")
    assert caught.value.remedy.endswith((".", "?"))
    return caught.value


# What opens


@pytest.mark.parametrize(
    "name",
    [
        "plain.db",
        "with space.db",
        "100%.db",
        "100%25.db",
        "a#b.db",
        "what?mode=rwc.db",
        "Übung ß.db",
        "a&b=c.db",
        "'q'.db",
    ],
)
def test_a_bare_path_opens_whatever_its_characters_are(tmp_path: Path, name: str):
    with opened(worked_case(tmp_path / name)) as connection:
        assert number_of_users(connection) == 9
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_sqlite_address_opens_as_well_as_a_path(worked_path: Path):
    with opened(f"sqlite:///{worked_path}") as connection:
        assert number_of_users(connection) == 9


def test_a_path_may_begin_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    worked_case(tmp_path / "mine.db")
    with opened("~/mine.db") as connection:
        assert number_of_users(connection) == 9


def test_a_relative_path_starts_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    worked_case(tmp_path / "here.db")
    monkeypatch.chdir(tmp_path)
    with opened("here.db") as connection:
        assert number_of_users(connection) == 9


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_name_for_postgresql_means_the_driver_that_is_installed(scheme: str):
    url = database_url(f"{scheme}://ann:secret@server:5433/fluency")
    assert url.drivername == "postgresql+psycopg"
    assert (url.host, url.port, url.database, url.password) == ("server", 5433, "fluency", "secret")


# Only reading


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO users (user_id) VALUES ('eve')",
        "UPDATE users SET role = 'free'",
        "DELETE FROM users",
        "DROP TABLE users",
        "CREATE TABLE notes (note TEXT)",
        "CREATE INDEX more ON users (email)",
    ],
)
def test_the_engine_cannot_write(worked: Connection, change: str):
    with pytest.raises(DBAPIError, match=r"readonly database|read-only transaction"):
        worked.execute(text(change))


def test_not_even_switching_the_protection_off_lets_it_write(worked_path: Path):
    with opened(worked_path) as connection:
        connection.execute(text("PRAGMA query_only = OFF"))
        with pytest.raises(OperationalError, match="readonly database"):
            connection.execute(text("DELETE FROM users"))


def test_reading_changes_no_byte_and_leaves_no_file(tmp_path: Path):
    path = worked_case(tmp_path / "data.db")
    before = hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
    with opened(path) as connection:
        sessions_by_role(connection, [WEEK, WEEK.before], completed_only=True)
    assert (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_writable_engine_writes_where_it_was_asked_for(tmp_path: Path):
    path = empty_database(tmp_path / "data.db")
    with opened(path, writable=True) as connection:
        connection.execute(users.insert().values(user_id="ann"))
        connection.commit()
    with opened(path) as connection:
        assert number_of_users(connection) == 1


def test_a_missing_file_is_not_created_even_for_writing(tmp_path: Path):
    with pytest.raises(DatabaseProblem), opened(tmp_path / "new.db", writable=True):
        pass
    assert not list(tmp_path.iterdir())


def test_rows_that_a_writer_has_just_committed_in_wal_mode_are_seen(tmp_path: Path):
    path = one_row(tmp_path / "wal.db")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("INSERT INTO users (user_id) VALUES ('bob')")
        writer.commit()
        with opened(path) as connection:
            assert number_of_users(connection) == 2


# Every way to refuse


def test_a_wrong_path_names_file_and_folder(tmp_path: Path):
    assert problem_with(tmp_path / "gone.db").what == f"There is no file gone.db in {tmp_path}."


def test_a_folder_is_no_database(tmp_path: Path):
    assert problem_with(tmp_path).what == f"{tmp_path} is a folder, not a database file."


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path):
    (tmp_path / "empty.db").touch()
    assert problem_with(tmp_path / "empty.db").what == "The file empty.db is empty."


@pytest.mark.parametrize("content", [b"user_id,email\n", b"SQLite format 3", b"\x00" * 4096])
def test_a_file_of_something_else_is_no_database(tmp_path: Path, content: bytes):
    (tmp_path / "users.csv").write_bytes(content)
    assert problem_with(tmp_path / "users.csv").what == "The file users.csv is not a SQLite database."


def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path):
    path = worked_case(tmp_path / "damaged.db")
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)
    assert "damaged" in problem_with(path).what


def test_a_file_that_was_cut_off_is_said_to_be_damaged(tmp_path: Path):
    path = worked_case(tmp_path / "cut.db")
    path.write_bytes(path.read_bytes()[:6_000])
    assert "damaged" in problem_with(path).what


@pytest.mark.parametrize("table", ["users", "coaching_sessions"])
def test_a_missing_table_is_named(tmp_path: Path, table: str):
    assert problem_with(without_table(tmp_path / "data.db", table)).what == f"The database has no table {table}."


@pytest.mark.parametrize(("table", "column"), [("coaching_sessions", "error_count"), ("users", "role")])
def test_a_missing_column_is_named(tmp_path: Path, table: str, column: str):
    path = without_column(tmp_path / "data.db", table, column)
    assert problem_with(path).what == f"A table of the database has no column {column}."


def test_a_database_that_a_writer_holds_is_said_to_be_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.05)
    path = worked_case(tmp_path / "busy.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        problem = problem_with(path)
    assert problem.what == "The database is busy: another program keeps writing to it."
    with opened(path) as connection:
        assert number_of_users(connection) == 9


@pytest.mark.parametrize("value", ["sqlite://", "sqlite:///", "sqlite:///:memory:"])
def test_a_database_without_a_file_is_refused(value: str):
    assert problem_with(value).what == "No database file is named."


SECRET = "Xy7secret"


@pytest.mark.parametrize(
    "value",
    [
        f"postgresql://ann:{SECRET}@host:port/db",
        f"ann:{SECRET}://host/db",
        f"://ann:{SECRET}@host",
        f"postgres ql://ann:{SECRET}@host",
        f"oracle9://ann:{SECRET}@host/db",
        f"mysql://ann:{SECRET}@host/db",
        f"postgresql+psycopg2://ann:{SECRET}@host/db",
        f"postgresql://ann:{SECRET}@127.0.0.1:1/db",
    ],
)
def test_a_password_is_in_no_message(value: str):
    with pytest.raises(DatabaseProblem) as caught, opened(value):
        pass
    assert SECRET not in caught.value.what + caught.value.remedy


@pytest.mark.parametrize("kind", ["mysql", "postgresql+psycopg2"])
def test_a_kind_of_database_whose_driver_is_not_installed_is_named(kind: str):
    with pytest.raises(DatabaseProblem, match=f"There is no driver for databases of the kind '{re.escape(kind)}"):
        database_url(f"{kind}://ann:{SECRET}@host/db")


def test_a_server_that_does_not_answer_is_said_not_to():
    with (
        pytest.raises(DatabaseProblem, match="The database server does not answer"),
        opened("postgresql://ann:x@127.0.0.1:1/db"),
    ):
        pass


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ('relation "lead_scores" does not exist', "The database has no table lead_scores."),
        ('relation "public.users" does not exist', "The database has no table users."),
        ("column coaching_sessions.phase does not exist", "A table of the database has no column phase."),
        ('password authentication failed for user "ann"', "The database refuses the user or the password."),
        ('connection failed: FATAL:  role "ann" does not exist', "The database refuses the user or the password."),
        ('database "fluency" does not exist', "The server has no database fluency."),
        ("permission denied for table users", "The database user may not read users."),
        ("server closed the connection unexpectedly", "The database server does not answer."),
        ("something that nobody has seen before", "The database could not answer."),
    ],
)
def test_what_postgresql_refuses_becomes_a_sentence(message: str, what: str):
    with pytest.raises(DatabaseProblem) as caught, connect(create_engine("sqlite://")):
        raise ProgrammingError("SELECT 1", {}, Exception(message))
    assert caught.value.what == what


def test_a_problem_of_another_kind_is_not_swallowed(worked_path: Path):
    with pytest.raises(ZeroDivisionError), opened(worked_path):
        raise ZeroDivisionError


def test_the_cause_stays_known_for_the_log(tmp_path: Path):
    assert isinstance(problem_with(without_table(tmp_path / "data.db", "users")).__cause__, OperationalError)


# Answers as tables


def test_an_answer_has_exactly_the_columns_and_types_that_were_asked_for(worked: Connection):
    frame = read(
        worked,
        select(users.c.user_id, func.length(users.c.email), func.count() * 1.5, func.count() > 0, users.c.created_at)
        .group_by(users.c.user_id)
        .limit(2),
        {"id": "str", "length": "int64", "share": "float64", "any": "bool", "at": "utc"},
    )
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "id": "str",
        "length": "int64",
        "share": "float64",
        "any": "bool",
        "at": "datetime64[ns, UTC]",
    }
    assert frame.attrs["sql"].startswith("SELECT users.user_id")


def test_where_nobody_asks_for_it_the_sql_is_not_written_out(worked: Connection):
    worked.execution_options(**{UNTOLD: True})
    assert read(worked, select(users.c.user_id), {"id": "str"}).attrs == {}


def test_no_rows_have_the_same_types_as_an_answer_of_none(worked: Connection):
    columns = {"id": "str", "length": "int64", "share": "float64", "any": "bool", "at": "utc"}
    query = select(users.c.user_id, 1, 1.5, True, users.c.created_at).where(users.c.user_id == "nobody")
    pd.testing.assert_frame_equal(read(worked, query, columns), no_rows(columns))


def test_the_statement_shown_to_people_gives_the_same_answer(worked: Connection):
    statement = select(func.count()).where(
        in_window(coaching_sessions.c.started_at, WEEK), coaching_sessions.c.user_id != "it's"
    )
    shown = sql_text(worked, statement)
    assert "'2026-11-16" in shown
    assert worked.exec_driver_sql(shown).scalar() == worked.execute(statement).scalar() == 17


@given(st.data(), PERIODS)
def test_a_timestamp_becomes_the_instant_that_it_means(data: st.DataObject, period: Period):
    stamps = data.draw(st.lists(timestamps(period), max_size=8))
    found = to_utc(pd.Series(stamps, dtype="object"))
    assert str(found.dtype) == "datetime64[ns, UTC]"
    for stamp, instant in zip(stamps, found, strict=True):
        wanted = instant_of(stamp)
        if wanted is not None:
            assert instant.to_pydatetime() == wanted


@pytest.mark.parametrize("stamp", ["soon", "", "2026-13-45 99:00:00", "9999-12-31 00:00:00", "0001-01-01", None])
def test_what_is_no_timestamp_or_too_far_away_becomes_none(stamp: str | None):
    assert to_utc(pd.Series([stamp], dtype="object")).isna().all()


def test_real_timestamps_become_utc():
    real = pd.Series([datetime(2026, 11, 22, 10, tzinfo=UTC), None])
    assert to_utc(real).tolist() == [pd.Timestamp("2026-11-22 10:00", tz="UTC"), pd.NaT]


def test_the_newest_of_none_is_none():
    assert newest(to_utc(pd.Series([None, "soon"], dtype="object"))) is None
    assert newest(to_utc(pd.Series(["2026-11-22", "2026-11-23T00:00Z"]))) == datetime(2026, 11, 23, tzinfo=UTC)


def test_a_table_is_there_or_not(tmp_path: Path):
    with opened(without_table(tmp_path / "data.db", "lead_scores")) as connection:
        assert has_table(connection, "users")
        assert not has_table(connection, "lead_scores")


# When the data changes


@pytest.mark.parametrize("name", ["data.db", "my data #1 100%.db"])
def test_the_fingerprint_stays_until_the_data_changes(tmp_path: Path, name: str):
    path = one_row(tmp_path / name)
    engine = open_engine(database_url(str(path)))
    first = fingerprint(engine)
    with connect(engine) as connection:
        number_of_users(connection)
    assert fingerprint(engine) == first
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("INSERT INTO users (user_id) VALUES ('bob')")
    assert fingerprint(engine) != first


def test_the_fingerprint_sees_what_is_only_in_the_write_ahead_log(tmp_path: Path):
    path = one_row(tmp_path / "data.db")
    engine = open_engine(database_url(str(path)))
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        first = fingerprint(engine)
        writer.execute("INSERT INTO users (user_id) VALUES ('bob')")
        writer.commit()
        assert fingerprint(engine) != first


def test_the_fingerprint_sees_a_file_that_was_replaced(tmp_path: Path):
    path = one_row(tmp_path / "data.db")
    engine = open_engine(database_url(str(path)))
    first = fingerprint(engine)
    worked_case(tmp_path / "new.db").replace(path)
    assert fingerprint(engine) != first
    with connect(engine) as connection:
        assert number_of_users(connection) == 9


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/data/fluency.db", "fluency.db"),
        ("sqlite:////data/fluency.db", "fluency.db"),
        (f"postgresql://ann:{SECRET}@server:5432/fluency", "server/fluency"),
        (f"postgresql://ann:{SECRET}@/fluency", "localhost/fluency"),
    ],
)
def test_the_address_for_people_has_no_user_and_no_password(value: str, shown: str):
    assert shown_address(database_url(value)) == shown


def test_a_password_with_a_bare_at_sign_is_refused_before_part_of_it_is_shown() -> None:
    with pytest.raises(DatabaseProblem) as caught:
        database_url("postgresql://ann:p@ss/word@server/data")
    assert "%40" in caught.value.remedy
    assert "word" not in f"{caught.value.what} {caught.value.remedy}".replace("password", "")


@pytest.mark.parametrize("password", ["p@ss", "p@ss/x?y", "p@ss/x?y=z", "p@ss?a=b&c", "a@b@c", "p@s:s#/x"])
@pytest.mark.parametrize("rest", ["server/data", "127.0.0.1:5432/data?sslmode=require"])
def test_no_part_of_a_password_is_taken_for_something_else(password: str, rest: str) -> None:
    with pytest.raises(DatabaseProblem) as caught:
        database_url(f"postgresql://ann:{password}@{rest}")
    assert caught.value.what.startswith("The address of the database cannot be read")


@pytest.mark.parametrize(
    "address",
    ["ann@lab:secret@server/data", "ann:p?x=y/z@server/data", "server/data?user=ann@lab", "ann@server/data", "/data"],
)
def test_a_sign_that_stands_where_it_may_is_no_problem(address: str) -> None:
    assert database_url(f"postgresql://{address}").database == "data"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a.db", str(Path.cwd() / "a.db"), True),
        ("a.db", "sqlite:///a.db", True),
        ("x/a.db", "y/a.db", False),
        ("postgresql://ann:secret@host/data", "postgresql://bob@host:5432/data?sslmode=require", True),
        ("postgresql://host/data", "postgresql://host:5433/data", False),
        ("postgresql://host/data", "postgresql://other/data", False),
        ("postgresql://host/data", "postgresql://host/other", False),
        ("postgresql://host/data", "postgresql://host/data?options=-csearch_path%3Dtest", False),
    ],
)
def test_addresses_of_one_database_have_one_key_that_tells_nothing(one: str, other: str, same: bool):
    keys = [database_key(database_url(address)) for address in (one, other)]
    assert (keys[0] == keys[1]) == same
    assert all(re.fullmatch(r"[0-9a-f]{16}", key) for key in keys)
