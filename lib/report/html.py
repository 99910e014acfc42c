"""The report to read: HTML for mail and browser, the same as plain text, and the subject of the mail."""

from __future__ import annotations

import re
import textwrap
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from lib.analysis.candidates import to_offer
from lib.charts.mistakes import describe_heatmap
from lib.exports import without_markdown
from lib.period import day_text
from lib.report import news, view
from lib.report.changes import Changes
from lib.report.contents import Report
from lib.report.excerpts import Heading, excerpts, problems
from lib.report.looks import SHADES, look
from lib.report.news import PRODUCT, subject
from lib.report.view import Limits
from lib.report.wording import NO_DATA, definitions_of, shown, thresholds_sentence

__all__ = ["HEATMAP_CID", "LARGEST", "html", "plain_text", "subject"]

HEATMAP_CID = "heatmap"
LARGEST = 95_000  # bytes without the picture: mail programs cut messages off at about 100 KB
COLUMNS = 78
LONG_WORD = 11  # characters, in a cell
HEADING = 12  # columns, in a table of plain text
# Tried in this order until the page is small enough; what is left out is counted on it.
LIMITS = (
    Limits(),
    Limits(candidates=25, offers=5, rows=5),
    Limits(roles=8, mistakes=10, candidates=10, offers=2, analyses=5, rows=3),
    Limits(roles=8, mistakes=5, candidates=5, offers=0, analyses=0, rows=0),
)


def html(report: Report, changes: Changes, *, heatmap_png: bytes | None, embed: Literal["data", "cid"]) -> str:
    """The report as one page without scripts and without anything to be loaded from elsewhere.

    ``embed``: the picture is in the page ("data", for the file), or is the mail's part HEATMAP_CID ("cid").
    Without the picture the page has at most LARGEST bytes, whatever the data.
    """
    where = "the attached list" if embed == "cid" else "the CSV and Excel files"
    picture = _picture(heatmap_png, embed) if heatmap_png and report.mistakes.total else ""
    template = _templates().get_template("report.html")
    for limits in LIMITS:
        page = template.render(**_contents(report, changes, limits, where), picture=picture)
        page = re.sub(r"\n\s+", "\n", page)
        if len(page.encode()) - len(picture) <= LARGEST:
            break
    return page


def plain_text(report: Report, changes: Changes) -> str:
    """The same as plain text, in lines of at most 78 characters, for mail programs that show no HTML."""
    contents = _contents(report, changes, LIMITS[0], "the attached list")
    text = _templates().get_template("report.txt").render(**contents)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _contents(report: Report, changes: Changes, limits: Limits, where: str) -> dict[str, Any]:
    """All that the templates show, as texts."""
    empty, ran = news.is_empty(report), excerpts(report, limits.rows, where)
    return {
        "product": PRODUCT,
        "subject": subject(report, changes),
        "day": day_text(report.as_of),
        "zone": report.options.zone,
        "times": view.times_sentence(report),
        "source": shown(report.source),
        "warning": news.warning(report),
        "nothing": news.nothing_sentences(report) if empty else [],
        "news_title": news.news_title(changes),
        "news": news.news(report, changes),
        "definitions": definitions_of(report),
        "analyses": ran[: limits.analyses],
        "analyses_left": view.of(ran[: limits.analyses], len(ran), where),
        "analyses_broken": problems(report),
        **({} if empty else _parts(report, changes, limits, where)),
    }


def _parts(report: Report, changes: Changes, limits: Limits, where: str) -> dict[str, Any]:
    by_role, top = report.engagement.by_role, report.mistakes.top
    people = view.ordered_candidates(report, changes)
    asked = people[to_offer(people)]
    roles, mistakes = view.roles(report, limits.roles), view.mistakes(report, changes, limits.mistakes)
    candidates = view.candidates(report, people.head(limits.candidates))
    return {
        "tiles": view.tiles(report, changes),
        "engagement_window": view.versus(report.engagement.period),
        "role_labels": view.role_labels(),
        "rows": view.role_texts(roles),
        "roles": roles,
        "roles_left": view.of(roles[:-1], len(by_role) - 1, where),
        "mistakes_title": f"The {news.top_name(report)} mistakes",
        "mistakes_window": view.versus(report.mistakes.period),
        "mistakes": mistakes,
        "mistakes_total": view.mistakes_sentence(report),
        "mistakes_left": view.of(mistakes, len(top), where),
        "heatmap": shown(describe_heatmap(report.mistakes.cells, x_title="Type"), 300),
        "candidates_window": report.conversion.period.caption,
        "thresholds": thresholds_sentence(report),
        "candidates": candidates,
        "candidates_left": view.of(candidates, len(people), where),
        "revenue": view.revenue_sentences(report),
        "offers": view.offers(report, asked.head(limits.offers)),
        "offers_left": view.of(asked.head(limits.offers).index, len(asked), where),
    }


def _picture(png: bytes, embed: Literal["data", "cid"]) -> str:
    return f"cid:{HEATMAP_CID}" if embed == "cid" else f"data:image/png;base64,{b64encode(png).decode()}"


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("lib.report"),
        autoescape=select_autoescape(enabled_extensions=("html",), default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(look=look, shades=SHADES)
    environment.filters.update(
        plain=without_markdown,
        aligned=_aligned,
        placed=_placed,
        has_long_word=_has_long_word,
        wrapped=_wrapped,
        grid=_grid,
        underlined=_underlined,
    )
    return environment


def _aligned(label: str) -> tuple[str, str]:
    return label, "right"


def _placed(heading: Heading) -> tuple[str, str]:
    return heading.label, "right" if heading.is_number else "left"


def _has_long_word(text: str, longest: int = LONG_WORD) -> bool:
    """Whether a word may have to be broken, for the table to stay as wide as the page."""
    return max(map(len, text.split()), default=0) > longest


def _wrapped(text: str, first: str = "", rest: str | None = None) -> str:
    """Lines of at most COLUMNS characters; ``first`` begins the first one, ``rest`` the others, else blanks."""
    after = " " * len(first) if rest is None else rest
    lines = (textwrap.wrap(line, COLUMNS, initial_indent=first, subsequent_indent=after) for line in text.splitlines())
    return "\n".join("\n".join(line) or first.rstrip() for line in lines)


def _underlined(title: str) -> str:
    return f"{_wrapped(title)}\n{'-' * min(len(title), COLUMNS)}"


def _grid(rows: Iterable[Iterable[str]], headings: Iterable[str]) -> str:
    """A table, numbers to the right, long headings in two lines; records where it would be too wide."""
    head, body = list(headings), [list(row) for row in rows]
    lines = [textwrap.wrap(heading, HEADING) for heading in head]
    deepest = max(map(len, lines))
    top = list(zip(*([""] * (deepest - len(one)) + one for one in lines), strict=True))
    columns = [_column(list(column), deepest) for column in zip(*top, *body, strict=True)]
    if sum(len(column[0]) for column in columns) + 2 * (len(columns) - 1) > COLUMNS:
        return "\n".join(_record(dict(zip(head, row, strict=True))) for row in body)
    return "\n".join("  ".join(row).rstrip() for row in zip(*columns, strict=True))


def _column(cells: list[str], deepest: int) -> list[str]:
    """Cells of the same width; below its heading (``deepest`` lines) a column of figures stands to the right."""
    width = max(map(len, cells))
    right = all(cell[:1].isdigit() or cell.startswith(NO_DATA) for cell in cells[deepest:])
    return [cell.rjust(width) if right else cell.ljust(width) for cell in cells]


def _record(row: Mapping[str, str]) -> str:
    (_, name), *others = row.items()
    return _wrapped(f"{name}: " + "; ".join(f"{label} {value}" for label, value in others), "- ")
