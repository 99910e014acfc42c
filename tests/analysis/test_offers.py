from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from lib.analysis.offers import CONTENTS, Offer, Revenue, acceptance, money, offer_text, revenue, whole_money


# Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3.
@pytest.mark.parametrize(
    ("accepted", "sent", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_the_published_one(accepted: int, sent: int, low: float, high: float) -> None:
    found = acceptance(sent, accepted)
    assert found is not None
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    assert found.share == accepted / sent


def test_without_offers_there_is_no_share() -> None:
    assert acceptance(0, 0) is None


@pytest.mark.parametrize(("sent", "accepted"), [(3, 4), (3, -1), (-1, 0), (0, 1)])
def test_more_accepted_than_sent_is_refused(sent: int, accepted: int) -> None:
    with pytest.raises(ValueError, match="between 0 and"):
        acceptance(sent, accepted)


@given(st.integers(1, 400).flatmap(lambda sent: st.tuples(st.just(sent), st.integers(0, sent))))
def test_the_share_lies_within_its_interval(offers: tuple[int, int]) -> None:
    found = acceptance(*offers)
    assert found is not None
    assert 0 <= found.low <= found.share <= found.high <= 1


@given(st.integers(1, 100_000).flatmap(lambda sent: st.tuples(st.just(sent), st.integers(0, sent))))
def test_the_interval_is_that_of_scipy(offers: tuple[int, int]) -> None:
    sent, accepted = offers
    found, expected = acceptance(sent, accepted), binomtest(accepted, sent).proportion_ci(method="wilson")
    assert found is not None
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_worked_case_of_the_specification() -> None:
    assert revenue(2, 179, None) == Revenue(358, None, None, None)


def test_expected_revenue_is_the_potential_times_the_share() -> None:
    past = acceptance(148, 15)
    found = revenue(10, 179, past)
    assert found.potential == 1790
    assert found.expected == pytest.approx(181.4189, abs=1e-4)  # 1790 x 15 / 148
    assert found.low == pytest.approx(1790 * 0.0624, abs=0.1)
    assert found.high == pytest.approx(1790 * 0.1605, abs=0.1)


def test_without_candidates_there_is_no_revenue() -> None:
    assert revenue(0, 179, acceptance(20, 5)) == Revenue(0, 0, 0, 0)


def test_an_offer_says_what_earned_it_what_it_holds_and_what_it_costs() -> None:
    text = offer_text("user002@example.com", None, 3, 9.0, Offer(179))
    assert text.to == "user002@example.com"
    assert "Executive English Module" in text.subject
    assert "In 3 recent coaching sessions you reached an average confidence score of 9.00 out of 10." in text.body
    for content in CONTENTS:
        assert f"- {content}\n" in text.body
    assert "Special price: $179 (40 % off), valid for 48 hours." in text.body
    assert "reply to this e-mail" in text.body


def test_an_address_is_never_taken_for_a_name() -> None:
    text = offer_text("anna.lee@example.com", None, 3, 9.0, Offer(179))
    assert text.body.startswith("Hello,\n")
    assert "anna" not in text.body.lower()


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_a_blank_name_is_no_name(name: str) -> None:
    assert offer_text("a@example.com", name, 3, 9.0, Offer(179)).body.startswith("Hello,\n")


def test_a_given_name_is_greeted_on_one_line() -> None:
    assert offer_text("a@example.com", " Anna\nLee ", 3, 9.0, Offer(179)).body.startswith("Hello Anna Lee,\n")


def test_a_name_with_a_placeholder_is_only_a_name() -> None:
    assert offer_text("a@example.com", "$terms", 3, 9.0, Offer(179)).body.startswith("Hello $terms,\n")


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        (Offer(200, 50), "Special price: $200 (50 % off), valid for 48 hours."),
        (Offer(199, 12.5), "Special price: $199 (12.5 % off), valid for 48 hours."),
        (Offer(179, 0, 1), "Price: $179, valid for 1 hour."),
        (Offer(179, valid_hours=72, currency="EUR"), "EUR 179 (40 % off), valid for 72 hours."),
        (Offer(179, regular_price=298.33), "Special price: $179 (40 % off the regular price of $298.33), valid for"),
        (Offer(199, regular_price=298.33), "Special price: $199 (33 % off the regular price of $298.33), valid for"),
        (Offer(299, regular_price=298.33), "Price: $299, valid for 48 hours."),
    ],
)
def test_price_discount_and_validity_are_those_of_the_offer(offer: Offer, expected: str) -> None:
    assert expected in offer_text("a@example.com", None, 3, 9.0, offer).body


def test_one_session_is_not_called_an_average() -> None:
    body = offer_text("a@example.com", None, 1, 8.125, Offer(179)).body
    assert "In a recent coaching session you reached a confidence score of 8.13 out of 10." in body


def test_the_tone_is_calm() -> None:
    text = offer_text("a@example.com", "Anna", 3, 9.0, Offer(179))
    assert "!" not in text.subject + text.body
    assert "$module" not in text.subject + text.body


def test_subject_and_body_are_settings() -> None:
    text = offer_text(
        "a@example.com", None, 3, 9.0, Offer(179, subject="About the $module", body="$greeting $$5 $terms")
    )
    assert text.subject == "About the Executive English Module"
    assert text.body.startswith("Hello, $5 Special price: $179 (40 % off)")


@pytest.mark.parametrize("body", ["Dear $nmae", "It costs $5", "${"])
def test_a_text_with_an_unknown_placeholder_is_refused(body: str) -> None:
    with pytest.raises(ValueError, match="placeholders of an offer"):
        Offer(179, body=body)


@pytest.mark.parametrize("discount", [-1, 101])
def test_a_discount_outside_0_to_100_percent_is_refused(discount: float) -> None:
    with pytest.raises(ValueError, match="discount"):
        Offer(179, discount)


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [(179, "$", "$179"), (1107.4, "$", "$1,107.40"), (179, "EUR", "EUR 179"), (0.995, "£", "£1"), (0, "$", "$0")],
)
def test_money_has_cents_only_where_there_are_some(amount: float, currency: str, expected: str) -> None:
    assert money(amount, currency) == expected


def test_revenue_is_rounded_once_from_what_it_is():
    # To the cent first, 75,211.497 would be 75,211.50, and so a dollar more.
    assert whole_money(75_211.497, "$") == "$75,211"
    assert (whole_money(75_210.5, "$"), whole_money(75_211.5, "$")) == ("$75,211", "$75,212")
    assert revenue(3, 33.333, None).potential == pytest.approx(99.999)
