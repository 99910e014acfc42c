from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import settings
from playwright.sync_api import Browser, sync_playwright
from psycopg import sql
from sqlalchemy import Connection, event
from streamlit.components.v2 import manifest_scanner

from lib.database import connect, database_url, open_engine
from tests.browser.app import open_browser
from tests.factory import make_database, refiller, worked_case
from tests.postgres import Server
from tests.worked_case import WORKED_CASE

# No example has a deadline: a busy machine is no mistake of ours.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Fill = Callable[..., AbstractContextManager[Connection]]
New = Callable[..., str]

# Queries run on each of these. The second PostgreSQL is an installation whose database does not sort by code point and
# whose timestamps name no zone. A Citus cluster is tried where the address of a database in it is given, in schemas of
# these tests.
CITUS_URL = "FLUENCY_TEST_CITUS_URL"
ENGLISH = "postgresql-english-order-no-zones"
KINDS = ["sqlite", "postgresql", ENGLISH, *(["citus"] if CITUS_URL in os.environ else [])]


@pytest.fixture(scope="session", autouse=True)
def _components_scanned_once() -> Iterator[None]:
    """Each AppTest reads what every installed package says of itself: longer than a page takes, the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def _main_module_put_back() -> Iterator[None]:
    """AppTest leaves its page as `__main__`, which children of multiprocessing then run before their own work."""
    ours = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = ours


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """A PostgreSQL server of these tests; `postgres_server.create_database(name)` gives an address."""
    server = Server.start_new()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a process: a second one beside it would not start."""
    with sync_playwright() as playwright:
        browser = open_browser(playwright)
        yield browser
        browser.close()


def pytest_configure() -> None:
    """Let programs that tests start be interrupted: in the background of a shell, nobody is."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def worked_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked cases as a file; not to be written to."""
    return worked_case(tmp_path_factory.mktemp("worked") / "worked.db")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of queries, and of the report made from them, run once on every kind of database; all others on SQLite."""
    if "new_database" in metafunc.fixturenames:
        here = metafunc.definition.path.relative_to(Path(__file__).parent).as_posix()
        kinds = KINDS if here.startswith(("queries/", "report/", "test_dialects.py")) else ["sqlite"]
        metafunc.parametrize("new_database", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> New:
    """`new_database(name, **rows)`: the address of a new database of one of KINDS with these rows."""
    if request.param == "sqlite":
        return lambda name, **rows: str(make_database(tmp_path_factory.mktemp(name) / f"{name}.db", **rows))
    if request.param == "citus":
        return lambda name, **rows: make_database(_in_cluster(name), distributed=True, **rows)
    server: Server = request.getfixturevalue("postgres_server")
    if request.param == ENGLISH:
        return lambda name, **rows: make_database(server.create_database(name, locale="en-US"), naive=True, **rows)
    return lambda name, **rows: make_database(server.create_database(name), **rows)


def _in_cluster(name: str) -> str:
    """The address of a schema in the cluster, one for each process of these tests."""
    address, schema = os.environ[CITUS_URL], f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with psycopg.connect(address) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
    return f"{address}{'&' if '?' in address else '?'}options=-csearch_path%3D{schema}"


@pytest.fixture(scope="session")
def worked_address(new_database: New) -> str:
    """The address of the worked cases on each kind of database; not to be written to."""
    return new_database("worked", **WORKED_CASE)


@pytest.fixture
def worked(worked_address: str) -> Iterator[Connection]:
    """A connection to the worked cases."""
    with opened(worked_address) as connection:
        yield connection


@pytest.fixture(scope="session")
def filled(new_database: New) -> Iterator[Fill]:
    """`with filled(users=[...], sessions=[...]) as connection`: a database of just these rows, at once."""
    address = new_database("filled")
    refill, engine = refiller(address), open_engine(database_url(address))

    @contextmanager
    def fill(without: Iterable[str] = (), **rows: Any) -> Iterator[Connection]:
        if without:
            with opened(new_database("partial", without=without, **rows)) as connection:
                yield connection
        else:
            refill(**rows)
            with connect(engine) as connection:
                yield connection

    yield fill
    engine.dispose()


@contextmanager
def opened(address: str) -> Iterator[Connection]:
    """A connection to a database, which is let go altogether afterwards."""
    engine = open_engine(database_url(address))
    with connect(engine) as connection:
        yield connection
    engine.dispose()


@contextmanager
def asked_of(connection: Connection) -> Iterator[list[Any]]:
    """The statements that a connection is asked to run meanwhile, as SQLAlchemy's trees."""
    statements: list[Any] = []

    def note(_connection: Connection, statement: Any, *_rest: object) -> None:
        statements.append(statement)

    event.listen(connection, "before_execute", note)
    yield statements
    event.remove(connection, "before_execute", note)
