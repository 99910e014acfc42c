"""The filters of the Engagement page, and its tables against each other."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from tests.factory import make_database
from tests.pages.app import control, move, open_page, said, table, tables


def sessions_shown(app: AppTest) -> dict[str, int]:
    rows = table(app, "avg_confidence").set_index("group")["sessions"]
    return rows.astype(int).to_dict()


def test_the_four_roles_are_always_there_and_the_total_last():
    assert sessions_shown(open_page("Engagement")) == {
        "free": 9,
        "student": 7,
        "coach": 0,
        "superuser": 0,
        "Total": 16,
    }


def test_the_change_is_against_the_seven_days_before():
    rows = table(open_page("Engagement"), "sessions_change").set_index("group")
    assert rows.loc["free", "sessions_change"] == "▲ +3"
    assert rows.loc["student", "sessions_change"] == "▲ +5"
    assert rows.loc["coach", "sessions_change"] == "–"  # no change
    assert pd.isna(rows.loc["coach", "avg_confidence_change"])  # nothing to compare with
    assert rows.loc["Total", "sessions_change"] == "▲ +8"


def test_the_switch_counts_sessions_that_were_not_finished():
    app = move(open_page("Engagement"), all_sessions=True)
    assert sessions_shown(app)["student"] == 8
    assert app.query_params == {"all_sessions": "1"}


def test_a_role_that_is_picked_stands_alone_with_its_total():
    app = move(open_page("Engagement"), roles=["free"])
    assert sessions_shown(app) == {"free": 9, "Total": 9}
    assert set(table(app, "is_over")["group"]) == {"free"}


def test_a_level_that_is_picked_narrows_every_table():
    app = move(open_page("Engagement"), levels=["C1"])
    assert sessions_shown(app)["Total"] == 3
    assert table(app, "level")["level"].tolist() == ["C1"]


@pytest.mark.parametrize("address", [{}, {"roles": "student"}, {"levels": "B1,B2"}, {"roles": "free", "levels": "B2"}])
@pytest.mark.parametrize("all_sessions", ["0", "1"])
def test_roles_weeks_and_levels_add_up_to_one_number(address: dict[str, str], all_sessions: str):
    app = open_page("Engagement", all_sessions=all_sessions, **address)
    total = sessions_shown(app)["Total"]
    weeks = table(app, "is_over")
    assert weeks[weeks["week"] == weeks["week"].max()]["sessions"].sum() == total  # the window is a calendar week
    assert table(app, "level")["sessions"].sum() == total


def test_twelve_weeks_are_shown_and_the_running_one_is_not_over():
    weeks = table(open_page("Engagement", as_of="2026-11-18"), "is_over")
    assert weeks["week"].nunique() == 12
    over = weeks.groupby("week")["is_over"].first()
    assert set(over.iloc[:-1]) == {"yes"}
    assert over.iloc[-1] == "no"


def test_roles_outside_the_list_and_users_who_are_gone_have_rows_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    users = [{"user_id": "ann", "role": "tester"}, {"user_id": "bob", "role": None}, {"user_id": "eve", "role": "a,b"}]
    sessions = [{"user_id": user_id} for user_id in ("ann", "bob", "eve", "gone", None)]
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(make_database(tmp_path / "odd.db", users=users, sessions=sessions)))
    app = open_page("Engagement")
    assert list(sessions_shown(app))[4:] == ["a,b", "tester", "unknown", "Total"]
    assert sessions_shown(app)["unknown"] == 3
    assert control(app, "roles").options[-3:] == ["a,b", "tester", "unknown"]
    again = open_page("Engagement", **move(app, roles=["a,b"]).query_params)
    assert sessions_shown(again) == {"a,b": 1, "Total": 1}


def test_a_filter_that_leaves_nothing_says_so_and_keeps_the_table():
    app = move(open_page("Engagement"), roles=["superuser"])
    assert "No sessions in 16–22 Nov 2026 (UTC)" in said(app)
    assert sessions_shown(app) == {"superuser": 0, "Total": 0}
    assert table(app, "avg_confidence")["avg_confidence"].isna().all()


def test_a_level_that_is_not_there_is_left_out_with_a_word():
    app = open_page("Engagement", levels="A1,B2")
    assert "values that do not fit here (Level) were left out" in said(app)
    assert control(app, "levels").value == ["B2"]
    assert app.query_params == {"levels": "B2"}


def test_a_longer_window_has_all_sessions_of_a_shorter_one():
    counts = [sessions_shown(open_page("Engagement", engagement_days=str(days)))["Total"] for days in (1, 7, 30, 365)]
    assert counts == sorted(counts)
    assert counts[-1] == 36  # every finished session there is


def test_the_zone_of_the_setting_decides_which_day_a_session_belongs_to(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_TIMEZONE", "Pacific/Kiritimati")  # 14 hours ahead: the newest session is of the 23rd
    app = open_page("Engagement", engagement_days="1")
    assert "(Pacific/Kiritimati)" in app.caption[0].value
    assert "23 Nov 2026" in app.caption[0].value
    assert sessions_shown(app)["Total"] == 2


def test_every_table_on_the_page_is_named_in_the_file_of_the_whole_page():
    app = open_page("Engagement")
    assert len(tables(app)) == 3
    assert "Whole page" in [button.label for button in app.get("download_button")]
