"""The rows of the sample's users and sessions: arrays become tuples, in chunks of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from lib.sample_people import LEVELS, PRICE_TOPICS, ROLES, TOPICS, Flags, Ints, People, Sessions

Row = tuple[object, ...]
Chunk = dict[str, list[Row]]  # rows by table name

CHUNK = 100_000

PRICE_MISTAKES = (
    ('Wrong word: "the price is expensive"', "Wording"),
    ('Wrong word order: "how much it costs?"', "Word order"),
    ('Wrong word: "make a discount"', "Wording"),
    ('Missing article: "send offer"', "Articles"),
    ('Too direct: "your price is too high"', "Tone"),
    ('Wrong preposition: "pay in instalment"', "Prepositions"),
    ('Wrong plural: "ten percents less"', "Plurals"),
    ('Basic phrase: "we cannot pay this"', "Basic phrases"),
    ('Too direct: "I want a higher salary"', "Tone"),
    ('Wrong word: "win more money"', "Wording"),
)

FIRST_NAMES = (
    "ada", "adrian", "agata", "alba", "anton", "bruno", "carla", "clara", "dana", "david", "elena", "emil", "eva",
    "felix", "greta", "hanna", "hugo", "ida", "igor", "irena", "jan", "jonas", "julia", "karin", "lea", "leon",
    "lidia", "lukas", "marek", "maria", "marta", "milan", "nadia", "nina", "oskar", "paula", "pavel", "petra",
    "rafael", "rita", "sara", "simon", "stefan", "tereza", "tomas", "vera", "viktor", "wanda", "yara", "zoe",
)  # fmt: skip
LAST_NAMES = (
    "adler", "amsel", "barta", "belov", "berger", "brandner", "cerny", "costa", "dahl", "dorn", "eklund", "falk",
    "ferro", "fiala", "gruber", "haas", "holm", "horak", "ivanic", "jansky", "kalina", "keller", "koval", "krall",
    "lang", "lindner", "lorca", "maly", "marin", "moravec", "nagel", "novak", "okun", "orlov", "pavlik", "pereira",
    "rado", "reiner", "rossini", "santor", "sedlak", "solis", "sorensen", "steiner", "tamm", "urban", "vesely",
    "vidal", "weber", "zelenka",
)  # fmt: skip


def keys(prefix: str, numbers: Ints, largest: int) -> list[str]:
    """Keys such as ``s0042``: all of one length, so that their order as text is the order of the numbers."""
    width = len(str(largest))
    return [f"{prefix}{number:0{width}d}" for number in numbers.tolist()]


def identifiers(prefix: str, count: int) -> NDArray[np.object_]:
    """The first ``count`` keys, from 1."""
    return np.array(keys(prefix, np.arange(1, count + 1), count), dtype=object)


def timestamps(rng: np.random.Generator, seconds: Ints) -> list[str]:
    """Each time as production writes it: mostly ``2026-11-16 09:30:00``, one in seven in another ISO 8601 shape."""
    chars = np.datetime_as_string(seconds.astype("datetime64[s]")).astype("U19").view("U1").reshape(len(seconds), 19)
    chars[:, 10] = " "
    texts: list[str] = chars.view("U19").ravel().tolist()
    odd = np.flatnonzero(rng.random(len(texts)) < 1 / 7).tolist()
    shapes, milliseconds = rng.integers(0, 3, len(odd)).tolist(), rng.integers(1, 1_000, len(odd)).tolist()
    for position, shape, fraction in zip(odd, shapes, milliseconds, strict=True):
        day, _, time = texts[position].partition(" ")
        texts[position] = (f"{day}T{time}.000Z", f"{day}T{time}+00:00", f"{day} {time}.{fraction:03d}")[shape]
    return texts


def user_rows(rng: np.random.Generator, people: People, sessions: Sessions) -> list[Row]:
    """The rows of users; last_active is the end of the newest session, or the sign-up."""
    last = people.created.copy()
    np.maximum.at(last, sessions.user, sessions.start + sessions.seconds)
    roles = [ROLES[role] for role in people.role.tolist()]
    levels = [LEVELS[level] for level in people.level.tolist()]
    ids = identifiers("user", len(last)).tolist()
    emails = _emails(rng, len(last))
    return list(zip(ids, emails, roles, levels, timestamps(rng, people.created), timestamps(rng, last), strict=True))


def _emails(rng: np.random.Generator, count: int) -> list[str]:
    """Addresses of invented people; a name that comes again gets a number."""
    first = rng.integers(0, len(FIRST_NAMES), count).tolist()
    last = rng.integers(0, len(LAST_NAMES), count).tolist()
    seen: dict[str, int] = {}
    emails = []
    for number, name in enumerate(f"{FIRST_NAMES[a]}.{LAST_NAMES[b]}" for a, b in zip(first, last, strict=True)):
        seen[name] = seen.get(name, 0) + 1
        suffix = str(seen[name]) if seen[name] > 1 else ""
        emails.append(f"{name}{suffix}@example.{'com' if number % 3 else 'org'}")
    return emails


def session_chunks(rng: np.random.Generator, people: People, sessions: Sessions, errors: Ints) -> Iterator[Chunk]:
    """The rows of coaching_sessions, and of pricing_errors for the sessions that were about money."""
    users, priced = identifiers("user", len(people.role)), 0
    for low in range(0, len(errors), CHUNK):
        part = slice(low, low + CHUNK)
        start, seconds, done = sessions.start[part], sessions.seconds[part], sessions.completed[part]
        ids = keys("s", np.arange(low + 1, low + 1 + len(start)), len(errors))
        owners = users[sessions.user[part]].tolist()
        early = rng.random(len(start)) < 0.3
        columns = (
            ids,
            owners,
            [TOPICS[topic] for topic in sessions.topic[part].tolist()],
            [LEVELS[level] for level in sessions.level[part].tolist()],
            timestamps(rng, start),
            _where(done, timestamps(rng, start + seconds)),
            _where(done, seconds.tolist()),
            _where(~np.isnan(sessions.score[part]), sessions.score[part].tolist()),
            np.maximum(seconds // rng.integers(22, 38, len(start)), 2).tolist(),
            errors[part].tolist(),
            np.where(done, "closing", np.where(early, "welcome", "interaction")).tolist(),
        )
        about_money = np.isin(sessions.topic[part], PRICE_TOPICS) & (rng.random(len(start)) < 0.45)
        chosen = [(ids[at], owners[at]) for at in np.flatnonzero(about_money).tolist()]
        prices = _price_rows(rng, chosen, (start + seconds // 2)[about_money], priced)
        priced += len(prices)
        yield {"coaching_sessions": list(zip(*columns, strict=True)), "pricing_errors": prices}


def _where(known: Flags, values: Sequence[object]) -> list[object]:
    return [value if here else None for here, value in zip(known.tolist(), values, strict=True)]


def _price_rows(rng: np.random.Generator, sessions: list[tuple[str, object]], when: Ints, before: int) -> list[Row]:
    drawn = np.minimum(rng.exponential(2.5, len(sessions)).astype(np.int64), len(PRICE_MISTAKES) - 1).tolist()
    rows: list[Row] = []
    for (session, user), mistake, moment in zip(sessions, drawn, timestamps(rng, when), strict=True):
        text, category = PRICE_MISTAKES[mistake]
        rows.append((f"p{before + len(rows) + 1:07d}", user, text, category, "business", session, moment))
    return rows
