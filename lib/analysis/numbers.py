"""Rounding, counting and relative change, the same for every page, file and mail."""

from __future__ import annotations

from typing import overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from lib.rounding import all_half_up, half_up

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
    """Round to ``digits`` decimals as ``lib.rounding`` does. NaN stays NaN; a Series keeps its index and name."""
    if isinstance(values, pd.Series):
        rounded = all_half_up(values.to_numpy(dtype=np.float64, na_value=np.nan), digits)
        return pd.Series(rounded, index=values.index, name=values.name)
    if isinstance(values, np.ndarray):
        return all_half_up(values.astype(np.float64), digits)
    return half_up(float(values), digits)


def signed(step: float, places: int = 0) -> str:
    """A change for people: `+1,204`, `-0.65`, an en dash where nothing is left of it at so many decimals."""
    rounded = half_up(step, places)
    return f"{rounded:+,.{places}f}" if rounded else NO_CHANGE


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
