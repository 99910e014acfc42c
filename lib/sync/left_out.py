"""The rows that do not fit: counted by reason, and written to a file as they come."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lib.sync.problems import SyncProblem

NAME = "sync_left_out_{}.jsonl"
KEPT = 10  # files in the usual place


def usual_place(folder: Path, now: datetime) -> Path:
    """Where the file is when nobody says where: beside the reports."""
    return folder / NAME.format(f"{now:%Y-%m-%d_%H-%M-%S}")


class LeftOut:
    """A file of JSON Lines, made when the first row comes: `{"table", "reason", "kept", "row"}`.

    ``kept`` is true for a row that is in the target after a change. The rows are personal data, so the file is its
    owner's alone, and of those in the usual place the newest remain.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: Counter[tuple[str, str]] = Counter()
        self.mended: Counter[tuple[str, str]] = Counter()
        self._open_files = ExitStack()
        self._file: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._open_files.close()

    def add(self, table: str, reason: str, row: Mapping[str, Any] | None, *, kept: bool = False) -> None:
        """One row and why it is left out, or what was mended; raises SyncProblem where it cannot be written down."""
        (self.mended if kept else self.rows)[table, reason] += 1
        line = {"table": table, "reason": reason, "kept": kept, "row": row}
        try:
            self._file = self._file or self._begin()
            print(json.dumps(line, default=str), file=self._file)
        except OSError as error:
            raise SyncProblem(f"The file {self.path} cannot be written.", "Choose another with --left-out.") from error

    def of(self, table: str) -> int:
        """How many rows of a table are left out."""
        return sum(count for (name, _), count in self.rows.items() if name == table)

    def _begin(self) -> Any:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_file():
            self.path.unlink()  # others may read it, or have it open
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        if self.path.match(NAME.format("*")):
            for older in sorted(self.path.parent.glob(NAME.format("*")))[:-KEPT]:
                older.unlink(missing_ok=True)
        return self._open_files.enter_context(os.fdopen(descriptor, "w", encoding="utf-8"))
