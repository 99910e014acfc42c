"""How new the data is, and how far back it goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Executable, Table, select, union_all

from lib.database import reading_by_itself, to_utc
from lib.dialects import before, in_window, is_readable, moment, parts_in_order
from lib.period import Period
from lib.schema import TIME_COLUMN, coaching_sessions
from lib.schema.present import present_tables


def newest_session(connection: Connection, until: datetime) -> datetime | None:
    """When the newest session before ``until`` started (aware, UTC); None where there is none, or no table.

    ``until`` is the end of today in the reporting zone: what is dated later says nothing about how new the data is.
    Raises TableProblem.
    """
    if not _has_times(connection):
        return None
    with reading_by_itself(connection):
        return newest_row(connection, coaching_sessions, until)


def oldest_session(connection: Connection) -> datetime | None:
    """When the oldest session started (aware, UTC), about: where zones are mixed, another may be a day older.

    By index, as the order of the column finds it; None as for the newest. Raises TableProblem.
    """
    if not _has_times(connection):
        return None
    column = coaching_sessions.c.started_at
    with reading_by_itself(connection):
        return min(_firsts(connection, column, is_readable(column), column.asc()), default=None)


def _has_times(connection: Connection) -> bool:
    """Whether sessions have times: Data health says what is missing, and the door must open for that."""
    table = present_tables(connection).get(coaching_sessions.name)
    return table is not None and table.has("started_at")


def newest_row(connection: Connection, table: Table, until: datetime) -> datetime | None:
    """The newest time in ``table`` before ``until`` (aware, UTC), None where there is none.

    The order of the column finds one of the last, by index. It may be written in a zone up to 14 hours ahead of UTC and
    another one up to 12 hours behind, so which instant of its day and the next two is the newest is then asked exactly.
    """
    column = table.c[TIME_COLUMN[table.name]]
    is_past = before(column, until)
    last = max(_firsts(connection, column, is_past, column.desc()), default=None)
    if last is None:
        return None
    around = Period((last + timedelta(days=2)).date(), 3)
    exactly = select(column).where(is_past, in_window(column, around)).order_by(moment(column).desc()).limit(1)
    return max(_instants(connection, exactly), default=last)


def _firsts(
    connection: Connection, column: ColumnElement[Any], where: ColumnElement[bool], order: ColumnElement[Any]
) -> list[datetime]:
    """The first row of each of the parts that the column sorts in."""
    firsts = (select(column).where(part, where).order_by(order).limit(1).subquery() for part in parts_in_order(column))
    return _instants(connection, union_all(*(select(*first.c) for first in firsts)))


def _instants(connection: Connection, query: Executable) -> list[datetime]:
    found = to_utc(pd.Series(list(connection.execute(query).scalars()), dtype="object")).dropna()
    return [instant.to_pydatetime().astimezone(UTC) for instant in found]
