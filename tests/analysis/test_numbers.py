from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.analysis.numbers import change, counted, round_half_up, signed


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (2.675, 2, 2.68),
        (1.005, 2, 1.01),
        (-2.675, 2, -2.68),
        (0.125, 2, 0.13),
        (8.124999, 2, 8.12),
        (8.333333, 2, 8.33),
        (2.5, 0, 3.0),
        (8.05, 1, 8.1),
        (10.0, 2, 10.0),
    ],
)
def test_a_half_is_rounded_away_from_zero(value: float, digits: int, expected: float) -> None:
    assert round_half_up(value, digits) == expected


def test_binary_noise_does_not_turn_a_half_downwards() -> None:
    noisy = 8.125 - 1e-13
    assert round_half_up(noisy) == 8.13


def test_a_tiny_negative_number_becomes_plain_zero() -> None:
    assert str(round_half_up(-0.001)) == "0.0"


def test_missing_values_stay_missing() -> None:
    assert np.isnan(round_half_up(float("nan")))
    np.testing.assert_array_equal(round_half_up(np.array([1.005, np.nan])), [1.01, np.nan])


def test_a_series_keeps_its_index_and_name() -> None:
    rounded = round_half_up(pd.Series([1.005, None, -1.005], index=["a", "b", "c"], name="score"))
    pd.testing.assert_series_equal(rounded, pd.Series([1.01, np.nan, -1.01], index=["a", "b", "c"], name="score"))


@pytest.mark.parametrize("dtype", ["int64", "Int64", "Float64"])
def test_a_series_of_any_numbers_comes_back_as_floats(dtype: str) -> None:
    rounded = round_half_up(pd.Series([1, 2], dtype=dtype))
    assert rounded.dtype == np.float64
    assert rounded.tolist() == [1.0, 2.0]


@given(st.integers(-10_000_000, 10_000_000))
def test_every_number_of_thousandths_rounds_as_in_decimal_arithmetic(thousandths: int) -> None:
    exact = (Decimal(thousandths) / 1000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert round_half_up(thousandths / 1000) == float(exact)
    assert round_half_up(np.array([thousandths / 1000]))[0] == float(exact)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [(100, 80, 25.0), (60, 80, -25.0), (80, 80, 0.0), (0, 80, -100.0), (-5, -10, 50.0), (7.5, 5.0, 50.0)],
)
def test_change_is_relative_to_what_was_before_in_percent(now: float, before: float, expected: float) -> None:
    assert change(now, before) == expected


@pytest.mark.parametrize(
    ("now", "before"), [(5, 0), (5, None), (None, 5), (5, float("nan")), (float("nan"), 5), (0, 0)]
)
def test_there_is_no_change_without_both_numbers_or_from_zero(now: float | None, before: float | None) -> None:
    assert change(now, before) is None


@pytest.mark.parametrize(
    ("step", "places", "said"),
    [
        (1_204, 0, "+1,204"),
        (-0.655, 2, "-0.66"),
        (0.004, 2, "–"),
        (-0.0, 0, "–"),
        (10, 0, "+10"),
    ],
)
def test_a_change_has_its_sign_and_none_is_a_dash(step: float, places: int, said: str) -> None:
    assert signed(step, places) == said


def test_one_is_counted_in_the_singular() -> None:
    assert (counted(1, "session"), counted(1_200, "session")) == ("1 session", "1,200 sessions")
    assert counted(2, "entry", "entries") == "2 entries"
