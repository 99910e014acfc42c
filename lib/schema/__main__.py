"""The indexes and the keys of a production database, printed or made.

python -m lib.schema create-indexes URL           prints the statements
python -m lib.schema create-indexes URL --apply   runs them, and ANALYZE
python -m lib.schema distribute URL               prints what spreads the tables over a Citus cluster
python -m lib.schema distribute URL --apply       does it, in one transaction
"""

from __future__ import annotations

import argparse
import sys

from sqlalchemy import Connection

from lib.console import escape_what_cannot_be_shown
from lib.database import DatabaseProblem, connect, database_url, open_engine
from lib.schema.distribute import make_plan, run_plan
from lib.schema.indexes import create_indexes, index_statements, indexes_for, owners


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when all went well, 1 with a sentence on standard error when not."""
    escape_what_cannot_be_shown()
    options = _parser().parse_args(arguments)
    try:
        statements = options.command(options.url, options.apply)
    except DatabaseProblem as problem:
        print(*problem.in_command("the address"), file=sys.stderr)
        return 1
    print(";\n".join(statements) + ";")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lib.schema", description="Indexes and keys for the app's queries.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, what in (
        ("create-indexes", _create_indexes, "print the CREATE INDEX statements, or run them"),
        ("distribute", _distribute, "print what spreads the tables over a Citus cluster by user, or do it"),
    ):
        added = commands.add_parser(name, help=what)
        added.add_argument("url", help="SQLAlchemy URL, or the path of a SQLite file")
        added.add_argument("--apply", action="store_true", help="run the statements, and ANALYZE")
        added.set_defaults(command=command)
    return parser


def _create_indexes(url: str, apply: bool) -> list[str]:
    engine = open_engine(database_url(url), writable=apply)
    with connect(engine) as connection:
        if not indexes_for(connection):
            raise DatabaseProblem(
                "The database has none of the seven tables.",
                "Check the address. If they are there, grant the database user USAGE on their schema.",
            )
        statements = index_statements(connection)
        if apply:
            _check_owner(connection)
            create_indexes(connection)
    return statements


def _check_owner(connection: Connection) -> None:
    """PostgreSQL would say it of the first index alone, and of statistics in a warning."""
    if others := owners(connection):
        who = " and ".join(sorted(set(others.values())))
        raise DatabaseProblem(
            f"Only the owner of {', '.join(others)} can do this, which is {who}.",
            "Connect as the owner or as a superuser, or hand on what is printed without --apply.",
        )


def _distribute(url: str, apply: bool) -> list[str]:
    engine = open_engine(database_url(url), writable=apply)
    with connect(engine) as connection:
        plan = make_plan(connection)
        if plan.obstacles:
            raise DatabaseProblem("\n".join(plan.obstacles), "\nNothing was changed.")
        if apply:
            _check_owner(connection)
            run_plan(connection, plan)
    return plan.script or ["-- The seven tables are distributed by user_id already: nothing to do"]


if __name__ == "__main__":
    sys.exit(main())
