from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from lib.analysis.offers import Offer
from lib.analysis.streaks import Thresholds
from lib.database import connect, database_url, open_engine
from lib.exports import json_bytes
from lib.report.changes import Changes, Gone, Mistake, Setting, Step, compare
from lib.report.contents import Report
from lib.report.summary import summary
from tests.report.made import report_of


@pytest.fixture(scope="module")
def report(worked_path: Path) -> Report:
    with connect(open_engine(database_url(str(worked_path)))) as connection:
        return report_of(connection)


def read_back(report: Report) -> Any:
    """The summary as the next run reads it."""
    return json.loads(json_bytes(summary(report)))


def with_candidates(report: Report, user_ids: list[str]) -> Report:
    """The same report with these candidates, who differ in nothing else."""
    one = report.conversion.candidates.head(1)
    rows = pd.concat([one] * len(user_ids), ignore_index=True) if user_ids else one.head(0)
    rows = rows.assign(user_id=pd.Series(user_ids, dtype="str"), email=pd.Series(user_ids, dtype="str"))
    return replace(report, conversion=replace(report.conversion, candidates=rows))


def test_without_a_last_report_nothing_is_new(report: Report) -> None:
    assert compare(report, None) == Changes()


def test_the_same_report_again_has_no_news(report: Report) -> None:
    changes = compare(report, read_back(report))
    assert changes.last is not None
    assert not changes.any


def test_who_was_a_candidate_yesterday_is_no_news_today(worked: Connection) -> None:
    yesterday, today = (report_of(worked, as_of=date(2026, 11, day)) for day in (21, 22))
    # user002 has the third session on the 22nd; user003 had four of them already.
    assert compare(today, read_back(yesterday)).new_candidates == {"user002"}
    assert compare(today, read_back(today)).new_candidates == frozenset()


def test_who_no_longer_qualifies_is_named_as_the_last_report_had_it(report: Report) -> None:
    last = read_back(report)
    now = with_candidates(report, ["user002", "user009"])
    assert compare(now, last).gone == (Gone("user003", "three@example.com"),)
    assert compare(now, last).new_candidates == {"user009"}


def test_a_candidate_without_an_address_can_be_gone(report: Report) -> None:
    last = read_back(report)
    last["conversion"]["candidates"][0]["email"] = None
    gone = compare(with_candidates(report, []), last).gone
    assert gone == (Gone("user002", ""), Gone("user003", "three@example.com"))


IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5), unique=True, max_size=8)


@given(before=IDS, now=IDS)
def test_new_and_gone_are_the_two_differences_of_the_lists(report: Report, before: list[str], now: list[str]) -> None:
    changes = compare(with_candidates(report, now), read_back(with_candidates(report, before)))
    assert sorted(changes.new_candidates) == sorted(one for one in now if one not in before)
    assert [one.user_id for one in changes.gone] == [one for one in before if one not in now]


def test_a_mistake_is_new_when_its_type_category_or_text_is(report: Report) -> None:
    last = read_back(report)
    assert compare(report, last).new_mistakes == frozenset()
    last["mistakes"]["top"][0]["error_type"] = "vocabulary"
    del last["mistakes"]["top"][4]
    assert compare(report, last).new_mistakes == {
        Mistake("grammar", "articles", 'Missing article: "working on system"'),
        Mistake("pronunciation", "technical terms", "Mispronounced: cache"),
    }


def test_a_new_rank_is_no_news(report: Report) -> None:
    last = read_back(report)
    last["mistakes"]["top"].reverse()
    assert compare(report, last).new_mistakes == frozenset()


def test_figures_are_compared_as_the_files_round_them(report: Report) -> None:
    last = read_back(report)
    assert compare(report, last).steps == (
        Step("users", 8, 8),
        Step("sessions", 16, 16),
        Step("avg_confidence", 7.88, 7.88),  # 69.0 of the nine free sessions and 57.0 of the seven: 126 / 16 = 7.875
    )
    last["engagement"]["total"] |= {"sessions": 12, "avg_confidence": None}
    steps = compare(report, last).steps
    assert (steps[1].now, steps[1].last) == (16, 12)
    assert steps[2].last is None
    assert compare(report, last).any


@pytest.mark.parametrize(
    ("options", "name", "now", "last"),
    [
        ({"thresholds": Thresholds(min_sessions=2)}, "sessions at least", "2", "3"),
        ({"thresholds": Thresholds(min_confidence=7.5)}, "score above", "7.5", "8"),
        ({"thresholds": Thresholds(streak="any")}, "way of counting", "any", "current"),
        ({"offer": Offer(199)}, "price", "199", "179"),
        ({"conversion_days": 30}, "window of Conversion, days", "30", "14"),
        ({"mistakes_days": 7}, "window of Mistakes, days", "7", "30"),
        ({"engagement_days": 14}, "window of Engagement, days", "14", "7"),
        ({"zone": "Europe/Berlin"}, "reporting zone", "Europe/Berlin", "UTC"),
    ],
)
def test_a_setting_that_differs_is_said(
    worked: Connection, report: Report, options: dict[str, Any], name: str, now: str, last: str
) -> None:
    changes = compare(report_of(worked, **options), read_back(report))
    assert changes.settings == (Setting(name, now, last),)
    assert changes.any


def test_another_database_is_said(report: Report) -> None:
    changes = compare(replace(report, source="other.db"), read_back(report))
    assert changes.settings == (Setting("database", "other.db", "worked.db"),)


def test_the_last_report_is_known_by_its_day_and_moment(report: Report) -> None:
    last = compare(report, read_back(report)).last
    assert last is not None
    assert last.as_of == date(2026, 11, 22)
    assert last.generated_at == datetime(2026, 11, 23, 8, tzinfo=UTC)


def without(summary: dict[str, Any], *path: str) -> dict[str, Any]:
    part = summary
    for name in path[:-1]:
        part = part[name]
    del part[path[-1]]
    return summary


@pytest.mark.parametrize(
    "broken",
    [
        lambda last: {},
        lambda last: without(last, "conversion", "candidates"),
        lambda last: without(last, "engagement", "total", "sessions"),
        lambda last: last | {"mistakes": None},
        lambda last: last | {"conversion": []},
        lambda last: last | {"as_of": "yesterday"},
        lambda last: last | {"as_of": 20261122},
        lambda last: last | {"generated_at": "2026-11-23T08:00:00"},
        lambda last: (
            last | {"engagement": {"window_days": 7, "total": dict.fromkeys(last["engagement"]["total"], "x")}}
        ),
        lambda last: last | {"conversion": last["conversion"] | {"candidates": ["user002"]}},
        lambda last: last | {"mistakes": last["mistakes"] | {"top": 5}},
    ],
)
def test_a_last_report_that_cannot_be_understood_is_said_and_stops_nothing(report: Report, broken: Any) -> None:
    assert compare(report, broken(read_back(report))) == Changes(is_unreadable=True)
