"""A table or a column that cannot be read is named with the reason, and the rest is read as before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url

from lib.database import DatabaseProblem, database_url, open_engine
from lib.queries.health import TableState, count_oddities, missing_parts, table_states
from lib.queries.mistakes import MistakeFilter, top_mistakes
from lib.queries.people import everybody
from lib.schema import TABLES
from lib.snapshots import snapshot
from tests.factory import worked_case
from tests.ports import free_port
from tests.postgres import Server
from tests.schema.answers import PERIOD, TOMORROW, answers, changed, same_answers

NAMES = [table.name for table in TABLES]
AWAY = "The database cannot reach the server away, where the rows of a foreign table are."


@pytest.fixture
def server_address(postgres_server: Server) -> str:
    return worked_case(postgres_server.create_database("unreadable"))


@contextmanager
def reading(address: str) -> Iterator[Connection]:
    """In one snapshot, as a page reads."""
    engine = open_engine(database_url(address))
    with snapshot(engine) as (connection, _):
        yield connection
    engine.dispose()


def states_of(address: str) -> dict[str, TableState]:
    with reading(address) as connection:
        return {state.name: state for state in table_states(connection, TOMORROW)}


def named(address: str) -> dict[tuple[str, str], int]:
    """What Data health names."""
    with reading(address) as connection:
        found = count_oddities(connection, table_states(connection, TOMORROW), TOMORROW)
    return {(check.table.name, check.found): number for check, number in found if number}


def make_foreign(server: Server, address: str) -> None:
    """Move the rows of the seven tables into another database; there are foreign tables in their place."""
    database, owner = make_url(address).database, make_url(address).username
    at = make_url(worked_case(server.create_database("far_away")))
    server.execute("CREATE EXTENSION postgres_fdw", str(database))
    server.execute(f"GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {owner}", str(database))
    changed(
        address,
        f"DROP TABLE {', '.join(NAMES)}",
        f"CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{at.host}', port '{at.port}', "
        f"dbname '{at.database}')",
        f"CREATE USER MAPPING FOR {owner} SERVER away OPTIONS (user '{at.username}', password '{at.password}')",
        f"IMPORT FOREIGN SCHEMA public LIMIT TO ({', '.join(NAMES)}) FROM SERVER away INTO public",
    )


def test_foreign_tables_are_read_as_others_and_one_whose_server_is_away_is_named(
    server_address: str, postgres_server: Server
):
    before, known = answers(server_address), named(server_address)
    make_foreign(postgres_server, server_address)
    same_answers(before, answers(server_address))
    assert named(server_address) == known
    with reading(server_address) as connection:
        assert not missing_parts(connection, table_states(connection, TOMORROW))["is_needed"].any()
    # Only the mistakes are here still; the server with all the others goes away.
    changed(
        server_address,
        "CREATE TABLE here AS SELECT * FROM detected_errors",
        "INSERT INTO here SELECT * FROM here LIMIT 1",
        "DROP FOREIGN TABLE detected_errors",
        "ALTER TABLE here RENAME TO detected_errors",
        f"ALTER SERVER away OPTIONS (SET port '{free_port()}')",
    )
    states = states_of(server_address)
    assert states.pop("detected_errors").rows == 147
    assert {state.problem for state in states.values()} == {AWAY}
    assert named(server_address) == {("detected_errors", "rows whose error_id came before"): 1}
    with reading(server_address) as connection:
        assert top_mistakes(connection, PERIOD, MistakeFilter(("detected",)), limit=3).total
        assert not missing_parts(connection, list(states.values()))["is_needed"].any(), "they are there"
    with pytest.raises(DatabaseProblem, match=AWAY), reading(server_address) as connection:
        list(everybody(connection))


def test_answers_from_foreign_tables_are_kept_for_seconds_alone(
    server_address: str, postgres_server: Server, monkeypatch: pytest.MonkeyPatch
):
    make_foreign(postgres_server, server_address)
    states = []
    for seconds in (100, 109, 110):
        monkeypatch.setattr("lib.snapshots.time.time", lambda seconds=seconds: seconds)
        with snapshot(open_engine(database_url(server_address))) as (_, state):
            states.append(state)
    assert states[0] == states[1] != states[2], "a change on the other server changes nothing here"


# A view of pricing_errors, one column of which fails: what the database says, up to what could be of the data.
FAILING = {
    "postgresql": ("CAST(error AS integer)", "The database says: invalid input syntax for type integer"),
    "sqlite": ("json_extract(error, '$')", "The database says: malformed JSON"),
}


@pytest.mark.parametrize("kind", FAILING)
@pytest.mark.parametrize("is_whole", [False, True], ids=["a column", "every row"])
def test_a_view_that_fails_is_named_with_the_reason_and_the_rest_goes_on(
    kind: str, is_whole: bool, tmp_path: Path, postgres_server: Server
):
    target = tmp_path / "view.db" if kind == "sqlite" else postgres_server.create_database("unreadable")
    address = str(worked_case(target))
    before, (failing, why) = named(address), FAILING[kind]
    changed(
        target,
        "ALTER TABLE pricing_errors RENAME TO kept",
        f"CREATE VIEW pricing_errors AS SELECT error_id, user_id, error, {failing} AS category, domain, session_id, "
        f"timestamp FROM kept" + (f" WHERE {failing} IS NOT NULL" if is_whole else ""),
    )
    state, found = states_of(address)["pricing_errors"], named(address)
    if is_whole:
        assert (state.rows, state.problem) == (None, f"{why}.")
        assert found == {key: number for key, number in before.items() if key[0] != "pricing_errors"}
    else:
        assert (state.rows, state.problem) == (2, "")
        assert found == before | {("pricing_errors", f"rows whose category cannot be read: {why}"): 2}
    with reading(address) as connection:
        assert top_mistakes(connection, PERIOD, MistakeFilter(("detected",)), limit=3).total


def test_a_view_of_a_table_that_is_gone_is_no_missing_table(tmp_path: Path):
    path = worked_case(tmp_path / "gone.db")
    changed(
        path,
        "ALTER TABLE lead_scores RENAME TO kept",
        "CREATE VIEW lead_scores AS SELECT * FROM kept",
        "DROP TABLE kept",
    )
    states = states_of(str(path))
    assert states["lead_scores"].problem == "The database has no table kept."
    with reading(str(path)) as connection:
        assert missing_parts(connection, list(states.values())).empty


def test_a_column_without_a_grant_is_named_with_the_statement_and_no_other_suffers(
    server_address: str, postgres_server: Server
):
    before = answers(server_address)
    changed(server_address, 'ALTER TABLE users RENAME TO "Users"')
    database = str(make_url(server_address).database)
    for statement in (
        "DROP ROLE IF EXISTS half",
        "CREATE ROLE half LOGIN PASSWORD 'x'",
        "GRANT USAGE ON SCHEMA public TO half",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO half",
        'REVOKE SELECT ON "Users" FROM half',
        'GRANT SELECT (user_id, role, english_level, created_at, last_active) ON "Users" TO half',
    ):
        postgres_server.execute(statement, database)
    address = make_url(server_address).set(username="half", password="x").render_as_string(hide_password=False)
    states = states_of(address)
    told = "users.email may not be read; the database user needs SELECT on it."
    assert states["users"].unreadable == (("email", told),)
    assert states["users"].rows == 9
    with reading(address) as connection:
        assert missing_parts(connection, list(states.values()))["statement"].tolist() == [
            'GRANT SELECT (email) ON "Users" TO half;'
        ]
        with pytest.raises(DatabaseProblem, match=told):
            list(everybody(connection))
    assert ("users", "rows whose email is not a text in UTF-8") not in named(address)
    postgres_server.execute("DROP OWNED BY half; DROP ROLE half", database)
    same_answers(before, answers(server_address))
