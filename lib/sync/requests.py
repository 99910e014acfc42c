"""Answers of a REST endpoint, and the sentence for each way in which there is none.

Only the server that was named is asked, and never in clear over a network unless that is allowed. Everything together
has to be over within a time, however slowly the server goes on.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from typing import Any

import httpx
from pydantic import SecretStr
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_before_delay
from tenacity.wait import wait_random_exponential

from lib.sync.problems import SyncProblem

MOST_REDIRECTS = 5
CHUNK = 1 << 16  # bytes after unpacking: a packed answer swells a thousandfold
LATER = frozenset({429, 502, 503, 504})
REFUSED = frozenset({401, 403})
LONGEST_WAIT = 365 * 86_400.0  # seconds; whoever asks for more means never

_backoff = wait_random_exponential(multiplier=0.5, min=0.2, max=30)


class Later(SyncProblem):
    """A failure that may be over in a moment: in ``after`` seconds, where the server said so."""

    def __init__(self, what: str, remedy: str, after: float | None = None) -> None:
        super().__init__(what, remedy)
        self.after = after


class Requests:
    """How the endpoint is asked: the token, the longest waits, and whether http is allowed.

    ``total_seconds``, which begin now, are for all requests together.
    """

    def __init__(
        self,
        token: SecretStr,
        *,
        timeout_seconds: float,
        patience_seconds: float,
        total_seconds: float = 3600,
        allow_http: bool = False,
    ) -> None:
        self._token = token
        self._timeout = timeout_seconds
        self._patience = patience_seconds
        self._total = total_seconds
        self._deadline = time.monotonic() + total_seconds
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
            request = response.next_request
            if request is None:
                return self._checked(response)
            response.close()
        raise SyncProblem(f"{url.host} redirects more than {MOST_REDIRECTS} times.", "Check the address.")

    def _check(self, url: httpx.URL, first: httpx.URL) -> None:
        if _origin(url) != _origin(first):
            raise SyncProblem(
                f"{first.host} redirects to {url.scheme}://{url.netloc.decode('ascii')}, which is not the server that "
                "was named.",
                "If it is the right one, name it in --from.",
            )
        if url.scheme == "http" and not (self._allow_http or _is_local(url)):
            raise SyncProblem(
                f"The address http://{url.host} is not encrypted: token and data could be read on the way.",
                "Use https, or in a network that you trust --allow-http.",
            )

    def _check_time(self) -> None:
        if time.monotonic() >= self._deadline:
            raise self._too_long()

    def _too_long(self) -> SyncProblem:
        return SyncProblem(
            f"The server did not come to an end within {self._total:g} seconds.",
            "Tell who runs it; where there is as much data, set FLUENCY_API_TOTAL_SECONDS.",
        )

    def _send(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        host = request.url.host
        try:
            response = self._head(client, request)
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
        response.stream = _Watched(response.stream, self._check_time)
        return response

    def _head(self, client: httpx.Client, request: httpx.Request) -> httpx.Response:
        """The answer without its body. A head that comes byte by byte is let go: its thread ends with the client."""
        executor = ThreadPoolExecutor(1)
        head = executor.submit(client.send, request, stream=True)
        executor.shutdown(wait=False)
        try:
            return head.result(max(0.0, self._deadline - time.monotonic()))
        except TimeoutError as error:
            raise self._too_long() from error

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


class _Watched(httpx.SyncByteStream):
    """The bytes of an answer as they come over the line, with a look at the clock at each."""

    def __init__(self, stream: Any, check: Callable[[], None]) -> None:
        self._stream = stream
        self._check = check

    def __iter__(self) -> Iterator[bytes]:
        for some in self._stream:
            self._check()
            yield some

    def close(self) -> None:
        self._stream.close()


def _wait(state: RetryCallState) -> float:
    """What the server asks for, but never less than we wait anyway: a server in trouble may say 0."""
    failure = state.outcome.exception() if state.outcome else None
    asked = failure.after if isinstance(failure, Later) and failure.after is not None else 0
    return max(asked, _backoff(state))


def _retry_after(value: str) -> float | None:
    """Seconds from a `Retry-After`, which is a number of them or a date; None where it is neither."""
    if value.strip().isdecimal():
        return min(float(value), LONGEST_WAIT)
    try:
        then = parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, (then - datetime.now(UTC)).total_seconds()), LONGEST_WAIT)


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme, 0)


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
