"""The statements for Citus run on a real PostgreSQL, where functions of Citus' names refuse what Citus refuses and
write down the rest; see citus_stub.sql.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lib.database import connect, database_url, open_engine
from lib.schema import TABLES
from lib.schema.__main__ import main
from lib.schema.indexes import missing_indexes
from tests.factory import empty_database, make_database, worked_case
from tests.postgres import Server
from tests.schema.answers import answers, oddities, same_answers

STUB = (Path(__file__).parent / "citus_stub.sql").read_text(encoding="utf-8")
NAMES = [table.name for table in TABLES]
KEYS = """
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
CREATE UNIQUE INDEX "One topic" ON coaching_sessions (session_id, lower(session_topic)) WHERE phase = 'closing';
ALTER TABLE coaching_sessions ADD CONSTRAINT sessions_user FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE detected_errors ADD CONSTRAINT "of session" FOREIGN KEY (session_id)
    REFERENCES coaching_sessions ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
"""


class Cluster:
    """A database with the stub of Citus, filled with the worked case."""

    def __init__(self, server: Server, name: str, fill: Callable[[str], object] = worked_case) -> None:
        self.server, self.name, self.url = server, name, server.create_database(name)
        fill(self.url)
        owner = f"{name}_owner"
        for statement in (
            STUB,
            f"GRANT ALL ON SCHEMA stub TO {owner}; GRANT ALL ON ALL TABLES IN SCHEMA stub TO {owner}",
            f"GRANT ALL ON ALL SEQUENCES IN SCHEMA stub TO {owner}",
            f"ALTER DATABASE {name} SET search_path = public, stub",
        ):
            server.execute(statement, name)

    def execute(self, statements: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(statements)
            return cursor.fetchall() if cursor.description else []

    @property
    def calls(self) -> list[str]:
        return [call for (call,) in self.execute("SELECT call FROM stub.calls ORDER BY place")]

    def state(self) -> list[tuple[Any, ...]]:
        """Every key, index and column as it stands."""
        return self.execute(
            "SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = 'public'::regnamespace "
            "UNION ALL SELECT tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public' "
            "UNION ALL SELECT table_name, column_name, is_nullable FROM information_schema.columns "
            "WHERE table_schema = 'public' ORDER BY 1, 2, 3"
        )

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        return {name: sorted(self.execute(f"SELECT * FROM {name}"), key=str) for name in NAMES}


@pytest.fixture
def cluster(postgres_server: Server) -> Cluster:
    return Cluster(postgres_server, "cluster")


def refusal(capsys: pytest.CaptureFixture[str], url: str) -> str:
    """What `distribute --apply` says when it does nothing."""
    assert main(["distribute", url, "--apply"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.strip().endswith("Nothing was changed.")
    return captured.err


PRINTED = """\
BEGIN;
SET LOCAL statement_timeout = 0;
ALTER TABLE detected_errors DROP CONSTRAINT "of session";
ALTER TABLE coaching_sessions ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE detected_errors ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE it_errors ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE pricing_errors ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE lead_scores ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE conversion_triggers ALTER COLUMN user_id SET NOT NULL;
ALTER TABLE users DROP CONSTRAINT users_email_key;
CREATE INDEX users_email_key ON public.users USING btree (email);
DROP INDEX "One topic";
CREATE INDEX "One topic" ON public.coaching_sessions USING btree (session_id, lower(session_topic)) \
WHERE (phase = 'closing'::text);
ALTER TABLE coaching_sessions DROP CONSTRAINT coaching_sessions_pkey, \
ADD CONSTRAINT coaching_sessions_pkey PRIMARY KEY (user_id, session_id);
ALTER TABLE detected_errors DROP CONSTRAINT detected_errors_pkey, \
ADD CONSTRAINT detected_errors_pkey PRIMARY KEY (user_id, error_id);
ALTER TABLE it_errors DROP CONSTRAINT it_errors_pkey, \
ADD CONSTRAINT it_errors_pkey PRIMARY KEY (user_id, error_id);
ALTER TABLE pricing_errors DROP CONSTRAINT pricing_errors_pkey, \
ADD CONSTRAINT pricing_errors_pkey PRIMARY KEY (user_id, error_id);
ALTER TABLE lead_scores DROP CONSTRAINT lead_scores_pkey, \
ADD CONSTRAINT lead_scores_pkey PRIMARY KEY (user_id, score_id);
ALTER TABLE conversion_triggers DROP CONSTRAINT conversion_triggers_pkey, \
ADD CONSTRAINT conversion_triggers_pkey PRIMARY KEY (user_id, trigger_id);
ALTER TABLE detected_errors ADD CONSTRAINT "of session" FOREIGN KEY (user_id, session_id) \
REFERENCES coaching_sessions (user_id, session_id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX IF NOT EXISTS ix_lead_scores_user_id_calculated_at ON lead_scores (user_id, calculated_at);
SELECT create_distributed_table('users', 'user_id', colocate_with => 'none');
SELECT create_distributed_table('coaching_sessions', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('detected_errors', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('it_errors', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('pricing_errors', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('lead_scores', 'user_id', colocate_with => 'users');
SELECT create_distributed_table('conversion_triggers', 'user_id', colocate_with => 'users');
SELECT truncate_local_data_after_distributing_table('users');
SELECT truncate_local_data_after_distributing_table('coaching_sessions');
SELECT truncate_local_data_after_distributing_table('detected_errors');
SELECT truncate_local_data_after_distributing_table('it_errors');
SELECT truncate_local_data_after_distributing_table('pricing_errors');
SELECT truncate_local_data_after_distributing_table('lead_scores');
SELECT truncate_local_data_after_distributing_table('conversion_triggers');
COMMIT;
ANALYZE users, coaching_sessions, detected_errors, it_errors, pricing_errors, lead_scores, conversion_triggers;
"""
CALLS = [
    *(f"distribute {name} by user_id with {'none' if name == 'users' else 'users'}" for name in NAMES),
    *(f"truncate {name}" for name in NAMES),
]


def test_the_statements_are_printed_and_nothing_changes(cluster: Cluster, capsys: pytest.CaptureFixture[str]):
    cluster.execute(f"{KEYS}; DROP INDEX ix_lead_scores_user_id_calculated_at")
    before = cluster.state()
    assert main(["distribute", cluster.url]) == 0
    assert capsys.readouterr().out == PRINTED
    assert cluster.state() == before
    assert cluster.calls == []


def test_apply_runs_what_is_printed_and_rows_and_answers_stay_as_they_were(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
):
    cluster.execute(f"{KEYS}; DROP INDEX ix_lead_scores_user_id_calculated_at")
    rows, before = cluster.rows(), [*answers(cluster.url), oddities(cluster.url)]
    assert main(["distribute", cluster.url, "--apply"]) == 0
    assert capsys.readouterr().out == PRINTED
    assert cluster.calls == CALLS
    assert cluster.rows() == rows
    same_answers(before, [*answers(cluster.url), oddities(cluster.url)])
    with connect(open_engine(database_url(cluster.url))) as connection:
        assert missing_indexes(connection) == []


def test_what_is_printed_does_the_same_when_somebody_runs_it_by_hand(
    postgres_server: Server, cluster: Cluster, capsys: pytest.CaptureFixture[str]
):
    by_hand = Cluster(postgres_server, "by_hand")
    for each in (cluster, by_hand):
        each.execute(KEYS)
    assert main(["distribute", by_hand.url]) == 0
    with psycopg.connect(by_hand.url, autocommit=True) as connection:
        connection.execute(capsys.readouterr().out)
    assert main(["distribute", cluster.url, "--apply"]) == 0
    assert by_hand.state() == cluster.state()
    assert by_hand.calls == cluster.calls


def test_a_distributed_database_needs_nothing_more(cluster: Cluster, capsys: pytest.CaptureFixture[str]):
    assert main(["distribute", cluster.url, "--apply"]) == 0
    capsys.readouterr()
    state = cluster.state()
    for arguments in (["distribute", cluster.url], ["distribute", cluster.url, "--apply"]):
        assert main(arguments) == 0
        assert capsys.readouterr().out == "-- The seven tables are distributed by user_id already: nothing to do;\n"
    assert cluster.state() == state
    assert cluster.calls == CALLS


def test_a_table_that_was_left_out_joins_the_others(cluster: Cluster, capsys: pytest.CaptureFixture[str]):
    assert main(["distribute", cluster.url, "--apply"]) == 0
    cluster.execute("DELETE FROM stub.pg_dist_partition WHERE logicalrelid = 'lead_scores'::regclass")
    cluster.execute("ALTER TABLE lead_scores DROP CONSTRAINT lead_scores_pkey, ADD PRIMARY KEY (score_id)")
    assert main(["distribute", cluster.url, "--apply"]) == 0
    assert cluster.calls[len(CALLS) :] == ["distribute lead_scores by user_id with users", "truncate lead_scores"]


def test_after_a_failure_half_way_everything_is_as_before(cluster: Cluster, capsys: pytest.CaptureFixture[str]):
    cluster.execute(KEYS)
    before = cluster.state()
    cluster.server.execute("ALTER TABLE stub.calls ADD CHECK (call <> 'truncate lead_scores')", cluster.name)
    assert main(["distribute", cluster.url, "--apply"]) == 1
    assert capsys.readouterr().out == ""
    assert cluster.state() == before
    assert cluster.calls == []


def test_rows_without_a_user_are_counted_and_the_statements_for_them_change_no_figure(
    postgres_server: Server, capsys: pytest.CaptureFixture[str]
):
    nobody = {"user_id": None}
    cluster = Cluster(
        postgres_server,
        "cluster",
        lambda url: make_database(
            url,
            users=[{"user_id": "ann"}],
            sessions=[{"user_id": "ann"}, nobody, nobody],
            mistakes=[{"user_id": "ann"}, nobody],
            it_errors=[nobody],
            lead_scores=[{"user_id": "ann"}],
        ),
    )
    before = [*answers(cluster.url), oddities(cluster.url)]
    said = refusal(capsys, cluster.url)
    assert "coaching_sessions: 2 rows have no user_id" in said
    assert "detected_errors: 1 row has no user_id" in said
    assert "it_errors: 1 row has no user_id" in said
    assert "lead_scores" not in said
    cluster.execute("".join(statements_in(said)))
    same_answers(before, [*answers(cluster.url), oddities(cluster.url)])
    assert main(["distribute", cluster.url, "--apply"]) == 0
    same_answers(before, [*answers(cluster.url), oddities(cluster.url)])


def statements_in(said: str) -> list[str]:
    return re.findall(r"^    (?!--)(.*;).*$", said, re.MULTILINE)


def test_with_foreign_keys_rows_without_a_user_get_that_of_their_session_or_an_empty_one(
    postgres_server: Server, capsys: pytest.CaptureFixture[str]
):
    cluster = Cluster(postgres_server, "cluster", empty_database)
    cluster.execute(KEYS)
    cluster.execute("""
        INSERT INTO users (user_id) VALUES ('ann');
        INSERT INTO coaching_sessions (session_id, user_id) VALUES ('s1', 'ann'), ('s2', NULL);
        INSERT INTO detected_errors (error_id, session_id, user_id)
            VALUES ('e1', 's1', NULL), ('e2', 's2', NULL), ('e3', NULL, NULL), ('e4', 's1', 'ann')
    """)
    cluster.execute("".join(statements_in(refusal(capsys, cluster.url))))
    assert cluster.execute("SELECT session_id, user_id FROM coaching_sessions ORDER BY 1") == [
        ("s1", "ann"),
        ("s2", ""),
    ]
    assert cluster.execute("SELECT error_id, user_id FROM detected_errors ORDER BY 1") == [
        ("e1", "ann"),
        ("e2", ""),
        ("e3", ""),
        ("e4", "ann"),
    ]
    assert main(["distribute", cluster.url, "--apply"]) == 0


def test_rows_that_name_another_user_than_their_session_are_counted(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
):
    cluster.execute(KEYS)
    ((session, user),) = cluster.execute("SELECT session_id, user_id FROM coaching_sessions ORDER BY 1 LIMIT 1")
    cluster.execute(f"INSERT INTO detected_errors (error_id, session_id, user_id) VALUES ('x', '{session}', 'another')")
    said = refusal(capsys, cluster.url)
    assert said.startswith("detected_errors: 1 row names another user than their row in coaching_sessions.")
    cluster.execute("".join(statements_in(said)))
    assert cluster.execute("SELECT user_id FROM detected_errors WHERE error_id = 'x'") == [(user,)]
    assert main(["distribute", cluster.url, "--apply"]) == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("DROP TABLE lead_scores", "There is no table lead_scores. Create it first"),
        ("ALTER TABLE lead_scores DROP COLUMN user_id", "The table lead_scores has no column user_id;"),
        ("ALTER TABLE lead_scores ALTER COLUMN user_id TYPE varchar(40)", "of the type character varying(40)"),
        (
            "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION f()",
            "DROP TRIGGER stamp ON users;",
        ),
        ("CREATE TABLE invoices (user_id text REFERENCES users)", "The foreign key from invoices to users leaves"),
        (
            "CREATE TABLE roles (role text PRIMARY KEY);"
            "INSERT INTO roles SELECT DISTINCT role FROM users;"
            "ALTER TABLE users ADD FOREIGN KEY (role) REFERENCES roles",
            "The foreign key from users to roles leaves",
        ),
        (
            "ALTER TABLE coaching_sessions ADD CONSTRAINT owner FOREIGN KEY (user_id) REFERENCES users"
            " ON DELETE SET NULL",
            "The foreign key owner of coaching_sessions says ON DELETE SET NULL",
        ),
        (
            "ALTER TABLE users ADD COLUMN coach_id text REFERENCES users",
            "The foreign key users_coach_id_fkey of users cannot take user_id in",
        ),
        (
            "INSERT INTO pg_dist_partition VALUES ('users', 'h', 'role')",
            "The table users is distributed by role already. Take it back first:",
        ),
        (
            "INSERT INTO pg_dist_partition VALUES ('it_errors', 'h', 'user_id')",
            "it_errors cannot be distributed before users.",
        ),
    ],
)
def test_what_citus_would_refuse_is_said_before_anything_is_done(
    cluster: Cluster, capsys: pytest.CaptureFixture[str], change: str, sentence: str
):
    cluster.execute(change)
    before = cluster.state()
    assert sentence in refusal(capsys, cluster.url)
    assert cluster.state() == before
    assert cluster.calls == []


def test_a_server_without_citus_is_told_how_to_get_it(postgres_server: Server, capsys: pytest.CaptureFixture[str]):
    url = postgres_server.create_database("plain")
    empty_database(url)
    said = refusal(capsys, url)
    assert said.startswith("The database has no extension citus.")
    assert "CREATE EXTENSION citus;" in said


def test_a_file_is_not_distributed(worked_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["distribute", str(worked_path)]) == 1
    assert capsys.readouterr().err.startswith("Only PostgreSQL with the extension Citus spreads tables over machines")
