"""The ledger of deliveries: no report goes to the same recipient twice, whatever crashes or runs at the same time.

A line of JSON is written before a mail is handed over ("claimed") and another with what came of it. A claim without an
outcome means that the run ended in between: nobody knows whether the mail arrived, so it is not sent again unasked.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from lib.addresses import mailbox
from lib.period import day_of
from lib.report.contents import Report

LEDGER = "deliveries.jsonl"
LOCK = "deliveries.lock"
LOCK_SECONDS = 3600.0

State = Literal["would send", "accepted", "already sent", "refused", "failed", "later", "uncertain"]
GOOD: frozenset[State] = frozenset({"would send", "accepted", "already sent"})


class DeliveriesBusy(Exception):
    """Another run has been sending for so long that this one gave up waiting."""


@dataclass(frozen=True)
class Delivery:
    """What came of one mail. "later" is only met while sending: the server asked for another attempt."""

    recipient: str
    state: State
    reason: str

    @property
    def is_good(self) -> bool:
        """Whether the recipient has the report, or in a dry run would get it."""
        return self.state in GOOD


def report_key(report: Report, *, variant: str = "") -> str:
    """What makes two reports the same one: the as-of day, the database, the options, and for example "anonymised".

    And the day on which it is made: a run repeated on that day is a repeat, and the next day has a report of its own,
    above all where no new data has come and the mail is to say so.
    """
    options = asdict(replace(report.options, as_of=report.as_of))
    made = day_of(report.generated_at, report.options.zone)
    told = json.dumps([made, report.database_key or report.source, options, variant], sort_keys=True, default=str)
    return f"{report.as_of.isoformat()}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


def known(folder: Path, key: str) -> dict[str, Delivery]:
    """What the ledger says of this report, by mailbox (see `mailbox`): "already sent" or "uncertain".

    Whom nothing was sent to, or whose mail the server did not take, is not in it. Raises OSError.
    """
    newest = {mailbox(line["recipient"]): line for line in _lines(folder / LEDGER) if line["key"] == key}
    return {box: told for box, line in newest.items() if (told := _as_known(line)) is not None}


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the ledger alone. Raises DeliveriesBusy after an hour of waiting, OSError when the folder cannot be used."""
    # SQLite's lock on an empty file is the same on every system, waits, and is gone when the process is.
    folder.mkdir(parents=True, exist_ok=True)
    (folder / LOCK).touch()
    with closing(sqlite3.connect(folder / LOCK, timeout=LOCK_SECONDS, isolation_level=None)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise DeliveriesBusy(f"The ledger of deliveries in {folder} cannot be locked: {error}.") from error
        yield


def claim(folder: Path, key: str, recipient: str) -> None:
    """Write down, to the disk itself, that the mail is about to be handed over. Raises OSError."""
    _append(folder / LEDGER, key, recipient, "claimed", "")


def settle(folder: Path, key: str, delivery: Delivery) -> None:
    """Write down what came of a claim. Raises OSError."""
    _append(folder / LEDGER, key, delivery.recipient, delivery.state, delivery.reason)


def _as_known(line: dict[str, Any]) -> Delivery | None:
    when = f"{line['at'][:16].replace('T', ' ')} UTC"
    if line["state"] == "accepted":
        return Delivery(line["recipient"], "already sent", f"The mail server accepted this report on {when}.")
    if line["state"] in {"claimed", "uncertain"}:
        reason = (
            f"An earlier run was cut off while sending on {when}; the mail may have arrived."
            " It is sent again only with --resend-uncertain."
        )
        return Delivery(line["recipient"], "uncertain", reason)
    return None


def _append(path: Path, key: str, recipient: str, state: str, reason: str) -> None:
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "key": key,
        "recipient": recipient,
        "state": state,
        "reason": reason,
    }
    with path.open("ab+") as file:
        told = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        file.write(told if _ends_whole(path) else b"\n" + told)
        file.flush()
        os.fsync(file.fileno())


def _ends_whole(path: Path) -> bool:
    """Whether the last line was written to its end; a crash may have torn it."""
    return path.stat().st_size == 0 or path.read_bytes().endswith(b"\n")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines that are whole. A torn one is passed over: the claim before it still stands."""
    if not path.exists():
        return
    for text in path.read_bytes().splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and {"at", "key", "recipient", "state"} <= line.keys():
            yield line
