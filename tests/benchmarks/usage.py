"""What a command takes, measured from outside: time, processor time, and the most memory that it held at once.

Run as a program, it starts the command itself and waits for it: the system counts the memory of whoever starts a
process as that process's own, and this program has next to none.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Usage:
    """``wall`` and ``processor`` time in ms, ``megabytes`` at the peak."""

    wall: float
    processor: float
    megabytes: float


def usage_of(command: Sequence[str | Path], **settings: object) -> Usage:
    """Run Python with the arguments ``command``, and ``settings`` of ours and no others; it has to succeed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("FLUENCY_")}
    given = {f"FLUENCY_{name.upper()}": str(value) for name, value in settings.items()}
    started = [sys.executable, "-S", __file__, sys.executable, *map(str, command)]
    done = subprocess.run(started, cwd=ROOT, env=own | given, stdout=subprocess.PIPE, check=True)
    return Usage(**json.loads(done.stdout))


def _measured(command: Sequence[str]) -> Usage:
    import resource  # systems without it can run the other benchmarks

    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    wall = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1_024
    return Usage(wall * 1_000, (used.ru_utime + used.ru_stime) * 1_000, used.ru_maxrss * unit / 1_024**2)


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(sys.argv[1:]))))
