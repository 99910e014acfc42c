"""What one recipient of the report gets: headers, text, HTML with its picture, and the files that fit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from html import escape
from pathlib import PurePath

from lib.addresses import mailbox
from lib.report.smtp import MailProblem

MB = 1_000_000
PART_HEADERS = 600  # bytes around an attachment: boundary and headers, with a long name
LONGEST_SUBJECT = 200
ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
ADDRESS = re.compile(rf"{ATOM}(?:\.{ATOM})*@{LABEL}(?:\.{LABEL})*")
TYPES = {
    ".csv": ("text", "csv"),
    ".html": ("text", "html"),
    ".json": ("application", "json"),
    ".png": ("image", "png"),
    ".xlsx": ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


@dataclass(frozen=True)
class Mail:
    """What goes to every recipient. ``key`` is `deliveries.report_key`; ``date`` is aware.

    ``pictures`` are PNG by the name that ``html`` has in ``src="cid:NAME"``; ``files`` by file name, the most important
    first: where not all fit below ``size_limit`` (bytes of the whole mail as sent), the first that do are attached.
    """

    key: str
    date: datetime
    sender: str
    subject: str
    html: str
    text: str
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    size_limit: int = 10 * MB

    def __post_init__(self) -> None:
        checked_sender(self.sender)


def checked_sender(sender: str) -> str:
    """``sender``, where it is an address, or a name and an address in angle brackets; raises MailProblem."""
    if not is_address(parseaddr(sender)[1]) or not sender.isprintable():
        raise MailProblem("The sender of the mail is not an e-mail address; set it with FLUENCY_MAIL_SENDER.")
    return sender


def is_address(text: str) -> bool:
    """Whether this is one plain e-mail address, such as ann@example.org (an international domain in its xn-- form)."""
    return bool(ADDRESS.fullmatch(text))


def message(mail: Mail, recipient: str, *, size_limit: int | None = None) -> EmailMessage:
    """The mail to one recipient; ``size_limit`` (bytes) is the server's, where it is lower than the mail's own."""
    limit = min(mail.size_limit, size_limit or mail.size_limit)
    bare = len(_with_body(mail, recipient, note(mail.files, limit)).as_bytes())
    if mail.pictures and bare > limit:
        return message(_without_pictures(mail), recipient, size_limit=size_limit)
    attached = dict(_fitting(mail.files, limit - bare))
    left_out = {name: content for name, content in mail.files.items() if name not in attached}
    whole = _with_body(mail, recipient, note(left_out, limit))
    for name, content in attached.items():
        maintype, subtype = TYPES.get(PurePath(name).suffix, ("application", "octet-stream"))
        params = {"charset": "utf-8"} if maintype == "text" else {}
        whole.add_attachment(content, maintype=maintype, subtype=subtype, filename=name, params=params)
    return whole


def _without_pictures(mail: Mail) -> Mail:
    """The same with a sentence in the place of each picture; what it shows is said and listed beside it."""
    html = mail.html
    for cid, png in mail.pictures.items():
        html = re.sub(rf'<img [^>]*src="cid:{re.escape(cid)}"[^>]*>', f"<p>{_not_shown(png)}</p>", html)
    left_out = "".join(f"\n\n{_not_shown(png)}" for png in mail.pictures.values())
    return replace(mail, html=html, text=mail.text.rstrip() + left_out, pictures={})


def _not_shown(png: bytes) -> str:
    return f"The picture ({in_megabytes(len(png))}) is not shown, because the mail would be too large with it."


def message_id(key: str, recipient: str, sender: str) -> str:
    """The same for the same report and recipient: a mail program that gets it twice can tell."""
    digest = hashlib.sha256(f"{key} {mailbox(recipient)}".encode()).hexdigest()[:32]
    return f"<{digest}@{parseaddr(sender)[1].rpartition('@')[2]}>"


def one_line(text: str) -> str:
    """A subject without anything that could end the header, reorder what is shown, or be read as an encoded word."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text).replace("=?", "= ?")
    return " ".join(plain.split())[:LONGEST_SUBJECT].rstrip()


def _with_body(mail: Mail, recipient: str, left_out: str) -> EmailMessage:
    """Headers, text, HTML and its pictures; Date and Message-ID are no accident of the moment of sending."""
    name, address = parseaddr(mail.sender)
    whole = EmailMessage(policy=_Wire(linesep="\r\n"))
    whole["From"] = Address(name, addr_spec=address)
    whole["To"] = Address(addr_spec=recipient)
    whole["Subject"] = one_line(mail.subject)
    whole["Date"] = format_datetime(mail.date)
    whole["Message-ID"] = message_id(mail.key, recipient, mail.sender)
    whole["Auto-Submitted"] = "auto-generated"
    whole["X-Auto-Response-Suppress"] = "All"  # Exchange goes by this one: no "out of office" to a program
    whole.set_content(f"{mail.text.rstrip()}\n\n{left_out}".rstrip() + "\n", cte="quoted-printable")
    whole.add_alternative(_noted(mail.html, left_out), subtype="html", cte="quoted-printable")
    related = list(whole.iter_parts())[-1]
    for cid, png in mail.pictures.items():
        related.add_related(png, "image", "png", cid=f"<{cid}>", filename=f"{cid}.png", disposition="inline")
    return whole


class _Wire(EmailPolicy):
    """A mail as it is sent; its own folding can lose a space of a subject between two encoded words."""

    def fold_binary(self, name: str, value: str) -> bytes:
        if name != "Subject":
            return super().fold_binary(name, value)
        folded = Header(value, header_name=name).encode(linesep=self.linesep)
        return f"{name}: {folded}{self.linesep}".encode("ascii")


def _noted(html: str, sentences: str) -> str:
    if not sentences:
        return html
    before, end, after = html.rpartition("</body>")
    shown = f'<p style="font-family: sans-serif; font-size: 14px; margin: 16px">{escape(sentences)}</p>'
    return f"{before}{shown}{end}{after}" if end else html + shown


def _fitting(files: Mapping[str, bytes], room: int) -> Iterator[tuple[str, bytes]]:
    """The files that fit into ``room`` bytes of mail: base64 makes 78 of every 57."""
    for name, content in files.items():
        needed = -(-len(content) // 57) * 78 + PART_HEADERS + 12 * len(name)
        if needed <= room:
            room -= needed
            yield name, content


def note(left_out: Mapping[str, bytes], limit: int) -> str:
    """The sentences that name what is not attached; empty when nothing was left out."""
    if not left_out:
        return ""
    named = ", ".join(f"{name} ({in_megabytes(len(content))})" for name, content in left_out.items())
    return (
        f"Not attached, because the mail would be larger than {in_megabytes(limit)}: {named}. See the reports folder."
    )


def in_megabytes(size: int) -> str:
    """A size in bytes for people; below a tenth of a megabyte in kB."""
    return f"{size / MB:.1f} MB" if size >= MB / 10 else f"{max(1, round(size / 1000))} kB"
