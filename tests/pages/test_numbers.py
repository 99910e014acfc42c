"""The worked cases on the pages, and two places that must give one number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.factory import Target, make_database, worked_case
from tests.pages.app import (
    as_shown,
    change_of,
    figures,
    forget_everything,
    links,
    markdown,
    move,
    open_page,
    pick,
    press,
    said,
    table,
)
from tests.postgres import Server
from tests.worked_case import WORKED_CASE

ENGAGEMENT = {
    "free": (4, 9, 7.67, 2.67, 2.25),
    "student": (4, 7, 8.14, 2.14, 1.75),
}
MISTAKES = [
    ('Missing article: "working on system"', 15, 12.5),
    ("Mispronounced: library", 12, 10.0),
    ('Basic phrase: "I am working on"', 10, 8.33),
    ('Wrong preposition: "responsible of"', 8, 6.67),
    ("Mispronounced: cache", 7, 5.83),
]


@pytest.mark.parametrize("role", ENGAGEMENT)
def test_engagement_shows_the_worked_case(role: str):
    row = table(open_page("Engagement"), "avg_confidence").set_index("group").loc[role]
    shown = ("users", "sessions", "avg_confidence", "avg_mistakes", "sessions_per_user")
    assert tuple(round(float(row[name]), 2) for name in shown) == ENGAGEMENT[role]


def test_mistakes_shows_the_worked_case_of_120():
    rows = table(open_page("Mistakes"), "percent")
    shown = zip(rows["mistake"], rows["frequency"], rows["percent"].round(2), strict=True)
    assert list(shown)[:5] == MISTAKES


def test_conversion_shows_the_worked_case():
    app = open_page("Conversion")
    rows = table(app, "recommendation")
    assert rows[["user_id", "english_level", "sessions", "avg_score"]].values.tolist() == [
        ["user002", "B2", 3, 9.0],
        ["user003", "C1", 4, 8.5],
    ]
    assert set(rows["recommendation"]) == {"SEND_EXECUTIVE_OFFER"}
    assert figures(app)["Revenue potential"] == "$358"


def test_home_and_the_pages_give_the_same_numbers():
    home = figures(open_page("Home"))
    total = table(open_page("Engagement"), "avg_confidence").iloc[-1]
    assert home["Active users"] == str(total["users"])
    assert home["Sessions"] == str(total["sessions"])
    conversion = figures(open_page("Conversion"))
    assert home["To offer, of 2"] == conversion["To offer, of 2 who qualify"] == "2"
    assert home["Revenue potential"] == conversion["Revenue potential"]


def test_the_rows_of_a_table_add_up_to_its_total():
    rows = table(open_page("Engagement"), "avg_confidence")
    assert rows["sessions"].iloc[:-1].sum() == rows["sessions"].iloc[-1]
    assert rows["users"].iloc[:-1].sum() == rows["users"].iloc[-1]


def test_the_cells_of_the_heatmap_add_up_to_what_the_shares_are_of():
    app = open_page("Mistakes", mistakes_days="30")
    cells, rows = table(app, "value"), table(app, "percent")
    assert cells["frequency"].sum() == 120
    assert rows["percent"].iloc[0] == pytest.approx(100 * rows["frequency"].iloc[0] / 120)


def test_a_lower_score_lets_more_in_and_says_so_against_the_defaults():
    app = move(open_page("Conversion"), min_confidence=7.9)
    assert table(app, "recommendation")["user_id"].tolist() == ["user002", "user003", "user004"]
    assert figures(app)["To offer, of 3 who qualify"] == "3"
    assert change_of(app, "To offer, of 3 who qualify") == "+1"
    assert change_of(app, "Revenue potential") == "+$179"


def test_another_price_changes_the_revenue_and_not_the_list():
    app = move(open_page("Conversion"), price=199.0)
    assert figures(app)["To offer, of 2 who qualify"] == "2"
    assert figures(app)["Revenue potential"] == "$398"


def test_best_and_any_let_the_broken_run_in():
    for streak in ("best", "any"):
        assert "user001" in set(table(move(open_page("Conversion"), streak=streak), "recommendation")["user_id"])


def test_reset_brings_the_defaults_back():
    app = move(open_page("Conversion"), min_confidence=5.0, min_sessions=1, price=10.0, streak="any")
    app = press(app, "Reset to defaults")
    assert table(app, "recommendation")["user_id"].tolist() == ["user002", "user003"]
    assert figures(app)["Revenue potential"] == "$358"


def test_nobody_qualifies_is_a_sentence_that_says_what_to_do():
    app = move(open_page("Conversion"), min_sessions=10)
    assert "Nobody qualifies" in said(app)
    assert "lower a threshold" in said(app)


def test_a_mistake_of_enough_users_becomes_a_post_and_one_of_few_says_why_not():
    app = open_page("Mistakes")
    rows = table(app, "post")
    few = int(rows.index[rows["mistake"] == "Mispronounced: cache"][0])
    app = pick(app, 1, few)
    assert "cannot be published" in said(app)
    assert "Made by 3 users; 5 are needed" in said(app)
    assert len(app.text_area) == 1
    assert "library" in app.text_area[0].value


def test_more_than_three_picks_are_three_posts_and_a_sentence():
    app = open_page("Mistakes")
    fit = table(app, "post")
    app = pick(app, *(int(row) for row in fit.index[fit["post"] == "yes"][:4]))
    assert len(app.text_area) == 3
    assert "3 posts at most" in said(app)


def test_what_stands_out_leads_to_pages_with_the_filters_set():
    found = links(open_page("Home"))
    leads = {label: query for label, (page, query) in found.items() if "users:" in label and page == "engagement"}
    assert all("roles=" in query for query in leads.values())


# What is no number though it stands where one belongs, as a file and as a server can hold it.
OF_A_FILE = ("", "abc", "NaN", math.inf, b"8")
OF_A_SERVER = (math.nan, math.inf, -math.inf, 1e300)


def with_scores(target: Target, values: Sequence[object]) -> Target:
    """The worked cases with these values as the newest scores, one by one, and as lead scores of the free users."""
    rows = {name: [dict(row) for row in given] for name, given in WORKED_CASE.items()}
    newest = sorted(rows["sessions"], key=lambda row: row["started_at"], reverse=True)
    for session, value in zip(newest, values, strict=False):
        session["confidence_score"] = value
    free = [user["user_id"] for user in rows["users"] if user.get("role") == "free"]
    rows["lead_scores"] = [{"user_id": user, "overall_score": value} for user, value in zip(free, values, strict=False)]
    return make_database(target, **rows)


def everything(address: object, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The figures and the lists on the pages that compute with scores; every free user is a candidate."""
    forget_everything()
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(address))
    all_users = {"min_sessions": "1", "min_confidence": "5", "streak": "any"}
    pages = {title: open_page(title, **all_users) for title in ("Home", "Engagement", "Conversion")}
    lists = (table(pages["Engagement"], "avg_confidence"), table(pages["Conversion"], "recommendation"))
    assert len(lists[1]) == 4
    return [*map(figures, pages.values()), *(shown.to_csv() for shown in lists)]


def test_what_is_no_number_is_as_nothing_on_every_page_and_told_by_data_health(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    nothing = everything(with_scores(tmp_path / "nothing.db", [None] * len(OF_A_FILE)), monkeypatch)
    assert everything(with_scores(tmp_path / "odd.db", OF_A_FILE), monkeypatch) == nothing
    told = as_shown(" ".join(markdown(open_page("Data health")))).replace("*", "")
    assert f"confidence_score is no number ({len(OF_A_FILE)}" in told
    assert "overall_score is no number (4" in told


def test_a_score_of_a_server_that_is_not_finite_is_no_score(postgres_server: Server, monkeypatch: pytest.MonkeyPatch):
    address = postgres_server.create_database("numbers")
    nothing = everything(with_scores(address, [None] * len(OF_A_SERVER)), monkeypatch)
    assert everything(with_scores(address, OF_A_SERVER), monkeypatch) == nothing


def test_a_table_that_may_not_be_read_is_named_with_the_grant_that_is_missing(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
):
    address, name = worked_case(postgres_server.create_database("page")), "page_reader"
    for statement in (
        f"CREATE ROLE {name} LOGIN PASSWORD 'x'",
        f"GRANT USAGE ON SCHEMA public TO {name}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {name}",
        f"REVOKE SELECT ON it_errors FROM {name}",
    ):
        postgres_server.execute(statement, "page")
    monkeypatch.setenv("FLUENCY_DATABASE_URL", address.replace(address.split("@")[0], f"postgresql://{name}:x"))
    app = open_page("Data health")
    assert app.code[0].value == f"GRANT SELECT ON it_errors TO {name};"
    rows = table(app, "state").set_index("table")["rows"]
    assert rows.isna().sum() == 1
    assert rows["coaching_sessions"] == 37
