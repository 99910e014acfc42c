"""A Streamlit server of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.ports import free_port

ROOT = Path(__file__).parents[2]
BARE = Path(__file__).with_name("bare.py")


@dataclass(frozen=True)
class Server:
    """A running server. ``started`` is the time.perf_counter() just before it was."""

    port: int
    process: subprocess.Popen[bytes]
    started: float

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def megabytes(self) -> float:
        """The memory that the process holds now; 0 where the system does not say."""
        status = Path(f"/proc/{self.process.pid}/status")
        lines = status.read_text().splitlines() if status.exists() else []
        return sum(int(line.split()[1]) / 1_024 for line in lines if line.startswith("VmRSS"))

    def processor_seconds(self) -> float:
        """The processor time that the process has taken until now; Linux alone says it."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait(self) -> None:
        """Until the server answers."""
        while True:
            try:
                with urlopen(f"{self.address}/_stcore/health", timeout=5):
                    return
            except (URLError, OSError):
                if self.process.poll() is not None:
                    raise
                time.sleep(0.02)


@contextmanager
def serve(script: Path, database: Path | str | None = None) -> Iterator[Server]:
    """A server of ``script``, started now, that may not answer yet."""
    port = free_port()
    own = {name: value for name, value in os.environ.items() if not name.startswith("FLUENCY_")}
    settings = {"FLUENCY_DATABASE_URL": str(database)} if database else {}
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port)]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=own | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield Server(port, process, started)
    finally:
        process.terminate()
        process.wait(timeout=60)
