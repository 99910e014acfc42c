"""Which files with secrets every user of this machine can read, and the sentence that says so."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from lib.settings import ROOT

SECRETS = (ROOT / ".streamlit" / "secrets.toml", ROOT / ".env")


def files_open_to_others(paths: Sequence[Path] = SECRETS) -> list[Path]:
    """Those that every user of this machine can read; the rights of folders count. Only where the system has such."""
    return [path for path in paths if os.name == "posix" and path.is_file() and _is_open(path.resolve())]


def said_of(files: Sequence[Path]) -> str:
    """What is to be done about files that others can read; "" where there are none."""
    if not files:
        return ""
    return (
        f"Other users of this machine can read {' and '.join(map(str, files))}. Secrets stand there: take that right "
        f"away with chmod o-r {' '.join(map(str, files))}."
    )


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH) and all(
        folder.stat().st_mode & stat.S_IXOTH for folder in path.parents
    )
