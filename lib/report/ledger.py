"""The ledger of runs, `runs.jsonl`: one line a run, good or failed, in the order in which they ended."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

LEDGER = "runs.jsonl"


@dataclass(frozen=True)
class Run:
    """One run. Moments are aware; ``files`` are names in the ledger's folder, ``recipients`` those whose mail server
    accepted the report, ``failure`` is the sentence that was said where the run failed, ``anonymised`` whether its
    files have pseudonyms.

    ``as_of`` and ``data_as_of`` are None where the run failed before it knew them, or there are no sessions.
    """

    started: datetime
    ended: datetime
    as_of: date | None = None
    data_as_of: datetime | None = None
    files: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    failure: str | None = None
    anonymised: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the run did all that it was asked for."""
        return self.failure is None


def append(folder: Path, run: Run) -> None:
    """Add a line to the ledger of ``folder``, whole or not at all for every reader; raises OSError.

    The operating system puts one write to a file opened for appending behind all others, so runs at the same time do
    not mix. A line torn by a crash or a full disk is closed first, so that it takes no other with it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    line = f"{json.dumps(asdict(run), default=_iso, ensure_ascii=False)}\n".encode("utf-8", errors="replace")
    with (folder / LEDGER).open("a+b", buffering=0) as ledger:
        line = (b"\n" if _is_torn(ledger.fileno()) else b"") + line
        if ledger.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / LEDGER))
        os.fsync(ledger.fileno())


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
    return [run for line in lines if (run := _run(line)) is not None]


def last_good(folder: Path) -> Run | None:
    """The last run that did not fail; None where there is none."""
    return next((run for run in reversed(read_runs(folder)) if run.is_good), None)


def last_summary(folder: Path, *, anonymised: bool = False, mailed: bool = False) -> dict[str, Any] | None:
    """The summary (parsed JSON) that the next report's news are told against; None where there is none.

    It is that of the last good run whose summary is still there and can be read; with ``mailed``, of the last one that
    anybody got by mail, for only that is what a reader of the mail has seen. Never one of the other kind: an anonymised
    report would name who is gone.
    """
    for run in reversed(read_runs(folder)):
        fits = run.anonymised == anonymised and (bool(run.recipients) if mailed else run.is_good)
        for name in run.files if fits else ():
            if name.startswith("daily_summary_"):
                found = _parsed(folder / Path(name).name)
                if isinstance(found, dict):
                    return found
    return None


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _run(line: bytes) -> Run | None:
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
