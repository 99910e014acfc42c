from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import streamlit as st
from sqlalchemy import Connection, text

from lib.database import DatabaseProblem
from lib.period import Period
from lib.ui import cached
from lib.ui.source import Source, open_source
from tests.factory import make_database, worked_case

ASKED: list[str] = []
FORTNIGHT = Period(date(2026, 11, 22), 14)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    ASKED.clear()
    cached.forget()
    st.cache_resource.clear()
    yield
    cached.forget()
    st.cache_resource.clear()


def count_users(connection: Connection, role: str, *, loud: bool = False) -> int:
    """A question that notes that it was asked."""
    ASKED.append(role)
    found = connection.execute(text("SELECT count(*) FROM users WHERE role = :role"), {"role": role}).scalar_one()
    return int(found) * (10 if loud else 1)


def count_all(connection: Connection, _role: str) -> int:
    ASKED.append("all")
    return int(connection.execute(text("SELECT count(*) FROM users")).scalar_one())


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return open_source(str(worked_case(tmp_path / "worked.db")))


def test_the_same_question_is_asked_once(source: Source):
    assert [cached.ask(source, count_users, "free") for _ in range(3)] == [4, 4, 4]
    assert ASKED == ["free"]


def test_other_values_and_other_queries_have_answers_of_their_own(source: Source):
    assert cached.ask(source, count_users, "free") == 4
    assert cached.ask(source, count_users, "coach") == 1
    assert cached.ask(source, count_users, "coach", loud=True) == 10
    assert cached.ask(source, count_all, "coach") == 9


def test_when_the_data_changes_the_database_is_asked_again(source: Source, tmp_path: Path):
    path = tmp_path / "worked.db"
    assert cached.ask(source, count_users, "free") == 4
    make_database(path, users=[{"user_id": "ann"}])
    os.utime(path, ns=(1, 1))
    assert cached.ask(open_source(str(path)), count_users, "free") == 1


def test_two_databases_never_share_an_answer(source: Source, tmp_path: Path):
    other = open_source(str(make_database(tmp_path / "other.db", users=[{"user_id": "ann"}])))
    assert cached.ask(source, count_users, "free") == 4
    assert cached.ask(other, count_users, "free") == 1


def test_forget_asks_again(source: Source):
    cached.ask(source, count_users, "free")
    cached.forget()
    cached.ask(source, count_users, "free")
    assert ASKED == ["free", "free"]


def test_a_problem_is_not_remembered(source: Source, tmp_path: Path):
    path = tmp_path / "worked.db"
    content = path.read_bytes()
    path.write_bytes(b"broken" * 100)
    with pytest.raises(DatabaseProblem):
        cached.ask(source, count_users, "free")
    path.write_bytes(content)
    assert cached.ask(source, count_users, "free") == 4


def test_the_time_of_an_answer_stays_as_long_as_the_answer(source: Source):
    first = cached.computed_at(source)
    assert cached.computed_at(source) == first
    cached.forget()
    assert cached.computed_at(source) > first


def test_several_windows_from_one_question_are_those_asked_one_by_one(source: Source):
    windows = [FORTNIGHT]
    while len(windows) < 4:
        windows.append(windows[-1].before)
    for window, together in zip(windows, cached.scored_history(source, tuple(windows)), strict=True):
        alone = cached.scored_sessions(source, window)
        assert together.user_ids.tolist() == alone.user_ids.tolist()
        assert together.session_ids.tolist() == alone.session_ids.tolist()


def test_what_everybody_shares_cannot_be_written_to(source: Source):
    with pytest.raises(ValueError, match="read-only"):
        cached.scored_sessions(source, FORTNIGHT).scores[0] = 10.0
