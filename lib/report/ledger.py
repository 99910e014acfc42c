"""The ledger of runs, `runs.jsonl`: one line a run, good or failed, in the order in which they ended."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from lib.addresses import mailbox

LEDGER = "runs.jsonl"
DAY = timedelta(days=1)
NEAR = timedelta(days=3)  # a daily run may be told to end before the newest data, which is of a day that is not over
A_MONTH = timedelta(days=30)


@dataclass(frozen=True)
class Run:
    """One run. Moments are aware; ``files`` are names in the ledger's folder, ``recipients`` those whose mail server
    accepted the report in this run, ``failure`` is the sentence that was said where the run failed, ``anonymised``
    whether its files have pseudonyms, ``mailed`` whether it was to send a mail, ``source`` names the database, and
    ``database_key`` (`lib.database.database_key`) tells it from others of that name.

    ``as_of``, ``data_as_of`` and ``source`` are None where the run failed before it knew them, ``data_as_of`` also
    where there are no sessions, ``source`` also in lines of an older version.
    """

    started: datetime
    ended: datetime
    as_of: date | None = None
    data_as_of: datetime | None = None
    files: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    failure: str | None = None
    anonymised: bool = False
    mailed: bool = False
    source: str | None = None
    database_key: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the run did all that it was asked for."""
        return self.failure is None

    def may_be_of(self, source: str, database_key: str) -> bool:
        """Whether it was of this database: by its key, or by its name alone where the line says no more."""
        if self.database_key is not None:
            return self.database_key == database_key
        return self.source in (None, source)

    @property
    def is_daily(self) -> bool:
        """Whether it tells of the newest data, as a daily run does, and not of a far day that somebody named."""
        if self.as_of is None:
            return True
        today = self.started.date()
        newest = min(self.data_as_of.date(), today) if self.data_as_of else self.as_of
        return newest - NEAR <= self.as_of <= today + DAY


def append(folder: Path, run: Run) -> None:
    """Add a line to the ledger of ``folder``, whole or not at all for every reader; raises OSError.

    The operating system puts one write to a file opened for appending behind all others, so runs at the same time do
    not mix. A line torn by a crash or a full disk is closed first, so that it takes no other with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = line_of(run)
    with (folder / LEDGER).open("a+b", buffering=0) as ledger:
        line = (b"\n" if _is_torn(ledger.fileno()) else b"") + line
        if ledger.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / LEDGER))
        os.fsync(ledger.fileno())


def line_of(run: Run) -> bytes:
    """A run as a line of the ledger."""
    return f"{json.dumps(asdict(run), default=_iso, ensure_ascii=False)}\n".encode("utf-8", errors="replace")


def _is_torn(ledger: int) -> bool:
    size = os.fstat(ledger).st_size
    if size == 0:
        return False
    os.lseek(ledger, size - 1, os.SEEK_SET)
    return os.read(ledger, 1) != b"\n"


def read_runs(folder: Path) -> list[Run]:
    """All runs, oldest first; none where there is no ledger. Lines that cannot be read, such as torn ones, are skipped.

    Raises OSError where the ledger is there and cannot be opened.
    """
    try:
        lines = (folder / LEDGER).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [run for line in lines if (run := run_of(line)) is not None]


def runs_of(folder: Path, source: str, database_key: str, now: datetime) -> list[Run]:
    """The runs of one database until ``now``, oldest first; a line with a later date was written by a wrong clock."""
    return [run for run in read_runs(folder) if run.ended <= now and run.may_be_of(source, database_key)]


def last_good(runs: Sequence[Run], *, mailed: bool) -> Run | None:
    """The last daily run that did not fail; with ``mailed``, of those that were to send a mail."""
    return next((run for run in reversed(runs) if run.is_good and run.is_daily and run.mailed >= mailed), None)


def are_mailed(runs: Sequence[Run], now: datetime) -> bool:
    """Whether the report goes out by mail here: within a month one was to be sent, whatever came of it."""
    return any(run.mailed for run in runs if now - run.ended < A_MONTH)


def last_summary(
    folder: Path,
    *,
    source: str,
    database_key: str,
    as_of: date,
    before: datetime,
    anonymised: bool = False,
    readers: Collection[str] | None = None,
) -> dict[str, Any] | None:
    """The summary (parsed JSON) that the news of a report as of ``as_of`` are told against; None where there is none.

    Of the reports of the same database, the one with the newest as-of day, this one's at most, and of several the last;
    but with the same day only one made ``before`` (aware), the day of this one: later it is the same report, and a
    repeat has the same news. Its run was good, or with ``readers`` (keys of `mailbox`) sent it to one of them: only
    that is what a reader has seen. Never one of the other kind: an anonymised report would name who is gone.
    """
    told = [
        (run.as_of, run)
        for run in reversed(read_runs(folder))
        if run.as_of is not None
        and (run.as_of < as_of or (run.as_of == as_of and run.started < before))
        and run.anonymised == anonymised
        and run.may_be_of(source, database_key)
        and (run.is_good if readers is None else not set(map(mailbox, run.recipients)).isdisjoint(readers))
    ]
    for _, run in sorted(told, key=lambda pair: pair[0], reverse=True):
        for name in run.files:
            found = _parsed(folder / Path(name).name) if name.startswith("daily_summary_") else None
            if isinstance(found, dict) and found.get("source") == source:
                return found
    return None


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def run_of(line: bytes) -> Run | None:
    """The run that a line of the ledger tells of; None for a line that cannot be read."""
    try:
        found = json.loads(line)
        return Run(
            started=_moment(found["started"]),
            ended=_moment(found["ended"]),
            as_of=date.fromisoformat(found["as_of"]) if found.get("as_of") else None,
            data_as_of=_moment(found["data_as_of"]) if found.get("data_as_of") else None,
            files=tuple(map(str, found.get("files") or ())),
            recipients=tuple(map(str, found.get("recipients") or ())),
            failure=str(found["failure"]) if found.get("failure") is not None else None,
            anonymised=found.get("anonymised") is True,
            mailed=found.get("mailed", bool(found.get("recipients"))) is True,  # older lines do not say
            source=str(found["source"]) if found.get("source") is not None else None,
            database_key=str(found["database_key"]) if found.get("database_key") is not None else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone could be any")
    return moment


def _iso(value: date) -> str:
    return value.isoformat()
