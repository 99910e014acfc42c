"""The offer as the settings describe it: the same on the page, in the report, and in the mail."""

from __future__ import annotations

from lib.analysis.offers import BODY, SUBJECT, Offer
from lib.settings import Settings, SettingsError


def offer_of(settings: Settings, price: float | None = None) -> Offer:
    """The offer at ``price``, or at that of the settings; raises SettingsError for a text that cannot be used."""
    try:
        return Offer(
            price=settings.price if price is None else price,
            discount_percent=settings.discount_percent,
            valid_hours=settings.valid_hours,
            currency=settings.currency,
            subject=settings.offer_subject or SUBJECT,
            body=settings.offer_body or BODY,
            regular_price=settings.regular_price or None,
            cooldown_days=settings.offers_cooldown_days,
        )
    except ValueError as error:
        raise SettingsError(f"FLUENCY_OFFER_SUBJECT or FLUENCY_OFFER_BODY cannot be used: {error}.") from error
