from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.period import Period, day_of, day_range, day_text, default_as_of, moment_text, start_of_day, weeks
from tests.odd_data import PERIODS

HOUR = timedelta(hours=1)
DAYS = st.dates(date(2020, 1, 1), date(2035, 12, 31))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Africa/Cairo"])


def test_the_last_seven_days_end_with_the_as_of_day_and_include_it():
    period = Period(date(2026, 11, 22), 7)
    assert (period.first, period.as_of) == (date(2026, 11, 16), date(2026, 11, 22))
    assert period.start == datetime(2026, 11, 16, tzinfo=UTC)
    assert period.end == datetime(2026, 11, 23, tzinfo=UTC)


@given(DAYS, st.integers(1, 400), ZONES)
def test_the_window_before_is_as_long_and_ends_where_this_one_starts(as_of: date, days: int, zone: str):
    period = Period(as_of, days, zone)
    assert period.before.end == period.start
    assert (period.before.days, period.before.zone) == (days, zone)
    assert (period.first - period.before.first).days == days


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/Berlin", 23),
        (date(2026, 10, 25), "Europe/Berlin", 25),
        (date(2026, 3, 8), "America/New_York", 23),
        (date(2026, 11, 1), "America/New_York", 25),
        (date(2026, 4, 24), "Africa/Cairo", 23),
        (date(2026, 10, 29), "Africa/Cairo", 25),
        (date(2026, 3, 8), "America/Havana", 23),
        (date(2026, 11, 1), "America/Havana", 25),
        (date(2026, 11, 22), "Pacific/Kiritimati", 24),
    ],
)
def test_a_day_is_as_long_as_the_clocks_of_its_zone_make_it(day: date, zone: str, hours: int):
    period = Period(day, 1, zone)
    assert period.end - period.start == hours * HOUR


@pytest.mark.parametrize(("day", "zone"), [(date(2026, 4, 24), "Africa/Cairo"), (date(2026, 3, 8), "America/Havana")])
def test_a_day_without_a_midnight_starts_with_its_first_instant(day: date, zone: str):
    start = start_of_day(day, zone)
    assert day_of(start, zone) == day
    assert day_of(start - timedelta(microseconds=1), zone) == day - timedelta(days=1)
    assert moment_text(start, zone).endswith("01:00")


@given(PERIODS)
def test_the_first_instant_is_inside_and_the_end_is_outside(period: Period):
    assert day_of(period.start, period.zone) == period.first
    assert day_of(period.start - timedelta(seconds=1), period.zone) < period.first
    assert day_of(period.end - timedelta(seconds=1), period.zone) == period.as_of
    assert day_of(period.end, period.zone) > period.as_of


def test_a_far_zone_starts_its_day_while_utc_is_still_at_the_day_before():
    assert start_of_day(date(2026, 11, 22), "Pacific/Kiritimati") == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert day_of(datetime(2026, 11, 21, 10, tzinfo=UTC), "Pacific/Kiritimati") == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("period", "caption"),
    [
        (Period(date(2026, 11, 22), 7), "16–22 Nov 2026 (UTC)"),
        (Period(date(2026, 11, 22), 1), "22 Nov 2026 (UTC)"),
        (Period(date(2026, 11, 22), 30, "Europe/Berlin"), "24 Oct – 22 Nov 2026 (Europe/Berlin)"),
        (Period(date(2026, 1, 3), 7), "28 Dec 2025 – 3 Jan 2026 (UTC)"),
    ],
)
def test_the_caption_says_days_and_zone_and_no_month_twice(period: Period, caption: str):
    assert period.caption == caption


def test_the_same_month_of_another_year_is_another_month():
    assert day_range(date(2025, 11, 23), date(2026, 11, 22)) == "23 Nov 2025 – 22 Nov 2026"


def test_texts_for_a_day_and_a_moment():
    assert day_text(date(2026, 5, 4)) == "4 May 2026"
    assert moment_text(datetime(2026, 11, 22, 21, 19, tzinfo=UTC), "UTC") == "22 Nov 2026 21:19"
    assert moment_text(datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "Europe/Berlin") == "23 Nov 2026 00:30"


@given(DAYS, st.integers(1, 400), ZONES)
def test_the_weeks_of_a_window_are_calendar_weeks_that_share_out_its_days(as_of: date, days: int, zone: str):
    period = Period(as_of, days, zone)
    shared_out = [week.first + timedelta(days=n) for week in period.weeks for n in range(week.days)]
    assert shared_out == [period.first + timedelta(days=n) for n in range(days)]
    assert len({week.first.isocalendar()[:2] for week in period.weeks}) == len(period.weeks)
    assert all(week.first.isocalendar()[:2] == week.as_of.isocalendar()[:2] for week in period.weeks)
    assert {week.zone for week in period.weeks} == {zone}


@given(DAYS, st.integers(1, 60))
def test_the_last_twelve_weeks_follow_each_other_and_only_the_last_may_be_running(as_of: date, count: int):
    found = weeks(as_of, count, "UTC")
    assert len(found) == count
    assert found[-1].as_of == as_of
    assert all(week.first.weekday() == 0 for week in found)
    assert all(week.days == 7 for week in found[:-1])
    assert all(one.end == following.start for one, following in pairwise(found))


def test_a_week_that_ends_on_its_sunday_is_over():
    assert weeks(date(2026, 11, 22), 2, "UTC")[-1].days == 7
    assert weeks(date(2026, 11, 23), 2, "UTC")[-1].days == 1


def test_as_of_is_the_day_of_the_newest_session_in_the_reporting_zone():
    newest = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert default_as_of(newest, date(2026, 12, 24), "UTC") == date(2026, 11, 20)
    assert default_as_of(newest, date(2026, 12, 24), "Europe/Berlin") == date(2026, 11, 21)


def test_as_of_is_never_later_than_today():
    assert default_as_of(datetime(2031, 1, 1, tzinfo=UTC), date(2026, 11, 22), "UTC") == date(2026, 11, 22)


def test_as_of_is_today_where_there_is_no_session():
    assert default_as_of(None, date(2026, 11, 22), "UTC") == date(2026, 11, 22)


def test_a_long_window_is_cut_into_months_that_cover_it_exactly():
    year = Period(date(2026, 11, 22), 365, "UTC")
    assert year.steps == year.months
    assert sum(month.days for month in year.months) == 365
    assert year.months[0].first == year.first
    assert [month.as_of.month for month in year.months][-3:] == [9, 10, 11]
    assert Period(date(2026, 11, 22), 30, "UTC").steps == Period(date(2026, 11, 22), 30, "UTC").weeks


@pytest.mark.parametrize(
    ("days", "cut"),
    [
        (7, [False]),
        (9, [True, False]),
        (14, [False, False]),
        (30, [True, *[False] * 4]),
        (183, [True, *[False] * 5, True]),
    ],
)
def test_a_week_or_month_that_the_window_cuts_is_known(days: int, cut: list[bool]):
    assert list(Period(date(2026, 11, 22), days, "UTC").cut_steps) == cut
