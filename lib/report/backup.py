"""A copy of the database: consistent while others write, checked, dated, and only then are old ones removed."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, Connection, NullPool, create_engine, func, inspect, quoted_name, select, table

from lib.database import DatabaseProblem, connect, open_engine
from lib.report.names import STAMP, make_stamp
from lib.report.snapshot import snapshot
from lib.report.together import sync_folder

ABANDONED = timedelta(days=1)  # after this long, nobody is still writing an unfinished copy


class BackupProblem(Exception):
    """There is no new backup, and the old ones are untouched. ``str()`` is one sentence, without a password."""


def back_up(url: URL, folder: Path, *, keep: int | None, now: datetime) -> Path:
    """Copy the database at ``url`` into ``folder`` under its name, a short hash of its address, and the time in UTC;
    returns the new file.

    Then remove all but the newest ``keep`` (1 or more) backups of this database, the new one never; None removes
    nothing. Other files are never touched. Raises BackupProblem, DatabaseProblem, OSError.
    """
    name, ending, copy = _kind(url)
    target = folder / f"{name}_{make_stamp(now, 'UTC')}Z{ending}"  # in UTC: sorted by name is sorted by time
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{name}_", suffix=".part", dir=folder) as unfinished:
        file = Path(unfinished, target.name)
        copy(url, file)
        file.chmod(0o600)  # e-mail addresses are in it: for the owner alone
        with file.open("rb+") as copied:
            os.fsync(copied.fileno())
        file.replace(target)
    sync_folder(folder)
    if keep:
        others = [path for path in backups(folder, name, ending) if path != target]
        for path in others[: max(0, len(others) + 1 - keep)]:
            path.unlink(missing_ok=True)
    _remove_unfinished(folder, name, now)
    return target


def backups(folder: Path, name: str, ending: str) -> list[Path]:
    """The finished backups of the database ``name`` in ``folder``, oldest first."""
    ours = re.compile(f"{re.escape(name)}_{STAMP.pattern}Z{re.escape(ending)}")
    return sorted(path for path in folder.iterdir() if ours.fullmatch(path.name) and path.is_file())


def _kind(url: URL) -> tuple[str, str, Callable[[URL, Path], None]]:
    """What backups of this database are called, how they end, and what makes one."""
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database)).absolute()
        return f"{path.stem}_{_short_hash(str(path))}", ".db", _copy_sqlite
    if url.get_backend_name() == "postgresql":
        name = re.sub(r"[^\w.-]", "_", f"{url.host or 'localhost'}_{url.database}")
        address = url.set(username=None, password=None).render_as_string()
        return f"{name}_{_short_hash(address)}", ".dump", _dump_postgresql
    raise BackupProblem(f"Backups are made of SQLite and PostgreSQL, not of {url.get_backend_name()}.")


def _short_hash(address: str) -> str:
    """Tells databases of the same name apart, so that none removes the backups of another."""
    return hashlib.sha256(address.encode()).hexdigest()[:8]


def _remove_unfinished(folder: Path, name: str, now: datetime) -> None:
    """What runs left that were killed."""
    for path in folder.glob(f".{glob.escape(name)}_*.part"):
        if datetime.fromtimestamp(path.stat().st_mtime, UTC) < now - ABANDONED:
            shutil.rmtree(path, ignore_errors=True)


def _copy_sqlite(url: URL, target: Path) -> None:
    """All pages in one step of one read transaction: a writer can neither tear the copy nor make it start again.

    In WAL mode writers go on meanwhile; in rollback mode they wait.
    """
    with snapshot(open_engine(url)) as connection:
        expected = _row_counts(connection)
        try:
            copy = sqlite3.connect(target)
            try:
                connection.connection.backup(copy, pages=-1)
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise BackupProblem(f"The backup could not be written to {target.parent.parent}: {error}.") from error
    _check_sqlite(target, expected)


def _check_sqlite(path: Path, expected: dict[str, int]) -> None:
    """Read the copy back as a file that nobody writes: so no second file appears beside it, whatever its mode."""
    query = {"uri": "true", "mode": "ro", "immutable": "1"}
    engine = create_engine(URL.create("sqlite", database=path.absolute().as_uri(), query=query), poolclass=NullPool)
    try:
        with connect(engine) as copy:
            verdict = str(copy.exec_driver_sql("PRAGMA integrity_check").scalar())
            found = _row_counts(copy)
    except DatabaseProblem as problem:
        raise BackupProblem("The backup cannot be read back; there is no new backup.") from problem
    if verdict != "ok":
        raise BackupProblem(f"The backup is damaged, and so may be the database: {verdict}.")
    if wrong := sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)):
        raise BackupProblem(f"The backup does not have all rows of {', '.join(wrong)}.")


def _row_counts(connection: Connection) -> dict[str, int]:
    return {
        name: connection.scalar(select(func.count()).select_from(table(quoted_name(name, quote=True)))) or 0
        for name in inspect(connection).get_table_names()
    }


def _dump_postgresql(url: URL, target: Path) -> None:
    """pg_dump's own format, read back by pg_restore. The password goes by the environment, which ps does not show."""
    address = URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    password = {"PGPASSWORD": str(url.password)} if url.password else {}
    _run(
        "pg_dump",
        "--format=custom",
        "--no-password",
        f"--file={target}",
        f"--dbname={address.render_as_string()}",
        **password,
    )
    if "TABLE DATA" not in _run("pg_restore", "--list", str(target)):
        raise BackupProblem("The backup holds no table: may the database user read them?")


def _run(program: str, *arguments: str, **environment: str) -> str:
    try:
        done = subprocess.run(
            [program, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise BackupProblem(
            f"There is no program {program} here; install PostgreSQL's client programs (Debian: postgresql-client)."
        ) from error
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["it does not say why"])[0]
        raise BackupProblem(f"{program} failed: {said.removeprefix(f'{program}: error: ').rstrip('.')}.") from error
    return done.stdout
