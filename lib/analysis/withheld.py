"""What stands in place of e-mail addresses for those who may not see them.

The column of addresses itself is not even read for them (see `lib.queries`); this is about addresses in what people
wrote, and about pseudonyms in place of that column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import pandas as pd

from lib.addresses import ADDRESS, without_addresses
from lib.analysis.pseudonyms import MAIL_COLUMN, USER_COLUMN, pseudonym


def frame_without_addresses(frame: pd.DataFrame, *, but: Collection[str] = ()) -> pd.DataFrame:
    """``frame`` with `[address]` in every text of every column, and in its ``attrs``; columns in ``but`` stay.

    Types stay, too; of values that are no text, such as bytes and lists, those become one that hold an address.
    """
    made = frame.copy()
    for name in frame.columns:
        if name not in but and _may_hold_text(frame[name]):
            made[name] = _changed(frame[name], without_addresses)
    made.attrs = {
        name: without_addresses(value) if isinstance(value, str) else value for name, value in frame.attrs.items()
    }
    return made


def under_pseudonyms(frame: pd.DataFrame, key: bytes | None) -> pd.DataFrame:
    """``frame`` as those see it who may not see addresses.

    In its column email stands each user's pseudonym, the same as in exports without names, or nothing without a
    ``key``. User ids stay, since they are the company's own numbers and lead to nobody outside; one that looks like an
    address becomes the pseudonym, or `[address]`. Addresses in other texts become `[address]`.
    """

    def hidden(user_id: str) -> str:
        shown = without_addresses(user_id)
        return user_id if shown == user_id else pseudonym(key, user_id) if key else ADDRESS

    if USER_COLUMN not in frame.columns:
        return frame_without_addresses(frame)
    made = frame_without_addresses(frame, but=(USER_COLUMN, MAIL_COLUMN))
    if MAIL_COLUMN in frame.columns:
        made[MAIL_COLUMN] = _changed(frame[USER_COLUMN].astype("str"), lambda user: pseudonym(key, user) if key else "")
    made[USER_COLUMN] = _changed(frame[USER_COLUMN], hidden)
    return made


def _may_hold_text(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_string_dtype(values.dtype) or pd.api.types.is_object_dtype(values.dtype)


def _changed(values: pd.Series[Any], change: Callable[[str], str]) -> pd.Series[Any]:
    """Each value changed as a text; what stays the same keeps its type, and so does the column."""
    return pd.Series([_as_text(value, change) for value in values], values.index, dtype=values.dtype)


def _as_text(value: Any, change: Callable[[str], str]) -> Any:
    if value is None or isinstance(value, (bool, int, float)) or value is pd.NA or value is pd.NaT:
        return value
    changed = change(str(value))
    return value if changed == str(value) else changed
