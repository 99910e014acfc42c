from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from sqlalchemy import Connection

from lib.database import connect, database_url, open_engine
from tests.factory import empty_database, make_database, worked_case

# No example has a deadline: a busy machine is no mistake of ours.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

Fill = Callable[..., AbstractContextManager[Connection]]


@pytest.fixture(scope="session")
def worked_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked cases as a file; not to be written to."""
    return worked_case(tmp_path_factory.mktemp("worked") / "worked.db")


@pytest.fixture
def worked(worked_path: Path) -> Iterator[Connection]:
    """A connection to the worked cases."""
    with connect(open_engine(database_url(str(worked_path)))) as connection:
        yield connection


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Fill:
    """`with filled(users=[...], sessions=[...]) as connection`: a database of just these rows, at once."""
    path = empty_database(tmp_path_factory.mktemp("filled") / "filled.db")
    engine = open_engine(database_url(str(path)))

    @contextmanager
    def fill(**rows: Any) -> Iterator[Connection]:
        make_database(path, **rows)
        with connect(engine) as connection:
            yield connection

    return fill
