"""A window of calendar days in the reporting zone: its bounds, the window before, and the words for it."""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MOST_WEEKS = 14


@dataclass(frozen=True, slots=True)
class Period:
    """The ``days`` calendar days that end with ``as_of``, that day included, in ``zone`` (IANA name)."""

    as_of: date
    days: int
    zone: str = "UTC"

    @property
    def first(self) -> date:
        """The first day of the window."""
        return self.as_of - timedelta(days=self.days - 1)

    @property
    def start(self) -> datetime:
        """The first instant of the window, UTC."""
        return start_of_day(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after the window, UTC."""
        return end_of_day(self.as_of, self.zone)

    @property
    def before(self) -> Period:
        """The same number of days, ending the day before this window starts."""
        return replace(self, as_of=self.first - timedelta(days=1))

    @property
    def weeks(self) -> tuple[Period, ...]:
        """The calendar weeks (from Monday) that the window touches, oldest first, each cut to the window."""
        ends = [self.as_of]
        while (sunday := ends[-1] - timedelta(days=ends[-1].weekday() + 1)) >= self.first:
            ends.append(sunday)
        return tuple(
            Period(end, min(end.weekday() + 1, (end - self.first).days + 1), self.zone) for end in reversed(ends)
        )

    @property
    def months(self) -> tuple[Period, ...]:
        """The calendar months that the window touches, oldest first, each cut to the window."""
        ends = [self.as_of]
        while (last_of_month := ends[-1].replace(day=1) - timedelta(days=1)) >= self.first:
            ends.append(last_of_month)
        return tuple(Period(end, min(end.day, (end - self.first).days + 1), self.zone) for end in reversed(ends))

    @property
    def steps(self) -> tuple[Period, ...]:
        """What a picture over time has room for: weeks, or months where there are many weeks."""
        return self.weeks if len(self.weeks) <= MOST_WEEKS else self.months

    @property
    def cut_steps(self) -> tuple[bool, ...]:
        """Which of ``steps`` are no whole week or month, because the window begins or ends within them."""
        if self.steps == self.weeks:
            return tuple(step.days < 7 for step in self.steps)
        return tuple(step.days < monthrange(step.as_of.year, step.as_of.month)[1] for step in self.steps)

    @property
    def caption(self) -> str:
        """For people: `16–22 Nov 2026 (UTC)`."""
        return f"{day_range(self.first, self.as_of)} ({self.zone})"


def start_of_day(day: date, zone: str) -> datetime:
    """Midnight of ``day`` in ``zone``, as UTC; where the clock skips midnight, the first instant after it."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(zone)).astimezone(UTC)


def end_of_day(day: date, zone: str) -> datetime:
    """The first instant after ``day`` in ``zone``, UTC."""
    return start_of_day(day + timedelta(days=1), zone)


def day_of(instant: datetime, zone: str) -> date:
    """The calendar day of ``instant`` (aware) in ``zone``."""
    return instant.astimezone(ZoneInfo(zone)).date()


def default_as_of(newest: datetime | None, today: date, zone: str) -> date:
    """The day of the newest session, but never later than today; today where there is no session."""
    return min(day_of(newest, zone), today) if newest else today


def weeks(as_of: date, count: int, zone: str) -> tuple[Period, ...]:
    """The last ``count`` calendar weeks from Monday on, oldest first; the last ends with ``as_of``.

    A last week of fewer than seven days is not over.
    """
    monday = as_of - timedelta(days=as_of.weekday())
    over = [Period(monday - timedelta(days=7 * back + 1), 7, zone) for back in reversed(range(count - 1))]
    return (*over, Period(as_of, as_of.weekday() + 1, zone))


def day_text(day: date) -> str:
    """`16 Nov 2026`, the same under every locale."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def day_range(first: date, last: date) -> str:
    """`16–22 Nov 2026`, with month and year of the first day only where they differ from the last."""
    if first == last:
        return day_text(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_text(last)}"
    if first.year == last.year:
        return f"{first.day} {_MONTHS[first.month - 1]} – {day_text(last)}"
    return f"{day_text(first)} – {day_text(last)}"


def moment_text(instant: datetime, zone: str) -> str:
    """`22 Nov 2026 21:19`, the wall clock of ``zone``."""
    local = instant.astimezone(ZoneInfo(zone))
    return f"{day_text(local.date())} {local:%H:%M}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
