"""A sentence and a remedy for each way in which a database can refuse.

PostgreSQL's codes go first: they are the same in every language that a server may speak. Before somebody is let in
there is no code: there the text decides. Of SQLite the extended result code tells causes apart that share one text.
"""

from __future__ import annotations

import re
import sqlite3
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError, TimeoutError

WAIT_SECONDS = 5
CHECK_ADDRESS = "Check FLUENCY_DATABASE_URL."


class DatabaseProblem(Exception):
    """The database cannot answer. ``str()`` says what happened, ``remedy`` what to do; neither holds a password.

    ``passes``: it may be over by itself in a moment, so that looking again makes sense.
    """

    def __init__(self, what: str, remedy: str, *, passes: bool = False) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.passes = passes

    def in_command(self, address: str) -> tuple[str, str]:
        """``what`` and ``remedy`` for a command, which has no page, no log, and its own name for the address."""
        remedy = self.remedy.replace("FLUENCY_DATABASE_URL", address)
        if "page works" in remedy:
            remedy = "Check that it runs and can be reached from here, and try again."
        if "log says" in remedy:
            remedy = _said(self.__cause__) or "Try again."
        return self.what, remedy


def _said(error: BaseException | None) -> str:
    """The database's own words, where it has let us in: before that, they could repeat the address."""
    original = getattr(error, "orig", None)
    if getattr(original, "sqlstate", None) or isinstance(original, sqlite3.Error):
        return f"It said: {str(original).partition(chr(10))[0].rstrip('.')}."
    return ""


class TableProblem(DatabaseProblem):
    """A table or a column cannot be read; the others can."""


class _Refusal(NamedTuple):
    what: str
    remedy: str
    passes: bool = False


_BUSY = _Refusal(
    "The database is busy: another program keeps writing to it.",
    "Try again in a moment. If it stays busy, ask who runs the program that writes.",
    passes=True,
)
_DAMAGED = _Refusal(
    "The database file is damaged, or is not a SQLite database.",
    "Restore it from a backup, or check FLUENCY_DATABASE_URL.",
)
_NO_TABLE = _Refusal(
    "The database has no table {0}.", "Data health names every missing table with the statement that creates it."
)
_NO_TABLE_SEEN = _Refusal(
    _NO_TABLE.what, f"{_NO_TABLE.remedy} If it is there, grant the database user USAGE on its schema."
)
_NO_COLUMN = _Refusal(
    "A table of the database has no column {0}.",
    "Data health names every missing column with the statement that adds it.",
)
_NO_FILE = _Refusal("The database file cannot be opened.", "Check that it exists and that the app may read it.")
_WRONG_USER = _Refusal("The database refuses the user or the password.", CHECK_ADDRESS)
_NOT_FROM_HERE = _Refusal(
    "The database server does not let this user in from this machine.",
    "Check FLUENCY_DATABASE_URL; who runs the server can add a line for this machine to its pg_hba.conf.",
)
_NO_DATABASE = _Refusal("The server has no database {0}.", CHECK_ADDRESS)
_NO_ENTRY = _Refusal("The database user may not connect to the database {0}.", "Grant it CONNECT on that database.")
_NO_RIGHT = _Refusal(
    "The database user may not read {0}.",
    "docs/connecting.md has the GRANT statements; of users, six columns are enough.",
)
_READ_ONLY = _Refusal(
    "The database may only be read.",
    "Name a user who may write, or give this one the right to; a standby never lets anybody write.",
)
_FOLDER = _Refusal(
    "The folder of the database file may not be written to.",
    "Whoever writes to the file, or opens one in WAL mode, makes files beside it; docs/connecting.md has the rights.",
)
_HOT_JOURNAL = _Refusal(
    "A program was stopped in the middle of writing to the database file.",
    "Open the file once with a program that may write to it and its folder, such as the product itself: SQLite then "
    "takes the unfinished change back.",
)
WAL_FILES = _Refusal(
    "The database file is in WAL mode, and the files beside it, -wal and -shm, can be neither opened nor made.",
    "Let the app write to the folder and to these files, or give it a copy made with VACUUM INTO.",
)
_MOVED = _Refusal(
    "The database file was moved or replaced while it was open.", "Try again; replace it only as a whole.", passes=True
)
_DISK_FULL = _Refusal("The disk of the database file is full.", "Make room there, and try again.")
_NEEDS_TLS = _Refusal(
    "The database server wants an encrypted connection.",
    "Write ?sslmode=require at the end of FLUENCY_DATABASE_URL, in place of another sslmode. If it offers none, who "
    "runs it can add a line for this machine to its pg_hba.conf.",
)
_NO_TLS = _Refusal(
    "The database server does not offer encrypted connections.",
    "Switch TLS on there, or write another sslmode in FLUENCY_DATABASE_URL.",
)
_NOT_TRUSTED = _Refusal(
    "The certificate of the database server cannot be trusted.",
    "Check sslrootcert and the server's name in FLUENCY_DATABASE_URL, or have the certificate renewed.",
)
_POOLER = _Refusal(
    "The connection pooler in front of the database does not pass on that the app only reads.",
    "Connect to PostgreSQL itself: FLUENCY_DATABASE_URL with the server's own port.",
)
_BAD_OPTION = _Refusal(
    "The address of the database has an option that PostgreSQL does not know.",
    "Check what follows the ? in FLUENCY_DATABASE_URL.",
)
_NO_HOST = _Refusal("The name of the database server cannot be found.", CHECK_ADDRESS, passes=True)
_AWAY = _Refusal(
    "The database server does not answer.",
    "Check that it runs and can be reached from here, then try again.",
    passes=True,
)
_FOREIGN_AWAY = _Refusal(
    "The database cannot reach the server {0}, where the rows of a foreign table are.",
    "Check that it runs and can be reached from the database server, then try again.",
)
_STARTING = _Refusal(
    "The database server is starting or shutting down.",
    "Try again in a moment.",
    passes=True,
)
_FULL = _Refusal(
    "The database server has no free connection.",
    "Try again in a moment. If it stays so, raise max_connections there, or the user's connection limit.",
    passes=True,
)
_QUEUE = _Refusal("Too many people ask the database at once.", "Try again in a moment.", passes=True)
_TOO_LONG = _Refusal(
    "The database needed too long for an answer and was stopped.",
    "Choose a shorter window, create the indexes that Data health names, or raise FLUENCY_QUERY_SECONDS.",
)
_REPLICA = _Refusal(
    "The database server is a copy, and took rows away while they were read.",
    "Try again. If it happens often, switch hot_standby_feedback on there.",
    passes=True,
)
_NO_ROOM = _Refusal("The database server has run out of memory or disk space.", "Tell who runs the server.")
_UNKNOWN = _Refusal("The database could not answer.", "The log says why; Data health may help.")

_BY_CODE: tuple[tuple[str, _Refusal], ...] = (
    ("08001", _FOREIGN_AWAY),  # from a server that has let us in: it is the one that does not get through
    ("08006", _FOREIGN_AWAY),
    ("08", _AWAY),
    ("25P03", _AWAY),  # idle in a transaction for too long: a page that hung
    ("25006", _READ_ONLY),
    ("28", _WRONG_USER),
    ("3D000", _NO_DATABASE),
    ("40", _REPLICA),
    ("42501", _NO_RIGHT),
    ("42703", _NO_COLUMN),
    ("42P01", _NO_TABLE_SEEN),
    ("53300", _FULL),
    ("53", _NO_ROOM),
    ("55P03", _BUSY),
    ("57014", _TOO_LONG),
    ("57P", _STARTING),
)
_BY_SQLITE_NAME = {  # see https://sqlite.org/rescode.html
    "SQLITE_READONLY_ROLLBACK": _HOT_JOURNAL,
    "SQLITE_READONLY_RECOVERY": WAL_FILES,
    "SQLITE_READONLY_CANTINIT": WAL_FILES,
    "SQLITE_READONLY_CANTLOCK": WAL_FILES,
    "SQLITE_READONLY_DIRECTORY": _FOLDER,
    "SQLITE_IOERR_DELETE": _FOLDER,  # of a journal, which a finished or undone change removes
    "SQLITE_READONLY_DBMOVED": _MOVED,
    "SQLITE_FULL": _DISK_FULL,
}
_BY_TEXT: tuple[tuple[str, _Refusal], ...] = (
    (r"database is locked|database table is locked", _BUSY),
    (r"not a database|malformed database|disk image", _DAMAGED),
    (r"no such table: (?:main\.)?(\w+)|relation \"?(?:\w+\.)?(\w+)\"? does not exist", _NO_TABLE),
    (
        r"no such column: (?:\w+\.)?(\w+)|has no column named (\w+)|column \"?(?:\w+\.)?(\w+)\"? does not exist",
        _NO_COLUMN,
    ),
    (r"readonly database", _READ_ONLY),
    (r"unable to open", _NO_FILE),
    (r"password authentication failed", _WRONG_USER),  # goes before what libpq says of its second try without TLS
    (r"starting up|shutting down|shutdown|recovery mode|not (?:yet |currently )?accepting connections", _STARTING),
    (r"too many clients|too many connections|connection slots", _FULL),
    (r"unsupported startup parameter", _POOLER),
    (r"invalid (?:connection option|port number|\w+ value)|bad value for", _BAD_OPTION),
    (r"does not support SSL", _NO_TLS),
    (r"pg_hba\.conf rejects|pg_hba\.conf entry .*(?:SSL|GSS) encryption", _NOT_FROM_HERE),
    (r"pg_hba\.conf entry .*(?:no encryption|SSL off)", _NEEDS_TLS),
    (r"pg_hba\.conf", _NOT_FROM_HERE),
    (r"certificate authentication|valid client certificate", _WRONG_USER),
    (r"certificate", _NOT_TRUSTED),
    (r"password|authentication|role \"[^\"]+\" (?:does not exist|is not permitted)|SCRAM", _WRONG_USER),
    (r"database \"?([^\"]+?)\"? does not exist", _NO_DATABASE),
    (r"permission denied for database \"?([^\"\n]+)\"?", _NO_ENTRY),
    (r"permission denied for \w+ \"?(\w+)\"?", _NO_RIGHT),
    (r"resolve host|translate host name|name or service not known|name resolution|idna|label", _NO_HOST),
    (
        r"could not connect|refused|connection failed|connection is (?:bad|closed|lost)|server closed|timeout|timed out"
        r"|SSL error|SSL connection|reset by peer|unreachable|no route|SYSCALL|EOF detected|consuming input",
        _AWAY,
    ),
)


def problem_of(error: SQLAlchemyError | OSError | ValueError) -> DatabaseProblem:
    """The problem behind what a driver raised."""
    original = getattr(error, "orig", None) or error
    message = str(original)
    sqlite_name = getattr(original, "sqlite_errorname", "")
    if isinstance(error, TimeoutError):
        return DatabaseProblem(*_QUEUE[:2], passes=True)
    if found := _BY_SQLITE_NAME.get(sqlite_name):
        return DatabaseProblem(*found[:2], passes=found.passes)
    refusal, name = _by_code(str(getattr(original, "sqlstate", None) or ""), message) or _by_text(message)
    if refusal is _UNKNOWN and sqlite_name not in ("", "SQLITE_ERROR"):
        refusal = _Refusal(f"The database could not answer: {sqlite_name}.", _UNKNOWN.remedy)
    return DatabaseProblem(refusal.what.format(name), refusal.remedy, passes=refusal.passes)


def problem_of_table(error: SQLAlchemyError) -> TableProblem | None:
    """The problem behind what a driver raised, in words that hold nothing of the data; None where it is not of a table.

    What is unknown is told in the database's own words, up to the first that could be a value.
    """
    problem = problem_of(error)
    if getattr(error, "connection_invalidated", False) or problem.passes:
        return None
    if problem.remedy != _UNKNOWN.remedy:
        return TableProblem(problem.what, problem.remedy)
    said = re.split(r"[:\"'»«„“(\n]", str(getattr(error, "orig", error)), maxsplit=1)[0].strip().rstrip(".")
    return TableProblem(f"The database says: {said}.", "Mend the view or the table.")


def _by_code(code: str, message: str) -> tuple[_Refusal, str] | None:
    """What is missing has its name in quotes, or a right that is missing at the end, in whatever language."""
    first_line = message.partition("\n")[0]
    guess = re.search(r"[\"»«„“](?:\w+\.)?(\w+)[\"»«“”]", first_line) or re.search(r"(\w+)\W*$", first_line)
    in_english, name = _by_text(message)
    for start, refusal in _BY_CODE:
        if code.startswith(start):
            return refusal, name if in_english.what == refusal.what else guess[1] if guess else ""
    return None


def _by_text(message: str) -> tuple[_Refusal, str]:
    for pattern, refusal in _BY_TEXT:
        if match := re.search(pattern, message, re.IGNORECASE):
            return refusal, next((part for part in match.groups() if part), "")
    return _UNKNOWN, ""
