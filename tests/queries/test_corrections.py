from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from lib.analysis.corrections import correct_forms_for
from lib.queries.corrections import correct_forms
from tests.conftest import Fill
from tests.odd_data import COUNTS, FEW, amount_of, is_blank

TEXTS = st.sampled_from([None, "", " \n", "responsible of", "Responsible of", "depends of", "ß"])


def test_the_worked_case_knows_the_right_form_of_its_patterns(worked: Connection):
    found = {row.pattern: (row.correct_form, row.times) for row in correct_forms(worked).itertuples()}
    assert found["responsible of"] == ("responsible for", 4)
    assert found["working on system"] == ("working on the system", 1)


@FEW
@given(
    st.lists(
        st.fixed_dictionaries(
            {"error_pattern": TEXTS, "correct_form": TEXTS, "frequency": st.sampled_from([2, 50, *COUNTS])}
        ),
        max_size=20,
    )
)
def test_pairs_are_added_up_and_blank_ones_left_out(filled: Fill, rows: list[dict[str, Any]]):
    by_hand: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if not is_blank(row["error_pattern"]) and not is_blank(row["correct_form"]):
            by_hand[row["error_pattern"], row["correct_form"]] += (
                1 if (times := amount_of(row["frequency"])) is None else int(times)
            )
    with filled(it_errors=rows) as connection:
        found = correct_forms(connection)
    assert {(row.pattern, row.correct_form): row.times for row in found.itertuples()} == by_hand
    assert len(found) == len(by_hand)


@FEW
@given(
    st.lists(
        st.fixed_dictionaries({"domain": st.sampled_from([None, "business"]), "error_pattern": TEXTS}), max_size=20
    ),
    st.lists(st.sampled_from(["", 'Wrong: "RESPONSIBLE OF"', "depends", "it depends of that", "STRASSE", "Fluß"])),
)
def test_of_some_texts_only_the_patterns_that_stand_in_them_come_back(
    filled: Fill, rows: list[dict[str, Any]], texts: list[str]
):
    with filled(it_errors=rows) as connection:
        every, found = correct_forms(connection), correct_forms(connection, texts)
    stands = [any(pattern.casefold() in text.casefold() for text in texts) for pattern in every["pattern"]]
    assert set(found.itertuples(index=False)) == set(every[stands].itertuples(index=False))
    assert correct_forms_for(texts, found) == correct_forms_for(texts, every)


def test_without_the_table_there_are_no_right_forms(filled: Fill):
    with filled(without=["it_errors"]) as connection:
        found = correct_forms(connection)
    assert found.empty
    assert list(found.columns) == ["pattern", "correct_form", "times"]
