"""The daily report as a script makes it that reads whole tables into pandas and draws with matplotlib.

python -m tests.benchmarks.whole_tables DATABASE FOLDER AS_OF

The same tables with the same numbers as ours, of the default windows, as CSV, XLSX, PNG, JSON and HTML.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")
from matplotlib import pyplot as plt

TABLES = ("users", "coaching_sessions", "detected_errors", "it_errors", "lead_scores", "conversion_triggers")
TIMES = ("started_at", "detected_at", "calculated_at", "triggered_at")
MISTAKE = ["error_type", "error_category", "error_text"]
ROLES = ["free", "student", "coach", "superuser"]
TOP, PRICE, MIN_SESSIONS, MIN_SCORE, COOLDOWN_DAYS = 10, 179, 3, 8.0, 30


def main(database: str, target: str, as_of: str) -> None:
    """Read everything, group it, write the files."""
    with sqlite3.connect(database) as source:
        tables = {name: pd.read_sql_query(f"SELECT * FROM {name}", source) for name in TABLES}
    for frame in tables.values():
        for name in set(TIMES) & set(frame.columns):
            frame[name] = pd.to_datetime(frame[name], format="ISO8601", utc=True, errors="coerce")
    end = pd.Timestamp(as_of, tz="UTC") + pd.Timedelta(days=1)
    cells, mistakes, numbers = _mistakes(tables, end)
    found = {"Engagement": _engagement(tables, end), "Mistakes": mistakes, "Heatmap": cells}
    found["Candidates"] = _candidates(tables, end)
    _write(found, numbers, Path(target))


def _window(frame: pd.DataFrame, column: str, end: pd.Timestamp, days: int) -> pd.DataFrame:
    return frame[(frame[column] >= end - pd.Timedelta(days=days)) & (frame[column] < end)]


def _named(column: pd.Series, otherwise: str) -> pd.Series:
    return column.where(column.str.strip().fillna("") != "", otherwise)


def _engagement(tables: dict[str, pd.DataFrame], end: pd.Timestamp) -> pd.DataFrame:
    parts = []
    for last, ending in ((end, ""), (end - pd.Timedelta(days=7), "_before")):
        rows = _window(tables["coaching_sessions"], "started_at", last, 7)
        rows = rows[rows["ended_at"].str.strip().fillna("") != ""].merge(tables["users"], on="user_id", how="left")
        rows["role"] = _named(rows["role"], "unknown")
        total = _figures(rows.assign(role="total").groupby("role"))
        parts.append(pd.concat([_figures(rows.groupby("role")), total]).add_suffix(ending))
    table = parts[0].join(parts[1], how="outer")
    others = table.index.difference([*ROLES, "total"]).sort_values()
    table = table.reindex([*ROLES, *others, "total"])
    counts = [name for name in table if name.startswith(("users", "sessions")) and "per" not in name]
    return table.fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, "int64"))


def _figures(groups: pd.api.typing.DataFrameGroupBy) -> pd.DataFrame:
    table = pd.DataFrame({"users": groups["user_id"].nunique(), "sessions": groups.size()})
    table["avg_confidence"], table["avg_errors"] = groups["confidence_score"].mean(), groups["error_count"].mean()
    return table.assign(sessions_per_user=table["sessions"] / table["users"])


def _mistakes(tables: dict[str, pd.DataFrame], end: pd.Timestamp) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, int]]:
    rows = _window(tables["detected_errors"], "detected_at", end, 60)
    rows = rows.assign(
        error_type=_named(rows["error_type"], "unknown"),
        error_category=_named(rows["error_category"], "uncategorised"),
    )
    is_now, has_text = (
        rows["detected_at"] >= end - pd.Timedelta(days=30),
        rows["error_text"].str.strip().fillna("") != "",
    )
    now, before = rows[is_now & has_text], rows[~is_now & has_text]
    groups = now.groupby(MISTAKE)
    top = pd.DataFrame({"frequency": groups.size(), "users": groups["user_id"].nunique()}).reset_index()
    order = ["frequency", "error_text", "error_type", "error_category"]
    top = top.sort_values(order, ascending=[False, True, True, True]).head(TOP).reset_index(drop=True)
    top["percent"] = 100 * top["frequency"] / max(len(now), 1)
    earlier = before.groupby(MISTAKE).size().rename("frequency_before").reset_index()
    top = top.merge(earlier, on=MISTAKE, how="left").fillna({"frequency_before": 0})
    top["per_100_sessions"] = 100 * top["frequency"] / len(_window(tables["coaching_sessions"], "started_at", end, 30))
    top["correct_form"] = _correct_forms(top["error_text"], tables["it_errors"])
    top.insert(0, "rank", range(1, len(top) + 1))
    cells = now.groupby(["error_category", "error_type"]).size().unstack()
    numbers = {"total_errors": len(now), "left_out": int((is_now & ~has_text).sum())}
    return cells, top.rename(columns={"error_text": "mistake"}), numbers


def _correct_forms(texts: pd.Series, it_errors: pd.DataFrame) -> list[str | None]:
    forms = it_errors.groupby(["error_pattern", "correct_form"])["frequency"].sum().sort_values(ascending=False)
    known = list(forms.index)
    return [next((form for pattern, form in known if pattern.casefold() in text.casefold()), None) for text in texts]


def _candidates(tables: dict[str, pd.DataFrame], end: pd.Timestamp) -> pd.DataFrame:
    users = tables["users"]
    free = users[users["role"] == "free"]
    rows = _window(tables["coaching_sessions"], "started_at", end, 14)
    rows = rows[rows["user_id"].isin(free["user_id"]) & rows["confidence_score"].notna()]
    rows = rows.sort_values(["user_id", "started_at", "session_id"], ascending=False)
    breaks = (rows["confidence_score"] <= MIN_SCORE).groupby(rows["user_id"]).cumsum()
    run = rows[breaks == 0].groupby("user_id")
    table = pd.DataFrame({"sessions": run.size(), "avg_score": run["confidence_score"].mean()})
    table["last_session_at"] = run["started_at"].max()
    table = table[table["sessions"] >= MIN_SESSIONS].reset_index()
    table = table.merge(free[["user_id", "email", "english_level"]], on="user_id")
    for name, time, columns in (
        ("lead_scores", "calculated_at", ["overall_score", "lead_status"]),
        ("conversion_triggers", "triggered_at", ["triggered_at", "offer_sent", "offer_accepted"]),
    ):
        past = tables[name][tables[name][time] < end].sort_values(time).drop_duplicates("user_id", keep="last")
        table = table.merge(past[["user_id", *columns]], on="user_id", how="left")
    table["recommendation"] = _recommendations(table, tables["conversion_triggers"], end)
    return table.sort_values(["avg_score", "user_id"], ascending=[False, True]).reset_index(drop=True)


def _recommendations(table: pd.DataFrame, offers: pd.DataFrame, end: pd.Timestamp) -> list[str]:
    past = offers[(offers["triggered_at"] < end) & (offers["offer_sent"] == 1)]
    bought = set(past[past["offer_accepted"] == 1]["user_id"])
    asked = set(past[past["triggered_at"] >= end - pd.Timedelta(days=COOLDOWN_DAYS)]["user_id"])
    return [
        "ACCEPTED"
        if user in bought
        else "NO_ADDRESS"
        if not email
        else "WAIT"
        if user in asked
        else "SEND_EXECUTIVE_OFFER"
        for user, email in zip(table["user_id"], table["email"].fillna(""), strict=True)
    ]


def _write(found: dict[str, pd.DataFrame], numbers: dict[str, int], folder: Path) -> None:
    for name, table in found.items():
        table.to_csv(folder / f"{name}.csv", index=name in ("Engagement", "Heatmap"))
    with pd.ExcelWriter(folder / "report.xlsx", engine="openpyxl") as book:
        for name, table in found.items():
            times = {column: table[column].dt.tz_localize(None) for column in table.select_dtypes("datetimetz")}
            table.assign(**times).to_excel(book, sheet_name=name, index=name in ("Engagement", "Heatmap"))
    _draw(found["Heatmap"], folder / "heatmap.png")
    engagement, candidates = found["Engagement"], found["Candidates"]
    by_role = (
        engagement[[name for name in engagement if not name.endswith("_before")]].rename_axis("role").reset_index()
    )
    to_offer = int((candidates["recommendation"] == "SEND_EXECUTIVE_OFFER").sum())
    summary = {
        "engagement": {"by_role": _records(by_role[:-1]), "total": _records(by_role[-1:])[0]},
        "mistakes": {**numbers, "top": _records(found["Mistakes"])},
        "conversion": {"revenue_potential": PRICE * to_offer, "candidates": _records(candidates)},
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2), encoding="utf-8")
    pages = "".join(f"<h2>{name}</h2>{table.to_html()}" for name, table in found.items())
    (folder / "report.html").write_text(f'<html><body>{pages}<img src="heatmap.png"></body></html>', encoding="utf-8")


def _draw(cells: pd.DataFrame, target: Path) -> None:
    figure, axes = plt.subplots(figsize=(8, 5))
    axes.imshow(cells.fillna(0).to_numpy(), cmap="Blues", aspect="auto")
    axes.set_xticks(range(cells.shape[1]), cells.columns, rotation=30, ha="right")
    axes.set_yticks(range(cells.shape[0]), cells.index)
    for (row, column), count in cells.stack().items():
        place = cells.columns.get_loc(column), cells.index.get_loc(row)
        axes.text(*place, f"{count:,.0f}", ha="center", va="center", fontsize=7)
    figure.tight_layout()
    figure.savefig(target, dpi=200)


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    records: list[dict[str, object]] = json.loads(table.to_json(orient="records", date_format="iso"))
    return records


if __name__ == "__main__":
    main(*sys.argv[1:])
