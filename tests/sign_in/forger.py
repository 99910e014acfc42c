"""A provider that hands out any token that a test wants, so that what the app refuses can be tried."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.sign_in.parts import CLIENT


class Forger:
    """``token`` is the answer to the next code."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.key = RSAKey.generate_key(2048, {"kid": "forger", "alg": "RS256", "use": "sig"})
        self.token = ""

    def claims(self, nonce: str) -> dict[str, Any]:
        """Those of a good token for an administrator."""
        now = int(time.time())
        mail = {"email": "ada@staff.test", "email_verified": True}
        ours = {"iss": self.address, "sub": "ada", "aud": CLIENT["client_id"], "nonce": nonce}
        return {**ours, **mail, "iat": now, "exp": now + 600}

    def signed(self, claims: dict[str, Any], key: RSAKey | None = None) -> str:
        """A token as providers make them."""
        return jwt.encode({"alg": "RS256", "kid": "forger"}, claims, key or self.key)

    @staticmethod
    def unsigned(claims: dict[str, Any], signature: str = "", **header: str) -> str:
        """A token with any header, and any signature."""
        parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims))
        return ".".join((*parts, signature))

    def signed_with_public_key(self, claims: dict[str, Any]) -> str:
        """What passes where the app takes the published key for a shared secret."""
        token = self.unsigned(claims, alg="HS256", kid="forger")[:-1]
        signature = hmac.digest(self.key.as_pem(private=False), token.encode(), "sha256")
        return f"{token}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    def answer(self, path: str) -> dict[str, Any]:
        """What stands at each of the provider's addresses."""
        if path.endswith("openid-configuration"):
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
            return {"issuer": self.address, **{name: f"{self.address}/{place}" for name, place in places.items()}}
        if path == "/jwks":
            return {"keys": [self.key.as_dict(private=False)]}
        return {"access_token": "-", "token_type": "Bearer", "expires_in": 600, "id_token": self.token}

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[Forger]:
        """On a free port."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        server.forger = cls(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.forger
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps(self.server.forger.answer(self.path)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing."""
