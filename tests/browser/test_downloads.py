from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.visitor import Visitor, to_offer

NUMBER = (int, float)
TYPES: dict[str, Any] = {
    "User": str,
    "E-mail": str,
    "Mistake": str,
    "Role": str,
    "Table": str,
    "Sessions": int,
    "Users": int,
    "Count": int,
    "Rows": int,
    "Candidates": int,
    "Average score": NUMBER,
    "Confidence": NUMBER,
    "Share": NUMBER,
    "Confidence above": NUMBER,
    "Revenue potential": NUMBER,
    "Week from": datetime,  # openpyxl reads a day as a moment at midnight
    "Last session (UTC)": datetime,
    "Newest row (UTC)": datetime,
    "Session (UTC)": datetime,
}
QUERY = {"min_confidence": "7.5", "min_sessions": "2", "engagement_days": "14", "mistakes_days": "90"}
TABLES = {
    "Home": ["Sessions a week"],
    "Engagement": ["Engagement by role", "Sessions a week", "Confidence by level"],
    "Mistakes": ["Mistakes by type", "Top mistakes"],
    "Conversion": ["Candidates", "What if", "Candidates by score"],
    "Data health": ["Tables", "Oddities"],
}


def book(content: bytes) -> Workbook:
    """A workbook whose cells are checked: no formula anywhere, and the types that the columns promise."""
    opened = load_workbook(io.BytesIO(content))
    for sheet in opened.worksheets:
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)
        header = [cell.value for cell in sheet[1]]
        for name, kind in TYPES.items():
            if name in header and sheet.title != "About":
                column = [row[header.index(name)].value for row in sheet.iter_rows(min_row=2)]
                assert {type(value) for value in column if value is not None} <= set(types(kind)), (sheet.title, name)
    return opened


def types(kind: Any) -> tuple[type, ...]:
    """One type or several."""
    return kind if isinstance(kind, tuple) else (kind,)


def about(opened: Workbook) -> dict[str, str]:
    """What the first sheet says of the file."""
    assert opened.sheetnames[-1] == "About"
    return {str(name): str(text) for name, text, *_ in opened["About"].iter_rows(values_only=True)}


def is_csv(content: bytes) -> list[list[str]]:
    """The rows, header first."""
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len({len(row) for row in rows}) == 1
    return rows


def is_picture(content: bytes) -> None:
    """It opens, and is not blank."""
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    assert picture.width > 600
    assert len(picture.getcolors(maxcolors=10**7) or []) > 20


def is_drawing(content: bytes) -> None:
    """It opens, and holds marks and words."""
    root = ElementTree.fromstring(content)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall(".//{*}path")) > 5
    assert len(root.findall(".//{*}text")) > 5


def take_all(visitor: Visitor, inside: Locator, label: str, check: Callable[[bytes], Any]) -> list[Any]:
    """Every file with this label, checked."""
    return [check(visitor.take(button)[1]) for button in visitor.downloads(label, inside).all()]


def test_every_file_of_every_page_opens_and_says_what_it_is(visitor: Visitor) -> None:
    visitor.open("", **QUERY)
    for label in visitor.walk(*TABLES):
        check_files(visitor, TABLES[label])


def check_files(visitor: Visitor, names: list[str]) -> None:
    """The files of the open page, whose tables have these names."""
    tables, books = take_all(visitor, visitor.main, "CSV", is_csv), take_all(visitor, visitor.main, "Excel", book)
    assert [opened.sheetnames for opened in books] == [[name, "About"] for name in names]
    for rows, opened in zip(tables, books, strict=True):
        sheet = opened.worksheets[0]
        assert len(rows) == sheet.max_row > 1
        assert rows[0] == [cell.value for cell in sheet[1]]
        says = about(opened)
        assert {"Title", "Question", "Window", "Reporting zone", "Filters", "Rows", "Computed at"} <= set(says)
        assert says["Reporting zone"] == "UTC"
        assert f"{len(rows) - 1:,}" in says["Rows"]
    pictures = take_all(visitor, visitor.main, "PNG", is_picture)
    assert len(pictures) == len(take_all(visitor, visitor.main, "SVG", is_drawing))
    assert len(pictures) == visitor.main.get_by_test_id("stVegaLiteChart").count()

    whole = book(visitor.take(visitor.downloads("Whole page", visitor.sidebar))[1])
    assert set(names) <= set(whole.sheetnames)


def test_a_file_says_the_window_and_the_filters_that_it_was_taken_under_and_each_tab_has_its_own(
    visitor: Visitor,
) -> None:
    visitor.open("conversion", **QUERY, as_of="2026-11-15", user="user455")
    count = int(visitor.metric("To offer").inner_text())
    opened = book(visitor.take(visitor.downloads("Excel").first)[1])
    says = about(opened)
    assert says["Window"] == "2–15 Nov 2026 (UTC)"
    for part in ("Confidence above: 7.5", "Sessions at least: 2"):
        assert part in says["Filters"]
    rows = visitor.rows()
    assert opened["Candidates"].max_row - 1 == len(rows)
    assert count == len(to_offer(rows))

    for name in ("Why or why not", "In and out", "Near misses"):
        panel = visitor.tab(name)
        expect(visitor.downloads("Excel", panel)).to_be_visible()
        (rows,) = take_all(visitor, panel, "CSV", is_csv)
        (opened,) = take_all(visitor, panel, "Excel", book)
        assert opened.sheetnames == [name, "About"]
        assert len(rows) == opened[name].max_row > 1


def test_the_only_csv_of_a_table_is_the_one_that_is_safe_to_open(visitor: Visitor) -> None:
    visitor.open("mistakes", levels="B1")
    table = visitor.main.get_by_test_id("stDataFrame")
    table.hover()
    expect(visitor.page.get_by_role("button", name="Search")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Download as CSV")).to_have_count(0)
    expect(visitor.main.get_by_text("10 of ")).to_be_visible()
    assert len(visitor.rows(visitor.main.get_by_test_id("stColumn").last)) == 10
