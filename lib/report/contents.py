"""The report as one value: every number that any of its files shows, from the functions that the pages use."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pandas as pd
from sqlalchemy import Connection

from lib.analysis.candidates import candidate_table, known_users, to_offer
from lib.analysis.engagement import engagement_table
from lib.analysis.mistakes import ranked
from lib.analysis.offer_status import offer_statuses, open_since
from lib.analysis.offers import Acceptance, Offer, Revenue, acceptance, revenue
from lib.analysis.streaks import ScoredSessions, Thresholds
from lib.period import Period, day_of, default_as_of, end_of_day
from lib.queries import conversion
from lib.queries.corrections import correct_forms
from lib.queries.engagement import sessions_by_role
from lib.queries.freshness import newest_session
from lib.queries.mistakes import MistakeFilter, mistake_details, mistakes_by, session_count, top_mistakes
from lib.report.analyses import AnalysisResult, OwnAnalyses, run_analyses


@dataclass(frozen=True)
class ReportOptions:
    """What the report is asked for. ``as_of`` None is the day of the newest session, never later than today."""

    zone: str
    as_of: date | None = None
    engagement_days: int = 7
    mistakes_days: int = 30
    conversion_days: int = 14
    top: int = 10
    thresholds: Thresholds = field(default_factory=Thresholds)
    offer: Offer = field(default_factory=lambda: Offer(179))
    completed_only: bool = True
    publish_min_users: int = 5
    stale_after_days: int = 2
    own: OwnAnalyses | None = None


@dataclass(frozen=True, eq=False)
class Engagement:
    """``by_role``: see ``analysis.engagement.engagement_table``, the last row is the total."""

    period: Period
    by_role: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Mistakes:
    """``top``: see ``analysis.mistakes.ranked``; ``cells``: see ``queries.mistakes.mistakes_by``, by type."""

    period: Period
    top: pd.DataFrame
    total: int
    different: int
    left_out: int
    cells: pd.DataFrame


@dataclass(frozen=True, eq=False)
class Conversion:
    """``candidates``: see ``analysis.candidates.candidate_table``, made from ``sessions``, how many there were.

    ``revenue`` is that of the candidates who may be offered.
    """

    period: Period
    candidates: pd.DataFrame
    accepted: Acceptance | None
    revenue: Revenue
    sessions: int

    @property
    def to_offer(self) -> pd.DataFrame:
        """The candidates who may be offered, in their order."""
        return self.candidates[to_offer(self.candidates)]

    @property
    def counts_text(self) -> str:
        """`3 to offer, of 10 who qualify`."""
        return f"{len(self.to_offer):,} to offer, of {len(self.candidates):,} who qualify"


@dataclass(frozen=True, eq=False)
class Report:
    """All of it. ``generated_at`` and ``data_as_of`` (the newest session) are UTC; ``source`` names the database, and
    ``database_key`` tells it from others of that name.
    """

    options: ReportOptions
    generated_at: datetime
    as_of: date
    data_as_of: datetime | None
    source: str
    engagement: Engagement
    mistakes: Mistakes
    conversion: Conversion
    analyses: tuple[AnalysisResult, ...] = ()
    is_anonymised: bool = False
    database_key: str = ""

    @property
    def days_old(self) -> int | None:
        """Days from the newest session to the day on which the report was made; None without sessions."""
        if self.data_as_of is None:
            return None
        zone = self.options.zone
        return (day_of(self.generated_at, zone) - day_of(self.data_as_of, zone)).days

    @property
    def is_empty(self) -> bool:
        """Whether no window of the report has anything in it."""
        return not self.engagement.by_role["sessions"].any() and self.mistakes.total == 0


def fetch_report(connection: Connection, options: ReportOptions, *, source: str, now: datetime) -> Report:
    """Ask the database for everything; ``now`` is aware. Raises what the database raises."""
    today = day_of(now, options.zone)
    newest = newest_session(connection, end_of_day(today, options.zone))
    as_of = options.as_of or default_as_of(newest, today, options.zone)
    days = (options.engagement_days, options.mistakes_days, options.conversion_days)
    engagement, mistakes, conversion_period = (Period(as_of, length, options.zone) for length in days)
    return Report(
        options,
        now.astimezone(UTC),
        as_of,
        newest,
        source,
        _engagement(connection, engagement, options),
        _mistakes(connection, mistakes, options),
        _conversion(connection, conversion_period, options),
        run_analyses(connection, options.own, as_of, options.zone) if options.own else (),
    )


def _engagement(connection: Connection, period: Period, options: ReportOptions) -> Engagement:
    sums = sessions_by_role(connection, (period, period.before), completed_only=options.completed_only)
    return Engagement(period, engagement_table(sums))


def _mistakes(connection: Connection, period: Period, options: ReportOptions) -> Mistakes:
    where = MistakeFilter()
    top = top_mistakes(connection, period, where, limit=options.top)
    table = ranked(
        top,
        mistake_details(connection, period, where, top.rows),
        correct_forms(connection, top.rows["mistake"].tolist()),
        sessions=session_count(connection, period, where),
        min_users=options.publish_min_users,
    )
    cells = mistakes_by(connection, period, where, "type")
    return Mistakes(period, table, top.total, top.different, top.left_out, cells)


def _conversion(connection: Connection, period: Period, options: ReportOptions) -> Conversion:
    offer, sessions = options.offer, conversion.scored_sessions(connection, period)
    people = conversion.scored_users(connection, period, with_addresses=True)
    offers = conversion.past_offers(connection, period)
    statuses = offer_statuses(people, offers, period, valid_hours=offer.valid_hours, cooldown_days=offer.cooldown_days)
    known = known_users(people, conversion.newest_lead_scores(connection, period), statuses)
    table = candidate_table(ScoredSessions.from_frame(sessions), options.thresholds, known)
    accepted = acceptance(*conversion.offer_outcomes(connection, period.end, open_since(period, offer.valid_hours)))
    found = revenue(int(to_offer(table).sum()), offer.price, accepted)
    return Conversion(period, table, accepted, found, len(sessions))
