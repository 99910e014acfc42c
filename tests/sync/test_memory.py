from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.sync.endpoint import TOKEN, Endpoint, Reply

ROOT = Path(__file__).resolve().parents[2]
MEASURED = """
import sys
from pathlib import Path
from lib.sync.__main__ import main
status = main(sys.argv[1:])
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))
sys.exit(status)
"""
LONG = "what was said " * 100


def sessions(megabytes: int) -> Iterator[bytes]:
    """An answer of about that size, made as it is sent."""
    session = json.dumps({"session_id": "ID", "user_id": "ann", "session_topic": LONG, "confidence_score": 8.5})
    before, after = session.split("ID")
    yield b'{"users": [{"user_id": "ann"}], "errors": [], "sessions": ['
    for number in range(0, megabytes * 1_000_000 // len(session), 100):
        lot = ",".join(f"{before}{each}{after}" for each in range(number, number + 100))
        yield f"{',' if number else ''}{lot}".encode()
    yield b"]}"


def peak_kilobytes(endpoint: Endpoint, target: Path, megabytes: int) -> int:
    endpoint.reply = Reply(sessions(megabytes))
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "--from", endpoint.url, "--to", target],
        cwd=ROOT,
        env={**os.environ, "FLUENCY_API_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.splitlines()[-1])


def test_five_times_the_data_takes_no_more_memory(endpoint: Endpoint, tmp_path: Path) -> None:
    small = peak_kilobytes(endpoint, tmp_path / "small.db", 20)
    large = peak_kilobytes(endpoint, tmp_path / "large.db", 100)
    assert (tmp_path / "large.db").stat().st_size > 100_000_000
    assert large < small + 15_000
    assert large < 250_000
