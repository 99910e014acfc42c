"""Rounding, counting and relative change, the same for every page, file and mail."""

from __future__ import annotations

from typing import overload

import numpy as np
import numpy.typing as npt
import pandas as pd

# 8.125 can arrive as 8.124999999999998 from a sum of decimals. Real halves are never this close by accident.
BINARY_NOISE = 1e-9

NO_CHANGE = "–"

FloatArray = npt.NDArray[np.float64]


@overload
def round_half_up(values: float, digits: int = 2) -> float: ...
@overload
def round_half_up(values: npt.NDArray[np.floating | np.integer], digits: int = 2) -> FloatArray: ...
@overload
def round_half_up(values: pd.Series, digits: int = 2) -> pd.Series: ...
def round_half_up(
    values: float | npt.NDArray[np.floating | np.integer] | pd.Series, digits: int = 2
) -> float | FloatArray | pd.Series:
    """Round to ``digits`` decimals, a half away from zero as people expect (2.675 -> 2.68). NaN stays NaN.

    Binary noise below 1e-9 of the last digit does not turn a half downwards. A Series keeps its index and name.
    """
    if isinstance(values, pd.Series):
        rounded = round_half_up(values.to_numpy(dtype=np.float64, na_value=np.nan), digits)
        return pd.Series(rounded, index=values.index, name=values.name)
    if isinstance(values, np.ndarray):
        return _round(values.astype(np.float64), digits)
    return float(_round(np.asarray(values, dtype=np.float64), digits))


def _round(values: FloatArray, digits: int) -> FloatArray:
    scale = 10.0**digits
    rounded = np.copysign(np.floor(np.abs(values) * scale + (0.5 + BINARY_NOISE)) / scale, values)
    return np.asarray(rounded + 0.0, dtype=np.float64)  # + 0.0 makes -0.0 a plain zero


def signed(step: float, form: str = "{:,.0f}") -> str:
    """A change for people: `+1,204`, `-0.65`, an en dash where nothing is left of it under ``form``."""
    text = form.format(abs(step))
    return f"{'+' if step > 0 else '-'}{text}" if any(sign in "123456789" for sign in text) else NO_CHANGE


def counted(count: float, noun: str, many: str = "") -> str:
    """`1 session`, `1,200 sessions`; with verbs in ``noun`` and ``many``, `1 drops out`, `2 drop out`."""
    return f"{count:,} {noun if count == 1 else many or noun + 's'}"


def change(now: float | None, before: float | None) -> float | None:
    """Relative change from ``before`` to ``now`` in percent (from 80 to 100 is 25.0).

    None where there is nothing to compare with: ``before`` is 0 or missing, or ``now`` is missing.
    """
    if now is None or before is None or pd.isna(now) or pd.isna(before) or before == 0:
        return None
    return float((now - before) / abs(before) * 100)
