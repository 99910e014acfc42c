"""The catalogue: mistakes that IT professionals make in English, written by hand, with rule and examples.

The sample draws its mistakes from it, and a LinkedIn post takes its rule and its examples from it.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CATALOGUE_FILE = Path(__file__).with_name("catalogue.csv")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; the fields are the columns of catalogue.csv.

    ``text`` is what the product writes into detected_errors.error_text. ``wrong`` and ``right`` are a fragment of a
    sentence, or for pronunciation a plain respelling with the stressed part in capitals.
    """

    error_type: str
    error_category: str
    text: str
    wrong: str
    right: str
    rule: str
    example_1: str
    example_2: str
    domain: str

    @property
    def pattern(self) -> str:
        """The part of ``text`` that is the mistake itself: ``responsible of``, ``library``."""
        return self.text.partition(": ")[2].strip('"')


@cache
def load_catalogue() -> tuple[Mistake, ...]:
    """All mistakes, in the order of the file."""
    with CATALOGUE_FILE.open(encoding="utf-8", newline="") as lines:
        return tuple(Mistake(**row) for row in csv.DictReader(lines))


@cache
def _by_text() -> dict[str, Mistake]:
    return {mistake.text.casefold(): mistake for mistake in load_catalogue()}


def find(text: str) -> Mistake | None:
    """The mistake whose text is ``text`` (case ignored), or None."""
    return _by_text().get(text.casefold())
