from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from lib.schema import TABLES
from lib.sync.__main__ import main
from tests.sync.endpoint import TOKEN, Endpoint


class Run(NamedTuple):
    """What the command said and returned."""

    status: int
    out: str
    err: str


Sync = Callable[..., Run]


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with Endpoint().running() as running:
        yield running


@pytest.fixture
def sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Sync:
    """`sync(source, target, *options)`: the command, as people run it, with a token and little patience."""
    monkeypatch.setenv("FLUENCY_API_TOKEN", TOKEN)
    monkeypatch.setenv("FLUENCY_API_TIMEOUT_SECONDS", "5")
    monkeypatch.setenv("FLUENCY_API_PATIENCE_SECONDS", "3")
    monkeypatch.setenv("FLUENCY_REPORTS_FOLDER", str(tmp_path / "reports"))

    def run(source: str | Path, target: str | Path, *options: str) -> Run:
        capsys.readouterr()
        status = main(["--from", str(source), "--to", str(target), *options])
        said = capsys.readouterr()
        return Run(status, said.out, said.err)

    return run


def rows_of(database: str | Path, table: str) -> list[tuple[Any, ...]]:
    """All rows of a table, columns in the order of lib.schema, sorted by key."""
    columns = next(each.columns for each in TABLES if each.name == table)
    names = ", ".join(f'"{column.name}"' for column in columns)
    query = f'SELECT {names} FROM "{table}"'
    if isinstance(database, Path):
        with closing(sqlite3.connect(database)) as connection:
            rows = connection.execute(query).fetchall()
    else:
        with psycopg.connect(database) as server:
            server.execute("SET timezone = 'UTC'")
            rows = server.execute(query).fetchall()
    return sorted(rows, key=lambda row: str(row[0]))


def all_rows(database: str | Path) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of all seven tables."""
    return {table.name: rows_of(database, table.name) for table in TABLES}
