"""The Conversion page: figures, sliders and the tabs under the list."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.factory import make_database
from tests.pages.app import (
    as_shown,
    change_of,
    control,
    figures,
    markdown,
    move,
    open_page,
    open_tab,
    press,
    said,
    tables,
)
from tests.pages.app import table as shown_table


def candidates(app: AppTest) -> list[str]:
    return shown_table(app, "recommendation")["user_id"].tolist()


def test_expected_revenue_is_the_potential_times_the_share_of_accepted_offers():
    app = open_page("Conversion")
    assert figures(app) == {
        "To offer, of 2 who qualify": "2",
        "Revenue potential": "$358",
        "Expected revenue": "$90",
    }  # 1 of 4
    tip = next(metric.help for metric in app.metric if metric.label == "Expected revenue")
    assert "1 of 4 past offers were accepted: 25.0%" in tip
    assert "95 % interval 4.6% to 69.9%" in tip  # Wilson


def test_what_is_known_about_a_candidate_stands_beside():
    rows = shown_table(open_page("Conversion"), "recommendation").set_index("user_id")
    assert rows.loc["user002", ["email", "lead_score", "lead_status"]].tolist() == ["two@example.com", 91.0, "hot"]
    assert rows.loc["user003", "outcome"] == "not accepted"


@pytest.mark.parametrize(
    ("moved", "users"),
    [
        ({"min_sessions": 4}, ["user003"]),
        ({"min_confidence": 8.6}, ["user002"]),
        ({"min_confidence": 8.1}, ["user002", "user003"]),
        ({"streak": "best"}, ["user001", "user002", "user003"]),
        ({"min_confidence": 7.9, "min_sessions": 3}, ["user002", "user003", "user004"]),
        ({"min_sessions": 10}, []),
    ],
)
def test_the_list_the_figures_and_the_comparison_follow_the_sliders(moved: dict[str, object], users: list[str]):
    app = move(open_page("Conversion"), **moved)
    assert candidates(app) == users
    label = f"To offer, of {len(users)} who qualify"
    assert figures(app)[label] == str(len(users))
    assert figures(app)["Revenue potential"] == f"${len(users) * 179:,}"
    change = len(users) - 2
    assert change_of(app, label) == (f"{change:+}" if change else "–")


def test_another_window_is_compared_with_the_default_window():
    app = open_page("Conversion", conversion_days="7")
    assert candidates(app) == ["user002"]
    assert change_of(app, "To offer, of 1 who qualify") == "-1"
    assert change_of(app, "Revenue potential") == "-$179"
    moved = shown_table(open_tab(app, "In and out"), "change")
    assert moved[["user_id", "email", "change"]].values.tolist() == [["user003", "three@example.com", "drops out"]]


def test_the_reset_is_there_only_when_something_was_moved():
    def disabled(app: AppTest) -> bool:
        return next(button.disabled for button in app.button if button.label == "Reset to defaults")

    app = open_page("Conversion")
    assert disabled(app)
    app = move(app, min_sessions=2)
    assert not disabled(app)
    app = press(app, "Reset to defaults")
    assert disabled(app)
    assert control(app, "min_sessions").value == 3
    assert app.query_params == {}


@pytest.mark.parametrize("moved", [{"conversion_days": "30", "min_sessions": "2"}, {"conversion_days": "30"}])
def test_reset_brings_the_window_back_and_leaves_the_day_alone(moved: dict[str, str]):
    app = press(open_page("Conversion", as_of="2026-11-21", **moved), "Reset to defaults")
    assert app.query_params == {"as_of": "2026-11-21"}
    assert control(app, "conversion_days").value == 14


def test_the_settings_are_the_defaults(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_MIN_CONFIDENCE", "7.9")
    monkeypatch.setenv("FLUENCY_PRICE", "199")
    app = open_page("Conversion")
    assert figures(app)["Revenue potential"] == "$597"
    assert change_of(app, "To offer, of 3 who qualify") == "–"
    assert app.query_params == {}
    app = move(app, min_confidence=8.0)
    assert app.query_params == {"min_confidence": "8"}
    assert change_of(app, "To offer, of 2 who qualify") == "-1"


def test_the_grid_agrees_with_the_list_at_the_present_setting():
    app = move(open_page("Conversion"), min_confidence=7.9, min_sessions=2)
    cells = shown_table(app, "candidates")
    here = cells[(cells["min_confidence"] == 7.9) & (cells["min_sessions"] == 2)]
    assert here["candidates"].tolist() == [len(candidates(app))]
    assert here["revenue"].tolist() == [len(candidates(app)) * 179.0]


def test_in_and_out_names_who_comes_and_who_goes_and_adds_up():
    app = open_tab(move(open_page("Conversion"), min_confidence=7.9, min_sessions=4), "In and out")
    rows = shown_table(app, "change")
    assert dict(zip(rows["user_id"], rows["change"], strict=True)) == {"user002": "drops out"}
    app = open_tab(move(app, min_sessions=3), "In and out")
    assert shown_table(app, "change")[["user_id", "change"]].values.tolist() == [["user004", "comes in"]]
    assert any(r"1 comes in, 0 drop out**, 2 stay. That is +\$179" in text for text in markdown(app))


def test_in_and_out_says_the_revenue_of_the_card_also_under_another_price():
    app = open_tab(open_page("Conversion", min_confidence="7.9", price="199"), "In and out")
    assert change_of(app, "Revenue potential") == "+$239"  # 3 at 199 against 2 at 179
    assert any("With the price that is set, that is +$239" in as_shown(text) for text in markdown(app))
    app = open_tab(move(app, min_confidence=8.0), "In and out")
    assert "2 candidates are the same as under the defaults. With the price that is set, that is +$40" in as_shown(
        said(app)
    )


def test_without_a_change_in_and_out_says_that_nobody_moves():
    assert "Nobody comes in or drops out" in said(open_tab(open_page("Conversion"), "In and out"))


def test_a_link_opens_the_tab_that_it_is_about():
    def asked(app: AppTest) -> bool:
        return any("user001" in text for text in markdown(app))

    assert asked(open_page("Conversion", user="user001"))
    assert not asked(open_page("Conversion", user="user001", tab="Near misses"))
    assert open_tab(open_page("Conversion"), "Offer").query_params == {"tab": "Offer"}
    assert open_page("Conversion", tab="Offer").code
    assert open_tab(open_page("Conversion", tab="Offer"), "What if").query_params == {}
    assert open_page("Conversion", tab="<b>").query_params == {}


def test_figures_and_offers_are_of_those_who_may_be_offered_and_the_list_has_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    names = ("asked", "bought", "long_ago", "never", "unreachable")
    users = [{"user_id": name, "email": f"{name}@example.com" if name != "unreachable" else " "} for name in names]
    sessions = [{"user_id": name, "confidence_score": 9.0} for name in names for _ in range(3)]
    offers = [
        {"user_id": "bought", "triggered_at": "2026-05-02 09:00:00", "offer_sent": True, "offer_accepted": True},
        {"user_id": "asked", "triggered_at": "2026-11-21 09:00:00", "offer_sent": True, "offer_accepted": None},
        {"user_id": "asked", "triggered_at": "2026-11-22 09:00:00", "offer_sent": False},
        {"user_id": "long_ago", "triggered_at": "2026-05-02 09:00:00", "offer_sent": True, "offer_accepted": None},
    ]
    path = make_database(tmp_path / "offers.db", users=users, sessions=sessions, offers=offers)
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))
    app = open_page("Conversion", tab="Offer")
    listed = shown_table(app, "recommendation")
    assert dict(zip(listed["user_id"], listed["offer_status"], strict=True)) == {
        "long_ago": "may be offered",
        "never": "may be offered",
        "asked": "wait until 21 Dec 2026",
        "bought": "accepted on 2 May 2026",
        "unreachable": "no address",
    }
    assert listed["user_id"].tolist()[:2] == ["long_ago", "never"]
    assert listed.set_index("user_id")["outcome"].dropna().to_dict() == {
        "asked": "no answer yet, open until 23 Nov 2026",
        "bought": "accepted",
        "long_ago": "lapsed",
    }
    assert figures(app) == {
        "To offer, of 5 who qualify": "2",
        "Revenue potential": "$358",
        "Expected revenue": "$179",  # 1 of 2: the offer that is still open is not counted
    }
    assert [option.split(" · ")[1] for option in app.selectbox[0].options] == ["long_ago", "never"]
    assert "3 candidates are not to be offered now: the list above says why." in [one.value for one in app.caption]
    home = open_page("Home")
    assert figures(home)["To offer, of 5"] == "2"
    assert figures(home)["Revenue potential"] == "$358"
    grid = shown_table(open_tab(open_page("Conversion"), "What if"), "candidates")
    here = (grid["min_confidence"] == 8.0) & (grid["min_sessions"] == 3)
    assert grid[here][["candidates", "revenue"]].to_numpy().tolist() == [[2, 358]]


def test_without_a_scored_session_there_is_no_grid_of_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(make_database(tmp_path / "empty.db")))
    app = open_page("Conversion")
    assert "There is nothing to try out" in said(app)
    assert not any("candidates" in frame.columns for frame in tables(app))


def test_near_misses_say_what_is_missing():
    app = open_tab(open_page("Conversion", min_sessions="4"), "Near misses")
    rows = shown_table(app, "what_is_missing").set_index("user_id")
    assert rows.loc["user002", "kind"] == "one session short"
    assert "3 of 4 sessions above 8.0" in rows.loc["user002", "what_is_missing"]


@pytest.mark.parametrize(
    ("user", "answer"),
    [
        ("user002", "user002 qualifies."),
        ("two@example.com", "user002 qualifies."),
        ("user001", "user001 does not qualify."),
        ("user005", "user005 does not qualify."),
        ("coach01", "coach01 does not qualify."),
    ],
)
def test_any_user_can_be_asked_why_or_why_not(user: str, answer: str):
    app = open_tab(open_page("Conversion", user=user), "Why or why not")
    assert any(answer in as_shown(text) for text in markdown(app))
    [found] = [text for text in markdown(app) if ":material/c" in text]
    assert as_shown(found).startswith(f"**{answer}**")
    assert ("does not" in answer) == (":material/cancel:" in found)


def test_several_users_that_fit_are_asked_about():
    app = open_tab(open_page("Conversion", user="user00"), "Why or why not")
    assert "8 users fit" in app.selectbox[0].label
    app.selectbox[0].set_value("two@example.com · user002")
    app.run()
    assert any("user002 qualifies" in as_shown(text) for text in markdown(app))


def test_nobody_by_that_name_is_a_sentence():
    assert "No account has this id" in said(open_tab(open_page("Conversion", user="nobody"), "Why or why not"))


def test_a_percent_sign_in_the_search_is_no_wildcard():
    assert "No account has this id" in said(open_tab(open_page("Conversion", user="%"), "Why or why not"))


def test_the_offer_is_to_the_picked_candidate_at_the_price_that_is_set():
    app = open_tab(open_page("Conversion", price="200"), "Offer")
    assert app.selectbox[0].options == ["two@example.com · user002", "three@example.com · user003"]
    text = app.code[-1].value
    assert text.startswith("To: two@example.com\nSubject: ")
    assert "Special price: $200 (40 % off), valid for 48 hours." in text
    app.selectbox[0].set_value("three@example.com · user003")
    app.run()
    assert app.code[-1].value.startswith("To: three@example.com\n")


def test_without_a_candidate_there_is_no_offer():
    app = open_tab(open_page("Conversion", min_sessions="10"), "Offer")
    assert "There is no candidate to write to" in said(app)
    assert not app.code


def test_an_offer_text_that_cannot_be_used_names_the_setting(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_OFFER_BODY", "Hello $nobody")
    app = open_tab(open_page("Conversion"), "Offer")
    assert "FLUENCY_OFFER_BODY" in said(app)
    assert candidates(app) == ["user002", "user003"]


def test_an_earlier_day_shows_who_qualified_then():
    app = move(open_page("Conversion"), as_of=date(2026, 11, 15))
    assert candidates(app) == ["user001"]
