"""Lead scores and offers of the sample, drawn from its people and sessions."""

from __future__ import annotations

import json
from datetime import date

import numpy as np

from lib.sample_people import DAY, FREE, STUDENT, Flags, Floats, Ints, People, Sessions, day_number
from lib.sample_rows import Row, identifiers, keys, timestamps

LEAD_DAYS = 60
OFFER_DAYS = 273  # nine months
COOLDOWN_DAYS = 30
OFFERS_PER_USER = 0.19
OFFER_AVERAGE = 7.6  # the three scores that led to an offer have at least this average
ACCEPTED_BY_PRICE = {179: 0.29, 199: 0.19}


def lead_rows(rng: np.random.Generator, people: People, sessions: Sessions, end: date) -> list[Row]:
    """One or two scores of 0 to 100 for every free user or student of the last 60 days."""
    since = (day_number(end) - LEAD_DAYS + 1) * DAY
    recent = np.flatnonzero(_may_buy(people)[sessions.user] & (sessions.start >= since) & ~np.isnan(sessions.score))
    newest = np.zeros(len(people.role), dtype=np.int64)
    np.maximum.at(newest, sessions.user[recent], sessions.start[recent])
    count = np.bincount(sessions.user[recent], minlength=len(newest))
    summed = np.bincount(sessions.user[recent], weights=sessions.score[recent], minlength=len(newest))
    user = np.repeat(np.flatnonzero(count), rng.integers(1, 3, int(np.count_nonzero(count))))
    again = np.diff(user, append=-1) == 0  # the first of two scores, a few weeks earlier
    when = newest[user] + 3_600 - again * rng.integers(7, 28, len(user)) * DAY
    readiness = np.clip(10 * summed[user] / count[user] + rng.normal(0, 6, len(user)) - again * 5, 1, 99)
    urgency = np.clip(100 - (day_number(end) - newest[user] // DAY) * 1.4 + rng.normal(0, 8, len(user)), 1, 99)
    value = np.clip(rng.normal(55, 18, len(user)), 1, 99)
    users = identifiers("user", len(newest))[user].tolist()
    scores = np.column_stack((0.4 * readiness + 0.3 * urgency + 0.3 * value, readiness, urgency, value))
    return _lead_rows(users, np.round(scores, 1), timestamps(rng, when))


def _lead_rows(users: list[object], scores: Floats, moments: list[str]) -> list[Row]:
    status = np.select([scores[:, 0] >= 70, scores[:, 0] >= 52], ["hot", "warm"], "cold").tolist()
    ids = keys("l", np.arange(1, len(users) + 1), len(users))
    return list(zip(ids, users, status, *scores.T.tolist(), moments, strict=True))


def offer_rows(rng: np.random.Generator, people: People, sessions: Sessions, end: date) -> list[Row]:
    """Offers of the last nine months at two prices, each soon after three good sessions, with what became of it."""
    wanted = round(OFFERS_PER_USER * len(people.role))
    earned, scores = _three_good_sessions(people, sessions, end)
    chosen = _outside_cooldown(sessions, rng.permutation(earned)[: 3 * wanted], wanted)
    three = scores[np.searchsorted(earned, chosen)].tolist()
    end_of_day = (day_number(end) + 1) * DAY
    sent_at = sessions.start[chosen] + sessions.seconds[chosen] + rng.integers(60, 7_200, len(chosen))
    sent_at = np.minimum(sent_at, end_of_day - 1)
    rows: list[Row] = []
    ids = keys("t", np.arange(1, len(chosen) + 1), len(chosen))
    users = identifiers("user", len(people.role))[sessions.user[chosen]].tolist()
    chances = rng.random((len(chosen), 4)).tolist()
    fresh = (sent_at >= end_of_day - 5 * DAY).tolist()
    for key, user, last, moment, chance, new in zip(
        ids, users, three, timestamps(rng, sent_at), chances, fresh, strict=True
    ):
        price = 179 if chance[0] < 0.5 else 199
        conditions = json.dumps({"sessions": 3, "average": round(sum(last) / 3, 2), "price": price})
        sent = chance[1] < 0.95
        answered = sent and chance[2] < (0.25 if new else 0.93)
        accepted = chance[3] < ACCEPTED_BY_PRICE[price] if answered else None
        rows.append((key, user, "executive_offer", conditions, json.dumps(last), moment, sent, accepted))
    return rows


def _may_buy(people: People) -> Flags:
    return np.isin(people.role, (FREE, STUDENT))


def _three_good_sessions(people: People, sessions: Sessions, end: date) -> tuple[Ints, Floats]:
    """The sessions with which a user had three good scores in a row (positions, rising), and these scores."""
    scored = np.flatnonzero(~np.isnan(sessions.score))
    scored = scored[np.argsort(sessions.user[scored], kind="stable")]
    if len(scored) < 3:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 3))
    last = np.lib.stride_tricks.sliding_window_view(sessions.score[scored], 3)
    third = scored[2:]
    first_day = day_number(end) - OFFER_DAYS + 1
    earned = (
        (sessions.user[scored[:-2]] == sessions.user[third])
        & (np.rint(last.sum(axis=1) * 10) >= OFFER_AVERAGE * 30)
        & (sessions.start[third] >= first_day * DAY)
        & _may_buy(people)[sessions.user[third]]
    )
    order = np.argsort(third[earned], kind="stable")
    return third[earned][order], last[earned][order]


def _outside_cooldown(sessions: Sessions, proposed: Ints, wanted: int) -> Ints:
    """At most ``wanted`` of ``proposed``, in order of time, never two for a user within the cooldown."""
    newest: dict[int, int] = {}
    kept = []
    for position in np.sort(proposed).tolist():
        user, start = int(sessions.user[position]), int(sessions.start[position])
        if start - newest.get(user, -COOLDOWN_DAYS * DAY) > COOLDOWN_DAYS * DAY:
            newest[user] = start
            kept.append(position)
    step = max(len(kept) / wanted, 1.0) if wanted else 1.0
    return np.array([kept[int(at * step)] for at in range(min(wanted, len(kept)))], dtype=np.int64)
