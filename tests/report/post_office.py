"""A real mail server on this machine's loopback, as strict or as unreliable as a test wants it."""

from __future__ import annotations

import ssl
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = "reports", "correct-horse-7-battery"
HANG_UP, CUT_OFF = "hang up", "cut off"


class Certificate(NamedTuple):
    certificate: Path
    key: Path


def make_certificate(folder: Path, name: str = "localhost") -> Certificate:
    """A certificate for ``name`` that only who is told of it trusts."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2"]
    command += ["-out", str(made.certificate), "-keyout", str(made.key)]
    subprocess.run(command, check=True, capture_output=True)
    return made


class PostOffice:
    """Takes mail and keeps it. ``rcpt`` and ``data`` say what is answered to a recipient, one after the other.

    An answer is a line such as "450 4.2.0 Later", HANG_UP (the connection ends instead of an answer), or, in ``data``,
    CUT_OFF (it ends while the message is still being sent). After the last one everything is accepted.
    """

    def __init__(
        self, rcpt: Mapping[str, Sequence[str]] | None = None, data: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self.rcpt = {who: list(answers) for who, answers in (rcpt or {}).items()}
        self.data = {who: list(answers) for who, answers in (data or {}).items()}
        self.taken: list[tuple[str, bytes]] = []
        self.asked: Counter[str] = Counter()
        self.logins: list[bool] = []
        self.secure: list[bool] = []
        self.before_answer: Callable[[], None] | None = None

    async def on_recipient(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.asked[address] += 1
        answer = self._next(self.rcpt, address)
        if answer == HANG_UP:
            server.transport.abort()
            return "421 gone"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def on_message(self, server: Any, session: Any, envelope: Any) -> str:
        (recipient,) = envelope.rcpt_tos
        answer = self._next(self.data, recipient)
        if answer.startswith("250"):
            self.taken.append((recipient, envelope.original_content))
            self.secure.append(server.transport.get_extra_info("ssl_object") is not None)
        if self.before_answer:
            self.before_answer()
        if answer == HANG_UP:
            server.transport.abort()
            return "421 gone"
        return answer

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(right)
        return AuthResult(success=right, handled=False, message=None if right else f"535 5.7.8 Not {data.password!r}")

    def next_is_cut_off(self, recipient: str) -> bool:
        cut = self.data.get(recipient, [])[:1] == [CUT_OFF]
        return cut and bool(self.data[recipient].pop(0))

    def letters(self, recipient: str) -> list[EmailMessage]:
        """What was taken for a recipient, as a mail program reads it."""
        return [read(content) for who, content in self.taken if who == recipient]

    @staticmethod
    def _next(answers: dict[str, list[str]], recipient: str) -> str:
        return answers[recipient].pop(0) if answers.get(recipient) else "250 OK"


def read(content: bytes) -> EmailMessage:
    found = message_from_bytes(content, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


class _Counter(SMTP):
    """The desk of the office; it can leave in the middle of a message."""

    async def take_message(self, arg: str) -> None:
        if self.envelope.rcpt_tos and self.event_handler.next_is_cut_off(self.envelope.rcpt_tos[0]):
            await self.push("354 Go on")
            await self._reader.read(1000)
            self.transport.abort()
        else:
            await super().smtp_DATA(arg)


# The names that aiosmtpd calls them by.
PostOffice.handle_RCPT = PostOffice.on_recipient
PostOffice.handle_DATA = PostOffice.on_message
_Counter.smtp_DATA = _Counter.take_message


class _Controller(Controller):
    def factory(self) -> SMTP:
        return _Counter(self.handler, **self.SMTP_kwargs)

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def opened(
    office: PostOffice,
    security: str = "none",
    certificate: Certificate | None = None,
    *,
    login: bool = False,
    **more: Any,
) -> Iterator[int]:
    """The office on a free port of 127.0.0.1, which is yielded."""
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate, certificate.key)
    if security == "ssl":
        more |= {"ssl_context": context}
    if security == "starttls":
        more |= {"tls_context": context, "require_starttls": True}
    if login:
        more |= {
            "authenticator": office.authenticate,
            "auth_required": True,
            "auth_require_tls": security == "starttls",
        }
    controller = _Controller(office, hostname="127.0.0.1", port=0, **more)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
