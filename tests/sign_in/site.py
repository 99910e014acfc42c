"""The app with sign-in as it stands on a server: who there is, what they may, and a browser that keeps all it gets."""

from __future__ import annotations

import io
import json
import re
import sqlite3
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import BrowserContext, Page, WebSocket, expect

from lib.access import PAGES, Role, Visitor
from lib.ui.text import UNSEEN
from tests.browser.visitor import DONE
from tests.browser.visitor import Visitor as Tab
from tests.sign_in.parts import CLIENT, NAME
from tests.sign_in.wire import PATIENCE, Wire, wire

HOUR = 3600
LONGEST = 60  # characters of an address before and after the @
MANY_GROUPS = [
    f"/staff/offices/a-group-with-a-long-name-{number}" for number in range(150)
]  # more than one cookie holds
ROLES = {
    "FLUENCY_ROLE_VIEWER": "@guests.test",
    "FLUENCY_ROLE_MARKETING": "groups=marketing",
    "FLUENCY_ROLE_SALES": "sam@staff.test, bo@staff.test",
    "FLUENCY_ROLE_ANALYST": "groups=analytics",
    "FLUENCY_ROLE_ADMIN": "Ada@Staff.test",
}
NOT_OPEN = "This page is not open to you. Ask an administrator of this app for a role that opens it."
USER_COOKIE = "_streamlit_user"
COOKIE_SECRET = "of this installation, long enough to be taken"


def _user(email: str, *groups: str, verified: bool = True) -> dict[str, Any]:
    return {"claims": {"email": email, "email_verified": verified, "groups": list(groups)}, "seconds": HOUR}


USERS = {
    "vera": _user("vera@guests.test"),
    "mia": _user("mia@staff.test", "marketing"),
    "sam": _user("sam@staff.test"),
    "ann": _user("ann@staff.test", "analytics", *MANY_GROUPS),
    "ada": _user("ada@staff.test"),
    "bo": _user("bo@staff.test", "marketing"),
    "stranger": _user("eve@guests.test.evil.test", "finance"),
    "unverified": _user("vera@guests.test", verified=False),
}
HAVE = {
    "vera": {Role.VIEWER},
    "mia": {Role.MARKETING},
    "sam": {Role.SALES},
    "ann": {Role.ANALYST},
    "ada": {Role.ADMIN},
    "bo": {Role.MARKETING, Role.SALES},
}
TITLES = {"sql": "SQL"}


def title_of(page: str) -> str:
    """What a page is called, from the name of its script."""
    return TITLES.get(page, page.replace("_", " ").capitalize())


@dataclass
class Site:
    """Where everything is. ``apps`` are the ports of the processes, ``address`` is what people type."""

    tree: Path
    port: int
    plain_port: int
    apps: tuple[int, ...]
    log: Path
    provider: str
    forger: str
    address: str = field(init=False)
    files: set[str] = field(init=False)
    secrets: tuple[str, ...] = (COOKIE_SECRET, CLIENT["client_secret"])

    def __post_init__(self) -> None:
        self.address = f"https://{NAME}:{self.port}"
        self.files = {str(path.relative_to(self.tree)) for path in self.tree.rglob("*")}

    @property
    def host(self) -> str:
        """The name and port that a browser asks for."""
        return f"{NAME}:{self.port}"

    @property
    def pages(self) -> list[str]:
        """The pages that the app has, by the names of their scripts."""
        scripts = {path.stem for path in (self.tree / "pages").glob("*.py")} | {"home"}
        return [page for page in PAGES if page in scripts]

    def get(self, path: str, cookies: Mapping[str, str] | None = None, app: int = 0) -> httpx.Response:
        """An answer of a process, asked by the name that browsers know it by."""
        with httpx.Client(headers={"Host": self.host}, cookies=dict(cookies or {})) as client:
            return client.get(f"http://127.0.0.1:{self.apps[app]}{path}", timeout=PATIENCE)

    def cookie(self, name: str, secret: str = COOKIE_SECRET, **changed: Any) -> dict[str, str]:
        """The cookie of a sign-in, made as the app makes it; ``changed`` claims, None leaves one out."""
        ours = {"origin": self.address, "is_logged_in": True, "provider": "tests", "aud": CLIENT["client_id"]}
        claims = {**ours, **USERS[name]["claims"], "sub": name, "exp": int(time.time()) + HOUR, **changed}
        text = json.dumps({key: value for key, value in claims.items() if value is not None})
        return {USER_COOKIE: URLSafeTimedSerializer(secret, salt=USER_COOKIE).dumps(text)}

    def claims(self, cookies: Mapping[str, str]) -> dict[str, Any]:
        """What the cookie of a sign-in says."""
        claims = json.loads(URLSafeTimedSerializer(COOKIE_SECRET, salt=USER_COOKIE).loads(cookies[USER_COOKIE]))
        return dict(claims)

    def wire(self, cookies: Mapping[str, str], app: int = 0, **options: Any) -> AbstractContextManager[Wire]:
        """A session with a process, as the browser of somebody with these cookies has it."""
        options = {"origin": self.address, **options}
        return wire(self.apps[app], self.host, cookies=cookies, **options)

    def write_secrets(self, **changed: str) -> None:
        """The settings of the app, at once: sign-in at both providers, and roles."""
        lines = [f'{name} = "{value}"' for name, value in (ROLES | changed).items()]
        lines += [f'[auth]\nredirect_uri = "{self.address}/oauth2callback"\ncookie_secret = "{COOKIE_SECRET}"']
        for name, address in (("tests", self.provider), ("forger", self.forger)):
            lines.append(f'[auth.{name}]\nclient_kwargs = {{ prompt = "login" }}')
            lines += [f'{key} = "{value}"' for key, value in CLIENT.items()]
            lines.append(f'server_metadata_url = "{address}/.well-known/openid-configuration"')
        secrets = self.tree / ".streamlit" / "secrets.toml"
        half = self.tree.parent / "secrets.toml"
        half.touch(0o600)
        half.write_text("\n".join(lines) + "\n")
        half.replace(secrets)


def addresses_in(database: Path) -> frozenset[str]:
    """The e-mail addresses of all users."""
    with sqlite3.connect(database) as connection:
        return frozenset(email for [email] in connection.execute("SELECT email FROM users WHERE email <> ''"))


def found_in(content: bytes, addresses: frozenset[str]) -> set[str]:
    """The addresses that stand somewhere in what was received, in the ways in which a page or a file writes them."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            content = b"\n".join(book.read(name) for name in book.namelist())
    text = re.sub(r"\\u0040|&#(64|x40);|%40", "@", content.decode(errors="replace"))
    text = text.replace("\\", "").replace(UNSEEN, "").lower()  # escaped where Markdown is drawn
    near = " ".join(text[max(0, at.start() - LONGEST) : at.end() + LONGEST] for at in re.finditer("@", text))
    return {address for address in addresses if address in near}  # in a table nothing stands between them


class Ears:
    """Keeps everything that a page of the browser gets from the app, and sends to it."""

    def __init__(self, page: Page, site: Site) -> None:
        self.got: list[bytes] = []
        self._page, self._site, self._asked = page, site, set[str]()
        page.on("websocket", self._listen)
        page.on("request", lambda request: self._asked.add(request.url))

    def _listen(self, socket: WebSocket) -> None:
        for event in ("framereceived", "framesent"):
            socket.on(event, lambda frame: self.got.append(frame if isinstance(frame, bytes) else frame.encode()))

    def hear_out(self) -> None:
        """Ask again for all that the browser asked for, as the same person; scripts are the same for everybody."""
        cookies = {cookie["name"]: cookie["value"] for cookie in self._page.context.cookies(self._site.address)}
        for url in self._asked:
            path = urlsplit(url).path
            if url.startswith(self._site.address) and not path.startswith(("/static/", "/auth/", "/oauth2callback")):
                self.got.append(self._site.get(path, cookies).content)
        self._asked.clear()

    def addresses(self, addresses: frozenset[str]) -> set[str]:
        """Those of ``addresses`` that came by."""
        self.hear_out()
        return set().union(*(found_in(content, addresses) for content in self.got))


class Person(Tab):
    """Somebody in a window of their own."""

    def __init__(self, window: BrowserContext, site: Site, name: str) -> None:
        self.name, self.window, self.site = name, window, site
        super().__init__(window.new_page(), site.address)
        self.ears = Ears(self.page, site)

    def come(self, path: str = "") -> None:
        """Without being signed in, the app says how to, and nothing else."""
        self.open(path)
        expect(self.page.get_by_test_id("stMain")).to_contain_text("Sign in to see the figures.")

    def sign_in(self) -> None:
        """From the app to the provider and back."""
        self.page.get_by_role("button", name="Sign in with Tests").click()
        self.page.get_by_label("Name").fill(self.name)
        self.page.get_by_role("button", name="Continue").click()
        self.page.wait_for_url(f"{self.address}/**")

    def open_closed(self, page: str) -> None:
        """Type the address of a page that is not for them."""
        self.page.goto(f"{self.address}/{page}")
        self.expect_only(NOT_OPEN)

    def bring(self, cookies: Mapping[str, str]) -> None:
        """Have these cookies of a sign-in from now on."""
        where = {"url": self.address, "secure": True, "httpOnly": True}
        self.window.add_cookies([{"name": name, "value": value, **where} for name, value in cookies.items()])

    def expect_only(self, sentence: str, *buttons: str) -> None:
        """The page has this sentence and nothing else, but these buttons and the one to sign out."""
        wanted, end = [sentence, *buttons, "Sign out"], time.monotonic() + PATIENCE
        while (texts := self._texts()) != wanted and time.monotonic() < end:
            self.page.wait_for_timeout(100)  # a page is drawn piece by piece
        assert texts == wanted

    def _texts(self) -> list[str]:
        self.page.wait_for_selector(DONE)
        elements = self.page.get_by_test_id("stMain").get_by_test_id("stElementContainer")
        return [text.replace(UNSEEN, "").split("\n")[-1] for text in elements.all_inner_texts() if text.strip()]

    def links(self) -> list[str]:
        """The pages that the sidebar leads to."""
        return [text.split("\n")[-1] for text in self.sidebar.get_by_role("link").all_inner_texts()]  # icons are text

    @property
    def visitor(self) -> Visitor:
        """Their rights, by the table."""
        return Visitor(self.name, frozenset(HAVE[self.name]))

    def cookies(self) -> dict[str, str]:
        """The cookies of the sign-in."""
        return {
            c["name"]: c["value"] for c in self.window.cookies(self.address) if c["name"].startswith("_streamlit_u")
        }

    def _is_ours(self, url: str) -> bool:
        return super()._is_ours(url) or url.startswith(self.site.provider)

    def _is_probe(self, url: str) -> bool:
        return super()._is_probe(url) or url.startswith(self.site.provider)


@contextmanager
def arriving(window: BrowserContext, site: Site, name: str) -> Iterator[Person]:
    """Somebody comes to a machine that nobody is signed in at, and goes; meanwhile nothing went wrong there."""
    window.clear_cookies()
    person = Person(window, site, name)
    yield person
    person.leave()
    assert not person.troubles, person.troubles
