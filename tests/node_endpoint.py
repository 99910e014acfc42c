"""docs/rest_endpoint.mjs as a server of its own on node, over rows in a file or over PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from lib.schema import TABLES

ROOT = Path(__file__).parent.parent
MODULE = ROOT / "docs" / "rest_endpoint.mjs"
PACKAGES = ROOT / "tests" / "sign_in" / "provider" / "node_modules"
TOKEN = "a-token-of-the-tests"
NAMES = {"coaching_sessions": "sessions", "detected_errors": "errors"}

# A server around the handler of the documentation; its rows come from a file. The last argument names a row that fails.
SERVE = """
const [module, rows, pageSize, breaksAt] = process.argv.slice(1)
const { createServer } = await import('node:http')
const { readFileSync } = await import('node:fs')
const { exportHandler, PATH } = await import(module)
const data = JSON.parse(readFileSync(rows, 'utf8'))
async function open() {
  return {
    tables: Object.keys(data),
    close: () => console.log('closed'),
    rows: async function* (entry, after) {
      const key = entry.columns[0]
      for (const row of data[entry.name]) {
        if (row[key] === breaksAt) throw new Error('the disk is gone')
        if (after === null || row[key] > after) yield row
      }
    },
  }
}
const handler = exportHandler({ token: process.env.FLUENCY_API_TOKEN, open, pageSize: Number(pageSize) })
createServer(handler).listen(0, '127.0.0.1', function () {
  console.log(`http://127.0.0.1:${this.address().port}${PATH}`)
})
"""


def export_rows(database: Path, rows: Path) -> Path:
    """Write all rows of a SQLite file to ``rows`` as the endpoint reads them, sorted by key."""
    data = {}
    with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        for table in TABLES:
            found = connection.execute(f"SELECT * FROM {table.name} ORDER BY {table.columns.keys()[0]}")
            data[NAMES.get(table.name, table.name)] = [dict(row) for row in found]
    rows.write_text(json.dumps(data), encoding="utf-8")
    return rows


def served(rows: Path, page_size: str = "Infinity", breaks_at: str = "") -> AbstractContextManager[str]:
    """The address of the endpoint over the rows of a file."""
    return _running(["--input-type=module", "-e", SERVE, MODULE.as_uri(), str(rows), page_size, breaks_at])


def documented(folder: Path, database_url: str) -> AbstractContextManager[str]:
    """The address of the endpoint over PostgreSQL, started in a new ``folder`` as the documentation says."""
    folder.mkdir()
    shutil.copy(MODULE, folder)
    (folder / "node_modules").symlink_to(PACKAGES)
    return _running([MODULE.name], folder, DATABASE_URL=database_url, PORT="0")


@contextmanager
def _running(arguments: list[str], folder: Path = ROOT, **settings: str) -> Iterator[str]:
    node = shutil.which("node")
    assert node, "These tests need Node.js: install Debian's package nodejs."
    environment = {**os.environ, "FLUENCY_API_TOKEN": TOKEN, **settings}
    with subprocess.Popen(
        [node, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as run:
        try:
            assert run.stdout is not None
            yield run.stdout.readline().strip()
        finally:
            run.terminate()
