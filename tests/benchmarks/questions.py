"""What is asked: of our queries, of DuckDB in SQL, and of whole tables in pandas. Each gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy import Connection

from lib.period import Period, weeks
from lib.queries.conversion import scored_sessions
from lib.queries.engagement import sessions_by_role
from lib.queries.mistakes import MistakeFilter, mistake_details, mistakes_by, top_mistakes
from lib.sample import END

WHERE = MistakeFilter()
WEEK, FORTNIGHT, MONTH, YEAR = (Period(END, days) for days in (7, 14, 30, 365))
TWELVE_WEEKS = weeks(END, 12, "UTC")

Tables = dict[str, pd.DataFrame]
# What we ask of a blank text, type, category or role, for DuckDB.
BLANK = "coalesce(trim({0}, ' \t\r\n'), '') = ''"
NAMED = "CASE WHEN " + BLANK + " THEN '{1}' ELSE {0} END"
TYPE = NAMED.format("error_type", "unknown")
CATEGORY = NAMED.format("error_category", "uncategorised")
ROLE = NAMED.format("role", "unknown")


@dataclass(frozen=True)
class Question:
    """One question in three languages. ``tables`` are those that pandas reads; ``numbers`` what the answers share."""

    name: str
    tables: tuple[str, ...]
    ask: Callable[[Connection], pd.DataFrame]
    duck: str
    pandas: Callable[[Tables], pd.DataFrame]
    numbers: Callable[[pd.DataFrame], Any]


def _between(column: str, first: Period, last: Period | None = None) -> str:
    start, end = first.start, (last or first).end
    return f"{column} >= TIMESTAMP '{start:%Y-%m-%d %H:%M:%S}' AND {column} < TIMESTAMP '{end:%Y-%m-%d %H:%M:%S}'"


def _inside(frame: pd.DataFrame, column: str, first: Period, last: Period | None = None) -> pd.DataFrame:
    return frame[(frame[column] >= first.start) & (frame[column] < (last or first).end)]


def _top(name: str, period: Period) -> Question:
    mistake = ["error_type", "error_category", "error_text"]

    def grouped(tables: Tables) -> pd.DataFrame:
        rows = _inside(tables["detected_errors"], "detected_at", period)
        rows = rows[rows["error_text"].str.strip().fillna("") != ""]
        named = rows.assign(
            error_type=rows["error_type"].fillna("unknown"),
            error_category=rows["error_category"].fillna("uncategorised"),
        )
        counts = named.groupby(mistake, sort=False).size().reset_index(name="frequency")
        return counts.sort_values(["frequency", "error_text"], ascending=[False, True]).head(10)

    duck = f"""
        WITH groups AS (
            SELECT {TYPE} AS error_type, {CATEGORY} AS error_category, error_text AS mistake, count(*) AS frequency
            FROM detected_errors WHERE {_between("detected_at", period)} GROUP BY ALL)
        SELECT *, sum(frequency) OVER () AS total, count(*) OVER () AS different
        FROM groups WHERE NOT {BLANK.format("mistake")} ORDER BY frequency DESC, mistake LIMIT 10"""
    return Question(
        name,
        ("detected_errors",),
        lambda connection: top_mistakes(connection, period, WHERE, limit=10).rows,
        duck,
        grouped,
        lambda frame: frame["frequency"].tolist(),
    )


def _heatmap(name: str, period: Period) -> Question:
    def grouped(tables: Tables) -> pd.DataFrame:
        rows = _inside(tables["detected_errors"], "detected_at", period)
        rows = rows[rows["error_text"].str.strip().fillna("") != ""]
        sizes = rows.groupby(["error_type", "error_category"], dropna=False).size()
        return sizes.reset_index(name="frequency")

    duck = f"""
        SELECT {TYPE} AS value, {CATEGORY} AS error_category, count(*) AS frequency FROM detected_errors
        WHERE {_between("detected_at", period)} AND NOT {BLANK.format("error_text")} GROUP BY ALL"""
    return Question(
        name,
        ("detected_errors",),
        lambda connection: mistakes_by(connection, period, WHERE, "type"),
        duck,
        grouped,
        lambda frame: int(frame["frequency"].sum()),
    )


def details_of(shown: pd.DataFrame, name: str, period: Period) -> Question:
    """The question about the ``shown`` mistakes (columns error_type, error_category, mistake)."""
    keys = ["error_type", "error_category", "error_text"]
    wanted = shown[["error_type", "error_category", "mistake"]].set_axis(keys, axis=1).reset_index(names="place")
    quoted = [[str(value).replace("'", "''") for value in row] for row in wanted.itertuples(index=False)]
    values = ", ".join(f"({row[0]}, '{row[1]}', '{row[2]}', '{row[3]}')" for row in quoted)

    def grouped(tables: Tables) -> pd.DataFrame:
        rows = _inside(tables["detected_errors"], "detected_at", period.before, period).merge(wanted, on=keys)
        is_now = rows["detected_at"] >= period.start
        users = rows[is_now].groupby("place")["user_id"].nunique()
        return pd.DataFrame({"users": users, "frequency_before": rows[~is_now].groupby("place").size()}).fillna(0)

    duck = f"""
        SELECT place, count(DISTINCT user_id) FILTER ({_between("detected_at", period)}) AS users,
            count(*) FILTER ({_between("detected_at", period.before)}) AS frequency_before
        FROM detected_errors JOIN (VALUES {values}) AS wanted (place, {", ".join(keys)}) USING ({", ".join(keys)})
        WHERE {_between("detected_at", period.before, period)} GROUP BY place ORDER BY place"""
    return Question(
        name,
        ("detected_errors",),
        lambda connection: mistake_details(connection, period, WHERE, shown),
        duck,
        grouped,
        lambda frame: [*map(int, frame["users"]), *map(int, frame["frequency_before"])],
    )


def _engagement(name: str, periods: tuple[Period, ...]) -> Question:
    oldest, newest = min(periods, key=lambda one: one.first), max(periods, key=lambda one: one.first)
    starts = sorted(one.start for one in periods)

    def grouped(tables: Tables) -> pd.DataFrame:
        rows = _inside(tables["coaching_sessions"], "started_at", oldest, newest)
        rows = rows[rows["ended_at"].notna()].merge(tables["users"], on="user_id", how="left")
        window = pd.Series(starts).searchsorted(rows["started_at"], side="right")
        by = rows.groupby([window, rows["role"].fillna("unknown")])
        counts = by["user_id"].nunique().to_frame("users").assign(sessions=by.size())
        return counts.join(by[["confidence_score", "error_count"]].mean())

    windows = " ".join(f"WHEN {_between('started_at', period)} THEN {place}" for place, period in enumerate(periods))
    duck = f"""
        SELECT CASE {windows} END AS window_place, {ROLE} AS "group", count(DISTINCT s.user_id) AS users,
            count(*) AS sessions, count(confidence_score) AS scored, sum(confidence_score) AS score_sum,
            count(error_count) AS counted, sum(error_count) AS mistake_sum
        FROM coaching_sessions AS s LEFT JOIN users AS u ON u.user_id = s.user_id
        WHERE {_between("started_at", oldest, newest)} AND ended_at IS NOT NULL GROUP BY ALL"""
    return Question(
        name,
        ("coaching_sessions", "users"),
        lambda connection: sessions_by_role(connection, periods, completed_only=True),
        duck,
        grouped,
        lambda frame: (int(frame["sessions"].sum()), int(frame["users"].sum())),
    )


def _scores(name: str, period: Period) -> Question:
    columns = ["user_id", "session_id", "started_at", "confidence_score"]

    def grouped(tables: Tables) -> pd.DataFrame:
        users = tables["users"]
        free = users.loc[users["role"] == "free", "user_id"]
        rows = _inside(tables["coaching_sessions"], "started_at", period)
        return rows.loc[rows["user_id"].isin(free) & rows["confidence_score"].notna(), columns]

    duck = f"""
        SELECT s.user_id, session_id, started_at, confidence_score
        FROM coaching_sessions AS s JOIN users AS u ON u.user_id = s.user_id
        WHERE role = 'free' AND {_between("started_at", period)} AND confidence_score IS NOT NULL"""
    return Question(
        name,
        ("coaching_sessions", "users"),
        lambda connection: scored_sessions(connection, period),
        duck,
        grouped,
        len,
    )


def of_mistakes(shown: pd.DataFrame) -> list[Question]:
    """The questions whose time depends on the texts; ``shown`` are the top ten."""
    return [
        _top("top mistakes, 30 days", MONTH),
        _top("top mistakes, a year", YEAR),
        _heatmap("heatmap, 30 days", MONTH),
        details_of(shown, "details of the ten shown, 30 days", MONTH),
    ]


def of_sessions() -> list[Question]:
    """The questions about sessions."""
    return [
        _engagement("engagement, 7 days, now and before", (WEEK, WEEK.before)),
        _engagement("sessions a week by role, 12 weeks", TWELVE_WEEKS),
        _scores("scores of free users, 14 days", FORTNIGHT),
    ]


def with_the_same_window() -> list[Question]:
    """The questions that are asked of a long and a short history."""
    return [
        _top("top mistakes, 14 days", FORTNIGHT),
        _heatmap("heatmap, 14 days", FORTNIGHT),
        _engagement("engagement, 7 days, now and before", (WEEK, WEEK.before)),
        _scores("scores of free users, 14 days", FORTNIGHT),
    ]
