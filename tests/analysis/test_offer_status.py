"""Whether an offer may go to a user, against the rules written out one user at a time."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis.offer_status import offer_statuses, open_since
from lib.period import Period, day_of, day_text

AS_OF = date(2026, 11, 22)
YES, NO, NO_ANSWER = 1.0, 0.0, float("nan")


def statuses(
    *offers: tuple[str, float], has_address: bool = True, zone: str = "UTC", **terms: int
) -> tuple[Any, str, str]:
    """Outcome, status and recommendation of one user with offers of these moments and answers."""
    frame = pd.DataFrame(
        {
            "user_id": "ann",
            "trigger_id": [str(place) for place in range(len(offers))],
            "offered_at": pd.to_datetime([moment for moment, _ in offers], utc=True),
            "offer_accepted": [answer for _, answer in offers],
        }
    )
    people = pd.DataFrame({"user_id": ["ann"], "has_address": [has_address]})
    row = offer_statuses(people, frame, Period(AS_OF, 14, zone), **terms).loc["ann"]
    outcome = None if pd.isna(row["outcome"]) else row["outcome"]
    return outcome, row["offer_status"], row["recommendation"]


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        ((), (None, "may be offered", "SEND_EXECUTIVE_OFFER")),
        (
            (("2026-11-21 09:00", NO_ANSWER),),
            ("no answer yet, open until 23 Nov 2026", "wait until 21 Dec 2026", "WAIT"),
        ),
        ((("2026-11-19 09:00", NO_ANSWER),), ("lapsed", "wait until 19 Dec 2026", "WAIT")),
        ((("2026-11-20 09:00", NO),), ("not accepted", "wait until 20 Dec 2026", "WAIT")),
        ((("2026-10-24 09:00", NO),), ("not accepted", "wait until 23 Nov 2026", "WAIT")),
        ((("2026-10-23 09:00", NO),), ("not accepted", "may be offered", "SEND_EXECUTIVE_OFFER")),
        ((("2026-05-02 09:00", YES),), ("accepted", "accepted on 2 May 2026", "ACCEPTED")),
        ((("2026-05-02 09:00", YES), ("2026-11-21 09:00", NO)), ("not accepted", "accepted on 2 May 2026", "ACCEPTED")),
        ((("2026-11-01 09:00", NO), ("2026-05-02 09:00", NO)), ("not accepted", "wait until 1 Dec 2026", "WAIT")),
        ((("2026-11-23 00:00", YES),), (None, "may be offered", "SEND_EXECUTIVE_OFFER")),
    ],
)
def test_the_status_is_that_of_the_definition(offers: tuple[tuple[str, float], ...], expected: tuple[Any, str, str]):
    assert statuses(*offers) == expected


def test_without_an_address_nothing_can_be_offered_and_who_accepted_has_accepted():
    assert statuses(has_address=False)[1:] == ("no address", "NO_ADDRESS")
    assert statuses(("2026-11-20", NO), has_address=False)[1:] == ("no address", "NO_ADDRESS")
    assert statuses(("2026-11-20", YES), has_address=False)[2] == "ACCEPTED"


def test_validity_and_cooldown_are_settings_and_days_are_those_of_the_zone():
    assert statuses(("2026-11-20 09:00", NO_ANSWER), cooldown_days=2)[1] == "may be offered"
    assert statuses(("2026-11-20 09:00", NO_ANSWER), valid_hours=24)[0] == "lapsed"
    assert statuses(("2026-11-20 23:30", NO), zone="Europe/Berlin")[1] == "wait until 21 Dec 2026"


def by_hand(has_address: bool, offers: list[tuple[datetime, float]], zone: str, hours: int, days: int) -> list[Any]:
    end = datetime.combine(AS_OF + timedelta(days=1), datetime.min.time(), ZoneInfo(zone))
    past = [offer for offer in offers if offer[0] < end]
    said = None
    if past:
        at, answer = past[-1]
        until = day_of(at + timedelta(hours=hours), zone)
        is_open = f"no answer yet, open until {day_text(until)}" if until >= AS_OF else "lapsed"
        said = {YES: "accepted", NO: "not accepted"}.get(answer, is_open)
    bought = [day_of(at, zone) for at, answer in past if answer == YES]
    if bought:
        return [said, f"accepted on {day_text(bought[-1])}", "ACCEPTED"]
    if not has_address:
        return [said, "no address", "NO_ADDRESS"]
    again = day_of(past[-1][0], zone) + timedelta(days=days) if past else AS_OF
    if again > AS_OF:
        return [said, f"wait until {day_text(again)}", "WAIT"]
    return [said, "may be offered", "SEND_EXECUTIVE_OFFER"]


MOMENTS = st.datetimes(datetime(2026, 9, 1), datetime(2026, 11, 25), timezones=st.just(UTC))
USERS = st.tuples(st.booleans(), st.lists(st.tuples(MOMENTS, st.sampled_from([YES, NO, NO_ANSWER])), max_size=4))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"])


@given(st.lists(USERS, max_size=5), ZONES, st.integers(1, 100), st.integers(0, 60))
def test_many_users_at_once_are_each_as_by_hand(users: list[Any], zone: str, hours: int, days: int):
    kept = [(has_address, sorted(offers, key=lambda offer: offer[0])) for has_address, offers in users]
    rows = [
        (f"user{user}", f"{place:03}", at, answer)
        for user, (_, offers) in enumerate(kept)
        for place, (at, answer) in enumerate(offers)
    ]
    frame = pd.DataFrame(rows[::-1], columns=["user_id", "trigger_id", "offered_at", "offer_accepted"])
    frame = frame.astype({"offered_at": "datetime64[ns, UTC]", "offer_accepted": "float64"})
    people = pd.DataFrame({"user_id": [f"user{user}" for user in range(len(kept))]}, dtype="str")
    people["has_address"] = pd.Series([has_address for has_address, _ in kept], dtype="bool")
    period = Period(AS_OF, 14, zone)
    found = offer_statuses(people, frame, period, valid_hours=hours, cooldown_days=days)
    told = found[["outcome", "offer_status", "recommendation"]].astype("object")
    assert told.where(told.notna(), None).to_numpy().tolist() == [
        by_hand(has_address, offers, zone, hours, days) for has_address, offers in kept
    ]
    # The share of past offers leaves out just those that are called open.
    since = open_since(period, hours)
    for (_, offers), outcome in zip(kept, told["outcome"], strict=True):
        for at, answer in [offer for offer in offers if offer[0] < period.end][-1:]:
            assert outcome.startswith("no answer yet") == (math.isnan(answer) and at >= since)
