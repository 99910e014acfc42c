"""Processes of their own that tests start and kill: forked from one that has imported all that a report needs."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

FORKSERVER = multiprocessing.get_context("forkserver")
FORKSERVER.set_forkserver_preload(["tests.report.killed", "tests.report.made", "tests.report.post_office"])


def start(function: Callable[..., object], *args: Any) -> BaseProcess:
    """Start ``function`` in a process of its own."""
    process = FORKSERVER.Process(target=function, args=args)
    process.start()
    return process
