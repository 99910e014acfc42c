"""One value, one meaning: in a SQLite file of whatever columns, in Python, and in the PostgreSQL copy of the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Column, Connection, MetaData, Table, Text, create_engine, select

from lib.database import read, to_utc
from lib.dialects import amount, before, in_window, is_readable, is_unreadable, is_yes, moment, number
from lib.period import Period
from lib.queries.engagement import sessions_by_role
from lib.queries.freshness import newest_row, oldest_session
from lib.reading import read_number, read_time, read_whole, read_yes_or_no
from lib.schema import Timestamp, coaching_sessions, conversion_triggers, it_errors
from lib.sync.__main__ import main
from tests.conftest import opened
from tests.factory import make_database
from tests.postgres import Server
from tests.values import FLAGS, NOON, NUMBERS, TIMES, WHOLE

s, t, i = coaching_sessions.c, conversion_triggers.c, it_errors.c
ZONES = [("UTC", 0), ("Pacific/Kiritimati", 14), ("Etc/GMT+12", -12)]
DECLARED = ["TEXT", "DATETIME", "INTEGER", "REAL", "BLOB", ""]
EVERYTHING = Period(date(2026, 11, 22), 400)


@pytest.mark.parametrize(("value", "meaning"), TIMES.items(), ids=repr)
def test_a_time_is_read(value: Any, meaning: datetime | None) -> None:
    assert read_time(value) == meaning


@pytest.mark.parametrize(("value", "meaning"), NUMBERS.items(), ids=repr)
def test_a_number_is_read(value: Any, meaning: float | None) -> None:
    assert read_number(value) == meaning


@pytest.mark.parametrize(("value", "meaning"), WHOLE.items(), ids=repr)
def test_a_whole_number_is_read(value: Any, meaning: int | None) -> None:
    assert read_whole(value) == meaning


@pytest.mark.parametrize(("value", "meaning"), FLAGS.items(), ids=repr)
def test_yes_and_no_are_read(value: Any, meaning: bool | None) -> None:
    assert read_yes_or_no(value) is meaning


@pytest.mark.parametrize("value", [True, None, [], {}, Decimal("1e999999999"), 10**400, "9" * 5_000, float("inf")])
def test_what_no_column_holds_is_no_time_and_no_number(value: Any) -> None:
    assert (read_time(value), read_number(value), read_whole(value)) == (None, None, None)


@pytest.fixture(scope="module", params=DECLARED)
def column(request: pytest.FixtureRequest) -> Iterator[tuple[Connection, Table]]:
    """Every one of TIMES in an indexed column of SQLite that was declared one way or another."""
    table = Table("t", MetaData(), Column("given", Text), Column("at", Timestamp))
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE TABLE t (given TEXT, at {request.param})")
        connection.exec_driver_sql("CREATE INDEX i ON t (at)")
        connection.exec_driver_sql("INSERT INTO t VALUES (?, ?)", [(repr(value), value) for value in TIMES])
        yield connection, table
    engine.dispose()


def stored(connection: Connection) -> dict[str, Any]:
    """What the column made of each value: a text that is a number becomes one in a column of numbers."""
    return {row.given: row.at for row in connection.exec_driver_sql("SELECT given, at FROM t")}


def test_a_time_is_read_whatever_its_column_was_declared(column: tuple[Connection, Table]) -> None:
    connection, table = column
    meant = {given: read_time(value) for given, value in stored(connection).items()}
    rows = connection.execute(
        select(table.c.given, is_readable(table.c.at), is_unreadable(table.c.at), moment(table.c.at))
    )
    for given, readable, unreadable, days in rows:
        meaning = meant[given]
        assert (bool(readable), bool(unreadable)) == (
            meaning is not None,
            meaning is None and given not in ("''", "'  '"),
        )
        if meaning is not None:
            assert days == pytest.approx(meaning.timestamp() / 86_400 + 2_440_587.5, abs=1e-8), given
    values = read(
        connection, select(table.c.given, table.c.at).where(is_readable(table.c.at)), {"given": "str", "at": "utc"}
    )
    assert dict(zip(values["given"], values["at"], strict=True)) == {k: v for k, v in meant.items() if v is not None}


@pytest.mark.parametrize(("zone", "ahead"), ZONES)
@pytest.mark.parametrize("days", [1, 3])
def test_a_window_holds_exactly_the_times_of_its_days_whatever_their_column_was_declared(
    column: tuple[Connection, Table], zone: str, ahead: int, days: int
) -> None:
    connection, table = column
    meant = {given: read_time(value) for given, value in stored(connection).items()}
    for day in (date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 21), date(2026, 3, 2), date(2026, 12, 1)):
        period = Period(day, days, zone)
        found = set(connection.execute(select(table.c.given).where(in_window(table.c.at, period))).scalars())
        earlier = set(connection.execute(select(table.c.given).where(before(table.c.at, period.end))).scalars())
        local = {given: (at + timedelta(hours=ahead)).date() for given, at in meant.items() if at is not None}
        assert found == {given for given, local_day in local.items() if period.first <= local_day <= day}
        assert earlier == {given for given, local_day in local.items() if local_day <= day}


@pytest.mark.parametrize("declared", DECLARED)
def test_a_millisecond_decides_of_numbers_too(declared: str) -> None:
    midnight = 1_794_787_200  # 2026-11-16 00:00:00 UTC
    after = [midnight * 1000, midnight, str(midnight)]
    values = [*after, midnight * 1000 - 1, midnight - 0.001, str(midnight * 1000 - 1)]
    engine, table = create_engine("sqlite://"), Table("t", MetaData(), Column("at", Timestamp))
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE TABLE t (at {declared})")
        connection.exec_driver_sql("INSERT INTO t VALUES (?)", [(value,) for value in values])
        weeks = [Period(date(2026, 11, 22), 7), Period(date(2026, 11, 15), 7)]
        found = [connection.execute(select(table.c.at).where(in_window(table.c.at, week))).scalars() for week in weeks]
        assert sorted(map(float, found[0])) == sorted(map(float, after))
        assert len(list(found[1])) == 3
    engine.dispose()


# The file, and its copy


@pytest.fixture(scope="module")
def file_and_copy(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Connection]]:
    """A session, an offer and a mistake for every value, in a SQLite file and in the PostgreSQL copy of it."""
    folder = tmp_path_factory.mktemp("values")
    plain = {"user_id": "ann", "started_at": NOON.strftime("%Y-%m-%d %H:%M:%S")}
    path = make_database(
        folder / "lab.db",
        users=[{"user_id": "ann", "role": "free"}],
        sessions=[
            *({**plain, "session_id": f"started {value!r}", "started_at": value} for value in TIMES),
            *({**plain, "session_id": f"ended {value!r}", "ended_at": value} for value in TIMES),
            *({**plain, "session_id": f"score {value!r}", "confidence_score": value} for value in NUMBERS),
            *({**plain, "session_id": f"seconds {value!r}", "duration_seconds": value} for value in WHOLE),
        ],
        it_errors=[{"error_id": f"times {value!r}", "frequency": value, "user_id": "ann"} for value in WHOLE],
        offers=[
            *({"trigger_id": f"sent {value!r}", "offer_sent": value, "user_id": "ann"} for value in FLAGS),
            *({"trigger_id": f"at {value!r}", "triggered_at": value, "user_id": "ann"} for value in TIMES),
        ],
    )
    address = postgres_server.create_database("values")
    assert main(["--from", str(path), "--to", address, "--left-out", str(folder / "left_out.jsonl")]) == 0
    with opened(str(path)) as file, opened(address) as copy:
        yield [file, copy]


@pytest.mark.parametrize(("value", "meaning"), TIMES.items(), ids=repr)
def test_file_and_copy_read_the_same_time(
    file_and_copy: list[Connection], value: Any, meaning: datetime | None
) -> None:
    for connection in file_and_copy:
        started, ended = (
            connection.execute(select(column).where(s.session_id == f"{what} {value!r}")).scalar_one()
            for what, column in (("started", in_window(s.started_at, EVERYTHING)), ("ended", is_readable(s.ended_at)))
        )
        offered = connection.execute(
            select(before(t.triggered_at, EVERYTHING.end)).where(t.trigger_id == f"at {value!r}")
        ).scalar_one()
        is_time = meaning is not None
        assert (bool(started), bool(ended), bool(offered)) == (is_time, is_time, is_time)
        if meaning is not None:
            at = connection.execute(select(s.started_at).where(s.session_id == f"started {value!r}")).scalar_one()
            assert to_utc(pd.Series([at])).iloc[0] == meaning


@pytest.mark.parametrize(("value", "meaning"), NUMBERS.items(), ids=repr)
def test_file_and_copy_read_the_same_number(file_and_copy: list[Connection], value: Any, meaning: float | None) -> None:
    query = select(number(s.confidence_score)).where(s.session_id == f"score {value!r}")
    assert [connection.execute(query).scalar_one() for connection in file_and_copy] == [meaning, meaning]


@pytest.mark.parametrize(("value", "meaning"), WHOLE.items(), ids=repr)
def test_file_and_copy_read_the_same_whole_number(
    file_and_copy: list[Connection], value: Any, meaning: int | None
) -> None:
    seconds = select(number(s.duration_seconds)).where(s.session_id == f"seconds {value!r}")
    times = select(amount(i.frequency)).where(i.error_id == f"times {value!r}")
    for connection in file_and_copy:
        assert connection.execute(seconds).scalar_one() == connection.execute(times).scalar_one() == meaning


@pytest.mark.parametrize(("value", "meaning"), FLAGS.items(), ids=repr)
def test_file_and_copy_read_the_same_yes(file_and_copy: list[Connection], value: Any, meaning: bool | None) -> None:
    query = select(is_yes(t.offer_sent)).where(t.trigger_id == f"sent {value!r}")
    assert [bool(connection.execute(query).scalar_one()) for connection in file_and_copy] == [meaning is True] * 2


@pytest.mark.parametrize("completed_only", [True, False])
def test_file_and_copy_give_the_same_numbers(file_and_copy: list[Connection], completed_only: bool) -> None:
    file, copy = (
        sessions_by_role(connection, [EVERYTHING, Period(date(2026, 11, 20), 1)], completed_only=completed_only)
        for connection in file_and_copy
    )
    assert file.to_dict() == copy.to_dict()
    assert file["sessions"].min() > 0


def test_file_and_copy_have_the_same_newest_and_oldest_session(file_and_copy: list[Connection]) -> None:
    newest = [newest_row(connection, coaching_sessions, EVERYTHING.end) for connection in file_and_copy]
    oldest = [oldest_session(connection) for connection in file_and_copy]
    times = [meaning for meaning in TIMES.values() if meaning is not None]
    assert newest == [max(times)] * 2
    assert {instant.date() for instant in oldest if instant} == {min(times).date()}


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("numbers_are_newer", [True, False])
def test_the_newest_session_is_found_among_dates_seconds_and_milliseconds(
    declared: str, numbers_are_newer: bool, tmp_path: Path
) -> None:
    path = make_database(tmp_path / "lab.db", without=["coaching_sessions"])
    day = 86_400
    seconds = [int(NOON.timestamp()) + (1 if numbers_are_newer else -1) * day * n for n in (1, 3)]
    milliseconds = [1000 * (int(NOON.timestamp()) + (1 if numbers_are_newer else -1) * day * n) for n in (2, 4)]
    values = ["2026-11-20 10:00:00", "2026-11-19T10:00:00Z", *seconds, *milliseconds]
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"CREATE TABLE coaching_sessions (session_id TEXT, started_at {declared})")
        file.executemany("INSERT INTO coaching_sessions VALUES (?, ?)", [(str(value), value) for value in values])
    with opened(str(path)) as connection:
        newest, oldest = (
            newest_row(connection, coaching_sessions, EVERYTHING.end + timedelta(days=9)),
            oldest_session(connection),
        )
    extremes = NOON + timedelta(days=4), NOON - timedelta(days=1)
    assert (newest, oldest) == (extremes if numbers_are_newer else (NOON, NOON - timedelta(days=4)))
