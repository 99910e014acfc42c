"""Who may see what: one table of pages by role, one of fields by role, and which roles a signed-in person has.

The README prints both tables, and a test walks through all pairs. What a role may not see is left out where the data is
read (see `lib.queries`), never where it is drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from lib.addresses import mailbox


class Role(StrEnum):
    """What somebody does here. A person may have several, and may do what any of them may."""

    VIEWER = "viewer"
    MARKETING = "marketing"
    SALES = "sales"
    ANALYST = "analyst"
    ADMIN = "admin"


class Field(StrEnum):
    """What is withheld from those without the right."""

    ADDRESSES = "e-mail addresses"
    LEARNER_TEXT = "what learners wrote"


# What proxies say of whom they ask for: the beginnings of names of headers.
PROXIES_SAY = (
    "forwarded",
    "x-forwarded",
    "x-original-f",
    "x-real-ip",
    "x-client",
    "x-cluster",
    "true-client",
    "via",
    "cf-",
)
EVERYBODY = frozenset(Role)
ANALYSTS = frozenset({Role.ANALYST, Role.ADMIN})
ADMINS = frozenset({Role.ADMIN})

# Pages by the names of their scripts.
PAGES: Mapping[str, frozenset[Role]] = {
    "home": EVERYBODY,
    "engagement": EVERYBODY,
    "mistakes": ANALYSTS | {Role.MARKETING},
    "conversion": ANALYSTS | {Role.SALES},
    "analyses": ANALYSTS,
    "sql": ANALYSTS,
    "reports": ADMINS,
    "data_health": ANALYSTS,
    "audit": ADMINS,
}
FIELDS: Mapping[Field, frozenset[Role]] = {
    Field.ADDRESSES: ADMINS | {Role.SALES},
    Field.LEARNER_TEXT: ANALYSTS | {Role.MARKETING},
}


@dataclass(frozen=True)
class Visitor:
    """Somebody who passed the door: ``name`` is the e-mail address or id of their sign-in, empty on this machine.

    ``claims`` are those of the sign-in, from which the roles followed.
    """

    name: str
    roles: frozenset[Role]
    claims: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def is_signed_in(self) -> bool:
        """Whether there is a sign-in to end."""
        return bool(self.name)

    def may_open(self, page: str) -> bool:
        """Whether the page (name of its script) is for one of their roles; no other page is for anybody."""
        return bool(self.roles & PAGES.get(page, frozenset()))

    def may_see(self, field: Field) -> bool:
        """Whether the field is for one of their roles."""
        return bool(self.roles & FIELDS[field])


# Without sign-in the app serves this machine alone, and whoever sits at it may read the database file anyway.
LOCAL = Visitor("", EVERYBODY)


def roles_of(claims: Mapping[str, Any], rules: Mapping[Role, Sequence[str]]) -> frozenset[Role]:
    """The roles that the claims of a sign-in (an OpenID Connect ID token) have under ``rules``.

    A rule is an address (`ann@example.org`), a domain (`@example.org`) or a claim (`groups=marketing`). The first two
    count only where the provider says that the address was verified: at some providers anybody may claim any.
    """
    address = address_of(claims)
    return frozenset(role for role, said in rules.items() if any(_fits(rule, claims, address) for rule in said))


def address_of(claims: Mapping[str, Any]) -> str:
    """The verified e-mail address of a sign-in, as `mailbox` writes it; empty where there is none."""
    address = claims.get("email")
    is_verified = claims.get("email_verified") in (True, "true")
    return mailbox(address) if is_verified and isinstance(address, str) and address.count("@") == 1 else ""


def _fits(rule: str, claims: Mapping[str, Any], address: str) -> bool:
    if "=" in rule:
        name, _, wanted = rule.partition("=")
        return wanted.strip() in _values(claims.get(name.strip()))
    rule = mailbox(rule)
    return bool(address) and (address.endswith(rule) if rule.startswith("@") else address == rule)


def _values(claim: Any) -> Iterable[str]:
    if isinstance(claim, (list, tuple)):
        return [str(value) for value in claim]
    return [] if claim is None else [str(claim)]


def outside(bound: str | None, client: str | None, headers: Mapping[str, str]) -> str:
    """Why a visit does not come from the machine that the app runs on; empty where it does.

    ``bound``: the address that the server listens on (None: all), ``client``: where the connection comes from (None:
    loopback), ``headers``: of the request. A name that is not of this machine, or a proxy in between, is outside too:
    a page elsewhere may have that name point here, and whoever asks the proxy is somebody else. A proxy that asks by a
    name of this machine and says nothing of itself is known by the page's own address, which browsers add.
    """
    if not _is_loopback(bound):
        return "it listens on an address that other machines reach"
    if not (client is None or _is_loopback(client)):
        return "you are on another machine"
    named = {name.lower(): value for name, value in headers.items()}
    if any(name.startswith(PROXIES_SAY) for name in named):
        return "you come through a proxy"
    asked_for = [f"//{named['host']}"] if "host" in named else []
    pages = [named["origin"]] if "origin" in named else []
    is_ours = all(_is_loopback(urlsplit(address).hostname) for address in asked_for + pages)
    return "" if is_ours else "it was asked for by another name"


def _is_loopback(address: str | None) -> bool:
    if address is None:
        return False
    try:
        return address == "localhost" or ip_address(address).is_loopback
    except ValueError:
        return False
