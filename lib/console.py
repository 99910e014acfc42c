"""What a command says reaches its reader whatever the console can show."""

from __future__ import annotations

import io
import sys


def escape_what_cannot_be_shown() -> None:
    r"""Make standard output and error write a sign that their encoding lacks as `\xfc`, instead of failing on it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
