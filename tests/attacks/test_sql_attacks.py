"""Thousands of hostile statements on both databases: what they see, what they write, and when they end.

Each is run in two worlds that differ in nothing but what is withheld. Whatever an answer, or a refusal, tells of it in
any shape (its order, its length, whether it is there) would make the two differ.
"""

from __future__ import annotations

import hashlib
import re
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import psutil
import psycopg
import pytest

from lib.access import Role, Visitor
from lib.period import Period
from lib.queries import own, wall_sqlite
from lib.queries.guard import NOTHING, Stop, Withheld
from lib.queries.own import AnalysisProblem, Limits, run_own
from lib.queries.sqlite_apart import Question, Reply, read, reply, written
from lib.queries.wall import FIELD_COLUMNS, Place, withheld_from
from tests.attacks.statements import POSTGRESQL, SQLITE, VALUE
from tests.factory import make_database
from tests.postgres import Server
from tests.watchdog import ended_within_patience

MONTH = Period(date(2026, 11, 22), 30)
PATIENT = Limits(seconds=60, rows=200, bytes=1_000_000)
QUICK = Limits(seconds=0.2, rows=200, bytes=1_000_000)
EVERYTHING = frozenset(column for columns in FIELD_COLUMNS.values() for column in columns)
ANALYST = withheld_from(Visitor("ann@example.org", frozenset({Role.ANALYST})))
BY_ITSELF = 5_000_000  # bytes that a server may write into its log while nobody changes anything
PEOPLE = ("ann", "bob", "cyd", "dan")
# In the second world other people have an address, and the order, the length and the number of values differ.
ADDRESSES = {
    "one": ["zoe@leak-one.example", "adam@leak-one.example", None, "m@leak-one.example"],
    "two": ["b@leak-two.example", "yvonne.with.a.long.name@leak-two.example", "b@leak-two.example", None],
}
SECRET = re.compile(f"leak-|geheim|{b'leak-'.hex()}", re.IGNORECASE)
CODE = re.compile(r"```sql\n(.*?)```", re.DOTALL)
DOCUMENT = Path(__file__).parents[2] / "docs" / "sql_page.md"


@dataclass
class World:
    """One database: how statements get in, and a text that changes when anything in it does."""

    place: Place
    withheld: Withheld
    state: Callable[[], str]
    log: Callable[[], int] = lambda: 0  # bytes that the server has written into its log of changes


def rows(world: str) -> dict[str, list[dict[str, object]]]:
    people = [{"user_id": name, "email": email} for name, email in zip(PEOPLE, ADDRESSES[world], strict=True)]
    texts = [f"{email or 'no'} leak-{world}" if email else None for email in ADDRESSES[world]]
    return {
        "users": people,
        "sessions": [{"user_id": name, "session_topic": text} for name, text in zip(PEOPLE, texts, strict=True)],
        "mistakes": [{"user_id": name, "error_text": text} for name, text in zip(PEOPLE, texts, strict=True)],
        "it_errors": [{"user_id": name, "error_pattern": text} for name, text in zip(PEOPLE, texts, strict=True)],
        "pricing_errors": [{"user_id": name, "error": text} for name, text in zip(PEOPLE, texts, strict=True)],
    }


def seen_by_learner_text(world: dict[str, list[dict[str, object]]]) -> dict[str, list[dict[str, object]]]:
    """Without what learners wrote: analysts may see it, and the worlds must not differ in what may be seen."""
    return {
        "users": world["users"],
        "sessions": [{"user_id": name} for name in PEOPLE],
        "mistakes": [{"user_id": "ann"}],
    }


BESIDE = """
ALTER TABLE users ADD COLUMN password text;
UPDATE users SET password = 'geheim ' || coalesce(email, '');
CREATE INDEX users_email ON users (email);
CREATE INDEX users_lower ON users (lower(email), role);
CREATE TABLE accounts (pw text, email text);
INSERT INTO accounts SELECT password, email FROM users;
CREATE VIEW people AS SELECT user_id, email FROM users;
CREATE VIEW everybody AS SELECT user_id AS email, password AS user_id FROM users WHERE email > 'm';
"""


def sqlite_world(folder: Path, world: str) -> World:
    path = make_database(folder / world / "attacked.db", **rows(world))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(BESIDE)
        connection.execute("ALTER TABLE users ADD COLUMN email_lower text GENERATED ALWAYS AS (lower(email)) VIRTUAL")
        connection.execute("ANALYZE")
        connection.commit()

    def state() -> str:
        return f"{[each.name for each in path.parent.iterdir()]} {hashlib.sha256(path.read_bytes()).hexdigest()}"

    return World(Place(str(path)), EVERYTHING, state)


@pytest.fixture(scope="module")
def of_sqlite(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, World]:
    folder = tmp_path_factory.mktemp("attacked")
    for name in ADDRESSES:
        (folder / name).mkdir()
    return sqlite_world(folder, "one"), sqlite_world(folder, "two")


def postgresql_world(server: Server, world: str) -> World:
    name = f"attacked_{world}"
    url = make_database(server.create_database(name), **seen_by_learner_text(rows(world)))
    with psycopg.connect(url) as connection:
        connection.execute(BESIDE)
    for statement in (
        "CREATE SEQUENCE numbers; GRANT ALL ON SEQUENCE numbers TO public",
        "CREATE FUNCTION steal() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT max(email) FROM users'",
        "REVOKE EXECUTE ON FUNCTION steal() FROM PUBLIC",
    ):
        server.execute(statement, name)
    (code,) = CODE.findall(DOCUMENT.read_text(encoding="utf-8"))
    if world != "one":  # the role is there already
        code = re.sub(r"CREATE ROLE.*?;", "", code)
    server.execute(code.replace("DATABASE coach", f"DATABASE {name}"), name)
    server.execute("VACUUM ANALYZE", name)

    def state() -> str:
        tables = ["users", "coaching_sessions", "detected_errors", "it_errors", "lead_scores", "accounts"]
        of_rows = [server.execute(f"SELECT t::text FROM {table} t ORDER BY 1", name) for table in tables]
        made = """
            SELECT 'relation', relname, relowner, relacl::text FROM pg_class WHERE oid >= 16384
            UNION ALL SELECT 'function', proname, proowner, proacl::text FROM pg_proc WHERE oid >= 16384
            UNION ALL SELECT 'schema', nspname, nspowner, nspacl::text FROM pg_namespace
            UNION ALL SELECT 'role', rolname, oid, to_jsonb(r)::text FROM pg_roles r
            UNION ALL SELECT 'setting', setdatabase::text, setrole, setconfig::text FROM pg_db_role_setting
            UNION ALL SELECT 'database', datname, datdba, datacl::text FROM pg_database
            UNION ALL SELECT 'extension', extname, extowner, '' FROM pg_extension
            UNION ALL SELECT 'large object', '', oid, '' FROM pg_largeobject_metadata
            UNION ALL SELECT 'slot', slot_name, 0, '' FROM pg_replication_slots
            UNION ALL SELECT 'lock', '', pid, '' FROM pg_locks WHERE locktype = 'advisory'
            UNION ALL SELECT 'sequence', last_value::text, 0, is_called::text FROM numbers
            ORDER BY 1, 2, 3, 4"""
        return f"{of_rows} {server.execute(made, name)}"

    def log() -> int:
        return int(server.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")[0][0])

    return World(Place(url, re.sub("//.*@", "//fluency_sql:choose%20one@", url)), ANALYST, state, log)


@pytest.fixture(scope="module")
def of_postgresql(postgres_server: Server) -> Iterator[tuple[World, World]]:
    yield postgresql_world(postgres_server, "one"), postgresql_world(postgres_server, "two")
    for name in ADDRESSES:
        postgres_server.execute("DROP OWNED BY fluency_sql", f"attacked_{name}")
    postgres_server.execute("DROP ROLE fluency_sql")


@pytest.fixture
def text_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall must stand without whatever the app reads in a text, and without what it puts around one."""
    monkeypatch.setattr(own, "_checked", lambda sql: sql)
    monkeypatch.setattr(own, "_BOUNDED", "{sql}")


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall must stand without a process of its own, too: that ends what takes long, and hides nothing."""

    def asked(question: Question, _stop: Stop) -> Reply:
        return read(written(reply(question)))

    monkeypatch.setattr(wall_sqlite, "asked_apart", asked)


class Door:
    """Statements one after the other on one connection: nothing may stay behind in it either."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(world.place.connect(world.withheld))

    def ask(self, sql: str, limits: Limits = PATIENT) -> str:
        """What comes back, answer or refusal, as a text."""
        try:
            answer = run_own(self._connection, sql, MONTH, limits, withheld=self.world.withheld)
        except AnalysisProblem as problem:
            return f"refused: {problem}"
        assert len(answer.frame) <= limits.rows
        return repr((list(answer.frame.columns), answer.frame.to_numpy().tolist(), answer.is_cut))

    def close(self) -> None:
        self._stack.close()


@contextmanager
def doors(worlds: tuple[World, World]) -> Iterator[tuple[Door, Door]]:
    pair = Door(worlds[0]), Door(worlds[1])
    before, log = [world.state() for world in worlds], worlds[0].log()
    yield pair
    for door in pair:
        door.close()
    assert worlds[0].log() - log < BY_ITSELF
    assert [world.state() for world in worlds] == before


def armed(statements: tuple[str, ...], folder: Path) -> list[tuple[str, str]]:
    """The statements with paths; the second is for messages, since some are long."""
    (folder / "file").write_text("geheim")
    made = [text.replace("MARK", str(folder / "mark")).replace("FILE", str(folder / "file")) for text in statements]
    return [(text, text[:200]) for text in dict.fromkeys(made)]


def tells(text: str, sql: str) -> bool:
    """Whether something secret is in the text; what the statement itself brought along is none."""
    return bool(SECRET.search(text.replace(VALUE, "") if VALUE in sql else text))


def same(text: str) -> str:
    """Without what differs between any two databases."""
    return text.replace("attacked_two", "attacked_one")


def attack(worlds: tuple[World, World], statements: tuple[str, ...], folder: Path, *, alike: bool = True) -> None:
    """Run them all. ``alike``: what comes back depends on nothing but the data, so that it can be compared."""
    folder.chmod(0o777)  # a server is another user
    told, differs = [], []
    with doors(worlds) as (one, two):
        for sql, name in armed(statements, folder):
            found = one.ask(sql), two.ask(sql)
            told += [(name, text[:300]) for text in found if tells(text, sql)]
            differs += [(name, *found)] if alike and same(found[0]) != same(found[1]) else []
    assert (told, differs) == ([], [])
    assert [path.name for path in folder.iterdir()] == ["file"]


@pytest.mark.usefixtures("text_unread", "in_this_process")
@pytest.mark.parametrize("family", ["reading", "joining", "writing", "by hand"])
def test_on_sqlite_no_statement_sees_a_withheld_value_and_none_writes(
    of_sqlite: tuple[World, World], tmp_path: Path, family: str
):
    attack(of_sqlite, SQLITE[family], tmp_path)


@pytest.mark.usefixtures("text_unread")
@pytest.mark.parametrize("family", ["reading", "joining", "writing", "by hand"])
def test_on_postgresql_no_statement_sees_a_withheld_value_and_none_writes(
    of_postgresql: tuple[World, World], tmp_path: Path, family: str
):
    attack(of_postgresql, POSTGRESQL[family], tmp_path, alike=family in ("reading", "joining"))


@pytest.mark.usefixtures("in_this_process")
def test_on_sqlite_what_the_app_does_to_a_text_opens_no_way(of_sqlite: tuple[World, World], tmp_path: Path):
    attack(of_sqlite, SQLITE["by hand"], tmp_path)


@pytest.mark.usefixtures("text_unread")
def test_on_sqlite_the_process_of_its_own_opens_no_way(of_sqlite: tuple[World, World], tmp_path: Path):
    every = [sql for family in ("reading", "joining", "writing", "by hand") for sql in SQLITE[family]]
    attack(of_sqlite, tuple(every[::60]), tmp_path)


@pytest.mark.parametrize("family", ["by hand", "too long"])
def test_on_postgresql_what_the_app_does_to_a_text_opens_no_way(
    of_postgresql: tuple[World, World], tmp_path: Path, family: str
):
    attack(of_postgresql, POSTGRESQL[family], tmp_path, alike=family == "too long")


def test_on_postgresql_a_row_that_is_too_long_is_not_sent(of_postgresql: tuple[World, World], tmp_path: Path):
    with doors(of_postgresql) as (door, _):
        for sql, name in armed(POSTGRESQL["too long"], tmp_path):
            assert door.ask(sql) == "refused: One of its values or rows is too long for an answer.", name


@pytest.mark.usefixtures("text_unread", "in_this_process")
def test_the_attacks_find_what_is_not_withheld(of_sqlite: tuple[World, World], tmp_path: Path):
    with doors((replace(of_sqlite[0], withheld=NOTHING), replace(of_sqlite[1], withheld=NOTHING))) as (one, two):
        for family, share in (("reading", 1 / 3), ("joining", 1 / 10)):
            asked = [sql for sql, _ in armed(SQLITE[family], tmp_path) if "main." not in sql]
            assert sum(one.ask(sql) != two.ask(sql) for sql in asked[::10]) > len(asked[::10]) * share


@contextmanager
def peak_of_apart() -> Iterator[list[int]]:
    """Memory, in bytes, of the processes in which statements run meanwhile, looked at all the time."""
    peak, is_over = [0], threading.Event()

    def look() -> None:
        while not is_over.wait(0.01):
            for child in psutil.Process().children():
                with suppress(psutil.Error):
                    if any("sqlite_apart" in word for word in child.cmdline()):
                        peak.append(child.memory_info().rss)

    looking = threading.Thread(target=look)
    looking.start()
    yield peak
    is_over.set()
    looking.join()


def test_on_sqlite_every_statement_ends_with_its_time_and_takes_little_memory(
    of_sqlite: tuple[World, World], tmp_path: Path
):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with doors(of_sqlite) as (door, _), peak_of_apart() as peak:
        found = {}
        for sql, _ in armed(SQLITE["endless"], tmp_path):
            with ended_within_patience():
                found[sql] = door.ask(sql, QUICK)
        assert door.ask("select count(*) from users") == "(['count(*)'], [[4]], False)"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KB
    assert 0 < max(peak) < 600_000_000
    ended = ("It took longer than 0.2 seconds", "One of its values or rows is too long", "on disk")
    assert [(name, text[:300]) for name, text in found.items() if not any(end in text for end in ended)] == []


def test_on_postgresql_every_statement_ends_with_its_time_and_the_server_works_on_for_nobody(
    postgres_server: Server, of_postgresql: tuple[World, World], tmp_path: Path
):
    with doors(of_postgresql) as (door, _):
        found = {name: door.ask(sql, QUICK) for sql, name in armed(POSTGRESQL["endless"], tmp_path)}
        assert door.ask("select count(*) as n from users") == "(['n'], [[4]], False)"
        active = "select query from pg_stat_activity where usename = 'fluency_sql' and state = 'active'"
        assert postgres_server.execute(active) == []
    ended = ("It took longer than 0.2 seconds",)
    assert [(name, text[:300]) for name, text in found.items() if not any(end in text for end in ended)] == []


@pytest.mark.parametrize("families", [SQLITE, POSTGRESQL], ids=["sqlite", "postgresql"])
def test_there_are_more_than_two_thousand_statements(families: dict[str, tuple[str, ...]]):
    assert sum(len(set(statements)) for statements in families.values()) > 2_000
