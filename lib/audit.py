"""Who did what and when: one line of JSON for each sign-in, refusal, page view, download and SQL statement.

No address of a learner gets into it: what looks like one in a filter or a statement is left out; one that a statement
puts together from parts cannot be known. The file rotates.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from io import TextIOWrapper
from itertools import islice
from logging import LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from lib.addresses import start_without_addresses

Event = Literal["sign-in", "sign-out", "refusal", "page", "download", "report", "sql"]

STANDARD_OUTPUT = "-"
LARGEST = 10_000_000  # bytes of one file
KEPT = 9  # older files
LONGEST = 2_000  # characters of one text
MOST = 50  # values of one list, and names of one set of filters


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
        try:
            if self.place == STANDARD_OUTPUT:
                print(line, file=sys.stdout, flush=True)
            else:
                self._file().emit(makeLogRecord({"msg": line}))
        except OSError as error:
            raise _problem(self.place, error) from error

    def last(self, count: int) -> tuple[list[dict[str, Any]], int]:
        """The last lines, newest first, and how many there are; none on standard output. Raises AuditProblem."""
        if self.place in ("", STANDARD_OUTPUT):
            return [], 0
        try:
            files = [file.read_bytes() for file in self._files()]
        except OSError as error:
            raise _problem(self.place, error) from error
        found = (_parsed(line) for file in files for line in reversed(file.splitlines()))
        return list(islice((line for line in found if line), count)), sum(file.count(b"\n") for file in files)

    def _files(self) -> list[Path]:
        """The file that is written to, and older ones, the newest first."""
        named = [Path(self.place), *(Path(f"{self.place}.{number}") for number in range(1, KEPT + 1))]
        return [file for file in named if file.exists()]

    def _file(self) -> _File:
        if self._handler is None:
            Path(self.place).parent.mkdir(parents=True, exist_ok=True)
            self._handler = _File(self.place, maxBytes=LARGEST, backupCount=KEPT, encoding="utf-8", errors="replace")
        return self._handler


class _File(RotatingFileHandler):
    """Appends lines, says what the disk refuses, and lets only the app's user read."""

    def emit(self, record: LogRecord) -> None:
        """Into the file that has the name now: one that somebody moved or removed would take lines nobody finds."""
        with self.lock or nullcontext():
            file = Path(self.baseFilename)
            if self.stream and not (file.exists() and os.path.samestat(file.stat(), os.fstat(self.stream.fileno()))):
                self.close()
                self.stream = self._open()
            super().emit(record)

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        Path(self.baseFilename).chmod(0o600)
        return stream

    def handleError(self, record: LogRecord) -> None:  # noqa: N802 - the library's name
        """Instead of the library's way, which prints to standard error and goes on."""
        error = sys.exception()
        raise _problem(self.baseFilename, error) from error


def _parsed(line: bytes) -> dict[str, Any]:
    """What the line says; nothing where a crash tore it."""
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _problem(place: str, error: BaseException | None) -> AuditProblem:
    why = getattr(error, "strerror", None) or type(error).__name__
    return AuditProblem(
        f"The record of who did what cannot be kept in {place}: {why}. Let the app's user write there, or set "
        "FLUENCY_AUDIT to another file, or to - for standard output."
    )


def _cleared(fact: object) -> object:
    """Without addresses, and not endless."""
    if isinstance(fact, str):
        return start_without_addresses(fact, LONGEST)
    if isinstance(fact, dict):
        return {_cleared(name): _cleared(value) for name, value in islice(fact.items(), MOST)}
    if isinstance(fact, (list, tuple, set, frozenset)):
        return [_cleared(value) for value in islice(fact, MOST)]
    return fact
