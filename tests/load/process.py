"""Memory and processor time of a server, and of everything else on the machine, while people use it."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field

import psutil

MEGABYTE = 1_048_576
EVERY = 1.0  # seconds


@dataclass
class Watch:
    """Looks at a process, once a second, while ``watch`` runs."""

    process: psutil.Process
    megabytes: list[float] = field(default_factory=list)
    seconds: float = 0.0
    share: float = 0.0
    own_share: float = 0.0
    others_share: float = 0.0

    async def watch(self) -> None:
        """Until it is cancelled. Then processor ``seconds`` of the server are known, of every call together, and shares
        of one core in percent, of the last call: the server's, ours, all others'.
        """
        start, before = time.perf_counter(), self._seconds()
        try:
            while True:
                self.megabytes.append(self.process.memory_info().rss / MEGABYTE)
                await asyncio.sleep(EVERY)
        finally:
            elapsed = time.perf_counter() - start
            server, own, busy = (now - then for now, then in zip(self._seconds(), before, strict=True))
            self.seconds += server
            server, own, busy = (100 * seconds / elapsed for seconds in (server, own, busy))
            self.share, self.own_share, self.others_share = server, own, max(0.0, busy - server - own)

    def _seconds(self) -> tuple[float, float, float]:
        """Processor time until now: of the server, of this process, of the whole machine."""
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        return _taken(self.process), _taken(psutil.Process(os.getpid())), sum(times[:8]) - idle

    @property
    def three(self) -> tuple[float, float, float]:
        """Megabytes at the start, in the middle, at the end."""
        return self.megabytes[0], self.megabytes[len(self.megabytes) // 2], self.megabytes[-1]

    @property
    def growth(self) -> float:
        """Percent by which the second half of the time made it grow."""
        _, middle, end = self.three
        return round(100 * (end / middle - 1), 1)


def _taken(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
