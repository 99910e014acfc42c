from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql

from lib.database import connect, database_url, open_engine, sql_text
from lib.dialects import (
    before,
    code_points,
    in_window,
    is_blank,
    is_readable,
    is_set,
    is_unreadable,
    moment,
    text_or,
)
from lib.period import Period
from lib.queries.mistakes import MistakeFilter, top_mistakes
from lib.schema import coaching_sessions as s
from lib.schema import create_indexes, detected_errors
from tests import odd_data
from tests.conftest import Fill
from tests.factory import make_database
from tests.odd_data import FEW, PERIODS, SOME, UNREADABLE, instant_of, lies_in, timestamps

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
        assert ids(connection, is_set(COLUMN)) == expected(stamps, lambda stamp: not odd_data.is_blank(stamp))
        assert ids(connection, is_unreadable(COLUMN)) == expected(
            stamps, lambda stamp: not odd_data.is_blank(stamp) and instant_of(stamp) is None
        )


@pytest.mark.parametrize("stamp", UNREADABLE)
@pytest.mark.parametrize("period", [Period(date(2026, 11, 22), 7), Period(date(2027, 1, 5), 366, "Asia/Kolkata")])
def test_what_is_no_date_and_time_is_in_no_window(filled: Fill, stamp: str, period: Period):
    with filled(sessions=stamped([stamp])) as connection:
        assert ids(connection, in_window(COLUMN, period)) == set()
        assert ids(connection, before(COLUMN, period.end)) == set()
        assert ids(connection, is_unreadable(COLUMN)) == {"0"}


@FEW
@given(st.data(), PERIODS)
def test_moments_sort_as_the_instants_do(filled: Fill, data: st.DataObject, period: Period):
    stamps = data.draw(st.lists(timestamps(period), max_size=40))
    with filled(sessions=stamped(stamps)) as connection:
        ordered = connection.execute(
            select(COLUMN).where(is_readable(COLUMN)).order_by(moment(COLUMN), s.c.session_id)
        ).scalars()
        instants = [instant_of(stamp) for stamp in ordered]
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


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connection]:
    """A year of sessions, and of few different mistakes, made often; with indexes and statistics."""
    path = tmp_path_factory.mktemp("year") / "year.db"
    days = [f"2026-{month:02}-{day:02} 10:00:00" for month in range(1, 12) for day in range(1, 29)]
    make_database(
        path,
        sessions=[{"user_id": f"user{n % 50}", "started_at": days[n % len(days)]} for n in range(5_000)],
        mistakes=[{"error_text": f"mistake {n % 7}", "detected_at": days[n % len(days)]} for n in range(20_000)],
    )
    engine = open_engine(database_url(str(path)), writable=True)
    with connect(engine) as connection:
        create_indexes(connection)
    with connect(engine) as connection:
        yield connection


def plan(connection: Connection, sql: str) -> str:
    return "\n".join(row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}"))


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_window_of_sessions_is_one_range_of_the_index(year: Connection, zone: str):
    period = Period(date(2026, 11, 22), 7, zone)
    found = plan(
        year, sql_text(year, select(func.count(), func.avg(s.c.confidence_score)).where(in_window(COLUMN, period)))
    )
    assert "SEARCH coaching_sessions USING COVERING INDEX" in found
    assert "(started_at>? AND started_at<?)" in found


def test_a_window_of_mistakes_is_one_range_of_the_index_for_each_different_mistake(year: Connection):
    period, d = Period(date(2026, 11, 22), 30), detected_errors.c
    grouped = (d.error_type, d.error_category, d.error_text)
    found = plan(
        year, sql_text(year, select(*grouped, func.count()).where(in_window(d.detected_at, period)).group_by(*grouped))
    )
    assert "SEARCH detected_errors USING COVERING INDEX" in found
    assert "ANY(error_text) AND detected_at>? AND detected_at<?" in found
    assert "TEMP B-TREE" not in found


def test_the_ranking_itself_uses_that_index(year: Connection):
    ranking = top_mistakes(year, Period(date(2026, 11, 22), 30), MistakeFilter(), limit=10)
    assert "ANY(error_text) AND detected_at>? AND detected_at<?" in plan(year, ranking.rows.attrs["sql"])


def test_on_postgresql_a_window_is_a_plain_range_of_timestamps():
    statement = select(COLUMN).where(in_window(COLUMN, Period(date(2026, 11, 22), 7)))
    compiled = str(statement.compile(dialect=postgresql.dialect()))
    assert "coaching_sessions.started_at >= " in compiled
    assert "coaching_sessions.started_at < " in compiled
    assert "GLOB" not in compiled


def test_on_postgresql_every_timestamp_can_be_read_and_texts_sort_by_code_point():
    statement = select(is_unreadable(COLUMN), is_set(COLUMN), is_readable(COLUMN)).order_by(
        moment(COLUMN), code_points(s.c.session_topic)
    )
    compiled = str(statement.compile(dialect=postgresql.dialect()))
    assert "(1 = 0)" in compiled
    assert "started_at IS NOT NULL" in compiled
    assert 'coaching_sessions.session_topic COLLATE "C"' in compiled
    assert "julianday" not in compiled


@pytest.mark.parametrize("text", ["2026", "2026 ", "2025.9", "2026-13-45 99:00:00"])
def test_a_number_or_an_impossible_day_is_in_no_window_that_crosses_new_year(text: str, filled: Fill):
    with filled(sessions=[{"started_at": text}]) as connection:
        for period in (Period(date(2026, 11, 22), 365), Period(date(2027, 1, 5), 30)):
            found = connection.execute(select(s.c.session_id).where(in_window(s.c.started_at, period)))
            assert found.all() == []
