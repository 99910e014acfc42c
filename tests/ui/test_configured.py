from __future__ import annotations

from pathlib import Path

import pytest
import streamlit as st

from lib.settings import Settings, SettingsError
from lib.ui import configured
from lib.ui.configured import settings_now


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings files of these tests alone; the folder that they are in."""
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setitem(Settings.model_config, "toml_file", tmp_path / "secrets.toml")
    monkeypatch.delenv("FLUENCY_TOP", raising=False)
    st.cache_resource.clear()
    return tmp_path


def test_a_setting_that_changes_in_the_environment_counts_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_now().top == 10
    monkeypatch.setenv("FLUENCY_TOP", "7")
    assert settings_now().top == 7
    monkeypatch.setenv("fluency_top", "8")
    monkeypatch.delenv("FLUENCY_TOP")
    assert settings_now().top == 8


@pytest.mark.parametrize(
    ("name", "line"), [(".env", "FLUENCY_ROLE_ADMIN=a@b.c"), ("secrets.toml", 'FLUENCY_ROLE_ADMIN = "a@b.c"')]
)
def test_a_role_that_is_taken_out_of_a_file_is_gone_at_once(files: Path, name: str, line: str) -> None:
    (files / name).write_text(line)
    assert settings_now().role_admin == ("a@b.c",)
    (files / name).write_text(line.replace("a@b.c", "x@y.z"))
    assert settings_now().role_admin == ("x@y.z",)
    (files / name).unlink()
    assert settings_now().role_admin == ()


def test_settings_that_stay_the_same_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(configured, "load_settings", lambda: read.append(1) or Settings())
    assert settings_now() is settings_now()
    assert len(read) == 1


def test_a_broken_setting_is_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENCY_TOP", "many")
    for _ in range(2):
        with pytest.raises(SettingsError, match="FLUENCY_TOP"):
            settings_now()
