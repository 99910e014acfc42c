from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib.report.proposals import PROPOSED
from lib.settings import Settings
from tests.browser.app import ROOT
from tests.sign_in.parts import filled_in

UNIT = ROOT / "docs" / "deployment" / "fluency-lab@.service"


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The service with the names of this machine."""
    service = tmp_path / "fluency-lab@8501.service"
    service.write_text(
        filled_in(
            UNIT.read_text(),
            ("User=fluency-lab", "User=daemon"),
            ("Group=fluency-lab", "Group=daemon"),
            ("/srv/fluency-lab/.venv/bin/python", sys.executable),
            ("WorkingDirectory=/srv/fluency-lab", f"WorkingDirectory={ROOT}"),
        )
    )
    return service


def analyzed(*arguments: str | Path) -> tuple[int, str]:
    """What systemd says, and whether it is content (0)."""
    done = subprocess.run(["systemd-analyze", *arguments], check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def test_systemd_takes_the_service_as_it_is_written(unit: Path) -> None:
    assert analyzed("verify", "--man=no", "--recursive-errors=no", unit) == (0, "")


def test_systemd_counts_the_service_among_the_well_closed(unit: Path) -> None:
    code, report = analyzed("security", "--offline=true", "--threshold=40", "--no-pager", unit)
    assert code == 0, report
    open_doors = [line for line in report.splitlines() if line.startswith("✗")]
    assert open_doors
    for closed in ("ProtectSystem=", "ProtectHome=", "PrivateTmp=", "NoNewPrivileges=", "CapabilityBoundingSet="):
        assert closed in report
        assert not any(closed in line for line in open_doors), closed


def test_the_service_may_write_where_analyses_are_proposed_and_the_guide_makes_that_folder() -> None:
    writable = re.findall(r"^ReadWritePaths=(.*)$", UNIT.read_text(), re.MULTILINE)[0].split()
    folder = f"{Path(Settings.model_fields['analyses_folder'].default).relative_to(ROOT)}/{PROPOSED}"
    assert f"-/srv/fluency-lab/{folder}" in writable
    assert f"install -d -o fluency-lab -g fluency-lab -m 0700 {folder}" in (ROOT / "docs" / "deployment.md").read_text()


def test_the_guide_names_each_of_its_files() -> None:
    guide = (ROOT / "docs" / "deployment.md").read_text()
    for file in (ROOT / "docs" / "deployment").iterdir():
        assert f"deployment/{file.name}" in guide
    assert ".streamlit/secrets.example.toml" in guide
