"""How the HTML report looks: each colour inline for every mail client, and a dark one for those that ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from lib.charts.palette import DARK, LIGHT


class Shade(NamedTuple):
    """One colour of the page: the property that it is for, on light and on dark."""

    property: str
    light: str
    dark: str


SHADES: Mapping[str, Shade] = MappingProxyType(
    {
        "ground": Shade("background-color", "#eef1f5", "#0b0e12"),
        "card": Shade("background-color", LIGHT.surface, "#161b21"),
        "panel": Shade("background-color", "#eef4fa", "#1b2836"),
        "alert": Shade("background-color", "#fff4d6", "#33280a"),
        "badge": Shade("background-color", "#0b5f9e", "#8cc8f5"),
        "text": Shade("color", LIGHT.text, DARK.text),
        "muted": Shade("color", LIGHT.muted, DARK.muted),
        "better": Shade("color", "#1a6b3c", "#79d3a1"),
        "worse": Shade("color", "#8a4500", "#f2b06b"),
        "warning": Shade("color", "#6b4700", "#ffd98a"),
        "failure": Shade("color", "#8c1d18", "#ffb8b0"),
        "on_badge": Shade("color", "#ffffff", "#0b1a26"),
        "line": Shade("border-color", "#dde2e8", DARK.grid),
    }
)


def look(names: str, css: str = "") -> dict[str, str]:
    """The attributes class and style for the shades ``names`` (parted by blanks), with ``css`` before them."""
    colors = [f"{SHADES[name].property}:{SHADES[name].light}" for name in names.split()]
    return {"class": names, "style": ";".join([*([css] if css else []), *colors])}
