"""The settings as they are now, read again when something about them changed: reading takes longer than many a page."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from lib.settings import PREFIX, Settings, load_settings


def settings_now() -> Settings:
    """The settings of this installation; a changed one counts from the next click on. Raises SettingsError."""
    given = sorted((name, value) for name, value in os.environ.items() if name.upper().startswith(PREFIX))
    files = [Path(str(Settings.model_config.get(name))) for name in ("env_file", "toml_file")]
    return _settings(repr((given, [_state(file) for file in files])))


@st.cache_resource(max_entries=4, show_spinner=False)
def _settings(state: str) -> Settings:  # state is what it is remembered by
    return load_settings()


def _state(file: Path) -> tuple[str, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return str(file), found.st_ino, found.st_size, found.st_mtime_ns
