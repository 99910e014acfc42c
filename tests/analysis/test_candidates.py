from __future__ import annotations

from datetime import UTC, date, datetime

import pandas as pd
import pytest

from lib.analysis.candidates import (
    CONFIDENCES,
    GRID_MINIMUMS,
    MINIMUMS,
    candidate_table,
    curve,
    every_setting,
    known_users,
    outcomes,
    readable_grid,
    reason_to_wait,
    with_people,
)
from lib.analysis.streaks import ScoredSessions, Thresholds, candidates


def scored(**scores: list[float]) -> ScoredSessions:
    """The scores of each user, one session a day."""
    rows = [
        (user, f"{user}-{day}", datetime(2026, 11, day, 9, tzinfo=UTC), score)
        for user, held in scores.items()
        for day, score in enumerate(held, start=1)
    ]
    columns = ["user_id", "session_id", "started_at", "confidence_score"]
    frame = pd.DataFrame(rows, columns=columns)
    return ScoredSessions.from_frame(frame.assign(started_at=frame["started_at"].astype("datetime64[ns, UTC]")))


HELD = scored(ann=[9.0, 9.0, 9.0], bob=[8.5] * 4, cleo=[9.0, 9.0, 7.0], dora=[8.0] * 5)
PEOPLE = pd.DataFrame(
    {"user_id": ["bob", "ann"], "email": ["bob@example.com", None], "english_level": ["C1", "B2"]}, dtype="str"
)
LEADS = pd.DataFrame({"user_id": ["ann"], "lead_score": [91.0], "lead_status": ["hot"]})
OFFERS = pd.DataFrame(
    {
        "user_id": ["bob", "cleo", "dora"],
        "offered_at": pd.to_datetime(["2026-09-30", "2026-10-01", "2026-10-02"], utc=True),
        "offer_sent": [True, True, False],
        "offer_accepted": [False, True, False],
    }
)
KNOWN = known_users(PEOPLE, LEADS, OFFERS)


def test_the_list_is_the_candidates_in_their_order_with_all_that_is_known():
    table = candidate_table(HELD, Thresholds(), KNOWN)
    assert table[["user_id", "sessions", "avg_score"]].values.tolist() == [["ann", 3, 9.0], ["bob", 4, 8.5]]
    assert table["lead_status"].fillna("none").tolist() == ["hot", "none"]
    assert table["outcome"].fillna("none").tolist() == ["none", "not accepted"]
    assert table["recommendation"].tolist() == ["SEND_EXECUTIVE_OFFER"] * 2


def test_somebody_of_whom_nothing_is_known_stays_in_the_list():
    table = candidate_table(HELD, Thresholds(), KNOWN.iloc[:0])
    assert table["user_id"].tolist() == ["ann", "bob"]
    assert table["email"].isna().all()


def test_no_candidates_make_an_empty_table_with_all_columns():
    table = candidate_table(HELD, Thresholds(min_sessions=10), KNOWN)
    assert table.empty
    assert list(table.columns)[:3] == ["user_id", "email", "english_level"]
    assert str(table["recommendation"].dtype) == "str"


def test_an_offer_without_an_answer_is_not_accepted_and_one_that_was_not_sent_is_not_sent():
    assert outcomes(OFFERS).tolist() == ["not accepted", "accepted", "not sent"]


def test_people_do_not_change_the_order_of_rows():
    rows = pd.DataFrame({"user_id": ["cleo", "ann", "bob"]})
    assert with_people(rows, PEOPLE)["user_id"].tolist() == ["cleo", "ann", "bob"]


@pytest.mark.parametrize("streak", ["current", "best", "any"])
def test_every_cell_is_the_number_of_candidates_that_the_list_would_have(streak: str):
    table = every_setting(HELD, streak, 179.0)
    assert len(table) == len(CONFIDENCES) * len(MINIMUMS)
    for row in table.iloc[::17].itertuples():
        counted = len(candidates(HELD, Thresholds(row.min_sessions, row.min_confidence, streak)))
        assert (row.candidates, row.revenue) == (counted, counted * 179.0)


def test_the_grid_on_the_page_always_has_the_present_setting():
    now = Thresholds(min_sessions=9, min_confidence=7.3)
    cells = readable_grid(every_setting(HELD, "current", 1.0), now)
    assert ((cells["min_sessions"] == 9) & (cells["min_confidence"] == 7.3)).sum() == 1
    assert sorted(set(cells["min_sessions"])) == [*range(1, GRID_MINIMUMS + 1), 9]
    assert len(set(cells["min_confidence"])) == 11


def test_every_setting_of_the_sliders_is_in_the_grid_to_the_last_digit():
    table = every_setting(HELD, "current", 1.0)
    assert sorted(set(table["min_confidence"])) == [round(tenths / 10, 1) for tenths in range(50, 100)]


def test_the_curve_has_every_score_at_the_present_minimum_and_never_rises():
    line = curve(every_setting(HELD, "current", 1.0), Thresholds(min_sessions=3))
    assert len(line) == len(CONFIDENCES)
    assert line["candidates"].is_monotonic_decreasing


@pytest.mark.parametrize(
    ("outcome", "offered_on", "reason"),
    [
        ("accepted", date(2025, 1, 2), "The offer of 2 Jan 2025 was accepted"),
        ("not accepted", date(2026, 10, 24), "sent on 24 Oct 2026, 29 days ago"),
        ("not accepted", date(2026, 11, 22), "sent on 22 Nov 2026, on the same day"),
        ("not accepted", date(2026, 10, 23), ""),
        ("not sent", date(2026, 11, 21), ""),
    ],
)
def test_who_bought_or_was_asked_inside_the_cooldown_waits(outcome: str, offered_on: date, reason: str):
    found = reason_to_wait(outcome, offered_on, date(2026, 11, 22))
    assert reason in found if reason else found == ""
