"""Text from the data, for places where Streamlit draws Markdown."""

from __future__ import annotations

import re

import pandas as pd

from lib.analysis.numbers import signed
from lib.exports import Column

NO_DATA = "–"
LONG_TEXT = 300
UNSEEN = "\u2060"  # word joiner: has no width
# Icons (:material/home:), addresses and arrows are drawn after the escapes are gone; an unseen character parts them.
_DRAWN_LATER = re.compile(r":(?=\S)|@(?=\S)|[-<>~](?=[-=>])|www(?=\.)", re.IGNORECASE)


def plain(text: object) -> str:
    """Text from the data, for a place where Markdown is drawn: it comes out as the characters that it is."""
    one_line = " ".join(str(text).split())[:LONG_TEXT]
    return re.sub(r"([\\`*_{}\[\]()<>#+\-.!|$:~&])", r"\\\1", _DRAWN_LATER.sub(f"\\g<0>{UNSEEN}", one_line))


def change_text(step: float, column: Column) -> str | None:
    """`▲ +1,204`, `▼ -0.65`; None where there is nothing to compare with."""
    if pd.isna(step):
        return None
    text = signed(step, 0 if column.kind == "integer" else column.places)
    return {"+": "▲ ", "-": "▼ "}.get(text[0], "") + text
