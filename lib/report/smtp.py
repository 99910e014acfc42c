"""Handing one message to a mail server, and in plain words why it was not taken.

The connection is encrypted and the server's certificate verified (by the system's certificates, or the file that
SSL_CERT_FILE names); a password never goes over one that is not.
"""

from __future__ import annotations

import errno
import re
import smtplib
import socket
import ssl
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr

from lib.report.deliveries import State

Security = Literal["ssl", "starttls", "none"]
USUAL_PORTS: dict[Security, int] = {"ssl": 465, "starttls": 587, "none": 25}
NETWORK_IS_AWAY = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EHOSTDOWN})
TOO_LARGE = frozenset({523, 552})
LONGEST_REPLY = 200


class MailProblem(Exception):
    """Mail cannot be sent with these settings; ``str()`` is a sentence about them, without the password."""


class NotTaken(Exception):
    """The server did not take a message; ``state`` says what that means, ``str()`` is a sentence."""

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state = state


@dataclass(frozen=True)
class Server:
    """A mail server. ``port`` 0 is the usual one; ``timeout`` in seconds, for each answer. Raises MailProblem."""

    host: str
    security: Security = "ssl"
    port: int = 0
    user: str = ""
    password: SecretStr = field(default=SecretStr(""), repr=False)
    timeout: float = 30

    def __post_init__(self) -> None:
        if not self.host:
            raise MailProblem("There is no mail server in the settings; name it with FLUENCY_MAIL_HOST.")
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise MailProblem("A mail user needs a password and the other way round; one of the two is not set.")
        if self.user and self.security == "none":
            raise MailProblem("A mail password is only sent over ssl or starttls; FLUENCY_MAIL_SECURITY is none.")
        if not (self.user + self.password.get_secret_value()).isascii():
            raise MailProblem("The mail user or password has a letter outside ASCII, which not every server can read.")


class Session:
    """One connection to the server, opened when it is needed, closed by whatever goes wrong on it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: smtplib.SMTP | None = None

    def open(self) -> smtplib.SMTP:
        """The connection, logged in. Raises NotTaken: "later", or "failed" when another attempt would not help."""
        if self._client is None:
            try:
                self._client = _connect(self._server)
            except (smtplib.SMTPException, OSError) as error:
                raise _not_taken(error, self._server) from error
        return self._client

    @property
    def size_limit(self) -> int | None:
        """The largest message that the server says it takes, bytes; None when it does not say. Raises NotTaken."""
        told = self.open().esmtp_features.get("size", "")
        return int(told) if told.isdecimal() and int(told) > 0 else None

    def hand_over(self, sender: str, recipient: str, message: bytes) -> None:
        """Give the message to the server; returning means that it took it.

        Raises NotTaken: "refused" for good, "later", "failed", or "uncertain" when the connection was lost between the
        end of the message and the server's answer.
        """
        client = self.open()
        try:
            _hand_over(client, sender, recipient, message)
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise _not_taken(error, self._server) from error
        except NotTaken:
            self.close()
            raise

    def close(self) -> None:
        """End the connection, if there is one; the next message opens another."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.quit()
        except (smtplib.SMTPException, OSError):  # it is over either way, and the messages were answered before
            client.close()


def _connect(server: Server) -> smtplib.SMTP:
    port, context = server.port or USUAL_PORTS[server.security], ssl.create_default_context()
    with ExitStack() as undo:
        client = (
            smtplib.SMTP_SSL(server.host, port, timeout=server.timeout, context=context)
            if server.security == "ssl"
            else smtplib.SMTP(server.host, port, timeout=server.timeout)
        )
        undo.callback(client.close)
        if server.security == "starttls":
            client.starttls(context=context)
        client.ehlo_or_helo_if_needed()
        if server.user:
            _log_in(client, server)
        undo.pop_all()
    return client


def _log_in(client: smtplib.SMTP, server: Server) -> None:
    # With its debug output on, smtplib prints what it sends, and that is the password.
    before, client.debuglevel = client.debuglevel, 0
    try:
        client.login(server.user, server.password.get_secret_value())
    finally:
        client.debuglevel = before


def _hand_over(client: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> None:
    """What smtplib's sendmail does, but it does not tell a message cut off half way from one without an answer."""
    size = [f"SIZE={len(message)}"] if client.has_extn("size") else []
    _expect(client.mail(sender, size), 250)
    _expect(client.rcpt(recipient), 250, 251)
    _expect(client.docmd("DATA"), 354)
    client.send(re.sub(rb"(?m)^\.", b"..", message) + b".\r\n")
    try:
        answer = client.getreply()
    except smtplib.SMTPException as error:
        raise NotTaken(
            "uncertain", "The connection was lost before the mail server answered; the mail may have arrived."
        ) from error
    _expect(answer, 250)


def _expect(answer: tuple[int, bytes], *codes: int) -> None:
    if answer[0] not in codes:
        raise smtplib.SMTPResponseException(*answer)


def is_transient(error: smtplib.SMTPException | OSError) -> bool:
    """Whether the same may well work in a few minutes: the server says so (4xx), or the connection did not hold."""
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPServerDisconnected):
        return True
    if isinstance(error, smtplib.SMTPResponseException):
        return 400 <= error.smtp_code < 500
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    if isinstance(error, TimeoutError | ConnectionError | ssl.SSLEOFError):
        return True
    return isinstance(error, OSError) and error.errno in NETWORK_IS_AWAY


def _not_taken(error: smtplib.SMTPException | OSError, server: Server) -> NotTaken:
    answered = isinstance(error, smtplib.SMTPResponseException)
    login = isinstance(error, smtplib.SMTPAuthenticationError)
    state: State = "later" if is_transient(error) else "refused" if answered and not login else "failed"
    return NotTaken(state, _in_words(error, server))


def _in_words(error: smtplib.SMTPException | OSError, server: Server) -> str:
    """A sentence for the person who reads the log."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"The mail server {server.host} {_answer_in_words(error)}"
    match error:
        case ssl.SSLCertVerificationError():
            what = f"has a certificate that is not to be trusted: {error.verify_message}"
        case ssl.SSLError():
            what = (
                f"does not speak TLS on this port ({error.reason}); check FLUENCY_MAIL_SECURITY and FLUENCY_MAIL_PORT"
            )
        case TimeoutError():
            what = f"did not answer within {server.timeout:g} seconds"
        case socket.gaierror():
            what = f"cannot be found: {error.strerror}"
        case smtplib.SMTPServerDisconnected():
            what = "ended the connection"
        case smtplib.SMTPNotSupportedError():
            what = "does not offer what the settings ask for, an encrypted connection or logging in"
        case OSError():
            what = f"cannot be reached: {error.strerror or 'the connection failed'}"
        case _:
            what = f"gave an answer that is not understood ({type(error).__name__})"
    return f"The mail server {server.host} {what}."


def _answer_in_words(error: smtplib.SMTPResponseException) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):  # what it says of a login is left out: it may repeat it
        later = is_transient(error)
        what = "cannot check the user and the password now" if later else "does not accept the user and the password"
        return f"{what} ({error.smtp_code})."
    if error.smtp_code in TOO_LARGE:
        return f"does not take a mail of this size; lower FLUENCY_MAIL_SIZE_LIMIT_MB. It says: {_said(error)}."
    return f"{'asks to come back later' if is_transient(error) else 'does not take it'}: {_said(error)}."


def _said(error: smtplib.SMTPResponseException) -> str:
    """What the server answered, on one line and not without end."""
    raw = error.smtp_error
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    words = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f"{error.smtp_code} {words}"[:LONGEST_REPLY].rstrip(".")
