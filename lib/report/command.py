"""What the command does with its options: a report, a backup or the status, at once or every day.

Everything slow is imported where it is needed: --help answers at once.
"""

from __future__ import annotations

import logging
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from lib.report.failure import sentence
from lib.report.options import settings_for

if TYPE_CHECKING:
    from types import FrameType

    from lib.report.run import Order, Outcome
    from lib.settings import Settings

LOG = logging.getLogger("fluency_lab")
# A calendar day has up to 25 hours, and today's run is not over in the second that it begins.
A_DAY = timedelta(hours=26)
INTERRUPTED, TERMINATED = 130, 143  # what shells give to a program that Ctrl-C, or SIGTERM, ended


class Terminated(KeyboardInterrupt):
    """The program was told to end. As an exception, so that the run takes back what is half done, and is recorded."""

    def __init__(self) -> None:
        super().__init__("The run was ended from outside (SIGTERM).")


class NoGoodRun(Exception):
    """The last good run of the kind that this installation makes is more than a day ago, or there is none."""


def attempt(work: Callable[[], object]) -> int:
    """Do ``work``: 0 when all of it went well, 1 with one sentence on standard error when not.

    The command's one boundary: whatever happens, the reader gets a sentence and the log the rest.
    """
    try:
        work()
    except Terminated as end:
        print(sentence(end), file=sys.stderr, flush=True)
        return TERMINATED
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        if LOG.hasHandlers():
            LOG.error("The run failed", exc_info=error)
        print(sentence(error), file=sys.stderr, flush=True)
        return 1
    return 0


def end_by_exception() -> None:
    """Make SIGTERM, by which systemd and containers end a program, raise Terminated. For the main thread alone."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    signal.signal(signal.SIGTERM, end)


def execute(options: Namespace) -> None:
    """Do what ``options`` ask for; raises what went wrong."""
    from lib.refusals import DatabaseProblem

    _set_up_log(options.verbose, options.log)
    try:
        _execute(options)
    except DatabaseProblem as problem:
        if options.database_url is not None:  # the setting was not used
            problem.remedy = problem.remedy.replace("FLUENCY_DATABASE_URL", "--database-url")
        raise


def _execute(options: Namespace) -> None:
    from lib.open_files import files_open_to_others, said_of

    settings = settings_for(options)
    warning = said_of(files_open_to_others())
    if warning:
        print(warning, file=sys.stderr, flush=True)
    folder = options.output or Path(settings.reports_folder)
    if options.status:
        say_status(folder, settings.timezone, datetime.now(UTC), *_database(settings))
        return
    task = partial(back_up, options, settings) if options.backup else partial(report, _order(options, settings))
    if options.at is None:
        task()
    else:
        _stay(task, options, settings, folder)


def report(order: Order) -> None:
    """Make the report and say where it is, and who got it."""
    from lib.report.run import NotDelivered, run

    try:
        outcome = run(order, progress=_log_progress)
    except NotDelivered as problem:
        _say(problem.outcome, dry_run=order.dry_run)
        raise
    _say(outcome, dry_run=order.dry_run)


def _say(outcome: Outcome, *, dry_run: bool) -> None:
    first, *others = outcome.files
    verb = "Would write" if dry_run else "Wrote"
    print(f"{verb} {first} and {len(others)} more files.", flush=True)
    for delivery in outcome.deliveries:
        print(f"{delivery.recipient}: {delivery.state}. {delivery.reason}".rstrip(), flush=True)


def back_up(options: Namespace, settings: Settings) -> None:
    """Copy the database and say where the copy is."""
    from lib.database import database_url
    from lib.report import backup

    url, now = database_url(settings.database_url), datetime.now(UTC)
    made = backup.back_up(url, options.backup, keep=options.keep, now=now)
    print(f"Wrote {made} ({made.stat().st_size / 1e6:,.1f} MB), checked.", flush=True)


def say_status(folder: Path, zone: str, now: datetime, source: str, key: str) -> None:
    """Print when the last good run of the database ``source`` ended, and a failure since.

    Where reports are mailed, only a run that was to send one counts. Raises NoGoodRun where that is over a day ago.
    """
    from lib.period import day_text, moment_text
    from lib.report.ledger import are_mailed, last_good, runs_of

    runs = runs_of(folder, source, key, now)
    mailed = are_mailed(runs, now)
    good, kind = last_good(runs, mailed=mailed), "good run with mail" if mailed else "good run"
    since = takewhile(lambda run: run is not good, reversed(runs))
    failure = next((f" The newest failure: {run.failure}" for run in since if run.failure), "")
    if good is None:
        raise NoGoodRun(f"There has been no {kind} in {folder}.{failure}")
    when = f"{moment_text(good.ended, zone)} ({zone})"
    if now - good.ended > A_DAY:
        raise NoGoodRun(f"The last {kind} was more than a day ago, on {when}.{failure}")
    as_of = f", as of {day_text(good.as_of)}" if good.as_of else ""
    print(f"The last {kind} ended on {when}{as_of}.{failure}")


def _database(settings: Settings) -> tuple[str, str]:
    """The database as the ledger names it, and its key there."""
    from lib.database import database_key, database_url, shown_address

    url = database_url(settings.database_url)
    return shown_address(url), database_key(url)


def _order(options: Namespace, settings: Settings) -> Order:
    from lib.report.orders import order_from

    return order_from(
        settings,
        folder=options.output,
        as_of=options.as_of,
        completed_only=not options.all_sessions,
        feed=options.feed,
        recipients=options.email,
        anonymise=options.anonymise,
        dry_run=options.dry_run,
        resend_uncertain=options.resend_uncertain,
    )


def _stay(task: Callable[[], None], options: Namespace, settings: Settings, folder: Path) -> None:
    from lib.period import moment_text
    from lib.report.ledger import last_good, runs_of
    from lib.report.schedule import Daily, stay

    zone, now = settings.timezone, datetime.now(UTC)
    trigger = Daily(options.at, zone)
    runs = [] if options.backup else runs_of(folder, *_database(settings), now)
    good = last_good(runs, mailed=options.email is not None)
    coming = moment_text(trigger.next_after(now), zone)
    print(f"Every day at {options.at:%H:%M} ({zone}); the next time is {coming}.", flush=True)
    stay(partial(attempt, task), trigger, last_run=good.started if good else None)


def _log_progress(done: float, what: str) -> None:
    LOG.info("%3.0f %% %s", 100 * done, what)


def _set_up_log(verbose: bool, file: Path | None) -> None:
    logging.captureWarnings(True)  # a library's remark is no failure of the run, and not for its reader
    # Without any handler, Python would print warnings between the sentences.
    handlers: list[logging.Handler] = [logging.StreamHandler() if verbose else logging.NullHandler()]
    if file is not None:
        handlers.append(logging.FileHandler(file, encoding="utf-8", errors="backslashreplace"))
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        logging.getLogger().addHandler(handler)
        logging.getLogger().setLevel(logging.INFO)
