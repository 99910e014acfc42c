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
    readable_grid,
    to_offer_first,
    with_people,
)
from lib.analysis.offer_status import offer_statuses
from lib.analysis.streaks import ScoredSessions, Thresholds, candidates
from lib.period import Period


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
).assign(has_address=[True, False])
LEADS = pd.DataFrame({"user_id": ["ann"], "lead_score": [91.0], "lead_status": ["hot"]})
OFFERS = pd.DataFrame(
    {
        "user_id": ["bob", "cleo"],
        "trigger_id": ["t1", "t2"],
        "offered_at": pd.to_datetime(["2026-09-30", "2026-10-01"], utc=True),
        "offer_accepted": [0.0, 1.0],
    }
)
KNOWN = known_users(PEOPLE, LEADS, offer_statuses(PEOPLE, OFFERS, Period(date(2026, 11, 22), 14)))


def test_the_list_is_the_candidates_in_their_order_with_all_that_is_known():
    table = candidate_table(HELD, Thresholds(), KNOWN)
    assert table[["user_id", "sessions", "avg_score"]].values.tolist() == [["ann", 3, 9.0], ["bob", 4, 8.5]]
    assert table["lead_status"].fillna("none").tolist() == ["hot", "none"]
    assert table["outcome"].fillna("none").tolist() == ["none", "not accepted"]
    assert table["recommendation"].tolist() == ["NO_ADDRESS", "SEND_EXECUTIVE_OFFER"]


def test_on_the_page_those_who_may_be_offered_come_first_and_each_part_keeps_its_order():
    table = to_offer_first(candidate_table(HELD, Thresholds(), KNOWN))
    assert table["user_id"].tolist() == ["bob", "ann"]
    assert table.index.tolist() == [0, 1]


def test_somebody_of_whom_nothing_is_known_stays_in_the_list():
    table = candidate_table(HELD, Thresholds(), KNOWN.iloc[:0])
    assert table["user_id"].tolist() == ["ann", "bob"]
    assert table["email"].isna().all()


def test_no_candidates_make_an_empty_table_with_all_columns():
    table = candidate_table(HELD, Thresholds(min_sessions=10), KNOWN)
    assert table.empty
    assert list(table.columns)[:3] == ["user_id", "email", "english_level"]
    assert str(table["recommendation"].dtype) == "str"


def test_people_do_not_change_the_order_of_rows():
    rows = pd.DataFrame({"user_id": ["cleo", "ann", "bob"]})
    assert with_people(rows, KNOWN)["user_id"].tolist() == ["cleo", "ann", "bob"]


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


def test_the_grid_counts_those_who_may_be_offered_alone():
    of_all, of_some = (every_setting(HELD, "any", 2.0, among) for among in (None, HELD.user_ids != "ann"))
    row = (of_all["min_confidence"] == 8.0) & (of_all["min_sessions"] == 3)
    assert (of_all[row]["candidates"].item(), of_some[row]["candidates"].item()) == (2, 1)
    assert of_some[row]["revenue"].item() == 2.0
