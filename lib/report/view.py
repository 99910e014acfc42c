"""The figures and lists of the mail as texts: HTML and plain text say the same, because both take it from here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from lib.analysis.candidates import to_offer_first
from lib.analysis.engagement import FIGURES, TOTAL, told_apart
from lib.analysis.numbers import counted
from lib.analysis.offers import OfferText, money, offer_text, whole_money
from lib.definitions import FIGURES as LABELS
from lib.period import Period, day_of, day_range, day_text, moment_text
from lib.report.changes import Changes, mistake_keys
from lib.report.contents import Report
from lib.report.wording import NO_DATA, Moved, figure, moved, percent, person, records, shown
from lib.rounding import half_up

PLACES = {"users": 0, "sessions": 0, "avg_confidence": 2, "avg_mistakes": 2, "sessions_per_user": 2}


@dataclass(frozen=True)
class Limits:
    """How many rows the mail shows; ``rows`` are those of each own analysis. What it leaves out is counted."""

    roles: int = 12
    mistakes: int = 20
    candidates: int = 50
    offers: int = 10
    analyses: int = 10
    rows: int = 10


class Tile(NamedTuple):
    label: str
    value: str
    moved: Moved


class Cell(NamedTuple):
    value: str
    before: str
    moved: Moved


class Role(NamedTuple):
    name: str
    is_total: bool
    cells: tuple[Cell, ...]


class MistakeRow(NamedTuple):
    rank: int
    text: str
    correct_form: str
    kind: str
    frequency: str
    percent: str
    trend: str
    users: str
    is_new: bool


class CandidateRow(NamedTuple):
    name: str
    known_as: str
    level: str
    sessions: str
    avg_score: str
    last_session: str
    status: str
    last_offer: str
    lead: str
    is_new: bool


def times_sentence(report: Report) -> str:
    """Data as of, and computed at: two different times."""
    zone = report.options.zone
    data = f"Data as of {moment_text(report.data_as_of, zone)}" if report.data_as_of else "No sessions yet"
    return f"{data} · computed {moment_text(report.generated_at, zone)} ({zone})"


def versus(period: Period) -> str:
    """`16–22 Nov 2026 (UTC), against 9–15 Nov 2026`."""
    return f"{period.caption}, against {day_range(period.before.first, period.before.as_of)}"


def tiles(report: Report, changes: Changes) -> list[Tile]:
    """The four figures of management."""
    total, conversion = total_row(report), report.conversion
    found = []
    for name, label in (("sessions", "Sessions"), ("users", "Users")):
        by = moved(total[name], total[f"{name}_before"], 0)
        share = percent(total[name], total[f"{name}_before"])
        found.append(
            Tile(label, figure(total[name], 0), by._replace(origin=f"{by.origin} ({share})" if share else by.origin))
        )
    now, before = total["avg_confidence"], total["avg_confidence_before"]
    found.append(Tile("Confidence, 1 to 10", figure(now, 2), moved(now, before, 2)))
    potential = whole_money(conversion.revenue.potential, report.options.offer.currency)
    new = f"{len(changes.new_candidates):,} new, " if changes.last else ""
    origin = f"of {len(conversion.candidates):,} who qualify; {new}{potential} potential"
    found.append(Tile("Candidates to offer", f"{len(conversion.to_offer):,}", Moved(origin)))
    return found


def total_row(report: Report) -> dict[str, Any]:
    """The total of Engagement."""
    by_role = report.engagement.by_role
    return records(by_role[by_role["group"] == TOTAL])[-1]


def roles(report: Report, limit: int) -> list[Role]:
    """The table by role, the total last."""
    table = report.engagement.by_role
    table = table.assign(shown_as=told_apart(table["group"]))
    return [_role(row) for row in records(pd.concat([table[:-1].head(limit), table[-1:]]))]


def _role(row: dict[str, Any]) -> Role:
    cells = [
        Cell(
            figure(row[name], PLACES[name]),
            figure(row[f"{name}_before"], PLACES[name]),
            moved(row[name], row[f"{name}_before"], PLACES[name], fewer_is_better=name == "avg_mistakes"),
        )
        for name in FIGURES
    ]
    return Role(shown(row["shown_as"], 40), row["group"] == TOTAL, tuple(cells))


def role_texts(found: Iterable[Role]) -> list[list[str]]:
    """The same table with the figure before in parentheses, for plain text."""
    return [[role.name, *(_with_before(cell) for cell in role.cells)] for role in found]


def _with_before(cell: Cell) -> str:
    return f"{cell.value} ({cell.before})"


def role_labels() -> list[str]:
    """The headings of the columns beside the role."""
    return [LABELS[name].label for name in FIGURES]


def mistakes(report: Report, changes: Changes, limit: int) -> list[MistakeRow]:
    """The ranked mistakes, new ones marked."""
    top = report.mistakes.top.head(limit)
    return [
        MistakeRow(
            rank=row["rank"],
            text=shown(row["mistake"]),
            correct_form=shown(row["correct_form"], 100),
            kind=f"{shown(row['error_type'], 40)}, {shown(row['error_category'], 40)}",
            frequency=figure(row["frequency"], 0),
            percent=f"{half_up(row['percent'], 1):.1f} %",
            trend=row["trend"],
            users=figure(row["users"], 0),
            is_new=key in changes.new_mistakes,
        )
        for row, key in zip(records(top), mistake_keys(top), strict=True)
    ]


def mistakes_sentence(report: Report) -> str:
    """How many there are, and how many entries are none."""
    found = report.mistakes
    said = f"{counted(found.total, 'mistake')} in the window, {found.different:,} different ones."
    entries = f"{counted(found.left_out, 'entry', 'entries')} without a text"
    return f"{said} {entries} {'is' if found.left_out == 1 else 'are'} left out." if found.left_out else said


def ordered_candidates(report: Report, changes: Changes) -> pd.DataFrame:
    """All candidates: new ones, others who may be offered, the rest, each in their order; is_new (bool) says which."""
    table = to_offer_first(report.conversion.candidates)
    table = table.assign(is_new=table["user_id"].isin(changes.new_candidates))
    return table.sort_values("is_new", ascending=False, kind="stable")


def candidates(report: Report, table: pd.DataFrame) -> list[CandidateRow]:
    """Rows of ``ordered_candidates``, as texts."""
    return [_candidate(row, report.options.zone) for row in records(table)]


def _candidate(row: dict[str, Any], zone: str) -> CandidateRow:
    lead = [
        f"{half_up(row['lead_score'], 1):.1f}" if pd.notna(row["lead_score"]) else "",
        shown(row["lead_status"], 30),
    ]
    name, user_id = person(row), shown(row["user_id"], 40)
    return CandidateRow(
        name=name,
        known_as=user_id if name != user_id else "",
        level=shown(row["english_level"], 12) or NO_DATA,
        sessions=counted(row["sessions"], "session"),
        avg_score=figure(row["avg_score"], 2),
        last_session=_when(row["last_session_at"], zone),
        status=row["offer_status"],
        last_offer=_offered(row, zone),
        lead=" ".join(part for part in lead if part),
        is_new=bool(row["is_new"]),
    )


def _when(moment: pd.Timestamp, zone: str) -> str:
    return NO_DATA if pd.isna(moment) else moment_text(moment.to_pydatetime(warn=False), zone)


def _offered(row: dict[str, Any], zone: str) -> str:
    """What is known of the newest offer; empty where there is none."""
    if pd.isna(row["offered_at"]):
        return ""
    day = day_text(day_of(row["offered_at"].to_pydatetime(warn=False), zone))
    return f"offer of {day}: {row['outcome']}"


def offers(report: Report, table: pd.DataFrame) -> list[OfferText]:
    """The offer to each of ``table``; the text is the settings', the address from the data is made harmless."""
    offer = report.options.offer
    missing = "address withheld" if report.is_anonymised else "no e-mail address"
    return [offer_text(_to(row, missing), None, row["sessions"], row["avg_score"], offer) for row in records(table)]


def _to(row: dict[str, Any], missing: str) -> str:
    return shown(row["email"], 60) or f"{shown(row['user_id'], 40)}, {missing}"


def revenue_sentences(report: Report) -> list[str]:
    """How many to offer, the revenue that they could bring, and what is expected of it with its interval."""
    conversion, offer = report.conversion, report.options.offer
    found, price = conversion.revenue, money(offer.price, offer.currency)
    first = f"{conversion.counts_text}."
    second = (
        f"Revenue potential: {whole_money(found.potential, offer.currency)} ({len(conversion.to_offer):,} at {price})."
    )
    if conversion.accepted is None or found.expected is None or found.low is None or found.high is None:
        return [first, second, "Expected revenue: no past offers to tell from."]
    expected, low, high = (whole_money(one, offer.currency) for one in (found.expected, found.low, found.high))
    past = f"{conversion.accepted.accepted:,} of {conversion.accepted.sent:,} past offers were accepted"
    return [first, second, f"Expected revenue: {expected}, 95 % interval {low} to {high}; {past}."]


def of(shown_rows: Iterable[object], many: int, where: str) -> str:
    """`50 of 1,000, all in the attached list`; empty where all are shown."""
    few = len(list(shown_rows))
    return f"{few:,} of {many:,}, all in {where}" if few < many else ""
