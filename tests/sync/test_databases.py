from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from lib.database import database_url
from lib.schema import TABLES
from lib.sync.databases import DatabaseSource
from tests.factory import make_database, one_row, without_column, without_table, worked_case
from tests.odd_data import instant_of
from tests.postgres import Server
from tests.sync.conftest import Sync, all_rows, rows_of
from tests.users import public_folder, somebody_else

__all__ = ["public_folder"]

SHAPES = [
    "2026-11-16 09:30:00",
    "2026-11-16 09:30:00.125",
    "2026-11-16T09:30:00.000Z",
    "2026-11-16T09:30:00+05:30",
    "2026-11-16T09:30:00-0800",
    "2026-11-16",
]
ODD: dict[str, list[dict[str, Any]]] = {
    "users": [
        {"user_id": "Zoë😀", "role": "guest", "email": None, "created_at": "1999-01-01 00:00:00"},
        {"user_id": "ann", "role": None, "last_active": ""},
    ],
    "sessions": [
        *({"user_id": "gone", "started_at": shape, "ended_at": None} for shape in SHAPES),
        {"user_id": None, "started_at": None, "confidence_score": None, "duration_seconds": None},
        {"user_id": "ann", "started_at": "soon", "session_topic": "=1+1\t\n\\N 'quoted' \"twice\""},
    ],
    "mistakes": [
        {"user_id": "ann", "session_id": "nowhere", "error_text": text} for text in ("", " ", None, "x" * 9_999)
    ],
    "offers": [
        {"user_id": "ann", "offer_sent": sent, "offer_accepted": accepted, "confidence_scores": "{not json"}
        for sent, accepted in ((1, 0), (0, None), (None, 1))
    ],
}
TIMES = {
    "created_at",
    "last_active",
    "started_at",
    "ended_at",
    "detected_at",
    "timestamp",
    "calculated_at",
    "triggered_at",
}


def meaning(rows: dict[str, list[tuple[Any, ...]]]) -> dict[str, list[tuple[Any, ...]]]:
    """Rows with their times as instants and their flags as flags, whatever database they are from."""

    def value(name: str, given: Any) -> Any:
        if name in TIMES:
            return given.astimezone(UTC) if isinstance(given, datetime) else instant_of(given)
        return bool(given) if name.startswith("offer_") and given is not None else given

    return {
        table.name: [
            tuple(value(column.name, given) for column, given in zip(table.columns, row, strict=True))
            for row in rows[table.name]
        ]
        for table in TABLES
    }


@pytest.fixture
def fresh(postgres_server: Server) -> str:
    """The address of an empty PostgreSQL database."""
    return postgres_server.create_database(f"fresh{uuid4().hex}")


def test_from_a_file_to_postgresql_and_back_every_row_means_the_same(sync: Sync, tmp_path: Path, fresh: str) -> None:
    source, back = make_database(tmp_path / "source.db", **ODD), tmp_path / "back.db"
    run = sync(source, fresh)
    assert run.status == 0
    assert meaning(all_rows(fresh)) == meaning(all_rows(source))
    assert sync(fresh, back).status == 0
    assert meaning(all_rows(back)) == meaning(all_rows(source))
    assert "1 row of users: created_at cannot be read as a time, and was emptied." in run.out
    assert "1 row of coaching_sessions: started_at cannot be read as a time, and was emptied." in run.out
    for one, other in ((source, fresh), (fresh, back)):
        assert "Nothing changed" in sync(one, other).out


def test_between_files_every_value_is_the_very_same(sync: Sync, tmp_path: Path) -> None:
    source, target = make_database(tmp_path / "source.db", **ODD), tmp_path / "target.db"
    assert sync(source, target).status == 0
    assert all_rows(target) == all_rows(source)


def test_a_new_target_has_the_indexes_and_no_foreign_keys(sync: Sync, tmp_path: Path, fresh: str) -> None:
    sync(worked_case(tmp_path / "source.db"), fresh)
    with psycopg.connect(fresh) as server:
        indexes = server.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'ix_%'").fetchone()
        keys = server.execute("SELECT count(*) FROM pg_constraint WHERE contype = 'f'").fetchone()
    assert (indexes, keys) == ((8,), (0,))


def test_between_servers_what_one_of_them_changed_is_brought_over(sync: Sync, postgres_server: Server) -> None:
    source = make_database(postgres_server.create_database("syncsource"), **ODD)
    target = make_database(postgres_server.create_database("synctarget", locale="en-US"), naive=True, **ODD)
    assert "Nothing changed" in sync(source, target).out
    with psycopg.connect(source) as server:
        server.execute("UPDATE users SET last_active = '2026-11-20 12:00+02' WHERE user_id = 'ann'")
        server.execute(
            "UPDATE detected_errors SET session_id = NULL, error_text = 'a' WHERE error_id = 'detected_errors1'"
        )
        server.execute("DELETE FROM detected_errors WHERE error_id = 'detected_errors2'")
        server.execute("INSERT INTO users VALUES ('new', NULL, NULL, NULL, 'infinity', NULL)")
    run = sync(source, target)
    assert "users 3, 1 new, 1 changed;" in run.out
    assert "detected_errors 3, 1 changed, 1 removed;" in run.out
    assert "1 row of users: created_at cannot be read as a time" in run.out
    assert rows_of(target, "users")[1][5] == datetime(2026, 11, 20, 10)


PRODUCTION = """
    CREATE TYPE role AS ENUM ('free', 'student', 'coach', 'superuser', 'guest');
    CREATE TABLE users (
        user_id varchar(50) PRIMARY KEY, email varchar(20) DEFAULT 'x', role role, english_level char(2),
        created_at timestamp, last_active timestamptz, our_own text DEFAULT 'kept');
    CREATE TABLE coaching_sessions (
        session_id text PRIMARY KEY, user_id varchar REFERENCES users, session_topic text,
        user_level text, started_at timestamptz NOT NULL, ended_at timestamptz, duration_seconds bigint,
        confidence_score numeric(3, 1), message_count smallint, error_count integer, phase text);
    CREATE TABLE detected_errors (
        error_id text PRIMARY KEY, session_id text REFERENCES coaching_sessions ON DELETE CASCADE,
        user_id text, error_type text, error_category text, error_text text, severity text, detected_at timestamptz);
    CREATE TABLE conversion_triggers (
        trigger_id text PRIMARY KEY, user_id text REFERENCES users, trigger_type text, conditions_met json,
        confidence_scores jsonb, triggered_at timestamptz, offer_sent boolean, offer_accepted boolean);
"""


def test_a_target_with_types_and_keys_of_its_own_is_kept_to(sync: Sync, tmp_path: Path, fresh: str) -> None:
    with psycopg.connect(fresh) as server:
        server.execute(PRODUCTION)
    source = make_database(
        tmp_path / "source.db",
        users=[{"user_id": "ann"}, {"user_id": "bob", "email": "much-too-long@example.org"}],
        sessions=[
            {"user_id": "ann", "confidence_score": 8.25},
            {"user_id": "gone"},
            {"user_id": None},
            {"user_id": "bob"},
            {"user_id": "ann", "started_at": None},
        ],
        mistakes=[{"user_id": "ann", "session_id": f"coaching_sessions{number}"} for number in (1, 2, 3)],
        offers=[
            {"user_id": "ann", "conditions_met": '{"sessions": 3}', "confidence_scores": "[9.0,8.5]"},
            {"user_id": "ann", "conditions_met": "three sessions"},
        ],
    )
    run = sync(source, fresh)
    assert run.status == 0
    for sentence in (
        "1 row of users: email is longer than 20 characters",
        "2 rows of coaching_sessions: user_id points at nothing in users",
        "1 row of coaching_sessions: started_at is missing",
        "1 row of detected_errors: session_id points at nothing in coaching_sessions",
        "1 row of conversion_triggers: conditions_met is no JSON, and the target wants JSON",
    ):
        assert f"Left out: {sentence}." in run.out
    assert [row[0] for row in rows_of(fresh, "coaching_sessions")] == ["coaching_sessions1", "coaching_sessions3"]
    assert "Nothing changed" in sync(source, fresh).out
    make_database(source, users=[{"user_id": "eve"}], sessions=[{"user_id": "eve", "started_at": "2026-11-20"}])
    assert sync(source, fresh).status == 0
    with psycopg.connect(fresh) as server:
        assert server.execute("SELECT user_id, our_own FROM users").fetchall() == [("eve", "kept")]


def test_a_row_that_the_target_refuses_all_the_same_gives_a_sentence(sync: Sync, tmp_path: Path, fresh: str) -> None:
    with psycopg.connect(fresh) as server:
        server.execute(PRODUCTION)
    source = make_database(tmp_path / "source.db", users=[{"user_id": "ann", "role": "Free"}])
    run = sync(source, fresh)
    assert run.err == (
        'Target: The table users refuses the rows: invalid input value for enum role: "Free". '
        "Its definition is not the one in lib/schema.\n"
    )
    assert rows_of(fresh, "users") == []


def test_an_offer_that_only_the_target_knows_stays_as_long_as_its_user_does(sync: Sync, tmp_path: Path) -> None:
    people = [{"user_id": "ann"}, {"user_id": "bob"}]
    target = make_database(
        tmp_path / "target.db",
        users=[*people, {"user_id": "eve"}],
        offers=[{"trigger_id": name, "user_id": name} for name in ("ann", "bob", "eve")],
    )
    waiting = {"trigger_id": "ann", "user_id": "ann", "offer_sent": 0}
    source = make_database(tmp_path / "source.db", users=people, sessions=[{"user_id": "ann"}], offers=[waiting])
    assert sync(source, target).status == 0
    assert [(row[0], row[6]) for row in rows_of(target, "conversion_triggers")] == [("ann", 1), ("bob", 1)]
    make_database(
        source, users=people, sessions=[{"user_id": "ann"}], offers=[waiting | {"offer_sent": 1, "offer_accepted": 1}]
    )
    sync(source, target)
    assert [(row[0], row[7]) for row in rows_of(target, "conversion_triggers")] == [("ann", 1), ("bob", 0)]


def test_the_source_is_read_in_one_state_whatever_is_written_meanwhile(tmp_path: Path, postgres_server: Server) -> None:
    file = one_row(tmp_path / "source.db")
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    server = one_row(postgres_server.create_database("snapshot"))
    for address in (str(file), server):
        batches = DatabaseSource(database_url(address)).batches()
        assert next(batches).table == "users"
        _add_a_mistake(address)
        seen = [row[0] for batch in batches if batch.table == "detected_errors" for row in batch.rows or ()]
        assert seen == ["detected_errors1"]
        assert len(rows_of(Path(address) if address == str(file) else address, "detected_errors")) == 2


def _add_a_mistake(address: str) -> None:
    statement = "INSERT INTO detected_errors (error_id) VALUES ('later')"
    if "://" in address:
        with psycopg.connect(address) as server:
            server.execute(statement)
    else:
        with closing(sqlite3.connect(address)) as connection, connection:
            connection.execute(statement)


def test_text_that_no_database_should_hold_is_replaced_and_counted(sync: Sync, tmp_path: Path, fresh: str) -> None:
    source = make_database(tmp_path / "source.db", users=[{"user_id": "ann"}], sessions=[{"user_id": "ann"}])
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("UPDATE users SET email = 'a' || char(0) || CAST(x'ff' AS TEXT) || 'b'")
    run = sync(source, fresh)
    assert "1 row of users: email held characters that databases cannot keep." in run.out
    assert rows_of(fresh, "users")[0][1] == "a\ufffd\ufffdb"


def test_a_table_that_a_young_installation_does_not_have_is_left_alone(sync: Sync, tmp_path: Path) -> None:
    source = without_table(tmp_path / "source.db", "lead_scores")
    target = worked_case(tmp_path / "target.db")
    before = all_rows(target)
    run = sync(source, target)
    assert "lead_scores" not in run.out
    assert all_rows(target) == before


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: without_table(path, "users"), "Source: The database has no table users."),
        (lambda path: without_column(path, "users", "email"), "Source: The table users has no column email."),
        (lambda path: path.write_text("no database at all"), "Source: The file source.db is not a SQLite database."),
        (lambda _: None, "Source: There is no file source.db in"),
    ],
)
def test_a_source_that_is_none_gives_a_sentence_and_makes_no_target(
    make: Any, sentence: str, sync: Sync, tmp_path: Path
) -> None:
    make(tmp_path / "source.db")
    run = sync(tmp_path / "source.db", tmp_path / "target.db")
    assert (run.status, run.err.count("\n")) == (1, 1)
    assert run.err.startswith(sentence)
    assert "FLUENCY_DATABASE_URL" not in run.err
    assert [path.name for path in tmp_path.iterdir() if path.name != "source.db"] == []


def test_a_target_without_a_column_is_refused(sync: Sync, tmp_path: Path) -> None:
    source = worked_case(tmp_path / "source.db")
    target = without_column(tmp_path / "target.db", "users", "email")
    assert sync(source, target).err.startswith("Target: The table users has no column email.")


def test_a_folder_that_is_not_there_is_said(sync: Sync, tmp_path: Path) -> None:
    run = sync(one_row(tmp_path / "source.db"), tmp_path / "none" / "target.db")
    assert run.err.startswith(f"Target: No file can be made in {tmp_path / 'none'}.")


def test_a_server_that_refuses_gives_a_sentence_without_the_password(
    sync: Sync, tmp_path: Path, postgres_server: Server
) -> None:
    address = postgres_server.create_database("refusing")
    user, _, rest = address.removeprefix("postgresql://").partition(":")
    wrong = f"postgresql://{user}:wrong-s3cret@{rest.partition('@')[2]}"
    source = one_row(tmp_path / "source.db")
    for run in (sync(source, wrong), sync(wrong, source)):
        assert run.status == 1
        assert "refuses the user or the password. Check --" in run.err
        assert "s3cret" not in run.out + run.err


def test_a_user_who_may_only_read_cannot_be_the_one_who_writes(
    sync: Sync, tmp_path: Path, postgres_server: Server
) -> None:
    address = one_row(postgres_server.create_database("readonly"))
    before = all_rows(address)
    with psycopg.connect(address) as server:
        server.execute("REVOKE UPDATE ON users FROM CURRENT_USER")
    run = sync(worked_case(tmp_path / "source.db"), address)
    assert run.err.startswith("Target: The database user lacks a right: permission denied for table users. It needs ")
    assert all_rows(address) == before


def _guest(server: Server, address: str) -> str:
    """The address for a user with the rights that the command names, who owns nothing."""
    name = address.rpartition("/")[2]
    if server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'sync_guest'"):
        server.execute("DROP ROLE sync_guest")
    server.execute("CREATE ROLE sync_guest LOGIN PASSWORD 'guest'")
    for grant in (
        f"GRANT TEMPORARY ON DATABASE {name} TO sync_guest",
        "GRANT USAGE, CREATE ON SCHEMA public TO sync_guest",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO sync_guest",
    ):
        server.execute(grant, name)
    return re.sub("//.*@", "//sync_guest:guest@", address)


def test_indexes_on_tables_of_somebody_else_are_printed_and_the_rows_are_copied(
    sync: Sync, tmp_path: Path, postgres_server: Server
) -> None:
    address = make_database(postgres_server.create_database("owned"), without=["lead_scores"], **ODD)
    with psycopg.connect(address) as server:
        server.execute("DROP INDEX ix_users_role_user_id")
    source = worked_case(tmp_path / "source.db")
    run = sync(source, _guest(postgres_server, address), "--allow-emptied", "detected_errors.session_id")
    assert (run.status, run.err) == (0, "")
    assert run.out.endswith(
        "The target lacks indexes that the app needs. Its owner can make them:\n"
        "CREATE INDEX IF NOT EXISTS ix_users_role_user_id ON users (role, user_id, english_level);\n"
    )
    assert len(rows_of(address, "users")) == len(rows_of(source, "users"))
    assert "lead_scores" in run.out
    with psycopg.connect(address) as server:
        assert server.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'lead_scores'").fetchone() == (2,)
    postgres_server.execute("DROP OWNED BY sync_guest", "owned")


@pytest.mark.parametrize("busy", ["server", "file"])
def test_a_target_that_somebody_else_keeps_busy_is_waited_for_only_so_long(
    busy: str, sync: Sync, tmp_path: Path, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.sync.target.WAIT_SECONDS", 1)
    source = worked_case(tmp_path / "source.db")
    address = one_row(postgres_server.create_database("locked")) if busy == "server" else one_row(tmp_path / "busy.db")
    before = all_rows(address)
    with _opened_by_another(address) as other:
        other.execute("BEGIN IMMEDIATE" if busy == "file" else "LOCK TABLE users IN ROW EXCLUSIVE MODE")
        run = sync(source, address)
        other.rollback()
    assert run.err == (
        "Target: Another program has been writing to it for more than 1 seconds. "
        "Try again; if it stays so, find out which one it is.\n"
    )
    assert all_rows(address) == before


def _opened_by_another(address: str | Path) -> Any:
    return closing(sqlite3.connect(address)) if isinstance(address, Path) else psycopg.connect(address)


def test_a_server_that_only_lets_read_is_said_to(sync: Sync, tmp_path: Path, postgres_server: Server) -> None:
    address = one_row(postgres_server.create_database("reading"))
    postgres_server.execute("ALTER ROLE reading_owner SET default_transaction_read_only = on")
    run = sync(worked_case(tmp_path / "source.db"), address)
    assert run.err.startswith("Target: The database may only be read. Name a user who may write")


def test_a_file_or_folder_that_only_lets_read_is_said_to(
    sync: Sync, public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENCY_REPORTS_FOLDER", str(public_folder))
    source = one_row(public_folder / "source.db")
    target, waiting = worked_case(public_folder / "target.db"), one_row(public_folder / "waiting.db")
    with closing(sqlite3.connect(waiting)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    for path in (source, target, waiting):
        path.chmod(0o444)
    public_folder.chmod(0o555)
    with somebody_else():
        assert sync(source, target).err.startswith("Target: The database may only be read. Name a user who may write")
        assert sync(waiting, target).err.startswith("Source: The folder of the database file may not be written to. ")


def test_the_same_database_by_another_name_is_refused(sync: Sync, tmp_path: Path, postgres_server: Server) -> None:
    file = one_row(tmp_path / "source.db")
    link = tmp_path / "link.db"
    link.symlink_to(file)
    address = one_row(postgres_server.create_database("itself"))
    for one, other in ((file, link), (address, address.replace("127.0.0.1", "localhost"))):
        assert sync(one, other).err == "--from and --to are the same database. Name two different ones.\n"


def test_a_dry_run_counts_and_writes_nothing(sync: Sync, tmp_path: Path, fresh: str) -> None:
    source = worked_case(tmp_path / "source.db")
    target = one_row(tmp_path / "target.db")
    before = target.read_bytes()
    run = sync(source, target, "--dry-run")
    assert "\nA dry run, nothing was written" in run.out
    people = len(rows_of(source, "users"))
    assert f"users {people}, {people} new, 1 removed;" in run.out
    assert target.read_bytes() == before
    for missing in (tmp_path / "missing.db", fresh):
        assert sync(source, missing, "--dry-run").status == 0
    assert not (tmp_path / "missing.db").exists()
    with psycopg.connect(fresh) as server:
        assert server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
