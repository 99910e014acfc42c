"""A mark that each run leaves while it is at work: one that was killed gets its line in the ledger from the next."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO
from uuid import uuid4

from lib.report.ledger import Run, append, line_of, read_runs, run_of
from lib.report.together import take_lock

MARK = ".running_"
CUT_OFF = "The run was cut off: it was killed, or the machine went down."
ABANDONED_AFTER = 86_400  # seconds; for marks whose lock cannot tell


@contextmanager
def marked(folder: Path, run: Run) -> Iterator[None]:
    """While inside, ``run`` counts as at work in ``folder``; first, those that were cut off get their line.

    The lock of a mark is gone when its process is. Raises OSError when the folder cannot be used.
    """
    folder.mkdir(parents=True, exist_ok=True)
    record_cut_off(folder)
    mark = folder / f"{MARK}{uuid4().hex}"
    try:
        with mark.open("xb") as file:
            take_lock(file)  # before there is anything to read: nobody takes a run at work for one that was cut off
            file.write(line_of(replace(run, ended=run.started, failure=CUT_OFF)))
            file.flush()
            os.fsync(file.fileno())
            yield
    finally:
        mark.unlink(missing_ok=True)


def record_cut_off(folder: Path) -> None:
    """Give every run that was cut off its line in the ledger; raises OSError."""
    for mark in folder.glob(f"{MARK}*"):
        try:
            with mark.open("rb") as file:
                if not _is_dead(file):
                    continue
                run = run_of(file.read())
                if run and all(run.started != other.started for other in read_runs(folder)):
                    append(folder, run)
        except FileNotFoundError:  # it ended meanwhile, or another run was faster
            continue
        mark.unlink(missing_ok=True)


def _is_dead(mark: IO[bytes]) -> bool:
    return take_lock(mark) or time.time() - os.fstat(mark.fileno()).st_mtime > ABANDONED_AFTER
