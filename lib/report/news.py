"""What the mail says first: old data, nothing to report, what changed since the last report, and the subject."""

from __future__ import annotations

from typing import NamedTuple

from lib.analysis.engagement import TOTAL
from lib.analysis.numbers import counted
from lib.period import day_text, moment_text
from lib.report.changes import Changes, Step, mistake_keys
from lib.report.contents import Report
from lib.report.wording import figure, percent, person, records, shown

NAMED = 5  # people or mistakes named in one piece of news
PRODUCT = "Fluency Lab"


class News(NamedTuple):
    """One thing that changed: what, and the particulars."""

    what: str
    details: str = ""


def is_stale(report: Report) -> bool:
    """Whether the newest session is older, by more days than the setting allows, than the day of the report."""
    return report.days_old is not None and report.days_old > report.options.stale_after_days


def is_empty(report: Report) -> bool:
    """Whether there is nothing to report: no sessions, no mistakes, and no candidates either."""
    return report.is_empty and report.conversion.candidates.empty


def warning(report: Report) -> News | None:
    """What is said first of all: that the data is old, or that there is none; None where it is fresh."""
    if report.data_as_of is None:
        return News("There is no data yet.", "The database has no sessions.")
    if not is_stale(report):
        return None
    newest = f"{moment_text(report.data_as_of, report.options.zone)} ({report.options.zone})"
    age = counted(report.days_old or 0, "day")
    return News(
        "The data is old.", f"The newest session is of {newest}, {age} ago. What follows shows nothing after that."
    )


def nothing_sentences(report: Report) -> list[str]:
    """What an empty report means and what to do."""
    windows = (report.engagement.period, report.mistakes.period)
    said = " and ".join(dict.fromkeys(window.caption for window in windows))
    return [
        f"No session and no mistake was recorded in {said}.",
        "If people did use the product, check that the data arrives: the page Data health says what is there."
        if report.data_as_of is None or report.options.as_of is None
        else "The data lies outside these days: choose another as-of day, or longer windows.",
    ]


def news_title(changes: Changes) -> str:
    """The heading of the news, with the report that they are compared with."""
    return f"What changed since the report of {day_text(changes.last.as_of)}" if changes.last else "What changed"


def news(report: Report, changes: Changes) -> list[News]:
    """What changed since the last report, people first; nothing where there is nothing to report.

    An empty window is said to be empty: zeros instead of figures, and everybody gone, would be no news of people.
    """
    if is_empty(report):
        return []
    if changes.is_unreadable:
        return [News("The last report cannot be read", "so nothing in this one is marked as new.")]
    if changes.last is None:
        return [News("This is the first report", "from the next one on, this part says what is new.")]
    found = [*_people_news(report, changes), *_mistake_news(report, changes), *_step_news(report, changes)]
    if changes.settings:
        said = ", ".join(f"{one.name} {shown(one.now)} (was {shown(one.last)})" for one in changes.settings)
        found.append(News("Counted differently", f"{said}; part of this may be no news."))
    return found


def _anybody_came(report: Report) -> bool:
    """Whether there were sessions: who is gone without any has not stopped to qualify, there is no data."""
    return bool(report.conversion.sessions or report.engagement.by_role["sessions"].any())


def _people_news(report: Report, changes: Changes) -> list[News]:
    if not _anybody_came(report):
        return [News("Candidates", f"no session with a score in {report.conversion.period.caption}.")]
    rows = report.conversion.candidates
    new = [person(row) for row in records(rows[rows["user_id"].isin(changes.new_candidates)].head(NAMED))]
    gone = [shown(one.email, 60) or shown(one.user_id, 40) for one in changes.gone[:NAMED]]
    many = len(changes.new_candidates)
    found = [News(f"{counted(many, 'new candidate')} to offer", _named(new, many))]
    if not many:
        said = f"{report.conversion.counts_text}, as listed below." if len(rows) else ""
        found = [News("No new candidates to offer", said)]
    if gone:
        many = len(changes.gone)
        found.append(
            News(
                f"{counted(many, 'candidate')} no longer {'qualifies' if many == 1 else 'qualify'}", _named(gone, many)
            )
        )
    return found


def _mistake_news(report: Report, changes: Changes) -> list[News]:
    top = report.mistakes.top
    if not report.mistakes.total:
        return [News("Mistakes", f"none in {report.mistakes.period.caption}.")]
    new = [
        f"“{shown(key.text, 80)}” (no. {rank})"
        for rank, key in zip(top["rank"], mistake_keys(top), strict=True)
        if key in changes.new_mistakes
    ]
    what = f"{counted(len(new), 'mistake')} new in the {top_name(report)}"
    return [News(what, _named(new[:NAMED], len(new)))] if new else []


def _step_news(report: Report, changes: Changes) -> list[News]:
    if not report.engagement.by_role["sessions"].any():
        return [News("Engagement", f"no session in {report.engagement.period.caption}.")]
    labels = {"users": ("Users", 0), "sessions": ("Sessions", 0), "avg_confidence": ("Confidence", 2)}
    differing = [step for step in changes.steps if step.now != step.last]
    if not differing:
        return [News("Engagement is unchanged", "Users, sessions and confidence are as in the last report.")]
    return [_step(step, *labels[step.name]) for step in differing]


def _step(step: Step, label: str, places: int) -> News:
    now, last = figure(step.now, places), figure(step.last, places)
    if step.now is None or step.last is None:
        return News(label, f"{now}, after {last} in the last report")
    by = step.now - step.last
    return News(
        f"{label} {'up' if by > 0 else 'down'} {figure(abs(by), places)}", f"{now}, after {last} in the last report"
    )


def _named(names: list[str], of: int) -> str:
    more = of - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more > 0 else "")


def top_name(report: Report) -> str:
    """`top ten`, or `top 20` where the setting says so."""
    return "top ten" if report.options.top == 10 else f"top {report.options.top}"


def subject(report: Report, changes: Changes) -> str:
    """The subject of the mail, the news in it and no text from the data: `3 new candidates, sessions +12 %: ...`."""
    said = "nothing to report" if is_empty(report) else _headline(report, changes)
    old = "no sessions yet; " if report.data_as_of is None else ""
    if is_stale(report):
        old = f"data is {counted(report.days_old or 0, 'day')} old; "
    text = f"{old}{said}"
    return f"{text[0].upper()}{text[1:]}: {PRODUCT}, {day_text(report.as_of)}"


def _headline(report: Report, changes: Changes) -> str:
    if changes.last and not changes.any:
        return "nothing new since the last report"
    return f"{_people_headline(report, changes)}, {_sessions_headline(report)}"


def _people_headline(report: Report, changes: Changes) -> str:
    if not changes.last:
        return report.conversion.counts_text
    if changes.new_candidates:
        return f"{counted(len(changes.new_candidates), 'new candidate')} to offer"
    if changes.new_mistakes:
        return f"{counted(len(changes.new_mistakes), 'mistake')} new in the {top_name(report)}"
    fewer = changes.gone and _anybody_came(report)
    return f"{counted(len(changes.gone), 'candidate')} fewer" if fewer else "no new candidates to offer"


def _sessions_headline(report: Report) -> str:
    """The same change as in the table below: against the window before."""
    by_role = report.engagement.by_role
    total = records(by_role[by_role["group"] == TOTAL])[-1]
    return (
        f"sessions {_whole_percent(total['sessions'], total['sessions_before'])}"
        if total["sessions"]
        else "no sessions"
    )


def _whole_percent(now: int, before: int) -> str:
    share = percent(now, before, 0).replace("\N{NO-BREAK SPACE}", " ")
    return "steady" if share in ("+0 %", "-0 %") else share or f"{now:,}"
