"""From a source to a target: read everything, check everything, then change what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import URL, Connection

from lib.database import database_url
from lib.schema import TABLES
from lib.schema.indexes import create_statement, missing_indexes
from lib.sync.changing import Changes, change
from lib.sync.databases import DatabaseSource
from lib.sync.left_out import LeftOut
from lib.sync.pages import numbers_of_any_size
from lib.sync.problems import speaking_of
from lib.sync.progress import announce, shown
from lib.sync.requests import Requests
from lib.sync.rest import RestSource
from lib.sync.source import Source
from lib.sync.staging import Stage
from lib.sync.target import check_different, check_not_overwritten, opened_target


@dataclass(frozen=True)
class Order:
    """What to copy, from where to where. Addresses may hold passwords; ``repr()`` shows none of them."""

    source: SecretStr  # https://, http://, an SQLAlchemy URL, or the path of a SQLite file
    target: SecretStr  # an SQLAlchemy URL, or the path of a SQLite file
    left_out: Path  # where rows that do not fit are written
    token: SecretStr
    timeout_seconds: float = 60
    patience_seconds: float = 120
    total_seconds: float = 3600
    allow_http: bool = False
    allow_empty: bool = False
    allow_emptied: frozenset[str] = frozenset()  # columns, as users.email
    dry_run: bool = False


@dataclass(frozen=True)
class Outcome:
    """What happened; with a dry run, what would have."""

    changes: Sequence[Changes]
    left_out: LeftOut
    dry_run: bool
    missing_indexes: Sequence[str]  # statements that make those that were not ours to make


def copy(order: Order) -> Outcome:
    """Bring the target to the state of the source; raises SyncProblem, and then the target is as it was."""
    with speaking_of("Target", "--to"):
        target = database_url(order.target.get_secret_value())
    source = _source(order, target)
    check_not_overwritten(order.left_out, target)
    with (
        numbers_of_any_size(),
        LeftOut(order.left_out) as left_out,
        opened_target(target, dry_run=order.dry_run) as connection,
    ):
        stages = _read(source, connection, left_out)
        announce("Comparing" if order.dry_run else "Writing")
        changes = change(
            connection,
            stages,
            allow_empty=order.allow_empty,
            allow_emptied=order.allow_emptied,
            dry_run=order.dry_run,
        )
        missing = [] if order.dry_run else missing_indexes(connection)
        statements = [create_statement(each, connection.dialect) for each in missing]
    return Outcome(changes, left_out, order.dry_run, statements)


def _source(order: Order, target: URL) -> Source:
    address = order.source.get_secret_value()
    if address.lower().startswith(("http://", "https://")):
        return RestSource(
            address,
            Requests(
                order.token,
                timeout_seconds=order.timeout_seconds,
                patience_seconds=order.patience_seconds,
                total_seconds=order.total_seconds,
                allow_http=order.allow_http,
            ),
        )
    with speaking_of("Source", "--from"):
        url = database_url(address)
    check_different(url, target)
    check_not_overwritten(order.left_out, url)
    return DatabaseSource(url)


def _read(source: Source, connection: Connection, left_out: LeftOut) -> list[Stage]:
    """Every row of the source in temporary tables, in the order of lib.schema."""
    stages: dict[str, Stage] = {}
    tables = {table.name: table for table in TABLES}
    for batch in shown(source):
        if batch.table not in stages:
            stages[batch.table] = Stage(connection, tables[batch.table], source.kind)
        stages[batch.table].add(batch.rows, left_out)
        connection.commit()  # a server need not keep a transaction open while the source is slow
    announce("Sorting")
    ordered = {name: stages[name] for name in tables if name in stages}
    for stage in ordered.values():
        stage.finish(ordered, left_out)
    connection.commit()
    return list(ordered.values())
