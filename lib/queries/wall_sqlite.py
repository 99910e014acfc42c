"""The wall around a statement in SQLite: a process of its own, which `lib.queries.sqlite_apart` describes.

Some of SQLite's functions take minutes for one value, and nothing that SQLite offers ends them; killing the process
does, whatever it works on.
"""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from lib.queries.guard import Fetched, Limits, OutOfTime, Refused, Stop, Withheld
from lib.queries.sqlite_apart import READY, Question, Reply, read
from lib.refusals import problem_of
from lib.schema import TABLES

ROOT = Path(__file__).parents[2]
# Without site-packages, the environment's settings for Python, and files of its own.
COMMAND = [sys.executable, "-ESsB", "-c", "from lib.queries.sqlite_apart import main; main()"]
KNOWN = {str(table.name): frozenset(map(str, table.columns.keys())) for table in TABLES}
BEHIND_VIEWS = "fluency_behind_views"  # option of a connection: the tables that the app knows are all there is


def fetched(
    connection: Connection, statement: Executable, limits: Limits, withheld: Withheld, is_cleaned: bool, stop: Stop
) -> Fetched:
    """See `lib.queries.wall.fetched`; with ``is_cleaned`` addresses are replaced in every column."""
    compiled: Any = statement.compile(dialect=connection.dialect)  # type: ignore[attr-defined]
    question = Question(
        address=f"{connection.engine.url.database}?mode=ro",
        sql=str(compiled),
        values=tuple(compiled.params[name] for name in compiled.positiontup or ()),
        limits=limits,
        known=KNOWN,
        withheld=withheld,
        is_cleaned=is_cleaned,
        is_behind_views=bool(withheld) or BEHIND_VIEWS in connection.get_execution_options(),
    )
    reply = asked_apart(question, stop)
    if reply.kind == "problem":
        raise problem_of(SQLAlchemyError(reply.what))
    if reply.kind == "refusal":
        raise Refused(reply.what)
    if reply.kind == "error":
        raise DBAPIError(None, None, Exception(reply.what))
    names, rows, is_cut = reply.what
    return names, [tuple(row) for row in rows], is_cut


def asked_apart(question: Question, stop: Stop) -> Reply:
    """What a process of its own says, which does not outlive the wish to stop or its time. Raises OutOfTime."""
    with subprocess.Popen(
        COMMAND, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        try:
            with stop.heard_by(process.kill):
                output = b"" if stop.is_wished else _exchanged(process, pickle.dumps(question), question.limits.seconds)
        except subprocess.TimeoutExpired as late:
            raise OutOfTime from late
        finally:
            process.kill()
    if stop.is_wished:
        raise OutOfTime
    if not output:
        raise Refused("Its process came to an end before it had an answer.")
    return read(output)


def _exchanged(process: subprocess.Popen[bytes], question: bytes, seconds: float) -> bytes:
    """The reply, empty where there is none. Its time begins when the process has started."""
    is_ready = process.stdout is not None and process.stdout.read(len(READY)) == READY
    return process.communicate(question, timeout=seconds)[0] if is_ready else b""
