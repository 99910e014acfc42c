from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis.corrections import KnownForm, correct_forms_for, known_forms
from lib.catalogue import load_catalogue

Row = tuple[str, str, int]


def forms(*rows: Row) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["pattern", "correct_form", "times"])


def test_the_most_frequent_form_wins() -> None:
    known = forms(("responsible of", "responsible to", 2), ("responsible of", "responsible for", 5))
    assert correct_forms_for(['Wrong preposition: "responsible of"'], known) == ["responsible for"]


def test_the_times_of_a_form_are_added_up_over_its_patterns() -> None:
    known = forms(("depend of", "rely", 5), ("depend", "depend on", 3), ("pend of", "depend on", 3))
    assert correct_forms_for(["depend of"], known) == ["depend on"]


def test_of_equally_frequent_forms_the_smaller_by_code_point_wins() -> None:
    assert correct_forms_for(["color"], forms(("color", "colour", 2), ("color", "Colour", 2), ("color", "é", 2))) == [
        "Colour"
    ]


@pytest.mark.parametrize(
    ("text", "pattern"),
    [("Mispronounced: CACHE", "cache"), ("die strasse", "STRAẞE"), ("a Cache", "cAcHe"), ("ΣΑΣ", "σας")],
)
def test_case_is_ignored(text: str, pattern: str) -> None:
    assert correct_forms_for([text], forms((pattern, "right", 1))) == ["right"]


@pytest.mark.parametrize("text", ["", "responsible", "of responsible"])
def test_a_pattern_that_does_not_stand_in_the_text_does_not_count(text: str) -> None:
    assert correct_forms_for([text], forms(("responsible of", "responsible for", 5))) == [None]


def test_a_pattern_is_text_and_no_wildcard() -> None:
    assert correct_forms_for(["abc"], forms(("a%", "x", 1), ("a_c", "x", 1), ("a.c", "x", 1))) == [None]


def test_without_patterns_nobody_knows_a_form() -> None:
    assert correct_forms_for(["library", ""], forms()) == [None, None]
    assert correct_forms_for([], forms(("library", "x", 1))) == []


LETTERS = st.text(alphabet="abAB ß\n", max_size=6)


@given(
    st.lists(LETTERS, max_size=4),
    st.lists(st.tuples(LETTERS.filter(str.strip), st.sampled_from("xyzX"), st.integers(1, 3)), max_size=8),
)
def test_the_forms_are_those_of_a_plain_count(texts: list[str], rows: list[Row]) -> None:
    expected: list[str | None] = []
    for text in texts:
        matching = pd.DataFrame(
            [row for row in rows if text.casefold().find(row[0].casefold()) >= 0], columns=["pattern", "form", "times"]
        )
        ranked = sorted((-int(part["times"].sum()), form) for form, part in matching.groupby("form"))
        expected.append(ranked[0][1] if ranked else None)
    assert correct_forms_for(texts, forms(*rows)) == expected
    assert [correct_forms_for([text], forms(*rows))[0] for text in texts] == expected


def test_the_database_comes_before_the_catalogue() -> None:
    known = forms(("library", "LI-brer-y", 1))
    assert known_forms([("Mispronounced: library", "pronunciation")], known) == [KnownForm("LI-brer-y", "database")]


def test_where_the_database_knows_none_the_catalogue_does() -> None:
    found = known_forms([("Mispronounced: library", "pronunciation")], forms())
    assert found == [("LY-bruh-ree, with both r sounds", "catalogue")]


def test_a_mistake_of_it_english_is_found_by_its_bare_pattern() -> None:
    assert known_forms([("Responsible of", "IT English")], forms())[0].form == "I am responsible for the database"
    assert known_forms([("responsible of", "grammar")], forms()) == [(None, None)]


def test_what_nobody_knows_has_neither_form_nor_source() -> None:
    assert known_forms([("Mispronounced: tuple", "pronunciation")], forms(("xyz", "x", 1))) == [(None, None)]


def test_every_mistake_of_the_catalogue_has_a_form() -> None:
    entries = load_catalogue()
    found = known_forms([(entry.text, entry.error_type) for entry in entries], forms())
    assert found == [(entry.right, "catalogue") for entry in entries]
