from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis.streaks import (
    STREAKS,
    ScoredSessions,
    Streak,
    Thresholds,
    are_candidates,
    candidates,
    in_run,
    qualifying,
    run_lengths,
    runs,
)

DTYPES = {"user_id": "str", "sessions": "int64", "avg_score": "float64", "last_session_at": "datetime64[ns, UTC]"}


class Session(NamedTuple):
    user_id: str
    minute: int
    session_id: str
    score: float


# Few values, so that equal times, equal scores and scores on the threshold are the rule.
SESSIONS = st.lists(
    st.builds(
        Session,
        st.sampled_from(["user1", "user10", "user9", "Zoë", "zoe", "Ω", "😀"]),
        st.integers(0, 5),
        st.integers(0, 200).map(str),
        st.sampled_from([1.0, 7.9, 7.95, 8.0, 8.005, 8.1, 8.125, 9.0, 10.0]),
    ),
    max_size=40,
    unique_by=lambda session: session.session_id,
)
SCORES = st.sampled_from([0.5, 7.9, 8.0, 8.05, 9.0, 10.0])
WAYS = st.sampled_from(list(STREAKS))


def scored(sessions: list[Session]) -> ScoredSessions:
    frame = pd.DataFrame(
        {
            "user_id": pd.Series([session.user_id for session in sessions], dtype="str"),
            "session_id": pd.Series([session.session_id for session in sessions], dtype="str"),
            "started_at": at([session.minute for session in sessions]),
            "confidence_score": pd.Series([session.score for session in sessions], dtype="float64"),
        }
    )
    return ScoredSessions.from_frame(frame)


def at(minutes: list[int]) -> pd.Series:
    days = pd.Timestamp("2026-11-16", tz="UTC") + pd.to_timedelta(pd.Series(minutes, dtype="int64"), unit="min")
    return days.astype("datetime64[ns, UTC]")


def of_one_user(*scores: float) -> ScoredSessions:
    return scored([Session("user1", minute, f"s{minute}", score) for minute, score in enumerate(scores)])


def the_run(sessions: list[Session], min_confidence: float, streak: Streak) -> list[Session]:
    """The second computation: session by session, as a person would count."""
    pieces: list[list[Session]] = [[]]
    for session in sorted(sessions, key=lambda session: (session.minute, session.session_id)):
        if session.score > min_confidence:
            pieces[-1].append(session)
        else:
            pieces.append([])
    if streak == "current":
        return pieces[-1]
    if streak == "any":
        return [session for piece in pieces for session in piece]
    best: list[Session] = []
    for piece in pieces:
        best = piece if len(piece) >= len(best) and piece else best
    return best


def runs_by_hand(sessions: list[Session], min_confidence: float, streak: Streak) -> dict[str, list[Session]]:
    of_user: dict[str, list[Session]] = defaultdict(list)
    for session in sessions:
        of_user[session.user_id].append(session)
    return {user: the_run(of_user[user], min_confidence, streak) for user in sorted(of_user)}


def average(run: list[Session]) -> Decimal:
    return sum((Decimal(str(session.score)) for session in run), Decimal()) / len(run)


def candidates_by_hand(sessions: list[Session], thresholds: Thresholds) -> list[tuple[str, int, float, pd.Timestamp]]:
    found = []
    for user, run in runs_by_hand(sessions, thresholds.min_confidence, thresholds.streak).items():
        if len(run) >= thresholds.min_sessions:
            rounded = float(average(run).quantize(Decimal("0.01"), ROUND_HALF_UP))
            found.append((user, len(run), rounded, at([run[-1].minute])[0]))
    return sorted(found, key=lambda row: (-row[2], -row[1], row[0]))


WORKED_CASE = [
    Session("user001", 1, "a1", 9.5),
    Session("user001", 2, "a2", 9.5),
    Session("user001", 3, "a3", 8.0),
    Session("user002", 1, "b1", 7.0),
    Session("user002", 2, "b2", 8.5),
    Session("user002", 3, "b3", 9.0),
    Session("user002", 4, "b4", 9.5),
    Session("user003", 1, "c1", 8.1),
    Session("user003", 2, "c2", 8.4),
    Session("user003", 3, "c3", 8.6),
    Session("user003", 4, "c4", 8.9),
    Session("user004", 1, "d1", 9.0),
    Session("user004", 2, "d2", 9.0),
]


def test_the_worked_case_of_the_specification() -> None:
    found = candidates(scored(WORKED_CASE), Thresholds())
    assert found[["user_id", "sessions", "avg_score"]].values.tolist() == [["user002", 3, 9.0], ["user003", 4, 8.5]]
    assert found["last_session_at"].tolist() == at([4, 4]).tolist()


def test_a_score_equal_to_the_threshold_breaks_the_streak() -> None:
    sessions = of_one_user(9.0, 9.0, 8.0, 9.0)
    assert runs(sessions, 8.0, "current").sessions.tolist() == [1]
    assert runs(sessions, 8.0, "best").sessions.tolist() == [2]
    assert runs(sessions, 8.0, "any").sessions.tolist() == [3]


def test_the_current_run_ends_with_the_newest_session() -> None:
    assert runs(of_one_user(9.0, 9.0, 9.0, 7.0), 8.0, "current").sessions.tolist() == [0]


def test_of_two_equally_long_runs_the_newer_is_the_best() -> None:
    found = runs(of_one_user(9.0, 9.0, 7.0, 10.0, 10.0, 7.0), 8.0, "best")
    assert (found.first.tolist(), found.last.tolist(), found.avg_score.tolist()) == ([3], [4], [10.0])


def test_a_run_does_not_go_on_with_the_sessions_of_the_next_user() -> None:
    sessions = scored([Session("a", 1, "1", 9.0), Session("a", 2, "2", 9.0), Session("b", 3, "3", 9.0)])
    for streak in STREAKS:
        assert runs(sessions, 8.0, streak).sessions.tolist() == [2, 1]


def test_sessions_that_start_together_stand_in_the_order_of_their_ids() -> None:
    together = [Session("a", 1, "10", 9.0), Session("a", 1, "9", 7.0)]
    assert scored(together).session_ids.tolist() == ["10", "9"]
    assert runs(scored(together), 8.0, "current").sessions.tolist() == [0]


def test_noise_in_the_threshold_of_a_slider_lets_no_equal_score_through() -> None:
    assert not qualifying(of_one_user(8.3), 8.299999999999997).any()


def test_equal_averages_are_ordered_by_sessions_and_then_by_user() -> None:
    lengths = {"b": 3, "a": 3, "c": 4}
    rows = [
        Session(user, minute, f"{user}{minute}", 9.0) for user, number in lengths.items() for minute in range(number)
    ]
    assert candidates(scored(rows), Thresholds())["user_id"].tolist() == ["c", "a", "b"]


def test_averages_are_ordered_as_shown_with_two_decimals() -> None:
    rows = [Session("few", minute, f"f{minute}", 9.004) for minute in range(3)]
    rows += [Session("many", minute, f"m{minute}", 9.001) for minute in range(4)]
    assert candidates(scored(rows), Thresholds())["user_id"].tolist() == ["many", "few"]


@pytest.mark.parametrize("streak", STREAKS)
def test_no_sessions_and_no_candidates_give_empty_tables_with_their_types(streak: Streak) -> None:
    for sessions in (scored([]), of_one_user(1.0, 2.0)):
        found = candidates(sessions, Thresholds(streak=streak))
        assert found.empty
        assert found.dtypes.astype(str).to_dict() == DTYPES


def test_candidates_have_the_stated_types() -> None:
    assert candidates(scored(WORKED_CASE), Thresholds()).dtypes.astype(str).to_dict() == DTYPES


@pytest.mark.parametrize("column", ["user_id", "session_id", "started_at", "confidence_score"])
def test_a_row_with_something_missing_is_refused(column: str) -> None:
    frame = pd.DataFrame(
        {"user_id": ["a", "b"], "session_id": ["1", "2"], "started_at": at([1, 2]), "confidence_score": [9.0, 8.0]}
    )
    frame[column] = frame[column].where([True, False])
    with pytest.raises(ValueError, match="every session needs"):
        ScoredSessions.from_frame(frame)


def test_times_of_any_zone_and_unit_become_utc_nanoseconds() -> None:
    started_at = at([0]).dt.tz_convert("Asia/Tokyo").dt.as_unit("us")
    frame = pd.DataFrame({"user_id": "a", "session_id": "1", "started_at": started_at, "confidence_score": 9.0})
    kept = ScoredSessions.from_frame(frame).started_at
    assert kept.dtype == np.dtype("datetime64[ns]")
    assert kept[0] == np.datetime64("2026-11-16T00:00")


def test_the_arrays_cannot_be_changed_by_accident() -> None:
    with pytest.raises(ValueError, match="read-only"):
        of_one_user(9.0).scores[0] = 1.0


def test_a_minimum_below_one_session_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Thresholds(min_sessions=0)


def test_an_unknown_way_of_counting_is_refused() -> None:
    with pytest.raises(ValueError, match="current, best, any"):
        Thresholds(streak="last")


@given(SESSIONS)
def test_sessions_are_laid_out_by_user_time_and_id(sessions: list[Session]) -> None:
    laid_out = scored(sessions)
    ordered = sorted(sessions, key=lambda session: (session.user_id, session.minute, session.session_id))
    assert laid_out.session_ids.tolist() == [session.session_id for session in ordered]
    assert laid_out.scores.tolist() == [session.score for session in ordered]
    assert laid_out.user_ids[laid_out.owner].tolist() == [session.user_id for session in ordered]
    assert laid_out.user_ids.tolist() == sorted({session.user_id for session in sessions})
    assert (np.diff(laid_out.starts) > 0).all()


@given(SESSIONS)
def test_the_sessions_of_one_user_are_that_users_alone(sessions: list[Session]) -> None:
    laid_out = scored(sessions)
    for user in ("user1", "Ω", "nobody", "", "😀😀"):
        own = laid_out.of_user(user)
        expected = [laid_out.session_ids[i] for i, u in enumerate(laid_out.owner) if laid_out.user_ids[u] == user]
        assert own.session_ids.tolist() == expected
        assert own.user_ids.tolist() == ([user] if expected else [])
        assert own.starts.tolist() == ([0, len(expected)] if expected else [0])


@given(SESSIONS, SCORES, WAYS)
def test_runs_are_what_counting_by_hand_gives(sessions: list[Session], min_confidence: float, streak: Streak) -> None:
    laid_out = scored(sessions)
    found = runs(laid_out, min_confidence, streak)
    expected = runs_by_hand(sessions, min_confidence, streak)
    assert laid_out.user_ids.tolist() == list(expected)
    counted = in_run(laid_out, found, qualifying(laid_out, min_confidence))
    for user, run in enumerate(expected.values()):
        ids = [session.session_id for session in run]
        assert found.sessions[user] == len(run)
        assert laid_out.session_ids[counted & (laid_out.owner == user)].tolist() == ids
        if run:
            assert found.avg_score[user] == pytest.approx(float(average(run)), abs=1e-12)
            assert laid_out.session_ids[[found.first[user], found.last[user]]].tolist() == [ids[0], ids[-1]]
        else:
            assert np.isnan(found.avg_score[user])
            assert (found.first[user], found.last[user]) == (-1, -1)
    assert run_lengths(laid_out, qualifying(laid_out, min_confidence), streak).tolist() == found.sessions.tolist()


@given(SESSIONS, SCORES, WAYS, st.integers(1, 5))
def test_candidates_are_what_counting_by_hand_gives(
    sessions: list[Session], min_confidence: float, streak: Streak, min_sessions: int
) -> None:
    thresholds = Thresholds(min_sessions, min_confidence, streak)
    found = candidates(scored(sessions), thresholds)
    assert list(found.itertuples(index=False, name=None)) == candidates_by_hand(sessions, thresholds)
    assert are_candidates(scored(sessions), thresholds).sum() == len(found)
