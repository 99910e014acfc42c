"""What looks like an e-mail address in a text: the one place that says so."""

from __future__ import annotations

import re

ADDRESS_SIGNS = ("@", "\uff20", "\ufe6b", "%40")  # the sign, wide, small, and as it is written in a link
ADDRESS = "[address]"
_APART = r"\s@\uff20\ufe6b,;:<>()\[\]|\"'\\/="
_SIGN = f"(?:{'|'.join(ADDRESS_SIGNS)})"
_HOST = rf"(?:\[[^\]\s]*\]|[^{_APART}]*)"
# In front of the sign stands a name, in quotation marks too, where an address has its domain with a dot at once.
_LOOKS_LIKE_ADDRESS = re.compile(
    rf"\"[^\"\n]{{1,64}}\"{_SIGN}(?=[^{_APART}]+\.\w){_HOST}|(?<![^{_APART}])[^{_APART}]+(?:{_SIGN}{_HOST})+",
    re.IGNORECASE,
)
_SENTENCE_END = ".!?…"


def without_addresses(text: str) -> str:
    """``text`` with `[address]` for everything that looks like an e-mail address; too much rather than too little."""
    if not any(sign in text for sign in ADDRESS_SIGNS):
        return text
    return _LOOKS_LIKE_ADDRESS.sub(lambda found: ADDRESS + _end_of(found[0]), text)


def _end_of(address: str) -> str:
    """The punctuation that ends the sentence, not the address."""
    return address[len(address.rstrip(_SENTENCE_END)) :]
