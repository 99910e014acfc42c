"""Rounding as people do it, the one way for every page, file and mail."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

# 8.125 can arrive as 8.124999999999998 from a sum of decimals. Real halves are never this close by accident.
BINARY_NOISE = 1e-9
WHOLE = 2.0**52  # a float of this size has no decimals left


def half_up(value: float, digits: int = 2) -> float:
    """``value`` to ``digits`` decimals, a half away from zero (2.675 to 2.68); never a negative zero, NaN stays NaN.

    Binary noise below 1e-9 of the last digit does not turn a half downwards.
    """
    scale = 10.0**digits
    if not abs(value) * scale < WHOLE:
        return float(value)
    return math.copysign(math.floor(abs(value) * scale + (0.5 + BINARY_NOISE)) / scale, value) + 0.0


def all_half_up(values: npt.NDArray[np.float64], digits: int = 2) -> npt.NDArray[np.float64]:
    """The same for many values at once."""
    scale = 10.0**digits
    rounded = np.copysign(np.floor(np.abs(values) * scale + (0.5 + BINARY_NOISE)) / scale, values)
    return np.where(np.abs(values) * scale < WHOLE, rounded + 0.0, values)  # + 0.0 makes -0.0 a plain zero
