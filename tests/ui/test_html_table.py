from __future__ import annotations

from html.parser import HTMLParser

import pandas as pd
import pytest

from lib.exports import Column, Sheet
from lib.ui.html_table import MOST_ROWS, html_table

TEXTS = ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "Ann & Bob", "**bold** [x](http://x)", "&lt;"]


class Cells(HTMLParser):
    """The texts of the cells, by the tag that holds them, and every tag that there is."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.texts = set[str](), dict[str, list[str]]()
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        self._inside = tag
        if tag in ("td", "th", "p"):
            self.texts.setdefault(tag, []).append("")

    def handle_data(self, data: str) -> None:
        self.texts[self._inside][-1] += data


def drawn(frame: pd.DataFrame, columns: dict[str, Column]) -> Cells:
    return Cells(html_table(Sheet("Table", frame, columns), list(columns), "UTC", "$"))


def test_whatever_a_cell_or_a_label_says_it_is_text() -> None:
    columns = {"text": Column("<b>Text</b>", "text")}
    cells = drawn(pd.DataFrame({"text": TEXTS}), columns)
    assert cells.tags == {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert cells.texts == {"th": ["<b>Text</b>"], "td": TEXTS}


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("integer", 1234, "1,234"),
        ("decimal", 7.666, "7.67"),
        ("percent", 12.55, "12.6 %"),
        ("money", 358.0, "$358"),
        ("text", None, "–"),
        ("decimal", float("nan"), "–"),
        ("datetime", pd.Timestamp("2026-11-22 21:19", tz="UTC"), "22 Nov 2026 21:19"),
    ],
)
def test_a_value_reads_as_it_does_in_the_grid(kind: str, value: object, shown: str) -> None:
    frame = pd.DataFrame({"value": pd.Series([value])})
    assert drawn(frame, {"value": Column("Value", kind)}).texts["td"] == [shown]


def test_rows_that_are_too_many_for_a_page_are_counted() -> None:
    cells = drawn(pd.DataFrame({"n": range(MOST_ROWS + 1)}), {"n": Column("N", "integer")})
    assert len(cells.texts["td"]) == MOST_ROWS
    assert cells.texts["p"] == ["500 of 501 rows; the files have all."]
