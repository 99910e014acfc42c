"""The app on a database that nobody made up for it; its figures against a count in plain Python."""

from __future__ import annotations

import json
import math
import os
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lib.report.orders import order_from
from lib.report.run import run
from lib.settings import PREFIX, Settings, load_settings
from tests.pages.app import PAGES, Clock, drawn, figures, forget_everything, go, open_page, table

HOME_FIRST = "Home"
LEARNERS = Path(os.environ.get("FLUENCY_TEST_LEARNERS", Path(__file__).parents[2] / "shared" / "data" / "learners.db"))
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
    assert figures(app)["Candidates"] == str(len(expected))


def test_the_report_gives_the_numbers_of_the_app(tmp_path: Path) -> None:
    run(order_from(load_settings(), folder=tmp_path), now=datetime(2026, 11, 23, 8, tzinfo=UTC))
    report = json.loads(next(tmp_path.glob("daily_summary_*.json")).read_bytes())

    def shown(page: str, column: str, names: dict[str, str]) -> list[list[object]]:
        found = table(open_page(page), column)[list(names)].rename(columns=names)
        return [list(map(_as_in_json, row)) for row in found.values.tolist()]

    def told(rows: list[dict[str, object]], names: dict[str, str]) -> list[list[object]]:
        return [[row[name] for name in names.values()] for row in rows]

    engagement = {"group": "role", "users": "users", "sessions": "sessions", "avg_confidence": "avg_confidence"}
    by_role = told(report["engagement"]["by_role"], engagement)
    assert shown("Engagement", "avg_confidence", engagement)[: len(by_role)] == by_role
    mistakes = {
        name: name for name in ("rank", "error_type", "error_category", "mistake", "frequency", "percent", "users")
    }
    assert shown("Mistakes", "percent", mistakes) == told(report["mistakes"]["top"], mistakes)
    candidates = {
        name: name for name in ("user_id", "email", "english_level", "sessions", "avg_score", "recommendation")
    }
    assert shown("Conversion", "recommendation", candidates) == told(report["conversion"]["candidates"], candidates)
    revenue = figures(open_page("Conversion"))["Revenue potential"]
    assert revenue == f"${report['conversion']['revenue_potential']:,.0f}"


def _as_in_json(value: object) -> object:
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else round(value, 2)
