"""The daily report, without a browser or a server: `python daily_reports.py --help`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from lib.console import escape_what_cannot_be_shown
from lib.report.command import attempt, end_by_exception, execute
from lib.report.options import parse


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0 only when every file was written and checked, and the mail, if asked for, accepted."""
    escape_what_cannot_be_shown()
    end_by_exception()
    return attempt(lambda: execute(parse(arguments)))


if __name__ == "__main__":
    sys.exit(main())
