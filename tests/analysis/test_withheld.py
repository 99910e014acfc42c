from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.addresses import ADDRESS, without_addresses
from lib.analysis.pseudonyms import pseudonym
from lib.analysis.withheld import frame_without_addresses, under_pseudonyms

KEY = b"a key of sixteen bytes or more"
LOCAL = st.from_regex(r"[A-Za-z0-9._%+-]{1,12}", fullmatch=True)
DOMAIN = st.from_regex(r"[a-z0-9-]{1,8}(\.[a-z]{2,6}){1,2}", fullmatch=True)
ANYTHING = st.text(max_size=20)


@given(before=ANYTHING, local=LOCAL, domain=DOMAIN, after=ANYTHING)
def test_no_address_is_left_whatever_stands_around_it(before: str, local: str, domain: str, after: str):
    address = f"{local}@{domain}"
    assert address not in without_addresses(before + address + after)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to ann@example.com.", "write to [address]."),
        ('Wrong spelling: "ann@example.com"', 'Wrong spelling: "[address]"'),
        ("mailto:ann.lee+x@mail.example.co.uk", "mailto:[address]"),
        ("<ann@example.com>, ben@example.com", "<[address]>, [address]"),
        ('"ann lee"@example.com is odd', "[address] is odd"),
        ("ann@[192.168.0.1]", "[address]"),
        ("ann\uff20example.com", "[address]"),
        ("/mail?to=ann%40example.com", "/mail?to=[address]"),
        ("o'brien@example.com", "o'[address]"),
        ("äöü@bücher.example", "[address]"),
        ("a@b@c.org", "[address]"),
        ("ann@localhost", "[address]"),
        ("ann@ example", "[address] example"),
    ],
)
def test_an_address_in_any_shape_is_cut_and_the_sentence_around_it_stays(text: str, shown: str):
    assert without_addresses(text) == shown


@pytest.mark.parametrize(
    "text", ["", "I am working on", "@Override is missing", 'call "@Override"', "meet @ five", "100 %", "[address]"]
)
def test_what_is_no_address_stays(text: str):
    assert without_addresses(text) == text


@given(st.text(max_size=60))
def test_a_second_time_changes_nothing(text: str):
    once = without_addresses(text)
    assert without_addresses(once) == once


def test_a_very_long_text_takes_no_time_that_grows_with_its_square():
    assert without_addresses("a" * 300_000 + " " + "b@" * 10) == "a" * 300_000 + f" {ADDRESS}"
    assert without_addresses("%4" * 100_000 + "@").endswith(ADDRESS)


def test_every_column_of_a_table_is_looked_at_and_types_stay():
    frame = pd.DataFrame(
        {
            "said": pd.Series(["ann@example.com", None, "x"], dtype="str"),
            "count": [1, 2, 3],
            "odd": pd.Series([b"ann@example.com", ["ann@example.com"], 7], dtype="object"),
        }
    )
    frame.attrs["sql"] = "SELECT 'ann@example.com'"
    shown = frame_without_addresses(frame)
    assert "example.com" not in f"{shown.to_dict()} {shown.attrs}"
    assert shown["said"].tolist()[0] == ADDRESS
    assert pd.isna(shown["said"][1])
    assert shown["odd"][2] == 7
    assert (shown.dtypes == frame.dtypes).all()
    assert frame["said"][0] == "ann@example.com", "the answer that is kept for others stays as it is"


def test_a_pseudonym_stands_in_place_of_the_address_and_the_id_stays():
    frame = pd.DataFrame({"user_id": ["u1", "ann@x.org"], "email": ["", ""], "level": ["B2", "ann@x.org"]})
    shown = under_pseudonyms(frame, KEY)
    assert shown["user_id"].tolist() == ["u1", pseudonym(KEY, "ann@x.org")]
    assert shown["email"].tolist() == [pseudonym(KEY, "u1"), pseudonym(KEY, "ann@x.org")]
    assert shown["level"].tolist() == ["B2", ADDRESS]


def test_without_a_key_there_are_no_pseudonyms_and_no_addresses():
    frame = pd.DataFrame({"user_id": ["u1", "ann@x.org"], "email": ["u1@x.org", "ann@x.org"]})
    shown = under_pseudonyms(frame, None)
    assert shown["user_id"].tolist() == ["u1", ADDRESS]
    assert shown["email"].tolist() == ["", ""]


def test_an_email_column_without_users_is_a_text_as_any_other():
    assert under_pseudonyms(pd.DataFrame({"email": ["ann@x.org", "5"]}), KEY)["email"].tolist() == [ADDRESS, "5"]
