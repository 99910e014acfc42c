"""The seven tables spread over a Citus cluster by ``user_id``: which statements do it, and what stands in the way.

A key of a distributed table must contain the distribution column, so (session_id) becomes (user_id, session_id), and
what cannot contain it is no longer unique. A user's rows lie together; users come first, foreign keys lead there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, inspect, literal_column, select, table, text

from lib.schema import metadata, users
from lib.schema.indexes import create_statement, missing_indexes
from lib.schema.keys import (
    NAMES,
    ForeignKey,
    UniqueKey,
    distributed_by,
    foreign_keys,
    triggers,
    unique_keys,
    user_columns,
)

# What Citus refuses in a foreign key that holds the distribution column: it would change where a row lies.
REFUSED = re.compile(r"ON DELETE SET (?:NULL|DEFAULT)|ON UPDATE (?:CASCADE|SET (?:NULL|DEFAULT))")


@dataclass(frozen=True)
class Plan:
    """``statements`` in their order, for one transaction, and ``afterwards``; or, where something is in the way,
    ``obstacles`` (sentences, each perhaps with statements that remove it). None: the tables are distributed already.
    """

    statements: tuple[str, ...] = ()
    afterwards: tuple[str, ...] = ()
    obstacles: tuple[str, ...] = ()

    @property
    def script(self) -> list[str]:
        """The statements for somebody who runs them by hand."""
        return ["BEGIN", *self.statements, "COMMIT", *self.afterwards] if self.statements else []


def make_plan(connection: Connection) -> Plan:
    """What distributes the seven tables of this database. Only reads; counts the rows that would not fit."""
    if obstacles := tuple(_no_cluster(connection)):
        return Plan(obstacles=obstacles)
    done = distributed_by(connection)
    to_do = [name for name in NAMES if name not in done]
    ours = [key for key in foreign_keys(connection) if key.table not in done]
    found = [
        *_distributed_otherwise(done),
        *_unfit_columns(connection),
        *_unfit_triggers(connection, to_do),
        *_unfit_keys(ours, unique_keys(connection)),
    ]
    obstacles = tuple(found or [*_rows_without_user(connection, to_do, ours), *_rows_of_others(connection, ours)])
    if obstacles or not to_do:
        return Plan(obstacles=obstacles)
    statements = "SET LOCAL statement_timeout = 0", *_statements(connection, to_do, ours)
    return Plan(statements, (f"ANALYZE {', '.join(to_do)}",))


def run_plan(connection: Connection, plan: Plan) -> None:
    """Run ``plan``: its statements in one transaction, so that after a failure everything is as before."""
    connection.rollback()  # ends the transaction in which the plan was made
    for statements in (plan.statements, plan.afterwards):
        with connection.begin():
            for statement in statements:
                connection.exec_driver_sql(statement)


def _no_cluster(connection: Connection) -> Iterator[str]:
    if connection.dialect.name != "postgresql":
        yield "Only PostgreSQL with the extension Citus spreads tables over machines; this database is another kind."
        return
    if not connection.execute(text("SELECT count(*) FROM pg_extension WHERE extname = 'citus'")).scalar_one():
        yield (
            "The database has no extension citus. Once the server loads it (shared_preload_libraries = 'citus'), "
            "a superuser creates it:\n    CREATE EXTENSION citus;"
        )
    present = set(inspect(connection).get_table_names())
    for name in NAMES:
        if name not in present:
            yield f"There is no table {name}. Create it first, if empty; Data health shows the statement."


def _distributed_otherwise(done: dict[str, str]) -> Iterator[str]:
    for name, column in done.items():
        if column != "user_id":
            yield (
                f"The table {name} is distributed by {column} already. Take it back first:\n"
                f"    SELECT undistribute_table('{name}');"
            )
    if done and users.name not in done:
        yield f"{', '.join(done)} cannot be distributed before users. Take them back first, by undistribute_table()."


def _unfit_columns(connection: Connection) -> Iterator[str]:
    types = {column.table: column.type for column in user_columns(connection)}
    for name in NAMES:
        if name not in types:
            yield f"The table {name} has no column user_id; Data health shows the statement that adds it."
        elif types[name] != types.get(users.name, types[name]):
            yield (
                f"{name}.user_id is of the type {types[name]}, users.user_id is {types[users.name]}; rows lie together "
                f"only where both are the same:\n"
                f"    ALTER TABLE {name} ALTER COLUMN user_id TYPE {types[users.name]};"
            )


def _unfit_triggers(connection: Connection, to_do: list[str]) -> Iterator[str]:
    for owner, name in triggers(connection):
        if owner in to_do:
            yield f"Citus allows no trigger on a distributed table:\n    DROP TRIGGER {name} ON {owner};"


def _unfit_keys(ours: Iterable[ForeignKey], unique: list[UniqueKey]) -> Iterator[str]:
    primary = {key.table: key.columns for key in unique if key.is_primary}
    for key in ours:
        drop = f"\n    ALTER TABLE {key.table} DROP CONSTRAINT {key.constraint};"
        if key.table not in NAMES or key.target not in NAMES:
            yield f"The foreign key from {key.table} to {key.target} leaves the seven tables. Citus refuses it:{drop}"
        elif refused := REFUSED.search(key.options):
            yield (
                f"The foreign key {key.constraint} of {key.table} says {refused.group()}, and nothing may change a "
                f"user_id by itself. Make it anew with another action, or without:{drop}"
            )
        elif not key.keeps_user and (key.target == users.name or key.target_columns != primary.get(key.target)):
            yield f"The foreign key {key.constraint} of {key.table} cannot take user_id in:{drop}"


def _rows_without_user(connection: Connection, to_do: list[str], ours: list[ForeignKey]) -> Iterator[str]:
    for name in to_do:
        query = select(func.count()).where(metadata.tables[name].c.user_id.is_(None))
        if count := connection.execute(query).scalar_one():
            statements = _placeholders(name, [key for key in ours if key.table == name])
            rows = "1 row has" if count == 1 else f"{count:,} rows have"
            yield "\n    ".join([f"{name}: {rows} no user_id, which a distributed table needs.", *statements])


def _placeholders(name: str, ours: list[ForeignKey]) -> Iterator[str]:
    for key in ours:
        if not key.keeps_user:
            yield f"-- they get the user of their row in {key.target}, and count for that user from then on:"
            yield _given_user(key, "t.user_id IS NULL")
    yield "-- an empty user_id stands for nobody, so no figure changes:"
    if any(key.target == users.name for key in ours):
        yield "INSERT INTO users (user_id) VALUES ('') ON CONFLICT DO NOTHING;  -- one user more, without a role"
    yield _update(name, "user_id = ''", "WHERE user_id IS NULL")


def _rows_of_others(connection: Connection, ours: list[ForeignKey]) -> Iterator[str]:
    for key in ours:
        if key.keeps_user:
            continue
        differs = literal_column("t.user_id") != literal_column("s.user_id")
        pairs = [literal_column(f"t.{a}") == literal_column(f"s.{b}") for a, b in _pairs(key)]
        joined = table(key.table).alias("t").join(table(key.target).alias("s"), and_(*pairs))
        if count := connection.execute(select(func.count()).select_from(joined).where(differs)).scalar_one():
            rows = "1 row names" if count == 1 else f"{count:,} rows name"
            yield (
                f"{key.table}: {rows} another user than their row in {key.target}. Find out whose they are, or give "
                f"them the user of {key.target}, for whom they count from then on:\n"
                f"    {_given_user(key, 't.user_id <> s.user_id')}"
            )


def _given_user(key: ForeignKey, where: str) -> str:
    same = " AND ".join(f"t.{a} = s.{b}" for a, b in _pairs(key))
    return _update(f"{key.table} AS t", "user_id = s.user_id", f"FROM {key.target} AS s WHERE {same} AND {where}")


def _update(name: str, change: str, where: str) -> str:
    return " ".join(["UPDATE", name, "SET", change, where]) + ";"


def _pairs(key: ForeignKey) -> list[tuple[str, str]]:
    return list(zip(key.columns, key.target_columns, strict=True))


def _statements(connection: Connection, to_do: list[str], ours: list[ForeignKey]) -> Iterator[str]:
    widened = [key for key in ours if not key.keeps_user]
    unique = [key for key in unique_keys(connection) if key.table in to_do and "user_id" not in key.columns]
    for key in widened:
        yield f"ALTER TABLE {key.table} DROP CONSTRAINT {key.constraint}"
    for column in user_columns(connection):
        if column.table in to_do and not column.is_required:
            yield f"ALTER TABLE {column.table} ALTER COLUMN user_id SET NOT NULL"
    for each in unique:
        yield from _with_user(each) if each.is_primary else _no_longer_unique(each)
    for key in widened:
        columns, target_columns = ", ".join(["user_id", *key.columns]), ", ".join(["user_id", *key.target_columns])
        yield (
            f"ALTER TABLE {key.table} ADD CONSTRAINT {key.constraint} FOREIGN KEY ({columns}) "
            f"REFERENCES {key.target} ({target_columns}){key.options}"
        )
    for index in missing_indexes(connection):
        yield from create_statement(index, connection.dialect).split(";\n")
    for name in to_do:
        together = "none" if name == users.name else users.name
        yield f"SELECT create_distributed_table('{name}', 'user_id', colocate_with => '{together}')"
    for name in to_do:  # the rows lie on the shards now; those left behind are seen by nobody
        yield f"SELECT truncate_local_data_after_distributing_table('{name}')"


def _with_user(key: UniqueKey) -> Iterator[str]:
    columns = ", ".join(["user_id", *key.columns])
    yield (
        f"ALTER TABLE {key.table} DROP CONSTRAINT {key.constraint}, "
        f"ADD CONSTRAINT {key.constraint} PRIMARY KEY ({columns})"
    )


def _no_longer_unique(key: UniqueKey) -> Iterator[str]:
    """Citus refuses a unique key without user_id; a plain index in its place keeps look-ups quick."""
    yield f"ALTER TABLE {key.table} DROP CONSTRAINT {key.constraint}" if key.constraint else f"DROP INDEX {key.index}"
    yield key.definition.replace("CREATE UNIQUE INDEX", "CREATE INDEX", 1)
