from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from lib.period import Period, end_of_day
from lib.queries.freshness import newest_row, newest_session, oldest_session
from lib.schema import TABLES
from tests.conftest import Fill
from tests.odd_data import PERIODS, SOME, UNREADABLE, instant_of, timestamps

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def test_the_newest_session_of_the_worked_case_is_the_last_of_the_day(worked: Connection):
    assert newest_session(worked, LATER) == datetime(2026, 11, 22, 23, 59, 59, 999000, tzinfo=UTC)


@SOME
@given(st.data(), PERIODS)
def test_the_newest_is_the_latest_instant_whatever_its_shape(filled: Fill, data: st.DataObject, period: Period):
    stamps = data.draw(st.lists(timestamps(period), max_size=30))
    with filled(sessions=[{"started_at": stamp} for stamp in stamps]) as connection:
        found = [newest_session(connection, until) for until in (LATER, period.end, period.start)]
    instants = [instant for stamp in stamps if (instant := instant_of(stamp))]
    assert found == [
        max((instant for instant in instants if instant < until), default=None)
        for until in (LATER, period.end, period.start)
    ]


@pytest.mark.parametrize(
    ("stamps", "newest"),
    [
        # The text that sorts last is not always the newest.
        (["2026-11-20 23:59:59", "2026-11-20T00:00:00Z"], datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC)),
        (["2026-11-20T13:59:00+14:00", "2026-11-20T13:58:00-12:00"], datetime(2026, 11, 21, 1, 58, tzinfo=UTC)),
        (["2026-11-20T00:00:00+14:00", "2026-11-20 23:00:00-12:00"], datetime(2026, 11, 21, 11, tzinfo=UTC)),
        (["2026-11-20T00:10:00+0530", "2026-11-20 22:00:00-0500"], datetime(2026, 11, 21, 3, tzinfo=UTC)),
        (["2026-11-20", "2026-11-19T23:59:59-01:00"], datetime(2026, 11, 20, 0, 59, 59, tzinfo=UTC)),
    ],
)
def test_the_newest_is_found_between_the_widest_offsets(filled: Fill, stamps: list[str], newest: datetime):
    with filled(sessions=[{"started_at": stamp} for stamp in stamps]) as connection:
        assert newest_session(connection, LATER) == newest


def test_what_is_no_date_and_time_is_never_the_newest(filled: Fill):
    stamps = [*UNREADABLE, None, "", "2020-02-29 12:00:00"]
    with filled(sessions=[{"started_at": stamp} for stamp in stamps]) as connection:
        assert newest_session(connection, LATER) == datetime(2020, 2, 29, 12, tzinfo=UTC)


def test_what_is_dated_after_today_is_never_the_newest(filled: Fill):
    today = datetime(2026, 11, 22, tzinfo=UTC)
    stamps = ["2026-10-13 09:00:00", "2031-01-01 00:00:00", "2026-11-23T00:30:00.000Z", "2026-11-23T00:30:00+01:00"]
    with filled(sessions=[{"started_at": stamp} for stamp in stamps]) as connection:
        assert newest_session(connection, end_of_day(today.date(), "UTC")) == datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
        assert newest_session(connection, today) == datetime(2026, 10, 13, 9, tzinfo=UTC)
        kiritimati = end_of_day(today.date(), "Pacific/Kiritimati")
        assert newest_session(connection, kiritimati) == datetime(2026, 10, 13, 9, tzinfo=UTC)


def test_the_oldest_is_readable_and_right_to_a_day(filled: Fill):
    stamps = [*UNREADABLE, None, "", "2026-11-20 09:00:00", "2020-02-29 12:00:00", "2020-02-29T13:00:00+02:00"]
    with filled(sessions=[{"started_at": stamp} for stamp in stamps]) as connection:
        found = oldest_session(connection)
    assert found is not None
    assert timedelta() <= found - datetime(2020, 2, 29, 11, tzinfo=UTC) <= timedelta(days=1)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_an_empty_table_has_no_newest_row(filled: Fill, table):
    with filled() as connection:
        assert newest_row(connection, table, LATER) is None
        assert oldest_session(connection) is None


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_of_the_worked_case_has_a_newest_row(worked: Connection, table):
    assert newest_row(worked, table, LATER) is not None
