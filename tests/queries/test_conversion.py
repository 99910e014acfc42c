from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from lib.analysis.streaks import ScoredSessions, Thresholds, candidates
from lib.period import Period
from lib.queries.conversion import (
    find_users,
    newest_lead_scores,
    offer_outcomes,
    past_offers,
    scored_sessions,
    scored_users,
)
from tests.conftest import Fill, asked_of
from tests.odd_data import (
    FEW,
    FLAGS,
    NO,
    NO_NUMBERS,
    NUMBERS_AS_TEXT,
    PERIODS,
    SOME,
    YES,
    instant_of,
    lies_in,
    number_of,
    sessions,
    timestamps,
    user_ids,
    users,
)

HAS_ADDRESS = "users.email LIKE :email_1"  # whether there is one at all is asked
FORTNIGHT = Period(date(2026, 11, 22), 14)
Rows = list[dict[str, Any]]


def tuples(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Rows as tuples, with None for what is missing."""
    return list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))


def by_hand(people: Rows, held: Rows, period: Period) -> Rows:
    free = {user["user_id"] for user in people if user["role"] == "free"}
    return [
        session
        for session in held
        if session["user_id"] in free
        and number_of(session["confidence_score"]) is not None
        and lies_in(session["started_at"], period)
    ]


# Candidates of the worked case, through the counting that the page uses


@pytest.mark.parametrize(
    ("thresholds", "expected"),
    [
        (Thresholds(), [("user002", 3, 9.0), ("user003", 4, 8.5)]),
        (Thresholds(streak="best"), [("user001", 3, 9.1), ("user002", 3, 9.0), ("user003", 4, 8.5)]),
        (Thresholds(streak="any"), [("user001", 3, 9.1), ("user002", 3, 9.0), ("user003", 4, 8.5)]),
        (Thresholds(min_confidence=7.9), [("user002", 3, 9.0), ("user003", 4, 8.5), ("user004", 3, 8.0)]),
        (Thresholds(min_sessions=4), [("user003", 4, 8.5)]),
    ],
)
def test_the_worked_case(worked: Connection, thresholds: Thresholds, expected: list[tuple[Any, ...]]):
    found = candidates(ScoredSessions.from_frame(scored_sessions(worked, FORTNIGHT)), thresholds)
    assert tuples(found[["user_id", "sessions", "avg_score"]]) == expected


def test_the_worked_case_knows_its_candidates(worked: Connection):
    found = scored_users(worked, FORTNIGHT, with_addresses=True).set_index("user_id")
    assert found.loc["user002", ["email", "english_level"]].tolist() == ["two@example.com", "B2"]
    assert found.loc["user003", ["email", "english_level"]].tolist() == ["three@example.com", "C1"]
    assert sorted(found.index) == ["user001", "user002", "user003", "user004"]
    assert sorted(tuples(newest_lead_scores(worked, FORTNIGHT))) == [("user002", 91, "hot"), ("user003", 74.5, "warm")]
    assert tuples(past_offers(worked, FORTNIGHT).drop(columns="trigger_id")) == [
        ("user003", pd.Timestamp("2026-09-30 11:00", tz="UTC"), 0.0)
    ]
    assert offer_outcomes(worked, FORTNIGHT.end, FORTNIGHT.end) == (4, 1)
    early = datetime(2026, 9, 7, 11, tzinfo=UTC)
    assert offer_outcomes(worked, FORTNIGHT.end, early) == (3, 1), "user007 has not answered yet"


# Against counting by hand


@SOME
@given(st.data(), PERIODS, users())
def test_scored_sessions_are_those_of_free_users_in_the_window_that_have_a_score(
    filled: Fill, data: st.DataObject, period: Period, people: Rows
):
    held = [{"session_id": str(place), **row} for place, row in enumerate(data.draw(sessions(period)))]
    wanted = by_hand(people, held, period)
    with filled(users=people, sessions=held) as connection:
        found = scored_sessions(connection, period)
        owners = scored_users(connection, period, with_addresses=True)
    assert sorted(found.itertuples(index=False, name=None)) == sorted(
        (row["user_id"], row["session_id"], instant_of(row["started_at"]), number_of(row["confidence_score"]))
        for row in wanted
    )
    levels = {user["user_id"]: user["english_level"] for user in people}
    ids = {row["user_id"] for row in wanted}
    assert sorted(tuples(owners)) == sorted((user_id, None, False, levels[user_id]) for user_id in ids)


def newest_by_hand(rows: Rows, ids: set[str], time: str, key: str, period: Period) -> dict[str, dict[str, Any]]:
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(
        (row for row in rows if instant_of(row[time])), key=lambda row: (instant_of(row[time]), row[key])
    ):
        if row["user_id"] in ids and (instant_of(row[time]) or period.end) < period.end:
            newest[row["user_id"]] = row
    return newest


@SOME
@given(st.data(), PERIODS, users())
def test_the_newest_lead_score_is_the_last_before_the_window_ends(
    filled: Fill, data: st.DataObject, period: Period, people: Rows
):
    held = data.draw(sessions(period))
    scores = st.fixed_dictionaries(
        {
            "user_id": user_ids(),
            "calculated_at": timestamps(period),
            "overall_score": st.sampled_from([None, 1.5, 90, *NUMBERS_AS_TEXT, *NO_NUMBERS]),
            "lead_status": st.sampled_from([None, "hot", "cold"]),
        }
    )
    leads = [{"score_id": str(place), **row} for place, row in enumerate(data.draw(st.lists(scores, max_size=15)))]
    ids = {row["user_id"] for row in by_hand(people, held, period)}
    newest = newest_by_hand(leads, ids, "calculated_at", "score_id", period)
    with filled(users=people, sessions=held, lead_scores=leads) as connection:
        found = newest_lead_scores(connection, period)
    assert sorted(tuples(found), key=str) == sorted(
        ((user_id, number_of(row["overall_score"]), row["lead_status"]) for user_id, row in newest.items()), key=str
    )


@SOME
@given(st.data(), PERIODS, users())
def test_offers_and_the_outcomes_are_those_before_the_window_ends(
    filled: Fill, data: st.DataObject, period: Period, people: Rows
):
    held = data.draw(sessions(period))
    flags = st.sampled_from(FLAGS)
    offer = st.fixed_dictionaries(
        {"user_id": user_ids(), "triggered_at": timestamps(period), "offer_sent": flags, "offer_accepted": flags}
    )
    offers = [{"trigger_id": str(place), **row} for place, row in enumerate(data.draw(st.lists(offer, max_size=15)))]
    ids = {row["user_id"] for row in by_hand(people, held, period)}
    past = [row for row in offers if (instant_of(row["triggered_at"]) or period.end) < period.end]
    sent = [row for row in past if row["offer_sent"] in YES]
    still_open = [
        row for row in sent if answer_of(row["offer_accepted"]) < 0 and instant_of(row["triggered_at"]) >= period.start
    ]
    with filled(users=people, sessions=held, offers=offers) as connection:
        found = past_offers(connection, period)
        outcomes = offer_outcomes(connection, period.end, period.start)
    assert sorted(tuples(found.fillna({"offer_accepted": -1.0}))) == sorted(
        (row["user_id"], row["trigger_id"], instant_of(row["triggered_at"]), answer_of(row["offer_accepted"]))
        for row in past
        if row["user_id"] in ids and (row["offer_sent"] in YES or row["offer_accepted"] in YES)
    )
    assert outcomes == (len(sent) - len(still_open), sum(row["offer_accepted"] in YES for row in sent))


def answer_of(flag: Any) -> float:
    return 1.0 if flag in YES else 0.0 if flag in NO else -1.0


WORDS = st.text(alphabet="aAbB%_/\\'Ü@1", max_size=3)


@FEW
@given(st.dictionaries(WORDS.filter(bool), st.none() | WORDS, max_size=12), WORDS)
def test_users_are_found_by_any_part_of_id_or_address(filled: Fill, people: dict[str, str | None], words: str):
    def holds(value: str | None) -> bool:
        return value is not None and words.lower() in value.lower()

    rows = [{"user_id": user_id, "email": email} for user_id, email in people.items()]
    matching = [user_id for user_id, email in people.items() if holds(user_id) or holds(email)]
    with filled(users=rows) as connection:
        found = find_users(connection, words, with_addresses=True)["user_id"].tolist()
    assert found == sorted(matching, key=lambda user_id: (user_id != words, user_id))


def test_no_more_users_are_found_than_asked_for(worked: Connection):
    assert find_users(worked, "USER00", with_addresses=True, limit=3)["user_id"].tolist() == [
        "user001",
        "user002",
        "user003",
    ]
    assert find_users(worked, "coach@example", with_addresses=True).itertuples(index=False, name=None).__next__() == (
        "coach01",
        "coach@example.com",
        "coach",
        "C2",
    )


@pytest.mark.parametrize(
    ("email", "has_one"), [("a@b", True), (None, False), ("", False), ("  ", False), ("n/a", False), ("@", False)]
)
def test_whether_somebody_has_an_address_is_known_without_reading_it(filled: Fill, email: str | None, has_one: bool):
    with filled(users=[{"user_id": "ann", "email": email}], sessions=[{"user_id": "ann"}]) as connection:
        for may in (True, False):
            assert scored_users(connection, FORTNIGHT, with_addresses=may)["has_address"].tolist() == [has_one]


# Who may not see addresses


def test_without_addresses_the_statement_has_no_such_column_and_the_answer_is_otherwise_the_same(worked: Connection):
    with asked_of(worked) as statements:
        without = scored_users(worked, FORTNIGHT, with_addresses=False)
        found = find_users(worked, "user00", with_addresses=False)
    assert len(statements) == 2
    asked = [str(statement).replace(HAS_ADDRESS, "") for statement in statements]
    assert not [statement for statement in asked if "email" in statement]
    full = scored_users(worked, FORTNIGHT, with_addresses=True)
    assert without.equals(full.assign(email=""))
    assert (without.dtypes == full.dtypes).all()
    assert found.equals(find_users(worked, "user00", with_addresses=True).assign(email=""))


def test_nobody_is_found_by_an_address_that_may_not_be_seen(filled: Fill):
    ids = ["ann", "ann@x.org", "ann\uff20x.org", "login|ann%40x.org"]
    with filled(users=[{"user_id": user_id, "email": "ann@example.com"} for user_id in ids]) as connection:
        assert find_users(connection, "@", with_addresses=False).empty
        assert find_users(connection, "example", with_addresses=False).empty
        assert find_users(connection, "x.org", with_addresses=False).empty
        assert find_users(connection, "ann", with_addresses=False)["user_id"].tolist() == ["ann"]
        assert find_users(connection, "ann@x.org", with_addresses=False).empty


# Tables that a young installation does not have


def test_without_lead_scores_and_offers_there_are_none(filled: Fill):
    with filled(
        users=[{"user_id": "ann"}], sessions=[{"user_id": "ann"}], without=["lead_scores", "conversion_triggers"]
    ) as connection:
        assert len(scored_users(connection, FORTNIGHT, with_addresses=True)) == 1
        assert newest_lead_scores(connection, FORTNIGHT).empty
        assert past_offers(connection, FORTNIGHT).empty
        assert str(past_offers(connection, FORTNIGHT)["offered_at"].dtype) == "datetime64[ns, UTC]"
        assert offer_outcomes(connection, FORTNIGHT.end, FORTNIGHT.end) == (0, 0)
