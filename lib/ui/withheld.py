"""What a visitor's roles withhold: the one place that every page asks, and that changes what is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pandas as pd

from lib.access import Field
from lib.addresses import without_addresses
from lib.analysis.pseudonyms import MAIL_COLUMN, USER_COLUMN, checked_key
from lib.analysis.withheld import frame_without_addresses, under_pseudonyms
from lib.exports import Column, Sheet
from lib.ui.page import Page

PSEUDONYM = Column("Pseudonym", "text", help="In place of the e-mail address, which your role does not show.")
NOTE = (
    "E-mail addresses are not for your role. In their place stands the user's pseudonym, the same on every page and in "
    "every file; an address in any other text reads \\[address\\]."
)
NO_KEY = (
    "E-mail addresses are not for your role. The setting FLUENCY\\_PSEUDONYM\\_KEY would put pseudonyms in their place."
)


def sees_addresses(page: Page) -> bool:
    """Whether e-mail addresses are for the visitor."""
    return page.visitor.may_see(Field.ADDRESSES)


def key_of(page: Page) -> bytes | None:
    """The key for pseudonyms, where the installation has one."""
    key = page.settings.pseudonym_key.get_secret_value()
    return checked_key(key) if key else None


def shown_text(page: Page, text: str) -> str:
    """``text`` as the visitor may see it."""
    return text if sees_addresses(page) else without_addresses(text)


def shown_frame(page: Page, frame: pd.DataFrame) -> pd.DataFrame:
    """``frame`` as the visitor may see it, see `lib.analysis.withheld`."""
    return frame if sees_addresses(page) else under_pseudonyms(frame, key_of(page))


def shown_groups(page: Page, frame: pd.DataFrame, *by: str) -> pd.DataFrame:
    """The same for counts and sums of the groups ``by``: groups that then read the same are one."""
    if sees_addresses(page):
        return frame
    shown = shown_frame(page, frame)
    together = shown.groupby(list(by), sort=False, as_index=False, dropna=False).sum()[list(frame.columns)]
    together.attrs = shown.attrs
    return together


def shown_sheet(page: Page, sheet: Sheet) -> Sheet:
    """``sheet`` as the visitor may see it; its column of addresses is then called what it has."""
    if sees_addresses(page):
        return sheet
    if sheet.has_free_names:
        return replace(sheet, frame=frame_without_addresses(sheet.frame))
    columns = dict(sheet.columns)
    if has_pseudonyms(page, sheet):
        columns[MAIL_COLUMN] = PSEUDONYM
    return replace(sheet, frame=shown_frame(page, sheet.frame), columns=columns)


def note(page: Page) -> str:
    """What is said where pseudonyms stand in place of addresses, or would."""
    return NOTE if key_of(page) else NO_KEY


def has_pseudonyms(page: Page, sheet: Sheet) -> bool:
    """Whether pseudonyms stand in ``sheet`` in place of addresses."""
    is_named_by_us = not sheet.has_free_names and {USER_COLUMN, MAIL_COLUMN} <= sheet.columns.keys()
    return is_named_by_us and not sees_addresses(page)


def meant(page: Page, chosen: tuple[str, ...], names: Iterable[str]) -> tuple[str, ...]:
    """The names in the data that the visitor chose by what is shown of them."""
    if sees_addresses(page):
        return chosen
    return tuple(name for name in names if without_addresses(name) in chosen)


def meant_pairs(
    page: Page, chosen: tuple[tuple[str, str], ...], names: Iterable[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """The same for pairs of names; a pair that the data does not have stays, and means nothing there."""
    if sees_addresses(page):
        return chosen
    shown = [((without_addresses(first), without_addresses(second)), (first, second)) for first, second in names]
    return tuple(
        pair
        for one in chosen
        for pair in [raw for seen, raw in shown if seen == one]
        or [(without_addresses(one[0]), without_addresses(one[1]))]
    )
