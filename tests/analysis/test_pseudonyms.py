from __future__ import annotations

import hashlib
import hmac
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.addresses import ADDRESS_SIGNS
from lib.analysis import pseudonyms as module
from lib.analysis.pseudonyms import (
    KeyProblem,
    Person,
    PseudonymCollision,
    Pseudonyms,
    checked_key,
    names_of,
    pseudonym,
    texts_of,
    without_names,
)

KEY = b"0123456789abcdef0123456789abcdef"
ANTON = Person("user004", "Anton.Tamm@example.org")
WILL = Person("user005", "will.weber@example.com")
BARTA = Person("auth0|77", "stefan.barta2@example.com")
NUMBER = Person("100", "k@example.com")
INFO = Person("user009", "info@example.com")
SELF = Person("user010", "user010@example.com")
PEOPLE = [ANTON, WILL, BARTA, NUMBER, INFO, SELF]


def cleaned(text: str, *people: Person, names: bool = True) -> str:
    return Pseudonyms(KEY, people or PEOPLE, [text]).in_text(text, names=names)


def test_a_pseudonym_is_hmac_sha_256_of_the_user_under_the_key():
    expected = hmac.new(KEY, b"user\0user004", hashlib.sha256).hexdigest()[:16]
    assert pseudonym(KEY, "user004") == f"user-{expected}"


@given(st.text(), st.text())
def test_different_users_have_different_pseudonyms_and_the_same_user_always_the_same(one: str, other: str):
    assert (pseudonym(KEY, one) == pseudonym(KEY, other)) == (one == other)
    assert pseudonym(KEY, one) != pseudonym(KEY + b"1", one)


@pytest.mark.parametrize("key", ["", "   ", "fifteen bytes !"])
def test_a_missing_or_short_key_is_an_error_that_says_how_to_make_one(key: str):
    with pytest.raises(KeyProblem, match=r"FLUENCY_PSEUDONYM_KEY.*secrets\.token_hex\(32\)"):
        checked_key(key)


def test_a_key_of_sixteen_bytes_is_long_enough_and_bytes_count_not_letters():
    assert checked_key("a" * 16) == b"a" * 16
    assert checked_key("ü" * 8) == ("ü" * 8).encode()


def test_two_users_who_would_look_the_same_are_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "DIGITS", 0)
    shared = Pseudonyms(KEY, [], [])
    assert shared.of("ann") == shared.of("ann")
    with pytest.raises(PseudonymCollision):
        shared.of("ben")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("write to anton.tamm@example.org, please", "write to {user004}, please"),
        ("<ANTON.TAMM@EXAMPLE.ORG>", "<{user004}>"),
        ("mailto:anton.tamm@example.org.", "mailto:{user004}."),
        ("user004 said so", "{user004} said so"),
        ("(user004)", "({user004})"),
        ("User004's ticket", "{user004}'s ticket"),
        ("see auth0|77.", "see {auth0|77}."),
        ("  user004 ", "{user004}"),
        ("user0045 and xuser004", "user0045 and xuser004"),
        ("it makes 100 dollars", "it makes 100 dollars"),
        ("100", "{100}"),
        ("Anton told TAMM", "[name] told [name]"),
        ("Antonia is not anton", "Antonia is not [name]"),
        ("Mr Bárta agrees", "Mr [name] agrees"),
        ("I will ask Will", "I will ask [name]"),
        ("for your info", "for your info"),
        ("the user is there", "the user is there"),
        ("user004-2 and user004_a, user004-x", "{user004}-2 and {user004}_a, {user004}-x"),
        ("id=user004/1 a_user004_b x-auth0|77-y", "id={user004}/1 a_{user004}_b x-{auth0|77}-y"),
        ("anton_tamm and anton-tamm", "[name]_[name] and [name]-[name]"),
        ("tamm2 asked Anton99", "[name] asked [name]"),
        ("anton.tamm (at) example.org, anton.tamm[AT]example.org", "{user004}, {user004}"),
        ("anton.tamm\uff20example.org or anton.tamm%40example.org", "{user004} or {user004}"),
        ("good (at) math, good (at) math.", "good (at) math, good (at) math."),
        ("will_power, will-o'-the-wisp, free_will2", "will_power, will-o'-the-wisp, free_will2"),
        ("antonym, tammany, u_ser004, ser004", "antonym, tammany, u_ser004, ser004"),
        ("version 100-2 of 1.100_3", "version 100-2 of 1.100_3"),
        ("__init__ and ___ and snake_case-word", "__init__ and ___ and snake_case-word"),
        ("@channel ask k about x", "@channel ask k about x"),
        ("", ""),
        ("=1+1", "=1+1"),
    ],
)
def test_addresses_ids_and_names_in_a_text_are_replaced_as_whole_words(text: str, wanted: str):
    for person in PEOPLE:
        wanted = wanted.replace("{" + person.user_id + "}", pseudonym(KEY, person.user_id))
    assert cleaned(text) == wanted


def test_an_address_that_nobody_has_is_replaced_too_and_always_by_the_same():
    one, other = cleaned("boss@client.example and BOSS@client.example").split(" and ")
    assert one == other
    assert one.startswith("email-")
    assert len(one) == len("email-") + 16


@pytest.mark.parametrize("text", ['"john doe"@x.org', "eve.miller (at) corp.example.com", "eve@[127.0.0.1]"])
def test_an_address_in_an_odd_form_is_one(text: str):
    assert cleaned(text).startswith("email-")
    assert len(cleaned(text)) == len("email-") + 16


def test_an_id_with_signs_in_it_is_found_in_the_midst_of_others():
    uuid = "550e8400-e29b-41d4-a716-446655440000"
    person = Person(uuid, None)
    assert cleaned(f"a_{uuid}-2 x", person) == f"a_{pseudonym(KEY, uuid)}-2 x"


def test_a_label_keeps_its_words_but_has_no_address():
    assert cleaned("Anton", names=False) == "Anton"
    assert "@" not in cleaned("anton.tamm@example.org", names=False)


@pytest.mark.parametrize(
    ("mail", "user_id", "names"),
    [
        ("anton.tamm@example.org", "user004", ["anton", "tamm"]),
        ("anton_tamm-berg+news@example.org", "u", ["anton", "tamm", "berg"]),
        ("anton.tamm2@example.org", "u", ["anton", "tamm"]),
        ("jo.li@example.org", "u", []),
        ("sales@example.org", "u", []),
        ("user004@example.org", "user004", []),
        ("", "u", []),
    ],
)
def test_names_are_the_parts_of_an_address_with_three_letters_or_more(mail: str, user_id: str, names: list[str]):
    assert list(names_of(mail, user_id)) == names


def test_a_table_keeps_its_rows_its_types_and_what_is_no_text():
    frame = pd.DataFrame(
        {
            "user_id": ["user004", "gone1", "", None],
            "email": ["anton.tamm@example.org", None, "x@y.example", ""],
            "error_type": ["anton", "free", None, "user004"],
            "mistake": ["Anton said", None, "  ", "soon"],
            "sessions": [1, 2, 3, 4],
            "last_session_at": pd.to_datetime(["2026-11-22"] * 4, utc=True),
        }
    )
    made = without_names(frame, Pseudonyms(KEY, PEOPLE, texts_of(frame)))
    assert made["user_id"].tolist()[:3] == [pseudonym(KEY, "user004"), pseudonym(KEY, "gone1"), ""]
    assert made["user_id"].isna().tolist() == [False, False, False, True]
    assert made["email"].isna().all()
    assert made["error_type"].tolist()[:2] == ["anton", "free"]
    assert made["error_type"][3] == pseudonym(KEY, "user004")
    assert made["mistake"].tolist()[0::2] == ["[name] said", "  "]
    pd.testing.assert_frame_equal(made[["sessions", "last_session_at"]], frame[["sessions", "last_session_at"]])
    assert made.dtypes.drop("email").equals(frame.dtypes.drop("email"))


def test_the_table_that_was_given_stays_as_it_was():
    frame = pd.DataFrame({"user_id": ["user004"], "email": ["a@b.example"], "mistake": ["Anton"]})
    before = frame.copy()
    without_names(frame, Pseudonyms(KEY, PEOPLE, texts_of(frame)))
    pd.testing.assert_frame_equal(frame, before)


WORDS = st.sampled_from(
    ["Anton", "anton.tamm@example.org", "user004", "auth0|77", "barta", "the", "ticket", "is", "😀"]
)
GLUE = st.sampled_from([" ", ", ", "\n", " - ", "; ", ". "])


@given(st.lists(st.tuples(WORDS, GLUE), max_size=12))
def test_no_text_built_from_people_and_words_names_anybody(parts: list[tuple[str, str]]):
    text = "".join(word + glue for word, glue in parts)
    made = cleaned(text)
    folded = made.casefold()
    assert not [name for name in ("anton", "tamm", "barta", "user004", "auth0", "@") if name in folded]
    kept = [word for word, _ in parts if word in ("the", "ticket", "is", "😀")]
    assert [word for word in kept if word not in made] == []


@given(st.text(max_size=300))
def test_any_text_that_names_nobody_stays_as_it_is_but_for_addresses(text: str):
    made = cleaned(text)
    assert made == text or any(sign in text.casefold() for sign in ("at", *ADDRESS_SIGNS))


@pytest.mark.parametrize("people", [10, 300])
def test_however_many_people_there_are_each_text_is_read_as_often(people: int):
    frame = pd.DataFrame({"note": [f"no. {number} met Anton" for number in range(50)]})
    everybody = [ANTON, *(Person(f"user1{number:03}", f"person{number}@example.org") for number in range(people))]
    with patch.object(module, "parted", wraps=module.parted) as read:
        made = without_names(frame, Pseudonyms(KEY, everybody, texts_of(frame)))
    assert read.call_count == 100  # once for what it may name, once to replace it
    assert made["note"].tolist() == [f"no. {number} met [name]" for number in range(50)]


def test_only_people_whom_a_text_names_are_kept():
    passed: list[Any] = []

    def crowd() -> Any:
        for number in range(1_000):
            passed.append(number)
            yield Person(f"u{number:04}", f"first{number}.last{number}@example.com")

    made = Pseudonyms(KEY, crowd(), ["u0007 wrote"])
    assert len(passed) == 1_000
    assert made.in_text("u0007 wrote") == f"{pseudonym(KEY, 'u0007')} wrote"
    assert made.in_text("u0008 wrote") == "u0008 wrote"


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "a-" * 50_000,
        "a!" * 50_000,
        "a@" * 50_000,
        "a@" + "b-" * 50_000,
        "a_1." * 50_000,
        "(at)" * 50_000,
    ],
)
def test_a_very_long_text_is_read_once(text: str):
    assert cleaned(text)
