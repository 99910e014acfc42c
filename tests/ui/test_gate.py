from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from lib.access import Role
from lib.open_files import files_open_to_others
from lib.settings import PREFIX, Settings
from tests.pages.app import ROOT, as_shown, drawn, forget_everything, links, said

EXAMPLE = ROOT / ".streamlit" / "secrets.example.toml"
GOOD: dict[str, Any] = {
    "redirect_uri": "https://analytics.example.org/oauth2callback",
    "cookie_secret": "long enough, and of this test alone",
    "client_id": "fluency-lab",
    "client_secret": "secret-of-the-client",
    "server_metadata_url": "https://login.example.org/.well-known/openid-configuration",
}


@pytest.fixture(autouse=True)
def _fresh_server(tmp_path: Path, worked_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", tmp_path / ".env")
    monkeypatch.setitem(Settings.model_config, "toml_file", tmp_path / "secrets.toml")
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(worked_path))
    monkeypatch.setenv("FLUENCY_AUDIT", str(tmp_path / "audit.jsonl"))
    monkeypatch.setenv("FLUENCY_ROLE_VIEWER", "@guests.test")
    forget_everything()


def visited(auth: object, **claims: Any) -> AppTest:
    """Home, under these settings of sign-in, with the claims of a sign-in where there are any."""
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60)
    if auth is not None:
        app.secrets["auth"] = auth
    if claims:
        signed_in = {"is_logged_in": True, "sub": "v", "exp": time.time() + 60, "email_verified": True}
        app.user = signed_in | claims
    return drawn(app)


def test_who_is_not_signed_in_reads_which_setting_is_wrong_and_not_what_stands_in_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("FLUENCY_ROLE_ADMIN", "ada@staff.test, oops")
    shown = sentence(visited(GOOD))
    assert "These settings cannot be used: FLUENCY_ROLE_ADMIN." in shown
    assert "ada@staff.test" not in shown
    assert "ada@staff.test" in caplog.text
    assert "ada@staff.test" in sentence(visited(None)), "who sits at the machine reads all of it"


def sentence(app: AppTest) -> str:
    return as_shown(said(app))


def test_with_sign_in_nobody_sees_anything_before_it() -> None:
    app = visited(GOOD)
    assert [button.label for button in app.button] == ["Sign in"]
    assert "Sign in to see the figures." in [text.value for text in app.markdown]
    assert links(app) == {}


def test_each_provider_has_a_button_with_its_name() -> None:
    section = {name: GOOD[name] for name in ("client_id", "client_secret", "server_metadata_url")}
    shared = {name: GOOD[name] for name in ("redirect_uri", "cookie_secret")}
    app = visited({**shared, "google": section, "keycloak": section})
    assert [button.label for button in app.button] == ["Sign in with Google", "Sign in with Keycloak"]


def test_who_has_a_role_sees_its_pages() -> None:
    app = visited(GOOD, email="vera@guests.test", aud="fluency-lab", provider="default")
    assert {"Home", "Engagement"} <= set(links(app))
    assert not {"Mistakes", "Conversion", "Analyses", "SQL", "Reports", "Data health", "Audit"} & set(links(app))


@pytest.mark.parametrize(
    ("name", "value", "lack"),
    [
        ("redirect_uri", None, "redirect_uri is not https://"),
        ("redirect_uri", "https://analytics.example.org/", "redirect_uri is not https://"),
        ("redirect_uri", "http://analytics.example.org/oauth2callback", "redirect_uri is not https://"),
        ("cookie_secret", None, "cookie_secret has fewer than 32 characters"),
        ("cookie_secret", "", "cookie_secret has fewer than 32 characters"),
        ("cookie_secret", "a" * 31, "cookie_secret has fewer than 32 characters"),
        ("client_id", None, "client_id is missing"),
        ("client_secret", None, "client_secret is missing"),
        ("server_metadata_url", None, "server_metadata_url is not an address that begins with https://"),
        ("server_metadata_url", "http://login.example.org/x", "server_metadata_url is not an address"),
        ("my_provider", {"client_id": "a"}, "the name my_provider has an underscore"),
    ],
)
def test_sign_in_that_is_set_up_by_half_lets_nobody_in(name: str, value: object, lack: str) -> None:
    auth = {key: entry for key, entry in {**GOOD, name: value}.items() if entry is not None}
    app = visited(auth, email="vera@guests.test")
    assert lack in sentence(app)
    assert links(app) == {}
    assert not set(map(str, GOOD.values())) & set(sentence(app).split())


@pytest.mark.parametrize("auth", [{}, "yes", 1])
def test_an_empty_section_is_not_the_same_as_none(auth: object) -> None:
    assert "Nobody can sign in." in sentence(visited(auth))


@contextmanager
def secrets_in(file: Path) -> Iterator[None]:
    """Streamlit reads its secrets from ``file``."""
    before = st.get_option("secrets.files")
    st.runtime.secrets.secrets_singleton._reset()
    st.config.set_option("secrets.files", [str(file)])
    yield
    st.config.set_option("secrets.files", before)
    st.runtime.secrets.secrets_singleton._reset()


def test_a_file_of_secrets_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[auth\n")
    with secrets_in(broken):
        app = visited(None)
    assert "cannot be read as TOML" in sentence(app)
    assert links(app) == {}


def test_the_example_is_refused_until_it_is_filled_in_and_then_complete() -> None:
    example = tomllib.loads(EXAMPLE.read_text())
    assert "cookie_secret has fewer than 32 characters" in sentence(visited(example["auth"]))
    app = visited({**example["auth"], "cookie_secret": "x" * 64})
    assert [button.label for button in app.button] == [
        f"Sign in with {name}" for name in ("Google", "Microsoft", "Keycloak")
    ]
    rules = {name.removeprefix(PREFIX).lower(): value for name, value in example.items() if name != "auth"}
    assert set(rules) == {f"role_{role}" for role in Role}
    assert Settings(**rules).role_sales == ("groups=sales", "ann@example.org")


@pytest.fixture
def reachable() -> Iterator[Path]:
    """A file in a folder that everybody may enter; those that pytest makes are closed to others."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        secrets = Path(folder) / "secrets.toml"
        secrets.touch()
        yield secrets


def test_a_file_is_open_where_every_user_of_the_machine_can_read_it(reachable: Path) -> None:
    for mode, is_open in ((0o600, False), (0o640, False), (0o644, True), (0o604, True)):
        reachable.chmod(mode)
        assert files_open_to_others([reachable, reachable / "missing"]) == [reachable] * is_open
    reachable.parent.chmod(0o700)
    assert files_open_to_others([reachable]) == []


def test_secrets_that_others_can_read_are_told_in_the_log_and_on_the_page(
    reachable: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reachable.write_text("anything = 'a secret'")
    reachable.chmod(0o644)
    with secrets_in(reachable):
        assert f"Other users of this machine can read {reachable}." in sentence(visited(None))
        visited(None)
    told = [record.message for record in caplog.records if "Other users" in record.message]
    assert len(told) == 1
    assert f"chmod o-r {reachable}" in told[0]
    assert "a secret" not in told[0]
