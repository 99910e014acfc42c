from __future__ import annotations

import subprocess
import sys
from string import ascii_letters

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.addresses import ADDRESS, mailbox, start_without_addresses, without_addresses

LOCAL = st.from_regex(r"[a-z]{1,12}(\.[a-z]{1,12}){0,4}", fullmatch=True)
# What stands around an address, and no sign that makes it longer.
AROUND = st.text(alphabet='abc .,;:()[]<>"\n%&', max_size=700)
# Each made one pattern or another look at the rest of the text again and again.
UNITS = ["a@[", "@[", '"a"@', "a@", '"', "(at)a", " (at) ", "a%40", "a&#64;", "a.", "[", "a-", "\uff20["]
ALL_OF_THEM = """
import sys
from lib.addresses import file_has_addresses, parted, without_addresses
for unit in sys.argv[1:]:
    text = unit * (600_000 // len(unit))
    without_addresses(text), list(parted(text)), file_has_addresses(text.encode())
"""


def test_no_text_takes_a_time_that_grows_with_its_square():
    # A second of work: the limit is there for patterns that need many minutes.
    subprocess.run([sys.executable, "-c", ALL_OF_THEM, *UNITS], check=True, timeout=120)


@given(before=AROUND, local=LOCAL, after=AROUND, longest=st.integers(0, 800))
def test_the_start_of_a_text_holds_no_address_and_no_part_of_one(before: str, local: str, after: str, longest: int):
    found = start_without_addresses(f"{before} {local}q@example.org {after}", longest)
    assert len(found) <= longest
    assert f"{local}q" not in found
    assert "example.org" not in found


@given(AROUND, st.integers(0, 800))
def test_the_start_of_a_short_text_is_the_text_without_addresses(text: str, more: int):
    assert start_without_addresses(text, len(text) + more) == without_addresses(text)


@given(start=st.text(min_size=700, max_size=720), one=st.text(max_size=9), two=st.text(max_size=9))
def test_what_stands_far_behind_the_cut_is_not_looked_at(start: str, one: str, two: str):
    assert start_without_addresses(f"{start}x{one}", 50) == start_without_addresses(f"{start}x{two}", 50)


def test_nothing_is_cut_from_a_start_that_fits():
    assert start_without_addresses(f"{'x' * 1_900} ann@example.org", 2_000) == f"{'x' * 1_900} {ADDRESS}"
    assert start_without_addresses("x" * 5_000, 2_000) == "x" * 2_000


@given(st.text(max_size=30))
def test_a_mailbox_differs_from_what_is_written_in_nothing_but_the_case_of_latin_letters(address: str):
    key, written = mailbox(address), address.strip(" \t\r\n")
    assert len(key) == len(written)
    for one, other in zip(key, written, strict=True):
        assert one == (other.lower() if other in ascii_letters else other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("groß@example.org", "gross@example.org"),
        ("\u017fam@example.org", "sam@example.org"),
        ("mi\u212ae@example.org", "mike@example.org"),
        ("ΣΟΦΙΑ@example.org", "σοφια@example.org"),
        ("\ufb01nn@example.org", "finn@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@example\uff0eorg", "ann@example.org"),
        ("ann@example.org\u00a0", "ann@example.org"),
    ],
)
def test_addresses_that_unicode_takes_for_the_same_are_two_mailboxes(one: str, other: str):
    assert mailbox(one) != mailbox(other)


def test_blanks_and_capitals_make_no_other_mailbox():
    assert mailbox(" Ann@Example.ORG\n") == mailbox("ann@example.org")
