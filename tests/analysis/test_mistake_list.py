from __future__ import annotations

import math

import pandas as pd
import pytest

from lib.analysis.mistakes import ranked, trend
from lib.queries.mistakes import TopMistakes

LIBRARY = ("pronunciation", "everyday words", "Mispronounced: library", 12)
RESPONSIBLE = ("grammar", "prepositions", 'Wrong preposition: "responsible of"', 8)
FORMS = pd.DataFrame(
    {"pattern": ["responsible of"], "correct_form": ["responsible for"], "times": [4]},
)


def table(*rows: tuple[str, str, str, int], users: int = 5, before: int = 0, **values: int) -> pd.DataFrame:
    found = pd.DataFrame(rows, columns=["error_type", "error_category", "mistake", "frequency"])
    top = TopMistakes(found, values.pop("total", 120), len(rows), 0)
    details = pd.DataFrame({"place": range(len(rows)), "users": users, "frequency_before": before})
    return ranked(top, details, FORMS, **({"sessions": 40, "min_users": 5} | values))


def test_a_share_is_of_all_mistakes_and_not_of_those_shown():
    assert table(LIBRARY, RESPONSIBLE)["percent"].round(2).tolist() == [10.0, 6.67]


def test_ranks_count_from_one_in_the_order_of_the_answer():
    assert table(LIBRARY, RESPONSIBLE)["rank"].tolist() == [1, 2]


def test_per_100_sessions_divides_by_the_sessions_of_the_window():
    assert table(LIBRARY, sessions=40)["per_100_sessions"].tolist() == [30.0]


def test_without_sessions_there_is_nothing_to_divide_by():
    assert math.isnan(table(LIBRARY, sessions=0)["per_100_sessions"].iloc[0])


def test_the_right_form_is_the_databases_and_else_the_catalogues_and_else_none():
    unheard_of = ("grammar", "articles", "Nobody ever said this", 1)
    forms = table(RESPONSIBLE, LIBRARY, unheard_of)["correct_form"]
    assert forms.iloc[0] == "responsible for"
    assert "LY-bruh-ree" in forms.iloc[1]
    assert pd.isna(forms.iloc[2])


@pytest.mark.parametrize(("users", "post"), [(5, "yes"), (4, "Made by 4 users; 5 are needed")])
def test_a_mistake_may_be_published_from_five_users_on(users: int, post: str):
    assert table(LIBRARY, users=users)["post"].iloc[0].startswith(post)


@pytest.mark.parametrize(
    "text", ["Wrote to ann@example.com", "See https://example.com", "He costed 500 dollars", "www.example.com"]
)
def test_a_mistake_with_an_address_or_a_number_is_not_published_however_many_made_it(text: str):
    assert table(("grammar", "tenses", text, 50), users=500)["post"].iloc[0].startswith("It contains")


@pytest.mark.parametrize(
    ("now", "before", "shown"),
    [(5, 0, "new"), (5, 2, "▲ 3"), (2, 5, "▼ 3"), (5, 5, "–"), (2_000, 500, "▲ 1,500")],
)
def test_the_trend_has_an_arrow_and_new_is_a_word(now: int, before: int, shown: str):
    assert trend(now, before) == shown


def test_the_change_is_against_the_window_before():
    row = table(LIBRARY, before=15).iloc[0]
    assert (row["frequency_before"], row["change"], row["trend"]) == (15, -3, "▼ 3")


def test_no_mistakes_make_an_empty_table_with_all_columns():
    empty = table(total=0)
    assert empty.empty
    assert {"rank", "mistake", "correct_form", "percent", "users", "trend", "post"} <= set(empty.columns)
