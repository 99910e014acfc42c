"""Where a misspelt word goes wrong."""

from __future__ import annotations

from dataclasses import dataclass

TYPO = 3  # letters: a longer difference is another word


@dataclass(frozen=True)
class Difference:
    """The one stretch in which two words differ: from ``start``, and up to ``end`` characters before the end."""

    wrong: str
    right: str
    start: int
    end: int

    @property
    def extra(self) -> str:
        return self.wrong[self.start : len(self.wrong) - self.end]

    @property
    def missing(self) -> str:
        return self.right[self.start : len(self.right) - self.end]


def is_typo(wrong: str, right: str) -> bool:
    """Whether both are one word, and the same but for a few letters."""
    found = difference(wrong, right)
    one_word = len(wrong.split()) == len(right.split()) == 1
    return one_word and found.start + found.end > 0 and max(len(found.extra), len(found.missing)) <= TYPO


def difference(wrong: str, right: str) -> Difference:
    """The difference between two words, read from both ends."""
    start = _shared(wrong, right)
    return Difference(wrong, right, start, _shared(wrong[start:][::-1], right[start:][::-1]))


def spelling_rule(wrong: str, right: str) -> str:
    """What to look for in a misspelt word, in one sentence."""
    found = difference(wrong, right)
    extra, missing = found.extra, found.missing
    if not is_typo(wrong, right):
        return "Write the right form slowly once, then let your spell checker remember it."
    if not missing:
        return f'There is one "{extra}" too many.'
    if not extra:
        doubled = len(missing) == 1 and right[: found.start].endswith(missing)
        return f'It takes a double "{missing}".' if doubled else f'The "{missing}" is missing.'
    before = max(found.start - 1, 0)  # a letter more on both sides shows where it is
    better, worse = right[before : len(right) - found.end + 1], wrong[before : len(wrong) - found.end + 1]
    swapped = len(extra) == 2 and extra == missing[::-1]
    return f'{"Two letters have changed places: it" if swapped else "It"} is "{better}", not "{worse}".'


def _shared(one: str, other: str) -> int:
    """How many characters two words have in common from the start."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (left, right) in enumerate(pairs) if left != right), min(len(one), len(other)))
