"""What looks like an e-mail address in a text: the one place that says so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from string import ascii_lowercase, ascii_uppercase
from zipfile import ZipFile

# The sign, wide, small, as it is written in a link (and in a link within a link), and in HTML.
ADDRESS_SIGNS = ("@", "\uff20", "\ufe6b", "%40", "%2540", "&#64;", "&#x40;", "&commat;")
ADDRESS = "[address]"
LONGEST_ADDRESS = 320  # characters: 64, the sign, 255
_APART = r"\s@\uff20\ufe6b,;:<>()\[\]|\"'\\/="
_SIGN = f"(?:{'|'.join(ADDRESS_SIGNS)})"
# Every repetition is bounded, or ends at a sign that ends no other one's: the time grows with the text, no faster.
_HOST = rf"(?:\[[^\]\s]{{0,64}}\]|[^{_APART}]*)"
# In front of the sign stands a name, in quotation marks too, where an address has its domain with a dot at once.
_LOOKS_LIKE_ADDRESS = re.compile(
    rf"\"[^\"\n]{{1,64}}\"{_SIGN}(?=[^{_APART}]+\.\w){_HOST}|(?<![^{_APART}])[^{_APART}]+(?:{_SIGN}{_HOST})+",
    re.IGNORECASE,
)
# Written so that programs do not find it; only where a host follows, since one is also good (at) things.
_AT = re.compile(r"(?<=\w)\s?[(\[]\s?at\s?[)\]]\s?(?=[\w-]+\.\w)", re.IGNORECASE)
_SMALL_LETTERS = str.maketrans(ascii_uppercase, ascii_lowercase)
_SENTENCE_END = ".!?…"
# Stricter, for files have other things with the sign: @media in HTML, the format of text in a workbook.
_ADDRESS_IN_FILE = re.compile(rb"[\w\x80-\xff.+-]@[\w\x80-\xff-]+\.[\w\x80-\xff]")
_ZIP, _PNG = b"PK\x03\x04", b"\x89PNG"


def mailbox(address: str) -> str:
    """Return the address as a key: two addresses are one mailbox where their keys are equal.

    Blanks around it and the case of A to Z make no difference. Everything else does, also between signs that Unicode
    folds into each other (groß and gross) and between the two ways to write a domain (bücher.example and
    xn--bcher-kva.example): mail servers may tell those apart, and somebody else could own the other one.
    """
    return address.strip(" \t\r\n").translate(_SMALL_LETTERS)


def without_addresses(text: str) -> str:
    """``text`` with `[address]` for everything that looks like an e-mail address; too much rather than too little."""
    if not any(sign in text for sign in ADDRESS_SIGNS):
        return text
    return _LOOKS_LIKE_ADDRESS.sub(lambda found: ADDRESS + _end_of(found[0]), text)


def start_without_addresses(text: str, longest: int) -> str:
    """Return the first ``longest`` characters without addresses, not even one that the cut would part.

    However long the text is, this takes as long as for ``longest`` characters.
    """
    start = text[: longest + 2 * LONGEST_ADDRESS]
    clean = without_addresses(start)
    return (clean if start == text else clean[:-LONGEST_ADDRESS])[:longest]


def parted(text: str) -> Iterator[tuple[str, bool]]:
    """``text`` in pieces, and whether each is an address. Its sign is then always @, `(at)` is one too."""
    text = _AT.sub("@", text)
    end = 0
    if any(sign in text for sign in ADDRESS_SIGNS):
        for found in _LOOKS_LIKE_ADDRESS.finditer(text):
            yield text[end : found.start()], False
            end = found.end() - len(_end_of(found[0]))
            yield re.sub(_SIGN, "@", text[found.start() : end]), True
    yield text[end:], False


def _end_of(address: str) -> str:
    """The punctuation that ends the sentence, not the address."""
    return address[len(address.rstrip(_SENTENCE_END)) :]


def file_has_addresses(content: bytes) -> bool:
    """Whether an e-mail address stands in a file as it is taken along: text, or a workbook."""
    if content.startswith(_ZIP):
        with ZipFile(BytesIO(content)) as book:
            return any(_ADDRESS_IN_FILE.search(book.read(name)) for name in book.namelist())
    return not content.startswith(_PNG) and _ADDRESS_IN_FILE.search(content) is not None
