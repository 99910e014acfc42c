from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql, sqlite

from lib.database import connect, database_url, open_engine
from lib.schema import OPTIONAL_TABLES, TABLES, TIME_COLUMN
from lib.schema.__main__ import main
from lib.schema.indexes import INDEXES, create_indexes, create_statement, indexes_for, missing_indexes
from tests.factory import make_database, without_column, worked_case
from tests.postgres import Server


@contextmanager
def opened(path: Path, *, writable: bool = False) -> Iterator[Connection]:
    with connect(open_engine(database_url(str(path)), writable=writable)) as connection:
        yield connection


def indexes_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        return [name for (name,) in connection.execute(query)]


def execute(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


ALL = sorted(str(index.name) for index in INDEXES)


def test_the_tables_are_the_seven_of_production_and_four_may_be_missing():
    names = {table.name for table in TABLES}
    assert len(names) == len(TABLES) == 7
    assert names - OPTIONAL_TABLES == {"users", "coaching_sessions", "detected_errors"}
    assert all(TIME_COLUMN[table.name] in table.columns for table in TABLES)


def test_index_names_are_unique():
    assert len(set(ALL)) == len(ALL)


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: index.name)
def test_every_index_can_be_written_for_both_databases(index):
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        statement = create_statement(index, dialect)
        assert statement.startswith(f"CREATE INDEX IF NOT EXISTS {index.name} ON {index.table.name} (")
        assert "\n" not in statement


def test_no_index_for_postgresql_carries_text_of_learners():
    texts = {"error_text", "error_pattern", "correct_form", "error"}
    for index in INDEXES:
        if index.info["only"] != "sqlite":
            assert not texts & {column.name for column in index.columns}


def test_a_database_without_indexes_misses_them_all_and_one_with_them_none(tmp_path: Path):
    with opened(make_database(tmp_path / "bare.db", indexes=False)) as connection:
        assert sorted(index.name for index in missing_indexes(connection)) == ALL
    with opened(make_database(tmp_path / "full.db")) as connection:
        assert missing_indexes(connection) == []


def test_indexes_of_a_missing_table_are_not_asked_for(tmp_path: Path):
    with opened(make_database(tmp_path / "data.db", without=["lead_scores"])) as connection:
        assert "lead_scores" not in {index.table.name for index in indexes_for(connection)}
        assert len(indexes_for(connection)) == len(INDEXES) - 1


def test_an_index_under_another_name_serves_if_it_begins_with_the_same_columns(tmp_path: Path):
    path = make_database(tmp_path / "data.db", indexes=False)
    execute(
        path,
        "CREATE INDEX theirs ON lead_scores (user_id, calculated_at, overall_score)",
        "CREATE INDEX other ON pricing_errors (user_id, timestamp)",
    )
    with opened(path) as connection:
        missing = {index.name for index in missing_indexes(connection)}
    assert "ix_lead_scores_user_id_calculated_at" not in missing
    assert "ix_pricing_errors_timestamp_user_id" in missing


def test_creating_indexes_makes_no_second_one_for_the_same_purpose(tmp_path: Path):
    path = make_database(tmp_path / "data.db", indexes=False)
    execute(path, "CREATE INDEX theirs ON lead_scores (user_id, calculated_at)")
    with opened(path, writable=True) as connection:
        create_indexes(connection)
        assert missing_indexes(connection) == []
    assert indexes_in(path) == sorted({*ALL, "theirs"} - {"ix_lead_scores_user_id_calculated_at"})


PARTIAL = "CREATE INDEX {} ON lead_scores (user_id, calculated_at) WHERE lead_status = 'hot'"
WANTED = "ix_lead_scores_user_id_calculated_at"


@pytest.fixture
def server(postgres_server: Server) -> str:
    """The address of a database on PostgreSQL with all tables and indexes."""
    return make_database(postgres_server.create_database("indexes"))


def run_on(address: str, *statements: str) -> None:
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def names_missing(address: str) -> list[str]:
    engine = open_engine(database_url(address))
    with connect(engine) as connection:
        found = [index.name for index in missing_indexes(connection)]
    engine.dispose()
    return found


def test_an_index_of_some_rows_alone_serves_nobody(tmp_path: Path, server: str):
    path = make_database(tmp_path / "data.db")
    execute(path, f"DROP INDEX {WANTED}", PARTIAL.format("theirs"))
    run_on(server, f"DROP INDEX {WANTED}", PARTIAL.format("theirs"))
    assert names_missing(str(path)) == names_missing(server) == [WANTED]


def test_an_index_that_knows_no_order_serves_nobody(server: str):
    brin = "CREATE INDEX theirs ON lead_scores USING brin (user_id, calculated_at)"
    run_on(server, f"DROP INDEX {WANTED}", brin)
    assert names_missing(server) == [WANTED]


def test_an_index_in_the_way_is_dropped_before_its_successor_is_made(tmp_path: Path, server: str):
    path = make_database(tmp_path / "data.db")
    execute(path, f"DROP INDEX {WANTED}", PARTIAL.format(WANTED))
    run_on(server, f"DROP INDEX {WANTED}", PARTIAL.format(WANTED))
    for address in (str(path), server):
        with connect(open_engine(database_url(address))) as connection:
            (missing,) = missing_indexes(connection)
            statement = create_statement(missing, connection.dialect)
        assert statement.startswith(f"DROP INDEX {WANTED};\nCREATE INDEX IF NOT EXISTS {WANTED} ON lead_scores (")
        assert main(["create-indexes", address, "--apply"]) == 0
        assert names_missing(address) == []


def test_tables_in_capitals_and_in_other_schemas_get_their_indexes(server: str):
    run_on(
        server,
        'ALTER TABLE lead_scores RENAME TO "LeadScores"',
        'ALTER TABLE "LeadScores" RENAME TO "Lead_Scores"',
        'ALTER TABLE "Lead_Scores" RENAME COLUMN calculated_at TO "Calculated_At"',
        "CREATE SCHEMA elsewhere",
        "ALTER TABLE pricing_errors SET SCHEMA elsewhere",
        "ALTER TABLE it_errors RENAME TO kept",
        "CREATE VIEW it_errors AS SELECT * FROM kept",
        "ALTER DATABASE indexes SET search_path = public, elsewhere",
    )
    assert names_missing(server) == []
    run_on(server, f"DROP INDEX {WANTED}, elsewhere.ix_pricing_errors_timestamp_user_id")
    assert names_missing(server) == ["ix_pricing_errors_timestamp_user_id", WANTED]
    assert main(["create-indexes", server, "--apply"]) == 0
    assert names_missing(server) == []


def test_an_index_that_was_never_finished_is_missing_and_made_anew(server: str, capsys: pytest.CaptureFixture[str]):
    concurrently = f"CREATE UNIQUE INDEX CONCURRENTLY {WANTED} ON lead_scores (user_id, calculated_at)"
    run_on(server, f"DROP INDEX {WANTED}", *["INSERT INTO lead_scores VALUES (gen_random_uuid(), 'ann')"] * 2)
    run_on(server, "UPDATE lead_scores SET calculated_at = 'epoch'")
    with pytest.raises(psycopg.errors.UniqueViolation):
        run_on(server, concurrently)
    assert names_missing(server) == [WANTED]
    assert main(["create-indexes", server]) == 0
    assert f"DROP INDEX {WANTED};\nCREATE INDEX IF NOT EXISTS {WANTED} ON" in capsys.readouterr().out
    assert main(["create-indexes", server, "--apply"]) == 0
    assert names_missing(server) == []


USAGE = "GRANT USAGE ON SCHEMA public TO guest"


def another_user(server: Server, address: str, grants: str) -> str:
    """The address for a user who owns nothing there."""
    for statement in ("DROP OWNED BY guest", "DROP ROLE guest") if _is_there(server) else ():
        server.execute(statement, "indexes")
    server.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    if grants:
        server.execute(grants, "indexes")
    return re.sub("//.*@", "//guest:guest@", address)


def _is_there(server: Server) -> bool:
    return bool(server.execute("SELECT 1 FROM pg_roles WHERE rolname = 'guest'"))


@pytest.mark.parametrize("missing", [[], [WANTED]])
@pytest.mark.parametrize(
    "grants",
    [
        USAGE,
        f"{USAGE}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO guest",
        f"{USAGE}; ALTER ROLE guest SET default_transaction_read_only = on",
    ],
)
def test_who_does_not_own_the_tables_is_told_so_and_who_does(
    grants: str, missing: list[str], server: str, postgres_server: Server, capsys: pytest.CaptureFixture[str]
):
    run_on(server, *(f"DROP INDEX {name}" for name in missing))
    assert main(["create-indexes", another_user(postgres_server, server, grants), "--apply"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Only the owner of ")
    assert "users" in said.err
    assert "which is indexes_owner. Connect as the owner" in said.err
    assert names_missing(server) == missing


def test_who_sees_no_table_is_told_what_to_grant(
    server: str, postgres_server: Server, capsys: pytest.CaptureFixture[str]
):
    postgres_server.execute("REVOKE USAGE ON SCHEMA public FROM public", "indexes")
    for option in ([], ["--apply"]):
        assert main(["create-indexes", another_user(postgres_server, server, ""), *option]) == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("The database has none of the seven tables. ")
        assert "USAGE" in said.err


def test_an_owner_who_may_only_read_is_told_so(
    server: str, postgres_server: Server, capsys: pytest.CaptureFixture[str]
):
    postgres_server.execute("ALTER ROLE indexes_owner SET default_transaction_read_only = on")
    run_on(server, "SET default_transaction_read_only = off", f"DROP INDEX {WANTED}")
    assert main(["create-indexes", server, "--apply"]) == 1
    assert capsys.readouterr().err.startswith("The database may only be read. Name a user who may write")


def test_statistics_are_of_our_tables_alone_so_that_no_warning_comes(server: str, capsys: pytest.CaptureFixture[str]):
    assert main(["create-indexes", server]) == 0
    assert capsys.readouterr().out == (
        "ANALYZE users, coaching_sessions, detected_errors, it_errors, pricing_errors, lead_scores, "
        "conversion_triggers;\n"
    )


def test_the_command_prints_the_statements_and_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = make_database(tmp_path / "data.db", indexes=False)
    before = path.read_bytes()
    assert main(["create-indexes", str(path)]) == 0
    printed = capsys.readouterr().out
    assert path.read_bytes() == before
    assert printed.count("CREATE INDEX IF NOT EXISTS") == len(INDEXES)
    assert printed.strip().endswith("ANALYZE;")


def test_what_the_command_prints_can_be_run_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = make_database(tmp_path / "data.db", indexes=False)
    main(["create-indexes", str(path)])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(capsys.readouterr().out)
    assert indexes_in(path) == ALL


def test_apply_creates_the_indexes_with_statistics_and_a_second_run_changes_nothing(tmp_path: Path):
    path = worked_case(tmp_path / "data.db")
    execute(path, *(f"DROP INDEX {name}" for name in ALL))
    assert main(["create-indexes", str(path), "--apply"]) == 0
    assert indexes_in(path) == ALL
    with closing(sqlite3.connect(path)) as connection:
        statistics = sorted(connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1"))
    assert {name for _, name, _ in statistics} >= set(ALL)
    assert main(["create-indexes", str(path), "--apply"]) == 0
    assert indexes_in(path) == ALL
    with closing(sqlite3.connect(path)) as connection:
        assert sorted(connection.execute("SELECT tbl, idx, stat FROM sqlite_stat1")) == statistics


def test_a_problem_is_a_sentence_and_not_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["create-indexes", str(tmp_path / "gone.db"), "--apply"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("There is no file gone.db in ")


def test_a_missing_column_is_named_when_an_index_needs_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = without_column(tmp_path / "data.db", "coaching_sessions", "error_count")
    assert main(["create-indexes", str(path), "--apply"]) == 1
    assert "no column error_count" in capsys.readouterr().err
