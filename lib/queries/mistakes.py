"""What learners get wrong: the most frequent mistakes, and mistakes counted by type, category and one more thing.

One mistake = the same type, category and text. Three tables can be its source; each is grouped by its bare columns
(so that the database walks its index in order), and the few groups are named, added up and ranked afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd
from sqlalchemy import (
    CTE,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
)

from lib.database import Kind, has_table, no_rows, read
from lib.dialects import EMPTY, UNKNOWN, code_points, in_window, is_blank, is_one_of, text_or
from lib.period import Period
from lib.queries.engagement import level_is
from lib.queries.mistake_tables import UNCATEGORISED, MistakeTable, Source, tables
from lib.schema import OPTIONAL_TABLES
from lib.schema import coaching_sessions as s
from lib.schema import users as u

View = Literal["type", "level", "week", "domain"]


@dataclass(frozen=True)
class Cell:
    """One cell of a heatmap: a category, and a type, a level, a domain or a week."""

    view: View
    value: str
    category: str
    week: Period | None = None


@dataclass(frozen=True)
class MistakeFilter:
    """Which mistakes count; whatever is empty does not narrow."""

    sources: tuple[Source, ...] = ("detected",)
    types: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    cells: tuple[Cell, ...] = ()


@dataclass(frozen=True)
class TopMistakes:
    """The most frequent mistakes, and what they are a part of.

    ``rows``: error_type, error_category, mistake (str), frequency (int). ``total``: mistakes in the window and
    filters; ``different``: how many different ones those are; ``left_out``: entries without a text.
    """

    rows: pd.DataFrame
    total: int
    different: int
    left_out: int


_TOP: dict[str, Kind] = {
    "error_type": "str",
    "error_category": "str",
    "mistake": "str",
    "frequency": "int64",
    "is_blank": "bool",
    "total": "int64",
    "different": "int64",
    "left_out": "int64",
}
_DETAILS: dict[str, Kind] = {"place": "int64", "users": "int64", "frequency_before": "int64"}
_CELLS: dict[str, Kind] = {"value": "str", "error_category": "str", "frequency": "int64"}


def top_mistakes(connection: Connection, period: Period, where: MistakeFilter, *, limit: int) -> TopMistakes:
    """The ``limit`` most frequent mistakes; ties by text, type, category in the order of code points."""
    groups = _groups(connection, period, where)
    if groups is None:
        return TopMistakes(no_rows(_TOP).iloc[:, :4], 0, 0, 0)
    g, blank = groups.c, groups.c.is_blank
    # Not as windows: those would sort every group, where here the first few are picked.
    totals = select(
        func.sum(case((blank, 0), else_=g.frequency)).label("total"),
        func.sum(case((blank, 0), else_=1)).label("different"),
        func.sum(case((blank, g.frequency), else_=0)).label("left_out"),
    ).cte("totals")
    query = (
        select(
            g.error_type,
            g.error_category,
            g.text,
            g.frequency,
            blank,
            *(select(total).scalar_subquery() for total in totals.c),
        )
        # Blank texts come last: they are no mistakes, but their number is told.
        .order_by(blank, g.frequency.desc(), *map(code_points, (g.text, g.error_type, g.error_category)))
        .limit(limit)
    )
    found = read(connection, query, _TOP)
    counts = found[["total", "different", "left_out"]].max() if len(found) else [0, 0, 0]
    rows = found.loc[~found["is_blank"], list(_TOP)[:4]].reset_index(drop=True)
    return TopMistakes(rows, *(int(count) for count in counts))


def mistake_details(connection: Connection, period: Period, where: MistakeFilter, rows: pd.DataFrame) -> pd.DataFrame:
    """What is worth asking only for the few mistakes that are shown, in the order of ``rows`` (see TopMistakes).

    Columns: place (int, from 0), users (int, distinct, in the window), frequency_before (int, in the window before).
    """
    sources = _present(connection, where)
    if rows.empty or not sources:
        return no_rows(_DETAILS)
    wanted = rows[["error_type", "error_category", "mistake"]].itertuples(index=False, name=None)
    parts = [_details(place, sources, period, where, mistake) for place, mistake in enumerate(wanted)]
    return read(connection, union_all(*parts) if len(parts) > 1 else parts[0], _DETAILS).sort_values("place")


def mistakes_by(connection: Connection, period: Period, where: MistakeFilter, view: View) -> pd.DataFrame:
    """Mistakes counted by category and by type, English level, calendar week (month, of a long window), or domain.

    Columns: value (str; a week or month is the ISO date of its first day in the window), error_category (str),
    frequency (int).
    Domains are written down for IT English and pricing mistakes alone.
    """
    sources = _present(connection, where)
    if view == "domain":
        sources = [table for table in sources if table.domain is not None]
    periods = period.steps if view == "week" else (period,)
    parts = [_cells(table, window, where, view) for table in sources for window in periods]
    if not parts:
        return no_rows(_CELLS)
    bare = union_all(*parts).subquery().c
    value, category = text_or(bare.value, UNKNOWN), text_or(bare.error_category, UNCATEGORISED)
    query = select(value, category, cast(func.sum(bare.times), BigInteger)).group_by(value, category)
    return read(connection, query, _CELLS)


def mistake_totals(connection: Connection, periods: Sequence[Period], where: MistakeFilter) -> list[int]:
    """How many mistakes each of ``periods`` has."""
    sources = _present(connection, where)
    parts = [
        _of_levels(
            select(literal(place).label("place"), func.coalesce(table.times, 0).label("times")).where(
                in_window(table.at, period), ~is_blank(table.text), *_narrowed(table, where)
            ),
            table.user_id,
            where,
        )
        for table in sources
        for place, period in enumerate(periods)
    ]
    totals = [0] * len(periods)
    for place, times in connection.execute(union_all(*parts)) if parts else ():
        totals[place] += int(times)
    return totals


def session_count(connection: Connection, period: Period, where: MistakeFilter) -> int:
    """Sessions that started in the window, of users at the wanted levels: what "per 100 sessions" divides by."""
    query = select(func.count()).select_from(s).where(in_window(s.c.started_at, period))
    return int(connection.execute(_of_levels(query, s.c.user_id, where)).scalar_one())


def _present(connection: Connection, where: MistakeFilter) -> list[MistakeTable]:
    return [
        table
        for source, table in tables().items()
        if source in where.sources and (table.name not in OPTIONAL_TABLES or has_table(connection, table.name))
    ]


def _groups(connection: Connection, period: Period, where: MistakeFilter) -> CTE | None:
    """Every mistake of the window: error_type, error_category, text, is_blank, frequency."""
    parts = [_bare_groups(table, period, where) for table in _present(connection, where)]
    if not parts:
        return None
    g = (union_all(*parts) if len(parts) > 1 else parts[0]).cte("bare").c
    names = text_or(g.error_type, UNKNOWN), text_or(g.error_category, UNCATEGORISED)
    blank = is_blank(g.text).label("is_blank")
    named = select(
        names[0].label("error_type"),
        names[1].label("error_category"),
        g.text,
        blank,
        cast(func.sum(g.times), BigInteger).label("frequency"),
    ).group_by(*names, g.text)
    if len(parts) > 1:
        return named.cte("groups")
    # Of one table only groups without a name can become one; where nearly every text is different, the others are many.
    has_names = ~or_(_named(g.error_type, UNKNOWN, UNKNOWN), _named(g.error_category, UNCATEGORISED, UNCATEGORISED))
    as_it_is = select(g.error_type, g.error_category, g.text, blank, g.times.label("frequency")).where(has_names)
    return union_all(as_it_is, named.where(~has_names)).cte("groups")


def _bare_groups(table: MistakeTable, period: Period, where: MistakeFilter) -> Select[Any]:
    """Grouped by the bare columns: a COALESCE or TRIM around them would lose the index."""
    query = select(
        table.error_type.label("error_type"),
        table.error_category.label("error_category"),
        table.text.label("text"),
        table.times.label("times"),
    ).where(in_window(table.at, period), *_narrowed(table, where))
    return _of_levels(query, table.user_id, where).group_by(*table.grouped)


def _details(
    place: int, sources: list[MistakeTable], period: Period, where: MistakeFilter, mistake: tuple[str, str, str]
) -> Select[Any]:
    def entries(window: Period, *columns: str) -> Any:
        parts = [
            _of_levels(
                select(*(getattr(table, name).label(name) for name in columns)).where(
                    in_window(table.at, window), _is(table, *mistake), *_narrowed(table, where)
                ),
                table.user_id,
                where,
            )
            for table in sources
        ]
        return union_all(*parts).subquery() if len(parts) > 1 else parts[0].subquery()

    now, earlier = entries(period, "user_id"), entries(period.before, "count")
    user = now.c.user_id
    # A blank user is none; it sorts first. count(DISTINCT nullif(...)) would take a third longer.
    nobody = case((func.min(user) == EMPTY, 1), else_=0)
    return select(
        literal(place).label("place"),
        select(func.count(user.distinct()) - nobody).scalar_subquery().label("users"),
        select(func.coalesce(func.sum(earlier.c.count), 0)).scalar_subquery().label("frequency_before"),
    )


def _cells(table: MistakeTable, period: Period, where: MistakeFilter, view: View) -> Select[Any]:
    """Grouped by bare columns, as ``_bare_groups``; names come afterwards."""
    value = {
        "type": table.error_type,
        "level": u.c.english_level,
        "week": literal(period.first.isoformat(), Text),
        "domain": table.domain if table.domain is not None else literal(UNKNOWN),
    }[view]
    category = _category(table, view)
    query = select(
        value.label("value"), category.label("error_category"), func.coalesce(table.times, 0).label("times")
    ).where(in_window(table.at, period), ~is_blank(table.text), *_narrowed(table, where))
    if view == "level" and not where.levels:
        query = query.outerjoin(u, u.c.user_id == table.user_id)
    # A constant is the same in every row, and PostgreSQL refuses to group by it.
    grouped = [column for column in (value, category) if isinstance(column, Column)]
    return _of_levels(query, table.user_id, where).group_by(*grouped)


def _category(table: MistakeTable, view: View) -> ColumnElement[Any]:
    """The category, or the type where the category is the domain itself, which would count it against itself."""
    return table.error_type if view == "domain" and table.error_category is table.domain else table.error_category


def _is(table: MistakeTable, error_type: str, category: str, text: str) -> ColumnElement[bool]:
    return and_(
        _named(table.error_type, error_type, UNKNOWN),
        _named(table.error_category, category, UNCATEGORISED),
        is_one_of(table.text, [text]),
    )


def _named(column: ColumnElement[Any], name: str, nameless: str) -> ColumnElement[bool]:
    """``column`` holds ``name``; rows without one go by the name ``nameless``."""
    is_name = is_one_of(column, [name])
    return or_(is_name, is_blank(column)) if name == nameless else is_name


def _narrowed(table: MistakeTable, where: MistakeFilter) -> list[ColumnElement[bool]]:
    conditions = []
    if where.types:
        conditions.append(or_(*(_named(table.error_type, name, UNKNOWN) for name in where.types)))
    if where.cells:
        conditions.append(or_(*(_in_cell(table, cell) for cell in where.cells)))
    return conditions


def _in_cell(table: MistakeTable, cell: Cell) -> ColumnElement[bool]:
    category = _named(_category(table, cell.view), cell.category, UNCATEGORISED)
    if cell.week is not None:
        return and_(category, in_window(table.at, cell.week))
    if cell.view == "type":
        return and_(category, _named(table.error_type, cell.value, UNKNOWN))
    if cell.view == "domain":
        return and_(category, _named(table.domain, cell.value, UNKNOWN)) if table.domain is not None else false()
    user = select(u.c.user_id).where(u.c.user_id == table.user_id).correlate_except(u)
    if cell.value == UNKNOWN:  # users who are gone belong here, too
        return and_(category, ~user.where(~level_is([UNKNOWN])).exists())
    return and_(category, user.where(level_is([cell.value])).exists())


def _of_levels(query: Select[*tuple[Any, ...]], user_id: ColumnElement[Any], where: MistakeFilter) -> Select[Any]:
    if not where.levels:
        return query
    # An inner join is quicker, but would lose the users who are gone.
    join = query.outerjoin if UNKNOWN in where.levels else query.join
    return join(u, u.c.user_id == user_id).where(level_is(where.levels))
