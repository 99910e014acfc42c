"""A REST endpoint on this machine that answers as it is told to, well or badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token-of-the-tests"
PATH = "/api/analytics/export"


@dataclass(frozen=True)
class Asked:
    """What a client asked."""

    path: str
    cursor: str | None
    authorization: str | None


@dataclass(frozen=True)
class Reply:
    """What it gets: the whole body, or only what comes before it is cut off or stalls."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    promised: int | None = None  # the Content-Length that is told
    stalls: bool = False  # the connection stays open after the body, and nothing more comes


def export(**lists: list[Any]) -> dict[str, Any]:
    """The three lists, empty where not given, and whatever else is given."""
    return {"users": [], "sessions": [], "errors": [], **lists}


def good(**lists: Any) -> Reply:
    return Reply(json.dumps(export(**lists)).encode())


class Endpoint:
    """Answers with ``reply``, which may be a Reply, several (one a request, the last for ever), or a function."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.reply: Reply | list[Reply] | Callable[[Asked], Reply] = good()
        self.released = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.endpoint = self
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def next_reply(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if callable(self.reply):
            return self.reply(asked)
        return self.reply if isinstance(self.reply, Reply) else self.reply[min(len(self.asked), len(self.reply)) - 1]

    @contextmanager
    def running(self) -> Iterator[Endpoint]:
        self._thread.start()
        try:
            yield self
        finally:
            self.released.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    endpoint: Endpoint


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        cursor = parse_qs(parts.query).get("cursor", [None])[0]
        reply = self.server.endpoint.next_reply(Asked(parts.path, cursor, self.headers.get("Authorization")))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.promised is not None:
            self.send_header("Content-Length", str(reply.promised))
        self.end_headers()
        with suppress(ConnectionError):  # who asked may have given up
            for chunk in [reply.body] if isinstance(reply.body, bytes) else reply.body:
                self.wfile.write(chunk)
            self.wfile.flush()
        if reply.stalls:
            self.server.endpoint.released.wait()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing: the tests look at what was asked."""
