"""What is odd about the data, counted in one pass over each table; each check carries its own English."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import pandas as pd
from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    Integer,
    Table,
    and_,
    case,
    func,
    inspect,
    not_,
    or_,
    select,
)
from sqlalchemy.schema import CreateTable

from lib.dialects import (
    EMPTY,
    has_other_shape,
    is_blank,
    is_neither,
    is_no_number,
    is_readable,
    is_set,
    is_unreadable,
    may_read,
    number,
)
from lib.queries.freshness import newest_row
from lib.schema import (
    OPTIONAL_TABLES,
    ROLES,
    TABLES,
    TIME_COLUMN,
    coaching_sessions,
    create_statement,
    detected_errors,
    it_errors,
    lead_scores,
    metadata,
    missing_indexes,
    pricing_errors,
    users,
)

LONG_TEXT = 1_000
NOT_USED = "No page uses it."
FORMULA_SIGNS = ("=", "+", "-", "@")
# What the app does with a value that is no number; columns that are not named here are on no page.
NO_NUMBER: dict[Column[Any], str] = {
    coaching_sessions.c.confidence_score: "Counted as sessions without a score.",
    coaching_sessions.c.error_count: "Left out of the average of mistakes.",
    it_errors.c.frequency: "Counted once.",
    lead_scores.c.overall_score: "Shown as no lead score.",
}


@dataclass(frozen=True)
class Check:
    """One oddity: the rows that have it, what it is called, what the app does about it, what a person can do."""

    table: Table
    condition: ColumnElement[bool]
    needs: tuple[Column[Any], ...]
    found: str
    app_does: str
    to_do: str
    is_wrong: bool = False


@dataclass(frozen=True)
class TableState:
    """One table as it stands. ``rows`` is None where it is missing or may not be read, ``newest`` also where it has no
    readable time.
    """

    name: str
    rows: int | None
    newest: datetime | None
    missing_columns: tuple[str, ...]
    may_be_read: bool = True


def table_states(connection: Connection) -> list[TableState]:
    """The seven tables in the order of the schema."""
    present = set(inspect(connection).get_table_names()) | set(inspect(connection).get_view_names())
    return [_state(connection, table, table.name in present) for table in TABLES]


def _state(connection: Connection, table: Table, is_there: bool) -> TableState:
    if not is_there:
        return TableState(table.name, None, None, ())
    if not connection.execute(select(may_read(table.name))).scalar_one():
        return TableState(table.name, None, None, (), may_be_read=False)
    present = _columns(connection, table)
    missing = tuple(column.name for column in table.columns if column.name not in present)
    rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
    newest = None if TIME_COLUMN[table.name] in missing else newest_row(connection, table)
    return TableState(table.name, int(rows), newest, missing)


def count_oddities(connection: Connection, states: Sequence[TableState]) -> list[tuple[Check, int]]:
    """Each check of the tables that are there, with its number of rows; those of missing columns are left out."""
    return [
        pair
        for state in states
        if state.rows is not None
        for pair in _count(connection, [check for check in checks() if check.table.name == state.name], states)
    ]


def _count(connection: Connection, of_table: list[Check], states: Sequence[TableState]) -> list[tuple[Check, int]]:
    wanted = [check for check in of_table if all(_is_there(column, states) for column in check.needs)]
    if not wanted:
        return []
    numbers = [func.coalesce(func.sum(case((check.condition, 1), else_=0)), 0) for check in wanted]
    row = connection.execute(select(*numbers).select_from(wanted[0].table)).one()
    return list(zip(wanted, map(int, row), strict=True))


def _is_there(column: Column[Any], states: Sequence[TableState]) -> bool:
    return any(
        state.name == column.table.name and state.rows is not None and column.name not in state.missing_columns
        for state in states
    )


def oddity_table(connection: Connection, states: Sequence[TableState]) -> pd.DataFrame:
    """``count_oddities`` for people, those that were found alone.

    Columns: found, table (str), rows (int), app_does, to_do (str), is_wrong (bool).
    """
    rows = [
        (check.found, check.table.name, count, check.app_does, check.to_do, check.is_wrong)
        for check, count in count_oddities(connection, states)
        if count
    ]
    kinds = {"found": "str", "table": "str", "rows": "int64", "app_does": "str", "to_do": "str", "is_wrong": "bool"}
    return pd.DataFrame(rows, columns=list(kinds)).astype(kinds)


def missing_parts(connection: Connection) -> pd.DataFrame:
    """Tables, columns and indexes that are not there or may not be read, each with the statement that mends it.

    Columns: kind ("table", "column", "index"), name, statement (str), is_needed (bool: pages fail without it).
    """
    states, dialect = table_states(connection), connection.dialect
    quote = dialect.identifier_preparer.quote
    tables = [metadata.tables[state.name] for state in states if state.rows is None and state.may_be_read]
    closed = [state.name for state in states if not state.may_be_read]
    reader = connection.execute(select(func.current_user())).scalar_one() if closed else ""
    columns = [metadata.tables[state.name].c[name] for state in states for name in state.missing_columns]
    rows = [
        *(("table", t.name, str(CreateTable(t).compile(dialect=dialect)), _is_needed(t)) for t in tables),
        *(("table", name, f"GRANT SELECT ON {name} TO {quote(reader)}", True) for name in closed),
        *(("column", f"{c.table.name}.{c.name}", _add_column(c, dialect), True) for c in columns),
        *(("index", str(i.name), create_statement(i, dialect), False) for i in missing_indexes(connection)),
    ]
    kinds = {"kind": "str", "name": "str", "statement": "str", "is_needed": "bool"}
    frame = pd.DataFrame(rows, columns=list(kinds)).astype(kinds)
    return frame.assign(statement=frame["statement"].str.strip() + ";")


def _is_needed(table: Table) -> bool:
    return table.name not in OPTIONAL_TABLES


def _add_column(column: Column[Any], dialect: Dialect) -> str:
    return f"ALTER TABLE {column.table.name} ADD COLUMN {column.name} {column.type.compile(dialect=dialect)}"


def _columns(connection: Connection, table: Table) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns(table.name)}


@cache
def checks() -> tuple[Check, ...]:
    """Every check, table by table."""
    return (*_user_checks(), *_session_checks(), *_mistake_checks(), *_value_checks(), *_time_checks())


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
            and_(not_(is_blank(role)), role.not_in(ROLES)),
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
            not_(is_set(s.c.ended_at)),
            (s.c.ended_at,),
            "sessions that were not finished",
            "Not counted, unless the switch counts all that started.",
            "Nothing; people break off.",
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


def _neither(column: Column[Any]) -> Check:
    return Check(
        column.table,
        is_neither(column),
        (column,),
        f"rows whose {column.name} is neither yes nor no",
        "Taken for no.",
        "Correct them: yes is written as 1 or true, no as 0 or false.",
        is_wrong=True,
    )


def _time_checks() -> list[Check]:
    named = [(table, table.c[TIME_COLUMN[table.name]]) for table in TABLES]
    return [make(table, column) for table, column in named for make in (_unreadable, _no_time, _other_shape)]


def _unreadable(table: Table, column: Column[Any]) -> Check:
    return Check(
        table,
        is_unreadable(column),
        (column,),
        f"rows whose {column.name} is no date and time",
        NOT_USED if table is users else "Left out of every window.",
        "Correct them: a time looks like 2026-11-16 09:30:00.",
        is_wrong=True,
    )


def _other_shape(table: Table, column: Column[Any]) -> Check:
    return Check(
        table,
        has_other_shape(column),
        (column,),
        f"rows whose {column.name} has a T, a fraction or an offset",
        "Read as well; offsets are taken into account.",
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
