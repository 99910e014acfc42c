"""Who did what, as the app records it and the page shows it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from lib.audit import AuditLog
from lib.ui import downloads
from tests.pages.app import drawn, go, open_page, press, said, table


def lines() -> list[dict[str, Any]]:
    """The record so far, oldest first."""
    return list(reversed(AuditLog(os.environ["FLUENCY_AUDIT"]).last(1000)[0]))


def test_a_page_is_recorded_once_a_visit_and_not_with_each_click() -> None:
    app = open_page("Engagement", engagement_days="14")
    drawn(app)
    go(app, "Mistakes")
    seen = [(line["page"], line["filters"]) for line in lines() if line["event"] == "page"]
    assert seen == [("engagement", {"engagement_days": "14"}), ("mistakes", {})]


def taken(monkeypatch: pytest.MonkeyPatch, title: str, **address: str) -> list[tuple[str, Any]]:
    """The files that a page offers: name, and what makes each when its button is pressed."""
    offered: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        downloads.st, "download_button", lambda label, made, name, mime, **look: offered.append((name, made))
    )
    monkeypatch.setattr(downloads, "session_now", downloads.ASKING.get)  # the button is pressed where it is drawn
    open_page(title, **address)
    return offered


def test_a_file_that_another_session_asks_for_is_not_made_and_that_is_on_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, made = taken(monkeypatch, "Conversion")[0]
    asking = downloads.ASKING.set("another session")
    with pytest.raises(downloads.NotAdmitted):
        made()
    downloads.ASKING.reset(asking)
    (line,) = [line for line in lines() if line["event"] in ("refusal", "download")]
    assert (line["event"], line["file"], line["why"]) == (
        "refusal",
        name,
        "the file was offered to another session",
    )


def test_a_download_says_file_filters_rows_and_whether_it_has_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    name, made = next(one for one in taken(monkeypatch, "Conversion", min_sessions="4") if one[0].endswith(".csv"))
    assert not [line for line in lines() if line["event"] == "download"], "what is offered is not taken yet"
    made()
    (line,) = [line for line in lines() if line["event"] == "download"]
    assert (line["visitor"], line["page"], line["file"], line["rows"]) == ("local", "conversion", name, 1)
    assert line["addresses"] is True
    assert "4" in json.dumps(line["filters"])


@pytest.mark.parametrize(
    ("title", "address", "ending", "has"),
    [
        ("Conversion", {}, ".csv", True),
        ("Conversion", {}, ".xlsx", True),
        ("Conversion", {"without_names": "1"}, ".csv", False),
        ("Engagement", {}, ".csv", False),
        ("Engagement", {}, ".xlsx", False),
    ],
)
def test_whether_a_file_has_addresses_is_said_of_the_file_and_not_of_the_role(
    title: str, address: dict[str, str], ending: str, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENCY_PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef")
    next(made for name, made in taken(monkeypatch, title, **address) if name.endswith(ending))()
    (line,) = [line for line in lines() if line["event"] == "download"]
    assert line["addresses"] is has


def test_an_address_that_somebody_looked_for_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    for _, made in taken(monkeypatch, "Conversion", user="two@example.com"):
        made()
    assert "two@example.com" not in Path(os.environ["FLUENCY_AUDIT"]).read_text(encoding="utf-8")


def test_the_page_shows_the_newest_lines_first() -> None:
    AuditLog(os.environ["FLUENCY_AUDIT"]).record("sql", "ann@example.org", page="sql", sql="select 1", rows=1)
    rows = table(open_page("Audit"), "event")
    assert rows["event"].tolist()[0] == "page"
    found = rows[rows["event"] == "sql"].iloc[0]
    assert (found["visitor"], found["page"], found["details"]) == ("ann@example.org", "sql", "rows: 1; sql: select 1")


def test_no_more_lines_than_the_newest_are_shown_and_how_many_there_are_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lib.ui.audit_page.SHOWN", 3)
    log = AuditLog(os.environ["FLUENCY_AUDIT"])
    for number in range(7):
        log.record("page", "ann@example.org", page="home", number=number)
    app = open_page("Audit")
    assert "3 of 8 rows" in [caption.value for caption in app.caption]


def test_a_report_made_from_the_page_is_recorded() -> None:
    press(open_page("Reports", as_of="2026-11-20"), "Make a report now")
    (line,) = [line for line in lines() if line["event"] == "report"]
    assert (line["visitor"], line["page"], line["as_of"], line["addresses"]) == ("local", "reports", "2026-11-20", True)


def test_a_record_that_goes_elsewhere_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENCY_AUDIT", "")
    assert "nothing to show here" in said(open_page("Audit"))


def test_without_a_record_nothing_is_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("FLUENCY_AUDIT", str(tmp_path / "file" / "audit.jsonl"))
    app: AppTest = open_page("Home")
    assert "FLUENCY_AUDIT" in said(app).replace("\\", "")
    assert not app.metric
