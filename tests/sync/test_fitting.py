from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.reading import read_time
from lib.schema import coaching_sessions, conversion_triggers, users
from lib.sync.fitting import LONGEST_KEY, Fitter, Limits
from lib.sync.moments import of_database, to_text
from tests.odd_data import SHAPES, in_shape, instant_of

SESSION = {"session_id": "s1", "user_id": "ann", "started_at": "2026-11-20 10:00:00"}


def fit(
    table: Any, source: str = "rest", target: str = "postgresql", **values: Any
) -> tuple[dict[str, Any], list[str]]:
    names = [column.name for column in table.columns]
    fitted, notes = Fitter(table, source=source, target=target, limits={}).fit([values.get(name) for name in names])
    return dict(zip(names, fitted, strict=True)) if fitted else {}, notes


@pytest.mark.parametrize(
    ("column", "given", "stored"),
    [
        ("session_id", 42, "42"),
        ("session_id", UUID(int=7), str(UUID(int=7))),
        ("confidence_score", 8, 8.0),
        ("confidence_score", Decimal("8.5"), 8.5),
        ("confidence_score", "8.5", 8.5),
        ("duration_seconds", "1800", 1800),
        ("duration_seconds", Decimal("1800.0"), 1800),
        ("duration_seconds", -1, -1),
        ("session_topic", 1.5, "1.5"),
        ("session_topic", Decimal("1.5"), "1.5"),
        ("confidence_score", 10.1, 10.1),
        ("session_topic", "", ""),
        ("session_topic", "=1+1 <b>", "=1+1 <b>"),
        ("session_topic", None, None),
        ("user_id", None, None),
    ],
)
def test_a_value_that_fits_is_stored_as_its_column_wants_it(column: str, given: Any, stored: Any) -> None:
    values, notes = fit(coaching_sessions, **{**SESSION, column: given})
    assert notes == []
    assert values[column] == stored
    assert type(values[column]) is type(stored)


@pytest.mark.parametrize(
    ("column", "given", "reason"),
    [
        ("session_id", None, "session_id is missing"),
        ("session_id", "  ", "session_id is missing"),
        ("session_id", ["s1"], "session_id is no text"),
        ("session_id", True, "session_id is no text"),
        ("session_id", {"id": 1}, "session_id is no text"),
        ("user_id", "u" * (LONGEST_KEY + 1), "user_id is longer than 200 characters"),
    ],
)
def test_a_row_without_its_key_or_with_a_key_of_no_use_is_left_out_with_a_reason(
    column: str, given: Any, reason: str
) -> None:
    assert fit(coaching_sessions, **{**SESSION, column: given}) == ({}, [reason])


@pytest.mark.parametrize(
    ("column", "given", "stored", "note"),
    [
        ("session_topic", "a\0b", "a\ufffdb", "session_topic held characters that databases cannot keep"),
        ("session_topic", "a\ud800b", "a\ufffdb", "session_topic held characters that databases cannot keep"),
        ("duration_seconds", 746.4, 746, "duration_seconds was not whole, and was rounded"),
        ("ended_at", "soon", None, "ended_at cannot be read as a time, and was emptied"),
        ("ended_at", True, None, "ended_at cannot be read as a time, and was emptied"),
        ("confidence_score", "high", None, "confidence_score cannot be read as a number, and was emptied"),
        ("confidence_score", True, None, "confidence_score cannot be read as a number, and was emptied"),
        ("confidence_score", float("nan"), None, "confidence_score cannot be read as a number, and was emptied"),
        ("confidence_score", Decimal("NaN"), None, "confidence_score cannot be read as a number, and was emptied"),
        (
            "confidence_score",
            Decimal("1e999999999"),
            None,
            "confidence_score cannot be read as a number, and was emptied",
        ),
        ("duration_seconds", 10**400, None, "duration_seconds cannot be read as a whole number, and was emptied"),
        ("duration_seconds", "9" * 5_000, None, "duration_seconds cannot be read as a whole number, and was emptied"),
        (
            "duration_seconds",
            {"seconds": 3},
            None,
            "duration_seconds cannot be read as a whole number, and was emptied",
        ),
        ("session_topic", True, None, "session_topic is no text, and was emptied"),
        ("session_topic", ["a"], None, "session_topic is no text, and was emptied"),
        ("session_topic", b"caf\xe9", "caf\ufffd", "session_topic held characters that databases cannot keep"),
        ("user_id", ["ann"], None, "user_id is no text, and was emptied"),
    ],
)
def test_a_value_that_can_be_mended_keeps_its_row_and_is_noted(column: str, given: Any, stored: Any, note: str) -> None:
    values, notes = fit(coaching_sessions, **{**SESSION, column: given})
    assert (values[column], notes) == (stored, [note])


def test_an_item_that_is_no_object_is_left_out() -> None:
    fitter = Fitter(users, source="rest", target="sqlite", limits={})
    assert fitter.fit(None) == (None, ["the item is no object"])


@pytest.mark.parametrize(
    ("given", "stored"),
    [([8.5, 9], "[8.5, 9]"), ([Decimal("8.5")], "[8.5]"), ({"ü": None}, '{"ü": null}'), ("[8.5]", "[8.5]")],
)
def test_scores_of_a_trigger_may_be_json_and_are_kept_as_text(given: Any, stored: str) -> None:
    assert fit(conversion_triggers, trigger_id="t", confidence_scores=given)[0]["confidence_scores"] == stored


def test_scores_that_no_database_can_keep_leave_their_row_out() -> None:
    reason = "conditions_met holds a number that databases cannot keep"
    assert fit(conversion_triggers, trigger_id="t", conditions_met=[Decimal("1e400")]) == ({}, [reason])
    wanted = {"conditions_met": Limits(valid_json=True)}
    fitter = Fitter(conversion_triggers, source="rest", target="postgresql", limits=wanted)
    for text in ("1e400", "[NaN]", '{"a": -Infinity}'):
        assert fitter.fit(["t", None, None, text, None, None, None, None]) == (None, [reason])


def test_what_the_target_itself_insists_on_is_checked_before_it_is_asked() -> None:
    limits = {"email": Limits(length=5, required=True), "role": Limits(valid_json=True)}
    fitter = Fitter(users, source="rest", target="postgresql", limits=limits)
    assert fitter.fit(["ann", None, None, None, None, None]) == (None, ["email is missing"])
    assert fitter.fit(["ann", "a@b.de", None, None, None, None]) == (None, ["email is longer than 5 characters"])
    assert fitter.fit(["ann", "a@b", "{no", None, None, None]) == (
        None,
        ["role is no JSON, and the target wants JSON"],
    )


INSTANTS = st.datetimes(datetime(2001, 1, 1), datetime(2098, 12, 31)).map(lambda naive: naive.replace(tzinfo=UTC))


@given(INSTANTS, SHAPES)
def test_text_of_every_shape_is_read(instant: datetime, shape: str) -> None:
    written = in_shape(instant, shape)
    read = read_time(written)
    assert read is not None
    assert read == instant_of(written)
    if shape not in ("day", "minutes"):
        assert abs(read - instant) < timedelta(seconds=1)


@pytest.mark.parametrize("text", ["infinity", "-infinity", "10000-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC"])
def test_times_of_postgresql_that_python_does_not_have_are_none(text: str) -> None:
    assert of_database(text) is None


@pytest.mark.parametrize("text", ["2026-11-20T10:00:00+02:00[Europe/Berlin]", "1795161600"])
def test_what_a_column_of_another_type_holds_in_postgresql_is_read_as_everywhere(text: str) -> None:
    assert of_database(text) == datetime(2026, 11, 20, 8, tzinfo=UTC)


def test_a_time_of_another_century_in_postgresql_stays() -> None:
    assert of_database("1999-12-31 23:00:00.5+00") == datetime(1999, 12, 31, 23, 0, 0, 500_000, tzinfo=UTC)


@given(INSTANTS)
def test_times_written_for_sqlite_are_read_back_exactly(instant: datetime) -> None:
    assert read_time(to_text(instant)) == instant


def test_text_between_two_files_stays_the_very_text() -> None:
    values, notes = fit(
        users, "sqlite", "sqlite", user_id="ann", created_at="soon", last_active="2026-11-20T10:00:00.000Z"
    )
    assert (values["created_at"], values["last_active"], notes) == ("soon", "2026-11-20T10:00:00.000Z", [])
