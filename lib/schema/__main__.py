"""The indexes of a production database, printed or created.

python -m lib.schema create-indexes URL           prints the statements
python -m lib.schema create-indexes URL --apply   runs them, and ANALYZE
"""

from __future__ import annotations

import argparse
import sys

from lib.database import DatabaseProblem, connect, database_url, open_engine
from lib.schema import create_indexes, create_statement, indexes_for


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 0 when all went well, 1 with a sentence on standard error when not."""
    parser = argparse.ArgumentParser(prog="python -m lib.schema", description="Indexes that the app's queries need.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser("create-indexes", help="print the CREATE INDEX statements, or run them")
    create.add_argument("url", help="SQLAlchemy URL, or the path of a SQLite file")
    create.add_argument("--apply", action="store_true", help="create the indexes, then ANALYZE")
    options = parser.parse_args(arguments)
    try:
        engine = open_engine(database_url(options.url), writable=options.apply)
        with connect(engine) as connection:
            statements = [create_statement(index, engine.dialect) for index in indexes_for(connection)]
            if options.apply:
                create_indexes(connection)
    except DatabaseProblem as problem:
        print(problem.what, problem.remedy, file=sys.stderr)
        return 1
    print(";\n".join([*statements, "ANALYZE"]) + ";")
    return 0


if __name__ == "__main__":
    sys.exit(main())
