"""The catalogue of mistakes: complete, unique, short enough for a post, and safe to search by."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import astuple

import pytest

from lib.catalogue import Mistake, find, load_catalogue

CATALOGUE = load_catalogue()

each_mistake = pytest.mark.parametrize("mistake", CATALOGUE, ids=lambda mistake: mistake.text)


def _holds(sentence: str, pattern: str) -> bool:
    """Whether ``pattern`` stands in ``sentence`` as whole words: "meet" is not in "meeting"."""
    return re.search(rf"\b{re.escape(pattern)}(?!\w)", sentence, re.IGNORECASE) is not None


def test_the_catalogue_holds_90_to_110_mistakes() -> None:
    assert 90 <= len(CATALOGUE) <= 110


@pytest.mark.parametrize(
    ("text", "error_type"),
    [
        ('Missing article: "working on system"', "grammar"),
        ("Mispronounced: library", "pronunciation"),
        ('Basic phrase: "I am working on"', "vocabulary"),
        ('Wrong preposition: "responsible of"', "grammar"),
        ("Mispronounced: cache", "pronunciation"),
    ],
)
def test_the_worked_case_s_mistakes_are_there_word_for_word(text: str, error_type: str) -> None:
    mistake = find(text)
    assert mistake is not None
    assert (mistake.text, mistake.error_type) == (text, error_type)


@each_mistake
def test_no_field_is_blank_or_has_spaces_around_it(mistake: Mistake) -> None:
    assert all(field and field == field.strip() for field in astuple(mistake))


@each_mistake
def test_rule_and_examples_fit_a_post_and_are_sentences(mistake: Mistake) -> None:
    assert len(mistake.rule) <= 160
    for sentence in (mistake.rule, mistake.example_1, mistake.example_2):
        assert re.fullmatch(r"[A-Z\"].*[.?]", sentence), sentence
    assert max(len(mistake.example_1), len(mistake.example_2)) <= 110
    assert mistake.example_1 != mistake.example_2


@each_mistake
def test_types_and_domains_are_those_of_the_product(mistake: Mistake) -> None:
    assert mistake.error_type in {"grammar", "pronunciation", "vocabulary"}
    assert mistake.domain in {"management", "technical", "business"}
    assert (mistake.error_type == "pronunciation") == mistake.text.startswith("Mispronounced: ")


@each_mistake
def test_wrong_and_right_differ_and_the_wrong_form_holds_the_mistake(mistake: Mistake) -> None:
    assert mistake.wrong.casefold() != mistake.right.casefold()
    if mistake.error_type != "pronunciation":
        assert mistake.pattern.casefold() in mistake.wrong.casefold()
        assert not _holds(mistake.right, mistake.pattern)


@each_mistake
def test_an_example_never_repeats_the_mistake(mistake: Mistake) -> None:
    if mistake.error_type != "pronunciation":
        assert not _holds(mistake.example_1, mistake.pattern)
        assert not _holds(mistake.example_2, mistake.pattern)
    else:
        assert mistake.pattern.casefold() in (mistake.example_1 + mistake.example_2).casefold()


def test_no_two_mistakes_have_the_same_text() -> None:
    assert len({mistake.text.casefold() for mistake in CATALOGUE}) == len(CATALOGUE)


def test_a_pattern_stands_in_its_own_text_and_in_no_other() -> None:
    for mistake in CATALOGUE:
        holding = [other for other in CATALOGUE if mistake.pattern.casefold() in other.text.casefold()]
        assert holding == [mistake]


def test_every_type_has_four_to_seven_categories_of_at_least_three_mistakes() -> None:
    sizes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for mistake in CATALOGUE:
        sizes[mistake.error_type][mistake.error_category] += 1
    assert set(sizes) == {"grammar", "pronunciation", "vocabulary"}
    for categories in sizes.values():
        assert 4 <= len(categories) <= 7
        assert min(categories.values()) >= 3


def test_two_mistakes_have_a_number_and_none_an_address() -> None:
    texts = [f"{mistake.text} {mistake.wrong} {mistake.right}" for mistake in CATALOGUE]
    assert sum(bool(re.search(r"\d", text)) for text in texts) == 2
    assert not any(re.search(r"@|https?:|www\.", text) for text in texts)


def test_find_ignores_case() -> None:
    library = find("mispronounced: LIBRARY")
    assert library is not None
    assert library.text == "Mispronounced: library"
    assert find("Mispronounced: library") is library


@pytest.mark.parametrize("text", ["", "library", "Mispronounced: library ", "Mispronounced: librarian"])
def test_find_wants_the_whole_text(text: str) -> None:
    assert find(text) is None


def test_the_catalogue_is_read_once() -> None:
    assert load_catalogue() is CATALOGUE
