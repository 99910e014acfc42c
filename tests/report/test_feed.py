from __future__ import annotations

import errno
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Connection

from lib.exports import Column
from lib.period import Period
from lib.report.analyses import AnalysisResult
from lib.report.checks import BrokenFile
from lib.report.contents import Report
from lib.report.files import write_feed
from tests.conftest import Fill
from tests.report.made import NOW, hidden, report_of, visible

NAMES = {"candidates.parquet", "engagement.parquet", "heatmap.parquet", "mistakes.parquet"}
MOMENT = pa.timestamp("us", tz="UTC")
RUN = {"as_of": pa.date32(), "data_as_of": MOMENT, "generated_at": MOMENT, "timezone": pa.string()}


@pytest.fixture
def worked_report(worked: Connection) -> Report:
    return report_of(worked)


def types(folder: Path, name: str) -> dict[str, pa.DataType]:
    found = pq.read_schema(folder / f"{name}.parquet")
    return dict(zip(found.names, found.types, strict=True))


def rows(folder: Path, name: str) -> list[dict[str, Any]]:
    return pq.read_table(folder / f"{name}.parquet").to_pylist()


def test_the_names_are_the_same_every_day(worked_report: Report, tmp_path: Path) -> None:
    for day in (22, 23):
        paths = write_feed(replace(worked_report, as_of=date(2026, 11, day)), tmp_path)
        assert {path.name for path in paths} == visible(tmp_path) == NAMES
        assert {row["as_of"] for path in paths for row in rows(tmp_path, path.stem)} == {date(2026, 11, day)}
    assert hidden(tmp_path) == []


def test_the_worked_case_stands_in_the_feed_unrounded(worked_report: Report, tmp_path: Path) -> None:
    write_feed(worked_report, tmp_path)
    free = rows(tmp_path, "engagement")[0]
    assert (free["group"], free["users"], free["sessions"], free["users_before"]) == ("free", 4, 9, 3)
    assert [free[name] for name in ("avg_confidence", "avg_mistakes", "sessions_per_user")] == pytest.approx(
        [69 / 9, 24 / 9, 2.25], abs=1e-12
    )
    first = rows(tmp_path, "mistakes")[0]
    assert (first["mistake"], first["frequency"], first["percent"]) == (
        'Missing article: "working on system"',
        15,
        12.5,
    )
    assert [(row["user_id"], row["sessions"], row["avg_score"]) for row in rows(tmp_path, "candidates")] == [
        ("user002", 3, 9.0),
        ("user003", 4, 8.5),
    ]
    assert sum(row["frequency"] for row in rows(tmp_path, "heatmap")) == 120


def test_columns_have_real_types_and_every_row_says_its_run(worked_report: Report, tmp_path: Path) -> None:
    write_feed(worked_report, tmp_path)
    assert types(tmp_path, "candidates") == {
        "user_id": pa.string(),
        "email": pa.string(),
        "english_level": pa.string(),
        "sessions": pa.int64(),
        "avg_score": pa.float64(),
        "last_session_at": pa.timestamp("us", tz="UTC"),
        "lead_score": pa.float64(),
        "lead_status": pa.string(),
        "offered_at": pa.timestamp("us", tz="UTC"),
        "outcome": pa.string(),
        "offer_status": pa.string(),
        "recommendation": pa.string(),
        **RUN,
    }
    assert list(types(tmp_path, "heatmap")) == ["error_type", "error_category", "frequency", *RUN]
    assert rows(tmp_path, "candidates")[0]["last_session_at"] == datetime(2026, 11, 22, 16, 45, 0, 250_000, tzinfo=UTC)
    assert {row["generated_at"] for row in rows(tmp_path, "mistakes")} == {NOW}


def test_every_file_says_its_window_its_rows_and_both_times(worked_report: Report, tmp_path: Path) -> None:
    write_feed(worked_report, tmp_path)
    assert pq.read_schema(tmp_path / "mistakes.parquet").metadata == {
        b"as_of": b"2026-11-22",
        b"data_as_of": b"2026-11-22T23:59:59.999000+00:00",
        b"generated_at": b"2026-11-23T08:00:00.250000+00:00",
        b"timezone": b"UTC",
        b"window": "24 Oct – 22 Nov 2026 (UTC)".encode(),
        b"rows": b"10 of 30",
    }
    assert pq.read_schema(tmp_path / "candidates.parquet").metadata[b"rows"] == b"2 of 2"


def test_an_analysis_that_is_cut_says_so_in_the_file(worked_report: Report, tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["a"] * 3})
    own = AnalysisResult("own", "Own", "", Period(NOW.date(), 30), "", frame, {"name": Column("Name", "text")}, True)
    write_feed(replace(worked_report, analyses=(own, replace(own, name="all", is_cut=False))), tmp_path)
    said = [pq.read_schema(tmp_path / f"analysis_{name}.parquet").metadata[b"rows"] for name in ("own", "all")]
    assert said == [b"first 3 of more rows", b"3 of 3"]


def test_empty_tables_have_the_same_types(worked_report: Report, filled: Fill, tmp_path: Path) -> None:
    write_feed(worked_report, tmp_path / "full")
    with filled() as connection:
        write_feed(report_of(connection), tmp_path / "empty")
    for name in ("engagement", "mistakes", "heatmap", "candidates"):
        assert types(tmp_path / "empty", name) == types(tmp_path / "full", name)
    assert rows(tmp_path / "empty", "candidates") == []
    assert rows(tmp_path / "empty", "engagement")[0]["avg_confidence"] is None


def test_texts_are_not_escaped(filled: Fill, tmp_path: Path) -> None:
    texts = ["=1+1", "<b>", "a\r\nb", "😀", "x" * 40_000]
    with filled(mistakes=[{"error_text": text} for text in texts]) as connection:
        write_feed(report_of(connection), tmp_path)
    assert {row["mistake"] for row in rows(tmp_path, "mistakes")} == set(texts)


def test_own_analyses_are_in_the_feed_with_their_types(worked_report: Report, tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "at": pd.to_datetime(["2026-11-22 10:00:00.5", None], utc=True),
            "day": pd.Series([date(2026, 11, 22), None], dtype=object),
            "is_over": pd.Series([True, None], dtype=object),
            "count": pd.Series([3, None], dtype="Int64"),
            "name": pd.Series(["a", None], dtype="str"),
        }
    )
    kinds = {"at": "datetime", "day": "date", "is_over": "boolean", "count": "integer", "name": "text"}
    columns = {name: Column(name, kind) for name, kind in kinds.items()}  # type: ignore[arg-type]
    own = AnalysisResult("own", "Own", "", Period(NOW.date(), 30), frame=frame, columns=columns)
    broken = AnalysisResult("bad", "Bad", "", Period(NOW.date(), 30), problem="It did not run.")
    write_feed(replace(worked_report, analyses=(own, broken)), tmp_path)
    assert visible(tmp_path) == NAMES | {"analysis_own.parquet"}
    first, second = rows(tmp_path, "analysis_own")
    assert [first[name] for name in kinds] == [
        datetime(2026, 11, 22, 10, 0, 0, 500_000, tzinfo=UTC),
        date(2026, 11, 22),
        True,
        3,
        "a",
    ]
    assert {second[name] for name in kinds} == {None}


def test_the_table_of_an_analysis_that_is_gone_or_broken_is_removed_and_nothing_else(
    worked_report: Report, tmp_path: Path
) -> None:
    frame, columns = pd.DataFrame({"count": [3]}), {"count": Column("Count", "integer")}
    period = Period(NOW.date(), 30)
    own = [AnalysisResult(name, name, "", period, frame=frame, columns=columns) for name in ("a", "b", "c")]
    write_feed(replace(worked_report, analyses=tuple(own)), tmp_path)
    (tmp_path / "analysis_notes.parquet").write_bytes(b"not ours")
    pq.write_table(pa.table({"count": [1]}), tmp_path / "analysis_mine.parquet")
    broken = AnalysisResult("b", "b", "", period, problem="It did not run.")
    write_feed(replace(worked_report, analyses=(own[0], broken)), tmp_path)
    others = {"analysis_notes.parquet", "analysis_mine.parquet"}
    assert visible(tmp_path) == NAMES | others | {"analysis_a.parquet"}


def test_a_full_disk_leaves_the_feed_of_yesterday(
    worked_report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_feed(worked_report, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    left = iter(range(2))

    def full(handle: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_feed(replace(worked_report, as_of=date(2026, 11, 23)), tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_table_that_does_not_come_back_as_written_is_broken(
    worked_report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_table = pq.read_table
    monkeypatch.setattr(pq, "read_table", lambda path: read_table(path)[1:])
    with pytest.raises(BrokenFile, match=r"engagement\.parquet is broken"):
        write_feed(worked_report, tmp_path)
    assert list(tmp_path.iterdir()) == []
