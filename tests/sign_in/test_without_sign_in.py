from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lib.access import PAGES
from tests.ports import free_port
from tests.sign_in.parts import copy_tree, running_apps
from tests.sign_in.site import addresses_in, found_in
from tests.sign_in.wire import wire

MISSING = (
    "Sign-in is not set up: the section [auth] is missing in .streamlit/secrets.toml. "
    "The file .streamlit/secrets.example.toml shows how it is written."
)


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory, database: Path) -> Iterator[tuple[int, int]]:
    """Two processes without sign-in: one that listens on this machine alone, as usual, and one for everybody."""
    folder = tmp_path_factory.mktemp("local")
    tree, log = copy_tree(folder / "tree"), folder / "log.txt"
    near, far = free_port(), free_port()
    state = {"database_url": str(database), "audit": str(folder / "audit.jsonl"), "reports_folder": str(folder)}
    with (
        running_apps(tree, [near], log, **state),
        running_apps(tree, [far], log, "--server.address", "0.0.0.0", **state),
    ):
        yield near, far


def test_who_sits_at_the_machine_sees_everything(ports: tuple[int, int], database: Path) -> None:
    for host in ("", f"localhost:{ports[0]}", f"[::1]:{ports[0]}"):
        with wire(ports[0], host) as session:
            assert "Conversion" in session.open("conversion")
            assert len(session.links()) > 5
            assert any(found_in(frame, addresses_in(database)) for frame in session.frames)


def test_a_proxy_that_asks_by_the_name_of_this_machine_is_known_by_the_address_of_the_page(
    ports: tuple[int, int], database: Path
) -> None:
    with wire(ports[0], origin=f"http://0.0.0.0:{ports[0]}") as session:  # one that Streamlit itself takes for its own
        why = "it was asked for by another name"
        assert session.open("conversion") == f"This app serves only the machine that it runs on, and {why}. {MISSING}"
        assert not any(found_in(frame, addresses_in(database)) for frame in session.frames)


@pytest.mark.parametrize(
    ("host", "headers", "why"),
    [
        ("", {"X-Forwarded-For": "203.0.113.7"}, "you are on another machine"),
        ("", {"X-Forwarded-For": "127.0.0.1"}, "you come through a proxy"),
        ("", {"Forwarded": "for=127.0.0.1"}, "you come through a proxy"),
        ("", {"X-Real-IP": "127.0.0.1"}, "you come through a proxy"),
        ("", {"X-Forwarded-Host": "localhost"}, "you come through a proxy"),
        ("analytics.example.org", {}, "it was asked for by another name"),
        ("127.0.0.1.example.org:8501", {}, "it was asked for by another name"),
        ("localhost.example.org", {}, "it was asked for by another name"),
        ("192.0.2.1:8501", {}, "it was asked for by another name"),
    ],
)
def test_who_comes_from_elsewhere_learns_what_is_missing_and_nothing_else(
    host: str, headers: dict[str, str], why: str, ports: tuple[int, int], database: Path
) -> None:
    for page in ("", "conversion"):
        with wire(ports[0], host, origin=f"http://{host}" if host else None, headers=headers) as session:
            sentence = session.open(page)
            assert sentence == f"This app serves only the machine that it runs on, and {why}. {MISSING}"
            assert not any(found_in(frame, addresses_in(database)) for frame in session.frames)


def test_an_app_that_listens_on_every_address_shows_nobody_anything(ports: tuple[int, int], database: Path) -> None:
    why = "it listens on an address that other machines reach"
    for page in PAGES:
        with wire(ports[1]) as session:
            sentence = session.open("" if page == "home" else page)
            assert sentence == f"This app serves only the machine that it runs on, and {why}. {MISSING}"
            assert not any(found_in(frame, addresses_in(database)) for frame in session.frames)
