from __future__ import annotations

import threading
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import apscheduler.schedulers.base
import pytest
from apscheduler.schedulers.blocking import BlockingScheduler
from hypothesis import given
from hypothesis import strategies as st

from lib.report import schedule
from lib.report.schedule import Daily, stay, was_missed

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
MINUTE = timedelta(minutes=1)


def fires(trigger: Daily, start: datetime, count: int) -> list[datetime]:
    """The next runs as the scheduler asks for them."""
    found: list[datetime] = []
    for _ in range(count):
        before = found[-1] if found else None
        found.append(trigger.get_next_fire_time(before, before or start))
    return found


def by_walking(day: date, at: time, zone: str) -> datetime:
    """The run of a day found minute by minute: the first that shows ``at``, else as long after midnight."""
    here = ZoneInfo(zone)
    moment = midnight = datetime.combine(day, time(), here).astimezone(UTC)
    while moment.astimezone(here).date() == day:
        if moment.astimezone(here).time() == at:
            return moment
        moment += MINUTE
    return midnight + timedelta(hours=at.hour, minutes=at.minute)


@pytest.mark.parametrize(
    ("zone", "at", "noon_before", "expected"),
    [
        # The clock jumps from 02:00 to 03:00 on 29 March.
        ("Europe/Berlin", time(8), "2026-03-28", ["2026-03-29T06:00", "2026-03-30T06:00"]),
        ("Europe/Berlin", time(2, 30), "2026-03-28", ["2026-03-29T01:30", "2026-03-30T00:30"]),
        # It shows 02:00 to 03:00 twice on 25 October.
        ("Europe/Berlin", time(8), "2026-10-24", ["2026-10-25T07:00", "2026-10-26T07:00"]),
        ("Europe/Berlin", time(2, 30), "2026-10-24", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("America/New_York", time(2, 30), "2026-03-07", ["2026-03-08T07:30", "2026-03-09T06:30"]),
        ("America/New_York", time(1, 30), "2026-10-31", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        # Its midnight does not exist on 4 November 2018.
        ("America/Sao_Paulo", time(0), "2018-11-03", ["2018-11-04T03:00", "2018-11-05T02:00"]),
        # It went from 29 to 31 December 2011, without a 30th.
        ("Pacific/Apia", time(8), "2011-12-28", ["2011-12-29T18:00", "2011-12-30T18:00", "2011-12-31T18:00"]),
    ],
)
def test_every_day_has_exactly_one_run_also_when_the_clock_changes(
    zone: str, at: time, noon_before: str, expected: list[str]
) -> None:
    noon = datetime.fromisoformat(f"{noon_before}T12:00").replace(tzinfo=ZoneInfo(zone))
    assert fires(Daily(at, zone), noon, len(expected)) == [datetime.fromisoformat(f"{text}+00:00") for text in expected]


@given(
    st.sampled_from(ZONES),
    st.integers(0, 1439),
    st.dates(date(2026, 3, 1), date(2026, 4, 10)) | st.dates(date(2026, 9, 25), date(2026, 11, 5)),
)
def test_runs_are_those_that_walking_through_the_day_finds(zone: str, minutes: int, day: date) -> None:
    at = time(minutes // 60, minutes % 60)
    days = [day + timedelta(days=number) for number in range(3)]
    before = by_walking(day, at, zone) - MINUTE
    assert fires(Daily(at, zone), before, 3) == [by_walking(each, at, zone) for each in days]


@given(st.sampled_from(ZONES), st.integers(0, 1439), st.integers(0, 366 * 24 * 60))
def test_a_moment_lies_between_the_last_run_and_the_next(zone: str, minutes: int, into_the_year: int) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + into_the_year * MINUTE
    trigger = Daily(time(minutes // 60, minutes % 60), zone)
    last, coming = trigger.last_until(moment), trigger.next_after(moment)
    assert last <= moment < coming
    assert trigger.next_after(last) == coming
    assert trigger.last_until(coming) == coming


@pytest.mark.parametrize(
    ("last_run", "is_missed"),
    [
        (None, False),
        ("2026-11-21T08:00", True),
        ("2026-11-22T07:59", True),
        ("2026-11-22T08:00", False),
        ("2026-11-22T08:30", False),
    ],
)
def test_a_run_is_missed_when_it_was_due_after_the_last_one_began(last_run: str | None, is_missed: bool) -> None:
    now = datetime(2026, 11, 22, 9, tzinfo=UTC)
    last = datetime.fromisoformat(f"{last_run}+00:00") if last_run else None
    assert was_missed(Daily(time(8), "UTC"), last, now) is is_missed


class Computer:
    """A clock that can be slept through, a scheduler that stays on it, and how often the task ran."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        self.now, self.runs, self.ran = now, 0, threading.Semaphore(0)
        self.scheduler = BlockingScheduler(timezone=UTC)
        computer = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: Any = None) -> datetime:
                return computer.now.astimezone(tz)

        monkeypatch.setattr(apscheduler.schedulers.base, "datetime", Clock)
        monkeypatch.setattr(schedule, "datetime", Clock)

    def stay(self, trigger: Daily, last_run: datetime | None = None) -> threading.Thread:
        arguments = {"last_run": last_run, "scheduler": self.scheduler}
        thread = threading.Thread(target=stay, args=(self.task, trigger), kwargs=arguments, daemon=True)
        thread.start()
        while not self.scheduler.running:
            thread.join(0.01)
        return thread

    def task(self) -> None:
        self.runs += 1
        self.ran.release()

    def look_at_the_clock(self, now: datetime) -> None:
        """What happens every minute, after a sleep as well."""
        self.now = now
        self.scheduler._process_jobs()


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Computer(monkeypatch, datetime(2026, 11, 20, 12, tzinfo=UTC))
    yield made
    made.scheduler.shutdown()


def test_what_a_sleep_of_three_days_missed_is_made_up_once(computer: Computer) -> None:
    computer.stay(Daily(time(8), "UTC"))
    computer.look_at_the_clock(datetime(2026, 11, 23, 10, 17, tzinfo=UTC))
    assert computer.ran.acquire(timeout=30)
    computer.look_at_the_clock(datetime(2026, 11, 23, 10, 18, tzinfo=UTC))
    computer.look_at_the_clock(datetime(2026, 11, 24, 7, 59, tzinfo=UTC))
    assert not computer.ran.acquire(timeout=0.2)
    computer.look_at_the_clock(datetime(2026, 11, 24, 8, 0, tzinfo=UTC))
    assert computer.ran.acquire(timeout=30)
    assert computer.runs == 2


def test_a_run_that_was_due_while_the_program_was_not_there_is_made_up_at_once(computer: Computer) -> None:
    computer.stay(Daily(time(8), "UTC"), last_run=datetime(2026, 11, 18, 8, tzinfo=UTC))
    assert computer.ran.acquire(timeout=30)
    computer.look_at_the_clock(datetime(2026, 11, 20, 23, 59, tzinfo=UTC))
    assert not computer.ran.acquire(timeout=0.2)
    assert computer.runs == 1


def test_the_scheduler_looks_at_the_clock_every_minute(computer: Computer) -> None:
    computer.stay(Daily(time(8), "UTC"))
    assert MINUTE in [getattr(job.trigger, "interval", None) for job in computer.scheduler.get_jobs()]
