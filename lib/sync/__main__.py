"""The command `python -m lib.sync`; the package's description says what it does."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from lib.console import escape_what_cannot_be_shown
from lib.open_files import files_open_to_others, said_of
from lib.schema import TABLES
from lib.settings import Settings, SettingsError, load_settings
from lib.sync.copying import Order, Outcome, copy
from lib.sync.left_out import usual_place
from lib.sync.problems import SyncProblem

LOG = logging.getLogger("fluency_lab")
DESCRIPTION = """\
Copy users, sessions, mistakes and the rest into a database, from a REST endpoint or from another database.

  python -m lib.sync --from https://coach.example.org --to lab.db
  python -m lib.sync --from production.db --to postgresql://lab@db.example.org/lab

The target becomes equal to the source in one transaction: until it is done everybody sees the old state, and after any
interruption the target is as it was. Running it twice changes nothing the second time.
"""
EPILOG = """\
The token of a REST endpoint is the setting FLUENCY_API_TOKEN. Passwords are best kept out of the command line: libpq
reads PGPASSWORD and ~/.pgpass. How long the server may take is set by FLUENCY_API_TIMEOUT_SECONDS, how long failures
are tried again by FLUENCY_API_PATIENCE_SECONDS, how long everything may take by FLUENCY_API_TOTAL_SECONDS. Exit status:
0 when all is done, 1 with a sentence when it is not.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 when all went well, 1 with a sentence on standard error when not."""
    escape_what_cannot_be_shown()
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    warning = said_of(files_open_to_others())
    if warning:
        print(warning, file=sys.stderr)
    try:
        outcome = copy(_order(options, load_settings()))
    except (SyncProblem, SettingsError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The target is as it was.", file=sys.stderr)
        return 1
    except Exception as error:  # the command's one boundary
        LOG.error("What follows was not foreseen", exc_info=error)
        print(f"The copy failed ({type(error).__name__}). The target is as it was.", file=sys.stderr)
        return 1
    _say(outcome, time.monotonic() - began)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lib.sync",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--from", dest="source", required=True, metavar="URL", help="REST endpoint, database address, or SQLite file"
    )
    parser.add_argument(
        "--to",
        dest="target",
        required=True,
        metavar="DATABASE",
        help="database address or SQLite file; made if missing",
    )
    parser.add_argument("--dry-run", action="store_true", help="read and check everything, count, and change nothing")
    parser.add_argument(
        "--left-out",
        type=Path,
        metavar="FILE",
        help="where rows that do not fit are written (default: with the reports)",
    )
    parser.add_argument("--allow-empty", action="store_true", help="let an empty source empty the target")
    parser.add_argument(
        "--allow-emptied",
        action="append",
        default=[],
        type=_column,
        metavar="TABLE.COLUMN",
        help="let a column lose most of the values that it has in the target; may be given more than once",
    )
    parser.add_argument("--allow-http", action="store_true", help="let token and data go unencrypted over the network")
    return parser


def _column(name: str) -> str:
    if not any(name == str(column) for table in TABLES for column in table.columns if not column.primary_key):
        raise argparse.ArgumentTypeError(f"'{name}' is no column that can be emptied")
    return name


def _order(options: argparse.Namespace, settings: Settings) -> Order:
    return Order(
        source=SecretStr(options.source),
        target=SecretStr(options.target),
        left_out=options.left_out or usual_place(Path(settings.reports_folder), datetime.now(UTC)),
        token=settings.api_token,
        timeout_seconds=settings.api_timeout_seconds,
        patience_seconds=settings.api_patience_seconds,
        total_seconds=settings.api_total_seconds,
        allow_http=options.allow_http,
        allow_empty=options.allow_empty,
        allow_emptied=frozenset(options.allow_emptied),
        dry_run=options.dry_run,
    )


def _say(outcome: Outcome, seconds: float) -> None:
    """A line for each reason, one that says where the rows are, one for each column that lost values, one about the
    tables, one for each missing index.
    """
    for heading, reasons in (("Left out", outcome.left_out.rows), ("Changed on the way", outcome.left_out.mended)):
        for line in _reasons(heading, reasons):
            print(line)
    if outcome.left_out.rows or outcome.left_out.mended:
        print(f"These rows are in {outcome.left_out.path}.")
    for each in outcome.changes:
        for name, count in each.emptied.items():
            values = "value" if count == 1 else "values"
            print(f"Emptied: {count:,} {values} that the target had in {each.table}.{name}.")
    tables = "; ".join(_table(outcome, number) for number in range(len(outcome.changes)))
    done = "Nothing changed" if not any(each.any for each in outcome.changes) else "Done"
    if outcome.dry_run:
        done = "A dry run, nothing was written"
    print(f"{done} ({seconds:.1f} s): {tables}.")
    if outcome.missing_indexes:
        print("The target lacks indexes that the app needs. Its owner can make them:")
        print(*(f"{statement};" for statement in outcome.missing_indexes), sep="\n")


def _reasons(heading: str, reasons: Counter[tuple[str, str]]) -> list[str]:
    return [
        f"{heading}: {count:,} {'row' if count == 1 else 'rows'} of {table}: {reason}."
        for (table, reason), count in sorted(reasons.items())
    ]


def _table(outcome: Outcome, number: int) -> str:
    each = outcome.changes[number]
    counts = (
        (each.new, "new"),
        (each.changed, "changed"),
        (each.removed, "removed"),
        (outcome.left_out.of(each.table), "left out"),
    )
    return ", ".join([f"{each.table} {each.rows:,}", *(f"{count:,} {what}" for count, what in counts if count)])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that what was begun is cleared away
    sys.exit(main())
