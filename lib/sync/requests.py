"""Answers of a REST endpoint, and the sentence for each way in which there is none.

The token goes to the server that was named and to no other, and never in clear over a network unless that is allowed.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_random_exponential

from lib.sync.problems import SyncProblem

MOST_REDIRECTS = 5
CHUNK = 1 << 16  # bytes after unpacking: a packed answer swells a thousandfold
LATER = frozenset({429, 502, 503, 504})
REFUSED = frozenset({401, 403})

_backoff = wait_random_exponential(multiplier=0.5, min=0.2, max=30)


class Later(SyncProblem):
    """A failure that may be over in a moment: in ``after`` seconds, where the server said so."""

    def __init__(self, what: str, remedy: str, after: float | None = None) -> None:
        super().__init__(what, remedy)
        self.after = after


class Requests:
    """How the endpoint is asked: the token, the longest waits, and whether http is allowed."""

    def __init__(
        self, token: SecretStr, *, timeout_seconds: float, patience_seconds: float, allow_http: bool = False
    ) -> None:
        self._token = token
        self._timeout = timeout_seconds
        self._patience = patience_seconds
        self._allow_http = allow_http

    def client(self, url: httpx.URL) -> httpx.Client:
        """A client for the endpoint. What goes to this machine itself goes through no proxy."""
        timeout = httpx.Timeout(self._timeout, connect=min(self._timeout, 10))
        return httpx.Client(timeout=timeout, trust_env=not _is_local(url))

    @contextmanager
    def answer(self, client: httpx.Client, url: httpx.URL) -> Iterator[httpx.Response]:
        """The answer, of which only the head has been read; raises SyncProblem."""
        retrying = Retrying(
            retry=retry_if_exception_type(Later), wait=_wait, stop=stop_before_delay(self._patience), reraise=True
        )
        response = retrying(self._ask, client, url)
        try:
            yield response
        finally:
            response.close()

    def chunks(self, response: httpx.Response) -> Iterator[bytes]:
        """The body, bit by bit; raises SyncProblem where it does not come to its end."""
        try:
            yield from response.iter_bytes(CHUNK)
        except httpx.DecodingError as error:
            raise SyncProblem("The answer is damaged: it cannot be unpacked.", "Try again.") from error
        except httpx.TimeoutException as error:
            raise SyncProblem(
                f"The answer is cut off: nothing came for {self._timeout:g} seconds.",
                "Try again; FLUENCY_API_TIMEOUT_SECONDS sets how long is waited.",
            ) from error
        except httpx.TransportError as error:
            raise SyncProblem("The answer is cut off: the connection was lost.", "Try again.") from error

    def _ask(self, client: httpx.Client, url: httpx.URL) -> httpx.Response:
        headers = {"Accept": "application/json"}
        if self._token.get_secret_value():
            headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        request: httpx.Request | None = client.build_request("GET", url, headers=headers)
        for _ in range(MOST_REDIRECTS + 1):
            if request is None:
                break
            self._check(request.url, url)
            response = self._send(client, request)
            request = response.next_request  # httpx takes the token out where this is another server
            if request is None:
                return self._checked(response)
            response.close()
        raise SyncProblem(f"{url.host} redirects more than {MOST_REDIRECTS} times.", "Check the address.")

    def _check(self, url: httpx.URL, first: httpx.URL) -> None:
        if url.scheme == "https" or (url.scheme == "http" and _is_local(url)):
            return
        if url.scheme == "http" and self._allow_http and first.scheme == "http":
            return
        where = f"The address http://{url.host}" if url == first else f"{first.host} redirects to {url.scheme}, which"
        raise SyncProblem(
            f"{where} is not encrypted: token and data could be read on the way.",
            "Use https, or in a network that you trust --allow-http.",
        )

    def _send(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        try:
            return client.send(request, stream=True)
        except httpx.TimeoutException as error:
            raise Later(f"{host} did not answer within {self._timeout:g} seconds.", "Check that it runs.") from error
        except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.ProxyError) as error:
            raise SyncProblem(f"{host} cannot be asked this way.", "Check the address, and proxy settings.") from error
        except httpx.TransportError as error:
            if _is_untrusted(error):
                raise SyncProblem(
                    f"The certificate of {host} cannot be trusted.",
                    "Check the server's name; a certificate of your own authority goes into SSL_CERT_FILE.",
                ) from error
            raise Later(f"{host} cannot be reached.", "Check the address, and that the server runs.") from error

    def _checked(self, response: httpx.Response) -> httpx.Response:
        status, where = response.status_code, f"{response.url.host}{response.url.path}"
        if status == httpx.codes.OK:
            return response
        response.close()
        if status in LATER:
            after = _retry_after(response.headers.get("Retry-After", ""))
            asks = "" if after is None else f" and asks to come back in {after:.0f} seconds"
            raise Later(f"{where} answered {status}{asks}.", "Try again later.", after)
        if status in REFUSED:
            what = "refuses the token" if "Authorization" in response.request.headers else "wants a token"
            raise SyncProblem(f"{where} {what} ({status}).", "Check FLUENCY_API_TOKEN.")
        if status == httpx.codes.NOT_FOUND:
            raise SyncProblem(f"{response.url.host} has nothing at {response.url.path} (404).", "Check the address.")
        raise SyncProblem(f"{where} answered {status} {response.reason_phrase}.".replace(" .", "."), "Tell its owner.")


def _wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    return failure.after if isinstance(failure, Later) and failure.after is not None else _backoff(state)


def _retry_after(value: str) -> float | None:
    """Seconds from a `Retry-After`, which is a number of them or a date; None where it is neither."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value).astimezone(UTC) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _is_local(url: httpx.URL) -> bool:
    try:
        return ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
