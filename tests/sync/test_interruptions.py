"""Whatever interrupts a copy, the target is as it was, and readers never see half of it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import inspect

from lib.database import database_url, open_engine
from lib.sync import changing
from lib.sync.copying import Order, copy
from tests.factory import make_database, one_row
from tests.postgres import Server
from tests.sync.conftest import Sync, all_rows, rows_of
from tests.sync.endpoint import TOKEN, Asked, Endpoint, Reply, good

ROOT = Path(__file__).resolve().parents[2]
SOURCE = {
    "users": [{"user_id": "ann", "role": "coach"}, {"user_id": "new"}],
    "sessions": [{"session_id": "coaching_sessions1", "user_id": "new"}],
    "errors": [{"error_id": "detected_errors1", "error_text": "changed"}],
}
CHANGED = ("users", "coaching_sessions", "detected_errors")
KILLED_BEFORE_COMMIT = """
import os, signal, sys
from lib.sync import changing
from lib.sync.copying import Order, copy
changing._finish = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from lib.sync.__main__ import main
main(sys.argv[1:])
"""


def start(*arguments: str | Path, command: tuple[str, ...] = ("-m", "lib.sync")) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *command, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "FLUENCY_API_TOKEN": TOKEN},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stalling() -> Reply:
    """All but the end of a good answer."""
    body = good(**SOURCE).body
    assert isinstance(body, bytes)
    return Reply(body[:-2], promised=len(body), stalls=True)


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(3_000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_a_copy_that_is_killed_while_it_fetches_leaves_every_target_as_it_was(
    endpoint: Endpoint, tmp_path: Path, postgres_server: Server
) -> None:
    endpoint.reply = stalling()
    server = one_row(postgres_server.create_database("killed"))
    file = one_row(tmp_path / "file.db")
    before = (all_rows(server), file.read_bytes())
    running = [start("--from", endpoint.url, "--to", target) for target in (server, file, tmp_path / "new.db")]
    wait_for(lambda: len(endpoint.asked) == len(running))
    for process in running:
        process.kill()
        process.communicate(timeout=60)
    assert [process.returncode for process in running] == [-signal.SIGKILL] * 3
    assert (all_rows(server), file.read_bytes()) == before
    assert not (tmp_path / "new.db").exists()


def test_what_a_killed_copy_left_is_cleared_by_the_next_one_and_what_a_living_one_makes_is_not(
    endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    endpoint.reply = stalling()
    target = tmp_path / "new[1].db"
    killed, living = (start("--from", endpoint.url, "--to", target) for _ in range(2))
    wait_for(lambda: len(endpoint.asked) == 2)
    other = tmp_path / ".else.db.01234567.part"
    other.touch()
    assert len(parts := set(tmp_path.glob(".new*.part"))) == 2
    killed.kill()
    killed.communicate(timeout=60)
    endpoint.reply = good(**SOURCE)
    assert sync(endpoint.url, target).status == 0
    assert len(left := set(tmp_path.glob(".new*.part"))) == 1
    assert left < parts
    living.kill()
    living.communicate(timeout=60)
    assert sync(endpoint.url, target).status == 0
    assert sorted(tmp_path.iterdir()) == [other, target]


def test_a_copy_that_is_told_to_stop_says_so_and_leaves_no_trace(endpoint: Endpoint, tmp_path: Path) -> None:
    endpoint.reply = stalling()
    running = [start("--from", endpoint.url, "--to", tmp_path / name) for name in ("one.db", "two.db")]
    wait_for(lambda: len(endpoint.asked) == len(running))
    for process, how in zip(running, (signal.SIGINT, signal.SIGTERM), strict=True):
        process.send_signal(how)
        assert process.communicate(timeout=60)[1] == "Stopped. The target is as it was.\n"
        assert process.returncode == 1
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_is_killed_just_before_its_commit_leaves_a_file_as_it_was(
    endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    endpoint.reply = good(**SOURCE)
    file = one_row(tmp_path / "file.db")
    before = all_rows(file)
    process = start("--from", endpoint.url, "--to", file, command=("-c", KILLED_BEFORE_COMMIT))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert all_rows(file) == before
    assert sync(endpoint.url, file).status == 0
    assert all_rows(file) != before


def test_while_postgresql_is_being_changed_readers_see_the_old_state_and_a_kill_keeps_it(
    endpoint: Endpoint, sync: Sync, postgres_server: Server
) -> None:
    endpoint.reply = good(**SOURCE)
    address = one_row(postgres_server.create_database("halfway"))
    before = all_rows(address)
    with psycopg.connect(address) as holding:
        # Users and sessions are changed before the copy comes to this row, for which it has to wait.
        holding.execute("SELECT 1 FROM detected_errors FOR UPDATE")
        process = start("--from", endpoint.url, "--to", address)
        wait_for(lambda: _is_waiting(postgres_server))
        assert all_rows(address) == before
        process.kill()
        process.communicate(timeout=60)
    assert all_rows(address) == before
    assert sync(endpoint.url, address).status == 0
    assert [row[:3:2] for row in all_rows(address)["users"]] == [("ann", "coach"), ("new", None)]


def _is_waiting(server: Server) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'halfway' AND wait_event_type = 'Lock'"
    with psycopg.connect(server.admin_url) as connection:
        return connection.execute(query).fetchone() == (1,)


def test_a_connection_that_the_target_ends_gives_a_sentence(
    endpoint: Endpoint, sync: Sync, postgres_server: Server
) -> None:
    address = one_row(postgres_server.create_database("ending"))
    before = all_rows(address)
    body = good(**SOURCE).body
    assert isinstance(body, bytes)

    def answer() -> Iterator[bytes]:
        yield body[:20]
        postgres_server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'ending'")
        yield body[20:]

    endpoint.reply = Reply(answer())
    run = sync(endpoint.url, address)
    assert run.err == ("Target: The database server is starting or shutting down. Try again in a moment.\n")
    assert all_rows(address) == before


def test_two_copies_at_once_wait_for_each_other(endpoint: Endpoint, postgres_server: Server, tmp_path: Path) -> None:
    both = threading.Barrier(2)

    def answer(_: Asked) -> Reply:
        both.wait(timeout=60)
        return good(users=[{"user_id": f"user{number}"} for number in range(3_000)])

    endpoint.reply = answer
    for target in (one_row(postgres_server.create_database("twice")), one_row(tmp_path / "file.db")):
        order = Order(SecretStr(endpoint.url), SecretStr(str(target)), tmp_path, SecretStr(""), allow_empty=True)
        with ThreadPoolExecutor(2) as threads:
            outcomes = list(threads.map(copy, [order, order]))
        assert sorted(outcome.changes[0].new for outcome in outcomes) == [0, 3_000]
        assert len(all_rows(target)["users"]) == 3_000


def test_ctrl_c_in_the_middle_of_the_change_undoes_it(
    endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: Server
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    endpoint.reply = good(**SOURCE, lead_scores=[{"score_id": "new"}])
    monkeypatch.setattr(changing, "_finish", interrupt)
    for target in (one_row(tmp_path / "file.db"), one_row(postgres_server.create_database("undone"))):
        _without_lead_scores(target)
        before = dumped(target)
        run = sync(endpoint.url, target)
        assert (run.status, run.err) == (1, "Stopped. The target is as it was.\n")
        assert dumped(target) == before
    sync(endpoint.url, tmp_path / "new.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file.db"]


def _without_lead_scores(target: Path | str) -> None:
    if isinstance(target, Path):
        with closing(sqlite3.connect(target)) as connection, connection:
            connection.execute("DROP TABLE lead_scores")
    else:
        with psycopg.connect(target) as server:
            server.execute("DROP TABLE lead_scores")


def dumped(target: Path | str) -> dict[str, object]:
    """The tables that there are, and the rows of those that the endpoint has."""
    tables = set(inspect(open_engine(database_url(str(target)))).get_table_names())
    return {name: rows_of(target, name) if name in tables else None for name in (*CHANGED, "lead_scores")}


def test_what_nobody_foresaw_is_a_sentence_too_and_leaves_the_target(
    endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    endpoint.reply = good(**SOURCE)
    monkeypatch.setattr(changing, "_finish", fail)
    target = make_database(tmp_path / "file.db", users=[{"user_id": "old"}])
    before = target.read_bytes()
    run = sync(endpoint.url, target)
    assert run.status == 1
    assert "The copy failed (ZeroDivisionError). The target is as it was." in run.err
    assert TOKEN not in run.out + run.err
    assert target.read_bytes() == before
