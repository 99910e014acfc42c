"""Reads a page of the report as a mail program might: is it balanced, what is said, in which colours."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import NamedTuple

VOID = {"meta", "img", "br", "link", "input", "hr", "base"}
UNSEEN = {"style", "title", "script"}
HEX = re.compile(r"(?<![-\w])(color|background-color):(#[0-9a-f]{6})")
DARK_RULE = re.compile(r"\.(\w+)\{(color|background-color):(#[0-9a-f]{6})!important\}")


class Said(NamedTuple):
    """A piece of text, with ink and ground as they are light and dark."""

    text: str
    light: tuple[str, str]
    dark: tuple[str, str]


class _Frame(NamedTuple):
    tag: str
    light: dict[str, str]
    dark: dict[str, str]
    is_hidden: bool


class Reader(HTMLParser):
    """``said`` in reading order, ``tags`` with their attributes; raises AssertionError where tags do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.said: list[Said] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._dark_rules = {(name, prop): color for name, prop, color in DARK_RULE.findall(page)}
        self._open = [_Frame("", {}, {}, False)]
        self.feed(page)
        self.close()
        assert len(self._open) == 1, f"not closed: {[frame.tag for frame in self._open[1:]]}"

    @property
    def text(self) -> str:
        """All that can be seen, with single blanks."""
        return " ".join(" ".join(said.text for said in self.said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute twice in <{tag}>"
        self.tags.append((tag, attributes))
        if tag in VOID:
            return
        above, style = self._open[-1], attributes.get("style", "")
        light = above.light | dict(HEX.findall(style))
        dark = above.dark | dict(HEX.findall(style))
        for name in attributes.get("class", "").split():
            dark |= {prop: color for (rule, prop), color in self._dark_rules.items() if rule == name}
        hidden = above.is_hidden or tag in UNSEEN or "display:none" in style
        self._open.append(_Frame(tag, light, dark, hidden))

    def handle_endtag(self, tag: str) -> None:
        assert self._open[-1].tag == tag, f"</{tag}> closes <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        frame = self._open[-1]
        if data.strip() and not frame.is_hidden:
            light, dark = ((found["color"], found["background-color"]) for found in (frame.light, frame.dark))
            self.said.append(Said(data.strip(), light, dark))
