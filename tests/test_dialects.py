from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, func, literal_column, select, text

from lib.database import connect, database_url, open_engine, sql_text
from lib.dialects import (
    before,
    code_points,
    in_window,
    is_blank,
    is_readable,
    is_unreadable,
    moment,
    number,
    text_or,
)
from lib.period import Period
from lib.queries.conversion import past_offers
from lib.queries.freshness import newest_row
from lib.queries.mistakes import MistakeFilter, top_mistakes
from lib.schema import coaching_sessions as s
from lib.schema import detected_errors
from lib.schema.indexes import create_indexes
from tests import odd_data
from tests.conftest import Fill, New, asked_of, opened
from tests.factory import make_database
from tests.odd_data import (
    COUNTS,
    EXACT_SHAPES,
    FEW,
    NO_NUMBERS,
    NUMBERS_AS_TEXT,
    PERIODS,
    SCORES,
    SOME,
    UNREADABLE,
    held,
    in_shape,
    instant_of,
    lies_in,
    timestamps,
)
from tests.postgres import Server

COLUMN = s.c.started_at


def ids(connection: Connection, condition: Any) -> set[str]:
    return set(connection.execute(select(s.c.session_id).where(condition)).scalars())


def stamped(stamps: list[str | None]) -> list[dict[str, Any]]:
    return [{"session_id": str(place), "started_at": stamp} for place, stamp in enumerate(stamps)]


def expected(stamps: list[str | None], rule: Any) -> set[str]:
    return {str(place) for place, stamp in enumerate(stamps) if rule(stamp)}


@SOME
@given(st.data(), PERIODS)
def test_a_timestamp_of_any_shape_is_in_the_window_exactly_when_its_day_is(
    filled: Fill, data: st.DataObject, period: Period
):
    stamps = data.draw(st.lists(timestamps(period), max_size=40))
    with filled(sessions=stamped(stamps)) as connection:
        assert ids(connection, in_window(COLUMN, period)) == expected(stamps, lambda stamp: lies_in(stamp, period))


@FEW
@given(st.data(), PERIODS)
def test_what_is_before_is_readable_and_earlier(filled: Fill, data: st.DataObject, period: Period):
    stamps = data.draw(st.lists(timestamps(period), max_size=40))

    def is_before(stamp: str | None) -> bool:
        instant = instant_of(stamp)
        return instant is not None and instant < period.end

    with filled(sessions=stamped(stamps)) as connection:
        assert ids(connection, before(COLUMN, period.end)) == expected(stamps, is_before)


@FEW
@given(st.data(), PERIODS)
def test_every_timestamp_is_readable_or_unreadable_or_not_set(filled: Fill, data: st.DataObject, period: Period):
    stamps = data.draw(st.lists(timestamps(period), max_size=40))
    with filled(sessions=stamped(stamps)) as connection:
        assert ids(connection, is_readable(COLUMN)) == expected(stamps, lambda stamp: instant_of(stamp) is not None)
        there = [held(stamp, connection) for stamp in stamps]
        assert ids(connection, is_unreadable(COLUMN)) == expected(
            there, lambda stamp: not odd_data.is_blank(stamp) and instant_of(stamp) is None
        )


@pytest.mark.parametrize("stamp", UNREADABLE)
@pytest.mark.parametrize("period", [Period(date(2026, 11, 22), 7), Period(date(2027, 1, 5), 366, "Asia/Kolkata")])
def test_what_is_no_date_and_time_is_in_no_window(filled: Fill, stamp: str, period: Period):
    with filled(sessions=stamped([stamp])) as connection:
        assert ids(connection, in_window(COLUMN, period)) == set()
        assert ids(connection, before(COLUMN, period.end)) == set()
        assert ids(connection, is_readable(COLUMN)) == set()
        assert ids(connection, is_unreadable(COLUMN)) == ({"0"} if held(stamp, connection) else set())


@FEW
@given(st.data(), PERIODS)
def test_moments_sort_as_the_instants_do(filled: Fill, data: st.DataObject, period: Period):
    stamps = data.draw(st.lists(timestamps(period), max_size=40))
    with filled(sessions=stamped(stamps)) as connection:
        ordered = connection.execute(
            select(s.c.session_id).where(is_readable(COLUMN)).order_by(moment(COLUMN), s.c.session_id)
        ).scalars()
        instants = [instant_of(stamps[int(place)]) for place in ordered]
    assert instants == sorted(instant for stamp in stamps if (instant := instant_of(stamp)))


TEXTS = st.lists(
    st.sampled_from(["", " ", "\t\n", None, "a", " a ", "ä", "Z", "z", "ﬀ", "😀", "\u00a0", "￿"]), max_size=12
)


@FEW
@given(TEXTS)
def test_a_blank_text_goes_by_another_name_and_no_other_does(filled: Fill, texts: list[str | None]):
    rows = [{"session_id": str(place), "session_topic": value} for place, value in enumerate(texts)]
    topic = s.c.session_topic
    with filled(sessions=rows) as connection:
        found = dict(connection.execute(select(s.c.session_id, text_or(topic, "none"))).all())
        assert ids(connection, is_blank(topic)) == expected(texts, odd_data.is_blank)
    assert found == {str(place): odd_data.named(value, "none") for place, value in enumerate(texts)}


@FEW
@given(TEXTS)
def test_texts_sort_by_code_point(filled: Fill, texts: list[str | None]):
    known = [value for value in texts if value is not None]
    with filled(sessions=[{"session_topic": value} for value in known]) as connection:
        found = list(connection.execute(select(s.c.session_topic).order_by(code_points(s.c.session_topic))).scalars())
    assert found == sorted(known)


@pytest.mark.parametrize("declared", ["REAL", "INTEGER", "DECIMAL(3,1)", "TEXT", "BLOB", ""])
@pytest.mark.parametrize("value", [*NO_NUMBERS, *NUMBERS_AS_TEXT, *COUNTS, *SCORES], ids=repr)
def test_a_number_is_read_whatever_the_column_of_a_file_was_declared(declared: str, value: Any):
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE TABLE odd (value {declared})")
        connection.exec_driver_sql("INSERT INTO odd VALUES (?)", (value,))
        found = connection.execute(select(number(literal_column("value"))).select_from(text("odd"))).scalar_one()
    assert found == odd_data.number_of(value)


DAYS_OF_A_CHANGE = [
    Period(date(2026, 11, 22), 1),
    Period(date(2026, 3, 29), 1, "Europe/Berlin"),  # 23 hours
    Period(date(2026, 10, 25), 1, "Europe/Berlin"),  # 25 hours
    Period(date(2026, 3, 8), 1, "America/Havana"),  # starts at one o'clock
    Period(date(2026, 11, 1), 7, "America/New_York"),
    Period(date(2026, 11, 22), 2, "Asia/Kathmandu"),
    Period(date(2026, 11, 22), 1, "Pacific/Kiritimati"),
]


@pytest.mark.parametrize("period", DAYS_OF_A_CHANGE, ids=lambda period: f"{period.zone} {period.as_of}")
def test_in_every_shape_the_last_instant_before_a_window_is_out_and_its_first_is_in(filled: Fill, period: Period):
    moments = {
        period.start - timedelta(seconds=1): False,
        period.start: True,
        period.end - timedelta(seconds=1): True,
        period.end: False,
    }
    stamps = {in_shape(at.astimezone(UTC), shape): is_in for at, is_in in moments.items() for shape in EXACT_SHAPES}
    with filled(sessions=stamped(list(stamps))) as connection:
        found = ids(connection, in_window(COLUMN, period))
    assert found == {str(place) for place, is_in in enumerate(stamps.values()) if is_in}


def test_a_millisecond_decides(filled: Fill):
    last, first = "2026-11-15T23:59:59.999Z", "2026-11-16T00:00:00.000Z"
    with filled(sessions=stamped([last, first])) as connection:
        assert ids(connection, in_window(COLUMN, Period(date(2026, 11, 22), 7))) == {"1"}
        assert ids(connection, in_window(COLUMN, Period(date(2026, 11, 15), 7))) == {"0"}


@pytest.mark.parametrize("period", DAYS_OF_A_CHANGE, ids=lambda period: f"{period.zone} {period.as_of}")
def test_the_statement_shown_to_people_gives_the_same_answer(filled: Fill, period: Period):
    edges = [period.start - timedelta(seconds=1), period.start, period.end - timedelta(seconds=1), period.end]
    statement = select(s.c.session_id).where(in_window(COLUMN, period)).order_by(code_points(s.c.session_id))
    with filled(sessions=stamped([in_shape(at.astimezone(UTC), "javascript") for at in edges])) as connection:
        shown = connection.exec_driver_sql(sql_text(connection, statement))
        assert shown.scalars().all() == connection.execute(statement).scalars().all() == ["1", "2"]


@pytest.mark.parametrize("stamp", ["infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59"])
@pytest.mark.parametrize("naive", [False, True])
def test_times_that_python_cannot_hold_are_in_no_window_and_never_the_newest(
    postgres_server: Server, stamp: str, naive: bool
):
    now, period = "2026-11-20 10:00:00", Period(date(2026, 11, 22), 7)
    rows = {"users": [{"user_id": "ann"}], "sessions": [{"user_id": "ann", "session_id": name} for name in "ab"]}
    address = make_database(postgres_server.create_database("far"), **rows, offers=[{"user_id": "ann"}], naive=naive)
    for table, column in (("coaching_sessions", "started_at"), ("conversion_triggers", "triggered_at")):
        postgres_server.execute(f"UPDATE {table} SET {column} = '{stamp}'", "far")
    postgres_server.execute(f"UPDATE coaching_sessions SET started_at = '{now}+00' WHERE session_id = 'b'", "far")
    with opened(address) as connection:
        assert ids(connection, is_unreadable(COLUMN)) == {"a"}
        assert ids(connection, is_readable(COLUMN)) == ids(connection, in_window(COLUMN, period)) == {"b"}
        assert ids(connection, before(COLUMN, period.end)) == {"b"}
        assert newest_row(connection, s, period.end) == instant_of(now)
        assert past_offers(connection, period).empty


# The index is still used


@pytest.fixture(scope="module")
def year(new_database: New) -> Iterator[Connection]:
    """A year of sessions, and of few different mistakes, made often; with indexes and statistics."""
    days = [f"2026-{month:02}-{day:02} 10:00:00" for month in range(1, 12) for day in range(1, 29)]
    address = new_database(
        "year",
        sessions=[{"user_id": f"user{n % 50}", "started_at": days[n % len(days)]} for n in range(5_000)],
        mistakes=[{"error_text": f"mistake {n % 7}", "detected_at": days[n % len(days)]} for n in range(20_000)],
    )
    engine = open_engine(database_url(address), writable=True)
    with connect(engine) as connection:
        create_indexes(connection)
    engine.dispose()
    with opened(address) as connection:
        yield connection


def plan(connection: Connection, statement: Any) -> str:
    sql = statement if isinstance(statement, str) else sql_text(connection, statement)
    if connection.dialect.name == "sqlite":
        return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {sql.replace('%', '%%')}"))


def is_one_range(found: str, table: str, column: str) -> bool:
    """Whether ``table`` is read by one range of an index that begins with ``column``, and no other way."""
    if "SEARCH" in found or "SCAN" in found:
        return f"SEARCH {table} USING COVERING INDEX" in found and f"({column}>? AND {column}<?)" in found
    return "Seq Scan" not in found and bool(re.search(rf"Index Cond: \(\({column} >= [^)]*\) AND \({column} < ", found))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2026, 3, 29)])
def test_a_window_of_sessions_is_one_range_of_the_index(year: Connection, zone: str, day: date):
    window = in_window(COLUMN, Period(day, 7, zone))
    found = plan(year, select(func.count(), func.avg(number(s.c.confidence_score))).where(window))
    assert is_one_range(found, "coaching_sessions", "started_at"), found


def test_without_its_index_a_window_is_no_range(year: Connection):
    window = in_window(s.c.ended_at, Period(date(2026, 11, 22), 7))
    found = plan(year, select(func.count(), func.max(s.c.session_topic)).where(window))
    assert not is_one_range(found, "coaching_sessions", "ended_at"), found


def test_a_window_of_mistakes_is_one_range_of_the_index_for_each_different_mistake(year: Connection):
    period, d = Period(date(2026, 11, 22), 30), detected_errors.c
    grouped = (d.error_type, d.error_category, d.error_text)
    found = plan(year, select(*grouped, func.count()).where(in_window(d.detected_at, period)).group_by(*grouped))
    assert is_range_of_mistakes(found), found
    assert "TEMP B-TREE" not in found


def test_the_ranking_itself_uses_that_index(year: Connection):
    ranking = top_mistakes(year, Period(date(2026, 11, 22), 30), MistakeFilter(), limit=10)
    found = plan(year, ranking.rows.attrs["sql"])
    assert is_range_of_mistakes(found), found


def is_range_of_mistakes(found: str) -> bool:
    """On SQLite a range for each mistake in the index that holds them all; on PostgreSQL, which keeps texts out of
    its indexes, one range of times."""
    each = "ANY(error_text) AND detected_at>? AND detected_at<?"
    return each in found or is_one_range(found, "detected_errors", "detected_at")


def test_the_newest_row_is_read_from_the_end_of_the_index(year: Connection):
    with asked_of(year) as statements:
        newest_row(year, s, datetime(2100, 1, 1, tzinfo=UTC))
    last, exactly = (plan(year, statement) for statement in statements)
    if year.dialect.name == "sqlite":
        assert "USING COVERING INDEX" in last
        assert "TEMP B-TREE" not in last
    else:
        assert "Index Only Scan Backward" in last
    assert is_one_range(exactly, "coaching_sessions", "started_at"), exactly


@pytest.mark.parametrize("text", ["2026", "2026 ", "2025.9", "2026-13-45 99:00:00"])
def test_a_number_or_an_impossible_day_is_in_no_window_that_crosses_new_year(text: str, filled: Fill):
    with filled(sessions=[{"started_at": text}]) as connection:
        for period in (Period(date(2026, 11, 22), 365), Period(date(2027, 1, 5), 30)):
            found = connection.execute(select(s.c.session_id).where(in_window(s.c.started_at, period)))
            assert found.all() == []
