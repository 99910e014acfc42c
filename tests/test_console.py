"""Every command ends as it should where the console cannot show what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib.settings import ROOT
from tests.factory import worked_case

FOLDER = "Bücher 報告"
SAID = rb"B\xfccher \u5831\u544a"


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        (["daily_reports.py"], ["--database-url", "worked.db", "--output", FOLDER]),
        (["daily_reports.py"], ["--status", "--output", FOLDER]),
        (["-m", "lib.sync"], ["--from", f"{FOLDER}/nothing.db", "--to", "target.db"]),
        (["-m", "lib.schema"], ["create-indexes", f"{FOLDER}/nothing.db"]),
        (["-m", "lib.sample"], ["--out", f"{FOLDER}/sample.db", "--users", "50"]),
    ],
)
def test_a_name_that_the_console_cannot_show_is_escaped(program: list[str], arguments: list[str], tmp_path: Path):
    (tmp_path / FOLDER).mkdir()
    worked_case(tmp_path / "worked.db")
    run = [str(ROOT / program[0]) if program[0].endswith(".py") else program[0], *program[1:]]
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *run, *arguments], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    assert SAID in done.stdout + done.stderr
    assert b"Error" not in done.stderr
    assert done.returncode == (0 if "worked.db" in arguments or "lib.sample" in program else 1)
