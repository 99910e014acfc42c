"""The options of daily_reports.py, and the sentence for a value that does not fit.

What is also a setting is checked where settings are, so that both have the same limits. Loads nothing slow: --help
answers at once.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from lib.settings import Settings

WINDOW = "a whole number from 1 to 366"


class Numbers(NamedTuple):
    """An option that is also a setting: what stands for its value, what it says, what fits, and the default."""

    option: str
    value: str
    text: str
    fits: str
    default: str


SETTINGS = (
    Numbers(
        "--database-url",
        "URL",
        "the database; keep a password in the setting instead",
        "the path of a SQLite file, or an SQLAlchemy URL",
        "sample.db",
    ),
    Numbers("--timezone", "ZONE", "reporting zone", "an IANA name such as Europe/Berlin", "UTC"),
    Numbers("--engagement-days", "N", "window of engagement, days", WINDOW, "7"),
    Numbers("--mistakes-days", "N", "window of mistakes, days", WINDOW, "30"),
    Numbers("--conversion-days", "N", "window of conversion, days", WINDOW, "14"),
    Numbers("--top", "N", "mistakes listed", "a whole number from 1 to 100", "10"),
    Numbers("--min-sessions", "N", "sessions a candidate needs", "a whole number from 1 to 10", "3"),
    Numbers(
        "--min-confidence",
        "SCORE",
        "score that a session must exceed",
        "a number from 5 to 9.9, with at most one decimal",
        "8.0",
    ),
    Numbers("--streak", "WAY", "way of counting sessions", "current, best or any", "current"),
    Numbers("--price", "AMOUNT", "price of the module", "a number from 1 to 100,000", "179"),
)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
OLDEST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)  # the first is that of the pages

# What else than a report is asked for, and the options that it heeds; any other would be dropped without a word.
EVERYWHERE = {"database_url", "timezone", "verbose", "log"}
GO_WITH = {"backup": {"keep", "at"}, "status": {"output"}}
NEEDS = {"keep": "backup", "resend_uncertain": "email"}


class OptionError(Exception):
    """An option has a value that cannot be used; ``str()`` is one sentence that names it."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise OptionError(f"{message[:1].upper()}{message[1:].rstrip('.')}; --help lists the options.")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options as given; raises OptionError. What is not given is None, and its setting holds."""
    parser = _Parser(
        prog="daily_reports.py",
        description="Write the daily report. Exit status 0: every file was written and checked, and the mail accepted.",
        epilog="What is not given comes from the settings (FLUENCY_TIMEZONE for --timezone, and so on), or is the "
        "default. Example: daily_reports.py --timezone Europe/Berlin --email boss@example.org --at 08:00",
        allow_abbrev=False,
    )
    numbers = parser.add_argument_group("what is counted")
    for one in SETTINGS:
        numbers.add_argument(one.option, metavar=one.value, help=f"{one.text}: {one.fits} (default: {one.default})")
    days = f"YYYY-MM-DD, from {OLDEST_DAY} to {LAST_DAY}"
    numbers.add_argument("--as-of", type=_day, metavar="DATE", help=f"last day: {days} (default: the newest data's)")
    numbers.add_argument("--all-sessions", action="store_true", help="count sessions that were not finished, too")
    numbers.add_argument("--anonymise", action="store_true", help="pseudonyms instead of users and e-mail addresses")
    _add_places(parser.add_argument_group("where it goes"))
    _add_actions(parser.add_argument_group("when, and what else"))
    options = parser.parse_args(arguments)
    _refuse_what_would_be_dropped(parser, options)
    return options


def _refuse_what_would_be_dropped(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    given = {name for name, value in vars(options).items() if value != parser.get_default(name)}
    for name, companions in GO_WITH.items():
        if name in given and (others := given - companions - EVERYWHERE - {name}):
            raise OptionError(f"The option {_option(min(others))} does not go with {_option(name)}.")
    for name, leader in NEEDS.items():
        if name in given and leader not in given:
            raise OptionError(f"The option {_option(name)} goes with {_option(leader)}.")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _add_places(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--output", type=_path, metavar="DIR", help="folder of the files (default: FLUENCY_REPORTS_FOLDER)"
    )
    group.add_argument("--feed", type=_path, metavar="DIR", help="also write Parquet tables, the same names every day")
    group.add_argument(
        "--email",
        nargs="*",
        action="extend",
        metavar="ADDRESS",
        help="send it to these addresses (default: FLUENCY_MAIL_TO)",
    )
    group.add_argument(
        "--resend-uncertain", action="store_true", help="also to those whose mail may have arrived before a crash"
    )
    group.add_argument("--dry-run", action="store_true", help="write and send nothing; say what would go to whom")


def _add_actions(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--at", type=_clock, metavar="HH:MM", help="stay, and do it every day at this time")
    group.add_argument("--status", action="store_true", help="say when the last good run was; 1 if over a day ago")
    group.add_argument("--backup", type=_path, metavar="DIR", help="copy the database into DIR instead of reporting")
    group.add_argument("--keep", type=_count, metavar="N", help="with --backup: remove all but the newest N")
    group.add_argument("--verbose", action="store_true", help="say each step, and where a failure came from")
    group.add_argument("--log", type=_path, metavar="FILE", help="append the same to FILE")


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text if DAY.fullmatch(text) else "")
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not a day such as 2026-11-22") from error
    if not OLDEST_DAY <= day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"'{text}' is not a day from {OLDEST_DAY} to {LAST_DAY}")
    return day


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; name a file or folder")
    return Path(text)


def _clock(text: str) -> time:
    hours, _, minutes = text.partition(":")
    if not (hours.isdecimal() and minutes.isdecimal() and len(minutes) == 2 and int(hours) < 24 and int(minutes) < 60):
        raise argparse.ArgumentTypeError(f"'{text}' is not a time such as 08:00")
    return time(int(hours), int(minutes))


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of 1 or more")
    return int(text)


def settings_for(options: argparse.Namespace) -> Settings:
    """The settings of this installation with what ``options`` say instead; raises SettingsError, OptionError."""
    from pydantic import ValidationError

    from lib.settings import Settings, load_settings

    names = {one.option.removeprefix("--").replace("-", "_"): one for one in SETTINGS}
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    settings = load_settings()
    if not given:
        return settings
    try:
        return Settings(**given)
    except ValidationError as error:
        problem = names[str(error.errors(include_url=False)[0]["loc"][0])]
        raise OptionError(f"The option {problem.option} cannot be used: give {problem.fits}.") from error
