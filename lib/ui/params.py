"""Every filter that an address can carry: its name there, its default, what fits, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar
from urllib.parse import unquote

from lib.settings import Settings

MAX_TEXT, MAX_LIST = 200, 4_000
OLDEST_DAY = date(2000, 1, 1)
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Param:
    """One filter. ``label`` is what people know it by; ``parse`` raises ValueError for text that does not fit; shared
    ones follow from page to page.
    """

    name: str
    label: str
    default: Any
    parse: Callable[[str], Any]
    write: Callable[[Any], str] = str
    is_shared: bool = False


def all_params(settings: Settings, as_of: date, last_day: date) -> dict[str, Param]:
    """The filters of every page by name. ``as_of`` is the default day, ``last_day`` the newest that fits."""
    listed = [
        Param("as_of", "As of", as_of, _day(last_day), date.isoformat, is_shared=True),
        Param("engagement_days", "Window on Engagement", settings.engagement_days, whole(1, 366), is_shared=True),
        Param("mistakes_days", "Window on Mistakes", settings.mistakes_days, whole(1, 366), is_shared=True),
        Param("conversion_days", "Window on Conversion", settings.conversion_days, whole(1, 366), is_shared=True),
        Param("analyses_days", "Window on Analyses", settings.analyses_days, whole(1, 366), is_shared=True),
        Param("all_sessions", "Count unfinished sessions", False, _switch, _one_or_zero, is_shared=True),
        Param("without_names", "Without names", False, _switch, _one_or_zero, is_shared=True),
        Param("min_sessions", "Sessions at least", settings.min_sessions, whole(1, 10), is_shared=True),
        Param(
            "min_confidence", "Confidence above", settings.min_confidence, decimal(5, 9.9, 1), _short, is_shared=True
        ),
        Param("streak", "Sessions in a row", settings.streak, one_of(("current", "best", "any")), is_shared=True),
        Param("price", "Price", settings.price, decimal(1, 100_000, 2), _short, is_shared=True),
        Param("roles", "Role", (), _texts, _write_texts),
        Param("levels", "Level", (), _texts, _write_texts),
        Param("sources", "Sources", ("detected",), some_of(("detected", "it", "pricing")), ",".join),
        Param("types", "Type", (), _texts, _write_texts),
        Param("view", "Across", "type", one_of(("type", "level", "week", "domain"))),
        Param("cells", "Show only", (), _pairs, _write_pairs),
        Param("user", "User", "", _text),
        Param("tab", "Tab", "", _text),
        Param("analysis", "Analysis", "", _text),
    ]
    return {param.name: param for param in listed}


def whole(low: int, high: int) -> Callable[[str], int]:
    """Whole numbers from ``low`` to ``high``."""

    def parse(text: str) -> int:
        return _within(int(_text(text)), low, high)

    return parse


def decimal(low: float, high: float, places: int) -> Callable[[str], float]:
    """Numbers from ``low`` to ``high``, rounded to ``places``."""

    def parse(text: str) -> float:
        number = float(_text(text))
        if not math.isfinite(number):
            raise ValueError(text)
        return _within(round(number, places), low, high)

    return parse


def one_of(options: Sequence[str]) -> Callable[[str], str]:
    """One of a list."""

    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return parse


def some_of(options: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """At least one of a list, separated by commas, in the order of the list."""

    def parse(text: str) -> tuple[str, ...]:
        wanted = set(text.split(","))
        if not wanted <= set(options):
            raise ValueError(text)
        return tuple(option for option in options if option in wanted)

    return parse


def parse_all(params: Mapping[str, Param], raw: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The values that ``raw`` (an address) gives, and the names of those that do not fit."""
    values, misfits = {}, []
    for name in params.keys() & raw.keys():
        try:
            values[name] = params[name].parse(raw[name])
        except ValueError:
            misfits.append(name)
    return values, sorted(misfits)


def _within(number: Number, low: float, high: float) -> Number:
    if not low <= number <= high:
        raise ValueError(number)
    return number


def _day(last: date) -> Callable[[str], date]:
    def parse(text: str) -> date:
        day = date.fromisoformat(text)
        if not OLDEST_DAY <= day <= last:
            raise ValueError(text)
        return day

    return parse


def _switch(text: str) -> bool:
    return one_of(("0", "1"))(text) == "1"


def _one_or_zero(on: bool) -> str:
    return "1" if on else "0"


def _text(text: str, longest: int = MAX_TEXT) -> str:
    if len(text) > longest:
        raise ValueError("too long")
    return text


def _texts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(unquote(part) for part in _text(text, MAX_LIST).split(",") if part))


def _write_texts(texts: Sequence[str]) -> str:
    return ",".join(map(_quoted, texts))


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(map(unquote, pair.split("|"))) for pair in _text(text, MAX_LIST).split("~") if pair]
    if not all(len(pair) == 2 for pair in pairs):
        raise ValueError(text)
    return tuple((value, category) for value, category in pairs)


def _write_pairs(pairs: Sequence[tuple[str, str]]) -> str:
    return "~".join(f"{_quoted(value)}|{_quoted(category)}" for value, category in pairs)


def _quoted(text: str) -> str:
    """Names of roles and categories are the product's: they may hold what parts them here."""
    return text.translate({ord(sign): f"%{ord(sign):02X}" for sign in "%,|~"})


def _short(number: float) -> str:
    return f"{number:g}"
