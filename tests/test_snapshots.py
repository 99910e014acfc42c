from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import Connection, Engine, text

from lib import snapshots
from lib.database import database_url, open_engine
from lib.snapshots import fingerprint, keeps_writers_waiting, settled_state, snapshot
from tests.factory import make_database, one_row
from tests.postgres import Server

LONG_AGO = (10**9, 10**9)
ADD = "INSERT INTO users (user_id) VALUES ('bob')"


@pytest.fixture(params=["wal", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of one user that can be read and written at once."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres_server")
        return make_database(server.create_database("snapshots"), users=[{"user_id": "ann"}])
    path = make_database(tmp_path / "data.db", users=[{"user_id": "ann"}])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    os.utime(path, ns=LONG_AGO)
    return str(path)


@pytest.fixture
def engine(address: str) -> Iterator[Engine]:
    engine = open_engine(database_url(address))
    yield engine
    engine.dispose()


def write(address: str, statement: str = ADD) -> None:
    with closing(psycopg.connect(address) if "://" in address else sqlite3.connect(address)) as connection:
        connection.execute(statement)
        connection.commit()


def number_of_users(connection: Connection) -> int:
    return int(connection.execute(text("SELECT count(*) FROM users")).scalar_one())


def test_a_snapshot_does_not_see_what_is_committed_after_it_began(address: str, engine: Engine) -> None:
    with snapshot(engine) as (connection, state):
        write(address)
        assert number_of_users(connection) == 1
    with snapshot(engine) as (connection, later):
        assert number_of_users(connection) == 2
    assert later != state


def test_two_snapshots_of_the_same_data_have_the_same_state(engine: Engine) -> None:
    with snapshot(engine) as (_, first):
        pass
    with snapshot(engine) as (_, second):
        assert second == first
    assert fingerprint(engine) == first


def test_a_snapshot_cannot_write(engine: Engine) -> None:
    with snapshot(engine) as (connection, _), pytest.raises(Exception, match=r"readonly|read-only"):
        connection.execute(text(ADD))


def test_what_is_not_committed_yet_has_another_state_when_it_is(postgres_server: Server) -> None:
    address = make_database(postgres_server.create_database("open"), users=[{"user_id": "ann"}])
    engine = open_engine(database_url(address))
    with psycopg.connect(address) as writer:
        writer.execute(ADD)
        with snapshot(engine) as (connection, before):
            assert number_of_users(connection) == 1
        writer.commit()
    with snapshot(engine) as (connection, after):
        assert number_of_users(connection) == 2
    assert before != after
    engine.dispose()


def test_a_file_that_is_written_to_just_now_has_no_state_that_can_be_shared(tmp_path: Path) -> None:
    path = one_row(tmp_path / "data.db")
    engine = open_engine(database_url(str(path)))
    assert settled_state(engine) is None
    with snapshot(engine) as (_, one), snapshot(engine) as (_, other):
        assert one != other
    os.utime(path, ns=LONG_AGO)
    with snapshot(engine) as (_, one):
        assert one == settled_state(engine) == fingerprint(engine)


def test_a_commit_between_the_look_and_the_first_read_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = one_row(tmp_path / "data.db")
    os.utime(path, ns=LONG_AGO)
    looks = iter(range(100))
    real = snapshots.fingerprint

    def look(engine: Engine) -> str:
        seen = real(engine)
        if next(looks) == 0:
            write(str(path))
            os.utime(path, ns=(2 * 10**9, 2 * 10**9))
        return seen

    monkeypatch.setattr(snapshots, "fingerprint", look)
    with snapshot(open_engine(database_url(str(path)))) as (connection, state):
        assert number_of_users(connection) == 2
        assert state == real(connection.engine)


def test_only_a_file_in_rollback_mode_keeps_writers_waiting(engine: Engine, tmp_path: Path) -> None:
    assert not keeps_writers_waiting(engine)
    assert keeps_writers_waiting(open_engine(database_url(str(one_row(tmp_path / "rollback.db")))))


def test_nothing_that_is_done_to_a_file_meanwhile_takes_a_reader_his_lock(tmp_path: Path) -> None:
    """A process loses all locks of a file when any part of it closes that file by other means than SQLite."""
    path = one_row(tmp_path / "rollback.db")
    engine = open_engine(database_url(str(path)))
    with snapshot(engine):
        with snapshot(open_engine(database_url(str(path)))):
            fingerprint(engine)
            settled_state(engine)
        program = f"import sqlite3; c = sqlite3.connect({str(path)!r}, timeout=0); c.execute({ADD!r}); c.commit()"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert "database is locked" in done.stderr


def test_a_database_spread_over_servers_has_the_same_state_for_a_while(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_database(postgres_server.create_database("spread"))
    for statement in (
        "CREATE SCHEMA told AUTHORIZATION spread_owner CREATE VIEW pg_extension AS SELECT 'citus' AS extname",
        "ALTER DATABASE spread SET search_path = told, pg_catalog, public",
    ):
        postgres_server.execute(statement, "spread")
    engine, states = open_engine(database_url(url)), []
    for number, seconds in enumerate((100, 109, 110)):
        monkeypatch.setattr("lib.snapshots.time", SimpleNamespace(time=lambda seconds=seconds: seconds))
        write(url, f"INSERT INTO users (user_id) VALUES ('{number}')")
        states.append(fingerprint(engine))
    assert states[0] == states[1] != states[2]
