"""The wall around a statement in PostgreSQL: a user that may read some columns and nothing else, and time limits.

What a statement may read is what its user was granted; so the user is looked at before each statement, and one that may
do more than it should is not used. docs/sql_page.md has the statements that make it.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Thread
from typing import Any

from sqlalchemy import Column, Connection, Executable, MetaData, Table, Text, bindparam, cast, or_, select, text
from sqlalchemy.exc import SQLAlchemyError

from lib.database import DatabaseProblem, connect, database_url, open_engine
from lib.queries.guard import BATCH, NOTHING, Fetched, Limits, OutOfTime, Stop, Withheld, rows_within
from lib.refusals import problem_of
from lib.schema import TABLES
from lib.schema.present import present_tables

GRACE_SECONDS = 1  # for a server to stop what was cancelled
OF_ITS_OWN = "fluency_of_its_own"  # option of a connection: it is there for one statement alone
REMEDY = "docs/sql_page.md has the statements that make a user that only reads what it should."
KNOWN: Withheld = frozenset((table.name, column.name) for table in TABLES for column in table.columns)
ADDRESS_COLUMN = ("users", "email")
# Texts that somebody wrote, or that are made from such: an address may stand in each, and rights on columns cannot look
# into one. What is left is ids, times, numbers and words of the product's, such as roles.
MAY_HOLD_ADDRESSES: Withheld = frozenset(
    {
        ADDRESS_COLUMN,
        ("coaching_sessions", "session_topic"),
        *(("detected_errors", name) for name in ("error_category", "error_text")),
        *(("it_errors", name) for name in ("error_pattern", "correct_form")),
        *(("pricing_errors", name) for name in ("error", "category", "domain")),
        *(("conversion_triggers", name) for name in ("conditions_met", "confidence_scores")),
    }
)
SHORTEST = 1  # ms; 0 would be no limit

# Whatever people made: what belongs to the server or to an extension is left out.
_MADE = """
    SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'v', 'm', 'f', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                      AND d.deptype = 'e')
"""
# A function that is part of an extension which the server lets anybody install, or that merely counts statements.
_HARMLESS = """
    SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e' AND (
        e.extname = 'pg_stat_statements'
        OR EXISTS (SELECT FROM pg_available_extension_versions v WHERE v.name = e.extname AND v.trusted))
"""
# They write although the transaction only reads; PUBLIC may call them unless somebody says otherwise.
WRITING = (
    "pg_logical_emit_message",
    *("lo_creat", "lo_create", "lo_from_bytea", "lo_put", "lo_truncate", "lo_truncate64", "lo_unlink", "lowrite"),
)
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
        SELECT FROM made WHERE has_any_column_privilege(oid, 'SELECT')
            AND oid <> ALL (CAST(CAST(:sources AS text[]) AS regclass[])))),
    (9, 'it may call functions that act with the rights of others, or that reach other servers or files', EXISTS (
        SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
        WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
            AND has_schema_privilege(n.oid, 'USAGE') AND has_function_privilege(p.oid, 'EXECUTE')
            AND (p.prosecdef OR p.proname LIKE 'dblink%' OR NOT l.lanpltrusted AND NOT EXISTS (HARMLESS)))),
    (10, 'it may call functions that write into the log of changes or make large objects', EXISTS (
        SELECT FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace AND proname IN :writing
            AND has_function_privilege(oid, 'EXECUTE')))
) AS reasons (place, reason, holds) WHERE holds ORDER BY place LIMIT 1
""".replace("MADE", _MADE).replace("HARMLESS", _HARMLESS)
_READABLE = """
SELECT lower(made.relname), CASE WHEN EXISTS (
    SELECT FROM pg_attribute b WHERE b.attrelid = made.oid AND b.attname = lower(a.attname) AND NOT b.attisdropped
) THEN a.attname ELSE lower(a.attname) END
FROM (MADE) made JOIN pg_attribute a ON a.attrelid = made.oid
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
            yield connection.execution_options(**{OF_ITS_OWN: True})
    except DatabaseProblem as problem:
        raise _of_this_address(problem) from problem
    finally:
        engine.dispose()  # nothing that a statement did to its session meets the next one


def _of_this_address(problem: DatabaseProblem) -> DatabaseProblem:
    remedy = problem.remedy.replace("FLUENCY_DATABASE_URL", "FLUENCY_SQL_DATABASE_URL")
    return DatabaseProblem(problem.what, remedy, passes=problem.passes)


def _check_user(connection: Connection, withheld: Withheld) -> None:
    sources = [table.source for table in present_tables(connection).values()]
    statement = text(_TOO_MIGHTY).bindparams(bindparam("writing", WRITING, expanding=True), sources=sources)
    reason = connection.execute(statement).scalar_one_or_none()
    if reason:
        raise DatabaseProblem(f"The PostgreSQL user for statements is not used: {reason}.", REMEDY)
    seen = readable(connection) if withheld else NOTHING
    unsafe = MAY_HOLD_ADDRESSES if ADDRESS_COLUMN in withheld else NOTHING
    for columns, why in (
        (seen & withheld, "is withheld from you"),
        (seen & unsafe, "may hold e-mail addresses"),
        (seen - KNOWN, "the app does not know"),
        (_ids_with_addresses(connection, seen) if unsafe else NOTHING, "holds e-mail addresses"),
    ):
        if columns:
            told = ", ".join(sorted(f"{table}.{column}" for table, column in columns))
            what = f"The PostgreSQL user for statements is not used: it may read {told}, which {why}."
            raise DatabaseProblem(what, REMEDY)


def _ids_with_addresses(connection: Connection, seen: Withheld) -> Withheld:
    """The columns of user ids that may be read, where such an id is an address: users has each of them."""
    columns = frozenset((table, name) for table, name in seen if name == "user_id")
    for table in {"users"} & {table for table, _ in columns}:
        ids = Table(table, MetaData(), Column("user_id"))
        sign = or_(*(cast(ids.c.user_id, Text).contains(sign) for sign in ("@", "\uff20", "\ufe6b")))
        return (
            columns if connection.execute(select(select(ids.c.user_id).where(sign).exists())).scalar_one() else NOTHING
        )
    return columns


def withheld_columns(withheld: Withheld) -> Withheld:
    """What nobody may read here from whom ``withheld`` is: with addresses, every text that may hold one."""
    return withheld | (MAY_HOLD_ADDRESSES if ADDRESS_COLUMN in withheld else NOTHING)


def readable(connection: Connection) -> frozenset[tuple[str, str]]:
    """The columns that the connection's user may read, as pairs of table and column in small letters.

    Beside a column in small letters its namesake in capitals keeps them: it is another.
    """
    return frozenset((table, column) for table, column in connection.execute(text(_READABLE)))


def fetched(connection: Connection, statement: Executable, limits: Limits, stop: Stop) -> Fetched:
    """See `lib.queries.wall.fetched`; what is withheld is so by the rights of the connection's user."""
    end = time.monotonic() + limits.seconds
    with (
        _of_its_own(connection) as own,
        closing(own.begin_nested()),  # nothing that the statement sets outlives it
        _ending_in_time(own, limits.seconds, stop) as is_due,
    ):

        def look() -> None:
            """Give each batch of rows the time that is left: a statement may set the server's limit to another."""
            left = end - time.monotonic()
            if is_due.is_set() or stop.is_wished or left <= 0:
                raise OutOfTime
            own.exec_driver_sql(f"SET LOCAL statement_timeout = {max(SHORTEST, round(left * 1000))}")

        look()
        with closing(own.execute(statement.execution_options(yield_per=BATCH))) as result:
            return list(result.keys()), *rows_within(limits, result.fetchmany, look)


@contextmanager
def _of_its_own(connection: Connection) -> Iterator[Connection]:
    """A connection for one statement, which may be cut, that sees the same moment of the data as ``connection``."""
    if OF_ITS_OWN in connection.get_execution_options():
        yield connection
        return
    moment = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    try:
        own = connection.engine.execution_options(isolation_level="REPEATABLE READ").connect()
    except SQLAlchemyError as error:
        raise problem_of(error) from error
    with own:
        own.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{moment}'")
        yield own


@contextmanager
def _ending_in_time(connection: Connection, seconds: float, stop: Stop) -> Iterator[Event]:
    """Cancel what runs on the connection when its time is over or ``stop`` is wished, which sets the event.

    A server looks neither at the cancellation nor at its own limit while it makes one value into a text, or sends it:
    a second later the connection is cut. Raises OutOfTime then.
    """
    raw: Any = connection.connection.driver_connection
    is_due, is_over, is_cut = Event(), Event(), Event()

    def watch() -> None:
        is_due.wait(seconds)
        if is_over.is_set():
            return
        is_due.set()
        with suppress(connection.dialect.loaded_dbapi.Error):
            raw.cancel_safe(timeout=GRACE_SECONDS)
        if not is_over.wait(GRACE_SECONDS):
            is_cut.set()
            with suppress(OSError), socket.fromfd(raw.fileno(), socket.AF_INET, socket.SOCK_STREAM) as line:
                line.shutdown(socket.SHUT_RDWR)

    watching = Thread(target=watch, name="statement clock", daemon=True)
    watching.start()
    try:
        with stop.heard_by(is_due.set):
            yield is_due
    except SQLAlchemyError as error:
        if is_cut.is_set():
            raise OutOfTime("Its connection was cut, since the server did not stop by itself.") from error
        raise
    finally:
        is_over.set()
        is_due.set()
        watching.join()
