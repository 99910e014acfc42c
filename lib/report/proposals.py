"""Analyses that somebody proposes: files that nothing runs until an administrator has moved and committed them."""

from __future__ import annotations

import re
from pathlib import Path

from lib.queries.own import AnalysisProblem
from lib.report.analyses import LARGEST_FILE

PROPOSED = "proposed"  # folder within that of the analyses; only what lies directly in there is run
MOST = 500
LONGEST_TITLE, LONGEST_DESCRIPTION = 80, 400
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}")
_OWN_HEADING = re.compile(r"\s*--\s*(title|description)\s*:", re.IGNORECASE)


def proposal_text(sql: str, title: str, description: str) -> str:
    """The file: title and description as comment lines, then the statement without such lines of its own."""
    lines = sql.strip().splitlines()
    while lines and (_OWN_HEADING.match(lines[0]) or not lines[0].strip()):
        lines.pop(0)
    said = [("title", title, LONGEST_TITLE), ("description", description, LONGEST_DESCRIPTION)]
    heading = [f"-- {kind}: {' '.join(text.split())[:longest]}" for kind, text, longest in said if text.strip()]
    return "\n".join([*heading, "", *lines, ""]).lstrip("\n")


def propose(folder: Path, name: str, content: str) -> Path:
    """Write ``content`` as NAME.sql into the folder of proposals; raises AnalysisProblem, never overwrites a file."""
    if not _NAME.fullmatch(name):
        raise AnalysisProblem(
            "The name must begin with a letter and have nothing but small letters a to z, digits and _, at most 60."
        )
    if len(content.encode()) > LARGEST_FILE:
        raise AnalysisProblem("The statement is too long for a file.")
    path = folder / PROPOSED / f"{name}.sql"
    if path.exists() or (folder / path.name).exists():
        raise AnalysisProblem(f"There is an analysis {path.name} already: choose another name.")
    try:
        _folder(path.parent)
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(content)
    except FileExistsError as error:
        raise AnalysisProblem(f"There is an analysis {path.name} already: choose another name.") from error
    except OSError as error:
        raise AnalysisProblem(
            "The app may not write into the folder of analyses here: take the file to an administrator."
        ) from error
    return path


def _folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
    if len(list(folder.iterdir())) >= MOST:
        raise AnalysisProblem(f"There are {MOST} proposals already: ask an administrator to look at them.")
