"""The tables of the report as they are exported, and what the workbook says about them."""

from __future__ import annotations

import pandas as pd

from lib.analysis.numbers import counted
from lib.analysis.offers import money, whole_money
from lib.definitions import CANDIDATE_COLUMNS, MISTAKE_COLUMNS, engagement_columns
from lib.exports import Column, Sheet, without_markdown
from lib.period import day_range, day_text, moment_text
from lib.report.contents import Report
from lib.report.wording import definitions_of, thresholds_sentence


def sheets(report: Report) -> list[Sheet]:
    """The sheets of the workbook but for About, in their order; own analyses follow."""
    return [
        engagement_sheet(report),
        mistakes_sheet(report),
        heatmap_sheet(report),
        candidates_sheet(report),
        *(one.sheet for one in report.analyses if not one.problem),
    ]


def engagement_sheet(report: Report) -> Sheet:
    """One row a role and the total; each figure, the same in the window before, and the change."""
    columns: dict[str, Column] = {}
    for name, column in engagement_columns("group", "Role").items():
        if name.endswith("_change"):
            figure = name.removesuffix("_change")
            before = columns[figure]
            columns[f"{figure}_before"] = Column(f"{before.label}, before", before.kind, help="The window before.")
        columns[name] = column
    return Sheet("Engagement", report.engagement.by_role, columns)


def mistakes_sheet(report: Report) -> Sheet:
    """The ranked mistakes; columns as on the page."""
    return Sheet("Mistakes", report.mistakes.top, MISTAKE_COLUMNS)


def heatmap_sheet(report: Report) -> Sheet:
    """One row a category and one column a type, both by their total, falling; empty where there is no mistake.

    Types are named by the data, so the columns of the frame are numbered: category (str), all (int), type_1 ...
    """
    cells = report.mistakes.cells
    types = _by_total(cells, "value")
    matrix = cells.pivot_table(index="error_category", columns="value", values="frequency", aggfunc="sum")
    matrix = matrix.reindex(index=_by_total(cells, "error_category"), columns=types)
    numbered = [f"type_{place}" for place in range(1, len(types) + 1)]
    frame = matrix.set_axis(numbered, axis="columns").rename_axis("category", axis="index").reset_index()
    frame.insert(1, "all", matrix.sum(axis="columns").to_numpy())
    columns = {
        "category": Column("Category", "text"),
        "all": Column("All types", "integer", help="Every mistake of the category in the window."),
        **{key: Column(name, "integer") for key, name in zip(numbered, types, strict=True)},
    }
    return Sheet("Heatmap", frame, columns, shaded=tuple(numbered))


def candidates_sheet(report: Report) -> Sheet:
    """All candidates; columns as on the page."""
    return Sheet("Candidates", report.conversion.candidates, CANDIDATE_COLUMNS)


def _by_total(cells: pd.DataFrame, column: str) -> list[str]:
    totals = cells.groupby(column)["frequency"].sum().reset_index()
    return list(totals.sort_values(by=["frequency", column], ascending=[False, True])[column])


def about(report: Report) -> dict[str, str]:
    """What the workbook says about itself: times, zone, windows, settings, rows, and how everything is counted."""
    zone = report.options.zone
    data = moment_text(report.data_as_of, zone) if report.data_as_of else "no sessions yet"
    old = f", {counted(report.days_old, 'day')} before this report" if report.days_old else ""
    lines = {
        "Title": "Daily report",
        "As of": day_text(report.as_of),
        "Reporting zone": zone,
        "Data as of": f"{data}{old}",
        "Computed at": moment_text(report.generated_at, zone),
        "Database": report.source,
        **_contents(report),
        **_analyses(report),
    }
    for definition in definitions_of(report):
        said = without_markdown("\n".join(definition.sentences))
        lines[f"How counted: {definition.title}"] = f"{definition.window}\n{said}"
    return lines


def _contents(report: Report) -> dict[str, str]:
    """For each part its window, its settings, and its rows as "N of M"."""
    engagement, mistakes, conversion = report.engagement, report.mistakes, report.conversion
    before = engagement.period.before
    which = "Finished sessions" if report.options.completed_only else "All sessions that started"
    top, cells = len(mistakes.top), heatmap_sheet(report)
    return {
        "Engagement": f"{engagement.period.caption}, against {day_range(before.first, before.as_of)}. {which}.",
        "Mistakes": f"{mistakes.period.caption}. {top:,} of {counted(mistakes.different, 'different mistake')};"
        f" {counted(mistakes.total, 'mistake')} in all. {counted(mistakes.left_out, 'entry', 'entries')} without a text"
        f" left out.",
        "Heatmap": f"{mistakes.period.caption}. All {counted(mistakes.total, 'mistake')},"
        f" {counted(len(cells.frame), 'category', 'categories')}, {counted(len(cells.shaded), 'type')}.",
        "Candidates": f"{conversion.period.caption}. All {counted(len(conversion.candidates), 'candidate')}:"
        f" {conversion.counts_text}. {thresholds_sentence(report)}",
        **_revenue(report),
    }


def _revenue(report: Report) -> dict[str, str]:
    conversion, offer = report.conversion, report.options.offer
    found, price = conversion.revenue, money(offer.price, offer.currency)
    lines = {
        "Price": price,
        "Revenue potential": f"{whole_money(found.potential, offer.currency)}:"
        f" {counted(len(conversion.to_offer), 'candidate')} to offer at {price}",
    }
    if conversion.accepted is None or found.expected is None or found.low is None or found.high is None:
        return {**lines, "Expected revenue": "no past offers"}
    expected, low, high = (whole_money(amount, offer.currency) for amount in (found.expected, found.low, found.high))
    past = f"{conversion.accepted.accepted:,} of {counted(conversion.accepted.sent, 'past offer')} accepted"
    return {**lines, "Expected revenue": f"{expected}, 95 % interval {low} to {high}: {past}"}


def _analyses(report: Report) -> dict[str, str]:
    lines = {}
    for one in report.analyses:
        said = one.problem or " ".join(filter(None, [f"{one.period.caption}. {one.rows_text}.", one.description]))
        lines[f"Analysis: {one.title} ({one.name})"] = said
    return lines
