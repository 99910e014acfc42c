from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis.streaks import STREAKS, ScoredSessions, Streak, Thresholds, candidates, runs
from lib.analysis.whatif import CHANGES, NEAR_MISSES, compare, explain, grid, near_miss_counts, near_misses, verdict
from lib.period import Period

AS_OF = date(2026, 11, 14)
DAYS = 14
ONE_SHORT, JUST_MISSED, CLOSING = NEAR_MISSES

# Hours around the edges of the first days of the window, in several zones; the clocks of New York change that day.
FIRST_DAY = datetime(2026, 11, 1, tzinfo=ZoneInfo("UTC"))
HOURS = st.sampled_from([5, 6, 14, 24, 28, 29, 30, 48, 52, 53, 72, 76, 77, 100, 101, 200, 200, 320])
SCORES = st.sampled_from([1.0, 7.6, 7.7, 7.9, 8.0, 8.1, 9.0, 10.0])
ROWS = st.lists(
    st.tuples(st.sampled_from(["user1", "user10", "user9", "Ω"]), HOURS, st.integers(0, 200).map(str), SCORES),
    max_size=30,
    unique_by=lambda row: row[2],
)
Rows = list[tuple[str, int, str, float]]
THRESHOLDS = st.builds(
    Thresholds, st.integers(1, 5), st.sampled_from([7.9, 8.0, 8.05, 9.0, 10.0]), st.sampled_from(list(STREAKS))
)
ZONES = st.sampled_from(["UTC", "America/New_York", "Asia/Tokyo"])


def scored(rows: Rows) -> ScoredSessions:
    users, hours, ids, scores = zip(*rows, strict=True) if rows else ((), (), (), ())
    started_at = pd.Timestamp(FIRST_DAY) + pd.to_timedelta(pd.Series(hours, dtype="int64"), unit="h")
    frame = pd.DataFrame(
        {
            "user_id": pd.Series(users, dtype="str"),
            "session_id": pd.Series(ids, dtype="str"),
            "started_at": started_at.astype("datetime64[ns, UTC]"),
            "confidence_score": pd.Series(scores, dtype="float64"),
        }
    )
    return ScoredSessions.from_frame(frame)


def of_one_user(*scores: float, first_day: int = 5) -> ScoredSessions:
    """A session a day from the sixth day of the window on."""
    return scored([("user1", 24 * (first_day + day) + 12, f"s{day}", score) for day, score in enumerate(scores)])


def misses(sessions: ScoredSessions, thresholds: Thresholds, zone: str = "UTC", **options: float) -> pd.DataFrame:
    window_end = Period(AS_OF, DAYS, zone).end
    return near_misses(sessions, thresholds, window_end=window_end, window_days=DAYS, zone=zone, **options)


def of_each_user(rows: Rows) -> dict[str, list[tuple[datetime, float]]]:
    histories: dict[str, list[tuple[datetime, float]]] = {user: [] for user in sorted({row[0] for row in rows})}
    for user, hour, _, score in sorted(rows, key=lambda row: (row[1], row[2])):
        histories[user].append((FIRST_DAY + timedelta(hours=hour), score))
    return histories


def qualifies_by_hand(scores: list[float], thresholds: Thresholds) -> bool:
    """The second computation, on text: a session above the score is `x`, any other a gap."""
    marks = "".join("x" if score > thresholds.min_confidence else " " for score in scores)
    length = {
        "current": len(marks) - len(marks.rstrip("x")),
        "best": max(map(len, marks.split(" "))),
        "any": marks.count("x"),
    }
    return length[thresholds.streak] >= thresholds.min_sessions


@given(ROWS, st.sampled_from(list(STREAKS)))
def test_each_cell_of_the_grid_is_the_number_of_candidates(rows: Rows, streak: Streak) -> None:
    sessions = scored(rows)
    cells = grid(sessions, streak, confidences=[9.0, 7.6, 8.0, 8.05], minimums=[3, 1, 6])
    assert cells["min_confidence"].tolist() == [9.0] * 3 + [7.6] * 3 + [8.0] * 3 + [8.05] * 3
    assert cells["min_sessions"].tolist() == [3, 1, 6] * 4
    for cell in cells.itertuples():
        assert cell.candidates == len(candidates(sessions, Thresholds(cell.min_sessions, cell.min_confidence, streak)))


def test_a_grid_has_integer_counts_even_without_sessions_or_settings() -> None:
    for confidences, minimums in (([8.0], [3]), ([], [3]), ([8.0], [])):
        cells = grid(scored([]), "current", confidences=confidences, minimums=minimums)
        assert cells["candidates"].tolist() == [0] * len(confidences) * len(minimums)
        assert cells.dtypes.astype(str).to_dict() == {
            "min_confidence": "float64",
            "min_sessions": "int64",
            "candidates": "int64",
        }


def test_a_grid_of_fewer_than_one_session_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        grid(scored([]), "current", confidences=[8.0], minimums=[3, 0])


def test_a_looser_setting_brings_users_in_and_a_stricter_one_drops_them() -> None:
    rows = [("two", hour, f"a{hour}", 9.0) for hour in range(2)] + [
        ("three", hour, f"b{hour}", 8.5) for hour in range(3)
    ]
    looser = compare(scored(rows), Thresholds(2), Thresholds(3))
    assert looser[["user_id", "change"]].values.tolist() == [["two", "comes in"], ["three", "stays"]]
    stricter = compare(scored(rows), Thresholds(3, 8.5), Thresholds(2, 8.0))
    assert stricter[["user_id", "change"]].values.tolist() == [["two", "drops out"], ["three", "drops out"]]
    assert stricter["sessions"].tolist() == [2, 0]
    assert stricter["default_sessions"].tolist() == [2, 3]
    assert stricter["default_avg_score"].tolist() == [9.0, 8.5]
    assert stricter["avg_score"].isna().tolist() == [False, True]


def test_a_longer_default_window_is_compared_by_its_own_sessions() -> None:
    longer = scored([("a", hour, f"a{hour}", 9.0) for hour in range(3)] + [("b", 1, "b1", 9.0)])
    shorter = scored([("b", 1, "b1", 9.0)])
    found = compare(shorter, Thresholds(1), Thresholds(3), default_scored=longer)
    assert found[["user_id", "change"]].values.tolist() == [["b", "comes in"], ["a", "drops out"]]
    assert found[["sessions", "default_sessions"]].values.tolist() == [[1, 1], [0, 3]]


def test_changes_are_ordered_by_the_average_now_then_the_default_average_then_the_user() -> None:
    scores = {"a": 8.2, "b": 8.4, "c": 9.0, "d": 9.5, "e": 9.5}
    sessions = scored([(user, 1, user, score) for user, score in scores.items()])
    assert compare(sessions, Thresholds(1, 8.9), Thresholds(1, 8.0))["user_id"].tolist() == ["b", "a", "d", "e", "c"]


@given(ROWS, ROWS, THRESHOLDS, THRESHOLDS)
def test_a_comparison_holds_the_candidates_of_both_settings(
    rows: Rows, default_rows: Rows, now: Thresholds, default: Thresholds
) -> None:
    found = compare(scored(rows), now, default, default_scored=scored(default_rows))
    new, old = candidates(scored(rows), now), candidates(scored(default_rows), default)
    users = {change: set(found.loc[found["change"] == change, "user_id"]) for change in CHANGES}
    assert users["comes in"] == set(new["user_id"]) - set(old["user_id"])
    assert users["drops out"] == set(old["user_id"]) - set(new["user_id"])
    assert users["stays"] == set(old["user_id"]) & set(new["user_id"])
    figures = found.set_index("user_id")
    for row in new.itertuples():
        assert figures.loc[row.user_id, ["sessions", "avg_score"]].tolist() == [row.sessions, row.avg_score]
    for row in old.itertuples():
        shown = figures.loc[row.user_id, ["default_sessions", "default_avg_score"]].tolist()
        assert shown == [row.sessions, row.avg_score]
    assert found["sessions"].dtype == found["default_sessions"].dtype == np.int64
    order = [
        (CHANGES.index(row.change), *falling(row.avg_score), *falling(row.default_avg_score), row.user_id)
        for row in found.itertuples()
    ]
    assert order == sorted(order)


def falling(score: float) -> tuple[bool, float]:
    """A key that sorts scores from high to low, and missing ones last."""
    return (True, 0.0) if np.isnan(score) else (False, -score)


def test_one_session_short_says_how_many_of_how_many() -> None:
    found = misses(of_one_user(7.0, 9.0, 9.5), Thresholds())
    assert found.values.tolist() == [["user1", ONE_SHORT, 2, 9.25, "2 of 3 sessions above 8.0; one more is enough"]]


def test_a_best_run_that_was_broken_since_is_not_one_session_short() -> None:
    assert misses(of_one_user(9.0, 9.0, 1.0), Thresholds(streak="best")).empty
    assert misses(of_one_user(9.0, 9.0, 1.0, 9.0, 9.0), Thresholds(streak="best"))["kind"].tolist() == [ONE_SHORT]


def test_nobody_without_a_session_above_the_score_is_one_session_short() -> None:
    assert misses(of_one_user(1.0), Thresholds(1)).empty


def test_a_score_that_just_missed_is_named_with_its_day() -> None:
    found = misses(of_one_user(9.0, 9.0, 7.9, first_day=11), Thresholds())
    assert found["kind"].tolist() == [JUST_MISSED]
    assert found["what_is_missing"][0] == "The session on 14 Nov 2026 scored 7.9, not above 8.0"
    assert found["sessions"].tolist() == [0]
    assert found["avg_score"].isna().all()


def test_the_day_of_a_session_is_that_of_the_zone() -> None:
    evening = scored([("user1", 24 * 5 + hour, f"s{hour}", score) for hour, score in ((21, 9.0), (22, 9.0), (23, 8.0))])
    assert "on 6 Nov 2026 scored 8.0" in misses(evening, Thresholds())["what_is_missing"][0]
    assert "on 7 Nov 2026 scored 8.0" in misses(evening, Thresholds(), "Asia/Tokyo")["what_is_missing"][0]


def test_of_several_scores_that_missed_the_closest_and_then_the_newest_is_named() -> None:
    found = misses(of_one_user(7.9, 9.0, 9.0, 7.9, 9.0, 9.0, 7.8), Thresholds(streak="best"))
    assert "on 9 Nov 2026 scored 7.9" in found["what_is_missing"][0]


def test_the_margin_itself_still_counts_as_just_missed() -> None:
    sessions = of_one_user(9.0, 9.0, 7.6)
    assert len(misses(sessions, Thresholds(3, 7.9), score_margin=0.3)) == 1  # 7.9 - 0.3 is 7.6000000000000005
    assert len(misses(sessions, Thresholds(3, 7.9), score_margin=0.29)) == 0


def test_two_scores_that_missed_are_not_a_near_miss() -> None:
    assert misses(of_one_user(9.0, 7.9, 7.9), Thresholds()).empty


def test_a_run_that_leaves_the_window_soon_is_named_with_the_day() -> None:
    found = misses(of_one_user(9.0, 9.0, 9.0, first_day=1), Thresholds())
    assert found["kind"].tolist() == [CLOSING]
    assert found["what_is_missing"].tolist() == ["Drops out on 16 Nov 2026 unless they practise again"]


def test_a_run_that_stays_in_the_window_long_enough_is_no_near_miss() -> None:
    sessions = of_one_user(9.0, 9.0, 9.0, first_day=3)
    assert misses(sessions, Thresholds(), closing_days=3).empty
    assert len(misses(sessions, Thresholds(), closing_days=4)) == 1


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ([ONE_SHORT] * 7 + [CLOSING] * 9, "7 are one session short, 9 drop out within 3 days"),
        ([CLOSING, JUST_MISSED, ONE_SHORT], "1 is one session short, 1 just missed a score, 1 drops out within 3 days"),
        ([JUST_MISSED] * 1_200, "1,200 just missed a score"),
    ],
)
def test_near_misses_are_counted_in_words(kinds: list[str], words: str) -> None:
    assert near_miss_counts(pd.DataFrame({"kind": pd.Series(kinds, dtype="str")})) == words


def test_near_misses_are_ordered_by_kind_then_average_then_user() -> None:
    scores = {"a": [8.5, 8.5], "b": [9.0, 9.0], "c": [9.5, 9.5, 7.9], "d": [9.5, 7.9, 9.5], "e": [9.0, 9.0]}
    rows = [
        (user, 200 + hour, f"{user}{hour}", score) for user, all_ in scores.items() for hour, score in enumerate(all_)
    ]
    found = misses(scored(rows), Thresholds())
    assert found[["user_id", "kind"]].values.tolist() == [
        ["b", ONE_SHORT],
        ["e", ONE_SHORT],
        ["a", ONE_SHORT],
        ["d", JUST_MISSED],
        ["c", JUST_MISSED],
    ]


def test_no_near_misses_give_an_empty_table_with_its_types() -> None:
    for sessions in (scored([]), of_one_user(1.0)):
        found = misses(sessions, Thresholds())
        assert found.empty
        assert found.dtypes.astype(str).to_dict() == {
            "user_id": "str",
            "kind": "str",
            "sessions": "int64",
            "avg_score": "float64",
            "what_is_missing": "str",
        }


@given(ROWS, THRESHOLDS, ZONES, st.sampled_from([0.0, 0.1, 0.3, 2.0]), st.integers(0, 4))
def test_near_misses_are_those_whom_one_change_turns_into_or_out_of_a_candidate(
    rows: Rows, thresholds: Thresholds, zone: str, margin: float, closing_days: int
) -> None:
    expected = {}
    for user, history in of_each_user(rows).items():
        kind = kind_by_hand(history, thresholds, zone, margin, closing_days)
        if kind:
            expected[user] = kind
    found = misses(scored(rows), thresholds, zone, score_margin=margin, closing_days=closing_days)
    assert dict(zip(found["user_id"], found["kind"], strict=True)) == expected
    assert found["user_id"].is_unique
    order = [(NEAR_MISSES.index(row.kind), *falling(row.avg_score), row.user_id) for row in found.itertuples()]
    assert order == sorted(order)


def kind_by_hand(
    history: list[tuple[datetime, float]], thresholds: Thresholds, zone: str, margin: float, closing_days: int
) -> str | None:
    """The second computation: change one thing of the history, and count again."""
    scores = [score for _, score in history]
    if qualifies_by_hand(scores, thresholds):
        last_day = AS_OF + timedelta(days=closing_days)
        first_left = datetime.combine(last_day - timedelta(days=DAYS - 1), datetime.min.time(), ZoneInfo(zone))
        left = [score for started_at, score in history if started_at >= first_left or closing_days == 0]
        return None if qualifies_by_hand(left, thresholds) else CLOSING
    if thresholds.min_sessions > 1 and qualifies_by_hand([*scores, 11.0], thresholds):
        return ONE_SHORT
    for place, score in enumerate(scores):
        missed = round(thresholds.min_confidence - score, 6)
        if 0 <= missed <= margin and qualifies_by_hand([*scores[:place], 11.0, *scores[place + 1 :]], thresholds):
            return JUST_MISSED
    return None


@given(ROWS, THRESHOLDS, ZONES)
def test_near_misses_and_candidates_share_only_those_about_to_drop(
    rows: Rows, thresholds: Thresholds, zone: str
) -> None:
    found = misses(scored(rows), thresholds, zone)
    chosen = candidates(scored(rows), thresholds).set_index("user_id")
    closing = found["kind"] == CLOSING
    assert set(found.loc[closing, "user_id"]) <= set(chosen.index)
    assert not set(found.loc[~closing, "user_id"]) & set(chosen.index)
    for row in found[closing].itertuples():
        assert [row.sessions, row.avg_score] == chosen.loc[row.user_id, ["sessions", "avg_score"]].tolist()


@pytest.mark.parametrize(
    ("streak", "whys"),
    [
        (
            "current",
            [
                "9.0 is above 8.0, but a later session breaks the run",
                "9.5 is above 8.0, but a later session breaks the run",
                "8.0 is not above 8.0; this breaks the run",
                "8.25 is above 8.0; it counts",
            ],
        ),
        (
            "best",
            [
                "9.0 is above 8.0; it counts",
                "9.5 is above 8.0; it counts",
                "8.0 is not above 8.0; this breaks the run",
                "8.25 is above 8.0, but it is outside the longest run",
            ],
        ),
        (
            "any",
            [
                "9.0 is above 8.0; it counts",
                "9.5 is above 8.0; it counts",
                "8.0 is not above 8.0; it does not count",
                "8.25 is above 8.0; it counts",
            ],
        ),
    ],
)
def test_each_session_says_what_it_does_to_the_run(streak: Streak, whys: list[str]) -> None:
    assert explain(of_one_user(9.0, 9.5, 8.0, 8.25), "user1", Thresholds(streak=streak))["why"].tolist() == whys


def test_the_sessions_of_a_user_are_shown_in_the_zone() -> None:
    shown = explain(of_one_user(9.0), "user1", Thresholds(), zone="Asia/Tokyo")
    assert shown["started_at"][0].isoformat() == "2026-11-06T21:00:00+09:00"


def test_a_user_without_sessions_has_an_empty_explanation_with_its_types() -> None:
    shown = explain(of_one_user(9.0), "nobody", Thresholds(), zone="Asia/Tokyo")
    assert shown.empty
    assert shown.dtypes.astype(str).to_dict() == {
        "started_at": "datetime64[ns, Asia/Tokyo]",
        "session_id": "str",
        "confidence_score": "float64",
        "qualifies": "bool",
        "in_run": "bool",
        "why": "str",
    }


@given(ROWS, THRESHOLDS)
def test_the_explained_sessions_add_up_to_the_run_and_the_verdict_to_the_list(
    rows: Rows, thresholds: Thresholds
) -> None:
    sessions = scored(rows)
    found = runs(sessions, thresholds.min_confidence, thresholds.streak)
    chosen = set(candidates(sessions, thresholds)["user_id"])
    for position, user in enumerate(sessions.user_ids):
        shown = explain(sessions, user, thresholds)
        counted = shown[shown["in_run"]]
        assert len(counted) == found.sessions[position]
        assert counted["confidence_score"].mean() == pytest.approx(found.avg_score[position], nan_ok=True)
        assert shown["qualifies"].tolist() == (shown["confidence_score"] > thresholds.min_confidence).tolist()
        assert (verdict("free", sessions, user, thresholds).answer == "qualifies") == (user in chosen)


def test_a_candidate_passes_every_rule() -> None:
    found = verdict("free", of_one_user(9.0, 9.0, 9.0), "user1", Thresholds())
    assert found.answer == "qualifies"
    assert [rule.passed for rule in found.rules] == [True] * 3
    assert [rule.text for rule in found.rules] == [
        "The role is free",
        "3 sessions with a score in the window",
        "3 sessions above 8.0 in a row, up to the newest session; at least 3 needed",
    ]


@pytest.mark.parametrize(
    ("role", "user_id", "scores", "answer", "rules"),
    [
        ("student", "user1", [9.0] * 3, "does not qualify", ["The role is student; the offer is for free users"]),
        (None, "user1", [9.0] * 3, "does not qualify", ["The account has no role; the offer is for free users"]),
        (
            "free",
            "nobody",
            [9.0] * 3,
            "does not qualify",
            ["The role is free", "0 sessions with a score in the window"],
        ),
        (
            "free",
            "user1",
            [9.0, 7.0, 9.0],
            "does not qualify",
            [
                "The role is free",
                "3 sessions with a score in the window",
                "1 session above 8.0 in a row, up to the newest session; at least 3 needed",
            ],
        ),
        (
            "free",
            "user1",
            [9.0, 9.0],
            "is one session short",
            [
                "The role is free",
                "2 sessions with a score in the window",
                "2 sessions above 8.0 in a row, up to the newest session; at least 3 needed",
            ],
        ),
    ],
)
def test_the_first_rule_that_fails_ends_the_list(
    role: str | None, user_id: str, scores: list[float], answer: str, rules: list[str]
) -> None:
    found = verdict(role, of_one_user(*scores), user_id, Thresholds())
    assert found.answer == answer
    assert [rule.text for rule in found.rules] == rules
    assert [rule.passed for rule in found.rules] == [True] * (len(rules) - 1) + [False]
