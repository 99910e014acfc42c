"""Which mistakes the sample's learners make: a long tail that depends on their level and drifts with the weeks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import numpy as np

from lib.catalogue import Mistake, load_catalogue
from lib.sample_people import DAY, HISTORY_DAYS, LEVELS, Floats, Ints, People, Sessions, day_number
from lib.sample_rows import CHUNK, Chunk, Row, identifiers, keys, timestamps

# The five that stand out, most frequent first; one that is new and one that is on its way out.
STAPLES = (
    'Missing article: "working on system"',
    "Mispronounced: library",
    'Basic phrase: "I am working on"',
    'Wrong preposition: "responsible of"',
    "Mispronounced: cache",
)
NEWCOMER, NEWCOMER_WEEKS, NEWCOMER_SHARE = "Mispronounced: agentic", 2, 0.085
FADING = 'Extra preposition: "discuss about"'

# How much a level inclines to each type; the last row is for users without a level.
TYPES = ("grammar", "pronunciation", "vocabulary")
TYPE_BY_LEVEL = np.array([[1.5, 1.0, 0.6], [1.15, 1.0, 0.85], [0.7, 1.0, 1.4], [0.45, 0.9, 1.7], [1.0, 1.0, 1.0]])
WEEKS = HISTORY_DAYS // 7 + 2
SEVERITIES = ("low", "medium", "low", "high", "medium")


def errors_per_session(rng: np.random.Generator, sessions: Sessions, count: int) -> Ints:
    """How many of ``count`` mistakes fall on each session: the lower the score, the more; exactly ``count`` in all."""
    score = np.where(np.isnan(sessions.score), 7.5, sessions.score)
    weight = (11.0 - score) * rng.gamma(2.5, 1.0, len(score)) * np.where(sessions.completed, 1.0, 0.4)
    cumulated = np.cumsum(weight)
    bounds = np.floor(cumulated / cumulated[-1:] * count + 0.5).astype(np.int64)
    return np.diff(bounds, prepend=0)


def error_chunks(
    rng: np.random.Generator, people: People, sessions: Sessions, errors: Ints, end: date, *, distinct_texts: bool
) -> Iterator[Chunk]:
    """The rows of detected_errors, and of it_errors for one in eight of them.

    With ``distinct_texts`` every text is different: the number of the mistake is added to it.
    """
    catalogue = load_catalogue()
    shares = _cumulated_shares(rng, catalogue)
    users, habits = identifiers("user", len(people.role)), rng.random(len(people.role))
    bounds, total, in_it = np.cumsum(errors), int(errors.sum()), 0
    for low in range(0, total, CHUNK):
        numbers = np.arange(low, min(low + CHUNK, total))
        session = np.searchsorted(bounds, numbers, "right")
        user = sessions.user[session]
        week = np.clip((day_number(end) - sessions.start[session] // DAY) // 7, 0, WEEKS - 1)
        row = week * len(LEVELS) + sessions.level[session]
        drawn = np.searchsorted(shares, row + _chances(rng, habits[user]), "right") - row * len(catalogue)
        mistakes = [catalogue[position] for position in np.clip(drawn, 0, len(catalogue) - 1).tolist()]
        into = (sessions.seconds[session] * rng.random(len(numbers))).astype(np.int64)
        moments = timestamps(rng, sessions.start[session] + into)
        whose = zip(
            keys("e", numbers + 1, total), keys("s", session + 1, len(errors)), users[user].tolist(), strict=True
        )
        detected = _detected_rows(rng, whose, mistakes, moments)
        chosen = np.flatnonzero(rng.random(len(numbers)) < 0.125).tolist()
        times = np.minimum(rng.geometric(0.5, len(chosen)), 5).tolist()
        of_it = [_it_row(in_it + nth, detected[at], mistakes[at], times[nth]) for nth, at in enumerate(chosen)]
        in_it += len(of_it)
        if distinct_texts:
            detected = [(*row[:5], f"{row[5]} ({row[0]})", *row[6:]) for row in detected]
        yield {"detected_errors": detected, "it_errors": of_it}


def _detected_rows(
    rng: np.random.Generator, whose: Iterable[Row], mistakes: list[Mistake], moments: list[str]
) -> list[Row]:
    severities = [SEVERITIES[position] for position in rng.integers(0, len(SEVERITIES), len(mistakes)).tolist()]
    rows = zip(whose, mistakes, severities, moments, strict=True)
    return [(*who, what.error_type, what.error_category, what.text, how, when) for who, what, how, when in rows]


def _it_row(number: int, detected: Row, mistake: Mistake, frequency: int) -> Row:
    key, moment = f"i{number + 1:07d}", detected[-1]
    return (key, detected[1], detected[2], mistake.domain, mistake.pattern, mistake.right, frequency, moment)


def _chances(rng: np.random.Generator, habit: Floats) -> Floats:
    """A number from 0 to 1 for each mistake; one in three falls on one of the same four numbers of its user."""
    chance = rng.random(len(habit))
    again = (habit + rng.integers(0, 4, len(habit)) * 0.23) % 1.0
    return np.where(rng.random(len(habit)) < 1 / 3, again, chance)


def _cumulated_shares(rng: np.random.Generator, catalogue: tuple[Mistake, ...]) -> Floats:
    """For every week back from the end and every level the cumulated share of each mistake, as one flat array.

    Row n of it runs from n to n + 1, so that one search in the flat array draws for any row.
    """
    texts = [mistake.text for mistake in catalogue]
    types = np.array([TYPES.index(mistake.error_type) for mistake in catalogue])
    tail = rng.permutation([at for at, text in enumerate(texts) if text not in (*STAPLES, NEWCOMER, FADING)])
    order = [*map(texts.index, STAPLES), texts.index(FADING), *tail.tolist(), texts.index(NEWCOMER)]
    weight = np.empty(len(texts))
    weight[order] = (np.arange(len(texts)) + 3.0) ** -0.85
    week = np.arange(WEEKS)[:, None, None]
    tide = 1.0 + 0.3 * np.sin(rng.uniform(0.0, 2 * np.pi, len(texts)) + week / 8.0)
    share = weight * TYPE_BY_LEVEL[:, types] * tide
    share[:, :, texts.index(FADING)] *= np.clip(week[:, :, 0] / 10.0, 0.08, 2.0)
    share[:, :, texts.index(NEWCOMER)] = 0.0
    share[:NEWCOMER_WEEKS, :, texts.index(NEWCOMER)] = NEWCOMER_SHARE * share[:NEWCOMER_WEEKS].sum(axis=2)
    cumulated = np.cumsum(share.reshape(-1, len(texts)), axis=1)
    return np.asarray((cumulated / cumulated[:, -1:] + np.arange(len(cumulated))[:, None]).ravel())
