"""A PostgreSQL server for tests: a cluster of its own in a temporary folder, on a free port of this machine.

    server = Server.start_new()
    url = server.create_database("lab")
    ...
    server.remove()

The programs are those of the newest PostgreSQL that is installed. They refuse to be root's; where the tests are, the
server belongs to the user `postgres`, or to `nobody`. Passwords are asked for (SCRAM), durability is not: nothing here
is to keep.
"""

from __future__ import annotations

import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg import sql

from tests.ports import free_port

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "timezone": "Europe/Berlin",  # not UTC: whoever relies on the server's zone is found out
}
START_SECONDS = 60
STOP_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
Mode = Literal["smart", "fast", "immediate"]


def programs() -> Path:
    """The folder with initdb, postgres, pg_dump and pg_restore, of the newest version that is installed."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = installed[-1] if installed else shutil.which("initdb")
    if found is None:
        raise RuntimeError("These tests need a PostgreSQL server: install Debian's package postgresql.")
    return Path(found).resolve().parent


class Server:
    """A running (or stopped) PostgreSQL of its own; ``start_new`` makes one."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "server.log"
        self.port = port
        self.admin_password = secrets.token_hex(12)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def admin_url(self) -> str:
        """The address of the database `postgres` for the superuser."""
        return f"postgresql://admin:{self.admin_password}@127.0.0.1:{self.port}/postgres"

    @classmethod
    def start_new(cls, folder: Path | None = None) -> Server:
        """A new cluster below ``folder``, running. Where the tests are root's, below the machine's folder for
        temporary files instead: the server's user could not reach root's.
        """
        below = None if os.geteuid() == 0 else folder
        server = cls(Path(tempfile.mkdtemp(prefix="postgres-", dir=below)), free_port())
        account = _account()
        if account is not None:
            os.chown(server.folder, account.pw_uid, account.pw_gid)
        server._initialise()
        server.start()
        return server

    def start(self) -> None:
        """Start the server, on the same port as before, and wait until it answers."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [programs() / "postgres", "-D", self.data, "-p", str(self.port), *settings],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.folder,
                **_as_account(),
            )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL does not start: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def stop(self, mode: Mode = "fast") -> None:
        """Stop the server: `fast` breaks off what runs, `immediate` is as a crash, `smart` waits for everybody."""
        if self._process is not None:
            self._process.send_signal(STOP_SIGNALS[mode])
            self._process.wait(START_SECONDS)
            self._process = None

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        self.stop("immediate")
        shutil.rmtree(self.folder)

    def create_database(self, name: str, *, locale: str = "") -> str:
        """A fresh database (what was there is gone); its address for its owner, a role of its own with a password.

        ``locale`` names an ICU locale (`en-US`) whose order of texts the database has instead of that by code point.
        """
        password = secrets.token_hex(12)
        owner, database = sql.Identifier(f"{name}_owner"), sql.Identifier(name)
        order = (
            sql.SQL(" TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE {}").format(locale) if locale else sql.SQL("")
        )
        for statement in (
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(database),
            sql.SQL("DROP ROLE IF EXISTS {}").format(owner),
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(owner, password),
            sql.SQL("CREATE DATABASE {} OWNER {}{}").format(database, owner, order),
        ):
            self.execute(statement)
        return f"postgresql://{name}_owner:{password}@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as superuser, committed at once; its rows, none where it has none."""
        url = re.sub(r"/postgres$", f"/{database}", self.admin_url)
        with psycopg.connect(url, autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _initialise(self) -> None:
        password = self.folder / "password"
        password.write_text(self.admin_password)
        command = [str(programs() / "initdb"), "-D", str(self.data), "-U", "admin", "--no-sync", "--no-instructions"]
        command += ["--locale=C.UTF-8", "--encoding=UTF8", "--auth=scram-sha-256", f"--pwfile={password}"]
        done = subprocess.run(command, check=False, cwd=self.folder, text=True, capture_output=True, **_as_account())
        password.unlink()
        if done.returncode != 0:
            raise RuntimeError(f"initdb does not make a cluster: {done.stderr.strip()[-2000:]}")

    def _answers(self) -> bool:
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def _account() -> pwd.struct_passwd | None:
    """Whose the server is: the user's own, or, for root, `postgres` or `nobody`."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _as_account() -> dict[str, Any]:
    account = _account()
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
