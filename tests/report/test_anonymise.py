from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection

from lib.analysis.pseudonyms import pseudonym
from lib.definitions import CANDIDATE_COLUMNS
from lib.exports import Sheet, csv_bytes
from lib.queries.people import everybody
from lib.report.alone import feed_tables
from lib.report.analyses import OwnAnalyses
from lib.report.anonymise import Person, anonymise_report, anonymise_sheet
from lib.report.changes import Changes
from lib.report.contents import Report, ReportOptions, fetch_report
from lib.report.html import plain_text
from lib.report.summary import summary
from lib.report.tables import about, sheets
from tests.conftest import Fill

KEY = b"0123456789abcdef0123456789abcdef"
NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
AS_OF = date(2026, 11, 22)
ANALYSIS = """-- title: Who is Anton
-- description: For anton.tamm@example.org and user005.
select user_id, email as contact, 'by ' || user_id as note, 'Tamm' as said from users"""
USERS = [
    {"user_id": "user004", "email": "anton.tamm@example.org"},
    {"user_id": "user005", "email": "ada.orlov@example.com"},
]
MISTAKES = [
    {
        "user_id": "user004",
        "error_text": 'Wrong word: "Anton from anton.tamm@example.org"',
        "error_category": "user005",
    },
    {"user_id": "user004", "error_text": 'Missing article: "user005 is manager"'},
]


def people(connection: Connection) -> list[Person]:
    return [Person(*row) for row in everybody(connection)]


@pytest.fixture
def found(filled: Fill, tmp_path: Path) -> Report:
    """A report in which people are named wherever a text can stand."""
    (tmp_path / "who.sql").write_text(ANALYSIS)
    (tmp_path / "broken.sql").write_text("select 1 from anton_tamm")
    sessions = [{"user_id": user["user_id"], "confidence_score": 9.0} for user in USERS for _ in range(3)]
    with filled(users=USERS, sessions=sessions, mistakes=MISTAKES) as connection:
        options = ReportOptions("UTC", AS_OF, own=OwnAnalyses(tmp_path))
        return fetch_report(connection, options, source="sample.db", now=NOW)


@pytest.fixture
def hidden(found: Report) -> Report:
    return anonymise_report(found, KEY, persons())


def everything(report: Report) -> str:
    """All that any file of the report is made of, as one text."""
    tables = [csv_bytes(sheet, zone="UTC").decode() for sheet in sheets(report)]
    feed = [table.sheet.frame.to_csv() for table in feed_tables(report).values()]
    return "\n".join([*tables, *feed, json.dumps(summary(report)), *about(report).values()])


def test_no_file_of_the_report_names_anybody(found: Report, hidden: Report):
    named = ["user004", "user005", "anton", "tamm", "ada.orlov", "@example"]
    assert [name for name in named if name not in everything(found).casefold()] == []
    without_source = replace(hidden, analyses=tuple(replace(one, sql="") for one in hidden.analyses))
    assert [name for name in named if name in everything(without_source).casefold()] == []


def test_a_user_has_the_same_pseudonym_in_every_table_and_text_of_a_run(hidden: Report):
    ann = pseudonym(KEY, "user004")
    (who,) = [one.frame for one in hidden.analyses if not one.problem]
    assert set(hidden.conversion.candidates["user_id"]) == {ann, pseudonym(KEY, "user005")}
    row = who[who["user_id"] == ann].iloc[0]
    assert (row["contact"], row["note"], row["said"]) == (ann, f"by {ann}", "[name]")
    assert f'Wrong word: "[name] from {ann}"' in list(hidden.mistakes.top["mistake"])


def test_the_mail_says_that_addresses_are_withheld_and_not_that_there_are_none(hidden: Report):
    said = plain_text(hidden, Changes())
    assert "address withheld" in said
    assert "no e-mail address" not in said
    assert "Who is [name]" in said
    assert "Tamm" not in said


def test_two_runs_give_the_same_and_another_key_gives_others(found: Report, hidden: Report):
    assert everything(anonymise_report(found, KEY, persons())) == everything(hidden)
    other = anonymise_report(found, KEY[::-1], persons())
    assert not set(other.conversion.candidates["user_id"]) & set(hidden.conversion.candidates["user_id"])


def test_numbers_order_and_columns_stay(found: Report, hidden: Report):
    for before, after in zip(sheets(found), sheets(hidden), strict=True):
        assert list(before.frame.columns) == list(after.frame.columns)
        numbers = before.frame.select_dtypes("number")
        assert numbers.equals(after.frame[list(numbers.columns)])


def test_the_email_column_of_a_sheet_stays_and_is_empty(found: Report):
    sheet = Sheet("Candidates", found.conversion.candidates, CANDIDATE_COLUMNS)
    made = anonymise_sheet(sheet, KEY, [])
    rows = list(csv.DictReader(io.StringIO(csv_bytes(made, zone="UTC").decode("utf-8-sig"))))
    assert [row["E-mail"] for row in rows] == ["", ""]
    assert {row["User"] for row in rows} == {pseudonym(KEY, "user004"), pseudonym(KEY, "user005")}
    assert made.columns == sheet.columns


def persons() -> list[Person]:
    return [Person(str(user["user_id"]), str(user["email"])) for user in USERS]


def test_everybody_is_every_user_with_or_without_an_address(filled: Fill):
    with filled(users=[{"user_id": "a", "email": "a@example.com"}, {"user_id": "b"}]) as connection:
        assert people(connection) == [Person("a", "a@example.com"), Person("b", None)]
