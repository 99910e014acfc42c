from __future__ import annotations

from pathlib import Path

import pytest

from lib.settings import PREFIX, Settings
from tests.pages.app import Clock, forget_everything


@pytest.fixture(scope="module", autouse=True)
def _server_of_the_module() -> None:
    """The tests of a module visit one server: what it has worked out of a database it does not work out again."""
    forget_everything()


@pytest.fixture
def fresh_server() -> None:
    """A server that remembers nothing: where a test counts what is asked, or its database goes away."""
    forget_everything()


@pytest.fixture(autouse=True)
def _installation(
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    worked_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The worked cases as the database, all settings at their defaults, always the same day."""
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setitem(Settings.model_config, "toml_file", tmp_path / "secrets.toml")
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(worked_path))
    monkeypatch.setenv("FLUENCY_AUDIT", str(tmp_path_factory.mktemp("audit") / "audit.jsonl"))
    monkeypatch.setenv("FLUENCY_REPORTS_FOLDER", str(tmp_path / "reports"))
    monkeypatch.setattr("lib.ui.door.datetime", Clock)
