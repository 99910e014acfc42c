from __future__ import annotations

import locale
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from itertools import chain
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

Fill = Callable[..., AbstractContextManager[Connection]]
New = Callable[..., str]

# Queries run on each of these. The second PostgreSQL is an installation whose database does not sort by code point and
# whose timestamps name no zone. A Citus cluster is tried where the address of a database in it is given, in schemas of
# these tests.
CITUS_URL = "FLUENCY_TEST_CITUS_URL"
ENGLISH = "postgresql-english-order-no-zones"
KINDS = ["sqlite", "postgresql", ENGLISH, *(["citus"] if CITUS_URL in os.environ else [])]

HERE = Path(__file__).parent
# What --quick leaves out: folders whose tests run whole programs, and what asks for one of these servers.
PROGRAMS = {"attacks", "benchmarks", "browser", "load", "pages", "report", "sign_in", "sync"}
SERVERS = {"browser", "postgres_server"}
LONGEST_FIRST = {folder: place for place, folder in enumerate(("sign_in", "browser"))}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --quick, which is what `make check` runs."""
    parser.addoption("--quick", action="store_true", help="only tests that start no program, browser or server")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave folders of programs out of a quick run."""
    folder = collection_path.relative_to(HERE).parts[:1] if collection_path.is_relative_to(HERE) else ()
    return True if config.getoption("quick") and PROGRAMS & {*folder} else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what asks for a server out of a quick run; begin with files that take long, so that none is waited for."""
    if config.getoption("quick"):
        config.hook.pytest_deselected(items=[item for item in items if _asks_for_server(item)])
        items[:] = [item for item in items if not _asks_for_server(item)]
    items.sort(key=lambda item: LONGEST_FIRST.get(item.path.parent.name, len(LONGEST_FIRST)))


def _asks_for_server(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and not SERVERS.isdisjoint(item.fixturenames)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds of each folder, with what was set up for its tests, of all workers together."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            seconds[Path(report.nodeid.partition("::")[0]).parent.as_posix()] += report.duration
    terminalreporter.section("seconds of each folder, of all workers together")
    for folder, taken in sorted(seconds.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{taken:7.1f}  {folder}")


@pytest.fixture(scope="session", autouse=True)
def _components_scanned_once() -> Iterator[None]:
    """Each AppTest reads what every installed package says of itself: longer than a page takes, the same each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def _as_found() -> Iterator[None]:
    """Nothing of a test reaches the next one: what is Python's is put back, a test that leaves more is told."""
    ours, before = sys.modules["__main__"], _surroundings()
    yield
    # AppTest leaves its page as `__main__`, which children of multiprocessing then run before their own work.
    sys.modules["__main__"] = ours
    assert _surroundings() == before


def _surroundings() -> list[object]:
    """What belongs to the whole process: environment, working folder, locale, time zone."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    return [environment, Path.cwd(), locale.setlocale(locale.LC_ALL), time.tzname]


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


def pytest_configure(config: pytest.Config) -> None:
    """Let programs that tests start be interrupted: in the background of a shell, nobody is. Say how much is tried."""
    # No example has a deadline: a busy machine is no mistake of ours.
    settings.register_profile("all", deadline=None)
    settings.register_profile("quick", deadline=None, max_examples=20)
    settings.load_profile("quick" if config.getoption("quick") else "all")
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def worked_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked cases as a file; not to be written to."""
    return worked_case(tmp_path_factory.mktemp("worked") / "worked.db")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of queries, and of the report made from them, run once on every kind of database; all others on SQLite."""
    if "new_database" in metafunc.fixturenames:
        here = metafunc.definition.path.relative_to(HERE).as_posix()
        every = ["sqlite"] if metafunc.config.getoption("quick") else KINDS
        kinds = every if here.startswith(("queries/", "report/", "test_dialects.py")) else ["sqlite"]
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
