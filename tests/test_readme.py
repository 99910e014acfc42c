"""The tables of the README say what the code does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from lib.access import FIELDS, PAGES, Role
from lib.settings import PREFIX, Settings
from lib.ui import sidebar

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def table(first: str) -> dict[str, set[str]]:
    """The rows of the table whose first column has this heading: which roles have a yes."""
    lines = README[README.index(f"| {first} |") :].split("\n\n")[0].splitlines()
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: {name for name, cell in zip(head[1:], row[1:], strict=True) if cell == "yes"} for row in rows}


def test_the_readme_prints_which_role_opens_which_page() -> None:
    names = {Path(path).stem.lower(): label for path, label, _ in sidebar.PAGES}
    assert table("page") == {names[page]: {str(role) for role in roles} for page, roles in PAGES.items()}


def test_the_readme_prints_which_role_sees_which_field() -> None:
    assert table("what is withheld from others") == {str(one): {str(role) for role in FIELDS[one]} for one in FIELDS}


def test_every_setting_is_in_the_readme() -> None:
    told = re.findall(r"`((?:FLUENCY)?_[A-Z_]+)`", README)
    missing = [name for name in Settings.model_fields if not any((PREFIX + name.upper()).endswith(one) for one in told)]
    assert missing == []


def test_every_role_has_its_setting() -> None:
    assert all(f"role_{role}" in Settings.model_fields for role in Role)


def test_the_schedules_of_the_readme_are_those_of_the_document() -> None:
    document = (Path(__file__).parents[1] / "docs" / "daily_report.md").read_text(encoding="utf-8")
    lines = re.findall(r"^(0 8 \* \* \* .*?|OnCalendar=.*?|schtasks .*?)(?:  +#.*)?$", README, re.MULTILINE)
    assert len(lines) == 3
    assert all(f"{line}\n" in document for line in lines)


def test_the_time_of_the_systemd_timer_is_one_that_systemd_understands() -> None:
    (when,) = re.findall(r"^OnCalendar=(.*?) +#", README, re.MULTILINE)
    done = subprocess.run(["systemd-analyze", "calendar", when], check=False, capture_output=True, text=True)
    assert "Next elapse" in done.stdout, done.stderr
