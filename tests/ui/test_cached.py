from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import altair as alt
import pandas as pd
import pytest
import streamlit as st
from sqlalchemy import Connection, event, text

from lib.charts import DARK, LIGHT, Palette, weekly_sessions
from lib.database import DatabaseProblem
from lib.period import Period
from lib.queries import conversion
from lib.ui import cached
from lib.ui.source import DataMoved, Source, open_source
from tests.factory import make_database, worked_case

R = TypeVar("R")
ASKED: list[str] = []
LONG_AGO = (10**9, 10**9)  # nanoseconds: a file that nobody is writing to just now
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


def source_of(path: Path) -> Source:
    """The file as a page that is over has it: nothing is open."""
    os.utime(path, ns=LONG_AGO)
    with open_source(str(path)) as source:
        return source


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return source_of(worked_case(tmp_path / "worked.db"))


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
    assert cached.ask(source_of(path), count_users, "free") == 1


def test_two_databases_never_share_an_answer(source: Source, tmp_path: Path):
    other = source_of(make_database(tmp_path / "other.db", users=[{"user_id": "ann"}]))
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
    path.write_bytes(b"broken".ljust(len(content)))
    with pytest.raises(DatabaseProblem):
        cached.ask(source, count_users, "free")
    path.write_bytes(content)
    os.utime(path, ns=LONG_AGO)
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


# Worked out of several answers, and of tables


def count_both(source: Source, *roles: str) -> list[int]:
    ASKED.append("both")
    return [cached.ask(source, count_users, role) for role in roles]


def test_what_is_worked_out_of_several_answers_is_kept_for_the_same_values(source: Source):
    assert [cached.worked_out(source, count_both, "free", "coach") for _ in range(3)] == [[4, 1]] * 3
    assert ASKED == ["both", "free", "coach"]
    assert cached.worked_out(source, count_both, "coach", "coach") == [1, 1]
    assert ASKED == ["both", "free", "coach", "both"]


def test_what_is_worked_out_asks_all_its_questions_on_one_connection(source: Source):
    opened: list[object] = []
    event.listen(source.engine, "checkout", lambda connection, *_: opened.append(connection))
    cached.worked_out(source, count_both, "free", "coach")
    assert len(opened) == 1


def test_what_is_worked_out_of_data_that_has_changed_is_not_given(source: Source, tmp_path: Path):
    cached.ask(source, count_users, "free")
    cached.ask(source, count_users, "coach")
    add_user(tmp_path / "worked.db", "eve")
    with pytest.raises(DataMoved):
        cached.worked_out(source, count_both, "free", "coach")


def total(numbers: pd.DataFrame) -> int:
    ASKED.append("total")
    return int(numbers["number"].sum())


def test_tables_that_hold_the_same_are_worked_with_once():
    numbers = pd.DataFrame({"number": range(5), "name": list("abcde")})
    assert [cached.made(total, table) for table in (numbers, numbers.copy())] == [10, 10]
    assert ASKED == ["total"]


def test_a_large_table_that_differs_in_one_value_has_an_answer_of_its_own():
    numbers = pd.DataFrame({"number": [0] * 60_000})
    for row in (7, 30_011, 59_999):
        changed = numbers.copy()
        changed.loc[row, "number"] = row
        assert cached.made(total, changed) == row


# Of one moment


def add_user(path: Path, name: str) -> None:
    with closing(sqlite3.connect(path)) as writer, writer:
        writer.execute("INSERT INTO users (user_id, role) VALUES (?, 'free')", [name])


def test_an_answer_of_other_data_is_neither_given_nor_kept(source: Source, tmp_path: Path):
    path = tmp_path / "worked.db"
    before = path.read_bytes()
    add_user(path, "eve")
    with pytest.raises(DataMoved):
        cached.ask(source, count_users, "free")
    path.write_bytes(before)
    os.utime(path, ns=LONG_AGO)
    assert cached.ask(source, count_users, "free") == 4


def test_what_was_answered_before_the_data_changed_is_still_known_to_the_page(source: Source, tmp_path: Path):
    assert cached.ask(source, count_users, "free") == 4
    add_user(tmp_path / "worked.db", "eve")
    assert cached.ask(source, count_users, "free") == 4


def test_a_file_that_changed_just_now_is_read_in_one_snapshot(tmp_path: Path):
    path = worked_case(tmp_path / "new.db")
    with closing(sqlite3.connect(path)) as mode:
        mode.execute("PRAGMA journal_mode = WAL")
    with open_source(str(path), held=True) as source:
        assert cached.ask(source, count_users, "free") == 4
        add_user(path, "eve")
        assert cached.ask(source, count_users, "coach") == 1
        assert cached.ask(source, count_all, "coach") == 9
    with open_source(str(path), held=True) as later:
        assert cached.ask(later, count_all, "coach") == 10


def test_a_file_without_a_snapshot_is_let_go_between_two_questions(source: Source, tmp_path: Path):
    cached.ask(source, count_users, "free")
    with closing(sqlite3.connect(tmp_path / "worked.db", timeout=0)) as writer, writer:
        writer.execute("DELETE FROM users WHERE user_id = 'nobody'")


# Many at once


def at_once(look: Callable[[], R], times: int = 8) -> list[R]:
    """The same by many threads that begin together."""
    start = Barrier(times)

    def begin() -> R:
        start.wait()
        return look()

    with ThreadPoolExecutor(times) as threads:
        return [found.result() for found in [threads.submit(begin) for _ in range(times)]]


def slow_frame(connection: Connection) -> pd.DataFrame:
    ASKED.append("frame")
    time.sleep(0.2)
    return pd.DataFrame(connection.execute(text("SELECT user_id FROM users ORDER BY 1")).all(), columns=["user_id"])


def test_many_who_ask_the_same_at_once_ask_the_database_once(source: Source):
    assert {len(frame) for frame in at_once(lambda: cached.ask(source, slow_frame))} == {9}
    assert ASKED == ["frame"]


def test_many_pages_that_need_the_same_scores_at_once_read_them_once(source: Source, monkeypatch: pytest.MonkeyPatch):
    real = conversion.scored_sessions

    def slow_scores(connection: Connection, period: Period) -> pd.DataFrame:
        ASKED.append("scores")
        time.sleep(0.2)
        return real(connection, period)

    monkeypatch.setattr("lib.queries.conversion.scored_sessions", slow_scores)
    found = at_once(lambda: cached.scored_sessions(source, FORTNIGHT))
    assert ASKED == ["scores"]
    assert {id(one) for one in found} == {id(found[0])}


def test_a_table_that_one_visitor_changes_is_as_it_was_for_everybody_else(source: Source):
    mine = cached.ask(source, slow_frame)
    mine["user_id"] = "gone"
    mine.loc[len(mine)] = "eve"
    assert len(cached.ask(source, slow_frame)) == 9
    assert "gone" not in set(cached.ask(source, slow_frame)["user_id"])


# Bounds


def big_text(_connection: Connection, number: int) -> str:
    ASKED.append(str(number))
    return "x" * (50 * 2**20)


def test_the_answers_that_are_kept_are_bounded_in_bytes(source: Source):
    for number in range(7):
        cached.ask(source, big_text, number)
    cached.ask(source, big_text, 6)
    assert "".join(ASKED) == "0123456"
    cached.ask(source, big_text, 0)
    assert "".join(ASKED) == "01234560"


def test_the_scores_that_are_kept_are_bounded_in_bytes(source: Source, monkeypatch: pytest.MonkeyPatch):
    first = cached.scored_sessions(source, FORTNIGHT)
    cached.scored_sessions(source, FORTNIGHT.before)
    assert cached.scored_sessions(source, FORTNIGHT) is first
    monkeypatch.setattr(cached, "MOST_SHARED_BYTES", first.scores.nbytes + first.started_at.nbytes)
    cached.scored_sessions(source, FORTNIGHT.before)
    assert cached.scored_sessions(source, FORTNIGHT) is not first


def test_everything_is_forgotten_after_very_many_states(source: Source, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cached, "MOST_STATES", 3)
    cached.ask(source, count_users, "free")
    for number in range(4):
        cached.computed_at(Source(source.name, f"state {number}", source.engine))
    cached.ask(source, count_users, "free")
    assert ASKED == ["free", "free"]


def test_a_chart_of_the_same_values_is_built_once(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []

    def chart(frame: pd.DataFrame, colours: Palette, *, title: str) -> alt.LayerChart:
        built.append(1)
        return alt.LayerChart(layer=[alt.Chart(frame, title=title).mark_bar().encode(x="n:Q")])

    frames = [pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [1, 2]}), pd.DataFrame({"n": [1, 3]})]
    drawn = [cached.drawn(chart, frame, title="a")(LIGHT) for frame in frames]
    assert len(built) == 2
    assert drawn[0].keys() == drawn[1].keys()
    cached.drawn(chart, frames[0], title="b")(LIGHT)
    cached.drawn(chart, frames[0], title="a")(DARK)
    assert len(built) == 4


def test_a_finished_chart_is_a_copy_for_each_visitor() -> None:
    weeks = pd.DataFrame({"week": [date(2026, 11, 16)], "group": ["free"], "sessions": [3], "is_over": [False]})
    draw = cached.drawn(weekly_sessions, weeks)
    draw(LIGHT).clear()
    assert draw(LIGHT)
