"""Whether an offer may go to a user, and what became of the last one: the same on pages, in files and in the mail."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pandas as pd

from lib.period import Period, day_text, start_of_day

TO_OFFER, WAIT, ACCEPTED, NO_ADDRESS = "SEND_EXECUTIVE_OFFER", "WAIT", "ACCEPTED", "NO_ADDRESS"
MAY_BE_OFFERED = "may be offered"
VALID_HOURS = 48
COOLDOWN_DAYS = 30


def offer_statuses(
    people: pd.DataFrame,
    offers: pd.DataFrame,
    period: Period,
    *,
    valid_hours: int = VALID_HOURS,
    cooldown_days: int = COOLDOWN_DAYS,
) -> pd.DataFrame:
    """One row a user of ``people`` (user_id, has_address), as it stands at the end of ``period``.

    ``offers``: see ``queries.conversion.past_offers``; later ones do not count. An offer can be accepted for
    ``valid_hours``, and the next one may go ``cooldown_days`` after it. Who has accepted one is never asked again.

    Index: user_id (str). Columns: offered_at (datetime64[ns, UTC]) of the newest offer, outcome (str: what became of
    it), offer_status (str, for people), recommendation (str, one of TO_OFFER, WAIT, ACCEPTED, NO_ADDRESS).
    """
    as_of, zone = pd.Timestamp(period.as_of), period.zone
    past = offers[offers["offered_at"] < period.end]
    newest, accepted = _newest(past), _newest(past[past["offer_accepted"] == 1])
    users = people.set_index("user_id")
    newest = newest.reindex(users.index)
    accepted_on = _days(accepted["offered_at"].reindex(users.index), zone)
    next_on = _days(newest["offered_at"], zone) + pd.Timedelta(days=cooldown_days)
    rules: list[tuple[pd.Series[bool], pd.Series[str] | str, str]] = [
        (accepted_on.notna(), "accepted on " + _texts(accepted_on), ACCEPTED),
        (~users["has_address"], "no address", NO_ADDRESS),
        (next_on > as_of, "wait until " + _texts(next_on), WAIT),
    ]
    return pd.DataFrame(
        {
            "offered_at": newest["offered_at"],
            "outcome": _outcomes(newest, as_of, zone, valid_hours),
            "offer_status": _first_that_holds([rule[:2] for rule in rules], MAY_BE_OFFERED),
            "recommendation": _first_that_holds([rule[::2] for rule in rules], TO_OFFER),
        },
        index=users.index,
    )


def open_since(period: Period, valid_hours: int) -> datetime:
    """From when on (UTC) an offer must have been sent to be open on the last day of ``period``."""
    return start_of_day(period.as_of, period.zone) - timedelta(hours=valid_hours)


def _newest(offers: pd.DataFrame) -> pd.DataFrame:
    """The newest offer of each user; of two at the same time, the one with the larger key."""
    in_order = offers.sort_values(["offered_at", "trigger_id"])
    return in_order.drop_duplicates("user_id", keep="last").set_index("user_id")


def _outcomes(newest: pd.DataFrame, as_of: pd.Timestamp, zone: str, valid_hours: int) -> pd.Series[str]:
    """What became of each offer; missing where there is none. Without an answer it is open, and then it has lapsed."""
    answer, open_until = newest["offer_accepted"], _days(newest["offered_at"] + pd.Timedelta(hours=valid_hours), zone)
    rules: list[tuple[pd.Series[bool], pd.Series[str] | str]] = [
        (answer == 1, "accepted"),
        (answer == 0, "not accepted"),
        (open_until >= as_of, "no answer yet, open until " + _texts(open_until)),
    ]
    return _first_that_holds(rules, "lapsed").where(newest["offered_at"].notna())


def _first_that_holds(rules: Sequence[tuple[pd.Series[bool], pd.Series[str] | str]], otherwise: str) -> pd.Series[str]:
    """The text of the first rule that holds, row by row."""
    said = pd.Series(otherwise, rules[0][0].index, dtype="object")
    for holds, text in reversed(rules):
        said = said.mask(holds, text)
    return said.astype("str")


def _days(moments: pd.Series[pd.Timestamp], zone: str) -> pd.Series[pd.Timestamp]:
    """The calendar day of each moment in ``zone``."""
    return moments.dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None).dt.normalize()


def _texts(days: pd.Series[pd.Timestamp]) -> pd.Series[str]:
    """Each day in words, written once however many users share it; empty where there is none."""
    words = {day: day_text(day) for day in days.dropna().unique()}
    return days.map(words).astype("object").fillna("")
