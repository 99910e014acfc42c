"""The app's pages without a browser: open one over a database, see what stands there, move what can be moved."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block, Dataframe

from lib.ui import cached
from lib.ui.text import UNSEEN

ROOT = Path(__file__).parents[2]
HOME = "Home"
PAGES = {
    HOME: "Home.py",
    "Engagement": "pages/engagement.py",
    "Mistakes": "pages/mistakes.py",
    "Conversion": "pages/conversion.py",
    "Analyses": "pages/analyses.py",
    "Reports": "pages/reports.py",
    "Data health": "pages/data_health.py",
    "SQL": "pages/sql.py",
    "Audit": "pages/audit.py",
}
OUR_HTML = {path.read_text(encoding="utf-8").strip() for path in (ROOT / "lib" / "ui").glob("*.html")}
# Tables for paper and phones: HTML with every cell escaped, which tests/ui/test_html_table.py looks at.
PRINTED = '<div class="whole-table">'
# Where Streamlit draws Markdown: bodies, and labels and help of widgets.
BODIES = ("markdown", "caption", "title", "header", "subheader", "info", "warning", "error", "success", "html", "latex")


class Clock(datetime):
    """The day after the worked cases, so that tests give the same on every day."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return datetime(2026, 11, 23, 9, 2, tzinfo=UTC).astimezone(tz)


def forget_everything() -> None:
    """Empty all caches, as a fresh server has them."""
    cached.forget()
    st.cache_resource.clear()
    st.cache_data.clear()


def open_page(title: str, **address: Any) -> AppTest:
    """A first visit to a page, under an address; it has drawn itself to the end."""
    return go(AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60), title, **address)


def go(app: AppTest, title: str, **address: Any) -> AppTest:
    """Change to another page within a visit; as in a browser, the address is then that of the link."""
    app.query_params = address
    app.switch_page(PAGES[title])
    return drawn(app)


def drawn(app: AppTest) -> AppTest:
    """Run the page; whatever is wrong, the visitor never sees a traceback."""
    app.run()
    assert not app.exception, [element.value for element in app.exception]
    return app


def elements(block: Block) -> Iterator[Any]:
    """Everything on the page, blocks too."""
    for child in block.children.values():
        yield child
        if isinstance(child, Block):
            yield from elements(child)


def markdown(app: AppTest) -> list[str]:
    """Every text on the page that is drawn as Markdown or HTML, but for our own script."""
    found = []
    for element in elements(app._tree):
        if element.type in BODIES:
            found.append(element.value if element.type != "html" else element.proto.body)
        proto = element.proto
        found += [getattr(proto, name) for name in ("label", "help", "placeholder") if hasattr(proto, name)]
        found += [tip for tip in [getattr(getattr(proto, "popover", None), "label", "")] if tip]
        if element.type == "button_group":
            found += [option.content for option in proto.options]
        if element.type == "metric":
            found += [proto.body, proto.delta, proto.delta_description]
    return [str(text) for text in found if text and text.strip() not in OUR_HTML and not text.startswith(PRINTED)]


def as_shown(text: str) -> str:
    """The characters that a reader sees of a text with escapes for Markdown."""
    return text.replace("\\", "").replace(UNSEEN, "")


def said(app: AppTest) -> str:
    """What the page tells about itself: boxes, in one text."""
    return "\n".join(box.value for kind in ("error", "warning", "info", "success") for box in app.get(kind))


def table(app: AppTest, first_column: str) -> pd.DataFrame:
    """The first table on the page that has this column; columns by the names that the code uses."""
    return next(frame for frame in tables(app) if first_column in frame.columns)


def tables(app: AppTest) -> list[pd.DataFrame]:
    """All tables on the page, those behind a click too."""
    return [element.value for element in elements(app._tree) if isinstance(element, Dataframe)]


def figures(app: AppTest) -> dict[str, str]:
    """The figures in cards, by label, as the visitor reads them."""
    return {metric.label: metric.value.replace("\\", "") for metric in app.metric}


def change_of(app: AppTest, label: str) -> str:
    """What stands under a figure."""
    return next(metric.delta.replace("\\", "") for metric in app.metric if metric.label == label)


def control(app: AppTest, name: str) -> Any:
    """The widget of a filter, on the page that is open."""
    page = app.title[0].value.lower().replace(" ", "_")
    return next(element for element in elements(app._tree) if getattr(element, "key", None) == f"{page}:{name}")


def move(app: AppTest, **values: Any) -> AppTest:
    """Set filters by their widgets, and run the page."""
    for name, value in values.items():
        control(app, name).set_value(value)
    return drawn(app)


def pick(app: AppTest, *rows: int) -> AppTest:
    """Tick rows of the table that can be picked from."""
    listed = next(element for element in app.dataframe if element.key)
    app.session_state[listed.key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return drawn(app)


def open_tab(app: AppTest, name: str) -> AppTest:
    """Open a tab of the Conversion page."""
    app.session_state["conversion:tab"] = name
    return drawn(app)


def press(app: AppTest, label: str) -> AppTest:
    """Press the button with this label."""
    next(button for button in app.button if button.label == label).click()
    return drawn(app)


def links(app: AppTest) -> dict[str, tuple[str, str]]:
    """The links on the page: page and query by label."""
    protos = [element.proto for element in elements(app._tree) if element.type == "page_link"]
    return {proto.label: (proto.page, proto.query_string) for proto in protos}
