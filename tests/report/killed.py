"""What a process does that will be killed: one report after the other, telling its progress."""

from __future__ import annotations

from datetime import datetime, timedelta
from multiprocessing.connection import Connection

import altair
import openpyxl
import pyarrow.parquet
import vl_convert

import lib.report.html
from lib.report.run import Order, run

IMPORTED = (altair, openpyxl, pyarrow.parquet, vl_convert, lib.report.html)  # once, before there are many processes


def run_again_and_again(order: Order, now: datetime, tell: Connection) -> None:
    """Report after report, a second apart, until killed; ``tell`` gets the part of each that is done."""
    number = 0
    while True:
        run(order, now=now + timedelta(seconds=number), progress=lambda done, _: tell.send(done))
        number += 1
