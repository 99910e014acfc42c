"""Exports without names: each user under a pseudonym that only this installation's key can give.

A pseudonym is HMAC-SHA-256 (RFC 2104) of the user id: the same in every file and on every run, and without the key
nobody can make it from an id.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from lib.addresses import mailbox, parted
from lib.settings import HOW_TO_MAKE_A_KEY, SHORTEST_KEY

DIGITS = 16  # hex digits of a pseudonym: among a million users two are alike with a chance of 1 in 37 million
NAME = "[name]"
USER_COLUMN, MAIL_COLUMN = "user_id", "email"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Words of the product, not of learners: a user may be called free.coach@example.com, the role stays what it is.
LABELS = _words(
    "role group level english_level user_level phase error_type error_category category value domain severity trend "
    "post recommendation outcome offer_status lead_status trigger_type kind change what_is_missing why"
)
# Local parts that name a mailbox or a role, and nobody.
_MAILBOXES = _words(
    "admin all billing coach contact demo free hello help info learner mail marketing news noreply office reply sales "
    "student superuser support team test user users www"
)
# Names that are ordinary English words as well: taken for names only with a capital letter.
_ALSO_WORDS = _words(
    "amber april art august baker banks bell best bill black bob booth brand brook brown bush butler carter case "
    "chance chase cliff cook crystal day dean drew duke east faith field fisher flower ford forest fox frank glass "
    "gold good grace grant gray green grey guy hall hill hope house hunt hunter jack jade jean june kay key king "
    "knight lake lane law little long love major mark mason max may mercy miles mill miller mine moon moore north "
    "page park pat pearl penny pepper piper pitt pool porter price prince ray red reed rich rick rob rock rocky rod "
    "root rose ruby rush rust sage sandy short sky snow spring star stone storm street strong sue summer sun taylor "
    "turner victory walker wall ward waters web weeks well wells west white will winter wolf wood woods worth young"
)
# An id may have any shape, and may be a part of something: of what has no blanks, the whole and neighbouring pieces.
_RUN = re.compile(r"\w(?:[^\s,;()<>\"]*\w)?")
_PIECE = re.compile(r"[^\W_]+")
MOST_PIECES = 8  # of an id that is a part of something: five are a UUID


class KeyProblem(ValueError):
    """There is no key to make pseudonyms with, or it is too short; the message says how to make one."""


class PseudonymCollision(ValueError):
    """Two users would have the same pseudonym under this key."""


@dataclass(frozen=True)
class Person:
    """One user of the product, as it is written in the database."""

    user_id: str
    email: str | None


def checked_key(key: str) -> bytes:
    """The key as bytes; raises KeyProblem where there is none, or one of fewer than SHORTEST_KEY bytes."""
    if not key.strip():
        raise KeyProblem(f"Exports without names need the setting FLUENCY_PSEUDONYM_KEY; {HOW_TO_MAKE_A_KEY}.")
    if len(key.encode()) < SHORTEST_KEY:
        raise KeyProblem(
            f"The setting FLUENCY_PSEUDONYM_KEY is too short, it needs {SHORTEST_KEY} bytes; {HOW_TO_MAKE_A_KEY}."
        )
    return key.encode()


def pseudonym(key: bytes, user_id: str) -> str:
    """`user-3f9a0c51e2d47b86`."""
    return f"user-{_digest(key, 'user', user_id)}"


def _digest(key: bytes, kind: str, text: str) -> str:
    return hmac.digest(key, f"{kind}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hex()[:DIGITS]


class Pseudonyms:
    """The pseudonyms of one export: made once, from all its texts and from everybody whom the product knows.

    Of the people only those are kept whom a text of the export names, so any number of them may pass by.
    """

    def __init__(self, key: bytes, people: Iterable[Person], texts: Iterable[str]) -> None:
        self._key = key
        self._taken: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._mails: dict[str, str] = {}
        self._names: set[str] = set()
        wanted = set(_all_parts(texts))
        for person in people if wanted else ():
            self._remember(person, wanted)

    def _remember(self, person: Person, wanted: set[str]) -> None:
        """Keep what may stand for ``person`` and does stand in the texts."""
        if person.user_id.casefold() in wanted:
            self._ids[person.user_id] = person.user_id
            self._ids.setdefault(person.user_id.casefold(), person.user_id)
        mail = mailbox(person.email or "")
        if mail in wanted:
            self._mails[mail] = person.user_id
        self._names.update(name for name in names_of(mail, person.user_id) if name in wanted)

    def of(self, user_id: str) -> str:
        """The pseudonym of a user; raises PseudonymCollision where another user of this export has it already."""
        made = pseudonym(self._key, user_id)
        if self._taken.setdefault(made, user_id) != user_id:
            raise PseudonymCollision("Two users would have the same pseudonym; set another FLUENCY_PSEUDONYM_KEY.")
        return made

    def in_text(self, text: str, *, names: bool = True) -> str:
        """``text`` with every e-mail address, user id and, unless told not to, name replaced.

        A user id is replaced as a whole word where it cannot be an ordinary number: at least three characters, and
        six where all are digits; a text that is nothing but a user id always is.
        """
        if (owner := self._owner(text.strip())) is not None:
            return self.of(owner)
        replaced = partial(self._in_run, names=names)
        return "".join(self._of_mail(part) if is_mail else _RUN.sub(replaced, part) for part, is_mail in parted(text))

    def _owner(self, word: str) -> str | None:
        return self._ids.get(word, self._ids.get(word.casefold()))

    def _owner_in(self, part: str) -> str | None:
        """Whose id a part of a text is, where it cannot be an ordinary number."""
        return self._owner(part) if _is_no_number(part) else None

    def _of_mail(self, mail: str) -> str:
        owner = self._mails.get(mailbox(mail))
        return f"email-{_digest(self._key, 'email', mailbox(mail))}" if owner is None else self.of(owner)

    def _in_run(self, run: re.Match[str], names: bool) -> str:
        """What has no blanks without the ids, and the names, that stand in it: the longest from the left."""
        text, end, made = run[0], 0, []
        if (owner := self._owner_in(text)) is not None:
            return self.of(owner)
        for start, stops in _stretches(text):
            if start < end:
                continue
            made.append(text[end:start])
            owners = ((stop, self._owner_in(text[start:stop])) for stop in stops)
            end, owner = next((found for found in owners if found[1] is not None), (stops[-1], None))
            piece = text[start:end]
            made.append(self.of(owner) if owner is not None else self._without_name(piece) if names else piece)
        return "".join([*made, text[end:]])

    def _without_name(self, word: str) -> str:
        name = _name_in(word)
        is_name = name in self._names and (name not in _ALSO_WORDS or word[0].isupper())
        return NAME if is_name else word


def _all_parts(texts: Iterable[str]) -> Iterator[str]:
    """Everything in ``texts`` that may be an id, an e-mail address or a name, as it is looked up."""
    for text in texts:
        yield text.strip().casefold()
        for part, is_mail in parted(text):
            if is_mail:
                yield mailbox(part)
            for run in () if is_mail else _RUN.findall(part):
                yield run.casefold()
                for start, stops in _stretches(run):
                    yield from (run[start:stop].casefold() for stop in stops)
                    yield _name_in(run[start : stops[-1]])


def _stretches(run: str) -> Iterator[tuple[int, list[int]]]:
    """For each piece of ``run`` where it begins, and where what may be an id from there ends: the longest first."""
    pieces = [piece.span() for piece in _PIECE.finditer(run)]
    for place, (start, _) in enumerate(pieces):
        yield start, [end for _, end in reversed(pieces[place : place + MOST_PIECES])]


def _is_no_number(word: str) -> bool:
    return len(word) >= (6 if word.isdecimal() else 3)


def names_of(mail: str, user_id: str = "") -> Iterator[str]:
    """The names in the local part of an address, folded: `anton.tamm2@example.org` has anton and tamm.

    Names have at least three letters; mailboxes (info, sales) are nobody's name, and an id in front of the @ is none.
    """
    local = mail.partition("@")[0].partition("+")[0]
    parts = [part for part in re.split(r"[._-]+", local) if part]
    if local.casefold() == user_id.casefold():
        return
    for part in parts:
        name = _folded(part.rstrip("0123456789") if len(parts) > 1 else part)
        if len(name) >= 3 and name.isalpha() and name not in _MAILBOXES:
            yield name


def _name_in(word: str) -> str:
    """The name that ``word`` may be, as addresses have it; two of one name are told apart by a number."""
    return _folded(word).rstrip("0123456789")


def _folded(word: str) -> str:
    """Case and accents put aside: addresses are written without them."""
    if word.isascii():
        return word.casefold()
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()


def texts_of(frame: pd.DataFrame) -> Iterator[str]:
    """Every different text of every column of ``frame`` that is not replaced as a whole."""
    for name in frame.columns:
        if name not in (USER_COLUMN, MAIL_COLUMN) and _is_text(frame[name]):
            yield from (value for value in frame[name].dropna().unique() if isinstance(value, str))


def without_names(frame: pd.DataFrame, pseudonyms: Pseudonyms) -> pd.DataFrame:
    """``frame`` with pseudonyms for user ids, no e-mail addresses, and texts that name nobody; other columns stay.

    ``pseudonyms`` were made from the texts of this frame too.
    """
    made = frame.copy()
    for name in frame.columns:
        if name == MAIL_COLUMN:
            made[name] = pd.Series(None, frame.index, dtype="str")
        elif name == USER_COLUMN:
            made[name] = _changed(frame[name].astype("str"), pseudonyms.of)
        elif _is_text(frame[name]):
            made[name] = _changed(frame[name], partial(pseudonyms.in_text, names=name not in LABELS))
    return made


def _changed(values: pd.Series[Any], change: Callable[[str], str]) -> pd.Series[Any]:
    """Each different text is changed once; blank ones, and what is no text, stay."""
    texts = (value for value in values.dropna().unique() if isinstance(value, str) and value.strip())
    new = {text: change(text) for text in texts}
    return pd.Series([new.get(value, value) for value in values], values.index, dtype=values.dtype)


def _is_text(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_string_dtype(values.dtype) or pd.api.types.is_object_dtype(values.dtype)
