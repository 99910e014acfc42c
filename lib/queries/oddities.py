"""The checks of Data health: what can be odd about the data, each with its own English."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Float, Integer, Table, Text, and_, false, func, not_, or_, select

from lib.dialects import (
    EMPTY,
    before,
    has_other_shape,
    is_blank,
    is_neither,
    is_no_number,
    is_odd_text,
    is_one_of,
    is_readable,
    is_unreadable,
    number,
)
from lib.schema import (
    ROLES,
    TABLES,
    TIME_COLUMN,
    coaching_sessions,
    detected_errors,
    it_errors,
    lead_scores,
    pricing_errors,
    users,
)

LONG_TEXT = 1_000
NOT_USED = "No page uses it."
TO_DO_TIME = "Correct them: a time looks like 2026-11-16 09:30:00."
FORMULA_SIGNS = ("=", "+", "-", "@")
# What the app does with a value that is no number, or below zero; columns that are not named here are on no page.
NO_NUMBER: dict[Column[Any], str] = {
    coaching_sessions.c.confidence_score: "Counted as sessions without a score.",
    coaching_sessions.c.error_count: "Left out of the average of mistakes.",
    it_errors.c.frequency: "Counted once.",
    lead_scores.c.overall_score: "Shown as no lead score.",
}


@dataclass(frozen=True)
class Check:
    """One oddity: the rows that have it, what it is called, what the app does about it, what a person can do.

    ``of_keys``: its rows are those whose key came before. ``of_bytes``: it is slow to look for, and rare.
    ``of_flags``: a server that has the column as a text reads as none what it counts.
    """

    table: Table
    condition: ColumnElement[bool]
    needs: tuple[Column[Any], ...]
    found: str
    app_does: str
    to_do: str
    is_wrong: bool = False
    of_keys: bool = False
    of_bytes: bool = False
    of_flags: bool = False


def checks(until: datetime) -> tuple[Check, ...]:
    """Every check, table by table; times are to be before ``until``, the end of today."""
    return (
        *_user_checks(),
        *_session_checks(),
        *_mistake_checks(),
        *_value_checks(),
        *_time_checks(until),
        *map(_repeated, TABLES),
        *(_odd_bytes(column) for table in TABLES for column in text_columns(table)),
    )


def text_columns(table: Table) -> list[Column[Any]]:
    """The columns in which a text is expected."""
    return [column for column in table.columns if isinstance(column.type, Text)]


def cannot_be_read(table: Table, what: str, reason: str) -> Check:
    """Name rows, or the rows of a column, that the database cannot give."""
    return Check(
        table,
        false(),
        (),
        f"{what} cannot be read: {reason.rstrip('.')}",
        "Pages that need them cannot answer; whatever else the table has is read.",
        "Mend the view or the table that it is from.",
        is_wrong=True,
    )


def _repeated(table: Table) -> Check:
    key: Column[Any] = table.columns[0]
    return Check(
        table,
        false(),
        (key,),
        f"rows whose {key.name} came before",
        "Only the row that was active last counts; of those, the one that was made last."
        if table is users
        else "Each row counts.",
        f"Remove them, and make {key.name} the primary key.",
        is_wrong=True,
        of_keys=True,
    )


def _odd_bytes(column: Column[Any]) -> Check:
    return Check(
        column.table,
        is_odd_text(column),
        (column,),
        f"rows whose {column.name} is not a text in UTF-8",
        "Counted; each byte that is no sign is shown as \ufffd.",
        "Write them again as text: what imported them took another encoding for UTF-8.",
        is_wrong=True,
        of_bytes=True,
    )


def _user_checks() -> list[Check]:
    role, level = users.c.role, users.c.english_level
    return [
        Check(
            users,
            is_blank(role),
            (role,),
            "users without a role",
            'Their sessions count under "unknown". They are never candidates.',
            "Give them a role in the product.",
        ),
        Check(
            users,
            and_(not_(is_blank(role)), not_(is_one_of(role, ROLES))),
            (role,),
            "users with a role that is not in the list",
            "Shown after the four known roles, under the name that is written there.",
            "Check whether the role is meant.",
        ),
        Check(
            users,
            is_blank(level),
            (level,),
            "users without an English level",
            'Shown under "unknown".',
            "Nothing, or let them take the placement test.",
        ),
    ]


def _session_checks() -> list[Check]:
    s = coaching_sessions
    owner = select(users.c.user_id).where(users.c.user_id == s.c.user_id).exists()
    no_user = func.coalesce(s.c.user_id, EMPTY) == EMPTY
    score = s.c.confidence_score
    return [
        Check(
            s,
            no_user,
            (s.c.user_id,),
            "sessions without a user",
            'Counted as sessions under "unknown", not as users.',
            "Ask the product team why no user was written.",
        ),
        Check(
            s,
            and_(not_(no_user), not_(owner)),
            (s.c.user_id, users.c.user_id),
            "sessions whose user is gone",
            'Counted under "unknown".',
            "Nothing, where accounts were deleted on request.",
        ),
        Check(
            s,
            not_(is_readable(s.c.ended_at)),
            (s.c.ended_at,),
            "sessions that were not finished",
            "Not counted, unless the switch counts all that started.",
            "Nothing; people break off.",
        ),
        Check(
            s,
            is_unreadable(s.c.ended_at),
            (s.c.ended_at,),
            "rows whose ended_at is no date and time",
            "Counted as sessions that were not finished.",
            TO_DO_TIME,
            is_wrong=True,
        ),
        Check(
            s,
            score.is_(None),
            (score,),
            "sessions without a confidence score",
            "Left out of averages, and of the runs on Conversion.",
            "Nothing, where they were not finished.",
        ),
        Check(
            s,
            or_(number(score) < 1, number(score) > 10),
            (score,),
            "sessions with a score outside 1 to 10",
            "Counted as written; averages are off by that much.",
            "Correct them in the product.",
            is_wrong=True,
        ),
    ]


def _mistake_checks() -> list[Check]:
    d = detected_errors.c
    missing = [
        _blank_text(table, column)
        for table, column in (
            (detected_errors, d.error_text),
            (it_errors, it_errors.c.error_pattern),
            (pricing_errors, pricing_errors.c.error),
        )
    ]
    return [
        *missing,
        Check(
            detected_errors,
            or_(is_blank(d.error_type), is_blank(d.error_category)),
            (d.error_type, d.error_category),
            "mistakes without a type or a category",
            'Shown as type "unknown" or category "uncategorised".',
            "Nothing, if there are few.",
        ),
        Check(
            detected_errors,
            func.length(d.error_text) > LONG_TEXT,
            (d.error_text,),
            f"mistakes with a text of more than {LONG_TEXT:,} characters",
            "Counted; shortened on screen, whole in the files.",
            "Check whether a whole conversation was written by accident.",
        ),
        Check(
            detected_errors,
            or_(*(d.error_text.startswith(sign) for sign in FORMULA_SIGNS)),
            (d.error_text,),
            "mistakes that a spreadsheet could take for a formula",
            "Written to files as text that does not run.",
            "Nothing.",
        ),
        Check(
            detected_errors,
            d.error_text.like("%<%>%"),
            (d.error_text,),
            "mistakes with HTML in their text",
            "Shown as the characters that they are.",
            "Nothing.",
        ),
    ]


def _blank_text(table: Table, column: Column[Any]) -> Check:
    return Check(
        table,
        is_blank(column),
        (column,),
        "mistakes without a text",
        "Left out; their number is said on Mistakes.",
        "Ask the product team why no text was written.",
    )


def _value_checks() -> list[Check]:
    columns = [column for table in TABLES for column in table.columns]
    return [
        *(_no_number(column) for column in columns if isinstance(column.type, Integer | Float)),
        *(_below_zero(column) for column in columns if isinstance(column.type, Integer)),
        *(_neither(column) for column in columns if isinstance(column.type, Boolean)),
    ]


def _no_number(column: Column[Any]) -> Check:
    return Check(
        column.table,
        is_no_number(column),
        (column,),
        f"rows whose {column.name} is no number",
        NO_NUMBER.get(column, NOT_USED),
        "Correct them: a number is written as 7 or 7.5.",
        is_wrong=True,
    )


def _below_zero(column: Column[Any]) -> Check:
    return Check(
        column.table,
        number(column) < 0,
        (column,),
        f"rows whose {column.name} is below zero",
        NO_NUMBER.get(column, NOT_USED),
        "Correct them: there are no fewer than none.",
        is_wrong=True,
    )


def _neither(column: Column[Any]) -> Check:
    return Check(
        column.table,
        is_neither(column),
        (column,),
        f"rows whose {column.name} is neither yes nor no",
        "Taken for no.",
        "Correct them: yes is written as 1 or true, no as 0 or false.",
        is_wrong=True,
        of_flags=True,
    )


def _time_checks(until: datetime) -> list[Check]:
    named = [(table, table.c[TIME_COLUMN[table.name]]) for table in TABLES]
    return [
        *(make(table, column) for table, column in named for make in (_unreadable, _no_time, _other_shape)),
        *(_in_future(table, column, until) for table, column in named),
    ]


def _in_future(table: Table, column: Column[Any], until: datetime) -> Check:
    return Check(
        table,
        and_(is_readable(column), not_(before(column, until))),
        (column,),
        f"rows whose {column.name} is after today",
        NOT_USED if table is users else "Not taken for the newest data; in no window that ends today or before.",
        "Correct them: check the clock of whatever wrote them.",
        is_wrong=True,
    )


def _unreadable(table: Table, column: Column[Any]) -> Check:
    return Check(
        table,
        is_unreadable(column),
        (column,),
        f"rows whose {column.name} is no date and time",
        NOT_USED if table is users else "Left out of every window.",
        TO_DO_TIME,
        is_wrong=True,
    )


def _other_shape(table: Table, column: Column[Any]) -> Check:
    return Check(
        table,
        has_other_shape(column),
        (column,),
        f"rows whose {column.name} has a T, a fraction or an offset, or is a number",
        "Read as well; offsets are taken into account, numbers are seconds or milliseconds.",
        "Nothing.",
    )


def _no_time(table: Table, column: Column[Any]) -> Check:
    return Check(
        table,
        and_(not_(is_readable(column)), not_(is_unreadable(column))),
        (column,),
        f"rows without {column.name}",
        NOT_USED if table is users else "Left out of every window.",
        "Nothing, if there are few.",
    )
