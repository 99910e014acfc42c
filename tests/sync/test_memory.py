from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

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


def sessions(megabytes: int, length: int) -> Iterator[bytes]:
    """An answer of about that size, made as it is sent, whose sessions have texts of ``length`` characters.

    Each repeats words of its own every thousand: it is packed to a fortieth, and not to nothing.
    """
    session = json.dumps({"session_id": "ID", "user_id": "ann", "session_topic": "TEXT"})
    yield b'{"errors": [], "users": [{"user_id": "ann"}], "sessions": ['
    for number in range(megabytes * 1_000_000 // length):
        words = random.Random(number).randbytes(500).hex()
        row = session.replace("ID", str(number)).replace("TEXT", (words * (length // 1_000 + 1))[:length])
        yield f"{',' if number else ''}{row}".encode()
    yield b"]}"


def packed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    packing = zlib.compressobj(level=1, wbits=zlib.MAX_WBITS | 16)  # as gzip does
    yield from map(packing.compress, chunks)
    yield packing.flush()


def peak_kilobytes(endpoint: Endpoint, target: Path, reply: Reply) -> int:
    endpoint.reply = reply
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, "--from", endpoint.url, "--to", target],
        cwd=ROOT,
        env={**os.environ, "FLUENCY_API_TOKEN": TOKEN},
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.splitlines()[-1])


PACKED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    "answer",
    [
        lambda megabytes: Reply(sessions(megabytes, 1_300)),
        lambda megabytes: Reply(packed(sessions(megabytes, 48_000)), headers=PACKED),
    ],
    ids=["plain", "long texts, packed"],
)
def test_five_times_the_data_takes_no_more_memory(
    answer: Callable[[int], Reply], endpoint: Endpoint, tmp_path: Path
) -> None:
    small = peak_kilobytes(endpoint, tmp_path / "small.db", answer(20))
    large = peak_kilobytes(endpoint, tmp_path / "large.db", answer(100))
    assert (tmp_path / "large.db").stat().st_size > 100_000_000
    assert large < small + 15_000
    assert large < 250_000
