"""The Parquet feed: typed tables under the same names every day, for programs that draw their own charts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.database import to_utc
from lib.exports import Column
from lib.report.alone import Table, feed_tables
from lib.report.checks import BrokenFile
from lib.report.contents import Report
from lib.report.together import UNFINISHED, naming, remove_leftovers, sync_folder, write_through

if TYPE_CHECKING:
    import pyarrow as pa

OF_THE_RUN = ("as_of", "data_as_of", "generated_at", "timezone")


def write_feed(report: Report, folder: Path) -> list[Path]:
    """Replace engagement, mistakes, heatmap, candidates and each analysis_NAME (.parquet) in ``folder``.

    Values are as computed, neither rounded (but for changes) nor escaped; moments are UTC. Every table also has as_of
    (date), data_as_of, generated_at (timestamps) and timezone, so that a reader sees when one is not of the same run as
    another, and the same with its window and its rows ("N of M") as metadata of the file. All are written and checked
    before the first is replaced; each is replaced in one step. The table of an analysis that is gone or did not run is
    removed, rather than left as of its last day. Raises OSError, BrokenFile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    with naming(folder), tempfile.TemporaryDirectory(dir=folder, prefix=f"{UNFINISHED}feed_") as made:
        work = Path(made)
        for name, table in feed_tables(report).items():
            _write(work / f"{name}.parquet", _table(report, table))
        placed = [path.replace(folder / path.name) for path in sorted(work.iterdir())]
    for path in set(folder.glob("analysis_*.parquet")) - set(placed):
        if _is_ours(path):
            path.unlink(missing_ok=True)
    sync_folder(folder)
    return placed


def _is_ours(path: Path) -> bool:
    """Whether it ends with the columns that every table of the feed ends with."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(path).names[-len(OF_THE_RUN) :]) == OF_THE_RUN
    except (pa.ArrowException, FileNotFoundError):
        return False


def _write(path: Path, table: pa.Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_through(path, sink.getvalue().to_pybytes())
    try:
        found = pq.read_table(path)
    except pa.ArrowException as error:
        raise BrokenFile(path.name, f"it does not open ({error})") from error
    if not found.equals(table, check_metadata=True):
        raise BrokenFile(path.name, "it does not hold what was written")


def _table(report: Report, table: Table) -> pa.Table:
    import pyarrow as pa

    frame, columns = table.sheet.frame, table.sheet.columns
    arrays = {name: pa.array(_values(frame[name], column), _type(column)) for name, column in columns.items()}
    size, moment = len(frame), pa.timestamp("us", tz="UTC")
    arrays["as_of"] = pa.array([report.as_of] * size, pa.date32())
    arrays["data_as_of"] = pa.array([report.data_as_of] * size, moment)
    arrays["generated_at"] = pa.array([report.generated_at] * size, moment)
    arrays["timezone"] = pa.array([report.options.zone] * size, pa.string())
    return pa.table(arrays, metadata=_metadata(report, table))


def _metadata(report: Report, table: Table) -> dict[str, str]:
    """What the file says about itself where it has no row to say it in; moments are UTC, in ISO 8601."""
    return {
        "as_of": report.as_of.isoformat(),
        "data_as_of": report.data_as_of.isoformat() if report.data_as_of else "",
        "generated_at": report.generated_at.isoformat(),
        "timezone": report.options.zone,
        "window": table.period.caption,
        "rows": table.rows,
    }


def _values(series: pd.Series[Any], column: Column) -> list[Any]:
    if column.kind == "datetime":
        series = to_utc(series).dt.as_unit("us")
    pairs = zip(series.tolist(), series.isna().tolist(), strict=True)
    return [None if missing else value for value, missing in pairs]


def _type(column: Column) -> pa.DataType:
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "integer": pa.int64(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us", tz="UTC"),
        "boolean": pa.bool_(),
    }
    return types.get(column.kind, pa.float64())
