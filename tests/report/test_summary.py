from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from jsonschema import Draft202012Validator, ValidationError
from sqlalchemy import Connection

from lib.analysis.offers import Offer
from lib.analysis.streaks import Thresholds
from lib.exports import json_bytes
from lib.report.contents import Report
from lib.report.summary import schema, summary
from tests.conftest import Fill
from tests.report.made import report_of

KEYS = {
    "": "generated_at as_of timezone data_as_of source engagement mistakes conversion",
    "engagement": "window_days start end by_role total",
    "engagement.by_role": "role users sessions avg_confidence avg_errors sessions_per_user",
    "engagement.total": "users sessions avg_confidence avg_errors sessions_per_user",
    "mistakes": "window_days start end total_errors left_out top",
    "mistakes.top": "rank error_type error_category mistake correct_form frequency percent users",
    "conversion": "window_days start end thresholds price revenue_potential candidates",
    "conversion.thresholds": "min_sessions min_confidence streak",
    "conversion.candidates": "user_id email english_level sessions avg_score last_session_at recommendation",
}


@pytest.fixture
def worked_report(worked: Connection) -> Report:
    return report_of(worked)


def written(report: Report) -> Any:
    """The JSON as a program reads it."""
    return json.loads(json_bytes(summary(report)))


def check(found: Any) -> None:
    Draft202012Validator(schema(), format_checker=Draft202012Validator.FORMAT_CHECKER).validate(found)


def test_the_worked_cases_come_out_exactly(worked_report: Report) -> None:
    found = written(worked_report)
    names = ("role", "users", "sessions", "avg_confidence", "avg_errors", "sessions_per_user")
    assert [tuple(row[name] for name in names) for row in found["engagement"]["by_role"]] == [
        ("free", 4, 9, 7.67, 2.67, 2.25),
        ("student", 4, 7, 8.14, 2.14, 1.75),
        ("coach", 0, 0, None, None, None),
        ("superuser", 0, 0, None, None, None),
    ]
    assert found["mistakes"]["total_errors"] == 120
    assert [
        (row["rank"], row["mistake"], row["frequency"], row["percent"]) for row in found["mistakes"]["top"][:5]
    ] == [
        (1, 'Missing article: "working on system"', 15, 12.5),
        (2, "Mispronounced: library", 12, 10.0),
        (3, 'Basic phrase: "I am working on"', 10, 8.33),
        (4, 'Wrong preposition: "responsible of"', 8, 6.67),
        (5, "Mispronounced: cache", 7, 5.83),
    ]
    assert len(found["mistakes"]["top"]) == 10
    conversion = found["conversion"]
    assert [
        (row["user_id"], row["email"], row["english_level"], row["sessions"], row["avg_score"])
        for row in conversion["candidates"]
    ] == [("user002", "two@example.com", "B2", 3, 9.0), ("user003", "three@example.com", "C1", 4, 8.5)]
    assert {row["recommendation"] for row in conversion["candidates"]} == {"SEND_EXECUTIVE_OFFER"}
    assert (conversion["price"], conversion["revenue_potential"]) == (179, 358)


def test_windows_times_and_settings_are_said(worked: Connection) -> None:
    thresholds = Thresholds(2, 7.5, "best")
    report = report_of(worked, zone="Europe/Berlin", thresholds=thresholds, offer=Offer(199.5), conversion_days=10)
    found = written(report)
    assert (found["generated_at"], found["as_of"], found["timezone"], found["data_as_of"], found["source"]) == (
        "2026-11-23T09:00:00+01:00",
        "2026-11-23",
        "Europe/Berlin",
        "2026-11-23T00:59:59+01:00",
        "worked.db",
    )
    windows = {part: tuple(found[part][key] for key in ("window_days", "start", "end")) for part in list(found)[-3:]}
    assert windows == {
        "engagement": (7, "2026-11-17", "2026-11-23"),
        "mistakes": (30, "2026-10-25", "2026-11-23"),
        "conversion": (10, "2026-11-14", "2026-11-23"),
    }
    assert found["conversion"]["thresholds"] == {"min_sessions": 2, "min_confidence": 7.5, "streak": "best"}
    candidates = found["conversion"]["candidates"]
    assert found["conversion"]["revenue_potential"] == 199.5 * len(candidates)
    assert candidates[0]["last_session_at"] == "2026-11-22T17:45:00+01:00"


@pytest.mark.parametrize(("path", "names"), KEYS.items())
def test_keys_stand_as_the_definition_has_them_in_the_file_and_in_the_schema(
    path: str, names: str, worked_report: Report
) -> None:
    found, published = written(worked_report), schema()
    for key in filter(None, path.split(".")):
        found, published = found[key], published["properties"][key]
    if isinstance(found, list):
        assert {tuple(row) for row in found} == {tuple(names.split())}
        published = published["items"]
    else:
        assert list(found) == names.split()
    assert published["required"] == list(published["properties"]) == names.split()
    assert published["additionalProperties"] is False


def test_the_schema_is_itself_sound() -> None:
    Draft202012Validator.check_schema(schema())


def test_the_worked_report_fits_the_schema(worked_report: Report) -> None:
    check(written(worked_report))


def test_a_report_of_nothing_fits_the_schema_and_has_nulls_and_no_made_up_zeros(filled: Fill) -> None:
    with filled() as connection:
        found = written(report_of(connection))
    check(found)
    assert found["data_as_of"] is None
    assert found["engagement"]["total"] == {
        "users": 0,
        "sessions": 0,
        "avg_confidence": None,
        "avg_errors": None,
        "sessions_per_user": None,
    }
    assert (found["mistakes"]["total_errors"], found["mistakes"]["top"]) == (0, [])
    assert (found["conversion"]["candidates"], found["conversion"]["revenue_potential"]) == ([], 0)


@pytest.mark.parametrize("change", [("as_of", "yesterday"), ("data_as_of", "2026-11-22"), ("more", 1)])
def test_the_schema_refuses_what_does_not_fit(change: tuple[str, object], worked_report: Report) -> None:
    with pytest.raises(ValidationError):
        check({**written(worked_report), change[0]: change[1]})


def test_missing_texts_are_null_and_roles_not_in_the_list_are_there(filled: Fill) -> None:
    sessions = [{"user_id": "ann", "confidence_score": 9.0}] * 3
    with filled(
        users=[{"user_id": "ann", "email": None, "english_level": None}],
        sessions=[*sessions, {"user_id": "gone"}],
        mistakes=[{"error_text": "nothing known of it", "error_type": None}, {"error_text": " "}],
    ) as connection:
        found = written(report_of(connection))
    check(found)
    candidate = found["conversion"]["candidates"][0]
    assert (candidate["user_id"], candidate["email"], candidate["english_level"]) == ("ann", None, None)
    assert [row["role"] for row in found["engagement"]["by_role"]][-1] == "unknown"
    mistake = found["mistakes"]["top"][0]
    assert (mistake["error_type"], mistake["correct_form"], found["mistakes"]["left_out"]) == ("unknown", None, 1)


@pytest.mark.parametrize(
    ("value", "shown"), [(2.675, 2.68), (0.125, 0.13), (7.6666, 7.67), (-0.001, 0.0), (float("nan"), None)]
)
def test_fractions_are_rounded_half_up_to_two_decimals(
    value: float, shown: float | None, worked_report: Report
) -> None:
    engagement = worked_report.engagement
    changed = engagement.by_role.assign(avg_confidence=pd.Series([value] * len(engagement.by_role)))
    found = written(replace(worked_report, engagement=replace(engagement, by_role=changed)))
    assert found["engagement"]["total"]["avg_confidence"] == shown


def test_what_is_computed_is_what_is_written(worked_report: Report) -> None:
    assert written(worked_report) == summary(worked_report)
