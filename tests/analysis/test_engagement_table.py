from __future__ import annotations

import math
from datetime import date

import pandas as pd
import pytest

from lib.analysis.engagement import (
    FIGURES,
    engagement_table,
    level_table_of,
    ordered,
    told_apart,
    totals_by_window,
    weekly_table,
)
from lib.analysis.numbers import signed
from lib.period import weeks
from lib.queries.engagement import COLUMNS
from lib.report.wording import moved


def sums(*rows: tuple[int, str, int, int, int, float, int, float]) -> pd.DataFrame:
    """window, group, users, sessions, scored, score_sum, counted, mistake_sum."""
    return pd.DataFrame(list(rows), columns=list(COLUMNS)).astype(dict(COLUMNS))


FREE = (0, "free", 4, 9, 9, 69.0, 9, 24.0)


def test_the_four_roles_always_stand_first_then_others_by_name_then_unknown():
    assert ordered(["unknown", "tester", "guest", "coach"]) == [
        "free",
        "student",
        "coach",
        "superuser",
        "guest",
        "tester",
        "unknown",
    ]
    assert "unknown" not in ordered(["free"])


def test_roles_without_sessions_are_shown_with_zeros_and_without_averages():
    table = engagement_table(sums(FREE)).set_index("group")
    assert list(table.index) == ["free", "student", "coach", "superuser", "total"]
    assert table.loc["student", ["users", "sessions"]].tolist() == [0, 0]
    assert math.isnan(table.loc["student", "avg_confidence"])


def test_averages_are_those_of_the_worked_case():
    row = engagement_table(sums(FREE)).iloc[0]
    assert [round(row[name], 2) for name in FIGURES] == [4, 9, 7.67, 2.67, 2.25]


def test_the_total_weighs_sessions_and_not_roles():
    table = engagement_table(sums((0, "free", 1, 3, 3, 30.0, 3, 0.0), (0, "coach", 1, 1, 1, 2.0, 1, 8.0)))
    total = table.iloc[-1]
    assert (total["group"], total["users"], total["sessions"]) == ("total", 2, 4)
    assert total["avg_confidence"] == 8.0
    assert total["avg_mistakes"] == 2.0


def test_a_role_that_is_called_total_keeps_its_own_row():
    table = engagement_table(sums(FREE, (0, "total", 1, 1, 1, 5.0, 1, 1.0)))
    named = table[table["group"] == "total"]
    assert named["sessions"].tolist() == [1, 10]


def test_each_figure_stands_beside_the_window_before_and_the_change():
    table = engagement_table(sums(FREE, (1, "free", 2, 4, 4, 32.0, 4, 4.0))).set_index("group")
    assert table.loc["free", ["sessions_before", "sessions_change"]].tolist() == [4, 5]
    assert table.loc["free", "avg_confidence_before"] == 8.0


def test_a_change_is_that_of_the_figures_before_they_are_rounded():
    # 7.535 is shown as 7.54 and 7.864 as 7.86; the change is -0.329, which is shown as -0.33.
    now, before = (0, "free", 2, 8, 8, 60.28, 8, 0.0), (1, "free", 2, 5, 5, 39.32, 5, 0.0)
    row = engagement_table(sums(now, before)).iloc[0]
    assert row["avg_confidence_change"] == pytest.approx(-0.329)
    assert signed(row["avg_confidence_change"], 2) == "-0.33"
    assert moved(7.535, 7.864, 2).step.endswith("0.33")


def test_names_that_differ_by_blanks_or_case_alone_are_in_quotes():
    names = pd.Series(["free", "Free ", "student", "QA", "qa  lead", "Qa lead", "total"])
    assert told_apart(names).tolist() == ["free", "“Free ”", "student", "QA", "“qa  lead”", "“Qa lead”", "total"]
    assert told_apart(pd.Series(["Free", "Free"])).tolist() == ["Free", "Free"], "many rows of one name are one name"


def test_only_the_roles_asked_for_are_shown_and_added_up():
    table = engagement_table(sums(FREE, (0, "coach", 1, 1, 1, 2.0, 1, 8.0)), shown=("coach",))
    assert table["group"].tolist() == ["coach", "total"]
    assert table["sessions"].tolist() == [1, 1]


def test_sums_without_a_row_give_a_table_of_zeros():
    table = engagement_table(sums())
    assert table["sessions"].tolist() == [0, 0, 0, 0, 0]


def test_levels_stand_in_their_order():
    rows = sums((0, "C1", 1, 1, 1, 9.0, 1, 0.0), (0, "unknown", 1, 1, 1, 9.0, 1, 0.0))
    assert level_table_of(rows)["level"].tolist() == ["B1", "B2", "C1", "C2", "unknown"]


def test_every_week_has_every_role_that_came_and_the_running_week_is_not_over():
    windows = weeks(date(2026, 11, 18), 2, "UTC")  # a Wednesday
    table = weekly_table(sums((0, "free", 1, 2, 2, 16.0, 2, 0.0), (1, "coach", 1, 1, 1, 9.0, 1, 0.0)), windows)
    assert table[["group", "sessions"]].values.tolist() == [["free", 2], ["coach", 0], ["free", 0], ["coach", 1]]
    assert table["is_over"].tolist() == [True, True, False, False]


def test_totals_fill_windows_in_which_nobody_came():
    totals = totals_by_window(sums((0, "free", 1, 2, 2, 16.0, 2, 0.0)), 3)
    assert totals["sessions"].tolist() == [2, 0, 0]
    assert totals["avg_confidence"].isna().tolist() == [False, True, True]
