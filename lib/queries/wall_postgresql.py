"""The wall around a statement in PostgreSQL: a user that may read some columns and nothing else, and time limits.

What a statement may read is what its user was granted; so the user is looked at before each statement, and one that may
do more than it should is not used. docs/sql_page.md has the statements that make it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, text

from lib.database import DatabaseProblem, connect, database_url, open_engine
from lib.queries.guard import Guard, Stop, Withheld
from lib.schema import TABLES

CANCEL_SECONDS = 5
REMEDY = "docs/sql_page.md has the statements that make a user that only reads what it should."
SHORTEST = 1  # ms; 0 would be no limit

# Whatever people made: what belongs to the server or to an extension is left out.
_MADE = """
    SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                      AND d.deptype = 'e')
"""
# Why a user is not used, the first that holds. A member of a role can become that role.
_TOO_MIGHTY = """
WITH me AS (SELECT * FROM pg_roles WHERE rolname = session_user), made AS (MADE)
SELECT reason FROM (VALUES
    (1, 'it is a superuser', (SELECT rolsuper FROM me)),
    (2, 'it acts as another user', session_user <> current_user),
    (3, 'it may make roles or databases, copy the server, or pass row security',
        (SELECT rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM me)),
    (4, 'it is a member of another role', EXISTS (SELECT FROM pg_auth_members m JOIN me ON m.member = me.oid)),
    (5, 'tables, schemas, functions or the database belong to it',
        EXISTS (SELECT FROM pg_class JOIN me ON relowner = me.oid)
        OR EXISTS (SELECT FROM pg_namespace JOIN me ON nspowner = me.oid)
        OR EXISTS (SELECT FROM pg_proc JOIN me ON proowner = me.oid)
        OR EXISTS (SELECT FROM pg_database JOIN me ON datdba = me.oid)),
    (6, 'it may write to tables', EXISTS (
        SELECT FROM made WHERE has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
            OR has_any_column_privilege(oid, 'INSERT, UPDATE'))),
    (7, 'it may make tables', has_database_privilege(current_database(), 'CREATE')
        OR EXISTS (SELECT FROM pg_namespace WHERE nspname !~ '^pg_' AND has_schema_privilege(oid, 'CREATE'))),
    (8, 'it may read other tables or views than the seven', EXISTS (
        SELECT FROM made WHERE relname NOT IN :tables AND has_any_column_privilege(oid, 'SELECT'))),
    (9, 'it may call functions that act with the rights of others, or that reach other servers', EXISTS (
        SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND (p.prosecdef OR p.proname LIKE 'dblink%')
            AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')))
) AS reasons (place, reason, holds) WHERE holds ORDER BY place LIMIT 1
""".replace("MADE", _MADE)
_READABLE = """
SELECT made.relname, a.attname FROM (MADE) made JOIN pg_attribute a ON a.attrelid = made.oid
WHERE a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(made.oid, a.attnum, 'SELECT')
""".replace("MADE", _MADE)


@contextmanager
def own_user(address: str, withheld: Withheld) -> Iterator[Connection]:
    """A connection as the user at ``address``; raises DatabaseProblem, also where that user may do too much."""
    try:
        url = database_url(address)
        if url.get_backend_name() != "postgresql":
            raise DatabaseProblem(
                "The address for statements is none of a PostgreSQL database.", "Check FLUENCY_DATABASE_URL."
            )
        engine = open_engine(url)
    except DatabaseProblem as problem:
        raise _of_this_address(problem) from None
    try:
        with connect(engine) as connection:
            _check_user(connection, withheld)
            yield connection
    except DatabaseProblem as problem:
        raise _of_this_address(problem) from problem
    finally:
        engine.dispose()  # nothing that a statement did to its session meets the next one


def _of_this_address(problem: DatabaseProblem) -> DatabaseProblem:
    remedy = problem.remedy.replace("FLUENCY_DATABASE_URL", "FLUENCY_SQL_DATABASE_URL")
    return DatabaseProblem(problem.what, remedy, passes=problem.passes)


def _check_user(connection: Connection, withheld: Withheld) -> None:
    tables = [table.name for table in TABLES]
    reason = connection.execute(
        text(_TOO_MIGHTY).bindparams(bindparam("tables", tables, expanding=True))
    ).scalar_one_or_none()
    if reason:
        raise DatabaseProblem(f"The PostgreSQL user for statements is not used: {reason}.", REMEDY)
    seen = {f"{table}.{column}" for table, column in readable(connection) & withheld}
    if seen:
        what = f"The PostgreSQL user for statements is not used: it may read {', '.join(sorted(seen))}"
        raise DatabaseProblem(f"{what}, which is withheld from you.", REMEDY)


def readable(connection: Connection) -> frozenset[tuple[str, str]]:
    """The columns that the connection's user may read, as pairs of table and column."""
    return frozenset((table, column) for table, column in connection.execute(text(_READABLE)))


@dataclass
class _Clock(Guard):
    """Gives each batch of rows the time that is left: a statement may set the server's limit to another value."""

    connection: Any = None

    def look(self) -> None:
        super().look()
        left = max(SHORTEST, round((self.end - time.monotonic()) * 1000))
        self.connection.exec_driver_sql(f"SET LOCAL statement_timeout = {left}")


@contextmanager
def guarded(connection: Connection, seconds: float, _withheld: Withheld, stop: Stop) -> Iterator[Guard]:
    """See `lib.queries.wall.guarded`; what is withheld is so by the rights of the connection's user."""
    raw: Any = connection.connection.driver_connection
    guard = _Clock(stop, time.monotonic() + seconds, connection=connection)
    point = connection.begin_nested()  # what is set inside, and what breaks, ends with it

    def cancel() -> None:
        with suppress(connection.dialect.loaded_dbapi.Error):  # then it ends with its time
            raw.cancel_safe(timeout=CANCEL_SECONDS)

    try:
        with stop.heard_by(cancel):
            yield guard
    finally:
        point.rollback()
