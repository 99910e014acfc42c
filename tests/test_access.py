from __future__ import annotations

from itertools import product

import pytest

from lib.access import FIELDS, LOCAL, PAGES, Field, Role, Visitor, address_of, outside, roles_of

# The spec's sentence as a second table: viewer (Home, Engagement), marketing (and Mistakes), sales (and Conversion with
# e-mail addresses), analyst (all pages of figures, SQL, no e-mail addresses), admin (all, Audit and Reports too).
OPEN = {
    "viewer": {"home", "engagement"},
    "marketing": {"home", "engagement", "mistakes"},
    "sales": {"home", "engagement", "conversion"},
    "analyst": {"home", "engagement", "mistakes", "conversion", "analyses", "sql", "data_health"},
    "admin": set(PAGES),
}
SEEN = {
    "viewer": set(),
    "marketing": {Field.LEARNER_TEXT},
    "sales": {Field.ADDRESSES},
    "analyst": {Field.LEARNER_TEXT},
    "admin": set(Field),
}
RULES = {
    Role.VIEWER: ("@example.org",),
    Role.SALES: ("sam@example.org", "gross@example.org", "mike@example.org", "groups=sales"),
    Role.ADMIN: ("oid=1234",),
}


@pytest.mark.parametrize(("role", "page"), list(product(Role, PAGES)))
def test_each_role_opens_its_pages_and_no_other(role: Role, page: str) -> None:
    assert Visitor("x", frozenset({role})).may_open(page) == (page in OPEN[role])


@pytest.mark.parametrize(("role", "field"), list(product(Role, FIELDS)))
def test_each_role_sees_its_fields_and_no_other(role: Role, field: Field) -> None:
    assert Visitor("x", frozenset({role})).may_see(field) == (field in SEEN[role])


def test_somebody_with_two_roles_may_do_what_either_may() -> None:
    both = Visitor("x", frozenset({Role.ANALYST, Role.SALES}))
    assert both.may_open("sql")
    assert both.may_see(Field.ADDRESSES)


def test_a_page_that_the_table_lacks_is_for_nobody() -> None:
    assert not LOCAL.may_open("secret")


def verified(address: str, **claims: object) -> dict[str, object]:
    return {"email": address, "email_verified": True, **claims}


@pytest.mark.parametrize(
    ("claims", "roles"),
    [
        (verified("Ann@Example.org"), {Role.VIEWER}),
        (verified("sam@example.org"), {Role.VIEWER, Role.SALES}),
        (verified("ann@example.org.evil.com"), set()),
        (verified("ann@evilexample.org"), set()),
        (verified("ann@evil.com@example.org"), set()),
        ({"email": "sam@example.org"}, set()),
        ({"email": "sam@example.org", "email_verified": False}, set()),
        ({"email": "sam@example.org", "email_verified": "false"}, set()),
        (verified("SAM@EXAMPLE.ORG\n"), {Role.VIEWER, Role.SALES}),
        (verified("\u017fam@example.org"), {Role.VIEWER}),
        (verified("gro\u00df@example.org"), {Role.VIEWER}),
        (verified("mi\u212ae@example.org"), {Role.VIEWER}),
        (verified("ann@example\uff0eorg"), set()),
        (verified("ann@e\u2168ample.org"), set()),
        ({"groups": ["sales", "others"]}, {Role.SALES}),
        ({"groups": "sales"}, {Role.SALES}),
        ({"groups": ["presales"]}, set()),
        ({"oid": 1234}, {Role.ADMIN}),
        ({}, set()),
        (verified(""), set()),
    ],
)
def test_roles_follow_from_verified_addresses_domains_and_claims(claims: dict[str, object], roles: set[Role]) -> None:
    assert roles_of(claims, RULES) == roles


def test_an_address_that_is_not_verified_is_none() -> None:
    assert address_of({"email": "ann@example.org"}) == ""
    assert address_of(verified(" Ann@example.org ")) == "ann@example.org"


@pytest.mark.parametrize(
    ("bound", "client", "headers", "is_inside"),
    [
        ("127.0.0.1", None, {"Host": "localhost:8501"}, True),
        ("127.0.0.1", "127.0.0.1", {"Host": "127.0.0.1:8501"}, True),
        ("::1", None, {"Host": "[::1]:8501"}, True),
        ("localhost", None, {}, True),
        (None, None, {"Host": "localhost:8501"}, False),
        ("0.0.0.0", None, {"Host": "localhost:8501"}, False),
        ("192.168.1.5", None, {}, False),
        ("127.0.0.1", "192.168.1.9", {"Host": "localhost"}, False),
        ("127.0.0.1", None, {"Host": "localhost", "X-Forwarded-For": "203.0.113.9"}, False),
        ("127.0.0.1", None, {"Host": "localhost", "forwarded": "for=203.0.113.9"}, False),
        ("127.0.0.1", None, {"Host": "evil.example.com:8501"}, False),
        ("127.0.0.1", "garbage", {}, False),
        # A proxy that asks by the name of this machine: the page's own address says where somebody is.
        ("127.0.0.1", None, {"Host": "127.0.0.1:8501", "Origin": "http://localhost:8501"}, True),
        ("127.0.0.1", None, {"Host": "127.0.0.1:8501", "Origin": "http://192.168.1.9"}, False),
        ("127.0.0.1", None, {"Host": "127.0.0.1:8501", "origin": "https://analytics.example.org"}, False),
        ("127.0.0.1", None, {"Host": "127.0.0.1:8501", "Origin": "null"}, False),
        *(
            ("127.0.0.1", "127.0.0.1", {"Host": "localhost", header: "anything"}, False)
            for header in ("Via", "X-Forwarded-Proto", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip")
        ),
    ],
)
def test_without_sign_in_only_this_machine_is_served(
    bound: str | None, client: str | None, headers: dict[str, str], is_inside: bool
) -> None:
    assert (outside(bound, client, headers) == "") == is_inside
