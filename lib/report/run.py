"""One run: ask, compare with the last good report, make files, check them, put them in place, feed, mail, record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import URL

from lib.addresses import mailbox
from lib.database import database_key, database_url, open_engine, shown_address
from lib.period import day_of, start_of_day
from lib.queries.people import everybody
from lib.report import ledger
from lib.report.anonymise import Person, anonymise_report
from lib.report.changes import Changes, compare
from lib.report.contents import Report, ReportOptions, fetch_report
from lib.report.deliveries import Delivery, report_key
from lib.report.failure import sentence
from lib.report.files import check_files, make_files, make_stamp, write_feed, write_together
from lib.report.ledger import Run
from lib.report.marks import marked
from lib.report.smtp import Server
from lib.report.snapshot import snapshot

LOG = logging.getLogger("fluency_lab")

Progress = Callable[[float, str], None]  # the part that is done, 0 to 1, and what comes now


class NotDelivered(Exception):
    """Not everybody got the mail; ``str()`` is one sentence with each recipient who did not, and why.

    ``outcome`` is what came of the run otherwise.
    """

    def __init__(self, outcome: Outcome, *, dry_run: bool = False) -> None:
        missed = [f"{one.recipient} ({one.reason.rstrip('.')})" for one in outcome.deliveries if not one.is_good]
        verb = "would" if dry_run else "did"
        super().__init__(f"The mail {verb} not reach everybody: {'; '.join(missed)}.")
        self.outcome = outcome


@dataclass(frozen=True)
class Post:
    """Who gets the mail, and through which server; ``size_limit`` in bytes.

    ``resend_uncertain``: also to those of whom a run that was cut off could not say whether they got it.
    """

    server: Server
    sender: str
    recipients: tuple[str, ...]
    size_limit: int
    resend_uncertain: bool = False


@dataclass(frozen=True)
class Order:
    """What a run is to do. Without ``feed``, ``post`` or ``pseudonym_key``: no feed, no mail, nothing anonymised.

    A dry run leaves no trace: it makes and checks everything, and says to whom the mail would go.
    """

    database_url: str = field(repr=False)
    report: ReportOptions
    folder: Path
    feed: Path | None = None
    post: Post | None = None
    pseudonym_key: bytes | None = field(default=None, repr=False)
    dry_run: bool = False

    @property
    def is_anonymised(self) -> bool:
        """Whether the files have pseudonyms."""
        return self.pseudonym_key is not None


@dataclass(frozen=True)
class Outcome:
    """What came of it: ``files`` where they are now (in a dry run: would be), and each recipient's delivery."""

    report: Report
    files: tuple[Path, ...]
    deliveries: tuple[Delivery, ...] = ()


def run(order: Order, *, now: datetime | None = None, progress: Progress | None = None) -> Outcome:
    """Make the report that ``order`` describes, as of ``now`` (aware; this moment where it is not given).

    Whatever happens, the ledger of ``order.folder`` gets its line, by the next run where this one is killed. Raises
    what `lib.report.failure.sentence` can say: DatabaseProblem, BrokenFile, OSError, MailProblem, NotDelivered.
    """
    record = _Recorded(order, now or datetime.now(UTC))
    mark = nullcontext() if order.dry_run else marked(order.folder, record.line())
    with mark, record:
        return _steps(order, record, progress or _say_nothing)


def _steps(order: Order, record: _Recorded, progress: Progress) -> Outcome:
    progress(0.0, "Asking the database")
    url = database_url(order.database_url)
    record.source, record.database_key = shown_address(url), database_key(url)
    report = record.report = _fetch(order, url, record.now)
    changes = compare(report, _last_summary(order, report))
    progress(0.4, "Making the files")
    files = make_files(report, changes, stamp=make_stamp(record.now, order.report.zone))
    progress(0.7, "Checking the files")
    check_files(files, report)
    progress(0.8, "Writing the files")
    record.files = [order.folder / name for name in files] if order.dry_run else write_together(files, order.folder)
    if order.feed and not order.dry_run:
        write_feed(report, order.feed)
    progress(0.9, "Sending the mail" if order.post else "Finishing")
    if order.post:
        named = {path.name: content for path, content in zip(record.files, files.values(), strict=True)}
        record.deliveries = _send(order, order.post, report, changes, named)
    outcome = Outcome(report, tuple(record.files), tuple(record.deliveries))
    if not all(delivery.is_good for delivery in outcome.deliveries):
        raise NotDelivered(outcome, dry_run=order.dry_run)
    progress(1.0, "Done")
    return outcome


def _say_nothing(_done: float, _what: str) -> None:
    """For callers who do not watch."""


def _fetch(order: Order, url: URL, now: datetime) -> Report:
    with snapshot(open_engine(url)) as connection:
        report = fetch_report(connection, order.report, source=shown_address(url), now=now)
        report = replace(report, database_key=database_key(url))
        if order.pseudonym_key is None:
            return report
        people = (Person(user_id, email) for user_id, email in everybody(connection))
        return anonymise_report(report, order.pseudonym_key, people)


def _last_summary(order: Order, report: Report) -> dict[str, Any] | None:
    zone = report.options.zone
    return ledger.last_summary(
        order.folder,
        source=report.source,
        database_key=report.database_key,
        as_of=report.as_of,
        before=start_of_day(day_of(report.generated_at, zone), zone),
        anonymised=order.is_anonymised,
        readers=set(map(mailbox, order.post.recipients)) if order.post else None,
    )


def _send(order: Order, post: Post, report: Report, changes: Changes, files: Mapping[str, bytes]) -> list[Delivery]:
    from lib.report.html import HEATMAP_CID, html, plain_text, subject
    from lib.report.mail import send_report
    from lib.report.message import Mail
    from lib.report.names import HEATMAP

    picture = next(content for name, content in files.items() if name.startswith(HEATMAP))
    mail = Mail(
        key=report_key(report, variant="anonymised" if order.is_anonymised else ""),
        date=report.generated_at,
        sender=post.sender,
        subject=subject(report, changes),
        html=html(report, changes, heatmap_png=picture, embed="cid"),
        text=plain_text(report, changes),
        pictures={HEATMAP_CID: picture} if report.mistakes.total else {},
        files=files,
        size_limit=post.size_limit,
    )
    return send_report(
        mail,
        post.recipients,
        post.server,
        order.folder,
        dry_run=order.dry_run,
        resend_uncertain=post.resend_uncertain,
    )


class _Recorded:
    """What is known of a run so far; at its end, good or not, the ledger's line. A dry run has none."""

    def __init__(self, order: Order, now: datetime) -> None:
        self.now = now
        self.source: str | None = None
        self.database_key: str | None = None
        self.report: Report | None = None
        self.files: list[Path] = []
        self.deliveries: list[Delivery] = []
        self._order = order

    def __enter__(self) -> None:
        """Nothing to begin with."""

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._order.dry_run:
            return
        line = self.line()
        if error is None:
            ledger.append(self._order.folder, line)
            return
        try:
            ledger.append(self._order.folder, replace(line, failure=sentence(error)))
        except OSError as problem:  # where the run itself failed, that is what has to be said
            LOG.warning("the failed run is not in the ledger: %s", problem)

    def line(self) -> Run:
        """The run as far as it is known."""
        return Run(
            started=self.now,
            ended=datetime.now(UTC),
            as_of=self.report.as_of if self.report else None,
            data_as_of=self.report.data_as_of if self.report else None,
            files=tuple(path.name for path in self.files),
            recipients=tuple(one.recipient for one in self.deliveries if one.state == "accepted"),
            anonymised=self._order.is_anonymised,
            mailed=self._order.post is not None,
            source=self.source,
            database_key=self.database_key,
        )
