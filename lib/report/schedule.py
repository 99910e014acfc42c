"""The report at the same time of day, every day: stay, and run once for each calendar day of the reporting zone.

APScheduler's own cron trigger goes by the face of the clock: it runs twice when an hour comes twice, and skips a day
whose midnight the clock skips. `Daily` asks for each day which instant it means, and there is exactly one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger

from lib.period import day_of

DAY = timedelta(days=1)


@BaseTrigger.register
@dataclass(frozen=True)
class Daily:
    """Once a calendar day at ``at`` (wall clock) in ``zone`` (IANA name).

    A time that the clock shows twice means the first; one that it skips means as long after midnight as on other days
    (02:30 becomes 03:30), as PEP 495 reads them.
    """

    at: time
    zone: str

    def next_after(self, moment: datetime) -> datetime:
        """The first run after ``moment`` (aware), UTC."""
        day = day_of(moment, self.zone) - DAY
        while (due := self._on(day)) <= moment:
            day += DAY
        return due

    def last_until(self, moment: datetime) -> datetime:
        """The newest run that was due at ``moment`` (aware) or before, UTC."""
        day = day_of(moment, self.zone) + DAY
        while (due := self._on(day)) > moment:
            day -= DAY
        return due

    def _on(self, day: date) -> datetime:
        return datetime.combine(day, self.at, tzinfo=ZoneInfo(self.zone)).astimezone(UTC)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """What APScheduler asks of a trigger."""
        return self.next_after(previous_fire_time or now)


def was_missed(trigger: Daily, last_run: datetime | None, now: datetime) -> bool:
    """Whether a run was due since ``last_run`` began; never when there was none yet: a first day starts tomorrow."""
    return last_run is not None and last_run < trigger.last_until(now)


def stay(
    task: Callable[[], object],
    trigger: Daily,
    *,
    last_run: datetime | None = None,
    scheduler: BlockingScheduler | None = None,
) -> None:
    """Run ``task`` at its time every day, until interrupted. What was missed since ``last_run`` is made up, once.

    ``task`` answers for its own failures: the next day's run comes whatever happened today.
    """
    now = datetime.now(UTC)
    scheduler = scheduler or BlockingScheduler(timezone=UTC)  # in UTC, two times can be compared at any change
    first = now if was_missed(trigger, last_run, now) else trigger.next_after(now)
    late = {"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
    scheduler.add_job(task, trigger, next_run_time=first, **late)
    # A computer's sleep stops the clock that the scheduler waits by; waking every minute, it sees what came due.
    scheduler.add_job(_look_at_the_clock, "interval", minutes=1, **late)
    scheduler.start()


def _look_at_the_clock() -> None:
    """Nothing: that the scheduler was awake is enough."""
