from __future__ import annotations

import csv
import io
import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import Workbook, load_workbook
from PIL import Image
from sqlalchemy import Connection

from lib.charts import LIGHT, heatmap
from lib.exports import Column, chart_png
from lib.exports.workbook import FEW, MANY
from lib.period import Period
from lib.report.analyses import AnalysisResult
from lib.report.changes import compare
from lib.report.checks import BrokenFile, check_files, missing_keys
from lib.report.contents import Report
from lib.report.files import make_files, make_stamp
from lib.report.names import next_stamp, stamp_of, stem
from lib.report.picture import heatmap_png
from lib.report.summary import schema
from lib.report.tables import heatmap_sheet
from tests.conftest import Fill
from tests.report.made import NOW, STAMP, files_of, report_of


@pytest.fixture(scope="module")
def worked_report(worked_path: Path) -> Report:
    from lib.database import connect, database_url, open_engine

    with connect(open_engine(database_url(str(worked_path)))) as connection:
        return report_of(connection)


@pytest.fixture(scope="module")
def worked_files(worked_report: Report) -> dict[str, bytes]:
    return files_of(worked_report)


@pytest.fixture(scope="module")
def book(worked_files: dict[str, bytes]) -> Workbook:
    return load_workbook(io.BytesIO(worked_files["daily_report.xlsx"]))


def csv_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def rows_of(book: Workbook, name: str) -> list[dict[str, Any]]:
    header, *rows = book[name].values
    return [dict(zip(map(str, header), row, strict=True)) for row in rows]


# Names


def test_the_names_are_those_of_the_definition_with_the_length_of_the_window_in_one(worked: Connection) -> None:
    report = report_of(worked, engagement_days=14)
    assert set(make_files(report, compare(report, None), stamp=STAMP)) == {
        f"daily_report_{STAMP}.html",
        f"engagement_14d_{STAMP}.csv",
        f"top_mistakes_{STAMP}.csv",
        f"mistakes_heatmap_{STAMP}.png",
        f"conversion_candidates_{STAMP}.csv",
        f"daily_summary_{STAMP}.json",
        f"daily_report_{STAMP}.xlsx",
    }


def test_the_stamp_is_the_wall_clock_of_the_reporting_zone() -> None:
    assert make_stamp(NOW, "UTC") == STAMP
    assert make_stamp(datetime(2026, 12, 31, 23, 30, 5, tzinfo=UTC), "Europe/Berlin") == "2027-01-01_00-30-05"
    assert next_stamp("2026-12-31_23-59-59") == "2027-01-01_00-00-00"


def test_stem_and_stamp_are_read_from_a_name_and_other_names_are_refused() -> None:
    assert stem(f"engagement_7d_{STAMP}.csv") == "engagement_7d"
    assert stamp_of(f"analysis_by-hour_{STAMP}.csv") == STAMP
    for name in ("runs.jsonl", f"../daily_report_{STAMP}.html", f"{STAMP}.csv", f"a_{STAMP}"):
        with pytest.raises(ValueError, match="not the name"):
            stem(name)


# The worked cases, in every format


def test_engagement_equals_the_worked_case_in_csv_and_excel(worked_files: dict[str, bytes], book: Workbook) -> None:
    names = ["Role", "Users", "Sessions", "Confidence", "Mistakes a session", "Sessions a user"]
    rows = csv_of(worked_files["engagement_7d.csv"])
    assert [[row[name] for name in names] for row in rows] == [
        ["free", "4", "9", "7.67", "2.67", "2.25"],
        ["student", "4", "7", "8.14", "2.14", "1.75"],
        ["coach", "0", "0", "", "", ""],
        ["superuser", "0", "0", "", "", ""],
        ["total", "8", "16", "7.88", "2.44", "2.00"],
    ]
    free, student = rows_of(book, "Engagement")[:2]
    assert [free[name] for name in names[:3]] == ["free", 4, 9]
    assert [free[name] for name in names[3:]] == pytest.approx([69 / 9, 24 / 9, 2.25])
    assert [student[name] for name in names[3:]] == pytest.approx([57 / 7, 15 / 7, 1.75])


def test_each_engagement_figure_stands_beside_the_window_before(worked_files: dict[str, bytes]) -> None:
    free = csv_of(worked_files["engagement_7d.csv"])[0]
    assert [free[name] for name in ("Users, before", "Users, change", "Sessions, before", "Sessions, change")] == [
        "3",
        "1",
        "6",
        "3",
    ]
    assert (free["Confidence, before"], free["Confidence, change"]) == ("8.65", "-0.98")


SAID = ("Report window", "Report rows", "Data as of (UTC)", "Computed at (UTC)")


def test_every_row_of_a_csv_says_its_window_its_rows_and_both_times(worked_files: dict[str, bytes]) -> None:
    times = ("2026-11-22 23:59:59", "2026-11-23 08:00:00")
    for name, window, rows in (
        ("engagement_7d", "16–22 Nov 2026 (UTC)", "5 of 5"),
        ("top_mistakes", "24 Oct – 22 Nov 2026 (UTC)", "10 of 30"),
        ("conversion_candidates", "9–22 Nov 2026 (UTC)", "2 of 2"),
    ):
        found = csv_of(worked_files[f"{name}.csv"])
        assert {tuple(row[column] for column in SAID) for row in found} == {(window, rows, *times)}
        assert list(found[0])[-4:] == list(SAID)


def test_without_sessions_a_csv_says_no_time_of_the_data(filled: Fill) -> None:
    with filled() as connection:
        files = files_of(report_of(connection, zone="Europe/Berlin"))
    row = csv_of(files["engagement_7d.csv"])[0]
    assert (row["Data as of (Europe/Berlin)"], row["Computed at (Europe/Berlin)"]) == ("", "2026-11-23 09:00:00")
    assert files["conversion_candidates.csv"].decode().rstrip().endswith("Computed at (Europe/Berlin)")


def test_mistakes_equal_the_worked_case_in_csv_and_excel(worked_files: dict[str, bytes], book: Workbook) -> None:
    rows = csv_of(worked_files["top_mistakes.csv"])
    assert [(row["Mistake"], row["Count"], row["Share"]) for row in rows[:5]] == [
        ('Missing article: "working on system"', "15", "12.50"),
        ("Mispronounced: library", "12", "10.00"),
        ('Basic phrase: "I am working on"', "10", "8.33"),
        ('Wrong preposition: "responsible of"', "8", "6.67"),
        ("Mispronounced: cache", "7", "5.83"),
    ]
    found = rows_of(book, "Mistakes")
    assert len(rows) == len(found) == 10
    assert [(row["Mistake"], row["Count"], round(row["Share"], 2)) for row in found[:5]] == [
        (row["Mistake"], int(row["Count"]), float(row["Share"])) for row in rows[:5]
    ]


def test_candidates_equal_the_worked_case_in_csv_and_excel(worked_files: dict[str, bytes], book: Workbook) -> None:
    names = ("User", "E-mail", "Level", "Sessions", "Average score")
    rows = csv_of(worked_files["conversion_candidates.csv"])
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("user002", "two@example.com", "B2", "3", "9.00"),
        ("user003", "three@example.com", "C1", "4", "8.50"),
    ]
    found = rows_of(book, "Candidates")
    assert [tuple(row[name] for name in names) for row in found] == [
        ("user002", "two@example.com", "B2", 3, 9.0),
        ("user003", "three@example.com", "C1", 4, 8.5),
    ]
    assert rows[0]["Last session (UTC)"] == "2026-11-22 16:45:00"
    assert found[0]["Last session (UTC)"] == datetime.fromisoformat("2026-11-22 16:45:00")
    about = dict(book["About"].values)
    assert about["Revenue potential"] == "$358: 2 candidates to offer at $179"


def test_the_worked_case_stands_in_the_page(worked_files: dict[str, bytes]) -> None:
    page = worked_files["daily_report.html"].decode()
    for said in ("7.67", "2.67", "2.25", "8.14", "2.14", "1.75", "Mispronounced: cache", "two@example.com", "358"):
        assert said in page, said


def test_json_csv_and_excel_say_the_same(worked_files: dict[str, bytes], book: Workbook) -> None:
    said = json.loads(worked_files["daily_summary.json"])
    top = [(row["mistake"], row["frequency"], row["users"]) for row in said["mistakes"]["top"]]
    assert top == [(row["Mistake"], row["Count"], row["Users"]) for row in rows_of(book, "Mistakes")]
    averages = [row["avg_errors"] for row in said["engagement"]["by_role"]]
    in_csv = [row["Mistakes a session"] for row in csv_of(worked_files["engagement_7d.csv"])][:-1]
    assert averages == [float(text) if text else None for text in in_csv]


# Excel


def test_the_heatmap_sheet_equals_a_count_by_hand_and_adds_up(book: Workbook, worked_path: Path) -> None:
    query = """SELECT error_category, error_type, count(*) FROM detected_errors
        WHERE date(detected_at) BETWEEN '2026-10-24' AND '2026-11-22' GROUP BY 1, 2"""
    with closing(sqlite3.connect(worked_path)) as connection:
        counted = {(category, kind): number for category, kind, number in connection.execute(query)}
    rows = rows_of(book, "Heatmap")
    types = list(rows[0])[2:]
    cells = {(row["Category"], kind): row[kind] for row in rows for kind in types if row[kind] is not None}
    assert cells == counted
    totals = [row["All types"] for row in rows]
    assert totals == [sum(row[kind] or 0 for kind in types) for row in rows] == sorted(totals, reverse=True)
    assert sum(totals) == 120


def test_the_heatmap_is_coloured_by_one_scale_over_its_cells_but_not_the_totals(book: Workbook) -> None:
    table = book["Heatmap"]
    (formatting,) = table.conditional_formatting
    (rule,) = formatting.rules
    assert str(formatting.sqref) == "C2:C9 D2:D9 E2:E9"
    assert rule.type == "colorScale"
    assert [color.rgb[2:] for color in rule.colorScale.color] == [FEW, MANY]
    assert [f"#{color.lower()}" for color in (FEW, MANY)] == list(LIGHT.sequential[:2])
    assert [bool(list(other.conditional_formatting)) for other in book if other is not table] == [False] * 4


def test_every_table_has_a_frozen_header_a_filter_and_widths(book: Workbook) -> None:
    assert book.sheetnames == ["Engagement", "Mistakes", "Heatmap", "Candidates", "About"]
    for table in book.worksheets[:-1]:
        assert table.freeze_panes == "A2"
        assert table.auto_filter.ref == table.dimensions
        assert all(dimension.width >= 8 for dimension in table.column_dimensions.values())


def test_identifiers_stay_text_and_nothing_from_the_data_runs_as_a_formula(filled: Fill) -> None:
    evil = '=HYPERLINK("http://example.com")'
    with filled(
        users=[{"user_id": "0001", "email": "+1@example.com"}],
        sessions=[{"user_id": "0001", "confidence_score": 9.0}] * 3,
        mistakes=[{"error_text": evil, "error_type": "=type", "error_category": "@category"}],
    ) as connection:
        report = report_of(connection)
    files = files_of(report)
    check_files({f"{name[:-4]}_{STAMP}.csv": files[name] for name in files if name.endswith("csv")}, report)
    book = load_workbook(io.BytesIO(files["daily_report.xlsx"]))
    assert {cell.data_type for table in book for row in table.iter_rows() for cell in row} <= {"s", "n", "d"}
    assert rows_of(book, "Candidates")[0]["User"] == "0001"
    assert rows_of(book, "Mistakes")[0]["Mistake"] == evil
    assert list(rows_of(book, "Heatmap")[0]) == ["Category", "All types", "=type"]
    assert csv_of(files["top_mistakes.csv"])[0]["Mistake"] == f"'{evil}"


def test_types_named_like_columns_do_not_get_in_each_others_way(filled: Fill) -> None:
    names = ["category", "Category", "all", "All types", "type_1", "value", "error_category"]
    mistakes = [{"error_type": name, "error_category": name} for name in names]
    with filled(mistakes=mistakes) as connection:
        report = report_of(connection)
    table = heatmap_sheet(report)
    assert sorted(column.label for column in table.columns.values()) == sorted([*names, "Category", "All types"])
    assert table.frame["all"].tolist() == [1] * 7


def test_about_says_times_zone_windows_settings_rows_and_how_it_is_counted(worked: Connection) -> None:
    report = report_of(worked, zone="Europe/Berlin", completed_only=False, top=3)
    about = dict(load_workbook(io.BytesIO(files_of(report)["daily_report.xlsx"]))["About"].values)
    assert about["Data as of"] == "23 Nov 2026 00:59"
    assert about["Computed at"] == "23 Nov 2026 09:00"
    assert about["Reporting zone"] == "Europe/Berlin"
    assert about["Engagement"].startswith("17–23 Nov 2026 (Europe/Berlin), against 10–16 Nov 2026. All sessions")
    assert "3 of 29 different mistakes" in about["Mistakes"]
    assert "at least 3 sessions with a score above 8" in about["Candidates"]
    assert {"How counted: Engagement", "How counted: Mistakes", "How counted: Candidates"} <= about.keys()
    assert "*" not in "".join(map(str, about.values()))


def test_about_says_how_old_the_data_is(worked: Connection) -> None:
    report = report_of(worked, now=datetime(2026, 11, 30, tzinfo=UTC))
    about = dict(load_workbook(io.BytesIO(files_of(report)["daily_report.xlsx"]))["About"].values)
    assert about["Data as of"] == "22 Nov 2026 23:59, 8 days before this report"


# Own analyses


def analysis(frame: pd.DataFrame, **more: Any) -> AnalysisResult:
    columns = {str(name): Column(str(name), "text") for name in frame.columns}
    return AnalysisResult("by_hour", "By hour", "When.", Period(NOW.date(), 30), frame=frame, columns=columns, **more)


def test_an_own_analysis_is_a_sheet_and_a_csv_and_a_broken_one_is_named(worked_report: Report) -> None:
    good = analysis(pd.DataFrame({"hour": ["08", None, "09"]}), is_cut=True)
    broken = replace(analysis(pd.DataFrame()), name="bad", title="Bad", problem="bad.sql did not run.")
    report = replace(worked_report, analyses=(good, broken))
    files = make_files(report, compare(report, None), stamp=STAMP)
    check_files(files, report)
    rows = csv_of(files[f"analysis_by_hour_{STAMP}.csv"])
    assert [row["hour"] for row in rows] == ["08", "", "09"]
    assert {row["Report rows"] for row in rows} == {"first 3 of more rows"}
    assert f"analysis_bad_{STAMP}.csv" not in files
    assert list(files)[-1] == f"daily_summary_{STAMP}.json"
    book = load_workbook(io.BytesIO(files[f"daily_report_{STAMP}.xlsx"]))
    assert book.sheetnames[-3:] == ["Candidates", "By hour", "About"]
    about = dict(book["About"].values)
    assert about["Analysis: Bad (bad)"] == "bad.sql did not run."
    assert "3 of more rows" in about["Analysis: By hour (by_hour)"]


# The picture


def test_the_picture_says_what_it_is_of_and_both_times(worked_report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    none = replace(worked_report.mistakes, cells=worked_report.mistakes.cells.head(0))
    for report in (worked_report, replace(worked_report, mistakes=none)):
        drawn: list[Any] = []
        monkeypatch.setattr("lib.report.picture.chart_png", drawn.append)
        heatmap_png(report)
        title = drawn[0].to_dict(validate=False)["title"]
        assert title["text"] == "Mistakes by category and type"
        assert title["subtitle"] == [
            "24 Oct – 22 Nov 2026 (UTC)",
            "Data as of 22 Nov 2026 23:59 · computed 23 Nov 2026 08:00 (UTC)",
            "Database: worked.db",
        ]


def test_the_picture_says_so_where_there_is_no_mistake(filled: Fill) -> None:
    with filled() as connection:
        report = report_of(connection)
    files = make_files(report, compare(report, None), stamp=STAMP)
    check_files(files, report)
    picture = Image.open(io.BytesIO(files[f"mistakes_heatmap_{STAMP}.png"])).convert("L")
    assert picture.getextrema()[0] < 128


def test_the_sheet_has_every_category_where_the_picture_adds_the_rare_ones_up(
    filled: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    mistakes = [{"error_category": f"c{place:02}", "error_type": f"t{place % 25:02}"} for place in range(60)]
    with filled(mistakes=mistakes) as connection:
        report = report_of(connection)
    drawn: list[Any] = []
    monkeypatch.setattr("lib.report.picture.chart_png", drawn.append)
    heatmap_png(report)
    cells = pd.DataFrame(max(drawn[0].to_dict(validate=False)["datasets"].values(), key=len))
    others = cells["error_category"] == "21 other categories"
    assert cells["frequency"].sum() == report.mistakes.total == 60
    assert cells.loc[others, "frequency"].sum() == 21
    assert len(heatmap_sheet(report).frame) == 60


# Reading back


def test_the_files_of_a_report_pass(worked_report: Report) -> None:
    check_files(make_files(worked_report, compare(worked_report, None), stamp=STAMP), worked_report)


def test_very_long_and_odd_texts_pass(filled: Fill) -> None:
    texts = ["x" * 200_000, "a\r\nb\rc", 'say ""hi"" to "them"', "<b>&amp;</html>", "  =1", "😀漢字\u202e", "a,b;c\td"]
    with filled(mistakes=[{"error_text": text, "error_category": text} for text in texts]) as connection:
        report = report_of(connection)
    assert len(report.mistakes.top) == len(texts)
    check_files(make_files(report, compare(report, None), stamp=STAMP), report)


def blank_picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (800, 400), "white").save(out, "PNG")
    return out.getvalue()


def picture_without_cells() -> bytes:
    nothing = pd.DataFrame({"value": ["a"], "error_category": ["b"], "frequency": [1]})[:0]
    return chart_png(heatmap(nothing, LIGHT, x_title="Type", selectable=False))


def workbook(rows: int, *columns: int) -> bytes:
    book, out = Workbook(), io.BytesIO()
    for place, count in enumerate(columns):
        sheet = book.create_sheet(f"Table {place}", place)  # before the one that stands for About
        for _ in range(1 + rows):
            sheet.append(["text"] * count)
    book.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("daily_report.html", b"", "begin as a page"),
        ("daily_report.html", b"<!doctype html><html><table>", "no end"),
        ("daily_report.html", b"<!doctype html><html></html>", "no tables"),
        ("daily_report.html", b"<!doctype html>\xff</html>", "UTF-8"),
        ("engagement_7d.csv", b"", "cannot be read"),
        ("engagement_7d.csv", b"\xff\xfe", "cannot be read"),
        ("engagement_7d.csv", b"Role,Users\r\nfree,4\r\n", "2 columns instead of 20"),
        ("top_mistakes.csv", ("," * 15 + "\r\n").encode(), "0 rows instead of 10"),
        ("top_mistakes.csv", (("," * 15 + "\r\n") * 10 + "," * 5).encode(), "no end"),
        ("conversion_candidates.csv", (("," * 15 + "\r\n") * 9).encode(), "8 rows instead of 2"),
        ("mistakes_heatmap.png", b"", "does not open"),
        ("mistakes_heatmap.png", b"\x89PNG\r\n\x1a\n", "does not open"),
        ("mistakes_heatmap.png", blank_picture(), "blank"),
        ("mistakes_heatmap.png", picture_without_cells(), "no cells"),
        ("daily_report.xlsx", b"", "does not open"),
        ("daily_report.xlsx", b"PK\x03\x04", "does not open"),
        ("daily_report.xlsx", workbook(0, 16, 12, 5, 12), "Engagement: it has 0 rows instead of 5"),
        ("daily_report.xlsx", workbook(5, 16, 12, 5, 12), "Mistakes: it has 5 rows instead of 10"),
        ("daily_report.xlsx", workbook(5, 16, 12, 5), "the tables and columns"),
        ("daily_report.xlsx", workbook(5, 16, 12, 5, 11), "the tables and columns"),
        ("daily_report.xlsx", workbook(0), "the tables and columns"),
        ("daily_summary.json", b"", "not JSON"),
        ("daily_summary.json", b'{"as_of": NaN}', "not JSON"),
        ("daily_summary.json", b"[]", "lacks everything"),
        ("daily_summary.json", b"{}", "lacks generated_at"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(name: str, content: bytes, what: str, worked_report: Report) -> None:
    stamped = f"_{STAMP}.".join(name.split("."))
    with pytest.raises(BrokenFile, match=what) as caught:
        check_files({stamped: content}, worked_report)
    assert caught.value.name == stamped
    assert str(caught.value).startswith(f"The file {stamped} is broken: ")


@pytest.mark.parametrize(
    "name", ["daily_report.html", "mistakes_heatmap.png", "daily_report.xlsx", "daily_summary.json"]
)
@pytest.mark.parametrize("part", [0.0, 0.5, 0.9])
def test_a_file_cut_short_is_broken(
    name: str, part: float, worked_report: Report, worked_files: dict[str, bytes]
) -> None:
    stamped, content = f"_{STAMP}.".join(name.split(".")), worked_files[name]
    with pytest.raises(BrokenFile):
        check_files({stamped: content[: int(part * len(content))]}, worked_report)


def test_a_list_in_the_json_that_lacks_a_row_or_a_key_is_noticed(
    worked_report: Report, worked_files: dict[str, bytes]
) -> None:
    found = json.loads(worked_files["daily_summary.json"])
    del found["mistakes"]["top"][3]["users"]
    assert missing_keys(schema(), found) == "mistakes.top[3].users"
    found = json.loads(worked_files["daily_summary.json"])
    found["conversion"]["candidates"].pop()
    with pytest.raises(BrokenFile, match="candidates: it has 1 rows instead of 2"):
        check_files({f"daily_summary_{STAMP}.json": json.dumps(found).encode()}, worked_report)
