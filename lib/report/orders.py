"""From settings to what a run is to do: the command and the page order a report in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from lib.analysis.pseudonyms import checked_key
from lib.analysis.streaks import Thresholds
from lib.queries.own import Limits
from lib.report.analyses import OwnAnalyses
from lib.report.contents import ReportOptions
from lib.report.message import checked_sender
from lib.report.run import Order, Post
from lib.report.smtp import MailProblem, Server
from lib.report.terms import offer_of
from lib.settings import Settings

MB = 1_000_000


def order_from(
    settings: Settings,
    *,
    folder: Path | None = None,
    as_of: date | None = None,
    completed_only: bool = True,
    feed: Path | None = None,
    recipients: Sequence[str] | None = None,
    anonymise: bool = False,
    dry_run: bool = False,
    resend_uncertain: bool = False,
) -> Order:
    """The run that the settings describe. ``recipients`` None: no mail; none named: those of the settings.

    Raises SettingsError, KeyProblem without a key for pseudonyms, MailProblem where mail cannot be sent.
    """
    return Order(
        database_url=settings.database_url,
        report=_options(settings, as_of, completed_only),
        folder=folder or Path(settings.reports_folder),
        feed=feed,
        post=None
        if recipients is None
        else _post(settings, tuple(recipients) or settings.mail_to, resend_uncertain=resend_uncertain),
        pseudonym_key=checked_key(settings.pseudonym_key.get_secret_value()) if anonymise else None,
        dry_run=dry_run,
    )


def _options(settings: Settings, as_of: date | None, completed_only: bool) -> ReportOptions:
    limits = Limits(settings.analyses_seconds, settings.analyses_rows)
    return ReportOptions(
        zone=settings.timezone,
        as_of=as_of,
        engagement_days=settings.engagement_days,
        mistakes_days=settings.mistakes_days,
        conversion_days=settings.conversion_days,
        top=settings.top,
        thresholds=Thresholds(settings.min_sessions, settings.min_confidence, settings.streak),
        offer=offer_of(settings),
        completed_only=completed_only,
        publish_min_users=settings.publish_min_users,
        stale_after_days=settings.stale_after_days,
        own=OwnAnalyses(Path(settings.analyses_folder), settings.analyses_days, limits),
    )


def _post(s: Settings, recipients: tuple[str, ...], *, resend_uncertain: bool) -> Post:
    if not recipients:
        raise MailProblem("There is nobody to send the report to; name them after --email, or set FLUENCY_MAIL_TO.")
    server = Server(s.mail_host, s.mail_security, s.mail_port, s.mail_user, s.mail_password, s.mail_timeout_seconds)
    sender = checked_sender(s.mail_sender)  # now, and not when the files are there and only the mail is not
    return Post(server, sender, recipients, round(s.mail_size_limit_mb * MB), resend_uncertain)
