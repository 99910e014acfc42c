"""The app on a database that nobody made up for it; its figures against a count in plain Python."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lib.report.orders import order_from
from lib.report.run import run
from lib.rounding import half_up
from lib.settings import PREFIX, Settings
from tests.pages.app import PAGES, Clock, drawn, figures, forget_everything, go, open_page, table

HOME_FIRST = "Home"
LEARNERS = Path(os.environ.get("FLUENCY_TEST_LEARNERS", Path(__file__).parents[3] / "shared" / "data" / "learners.db"))
WEEK, FORTNIGHT, MONTH = (datetime(2026, *start) for start in ((11, 16), (11, 9), (10, 24)))
END = datetime(2026, 11, 23)


@pytest.fixture(autouse=True)
def learners(monkeypatch: pytest.MonkeyPatch) -> None:
    assert LEARNERS.exists(), f"{LEARNERS.name} is not in {LEARNERS.parent}; name it in FLUENCY_TEST_LEARNERS"
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(LEARNERS))
    monkeypatch.setenv("FLUENCY_AUDIT", "")
    monkeypatch.setattr("lib.ui.door.datetime", Clock)
    forget_everything()


def rows(sql: str) -> list[tuple]:
    with closing(sqlite3.connect(f"{LEARNERS.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)  # all of them are UTC


def test_every_page_opens_on_it():
    app = open_page(HOME_FIRST, as_of="2026-11-22")
    for title in PAGES:
        app = drawn(go(app, title))


def test_engagement_is_what_counting_gives():
    roles = dict(rows("SELECT user_id, role FROM users"))
    sessions: dict[str, list[tuple[str, float | None, int | None]]] = defaultdict(list)
    for user, started, ended, score, mistakes in rows(
        "SELECT user_id, started_at, ended_at, confidence_score, error_count FROM coaching_sessions"
    ):
        if ended and WEEK <= instant(started) < END:
            sessions[roles.get(user) or "unknown"].append((user, score, mistakes))
    shown = table(open_page("Engagement", as_of="2026-11-22"), "avg_confidence").set_index("group")
    for role, held in sessions.items():
        scores = [score for _, score, _ in held if score is not None]
        assert shown.loc[role, "sessions"] == len(held)
        assert shown.loc[role, "users"] == len({user for user, _, _ in held})
        assert shown.loc[role, "avg_confidence"] == pytest.approx(sum(scores) / len(scores))
    assert shown.loc["Total", "sessions"] == sum(map(len, sessions.values()))


def test_the_most_frequent_mistakes_are_what_counting_gives():
    counted = Counter(
        (kind, category, text)
        for kind, category, text, at in rows(
            "SELECT error_type, error_category, error_text, detected_at FROM detected_errors"
        )
        if text and text.strip() and MONTH <= instant(at) < END
    )
    ranked = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0][2], pair[0][0], pair[0][1]))[:10]
    shown = table(open_page("Mistakes", as_of="2026-11-22"), "percent")
    assert list(zip(shown["mistake"], shown["frequency"], strict=True)) == [(key[2], times) for key, times in ranked]
    assert shown["percent"].iloc[0] == pytest.approx(100 * ranked[0][1] / counted.total())


def test_candidates_are_what_counting_gives():
    scores: dict[str, list[tuple[datetime, str, float]]] = defaultdict(list)
    for user, session, started, score in rows(
        "SELECT s.user_id, s.session_id, s.started_at, s.confidence_score FROM coaching_sessions s "
        "JOIN users u ON u.user_id = s.user_id WHERE u.role = 'free' AND s.confidence_score IS NOT NULL"
    ):
        if FORTNIGHT <= instant(started) < END:
            scores[user].append((instant(started), session, score))
    expected = {}
    for user, held in scores.items():
        run: list[float] = []
        for _, _, score in sorted(held):
            run = [*run, score] if score > 8.0 else []
        if len(run) >= 3:
            expected[user] = (len(run), sum(run) / len(run))
    app = open_page("Conversion", as_of="2026-11-22")
    shown = table(app, "recommendation")
    assert {
        row.user_id: (row.sessions, pytest.approx(row.avg_score, abs=0.0051)) for row in shown.itertuples()
    } == expected
    asked_lately = {
        user
        for user, at, accepted in rows(
            "SELECT user_id, triggered_at, offer_accepted FROM conversion_triggers WHERE offer_sent"
        )
        if instant(at) < END and (accepted or instant(at) >= END - timedelta(days=30))
    }
    reachable = {user for (user,) in rows("SELECT user_id FROM users WHERE email LIKE '%_@_%'")}
    may_be_offered = (expected.keys() & reachable) - asked_lately
    assert figures(app)[f"To offer, of {len(expected)} who qualify"] == str(len(may_be_offered))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """The summary of the daily report, as a program reads it."""
    folder = tmp_path_factory.mktemp("report")
    order = order_from(Settings(database_url=str(LEARNERS)), folder=folder)
    run(order, now=datetime(2026, 11, 23, 8, tzinfo=UTC))
    return json.loads(next(folder.glob("daily_summary_*.json")).read_bytes())


def shown(page: str, column: str, names: dict[str, str]) -> list[list[object]]:
    """Columns of a table of the app, values as the report has them."""
    found = table(open_page(page), column)[list(names)].rename(columns=names)
    return [list(map(_as_in_json, row)) for row in found.values.tolist()]


def told(rows: list[dict[str, object]], names: Iterable[str]) -> list[list[object]]:
    return [[row[name] for name in names] for row in rows]


FIGURES = {
    "users": "users",
    "sessions": "sessions",
    "avg_confidence": "avg_confidence",
    "avg_mistakes": "avg_errors",
    "sessions_per_user": "sessions_per_user",
}


def test_engagement_in_the_report_is_that_of_the_app(report: dict[str, dict]) -> None:
    said = report["engagement"]
    by_role = [*said["by_role"], {"role": "Total", **said["total"]}]
    names = {"group": "role", **FIGURES}
    assert shown("Engagement", "avg_confidence", names) == told(by_role, names.values())


def test_engagement_in_the_report_is_what_counting_gives(report: dict[str, dict]) -> None:
    roles = dict(rows("SELECT user_id, role FROM users"))
    held: dict[str, list[tuple[str, float | None, int | None]]] = defaultdict(list)
    for user, started, ended, score, mistakes in rows(
        "SELECT user_id, started_at, ended_at, confidence_score, error_count FROM coaching_sessions"
    ):
        if ended and WEEK <= instant(started) < END:
            for group in (roles.get(user) or "unknown", "total"):
                held[group].append((user, score, mistakes))
    said = report["engagement"]
    for row in [*said["by_role"], {"role": "total", **said["total"]}]:
        sessions = held[row["role"]]
        users = {user for user, _, _ in sessions if user in roles}
        assert (row["users"], row["sessions"]) == (len(users), len(sessions))
        assert row["avg_confidence"] == _average([score for _, score, _ in sessions])
        assert row["avg_errors"] == _average([mistakes for _, _, mistakes in sessions])
        assert row["sessions_per_user"] == (pytest.approx(len(sessions) / len(users), abs=0.0051) if users else None)


def _average(values: list[float | None]) -> object:
    """To two decimals; None where there is nothing to average."""
    there = [value for value in values if value is not None]
    return pytest.approx(sum(there) / len(there), abs=0.0051) if there else None


MISTAKE = ("rank", "error_type", "error_category", "mistake", "correct_form", "frequency", "percent", "users")


def test_mistakes_in_the_report_are_those_of_the_app(report: dict[str, dict]) -> None:
    names = {name: name for name in MISTAKE if name != "rank"}  # the page shows it by the order of its rows
    assert shown("Mistakes", "percent", names) == told(report["mistakes"]["top"], names)


def test_mistakes_in_the_report_are_what_counting_gives(report: dict[str, dict]) -> None:
    made = [
        ((kind, category, text), user)
        for kind, category, text, user, at in rows(
            "SELECT error_type, error_category, error_text, user_id, detected_at FROM detected_errors"
        )
        if MONTH <= instant(at) < END
    ]
    counted = Counter(key for key, _ in made if key[2] and key[2].strip())
    right_forms: dict[str, Counter[str]] = defaultdict(Counter)
    for pattern, form, times in rows("SELECT error_pattern, correct_form, coalesce(frequency, 1) FROM it_errors"):
        if pattern and pattern.strip() and form and form.strip():
            right_forms[pattern.strip().lower()][form.strip()] += times
    said = report["mistakes"]
    assert said["total_errors"] == counted.total()
    assert said["left_out"] == len(made) - counted.total()
    for row in said["top"]:
        key = (row["error_type"], row["error_category"], row["mistake"])
        fitting: Counter[str] = Counter()
        for pattern, forms in right_forms.items():
            fitting.update(forms if pattern in row["mistake"].lower() else {})
        assert row["frequency"] == counted[key]
        assert row["percent"] == pytest.approx(100 * counted[key] / counted.total(), abs=0.0051)
        assert row["users"] == len({user for made_one, user in made if made_one == key})
        best = max(fitting.values(), default=0)
        assert row["correct_form"] in ([form for form, times in fitting.items() if times == best] or [None])


def test_candidates_and_revenue_in_the_report_are_those_of_the_app(report: dict[str, dict]) -> None:
    names = ("user_id", "email", "english_level", "sessions", "avg_score", "recommendation")
    assert shown("Conversion", "recommendation", {name: name for name in names}) == told(
        report["conversion"]["candidates"], names
    )
    revenue = figures(open_page("Conversion"))["Revenue potential"]
    assert revenue == f"${report['conversion']['revenue_potential']:,.0f}"


def _as_in_json(value: object) -> object:
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else half_up(value)
