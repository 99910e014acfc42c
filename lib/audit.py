"""Who did what and when: one line of JSON for each sign-in, refusal, page view, download and SQL statement.

No address of a learner gets into it: what looks like one in a filter or a statement is left out. The file rotates.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import TextIOWrapper
from itertools import islice
from logging import LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from lib.addresses import without_addresses

Event = Literal["sign-in", "sign-out", "refusal", "page", "download", "sql"]

STANDARD_OUTPUT = "-"
LARGEST = 10_000_000  # bytes of one file
KEPT = 9  # older files
LONGEST = 2_000  # characters of one text


class AuditProblem(Exception):
    """The record of who did what cannot be kept; ``str()`` is a sentence that says what to do."""


class AuditLog:
    """The record in ``place``: a file, ``-`` for standard output, or nothing where it is empty.

    Raises AuditProblem where a line cannot be written: what is not recorded must not happen.
    """

    def __init__(self, place: str) -> None:
        self.place = place
        self._handler: _File | None = None

    def record(self, event: Event, visitor: str, **facts: object) -> None:
        """Write a line. ``visitor`` is who signed in, empty on this machine; ``facts`` lose their addresses."""
        if not self.place:
            return
        told = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, "visitor": visitor or "local"}
        line = json.dumps(
            told | {name: _cleared(fact) for name, fact in facts.items()}, ensure_ascii=False, default=str
        )
        if self.place == STANDARD_OUTPUT:
            print(line, file=sys.stdout, flush=True)
        else:
            self._file().emit(makeLogRecord({"msg": line}))

    def last(self, count: int) -> list[dict[str, Any]]:
        """The last lines, newest first; none where the record goes to standard output. Raises AuditProblem."""
        if self.place in ("", STANDARD_OUTPUT):
            return []
        return list(islice(self._newest_first(), count))

    def _newest_first(self) -> Iterator[dict[str, Any]]:
        for number in range(KEPT + 1):
            path = Path(f"{self.place}.{number}" if number else self.place)
            try:
                lines = path.read_bytes().splitlines()
            except FileNotFoundError:
                return
            except OSError as error:
                raise _problem(self.place, error) from error
            for line in reversed(lines):
                try:
                    found = json.loads(line)
                except ValueError:  # torn by a crash
                    continue
                if isinstance(found, dict):
                    yield found

    def _file(self) -> _File:
        if self._handler is None:
            try:
                Path(self.place).parent.mkdir(parents=True, exist_ok=True)
                self._handler = _File(
                    self.place, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", errors="replace"
                )
            except OSError as error:
                raise _problem(self.place, error) from error
        return self._handler


class _File(RotatingFileHandler):
    """Appends lines, says what the disk refuses, and lets only the app's user read."""

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream

    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - the library's name
        """Instead of the library's way, which prints to standard error and goes on."""
        error = sys.exception()
        raise _problem(self.baseFilename, error) from error


def _problem(place: str, error: BaseException | None) -> AuditProblem:
    why = getattr(error, "strerror", None) or type(error).__name__
    return AuditProblem(
        f"The record of who did what cannot be kept in {place}: {why}. Let the app's user write there, or set "
        "FLUENCY_AUDIT to another file, or to - for standard output."
    )


def _cleared(fact: object) -> object:
    """Without addresses, and not endless."""
    if isinstance(fact, str):
        return without_addresses(fact)[:LONGEST]
    if isinstance(fact, dict):
        return {name: _cleared(value) for name, value in fact.items()}
    if isinstance(fact, (list, tuple, set, frozenset)):
        return [_cleared(value) for value in fact]
    return fact
