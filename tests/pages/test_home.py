"""Home: the figures of the week against the window before, and what stands out."""

from __future__ import annotations

import math
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from streamlit.proto.Metric_pb2 import Metric

from tests.factory import make_database
from tests.pages.app import as_shown, change_of, figures, go, links, move, open_page, said, table


def test_the_week_of_the_worked_case():
    app = open_page("Home")
    assert figures(app) == {
        "Active users": "8",
        "Sessions": "16",
        "Confidence, 1 to 10": "7.88",
        "Mistakes": "21",
        "To offer, of 2": "2",
        "Revenue potential": "$358",
    }
    assert {label: change_of(app, label) for label in ("Active users", "Sessions", "To offer, of 2")} == {
        "Active users": "+3",
        "Sessions": "+8",
        "To offer, of 2": "+1",
    }


def test_the_small_line_of_a_figure_ends_with_the_figure():
    for metric in open_page("Home").metric:
        shown = metric.value.replace("\\", "").strip("$").replace(",", "")
        assert len(metric.proto.chart_data) == 8
        assert metric.proto.chart_data[-1] == pytest.approx(float(shown), abs=0.005)


def test_windows_in_which_nobody_came_are_gaps_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = make_database(tmp_path / "one.db", users=[{"user_id": "ann"}], sessions=[{"user_id": "ann"}])
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    app = open_page("Home")
    confidence = next(metric for metric in app.metric if metric.label.startswith("Confidence"))
    assert confidence.value == "7.50"
    assert [math.isnan(number) for number in confidence.proto.chart_data] == [True] * 7 + [False]


def test_a_week_without_sessions_shows_no_average_and_says_why():
    app = open_page("Home", as_of="2026-08-01")
    assert "No sessions in 26 Jul – 1 Aug 2026" in said(app)
    assert figures(app)["Confidence, 1 to 10"] == "–"
    assert figures(app)["Sessions"] == "0"


def test_what_stands_out_is_three_to_five_sentences_at_most_and_each_leads_somewhere():
    sentences = {label: to for label, to in links(open_page("Home")).items() if len(label) > 20}
    assert 1 <= len(sentences) <= 5
    assert {page for page, _ in sentences.values()} <= {"conversion", "mistakes", "engagement"}


def test_where_the_data_begins_inside_the_window_before_no_percentage_is_told():
    app = open_page("Home", engagement_days="90")
    assert "(no data before " in app.caption[0].value
    labels = list(links(app))
    assert any("too little before this window to compare with" in label for label in labels)
    assert not any("%" in label for label in labels)


def test_without_data_nothing_stands_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(make_database(tmp_path / "empty.db")))
    app = open_page("Home")
    assert "Nothing stands out in this window." in [caption.value for caption in app.caption]


def test_only_what_is_wrong_is_red():
    assert {metric.proto.color for metric in open_page("Home").metric} == {Metric.MetricColor.GRAY}


def test_a_link_of_what_stands_out_carries_the_filters_that_are_set():
    app = open_page("Home", min_confidence="7.9", as_of="2026-11-21")
    queries = [query for label, (_, query) in links(app).items() if len(label) > 20]
    assert queries
    assert all("min_confidence=7.9" in query and "as_of=2026-11-21" in query for query in queries)


def test_a_role_that_stands_out_leads_to_its_own_sessions_whatever_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    role = "free, on trial"
    sessions = [{"user_id": "ann", "started_at": f"2026-11-{day} 09:00:00"} for day in (20, 10) for _ in range(day)]
    sessions.append({"user_id": "ann", "started_at": "2026-11-01 09:00:00"})  # the window before is a whole one
    path = make_database(tmp_path / "trial.db", users=[{"user_id": "ann", "role": role}], sessions=sessions)
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    app = open_page("Home")
    label, (page, query) = next(item for item in links(app).items() if "100 % more" in item[0])
    assert as_shown(label) == "Free, on trial users: 20 sessions, 100 % more than before"
    assert page == "engagement"
    shown = table(go(app, "Engagement", **dict(parse_qsl(query))), "avg_confidence")
    assert shown[["group", "sessions"]].values.tolist() == [[role, 20], ["Total", 20]]


def test_home_follows_the_thresholds_of_conversion_and_says_the_same_revenue():
    app = move(open_page("Conversion"), min_confidence=7.9, price=200.0)
    potential = figures(app)["Revenue potential"]
    assert figures(go(app, "Home"))["Revenue potential"] == potential == "$600"
