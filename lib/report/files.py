"""The files of one report as bytes; what checks them and what puts them in their place is beside this module."""

from __future__ import annotations

from lib.exports import csv_bytes, json_bytes, xlsx_bytes
from lib.report.alone import csv_sheets
from lib.report.changes import Changes
from lib.report.checks import BrokenFile, check_files
from lib.report.contents import Report
from lib.report.feed import write_feed
from lib.report.names import HEATMAP, REPORT, SUMMARY, make_stamp
from lib.report.picture import heatmap_png
from lib.report.summary import summary
from lib.report.tables import about, sheets
from lib.report.together import remove_leftovers, write_together

__all__ = [
    "BrokenFile",
    "check_files",
    "make_files",
    "make_stamp",
    "remove_leftovers",
    "write_feed",
    "write_together",
]


def make_files(report: Report, changes: Changes, *, stamp: str) -> dict[str, bytes]:
    """Every file of the report by its name; ``stamp`` as `make_stamp` gives it. Own analyses add one CSV each.

    Raises CannotWrite for what a file cannot hold (a value not of its kind).
    """
    from lib.report.html import html

    zone = report.options.zone
    picture = heatmap_png(report)
    page = html(report, changes, heatmap_png=picture if report.mistakes.total else None, embed="data")
    return {
        f"{REPORT}_{stamp}.html": page.encode("utf-8", errors="replace"),
        **{f"{name}_{stamp}.csv": csv_bytes(sheet, zone=zone) for name, sheet in csv_sheets(report).items()},
        f"{HEATMAP}_{stamp}.png": picture,
        f"{REPORT}_{stamp}.xlsx": xlsx_bytes(sheets(report), about(report), zone=zone),
        f"{SUMMARY}_{stamp}.json": json_bytes(summary(report)),
    }
