from __future__ import annotations

from pathlib import Path

import pytest

from lib.settings import PREFIX, Settings
from tests.pages.app import Clock, forget_everything


@pytest.fixture(autouse=True)
def _fresh_server(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    worked_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worked cases as the database, all settings at their defaults, nothing remembered, always the same day."""
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setitem(Settings.model_config, "toml_file", tmp_path / "secrets.toml")
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(worked_path))
    monkeypatch.setenv("FLUENCY_AUDIT", str(tmp_path_factory.mktemp("audit") / "audit.jsonl"))
    monkeypatch.setenv("FLUENCY_REPORTS_FOLDER", str(tmp_path / "reports"))
    monkeypatch.setattr("lib.ui.door.datetime", Clock)
    forget_everything()
