from __future__ import annotations

import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.exports import Column, Sheet
from lib.ui.tables import MOST_ROWS, alternative, list_height
from lib.ui.text import LONG_TEXT, UNSEEN, plain

SIGNS = set("\\`*_{}[]()<>#+-.!|$:~&")


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text).replace(UNSEEN, "")


@given(text=st.text(max_size=200))
def test_plain_text_reads_as_it_was_but_for_line_breaks(text: str):
    assert unescaped(plain(text)) == " ".join(text.replace(UNSEEN, "").split()) or UNSEEN in text


@given(text=st.text(alphabet=st.sampled_from([*SIGNS, "a", " ", "1"]), max_size=50))
def test_no_sign_of_markdown_stands_without_its_escape(text: str):
    rest = re.sub(r"\\.", "", plain(text))
    assert not SIGNS & set(rest)


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        (":material/home:", r":material/\w+:"),
        (":streamlit:", ":streamlit:"),
        ("see https://example.com/a", r"https?://\S"),
        ("www.example.com", r"www\.\S"),
        ("me@example.com", r"\S@\w"),
        ("a -> b <- c -- d >= e <-> f <= g ~= h", r"->|<-|--|>=|<=|~="),
    ],
)
def test_what_is_drawn_after_the_escapes_are_gone_is_parted(text: str, drawn: str):
    without_escapes = re.sub(r"\\(.)", r"\1", plain(text))
    assert re.search(drawn, text)
    assert not re.search(drawn, without_escapes)
    assert without_escapes.replace(UNSEEN, "") == text


def test_an_ordinary_label_gets_no_unseen_characters():
    assert UNSEEN not in plain("Mispronounced: library, 12 times - as before")


def test_line_breaks_become_blanks_so_that_no_list_or_heading_begins():
    assert plain("a\n# b\r\n- c") == r"a \# b \- c"


def test_very_long_text_is_cut():
    assert len(plain("x" * 10_000)) == LONG_TEXT


def test_a_short_list_is_as_high_as_its_rows_and_a_long_one_scrolls():
    assert list_height(MOST_ROWS) == "content"
    assert list_height(MOST_ROWS + 1) == list_height(5_000)


def test_a_table_says_its_name_rows_and_columns_to_a_screen_reader():
    frame = pd.DataFrame({"user_id": ["a"] * 1_200, "hidden": 1})
    said = alternative(Sheet("Candidates", frame, {"user_id": Column("User", "text")}))
    assert said == "Candidates: a table of 1,200 rows with User."
