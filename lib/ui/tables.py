"""Tables, charts and figures on a page, each with the way to take it along and to see how it is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import streamlit as st
from streamlit.column_config import DateColumn, DatetimeColumn, NumberColumn, TextColumn
from streamlit.dataframe_util import convert_pandas_df_to_arrow_table
from streamlit.elements.lib.column_types import ColumnConfig

from lib import exports
from lib.analysis.withheld import frame_without_addresses
from lib.charts import LIGHT, Palette, palette
from lib.database import connect
from lib.exports import Column, Sheet, Spec, without_markdown
from lib.queries.people import everybody
from lib.ui import withheld
from lib.ui.cached import made
from lib.ui.downloads import offer_file
from lib.ui.html_table import html_table
from lib.ui.page import Page
from lib.ui.text import LONG_TEXT, NO_DATA, change_text, plain

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_ROWS = 10


def show_table(
    page: Page,
    sheet: Sheet,
    *,
    how: str,
    sql: str = "",
    of: int | None = None,
    look: Mapping[str, ColumnConfig] | None = None,
    widths: Mapping[str, int] | None = None,
    **options: Any,
) -> Any:
    """A table as it will be in the files; ``of`` is how many rows there are where not all are shown.

    ``look`` replaces that of single columns, ``widths`` are pixels; ``options`` are those of st.dataframe, and so is
    the answer.
    """
    shown = withheld.shown_sheet(page, sheet)
    looks = {name: column_look(column, page, (widths or {}).get(name)) for name, column in shown.columns.items()}
    order = options.get("column_order") or list(shown.columns)
    # By its name the style sheet knows a list, of which a phone has the rows one below the other, from one to tick in.
    with st.container(key=f"{'tick' if 'on_select' in options else 'list'}_{page.name}_{sheet.name}", gap=None):
        event = _draw(shown, looks | dict(look or {}), options)
        st.html(made(html_table, shown, order, page.zone, page.settings.currency))
    draw_footer(page, sheet, how=how, sql=sql, of=of)
    if withheld.has_pseudonyms(page, sheet) and withheld.key_of(page) is None:
        st.caption(withheld.note(page))
    return event


def show_chart(
    page: Page,
    sheet: Sheet,
    draw: Callable[[Palette], Spec],
    *,
    how: str,
    sql: str = "",
    **options: Any,
) -> Any:
    """A chart (its description is the text alternative), the table that it draws, and both as files.

    ``draw`` makes it for a palette: the visitor's on the page, the light one for pictures.
    ``options`` are those of st.vega_lite_chart, and so is the answer.
    """
    event = st.vega_lite_chart(spec=draw(palette(page.theme)), theme=None, **options)
    draw_footer(page, sheet, how=how, sql=sql, draw=draw)
    return event


def _draw(sheet: Sheet, looks: dict[str, ColumnConfig], options: dict[str, Any]) -> Any:
    table = made(_for_browser, sheet.frame, sheet.columns)
    return st.dataframe(
        table, column_config=looks, hide_index=True, placeholder=NO_DATA, alt=alternative(sheet), **options
    )


def _for_browser(whole: pd.DataFrame, columns: Mapping[str, Column]) -> pa.Table:
    """The ``columns`` as they are sent, long texts cut."""
    frame = whole[list(columns)].copy()
    frame.attrs = {}  # they would go to the browser, too
    for name, column in columns.items():
        if column.is_change:
            frame[name] = [change_text(step, column) for step in frame[name].tolist()]
        elif column.kind == "text":
            frame[name] = frame[name].str.slice(0, LONG_TEXT).replace("", None)
        elif column.kind == "boolean":  # in words, as in the files
            frame[name] = frame[name].map({True: "yes", False: "no"}).astype("str")
    return convert_pandas_df_to_arrow_table(frame)  # as st.dataframe would, each time anew


def list_height(rows: int) -> int | Literal["content"]:
    """All rows of a short list, ten of a long one."""
    return "content" if rows <= MOST_ROWS else 38 + 35 * MOST_ROWS


def alternative(sheet: Sheet) -> str:
    """What a screen reader says of a table."""
    labels = ", ".join(column.label for column in sheet.columns.values())
    return f"{sheet.name}: a table of {len(sheet.frame):,} rows with {labels}."


def column_look(column: Column, page: Page, width: int | None = None) -> ColumnConfig:
    """How a column is drawn on a page."""
    if column.is_change:
        return TextColumn(column.label, help=column.help or None, width=width, alignment="right")
    currency = page.settings.currency.replace("%", "%%")
    number_formats = {
        "integer": "localized",
        "decimal": f"%.{column.places}f",
        "percent": "%.1f %%",
        "money": f"{currency}%.0f",
    }
    if column.kind in number_formats:
        return NumberColumn(column.label, help=column.help or None, width=width, format=number_formats[column.kind])
    if column.kind == "datetime":
        return DatetimeColumn(
            column.label, help=column.help or None, width=width, format="D MMM YYYY HH:mm", timezone=page.zone
        )
    if column.kind == "date":
        return DateColumn(column.label, help=column.help or None, width=width, format="D MMM YYYY")
    return TextColumn(column.label, help=column.help or None, width=width)


def draw_footer(
    page: Page,
    sheet: Sheet,
    *,
    how: str,
    sql: str = "",
    of: int | None = None,
    draw: Callable[[Palette], Spec] | None = None,
) -> None:
    """The row under a table or chart: how it is counted, its rows ("N of M"), and the way to take it along."""
    how += f"- {withheld.note(page)}\n" if withheld.has_pseudonyms(page, sheet) else ""
    page.sheets[sheet.name] = sheet
    page.definitions[sheet.name] = without_markdown(how)
    count = len(sheet.frame)
    rows = f"{count:,} of {of:,} rows" if of is not None and of > count else f"{count:,} row{'s' * (count != 1)}"
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        explain(how, withheld.shown_text(page, sql) if page.visitor.may_open("sql") else "")
        if draw is not None:
            with st.popover("Table", type="tertiary"):
                shown = withheld.shown_sheet(page, sheet)
                _draw(shown, {name: column_look(column, page) for name, column in shown.columns.items()}, {})
            _download(page, "PNG", sheet.name, "image/png", lambda: exports.chart_png(draw(LIGHT)))
            _download(page, "SVG", sheet.name, "image/svg+xml", lambda: exports.chart_svg(draw(LIGHT)))
        _download(page, "CSV", sheet.name, CSV, lambda: exports.csv_bytes(to_take(page, sheet), zone=page.zone))
        _download(
            page,
            "Excel",
            sheet.name,
            XLSX,
            lambda: exports.xlsx_bytes([to_take(page, sheet)], page.about(rows), zone=page.zone),
            help=_cut_in_excel([sheet]) or None,
        )
        if draw is None:
            st.caption(rows, width="content")


def to_take(page: Page, sheet: Sheet) -> Sheet:
    """The table as it goes into a file: without what the visitor may not see, without names if they want that.

    Who is behind a name is read for those alone who may see addresses; for others the same addresses and user ids are
    replaced, by their looks.
    """
    if not page.without_names:
        return withheld.shown_sheet(page, sheet)
    from lib.analysis.pseudonyms import MAIL_COLUMN, USER_COLUMN, Person, checked_key
    from lib.report.anonymise import anonymise_sheet

    key = checked_key(page.settings.pseudonym_key.get_secret_value())
    if not withheld.sees_addresses(page):
        cut = frame_without_addresses(sheet.frame, but=(USER_COLUMN, MAIL_COLUMN))
        return anonymise_sheet(replace(sheet, frame=cut), key, ())
    with connect(page.source.engine) as connection:
        return anonymise_sheet(sheet, key, (Person(*row) for row in everybody(connection)))


def _cut_in_excel(sheets: Sequence[Sheet]) -> str:
    """What is said where the Excel file lacks rows of a table."""
    counts = zip(sheets, exports.rows_in_workbook(sheets), strict=True)
    return " ".join(
        f"{plain(sheet.name)}: the first {count:,} of {len(sheet.frame):,} rows; the CSV has all."
        for sheet, count in counts
        if count < len(sheet.frame)
    )


def _download(page: Page, label: str, name: str, mime: str, make: Callable[[], bytes], help: str | None = None) -> None:
    sheet = page.sheets[name]
    offer_file(
        page,
        label,
        make,
        page.file_name(name, "xlsx" if mime == XLSX else label.lower()),
        mime,
        rows=exports.rows_in_workbook([sheet])[0] if mime == XLSX else len(sheet.frame),
        type="tertiary",
        help=help,
        key=f"{label}_{page.name}_{name}",
    )


def explain(how: str, sql: str = "") -> None:
    """How it is counted, one click away from the number, with the SQL that was run."""
    with st.popover("How this is counted", type="tertiary"):
        st.markdown(how)
        if sql:
            st.caption("The SQL that was run")
            st.code(sql, language="sql", wrap_lines=True)


def take_whole_page(page: Page) -> None:
    """The button that takes all tables of the page along."""
    if not page.sheets:
        return
    sheets = list(page.sheets.values())
    rows = "; ".join(f"{name}: {len(sheet.frame):,}" for name, sheet in page.sheets.items())
    offer_file(
        page,
        "Whole page",
        lambda: exports.xlsx_bytes([to_take(page, sheet) for sheet in sheets], page.about(rows), zone=page.zone),
        page.file_name(page.name, "xlsx"),
        XLSX,
        rows=sum(exports.rows_in_workbook(sheets)),
        icon=":material/download:",
        help=f"All tables of this page in one Excel file, under the filters shown. {_cut_in_excel(sheets)}".strip(),
    )
