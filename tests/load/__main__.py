"""Drives many people at once through the app, and through a bare Streamlit page. See ``--help``."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from random import Random
from unittest.mock import patch

import psutil

from tests.benchmarks.server import BARE, ROOT, Server, serve
from tests.load.people import HABITS, Diary, Person
from tests.load.process import Watch
from tests.load.tab import open_tab
from tests.load.table import lines, machine_lines, verdicts

# Streamlit's defaults, which our configuration sets otherwise for the sake of speed: the bare page is Streamlit's own.
AS_IT_COMES = {"STREAMLIT_RUNNER_POST_SCRIPT_GC": "true", "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "auto"}
LONGEST_BARE = 60.0  # seconds of the bare page before ours, and again after


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive, and print; 0, or 1 where a bar was missed."""
    options = _options(arguments)
    print(
        f"{options.people} people for {options.seconds:g} seconds, pauses times {options.pause:g}, "
        f"seed {options.seed}; {os.cpu_count()} processors, {platform.machine()}, Python {platform.python_version()}",
        flush=True,
    )
    with ExitStack() as stack:
        with patch.dict(os.environ, {} if options.bare_as_ours else AS_IT_COMES):
            bare = stack.enter_context(serve(BARE))
        ours = stack.enter_context(serve(ROOT / "Home.py", options.database))
        bare.wait()
        ours.wait()
        return asyncio.run(_compare(options, bare, ours))


async def _compare(options: argparse.Namespace, bare: Server, ours: Server) -> int:
    """The bare page before and after ours: whatever else the machine does, it does to both."""
    for server in (bare, ours):
        await _warm_up(server)
    diaries = Diary(), Diary()
    watches = Watch(psutil.Process(bare.process.pid)), Watch(psutil.Process(ours.process.pid))
    short = min(options.seconds / 2, LONGEST_BARE)
    for turn, (which, seconds) in enumerate(((0, short), (1, options.seconds), (0, short))):
        server = (bare, ours)[which]
        await _drive(options, server, seconds, diaries[which], watches[which], is_bare=server is bare)
        print(f"turn {turn + 1} of 3 is over", flush=True)
    print()
    for line in (
        *lines(diaries[1], diaries[0]),
        *machine_lines("ours", diaries[1], watches[1]),
        *machine_lines("bare", diaries[0], watches[0]),
    ):
        print(line)
    found = verdicts(diaries[1], diaries[0], watches[1], options.seconds)
    for text, is_met in found.items():
        print(f"{'meets ' if is_met else 'MISSES'}  {text}")
    return int(not all(found.values()))


async def _warm_up(server: Server) -> None:
    """Everything that a server does once, before anybody is measured: one person does everything that people do.

    Raises PageError where a page fails, or has no longer what people change on it.
    """
    async with open_tab(server.address, Random(0)) as tab:
        await tab.reload()
        for page, habit in HABITS.items() if tab.has_links else ():
            await tab.follow(page)
            for widget in habit[2]:
                await tab.change(widget)


async def _drive(
    options: argparse.Namespace, server: Server, seconds: float, diary: Diary, watch: Watch, *, is_bare: bool
) -> None:
    watching = asyncio.create_task(watch.watch())
    people = (Person(number, server.address, options.pause, is_bare) for number in range(options.people))
    await asyncio.gather(*(person.live(seconds, diary, options.seed) for person in people))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load", description="Many people at once, in the app and on a bare page."
    )
    parser.add_argument("--people", type=int, default=50, help="default: 50")
    parser.add_argument("--seconds", type=float, default=120.0, help="how long they use the app; default: 120")
    parser.add_argument(
        "--ten-minutes", action="store_const", const=600.0, dest="seconds", help="and memory must be flat"
    )
    parser.add_argument("--pause", type=float, default=1.0, metavar="FACTOR", help="times 2 to 8 seconds; default: 1")
    parser.add_argument(
        "--bare-as-ours",
        action="store_true",
        help="the bare page under this app's .streamlit/config.toml instead of Streamlit's defaults",
    )
    parser.add_argument("--seed", type=int, default=0, help="another one makes other people")
    parser.add_argument(
        "--database", default=str(ROOT / "sample.db"), metavar="URL", help="URL or file; default: sample.db"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
