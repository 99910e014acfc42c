"""Rounding as people do it, the one way for every page, file and mail."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

# 8.125 can arrive as 8.124999999999998 from a sum of decimals, and 583158.195 is none in binary. Real halves are never
# this close by accident: 1e-9 of the last digit, or two units in the last place of a large float.
BINARY_NOISE, LAST_PLACES, MOST_NOISE = 1e-9, 2.0**-51, 0.1
WHOLE = 2.0**52  # a float of this size has no decimals left


def half_up(value: float, digits: int = 2) -> float:
    """``value`` to ``digits`` decimals, a half away from zero (2.675 to 2.68); never a negative zero, NaN stays NaN.

    Binary noise does not turn a half downwards.
    """
    scale = 10.0**digits
    scaled = abs(value) * scale
    if not scaled < WHOLE:
        return float(value)
    noise = min(BINARY_NOISE + scaled * LAST_PLACES, MOST_NOISE)
    return math.copysign(math.floor(scaled + (0.5 + noise)) / scale, value) + 0.0


def all_half_up(values: npt.NDArray[np.float64], digits: int = 2) -> npt.NDArray[np.float64]:
    """The same for many values at once."""
    scale = 10.0**digits
    scaled = np.abs(values) * scale
    noise = np.minimum(BINARY_NOISE + scaled * LAST_PLACES, MOST_NOISE)
    rounded = np.copysign(np.floor(scaled + (0.5 + noise)) / scale, values)
    return np.where(scaled < WHOLE, rounded + 0.0, values)  # + 0.0 makes -0.0 a plain zero
