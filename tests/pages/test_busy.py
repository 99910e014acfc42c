"""A writer that commits all the time, and twenty readers that ask as the pages do.

Each commit of the writer adds a session and its mistake, so on every page there are as many of one as of the other.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lib.period import Period
from lib.queries.engagement import sessions_by_role
from lib.queries.mistakes import MistakeFilter, mistake_totals, session_count
from lib.ui import cached
from lib.ui.source import DataMoved, open_source
from tests.factory import make_database
from tests.pages.app import Clock, figures, forget_everything, open_page
from tests.postgres import Server

WEEK = Period(date(2026, 11, 22), 7)
READERS, VISITS = 20, 40


@contextmanager
def writer(address: str) -> Iterator[dict[str, float]]:
    """While inside, another process writes; what is given is filled in at the end."""
    said: dict[str, float] = {}
    command = [sys.executable, str(Path(__file__).with_name("busy_writer.py")), address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        try:
            yield said
        finally:
            process.terminate()
            last = process.communicate(timeout=300)[0]
        assert process.returncode == 0, "the writer was kept from writing"
        said |= json.loads(last)


@pytest.fixture(params=["wal", "delete", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of one user, in each way in which it can be written to."""
    ann = {"users": [{"user_id": "ann"}]}
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgres_server")
        return make_database(server.create_database("busy"), **ann)
    path = make_database(tmp_path / "busy.db", **ann)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(f"PRAGMA journal_mode = {request.param}").fetchone() == (request.param,)
    return str(path)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    forget_everything()
    yield
    forget_everything()


def visit(address: str) -> tuple[int, int, int]:
    """What a page that is drawn meanwhile shows: sessions, asked in two ways, and mistakes. Begins anew as the door
    does when the data has moved.
    """
    try:
        return numbers(address, held=False)
    except DataMoved:
        return numbers(address, held=True)


def numbers(address: str, *, held: bool) -> tuple[int, int, int]:
    with open_source(address, 30, held=held) as source:
        by_role = cached.ask(source, sessions_by_role, [WEEK], completed_only=False)
        draw()
        mistakes = cached.ask(source, mistake_totals, [WEEK], MistakeFilter(("detected",)))
        draw()
        sessions = cached.ask(source, session_count, WEEK, MistakeFilter())
        return int(by_role["sessions"].sum()), sessions, mistakes[0]


def draw() -> None:
    time.sleep(0.02)


def in_threads(look: Callable[[], Any], times: int) -> list[Any]:
    with ThreadPoolExecutor(READERS) as readers:
        return [found.result() for found in [readers.submit(look) for _ in range(times)]]


def test_no_reader_fails_and_none_sees_half_of_a_commit(address: str) -> None:
    with writer(address) as said:
        seen = in_threads(lambda: visit(address), VISITS)
    assert [found for found in seen if len(set(found)) != 1] == []
    assert len(set(seen)) > 1, "the data did change meanwhile"
    assert said["commits"] > 1


def test_every_figure_of_a_page_is_of_the_same_moment(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.ui.door.datetime", Clock)
    monkeypatch.setenv("FLUENCY_DATABASE_URL", address)
    with writer(address):
        shown = [figures(open_page("Home")) for _ in range(2)]
    assert [page for page in shown if page["Sessions"] != page["Mistakes"]] == []
    assert len({page["Sessions"] for page in shown}) > 1
