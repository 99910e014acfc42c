"""The words and figures of the mail: text from the data made harmless to read, changes with arrows, definitions."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Literal, NamedTuple

import pandas as pd

from lib import definitions
from lib.analysis.numbers import change, counted
from lib.exports.tables import clean
from lib.period import day_range
from lib.report.contents import Report
from lib.rounding import half_up

Tone = Literal["", "better", "worse"]

NO_DATA = "–"
NO_BREAK = "\N{NO-BREAK SPACE}"
# Characters that turn the direction of the text that follows, in the line of somebody else (Unicode, UAX 9).
TURNING = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
ISOLATE = "\N{FIRST STRONG ISOLATE}{}\N{POP DIRECTIONAL ISOLATE}"
LONGEST = 160
ALL_SESSIONS = "all sessions that started, finished or not"
ARROWS = "**▲** and **▼** are the change against the window of the same length right before."
# Of the pages' definitions, what the mail says in its own words or does not show.
UNSAID = ("Counted are", "**±**", "**Per 100 sessions**", "**Can be published**")


class Moved(NamedTuple):
    """How a figure stands to the one before: `▲ 5`, `was 83`. The tone says whether that is good, beside the arrow."""

    step: str = ""
    origin: str = ""
    tone: Tone = ""


class Definition(NamedTuple):
    """How one part is counted: a title, its window, and sentences in which `**words**` are strong."""

    title: str
    window: str
    sentences: tuple[str, ...]


def shown(value: Any, longest: int = LONGEST) -> str:
    """A text from the data in one line of at most ``longest`` characters, cut with …; empty for a missing one.

    Control characters and those that turn the direction of what follows are left out; a text that runs from right to
    left stays within itself.
    """
    if pd.isna(value):
        return ""
    text = " ".join(TURNING.sub("", clean(" ".join(str(value).split()))).split())
    if len(text) > longest:
        text = text[: longest - 1].rstrip() + "…"
    runs_left = any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)
    return ISOLATE.replace("{}", text) if runs_left else text


def figure(value: float | None, places: int) -> str:
    """`1,204`, `7.67`, or an en dash where there is nothing to average."""
    return NO_DATA if value is None or pd.isna(value) else f"{half_up(float(value), places):,.{places}f}"


def moved(now: Any, before: Any, places: int, *, fewer_is_better: bool = False) -> Moved:
    """The change against the window before, with an arrow."""
    if pd.isna(before) or (places == 0 and before == 0):
        return Moved("none before") if pd.notna(now) and now else Moved()
    origin = f"was{NO_BREAK}{figure(before, places)}"
    step = 0.0 if pd.isna(now) else half_up(float(now) - float(before), places)
    if pd.isna(now) or step == 0:
        return Moved("", origin) if pd.isna(now) else Moved("as before")
    is_better = (step < 0) == fewer_is_better
    return Moved(
        f"{'▲' if step > 0 else '▼'}{NO_BREAK}{figure(abs(step), places)}", origin, "better" if is_better else "worse"
    )


def percent(now: float, before: float, places: int = 1) -> str:
    """`+12.5 %`; empty where there is nothing to compare with."""
    moved_by = change(now, before)
    return "" if moved_by is None else f"{half_up(moved_by, places):+,.{places}f}{NO_BREAK}%"


def thresholds_sentence(report: Report) -> str:
    """What makes a candidate in this report."""
    thresholds, days = report.options.thresholds, report.conversion.period.days
    ways = {"current": "in a row up to the newest one", "best": "in a row", "any": "in a row or not"}
    sessions = counted(thresholds.min_sessions, "session")
    score = f"score above {thresholds.min_confidence:.1f}"
    return f"Free users with at least {sessions} with a {score}, {ways[thresholds.streak]}, in {counted(days, 'day')}."


def definitions_of(report: Report) -> list[Definition]:
    """How every part is counted, in the words of the pages, with the windows of this report."""
    engagement, mistakes, conversion = report.engagement.period, report.mistakes.period, report.conversion.period
    which = "sessions that were **finished** (they have an end)" if report.options.completed_only else ALL_SESSIONS
    return [
        Definition(
            "Engagement",
            f"{engagement.caption}, against {day_range(engagement.before.first, engagement.before.as_of)}",
            (f"Counted are {which}.", ARROWS, *_sentences(definitions.ENGAGEMENT)),
        ),
        Definition(
            "Mistakes",
            f"{mistakes.caption}, against {day_range(mistakes.before.first, mistakes.before.as_of)}",
            ("The picture has every mistake of the window, by category and type.", *_sentences(definitions.MISTAKES)),
        ),
        Definition(
            "Candidates", conversion.caption, (thresholds_sentence(report), *_sentences(definitions.CANDIDATES))
        ),
    ]


def _sentences(bullets: str) -> list[str]:
    """The items of a Markdown list, each in one line; what is in italics there is in quotes here."""
    items = [" ".join(item.split()) for item in re.split(r"^- ", bullets, flags=re.MULTILINE)]
    return [
        re.sub(r"(?<!\*)\*([^*]+)\*(?!\*)", r"“\1”", item) for item in items if item and not item.startswith(UNSAID)
    ]


def person(row: dict[str, Any]) -> str:
    """The e-mail address, or the user where there is none."""
    return shown(row["email"], 60) or shown(row["user_id"], 40)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows with Python values."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]
