"""The offer of the Executive English Module: what it brings in, how often it is accepted, and its text."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from string import Template

from lib.analysis.numbers import counted, round_half_up
from lib.analysis.offer_status import COOLDOWN_DAYS, VALID_HOURS

MODULE = "Executive English Module"
CONTENTS = ("advanced business communication", "C-level presentation skills", "strategic leadership vocabulary")
SUBJECT = "Your next step: the $module"
BODY = """\
$greeting

$earned That is the level at which many IT professionals start to lead meetings, present to management and \
speak for their team.

The $module is made for this step. It covers:

$contents

$terms

To start, reply to this e-mail and we will set up your access.

Kind regards
The Fluency Lab team
"""
PLACEHOLDERS = frozenset({"greeting", "earned", "module", "contents", "terms"})
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Offer:
    """The offer: ``price`` is what the customer pays, in ``currency``, after a discount of ``discount_percent``.

    ``regular_price`` is that before the discount, None where it is not to be said. An offer can be accepted for
    ``valid_hours``; the next one to the same user may go ``cooldown_days`` after it. Texts have $placeholders.
    Raises ValueError when the discount is not within 0 to 100, or a text has a placeholder that is not in PLACEHOLDERS.
    """

    price: float
    discount_percent: float = 40
    valid_hours: int = VALID_HOURS
    currency: str = "$"
    subject: str = SUBJECT
    body: str = BODY
    regular_price: float | None = None
    cooldown_days: int = COOLDOWN_DAYS

    def __post_init__(self) -> None:
        if not 0 <= self.discount_percent <= 100:
            raise ValueError("the discount must be between 0 and 100 percent")
        for text in (self.subject, self.body):
            template = Template(text)
            if not template.is_valid() or not PLACEHOLDERS.issuperset(template.get_identifiers()):
                raise ValueError(f"the placeholders of an offer are ${', $'.join(sorted(PLACEHOLDERS))}; $$ is a $")


@dataclass(frozen=True)
class Acceptance:
    """How many past offers were accepted; ``share``, ``low`` and ``high`` between 0 and 1."""

    sent: int
    accepted: int
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Revenue:
    """Money, not rounded. Everything but ``potential`` is None where there are no past offers."""

    potential: float
    expected: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class OfferText:
    to: str
    subject: str
    body: str


def acceptance(sent: int, accepted: int) -> Acceptance | None:
    """The share of offers that were accepted, with its 95 % Wilson interval; None when none was sent.

    Formula: Wilson 1927, without continuity correction; method 3 of Newcombe, Statistics in Medicine 17 (1998).
    Written out here because scipy takes half a second to load, a sixth of a whole report; it checks this in a test.
    Raises ValueError when ``accepted`` is not between 0 and ``sent``.
    """
    if not 0 <= accepted <= sent:
        raise ValueError("the offers accepted must be between 0 and the offers sent")
    if sent == 0:
        return None
    z, share = NormalDist().inv_cdf((1 + CONFIDENCE) / 2), accepted / sent
    centre = (share + z * z / (2 * sent)) / (1 + z * z / sent)
    half = z / (1 + z * z / sent) * sqrt(share * (1 - share) / sent + z * z / (4 * sent * sent))
    # At the ends the bound is exact, and binary noise must not push the share out of its own interval.
    low, high = max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))
    return Acceptance(sent, accepted, share, low, high)


def revenue(candidates: int, price: float, acceptance: Acceptance | None) -> Revenue:
    """Potential: every candidate buys at ``price``. Expected: as many as accepted before, with the interval."""
    potential = candidates * price
    if acceptance is None:
        return Revenue(potential, None, None, None)
    return Revenue(potential, *(potential * share for share in (acceptance.share, acceptance.low, acceptance.high)))


def offer_text(to: str, name: str | None, sessions: int, avg_score: float, offer: Offer) -> OfferText:
    """The e-mail to one candidate, plain text.

    ``name``: what the person is called, or None for "Hello," alone: an e-mail address does not tell a name.
    ``sessions`` and ``avg_score`` (1-10): of the run that earned the offer.
    """
    called = " ".join((name or "").split())
    values = {
        "greeting": f"Hello {called}," if called else "Hello,",
        "earned": _earned(sessions, avg_score),
        "module": MODULE,
        "contents": "\n".join(f"- {content}" for content in CONTENTS),
        "terms": _terms(offer),
    }
    subject, body = (Template(offer.subject).substitute(values), Template(offer.body).substitute(values))
    return OfferText(to=to.strip(), subject=subject, body=body)


def money(amount: float, currency: str) -> str:
    """`$179`, `$1,107.40`, `EUR 179`: a price, with cents only where there are some."""
    rounded = round_half_up(amount)
    digits = f"{rounded:,.0f}" if rounded == int(rounded) else f"{rounded:,.2f}"
    return _with_sign(digits, currency)


def whole_money(amount: float, currency: str) -> str:
    """`$75,212`: revenue, which nobody reads to the cent."""
    return _with_sign(f"{round_half_up(amount, 0):,.0f}", currency)


def _with_sign(digits: str, currency: str) -> str:
    return f"{currency} {digits}" if currency.isalpha() else f"{currency}{digits}"


def _earned(sessions: int, avg_score: float) -> str:
    score = f"confidence score of {round_half_up(avg_score):.2f} out of 10"
    if sessions == 1:
        return f"In a recent coaching session you reached a {score}."
    return f"In {sessions} recent coaching sessions you reached an average {score}."


def _terms(offer: Offer) -> str:
    """`Special price: $179 (40 % off), valid for 48 hours.`"""
    off, whole = offer.discount_percent, ""
    if offer.regular_price is not None:  # what it is off is said, so the share is that of the two prices
        off = round_half_up(100 - 100 * offer.price / offer.regular_price, 0)
        whole = f" the regular price of {money(offer.regular_price, offer.currency)}"
    price, validity = money(offer.price, offer.currency), f"valid for {counted(offer.valid_hours, 'hour')}"
    return f"Special price: {price} ({off:g} % off{whole}), {validity}." if off > 0 else f"Price: {price}, {validity}."
