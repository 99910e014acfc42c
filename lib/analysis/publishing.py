"""What must not leave the house in a text that a learner wrote: addresses, numbers, anything that is not plain text."""

from __future__ import annotations

import re
import unicodedata

TEXT_LIMIT = 200

# Endings of addresses that learners write. Left out are those that are file endings first: .py, .sh, .md, .cc, .js.
_ENDINGS = (
    "com|org|net|edu|gov|mil|int|io|dev|app|ai|co|me|tv|info|biz|eu|online|site|shop|store|tech|cloud|blog|wiki|page|"
    "link|xyz|club|work|team|agency|company|email|academy|school|news|world|live|life|space|pro|name|mobi|jobs|africa|"
    "asia|berlin|london|wien|at|be|bg|br|by|ca|ch|cl|cn|cz|de|dk|ee|es|fi|fr|ge|gr|hk|hr|hu|id|ie|il|in|ir|is|it|jp|ke|"
    "kr|kz|li|lt|lu|lv|ma|mx|my|ng|nl|no|nz|pe|ph|pk|pl|pt|ro|rs|ru|se|sg|si|sk|th|tn|tr|tw|ua|uk|us|uy|uz|vn|za|рф|бг"
)
_ADDRESS = re.compile(
    rf"(?P<email>(?<![\w.+-])[\w.+-]+@[\w-][\w.-]*)"
    rf"|(?P<web>\b[a-z][a-z0-9+.-]*://\S*|\bmailto:\S*|\bwww\.\S*"
    rf"|(?<![\w.-])(?:[\w-]+\.)+(?:{_ENDINGS})(?![\w-])(?:/\S*)?|(?<![\w.-])(?:[\w-]+\.)+(?!js/|ts/|py/)[^\W\d_]{{2,}}/\S+)",
    re.IGNORECASE,
)
_PRODUCTS = frozenset({"asp.net", "ado.net", "vb.net", "ml.net"})  # look like addresses, and name nobody
_SENTENCE_END = ".,;:!?)]\"'"
_HIDDEN_ADDRESS = re.compile(r"@|[\[({]\s*(?:at|dot|\.)\s*[\])}]", re.IGNORECASE)
_HTML = re.compile(r"<[a-z/!?]|&#?\w+;", re.IGNORECASE)
# Control, invisible, surrogate and private characters, and line ends.
_NOT_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def unpublishable(text: str) -> str | None:
    """Why ``text`` must not be published, in one sentence, or None. A wide @ or digit counts like a plain one."""
    text = text.strip()
    if not text:
        return "It has no text"
    if len(text) > TEXT_LIMIT:
        return f"It is longer than {TEXT_LIMIT} characters"
    if any(unicodedata.category(character) in _NOT_TEXT for character in text):
        return "It contains control characters"
    text = unicodedata.normalize("NFKC", text).replace("。", ".")
    found = address(text)
    checks = (
        (bool(_HTML.search(text)), "It contains HTML"),
        (found is not None, f"It contains {found[0] if found else ''}"),
        (bool(_HIDDEN_ADDRESS.search(text)), "It contains an @ or something that stands for an address"),
        (any(character.isdecimal() for character in text), "It contains a number"),
    )
    return next((reason for wrong, reason in checks if wrong), None)


def address(text: str) -> tuple[str, str] | None:
    """The first e-mail or web address in ``text``: what it is, and as it is written."""
    for found in _ADDRESS.finditer(text):
        if found["email"]:
            return "an e-mail address", found["email"].rstrip(_SENTENCE_END)
        if found["web"].casefold() not in _PRODUCTS:
            return "a web address", found["web"].rstrip(_SENTENCE_END)
    return None
