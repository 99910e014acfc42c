from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import altair as alt
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from PIL import Image

from lib.exports import (
    Column,
    Sheet,
    chart_png,
    chart_svg,
    csv_bytes,
    json_bytes,
    rows_in_workbook,
    sheet_names,
    signs_without_glyph,
    text_file_name,
    texts,
    without_markdown,
    xlsx_bytes,
)
from lib.rounding import half_up

BERLIN = "Europe/Berlin"
SIGNS = "=+-@\u2212＝＋－＠﹦﹢﹣﹫"
UNSEEN = ' \u00a0\u3000\u200b\ufeff"'  # what importers trim or drop before they look for a sign
# All text there can be, and more often than chance has it, text that spreadsheets misread.
TEXTS = st.text(st.characters(exclude_categories=[])) | st.text(
    st.sampled_from([*SIGNS, *UNSEEN, *"\t\r\n;,'a1\x00\x07\x85\ud800\ufffeäß😀"]), max_size=12
)


def one_column(values: Iterable[Any], kind: Any, **more: Any) -> Sheet:
    # The text type of pandas cannot hold halves of surrogate pairs; object can, and is what odd data arrives in.
    series = pd.Series(list(values), dtype=object if kind == "text" else None)
    return Sheet("Table", pd.DataFrame({"c": series}), {"c": Column("Label", kind, **more)})


def csv_rows(sheet: Sheet, *, zone: str = "UTC", delimiter: str = ",") -> list[list[str]]:
    text = csv_bytes(sheet, zone=zone).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def book_of(*sheets: Sheet, about: dict[str, str] | None = None, zone: str = "UTC") -> Workbook:
    return load_workbook(io.BytesIO(xlsx_bytes(sheets, about or {}, zone=zone)))


def cells_of(sheet: Sheet, *, zone: str = "UTC") -> list[Any]:
    return [row[0] for row in book_of(sheet, zone=zone)["Table"].iter_rows(min_row=2)]


def csv_column(sheet: Sheet, *, zone: str = "UTC") -> list[str]:
    return [row[0] for row in csv_rows(sheet, zone=zone)[1:]]


def without_refused(text: str) -> str:
    """A second way to say what no file may hold: XML's characters, less the controls that it merely discourages."""

    def allowed(code: int) -> bool:
        xml = code in (9, 10, 13) or 32 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
        return xml and not 0x7F <= code <= 0x9F

    return "".join(char for char in text if allowed(ord(char)))


# CSV


def test_csv_is_utf8_with_bom_and_crlf_and_umlauts_survive() -> None:
    raw = csv_bytes(one_column(["Müller, Jörg", "naïve 漢字 😀"], "text"), zone="UTC")
    assert raw == b"\xef\xbb\xbf" + 'Label\r\n"Müller, Jörg"\r\nnaïve 漢字 😀\r\n'.encode()


def test_only_the_columns_named_are_exported_in_the_order_named() -> None:
    frame = pd.DataFrame({"email": ["a@b.example"], "sessions": [3], "user_id": ["0001"]})
    sheet = Sheet("Table", frame, {"user_id": Column("User", "text"), "sessions": Column("Sessions", "integer")})
    assert csv_rows(sheet) == [["User", "Sessions"], ["0001", "3"]]
    assert [cell.value for cell in book_of(sheet)["Table"][1]] == ["User", "Sessions"]
    assert b"a@b.example" not in b"".join(_parts(xlsx_bytes([sheet], {}, zone="UTC")))


def _parts(raw: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return [archive.read(name) for name in archive.namelist()]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+49 30 1234", "'+49 30 1234"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("  =1+1", "'  =1+1"),
        ("\u200b=1+1", "'\u200b=1+1"),
        ("＝1+1", "'＝1+1"),
        ("－1", "'－1"),
        ("\x00=1+1", "'=1+1"),
        ("a;=1+1", "a;'=1+1"),
        ('a; "=1+1', "a;' \"=1+1"),
        ("a\n=1+1", "a\n'=1+1"),
        ("a=1; b", "a=1; b"),
        ("well-known, user@host.example", "well-known, user@host.example"),
        ("'=1", "'=1"),
    ],
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe_in_csv_and_other_text_does_not(
    text: str, written: str
) -> None:
    assert csv_column(one_column([text], "text")) == [written]


def test_negative_numbers_are_numbers_in_csv() -> None:
    assert csv_column(one_column([-1234], "integer")) == ["-1234"]
    assert csv_column(one_column([-1234.5], "money")) == ["-1234.50"]


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, min_size=1, max_size=5))
@example(["a;=cmd()", 'x";"=cmd()', "a\r\n+1", "\ufeff=1"])
def test_no_csv_cell_begins_with_a_formula_sign_wherever_the_reader_splits(texts: list[str]) -> None:
    frame = pd.DataFrame({"n": [1] * len(texts), "c": texts}, dtype=object)
    sheet = Sheet("Table", frame, {"n": Column("N", "integer"), "c": Column("=Label", "text")})
    for delimiter in ",;\t":
        for row in csv_rows(sheet, delimiter=delimiter):
            for cell in row:
                bare = cell.lstrip(UNSEEN)
                assert not bare.startswith(tuple(SIGNS)), (delimiter, cell)


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_csv_keeps_every_text_but_for_apostrophes_and_refused_characters(texts: list[str]) -> None:
    for before, after in zip(texts, csv_column(one_column(texts, "text")), strict=True):
        assert after.replace("'", "") == without_refused(before).replace("'", "")


@pytest.mark.parametrize("kind", ["text", "integer", "decimal", "percent", "money", "date", "datetime", "boolean"])
def test_missing_values_are_empty_in_both_files(kind: str) -> None:
    frame = pd.DataFrame({"c": pd.Series([None, np.nan, pd.NaT, pd.NA], dtype=object), "n": [1, 2, 3, 4]})
    sheet = Sheet("Table", frame, {"c": Column("C", kind), "n": Column("N", "integer")})  # type: ignore[arg-type]
    assert csv_rows(sheet)[1:] == [["", "1"], ["", "2"], ["", "3"], ["", "4"]]
    assert [row[0].value for row in book_of(sheet)["Table"].iter_rows(min_row=2)] == [None] * 4


@pytest.mark.parametrize("rows", [0, 1, 2, 3, 4, 5])
def test_a_csv_written_in_parts_is_the_same_as_one_written_at_once(rows: int) -> None:
    frame = pd.DataFrame(
        {
            "text": pd.Series(["=1", "a;b", None, "ä\n", "last"][:rows], dtype="str"),
            "moment": pd.to_datetime(pd.Series(AROUND_THE_CHANGE * 2)[:rows], format="ISO8601", utc=True),
            "number": pd.Series([0.125, float("nan"), -0.001, 2.0, 0.125][:rows], dtype="float64"),
        }
    )
    columns = {
        "text": Column("Text", "text"),
        "moment": Column("Moment", "datetime"),
        "number": Column("Number", "decimal"),
    }
    sheet = Sheet("Table", frame, columns)
    at_once = csv_bytes(sheet, zone=BERLIN)
    with patch.object(texts, "AT_ONCE", 2):
        assert csv_bytes(sheet, zone=BERLIN) == at_once
    assert [row[2] for row in csv_rows(sheet)[1:]] == ["0.13", "", "0.00", "2.00", "0.13"][:rows]


def test_parts_of_a_second_are_left_out_also_before_1970() -> None:
    moments = ["2026-11-22 10:00:00.999999999", "1969-12-31 23:59:59.5", None]
    found = one_column(pd.to_datetime(pd.Series(moments), format="ISO8601", utc=True), "datetime")
    assert csv_column(found) == ["2026-11-22 10:00:00", "1969-12-31 23:59:59", ""]
    assert [cell.value for cell in cells_of(found)][:2] == [
        datetime.fromisoformat("2026-11-22 10:00:00"),
        datetime.fromisoformat("1969-12-31 23:59:59"),
    ]


def test_infinite_numbers_are_empty() -> None:
    assert cells_of(one_column([np.inf, 1.0], "decimal"))[0].value is None
    assert csv_rows(one_column([-np.inf, 1.0], "money"))[1:] == [[""], ["1.00"]]


# Kinds, in both files


@pytest.mark.parametrize(
    ("kind", "value", "in_csv", "in_excel", "number_format"),
    [
        ("integer", 1234, "1234", 1234, "#,##0"),
        ("integer", 3.0, "3", 3, "#,##0"),
        ("decimal", 7.6666, "7.67", 7.6666, "0.00"),
        ("decimal", 2.675, "2.68", 2.675, "0.00"),
        ("decimal", Decimal("8.5"), "8.50", 8.5, "0.00"),
        ("decimal", -0.001, "0.00", -0.001, "0.00"),
        ("percent", 12.5, "12.50", 12.5, '0.0"%"'),
        ("money", -1790.5, "-1790.50", -1790.5, "#,##0.00"),
        ("boolean", True, "yes", "yes", "@"),
        ("boolean", 0, "no", "no", "@"),
        ("text", "0001", "0001", "0001", "@"),
        ("text", "#N/A", "#N/A", "#N/A", "@"),
        ("date", date(2026, 11, 16), "2026-11-16", datetime.fromisoformat("2026-11-16"), "yyyy-mm-dd"),
        ("date", "2026-11-16", "2026-11-16", datetime.fromisoformat("2026-11-16"), "yyyy-mm-dd"),
    ],
)
def test_each_kind_has_its_type_and_format(
    kind: str, value: Any, in_csv: str, in_excel: Any, number_format: str
) -> None:
    sheet = one_column([value], kind)
    cell = cells_of(sheet)[0]
    assert csv_column(sheet) == [in_csv]
    assert (cell.value, cell.number_format) == (in_excel, number_format)
    assert type(cell.value) is type(in_excel)
    assert cell.data_type == {str: "s", datetime: "d"}.get(type(in_excel), "n")


def test_places_are_the_decimals_shown() -> None:
    sheet = one_column([0.04567], "decimal", places=4)
    assert csv_column(sheet) == ["0.0457"]
    assert cells_of(sheet)[0].number_format == "0.0000"
    assert cells_of(one_column([179.0], "money", places=0))[0].number_format == "#,##0"


@pytest.mark.parametrize(
    ("kind", "value"),
    [("integer", 2.5), ("decimal", "many"), ("boolean", "false"), ("date", "soon"), ("datetime", "yesterday-ish")],
)
def test_a_value_not_of_its_kind_is_refused_with_the_name_of_the_column(kind: str, value: Any) -> None:
    for write in (lambda sheet: csv_bytes(sheet, zone="UTC"), lambda sheet: xlsx_bytes([sheet], {}, zone="UTC")):
        with pytest.raises(ValueError, match='"Label" cannot be written as ' + kind):
            write(one_column([value], kind))


def test_a_column_that_the_frame_lacks_is_an_error_and_not_left_out() -> None:
    with pytest.raises(KeyError, match="gone"):
        csv_bytes(Sheet("Table", pd.DataFrame({"c": [1]}), {"gone": Column("Gone", "text")}), zone="UTC")


# Europe/Berlin leaves summer time on 25 October 2026 at 01:00 UTC.
AROUND_THE_CHANGE = ["2026-10-24 22:30:00", "2026-10-25 00:59:59", "2026-10-25 01:00:00", "2026-11-16 08:30:00.750"]
IN_BERLIN = ["2026-10-25 00:30:00", "2026-10-25 02:59:59", "2026-10-25 02:00:00", "2026-11-16 09:30:00"]


@pytest.mark.parametrize(
    "moments",
    [
        pd.Series(pd.to_datetime(AROUND_THE_CHANGE, format="ISO8601")),
        pd.Series(pd.to_datetime(AROUND_THE_CHANGE, format="ISO8601", utc=True)),
        pd.Series(pd.to_datetime(AROUND_THE_CHANGE, format="ISO8601", utc=True)).dt.tz_convert("Asia/Tokyo"),
        pd.Series(AROUND_THE_CHANGE),
    ],
    ids=["naive", "utc", "another zone", "text"],
)
def test_date_times_are_in_the_zone_over_the_end_of_summer_time_and_the_header_names_it(moments: pd.Series) -> None:
    sheet = Sheet("Table", pd.DataFrame({"c": moments}), {"c": Column("Last session", "datetime")})
    assert csv_rows(sheet, zone=BERLIN) == [["Last session (Europe/Berlin)"], *([text] for text in IN_BERLIN)]
    table = book_of(sheet, zone=BERLIN)["Table"]
    assert table["A1"].value == "Last session (Europe/Berlin)"
    assert [table.cell(row, 1).value for row in range(2, 6)] == [datetime.fromisoformat(text) for text in IN_BERLIN]
    assert table["A2"].number_format == "yyyy-mm-dd hh:mm:ss"


def test_a_date_is_not_moved_by_the_zone_but_a_moment_falls_on_its_day_there() -> None:
    day, moment = date(2026, 11, 16), pd.Timestamp("2026-11-16 23:30", tz="UTC")
    sheet = Sheet("Table", pd.DataFrame({"c": pd.Series([day, moment], dtype=object)}), {"c": Column("Day", "date")})
    assert csv_column(sheet, zone=BERLIN) == ["2026-11-16", "2026-11-17"]
    assert csv_rows(sheet, zone=BERLIN)[0] == ["Day"]


def test_a_day_before_excel_counts_right_is_text() -> None:
    assert [cell.value for cell in cells_of(one_column([date(1900, 2, 28), date(1900, 3, 1)], "date"))] == [
        "1900-02-28",
        datetime.fromisoformat("1900-03-01"),
    ]


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="Nowhere"):
        csv_bytes(one_column(["2026-11-16"], "datetime"), zone="Mars/Nowhere")


def test_a_unit_stands_in_the_header() -> None:
    assert csv_rows(one_column([179.0], "money", unit="EUR"))[0] == ["Label (EUR)"]


# Excel


def as_excel_reads(stored: str) -> str:
    """The text of a cell; openpyxl hands out what is stored."""
    return re.sub("_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), stored)


def xml_of(sheet: Sheet, part: str) -> str:
    with zipfile.ZipFile(io.BytesIO(xlsx_bytes([sheet], {}, zone="UTC"))) as book:
        return book.read(part).decode()


def test_what_looks_like_an_escaped_character_is_stored_escaped() -> None:
    stored = xml_of(one_column(["_x0041_ _x41_ _x005F_x0041_"], "text"), "xl/worksheets/sheet1.xml")
    assert "_x005F_x0041_ _x41_ _x005F_x005F_x005F_x0041_" in stored


def test_whole_numbers_keep_their_digits_from_the_sixteenth_on_as_text() -> None:
    values = [10**15 - 1, 10**15, 9_007_199_254_740_993, -(10**15)]
    cells = cells_of(one_column(values, "integer"))
    assert [cell.value for cell in cells] == [values[0], *map(str, values[1:])]


def test_a_definition_in_a_file_has_no_marks_of_markdown() -> None:
    assert (
        without_markdown("- Role **free**, `a_b`, \\$179, FLUENCY\\_X, 2 * 3")
        == "- Role free, a_b, $179, FLUENCY_X, 2 * 3"
    )


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS, min_size=1, max_size=5))
@example(["=1+1", "#N/A", "\r\n", "a\rb", "\x0b=1", " x ", "\ud800\udc00", "_x0041_"])
def test_any_text_comes_out_of_excel_as_it_went_in_and_is_never_a_formula(texts: list[str]) -> None:
    for before, cell in zip(texts, cells_of(one_column(texts, "text")), strict=True):
        expected = without_refused(before).replace("\r\n", "\n").replace("\r", "\n")
        assert as_excel_reads(cell.value or "") == expected
        assert cell.data_type == ("s" if expected else "n")


@pytest.mark.parametrize(
    ("text", "quoted"), [("=1+1", True), (" @x", True), ("＝1", True), ("0001", False), ("a=b", False)]
)
def test_text_that_looks_like_a_formula_is_marked_as_quoted_so_that_editing_does_not_run_it(
    text: str, quoted: bool
) -> None:
    cell = cells_of(one_column(["before", text, "after"], "text"))[1]
    assert (cell.value, bool(cell.quotePrefix), cell.number_format) == (text, quoted, "@")


def test_headers_names_and_the_about_sheet_do_not_run_either() -> None:
    sheet = Sheet("=Table", pd.DataFrame({"c": ["x"]}), {"c": Column("=Label", "text")})
    book = book_of(sheet, about={"=What": "=1+1\x00"})
    cells = [cell for table in book for row in table.iter_rows() for cell in row]
    assert [cell.value for cell in cells] == ["=Label", "x", "=What", "=1+1"]
    assert {cell.data_type for cell in cells} == {"s"}


def test_about_comes_last_and_says_what_it_was_given_and_what_columns_mean() -> None:
    sheet = one_column([1], "integer", help="Completed sessions in the window.")
    book = book_of(sheet, about={"Title": "Candidates", "Rows": "1 of 7"})
    assert book.sheetnames == ["Table", "About"]
    assert list(book["About"].values) == [
        ("Title", "Candidates"),
        ("Rows", "1 of 7"),
        ("Table: Label", "Completed sessions in the window."),
    ]
    assert book["About"]["B1"].alignment.wrap_text
    assert book.properties.creator == "Fluency Lab Analytics"


def test_a_row_of_about_is_as_high_as_its_text_has_lines() -> None:
    about = book_of(about={"Title": "Report", "How counted": "one\ntwo\n" + "word " * 40, "Long": "x" * 30_000})[
        "About"
    ]
    assert [about.row_dimensions[place].height for place in (1, 2, 3)] == [15, 75, 409]


def test_on_paper_a_table_is_as_wide_as_the_page_and_has_its_header_on_each() -> None:
    book = book_of(one_column(["a"] * 200, "text"), about={"Title": "Report"})
    for table in book:
        assert (table.page_setup.orientation, table.sheet_properties.pageSetUpPr.fitToPage) == ("landscape", True)
        assert (table.page_setup.fitToWidth, table.page_setup.fitToHeight) == (1, 0)
    assert book["About"]["A1"].font.name == "Calibri"
    assert book.worksheets[0].print_title_rows == "$1:$1"
    assert book.worksheets[0].print_area == "'Table'!$A$1:$A$201"


def test_a_table_has_a_bold_frozen_header_a_filter_and_columns_as_wide_as_their_content() -> None:
    columns = {"a": Column("A", "integer"), "b": Column("Mistake", "text"), "c": Column("C", "text")}
    frame = pd.DataFrame({"a": [1, 2], "b": ["x" * 30, "y"], "c": ["z" * 500, "z"]})
    table = book_of(Sheet("Table", frame, columns))["Table"]
    assert table.freeze_panes == "A2"
    assert table.auto_filter.ref == "A1:C3"
    assert [cell.font.bold for cell in table[1]] == [True] * 3
    assert not table["A2"].font.bold
    assert {(cell.font.name, cell.font.size) for row in table.iter_rows() for cell in row} == {("Calibri", 11)}
    assert [table.column_dimensions[letter].width for letter in "ABC"] == [8, 32, 60]


def test_an_empty_frame_gives_a_sheet_with_its_header_alone() -> None:
    sheet = Sheet("Table", pd.DataFrame({"c": [], "t": []}), {"c": Column("C", "text"), "t": Column("T", "datetime")})
    assert csv_rows(sheet) == [["C", "T (UTC)"]]
    table = book_of(sheet)["Table"]
    assert list(table.values) == [("C", "T (UTC)")]
    assert table.auto_filter.ref == "A1:B1"


@pytest.mark.parametrize("char", ["x", "ä", "😀"])
def test_text_longer_than_a_cell_is_cut_with_an_ellipsis_and_the_number_is_said(char: str) -> None:
    units = len(char.encode("utf-16-le")) // 2
    fits = char * (32_767 // units)
    book = book_of(one_column([fits, fits + char, fits + "more"], "text"))
    kept = [row[0] for row in book["Table"].iter_rows(min_row=2, values_only=True)]
    assert kept[0] == fits
    for text in kept[1:]:
        assert text.endswith("…")
        assert fits.startswith(text[:-1])
        assert 32_766 <= len(text.encode("utf-16-le")) // 2 <= 32_767
    assert list(book["About"].values) == [
        ("Shortened texts", "2: Excel holds 32,767 characters in a cell; these end with …")
    ]


def test_csv_does_not_cut_text() -> None:
    assert csv.field_size_limit() > 40_000
    assert csv_column(one_column(["x" * 40_000], "text")) == ["x" * 40_000]


def table_of(name: str, rows: int, columns: int) -> Sheet:
    frame = pd.DataFrame({f"c{place}": range(rows) for place in range(columns)}, index=range(rows))
    return Sheet(name, frame, {name: Column(name, "integer") for name in frame})


def test_a_workbook_has_the_first_rows_of_a_table_that_is_too_large_and_says_how_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.exports.workbook.MOST_CELLS", 60)
    small, large = table_of("Small", 4, 2), table_of("Mistakes of users by their level", 1_000, 5)
    book = book_of(small, large, about={"Title": "Daily report"})
    assert book.sheetnames == ["Small", "Mistakes of users…, 10 of 1,000", "About"]
    assert len(list(book["Small"].values)) == 1 + 4
    table = book.worksheets[1]
    assert list(table.values)[1:] == [(row,) * 5 for row in range(10)]
    assert table.auto_filter.ref == "A1:E11"
    assert list(book["About"].values) == [
        ("Title", "Daily report"),
        ("Rows of Mistakes of users by their level", "The first 10 of 1,000; the CSV has all."),
    ]
    assert csv_bytes(large, zone="UTC").count(b"\r\n") == 1 + 1_000


@pytest.mark.parametrize(
    ("tables", "kept"),
    [
        ([(10_000, 120)], [1_666]),
        ([(10_000, 20)], [10_000]),
        ([(10_000, 120), (100, 10)], [1_658, 100]),
        ([(100, 10), (10_000, 120), (50_000, 10)], [100, 829, 9_950]),
        ([(2_000_000, 0), (0, 5)], [200_000, 0]),
        ([], []),
    ],
)
def test_small_tables_of_a_workbook_are_whole_and_large_ones_share_the_cells_that_are_left(
    tables: list[tuple[int, int]], kept: list[int]
) -> None:
    assert rows_in_workbook([table_of("Table", *size) for size in tables]) == kept


@given(st.lists(st.tuples(st.integers(0, 400_000), st.integers(1, 9)), max_size=8))
def test_no_workbook_has_more_cells_than_the_bound_and_none_is_cut_below_it(sizes: list[tuple[int, int]]) -> None:
    sheets = [
        Sheet("Table", pd.DataFrame(index=range(rows)), dict.fromkeys("abcdefghi"[:columns], Column("C", "text")))
        for rows, columns in sizes
    ]
    kept = rows_in_workbook(sheets)
    cells = sum(count * columns for count, (_, columns) in zip(kept, sizes, strict=True))
    assert cells <= 200_000
    if sum(rows * columns for rows, columns in sizes) <= 200_000:
        assert kept == [rows for rows, _ in sizes]
    else:
        assert cells > 200_000 - 100


@pytest.mark.parametrize(
    ("wanted", "given_names"),
    [
        (["By role", "by role", "By role"], ["By role", "by role 2", "By role 3"]),
        (["About", "History"], ["About 2", "History 2"]),
        (["a[b]:c*d?e/f\\g"], ["a b c d e f g"]),
        (["'quoted'", "", " \t"], ["quoted", "Sheet", "Sheet 2"]),
        (["x" * 31, "x" * 32], ["x" * 31, "x" * 30 + "…"]),
        (["x" * 31, "x" * 31], ["x" * 31, "x" * 25 + "… 2"]),
    ],
)
def test_sheet_names_are_legal_and_unique(wanted: list[str], given_names: list[str]) -> None:
    assert sheet_names(wanted) == given_names


@settings(deadline=None, max_examples=50)
@given(st.lists(TEXTS | st.sampled_from(["About", "A" * 31, "a" * 40]), max_size=6))
def test_any_sheet_names_can_be_made_legal_and_unique(wanted: list[str]) -> None:
    names = sheet_names(wanted)
    assert len({name.lower() for name in [*names, "about"]}) == len(wanted) + 1
    for name in names:
        assert 1 <= len(name.encode("utf-16-le")) // 2 <= 31
        assert not set(name) & set("[]:*?/\\")
        assert name.strip("'") == name


# Charts


def bars(rows: int = 3, **properties: Any) -> alt.Chart:
    frame = pd.DataFrame({"role": [f"Käufer {n % 3}" for n in range(rows)], "sessions": range(1, rows + 1)})
    return alt.Chart(frame).mark_bar(color="#0072B2").encode(x="role", y="sum(sessions)").properties(**properties)


def picture(raw: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(raw))
    assert image.format == "PNG"
    return image.convert("RGBA")


def blue_share(raw: bytes) -> float:
    dots = np.asarray(picture(raw))
    return float((dots == (0x00, 0x72, 0xB2, 0xFF)).all(axis=2).mean())


def test_a_png_shows_the_bars_on_white_whatever_the_background_of_the_chart() -> None:
    raw = chart_png(bars(width=200, height=200, background="#000000"))
    assert picture(raw).getpixel((0, 0)) == (255, 255, 255, 255)
    assert blue_share(raw) > 0.2


def test_scale_multiplies_the_dots() -> None:
    once, twice = (picture(chart_png(bars(width=200), scale=scale)).width for scale in (1.0, 2.0))
    assert twice == pytest.approx(2 * once, abs=2)


def test_a_chart_that_fills_its_container_is_wide_in_a_file() -> None:
    assert picture(chart_png(bars(width="container"), scale=1.0)).width > 800


@pytest.mark.parametrize("sign", ["中", "ह", "한", "\U0001f600", "\ue000", "ə", "→", "’", "Ж"])
def test_a_sign_is_named_as_missing_where_its_picture_is_that_of_a_sign_which_nobody_has(sign: str) -> None:
    def drawn(text: str) -> bytes:
        values = pd.DataFrame({"text": [text]})
        mark = alt.Chart(values).mark_text(font="Liberation Sans", fontSize=40).encode(text="text:N")
        return chart_png(mark.properties(width=80, height=80))

    is_box = drawn(sign) == drawn("\U0010fffd")
    assert signs_without_glyph(f"a {sign}{sign} b") == (sign if is_box else "")


@pytest.mark.parametrize("sign", ["\x00", "\x08", "\x1b", "\ufffe", "\uffff"])
def test_a_sign_that_xml_cannot_hold_is_replaced_in_a_picture_in_place_of_ending_the_program(sign: str) -> None:
    chart = alt.Chart(pd.DataFrame({f"x{sign}": [f"A{sign}B"]})).mark_text().encode(text=f"x{sign}:N")
    spec = {
        "mark": "text",
        "encoding": {"text": {"field": "x"}},
        "datasets": {"rows": pd.DataFrame({"x": [f"A{sign}B"]})},
    }
    for one in (chart, spec | {"data": {"name": "rows"}}):
        assert ">A\ufffdB<" in chart_svg(one).decode()
        assert picture(chart_png(one)).width > 1


def test_signs_of_the_font_that_comes_along_are_drawn_and_those_for_private_use_are_not() -> None:
    assert signs_without_glyph("Größe, naïve, ʃəˈ, “→”, Жук, αβγ, 5 €\n") == ""
    assert signs_without_glyph("a\ue000b\ue000") == "\ue000"


def test_an_svg_holds_the_labels_with_umlauts() -> None:
    text = chart_svg(bars(width=200)).decode()
    assert text.startswith("<svg")
    assert "Käufer 2" in text


def test_charts_of_more_rows_than_altair_allows_are_drawn_and_altair_is_left_as_it_was() -> None:
    before = (alt.data_transformers.active, dict(alt.data_transformers.options))
    assert blue_share(chart_png(bars(6_000, width=200, height=200))) > 0.2
    assert (alt.data_transformers.active, dict(alt.data_transformers.options)) == before
    with pytest.raises(alt.MaxRowsError):
        bars(6_000).to_dict()


def test_a_chart_whose_rows_another_thread_took_is_asked_again_and_never_drawn_blank() -> None:
    chart, calls = bars(width=200, height=200), 0
    true_to_dict = alt.Chart.to_dict

    def to_dict(self: alt.Chart, *args: Any, stolen: int, **kwargs: Any) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        spec = true_to_dict(self, *args, **kwargs)
        return {**spec, "datasets": {}} if calls <= stolen else spec

    with patch.object(alt.Chart, "to_dict", lambda self, **kwargs: to_dict(self, stolen=1, **kwargs)):
        assert blue_share(chart_png(chart)) > 0.2
    with (
        patch.object(alt.Chart, "to_dict", lambda self, **kwargs: to_dict(self, stolen=99, **kwargs)),
        pytest.raises(ValueError, match="rows of the chart"),
    ):
        chart_png(chart)


def test_layers_and_rows_of_charts_are_drawn() -> None:
    layered = bars(width=100) + bars(width=100).mark_text(dy=-5).encode(text="sum(sessions)")
    assert blue_share(chart_png(alt.hconcat(layered, bars(4, width=100)))) > 0.1


def test_a_chart_cannot_load_data_from_an_address() -> None:
    chart = alt.Chart("https://data.example/rows.json").mark_point().encode(x="a:Q")
    for draw in (chart_png, chart_svg):
        with pytest.raises(ValueError, match="not allowed"):
            draw(chart)


# JSON and names


def test_json_rounds_half_up_and_writes_what_is_missing_as_null() -> None:
    value = {
        "confidence": 7.665,
        "list": (np.float64(2.675), float("nan"), float("inf"), None, pd.NA, pd.NaT, Decimal("1.005")),
        "sessions": np.int64(9),
        "sent": np.bool_(True),
        "as_of": date(2026, 11, 22),
        "generated_at": pd.Timestamp("2026-11-22 21:19:00", tz="UTC"),
        "empty": pd.DataFrame({"a": []}),
        "rows": pd.DataFrame({"role": ["free"], "avg": [8.136]}),
    }
    assert json.loads(json_bytes(value)) == {
        "confidence": 7.67,
        "list": [2.68, None, None, None, None, None, 1.01],
        "sessions": 9,
        "sent": True,
        "as_of": "2026-11-22",
        "generated_at": "2026-11-22T21:19:00+00:00",
        "empty": [],
        "rows": [{"role": "free", "avg": 8.14}],
    }


def test_json_is_utf8_with_umlauts_as_they_are_and_indented_by_two() -> None:
    assert json_bytes({"rolle": "Käufer"}) == '{\n  "rolle": "Käufer"\n}\n'.encode()


def test_json_refuses_what_it_has_no_form_for() -> None:
    with pytest.raises(TypeError):
        json_bytes({"when": object()})


@settings(deadline=None)
@example(Decimal("583158.195"))
@given(st.decimals(min_value=-(10**9), max_value=10**9, places=3))
def test_half_up_agrees_with_whole_number_arithmetic(value: Decimal) -> None:
    thousandths = int(value * 1000)
    hundredths = (abs(thousandths) + 5) // 10 * (1 if thousandths >= 0 else -1)
    assert half_up(float(value)) == hundredths / 100


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_half_up_takes_every_float_and_gives_no_negative_zero(value: float) -> None:
    rounded = half_up(value)
    assert abs(rounded - value) <= 0.005 + 1e-9 * abs(value)
    assert str(rounded) != "-0.0"


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        (("Top mistakes", date(2026, 11, 16), date(2026, 11, 22)), "top_mistakes_2026-11-16_2026-11-22.csv"),
        (("Häufigste Fehler: Größe?",), "haufigste_fehler_grosse.csv"),
        (("../../etc/passwd",), "etc_passwd.csv"),
        (("漢字",), "export.csv"),
        ((), "export.csv"),
    ],
)
def test_file_names_are_lower_case_and_safe(parts: tuple[object, ...], name: str) -> None:
    assert text_file_name(*parts, extension="csv") == name
    assert text_file_name(*parts, extension=".CSV") == name


def test_pages_that_export_nothing_do_not_load_what_exports_need() -> None:
    check = "import sys, lib.exports; print(sorted({'openpyxl', 'vl_convert', 'altair'} & sys.modules.keys()))"
    shown = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "[]"


def test_binary_noise_below_a_half_does_not_round_down() -> None:
    assert half_up(8.124999999999998) == 8.13
    assert half_up(8.1249) == 8.12
