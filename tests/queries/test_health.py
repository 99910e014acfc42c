from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Boolean, Column, Connection, Float, Integer, Text

from lib.database import connect, database_url, open_engine
from lib.queries.health import count_oddities, missing_parts, table_states
from lib.queries.oddities import Check, checks
from lib.schema import TABLES, TIME_COLUMN
from lib.schema import coaching_sessions as s
from tests.conftest import Fill
from tests.conftest import opened as opened_at
from tests.factory import KEYWORDS, REAL, without_column, without_table, worked_case
from tests.odd_data import (
    BLANK,
    COUNTS,
    FLAGS,
    NO,
    NO_NUMBERS,
    NUMBERS_AS_TEXT,
    PERIODS,
    SOME,
    YES,
    held,
    instant_of,
    is_blank,
    number_of,
    sessions,
    timestamps,
    users,
)
from tests.postgres import Server

Rows = list[dict[str, Any]]
TOMORROW = datetime(2026, 11, 23, tzinfo=UTC)
ROLES = ("free", "student", "coach", "superuser")


def counted(connection: Connection) -> dict[tuple[str, str], int]:
    found = count_oddities(connection, table_states(connection, TOMORROW), TOMORROW)
    return {(check.table.name, check.found): number for check, number in found}


def rules(ids: set[str], connection: Connection) -> dict[tuple[str, str], Callable[[dict[str, Any]], bool]]:
    """What each check looks for, said a second time; ``ids`` are the users that are known."""
    users, sessions, mistakes = "users", "coaching_sessions", "detected_errors"
    return (
        {(table.name, f"rows whose {table.columns.keys()[0]} came before"): lambda _row: False for table in TABLES}
        | {
            (users, "users without a role"): lambda row: is_blank(row["role"]),
            (users, "users with a role that is not in the list"): lambda row: (
                not is_blank(row["role"]) and row["role"] not in ROLES
            ),
            (users, "users without an English level"): lambda row: is_blank(row["english_level"]),
            (sessions, "sessions without a user"): lambda row: row["user_id"] in (None, ""),
            (sessions, "sessions whose user is gone"): lambda row: row["user_id"] not in {None, "", *ids},
            (sessions, "sessions that were not finished"): lambda row: instant_of(row["ended_at"]) is None,
            (sessions, "rows whose ended_at is no date and time"): _unreadable("ended_at", connection),
            (sessions, "sessions without a confidence score"): lambda row: (
                _stored(row, s.c.confidence_score, connection) is None
            ),
            (sessions, "sessions with a score outside 1 to 10"): lambda row: (
                (score := number_of(row["confidence_score"])) is not None and not 1 <= score <= 10
            ),
            (mistakes, "mistakes without a text"): lambda row: is_blank(row["error_text"]),
            ("it_errors", "mistakes without a text"): lambda row: is_blank(row["error_pattern"]),
            ("pricing_errors", "mistakes without a text"): lambda row: is_blank(row["error"]),
            (mistakes, "mistakes without a type or a category"): lambda row: (
                is_blank(row["error_type"]) or is_blank(row["error_category"])
            ),
            (mistakes, "mistakes with a text of more than 1,000 characters"): lambda row: (
                len(row["error_text"] or "") > 1000
            ),
            (mistakes, "mistakes that a spreadsheet could take for a formula"): lambda row: (
                row["error_text"] or ""
            ).startswith(("=", "+", "-", "@")),
            (mistakes, "mistakes with HTML in their text"): lambda row: (
                "<" in (row["error_text"] or "") and ">" in (row["error_text"] or "").partition("<")[2]
            ),
        }
        | {
            (table.name, text.format(TIME_COLUMN[table.name])): rule
            for table in TABLES
            for text, rule in (
                ("rows whose {} is no date and time", _unreadable(TIME_COLUMN[table.name], connection)),
                ("rows without {}", _no_time(TIME_COLUMN[table.name], connection)),
                ("rows whose {} is after today", _in_future(TIME_COLUMN[table.name])),
                (
                    "rows whose {} has a T, a fraction or an offset, or is a number",
                    _other_shape(TIME_COLUMN[table.name], connection),
                ),
            )
        }
        | {
            (table.name, f"rows whose {column.name} is {what}"): rule(column, connection)
            for table in TABLES
            for column in table.columns
            for kind, what, rule in (
                (Integer | Float, "no number", _no_number),
                (Integer, "below zero", _below_zero),
                (Text, "not a text in UTF-8", _odd_bytes),
                (Boolean, "neither yes nor no", _neither),
            )
            if isinstance(column.type, kind)
        }
    )


def _stored(row: dict[str, Any], column: Column[Any], connection: Connection) -> Any:
    """What the database holds of a value: a server makes nothing of what does not fit its column."""
    value = row.get(column.name)
    if connection.dialect.name == "sqlite":
        return value
    return next(real(value) for kind, real in REAL.items() if isinstance(column.type, kind))


def _no_number(column: Column[Any], connection: Connection) -> Callable[[dict[str, Any]], bool]:
    return lambda row: _stored(row, column, connection) is not None and number_of(row[column.name]) is None


def _neither(column: Column[Any], connection: Connection) -> Callable[[dict[str, Any]], bool]:
    return lambda row: _stored(row, column, connection) not in {None, *YES, *NO}


def _below_zero(column: Column[Any], connection: Connection) -> Callable[[dict[str, Any]], bool]:
    return lambda row: (number_of(_stored(row, column, connection)) or 0) < 0


def _in_future(column: str) -> Callable[[dict[str, Any]], bool]:
    return lambda row: (instant := instant_of(row[column])) is not None and instant >= TOMORROW


def _odd_bytes(column: Column[Any], connection: Connection) -> Callable[[dict[str, Any]], bool]:
    return lambda row: isinstance(row.get(column.name), bytes) and connection.dialect.name == "sqlite"


def _unreadable(column: str, connection: Connection) -> Callable[[dict[str, Any]], bool]:
    return lambda row: not is_blank(held(row[column], connection)) and instant_of(row[column]) is None


def _no_time(column: str, connection: Connection) -> Callable[[dict[str, Any]], bool]:
    return lambda row: is_blank(held(row[column], connection))


def _other_shape(column: str, connection: Connection) -> Callable[[dict[str, Any]], bool]:
    plain = re.compile(r".{10} .{8}", re.DOTALL)
    has_shapes = connection.dialect.name == "sqlite"
    return lambda row: has_shapes and instant_of(row[column]) is not None and not plain.fullmatch(row[column])


TEXTS = st.sampled_from(
    [*BLANK, "a", "=1", "+1", "-1", "@a", "a=1", "<b>x</b>", "a > b < c", "1 < 2", "ä" * 1000, "ä" * 1001, "\u00a0"]
)

ODD = (*NUMBERS_AS_TEXT, *NO_NUMBERS)


@st.composite
def databases(draw: st.DrawFn) -> dict[str, Rows]:
    period = draw(PERIODS)
    held = draw(sessions(period))
    for session in held:
        session["confidence_score"] = draw(st.sampled_from([None, 0, 0.99, 1, 10, 10.01, -5, *ODD]))
        session["duration_seconds"] = draw(st.sampled_from(COUNTS))

    def rows(**fields: st.SearchStrategy[Any]) -> Rows:
        return draw(st.lists(st.fixed_dictionaries(fields), max_size=6))

    return {
        "users": [{**user, "created_at": draw(timestamps(period))} for user in draw(users())],
        "sessions": held,
        "mistakes": rows(error_type=TEXTS, error_category=TEXTS, error_text=TEXTS, detected_at=timestamps(period)),
        "it_errors": rows(error_pattern=TEXTS, frequency=st.sampled_from(COUNTS), detected_at=timestamps(period)),
        "pricing_errors": rows(error=TEXTS, timestamp=timestamps(period)),
        "lead_scores": rows(overall_score=st.sampled_from(ODD), calculated_at=timestamps(period)),
        "offers": rows(
            offer_sent=st.sampled_from(FLAGS), offer_accepted=st.sampled_from(FLAGS), triggered_at=timestamps(period)
        ),
    }


@SOME
@given(databases())
def test_every_oddity_is_counted_as_by_hand(filled: Fill, data: dict[str, Rows]):
    with filled(**data) as connection:
        known = rules({user["user_id"] for user in data["users"]}, connection)
        found = counted(connection)
    assert found == {key: sum(map(rule, data[KEYWORDS[key[0]]])) for key, rule in known.items()}


@SOME
@given(databases())
def test_every_table_says_its_rows_and_its_newest_row(filled: Fill, data: dict[str, Rows]):
    with filled(**data) as connection:
        states = table_states(connection, TOMORROW)
    assert [state.name for state in states] == [table.name for table in TABLES]
    for state in states:
        rows = data[KEYWORDS[state.name]]
        instants = [instant_of(row[TIME_COLUMN[state.name]]) for row in rows]
        past = [instant for instant in instants if instant and instant < TOMORROW]
        assert (state.rows, state.newest, state.missing_columns) == (len(rows), max(past, default=None), ())


def test_every_check_says_what_the_app_does_and_what_to_do():
    for check in checks(TOMORROW):
        assert check.app_does.endswith(".")
        assert check.to_do.endswith(".")
        assert check.table.name in KEYWORDS
        assert all(column.table in TABLES for column in check.needs)
    names = [(check.table.name, check.found) for check in checks(TOMORROW)]
    assert len(set(names)) == len(names)


def test_the_worked_case_is_sound_but_for_one_session_that_was_broken_off(worked: Connection):
    assert {key: number for key, number in counted(worked).items() if number and "has a T" not in key[1]} == {
        ("coaching_sessions", "sessions that were not finished"): 1,
        ("coaching_sessions", "sessions without a confidence score"): 1,
    }
    states = {state.name: state for state in table_states(worked, TOMORROW)}
    assert states["coaching_sessions"].rows == 16 + 8 + 12 + 1
    assert states["coaching_sessions"].newest == datetime(2026, 11, 22, 23, 59, 59, 999000, tzinfo=UTC)


def opened(path: Path) -> Any:
    return connect(open_engine(database_url(str(path))))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_missing_table_is_told_and_the_others_are_still_checked(tmp_path: Path, table):
    with opened(without_table(tmp_path / "data.db", table.name)) as connection:
        states = table_states(connection, TOMORROW)
        found = counted(connection)
    assert [state.name for state in states if state.rows is None] == [table.name]
    assert {check.table.name for check in checks(TOMORROW)} - {name for name, _ in found} == {table.name}


@pytest.mark.parametrize(
    ("table", "column"),
    [(table.name, column.name) for table in TABLES for column in table.columns if not column.primary_key],
)
def test_a_missing_column_is_told_and_what_needs_it_is_left_out(tmp_path: Path, table: str, column: str):
    def needs_it(check: Check) -> bool:
        return any((need.table.name, need.name) == (table, column) for need in check.needs)

    with opened(without_column(tmp_path / "data.db", table, column)) as connection:
        states = {state.name: state.missing_columns for state in table_states(connection, TOMORROW)}
        found = counted(connection)
    assert states == {name: (column,) if name == table else () for name in KEYWORDS}
    assert set(found) == {(check.table.name, check.found) for check in checks(TOMORROW) if not needs_it(check)}


@pytest.mark.parametrize("table", ["it_errors", "users"])
def test_a_table_that_may_not_be_read_is_told_and_the_others_are_still_checked(postgres_server: Server, table: str):
    address = worked_case(postgres_server.create_database("closed"))
    reader = "closed_reader"
    postgres_server.execute(f"DROP ROLE IF EXISTS {reader}")
    postgres_server.execute(f"CREATE ROLE {reader} LOGIN PASSWORD 'x'")
    postgres_server.execute(f"GRANT USAGE ON SCHEMA public TO {reader}", "closed")
    postgres_server.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}", "closed")
    postgres_server.execute(f"REVOKE SELECT ON {table} FROM {reader}", "closed")
    with opened_at(address.replace(address.split("@")[0], f"postgresql://{reader}:x")) as connection:
        states, found = table_states(connection, TOMORROW), counted(connection)
        missing = missing_parts(connection, states)
    assert [state.name for state in states if not state.may_be_read] == [table]
    assert [state.name for state in states if state.rows is None] == [table]
    assert {check.table.name for check in checks(TOMORROW)} - {name for name, _ in found} == {table}
    assert missing["statement"].tolist() == [f"GRANT SELECT ON {table} TO {reader};"]
    postgres_server.execute(f"DROP OWNED BY {reader}; DROP ROLE {reader}", "closed")


def test_an_empty_database_has_no_rows_and_no_oddities(filled: Fill):
    with filled() as connection:
        states = table_states(connection, TOMORROW)
        found = counted(connection)
    assert {state.rows for state in states} == {0}
    assert {state.newest for state in states} == {None}
    assert set(found.values()) == {0}
