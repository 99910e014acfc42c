"""Real parts on loopback: an OpenID provider, processes of the app in a copy of the tree, and nginx with TLS before."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tests.browser.app import PATIENCE, ROOT

PROVIDER = Path(__file__).parent / "provider"
NAME = "analytics.localhost"  # browsers know that names under localhost are this machine
CLIENT = {"client_id": "fluency-lab", "client_secret": "a secret of the tests and of nobody else"}
TREE = ("Home.py", "lib", "pages", "analyses", ".streamlit")


@contextmanager
def running(arguments: Sequence[str | Path], log: Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs meanwhile; what it prints goes to ``log``."""
    with log.open("ab") as output:
        program = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, **options)
    try:
        yield program
    finally:
        program.terminate()
        try:
            program.wait(timeout=10)
        except subprocess.TimeoutExpired:  # a browser still holds a connection
            program.kill()
            program.wait()


@contextmanager
def running_provider(redirect_uris: Sequence[str], users: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """An OpenID provider for ``users``: claims, and how many seconds a sign-in lasts, by name. Its address."""
    node = shutil.which("node")
    assert node, "The tests of sign-in need node: apt install nodejs npm"
    client = {**CLIENT, "redirect_uris": redirect_uris, "post_logout_redirect_uris": redirect_uris}
    with subprocess.Popen(
        [node, PROVIDER / "server.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as provider:
        assert provider.stdin
        assert provider.stdout
        provider.stdin.write(json.dumps({"client": client, "users": users}).encode() + b"\n")
        provider.stdin.flush()
        address = provider.stdout.readline().decode().strip()
        assert address, "The provider did not start: make tests/sign_in/provider/node_modules/.stamp"
        yield address
        provider.stdin.close()


def copy_tree(folder: Path) -> Path:
    """The app in a folder of its own, without anybody's settings, for settings of ours."""
    folder.mkdir()
    for name in TREE:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", "secrets.toml"))
        else:
            shutil.copy(source, folder)
    return folder


@contextmanager
def running_apps(tree: Path, ports: Sequence[int], log: Path, *options: str, **settings: str) -> Iterator[None]:
    """Processes of the app in ``tree``, one a port, as the service of docs/deployment has them."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FLUENCY_", "STREAMLIT_"))}
    own |= {f"FLUENCY_{name.upper()}": value for name, value in settings.items()}
    own |= {"HOME": str(tree / "nowhere"), "PYTHONDONTWRITEBYTECODE": "1"}
    with ExitStack() as stack:
        for port in ports:
            command = [sys.executable, "-m", "streamlit", "run", "Home.py", "--server.port", str(port), *options]
            stack.enter_context(running(command, log, cwd=tree, env=own))
        for port in ports:
            wait_for(partial(_answers, f"http://127.0.0.1:{port}/_stcore/health"))
        yield


def wait_for(happened: Callable[[], object]) -> None:
    """Until something has happened."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=PATIENCE):
            return True
    except (URLError, OSError):
        return False


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def filled_in(text: str, *pairs: tuple[str, str]) -> str:
    """The text of a file in docs with our values; each thing to fill in is there."""
    for wanted, ours in pairs:
        assert wanted in text, f"{wanted} is not in the file any more"
        text = text.replace(wanted, ours)
    return text


@contextmanager
def running_nginx(folder: Path, port: int, plain_port: int, apps: Sequence[int]) -> Iterator[None]:
    """The nginx of docs/deployment on ``port`` before the processes at ``apps``, with a certificate of our own."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert nginx, "The tests of sign-in need nginx: apt install nginx-light"
    make_certificate(folder)
    site = filled_in(
        (ROOT / "docs/deployment/nginx.conf").read_text(),
        ("listen [::]:80;", ""),
        ("listen [::]:443 ssl default_server;", ""),
        ("listen [::]:443 ssl http2;", ""),
        ("analytics.example.org;", f"{NAME};"),
        ("listen 80;", f"listen 127.0.0.1:{plain_port};"),
        ("listen 443 ", f"listen 127.0.0.1:{port} "),
        ("/etc/letsencrypt/live/analytics.example.org/fullchain.pem", str(folder / "certificate.pem")),
        ("/etc/letsencrypt/live/analytics.example.org/privkey.pem", str(folder / "key.pem")),
        ("server 127.0.0.1:8501;", f"server 127.0.0.1:{apps[0]};"),
        ("# server 127.0.0.1:8502;", f"server 127.0.0.1:{apps[1]};"),
    )
    (folder / "site.conf").write_text(site)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    user = "user root;" if os.geteuid() == 0 else ""  # others may not enter the folder
    (folder / "nginx.conf").write_text(
        f"{user} pid {folder}/pid; daemon off; error_log stderr; worker_processes 1; events {{}}\n"
        f"http {{ types {{}} access_log off; {paths} include {folder}/site.conf; }}\n"
    )
    with running([nginx, "-p", folder, "-c", folder / "nginx.conf"], folder / "log.txt"):
        wait_for(lambda: _listens(port))
        yield


def make_certificate(folder: Path) -> None:
    """certificate.pem and key.pem for NAME."""
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={NAME} "
        f"-addext subjectAltName=DNS:{NAME} -keyout key.pem -out certificate.pem".split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
