"""The one transaction in which the target changes: what is gone, what differs, what is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Delete,
    Executable,
    FromClause,
    Insert,
    Text,
    Update,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    not_,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.schema import CreateTable

from lib.dialects import EMPTY, is_readable
from lib.schema import conversion_triggers, users
from lib.schema.indexes import create_statement, missing_indexes, owners
from lib.sync.problems import SyncProblem
from lib.sync.staging import Stage, refused

NEVER_EMPTY = frozenset({"users", "coaching_sessions"})


@dataclass(frozen=True)
class Changes:
    """What one table's rows did to the target."""

    table: str
    rows: int
    new: int
    changed: int
    removed: int
    emptied: Mapping[str, int]  # values that the target had, by column

    @property
    def any(self) -> bool:
        return bool(self.new or self.changed or self.removed)


def change(
    connection: Connection,
    stages: Sequence[Stage],
    *,
    allow_empty: bool = False,
    allow_emptied: Collection[str] = (),
    dry_run: bool = False,
) -> list[Changes]:
    """Make the target's tables equal to ``stages``, which are in the order of lib.schema; commits unless ``dry_run``.

    ``allow_emptied`` names columns, as users.email. Raises SyncProblem where a table or a column would become empty for
    no good reason, or the target refuses a row.
    """
    _begin(connection, stages)
    emptied: dict[str, Mapping[str, int]] = {}
    for stage in stages:
        if stage.is_new:
            # No foreign keys: sessions whose user is gone are data, too.
            connection.execute(CreateTable(stage.table, include_foreign_key_constraints=[]))
            continue
        if not allow_empty:
            _check_empty(connection, stage)
        emptied[stage.table.name] = _emptied(connection, stage, allow_emptied)
    changes = _changes(connection, stages, emptied)
    if dry_run:
        connection.rollback()
        return changes
    _finish(connection, stages, any(each.any for each in changes))
    connection.commit()
    return changes


def _begin(connection: Connection, stages: Iterable[Stage]) -> None:
    """From here on nobody else writes to these tables; people can read them all the time."""
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        if not driver.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    for stage in stages:
        if not stage.is_new:
            connection.exec_driver_sql(f"LOCK TABLE {stage.table.name} IN SHARE ROW EXCLUSIVE MODE")


def _check_empty(connection: Connection, stage: Stage) -> None:
    """A source that has lost its data must not take the target's with it."""
    name = stage.table.name
    is_left_out = stage.count() == 0 or stage.unfit * 2 > stage.read
    if not is_left_out or not (stage.read or name in NEVER_EMPTY):
        return
    there = connection.execute(select(func.count()).select_from(stage.table)).scalar_one()
    if there:
        what = f"its table {name} is empty"
        if stage.read:
            what = f"none of its {stage.read:,} rows of {name} fits"
        if stage.count():
            what = f"{stage.unfit:,} of its {stage.read:,} rows of {name} do not fit"
        raise SyncProblem(
            f"Source: {what}, and the target has {there:,} rows.", "If they are all to go, say --allow-empty."
        )


def _emptied(connection: Connection, stage: Stage, allowed: Collection[str]) -> dict[str, int]:
    """How many values of each column would be gone from rows that stay.

    Raises SyncProblem where that is most of a column, and not one value alone: then the source writes it in a way that
    nobody reads.
    """
    pairs = {
        column.name: (_is_given(column), _is_given(stage.rows.c[column.name]))
        for column in stage.table.columns
        if column is not stage.key
    }
    both = stage.table.join(stage.rows, _same(stage))
    had = _count(connection, both, {name: mine for name, (mine, _) in pairs.items()})
    gone = _count(connection, both, {name: and_(mine, not_(other)) for name, (mine, other) in pairs.items()})
    for name in pairs:
        column = f"{stage.table.name}.{name}"
        if gone[name] > 1 and gone[name] * 2 > had[name] and column not in allowed:
            raise SyncProblem(
                f"Source: {gone[name]:,} of the {had[name]:,} values that the target has in {column} would be gone.",
                f"If they are to go, say --allow-emptied {column}.",
            )
    return {name: count for name, count in gone.items() if count}


def _is_given(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a value says anything: a text is not blank, and a time can be read."""
    if isinstance(column.type, DateTime):
        return is_readable(column)
    return and_(column.is_not(None), cast(column, Text) != EMPTY)


def _count(connection: Connection, rows: FromClause, conditions: Mapping[str, ColumnElement[bool]]) -> dict[str, int]:
    """How many of ``rows`` meet each condition, by its name."""
    numbers = [func.coalesce(func.sum(case((condition, 1), else_=0)), 0) for condition in conditions.values()]
    found = connection.execute(select(*numbers).select_from(rows)).one()
    return dict(zip(conditions, map(int, found), strict=True))


def _changes(
    connection: Connection, stages: Sequence[Stage], emptied: Mapping[str, Mapping[str, int]]
) -> list[Changes]:
    # Where the target has foreign keys: what points at other rows comes after them, and goes before them.
    come = [[_run(connection, stage, each(stage)) for each in (_update, _insertion)] for stage in stages]
    gone = [_run(connection, stage, _removal(stage, stages)) for stage in reversed(stages)]
    return [
        Changes(stage.table.name, stage.count(), new, changed, removed, emptied.get(stage.table.name, {}))
        for stage, (changed, new), removed in zip(stages, come, reversed(gone), strict=True)
    ]


def _run(connection: Connection, stage: Stage, statement: Executable) -> int:
    """How many rows the statement took away, changed or added."""
    try:
        result: Any = connection.execute(statement, execution_options={"preserve_rowcount": True})
    except (IntegrityError, DataError) as error:
        raise refused(stage.table.name, error) from error
    return int(result.rowcount)


def _same(stage: Stage) -> ColumnElement[bool]:
    return stage.rows.c[stage.key.name] == stage.key


def _removal(stage: Stage, stages: Sequence[Stage]) -> Delete:
    gone: ColumnElement[bool] = ~exists().where(_same(stage))
    if stage.table is conversion_triggers:
        known = next(each.rows for each in stages if each.table is users)
        gone = and_(gone, ~exists().where(known.c.user_id == conversion_triggers.c.user_id))
    return delete(stage.table).where(gone)


def _update(stage: Stage) -> Update:
    pairs = [(column, stage.rows.c[column.name]) for column in stage.table.columns if column is not stage.key]
    differs = or_(
        *(
            cast(mine, Text).is_distinct_from(cast(other, Text))  # PostgreSQL cannot compare JSON
            if mine.name in stage.json
            else mine.is_distinct_from(other)
            for mine, other in pairs
        )
    )
    condition = and_(_same(stage), differs)
    if stage.table is conversion_triggers:
        sent, says_sent = stage.table.c.offer_sent, stage.rows.c.offer_sent
        condition = and_(condition, not_(and_(sent.is_not_distinct_from(True), says_sent.is_distinct_from(True))))
    return update(stage.table).values({mine.name: other for mine, other in pairs}).where(condition)


def _insertion(stage: Stage) -> Insert:
    fresh = (
        select(*(stage.rows.c[name] for name in stage.names))
        .where(~select(stage.key).where(_same(stage)).correlate(stage.rows).exists())
        .order_by(stage.rows.c.line)
    )
    return insert(stage.table).from_select(stage.names, fresh)


def _finish(connection: Connection, stages: Iterable[Stage], changed: bool) -> None:
    """Indexes and statistics of the tables that are ours; to drop what is in the way of an index is not for a copy."""
    others = owners(connection)
    missing = [each for each in missing_indexes(connection) if not each.in_the_way and each.table not in others]
    for index in missing:
        connection.execute(text(create_statement(index, connection.dialect)))
    if changed or missing:
        for name in (stage.table.name for stage in stages if stage.table.name not in others):
            connection.exec_driver_sql(f"ANALYZE {name}")
