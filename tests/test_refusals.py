"""What a real server refuses, and in which words; no password in any of them, nor in the traceback for the log."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL, Engine, make_url, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from lib.database import DatabaseProblem, connect, database_url, open_engine
from lib.refusals import problem_of
from tests.factory import make_database
from tests.postgres import Server
from tests.users import public_folder, somebody_else

__all__ = ["public_folder"]

USERS = "SELECT count(*) FROM users"


@pytest.fixture(scope="module")
def address(postgres_server: Server) -> URL:
    """A database of one user on a real server."""
    return make_url(make_database(postgres_server.create_database("refusals"), users=[{"user_id": "ann"}]))


def problem_with(
    address: URL | str, statement: str = USERS, *, engine: Engine | None = None, **options: Any
) -> DatabaseProblem:
    """What is said when ``statement`` is asked there."""
    url = database_url(address if isinstance(address, str) else address.render_as_string(hide_password=False))
    engine = engine or open_engine(url, **options)
    with pytest.raises(DatabaseProblem) as caught, connect(engine) as connection:
        connection.execute(text(statement)).all()
    engine.dispose()
    problem = caught.value
    log = "".join(traceback.format_exception(problem)) + problem.what + problem.remedy
    assert str(url.password) not in log
    assert problem.what.endswith(".")
    assert problem.remedy.endswith(".")
    return problem


# Who is let in


def test_a_wrong_password_is_a_sentence(address: URL) -> None:
    problem = problem_with(address.set(password="Xy7secret"))
    assert problem.what == "The database refuses the user or the password."
    assert not problem.passes, "asking again and again would lock the account"


def test_an_unknown_user_is_the_same_sentence(address: URL) -> None:
    assert problem_with(address.set(username="nobody")).what == "The database refuses the user or the password."


def test_an_unknown_database_is_named(address: URL) -> None:
    assert problem_with(address.set(database="fluenzy")).what == "The server has no database fluenzy."


@pytest.mark.parametrize("host", ["no-such-server.invalid", "a" * 70, "a..b"])
def test_an_unknown_server_is_a_sentence(address: URL, host: str) -> None:
    assert problem_with(address.set(host=host)).what == "The name of the database server cannot be found."


@pytest.mark.parametrize("option", ["sslmode=bogus", "colour=red", "connect_timeout=soon"])
def test_an_option_that_the_driver_does_not_know_is_a_sentence(address: URL, option: str) -> None:
    problem = problem_with(address.update_query_string(option))
    assert problem.what == "The address of the database has an option that PostgreSQL does not know."


def test_a_user_who_may_not_read_one_table_is_told_which(address: URL, postgres_server: Server) -> None:
    reader = new_reader(postgres_server, address)
    postgres_server.execute("REVOKE SELECT ON users FROM reader", "refusals")
    assert problem_with(reader).what == "The database user may not read users."
    assert connected(reader, "SELECT count(*) FROM coaching_sessions") == 0


def test_a_user_who_may_not_look_into_the_schema_is_told_what_to_grant(address: URL, postgres_server: Server) -> None:
    reader = new_reader(postgres_server, address)
    postgres_server.execute("REVOKE USAGE ON SCHEMA public FROM reader", "refusals")
    problem = problem_with(reader)
    assert problem.what == "The database has no table users."
    assert "USAGE" in problem.remedy


def test_a_user_who_may_not_connect_is_told_so(address: URL, postgres_server: Server) -> None:
    reader = new_reader(postgres_server, address)
    postgres_server.execute("REVOKE CONNECT ON DATABASE refusals FROM public")
    problem = problem_with(reader)
    postgres_server.execute("GRANT CONNECT ON DATABASE refusals TO public")
    assert problem.what == "The database user may not connect to the database refusals."


def test_no_free_connection_is_a_sentence(address: URL, postgres_server: Server) -> None:
    reader = new_reader(postgres_server, address)
    postgres_server.execute("ALTER ROLE reader CONNECTION LIMIT 1")
    with psycopg.connect(reader.render_as_string(hide_password=False)):
        problem = problem_with(reader)
    assert problem.what == "The database server has no free connection."
    assert problem.passes


def new_reader(server: Server, address: URL) -> URL:
    """A user who may read, with the grants of the documentation."""
    server.execute("DROP OWNED BY reader" if _is_there(server) else "CREATE ROLE reader", "refusals")
    server.execute("ALTER ROLE reader LOGIN PASSWORD 'Xy7secret' CONNECTION LIMIT -1")
    server.execute("GRANT USAGE ON SCHEMA public TO reader", "refusals")
    server.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", "refusals")
    return address.set(username="reader", password="Xy7secret")


def _is_there(server: Server) -> bool:
    return bool(server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'reader'"))


def connected(address: URL, statement: str, **options: Any) -> Any:
    engine = open_engine(database_url(address.render_as_string(hide_password=False)), **options)
    with connect(engine) as connection:
        found = connection.execute(text(statement)).scalar()
    engine.dispose()
    return found


def test_a_column_that_may_not_be_read_opens_no_other_one(address: URL, postgres_server: Server) -> None:
    reader = new_reader(postgres_server, address)
    postgres_server.execute("REVOKE SELECT ON users FROM reader", "refusals")
    postgres_server.execute("GRANT SELECT (user_id) ON users TO reader", "refusals")
    problem = problem_with(reader, "SELECT email FROM users")
    assert problem.what == "The database user may not read users."
    assert problem.remedy == "docs/connecting.md has the GRANT statements; of users, six columns are enough."


def test_a_command_has_no_log_so_it_repeats_what_the_database_said(address: URL) -> None:
    problem = problem_with(address, "SELECT 1 / 0")
    assert problem.in_command("--to") == ("The database could not answer.", "It said: division by zero.")


# Files


def test_a_file_that_may_only_be_read_is_told_from_a_folder_that_may(public_folder: Path) -> None:
    plain, waiting = public_folder / "plain.db", public_folder / "wal.db"
    for path, mode in ((plain, "delete"), (waiting, "wal")):
        make_database(path, users=[{"user_id": "ann"}])
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA journal_mode = {mode}")
        path.chmod(0o444)
    public_folder.chmod(0o555)
    with somebody_else():
        assert problem_with(str(waiting)).what == "The folder of the database file may not be written to."
        problem = problem_with(str(plain), "INSERT INTO users (user_id) VALUES ('b') RETURNING 1", writable=True)
    assert problem.what == "The database may only be read."


STOPPED_WHILE_WRITING = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA journal_mode = " + sys.argv[2])
connection.execute("PRAGMA cache_size = 1")  # pages reach the file before the end of the transaction
connection.execute("CREATE TABLE filled AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 400)"
                   " SELECT i, hex(zeroblob(1000)) AS text FROM n")
connection.commit()
connection.execute("UPDATE filled SET text = 'b'")
os.kill(os.getpid(), signal.SIGKILL)
"""


def stopped_while_writing(path: Path, mode: str) -> Path:
    make_database(path, users=[{"user_id": "ann"}])
    subprocess.run([sys.executable, "-c", STOPPED_WHILE_WRITING, str(path), mode], check=False)
    return path


def test_a_program_killed_while_it_wrote_is_told_and_how_the_file_is_mended(tmp_path: Path) -> None:
    path = stopped_while_writing(tmp_path / "hot.db", "delete")
    assert path.with_name("hot.db-journal").stat().st_size
    problem = problem_with(str(path))
    assert problem.what == "A program was stopped in the middle of writing to the database file."
    assert "Open the file once with a program that may write" in problem.remedy
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(USERS)
    assert connected(make_url(f"sqlite:///{path}"), USERS) == 1


def test_files_of_wal_mode_that_cannot_be_made_are_told_from_a_file_that_cannot_be_read(public_folder: Path) -> None:
    path = stopped_while_writing(public_folder / "wal.db", "wal")
    path.with_name("wal.db-shm").unlink()  # as in a copy of the file and its -wal
    hidden = stopped_while_writing(public_folder / "hidden.db", "wal")
    hidden.chmod(0o600)
    public_folder.chmod(0o555)
    with somebody_else():
        with pytest.raises(DatabaseProblem, match="is in WAL mode, and the files beside it") as of_wal:
            open_engine(database_url(str(path)))
        with pytest.raises(DatabaseProblem, match="cannot be opened") as of_rights:
            open_engine(database_url(str(hidden)))
    assert "VACUUM INTO" in of_wal.value.remedy
    assert of_rights.value.remedy == "Let the app's user read it."


def test_a_result_code_of_sqlite_that_has_no_sentence_is_named() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_READ"
    assert problem_of(DBAPIError("SELECT 1", None, error)).what == "The database could not answer: SQLITE_IOERR_READ."


# Encrypted or not


@pytest.fixture
def only_encrypted(postgres_server: Server, tmp_path: Path) -> Iterator[Server]:
    """The server with a certificate that nobody knows, for encrypted connections only."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=elsewhere"]
    subprocess.run([*command, "-keyout", "server.key", "-out", "server.crt"], check=True, cwd=tmp_path, stderr=-3)
    owner = postgres_server.data.stat()
    for name in ("server.key", "server.crt"):
        placed = postgres_server.data / name
        shutil.copy(tmp_path / name, placed)
        placed.chmod(0o600)
        os.chown(placed, owner.st_uid, owner.st_gid)
    rules = postgres_server.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("hostssl all all all scram-sha-256\n")
    postgres_server.execute("ALTER SYSTEM SET ssl = on")
    postgres_server.execute("SELECT pg_reload_conf()")
    _wait_until(postgres_server, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", True)
    yield postgres_server
    rules.write_text(before)
    postgres_server.execute("ALTER SYSTEM RESET ssl")
    postgres_server.execute("SELECT pg_reload_conf()")
    _wait_until(postgres_server, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", False)


def _wait_until(server: Server, question: str, answer: object) -> None:
    while server.execute(question) != [(answer,)]:
        pass


def test_a_server_that_wants_encryption_says_so_and_what_to_write(address: URL, only_encrypted: Server) -> None:
    problem = problem_with(address.update_query_string("sslmode=disable"))
    assert problem.what == "The database server wants an encrypted connection."
    assert "?sslmode=require" in problem.remedy
    assert connected(address.update_query_string("sslmode=require"), USERS) == 1


def test_a_certificate_that_does_not_fit_is_a_sentence(address: URL, only_encrypted: Server) -> None:
    certificate = only_encrypted.data / "server.crt"
    trusting = f"sslmode=verify-full&sslrootcert={certificate}"
    for options in ("sslmode=verify-full", "sslmode=verify-ca&sslrootcert=/dev/null", trusting):
        problem = problem_with(address.update_query_string(options))
        assert problem.what == "The certificate of the database server cannot be trusted."
    assert connected(address.update_query_string(f"sslmode=verify-ca&sslrootcert={certificate}"), USERS) == 1


def test_a_server_that_has_no_encryption_says_so(address: URL) -> None:
    problem = problem_with(address.update_query_string("sslmode=require"))
    assert problem.what == "The database server does not offer encrypted connections."


def test_a_machine_that_is_not_let_in_is_told_so(address: URL, postgres_server: Server) -> None:
    rules = postgres_server.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"host all refusals_owner all reject\n{before}")
    postgres_server.execute("SELECT pg_reload_conf()")
    try:
        assert "pg_hba.conf" in problem_with(address).remedy
    finally:
        rules.write_text(before)
        postgres_server.execute("SELECT pg_reload_conf()")


# Time


def test_a_question_that_takes_too_long_is_stopped_by_the_server(address: URL) -> None:
    problem = problem_with(address, "SELECT pg_sleep(20)", query_seconds=0.05)
    assert problem.what == "The database needed too long for an answer and was stopped."
    assert "FLUENCY_QUERY_SECONDS" in problem.remedy
    assert not problem.passes, "the same question would take as long again"


def test_without_a_limit_a_question_takes_as_long_as_it_needs(address: URL) -> None:
    assert connected(address, "SHOW statement_timeout") == "0"


def test_a_table_that_somebody_rebuilds_is_said_to_be_busy(address: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.database.WAIT_SECONDS", 0.05)
    with psycopg.connect(address.render_as_string(hide_password=False)) as other:
        other.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        problem = problem_with(address)
    assert problem.what.startswith("The database is busy")
    assert problem.passes


def test_too_many_who_ask_at_once_wait_only_so_long(address: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.database.POOL_SIZE", 1)
    monkeypatch.setattr("lib.database.POOL_SECONDS", 0.05)
    engine = open_engine(database_url(address.render_as_string(hide_password=False)))
    with connect(engine), connect(engine):
        assert problem_with(address, engine=engine).what == "Too many people ask the database at once."


# The server's own means


def test_what_the_server_holds_the_app_to(address: URL) -> None:
    shown = {
        "default_transaction_read_only": "on",
        "transaction_read_only": "on",
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "5min",
        "application_name": "fluency lab",
        "TimeZone": "UTC",
    }
    assert {name: connected(address, f"SHOW {name}", query_seconds=30) for name in shown} == shown


def test_what_the_address_says_about_the_connection_is_kept(address: URL) -> None:
    own = address.update_query_dict({"options": "-c search_path=other", "application_name": "mine"})
    assert connected(own, "SHOW search_path") == "other"
    assert connected(own, "SHOW application_name") == "mine"
    assert connected(own, "SHOW default_transaction_read_only") == "on"


def test_an_address_cannot_switch_reading_only_off(address: URL) -> None:
    own = address.update_query_dict({"options": "-c default_transaction_read_only=off"})
    assert connected(own, "SHOW transaction_read_only") == "on"


# Away and back


def test_a_connection_that_was_cut_is_a_sentence_and_the_next_one_works(address: URL, postgres_server: Server) -> None:
    engine = open_engine(database_url(address.render_as_string(hide_password=False)))
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'refusals'"
    with pytest.raises(DatabaseProblem) as caught:
        ask_with_a_break(engine, lambda: postgres_server.execute(cut))
    assert caught.value.passes
    with connect(engine) as connection:
        assert connection.execute(text(USERS)).scalar() == 1
        connection.rollback()
        postgres_server.execute(cut)
    with connect(engine) as connection:
        assert connection.execute(text(USERS)).scalar() == 1
    engine.dispose()


def ask_with_a_break(engine: Engine, happens: Callable[[], object]) -> None:
    with connect(engine) as connection:
        connection.execute(text(USERS))
        happens()
        connection.execute(text(USERS))


def test_a_server_that_is_stopped_is_a_sentence_and_works_again_when_it_is_back(
    address: URL, postgres_server: Server
) -> None:
    engine = open_engine(database_url(address.render_as_string(hide_password=False)))
    with connect(engine) as connection:
        connection.execute(text(USERS))
    postgres_server.stop()
    try:
        with pytest.raises(DatabaseProblem, match="The database server does not answer") as caught, connect(engine):
            pass
        assert caught.value.passes
    finally:
        postgres_server.start()
    with connect(engine) as connection:
        assert connection.execute(text(USERS)).scalar() == 1
    engine.dispose()


# Words that are hard to provoke


@pytest.mark.parametrize(
    ("message", "what", "passes"),
    [
        ("FATAL:  the database system is starting up", "starting or shutting down", True),
        ("FATAL:  the database system is shutting down", "starting or shutting down", True),
        ("FATAL:  the database system is in recovery mode", "starting or shutting down", True),
        ("FATAL:  the database system is not yet accepting connections", "starting or shutting down", True),
        ("FATAL:  sorry, too many clients already", "no free connection", True),
        ("FATAL:  remaining connection slots are reserved for roles with SUPERUSER", "no free connection", True),
        ("FATAL:  unsupported startup parameter in options: statement_timeout", "connection pooler", False),
        ("connection timeout expired", "does not answer", True),
        ("SSL SYSCALL error: EOF detected", "does not answer", True),
        ("SSL error: unexpected eof while reading", "does not answer", True),
        ("SSL connection has been closed unexpectedly", "does not answer", True),
        ("SSL error: certificate verify failed", "cannot be trusted", False),
        ('no pg_hba.conf entry for host "::1", user "a", database "b", SSL encryption', "from this machine", False),
    ],
)
def test_what_a_server_says_before_it_lets_anybody_in(message: str, what: str, passes: bool) -> None:
    problem = problem_of(DBAPIError("", {}, Exception(message)))
    assert what in problem.what
    assert problem.passes is passes


@pytest.mark.parametrize(
    ("code", "message", "what"),
    [
        ("42P01", "Relation »lead_scores« existiert nicht", "The database has no table lead_scores."),
        ("42703", "Spalte users.»role« existiert nicht", "A table of the database has no column role."),
        ("42501", "keine Berechtigung für Tabelle users", "The database user may not read users."),
        ("57014", "storniere Anfrage wegen Zeitüberschreitung", "The database needed too long for an answer"),
        ("57P01", "Abbruch der Verbindung auf Anweisung", "The database server is starting or shutting down."),
        ("25006", "kann UPDATE nicht in einer Read-Only-Transaktion ausführen", "The database may only be read."),
        ("40001", "storniere Anfrage wegen Konflikt", "The database server is a copy"),
        ("53200", "Speicher aufgebraucht", "The database server has run out of memory"),
        ("XX000", "etwas ganz anderes", "The database could not answer."),
    ],
)
def test_a_server_may_speak_any_language(code: str, message: str, what: str) -> None:
    original = psycopg.Error(message)
    original.sqlstate = code
    assert problem_of(ProgrammingError("", {}, original)).what.startswith(what)
