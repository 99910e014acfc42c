"""The correct form of a mistake: what the coaches wrote down, or else what the catalogue says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Literal, NamedTuple

import pandas as pd

from lib.catalogue import Mistake, find, load_catalogue

IT_ENGLISH = "IT English"


class KnownForm(NamedTuple):
    """A correct form and where it comes from; both None when nobody knows one."""

    form: str | None
    source: Literal["database", "catalogue"] | None


def correct_forms_for(texts: Sequence[str], forms: pd.DataFrame) -> list[str | None]:
    """For each text the most frequent correct form among the patterns that stand in it, case ignored.

    ``forms``: pattern, correct_form (str), times (int), as ``lib.queries.corrections.correct_forms`` returns them.
    The times of a form are added up over its patterns; of equals it is the smaller one by code point. A pattern stands
    in a text anywhere, within a word too. None where no pattern does.
    """
    patterns = [pattern.casefold() for pattern in forms["pattern"].tolist()]
    rows = zip(patterns, forms["correct_form"].tolist(), forms["times"].tolist(), strict=True)
    folded = [text.casefold() for text in texts]
    together = "\n".join(folded)  # most patterns stand in none of the texts: one search drops them for all
    known = [row for row in rows if row[0] in together]
    return [_most_frequent(text, known) for text in folded]


def known_forms(mistakes: Sequence[tuple[str, str]], forms: pd.DataFrame) -> list[KnownForm]:
    """For each (text, error type) the form that the database knows, or else the catalogue's."""
    found = correct_forms_for([text for text, _ in mistakes], forms)
    return [
        KnownForm(form, "database") if form is not None else _from_catalogue(text, error_type)
        for (text, error_type), form in zip(mistakes, found, strict=True)
    ]


def catalogue_entry(text: str, error_type: str) -> Mistake | None:
    """The entry for a mistake. One of IT English is written down without its label: ``responsible of``."""
    if error_type == IT_ENGLISH:
        return _entries_by_pattern().get(text.strip().casefold())
    return find(text.strip())


def _most_frequent(text: str, known: list[tuple[str, str, int]]) -> str | None:
    total: Counter[str] = Counter()
    for pattern, form, times in known:
        if pattern in text:
            total[form] += times
    return min(total, key=lambda form: (-total[form], form), default=None)


def _from_catalogue(text: str, error_type: str) -> KnownForm:
    entry = catalogue_entry(text, error_type)
    return KnownForm(None, None) if entry is None else KnownForm(entry.right, "catalogue")


@cache
def _entries_by_pattern() -> dict[str, Mistake]:
    return {entry.pattern.casefold(): entry for entry in load_catalogue()}
