from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from playwright.sync_api import BrowserContext, expect
from websockets.exceptions import InvalidStatus

from lib.access import Field, Visitor
from tests.sign_in.forger import Forger
from tests.sign_in.parts import NAME, PATIENCE, wait_for
from tests.sign_in.site import (
    HAVE,
    HOUR,
    NOT_OPEN,
    USER_COOKIE,
    Person,
    Site,
    addresses_in,
    arriving,
    found_in,
    title_of,
)

ASKED = "Sign in to see the figures."
ENDED = "Your sign-in has ended. Sign in again to go on."
SIGNED_OUT = "You have signed out. Sign in again to go on."
BUTTONS = "\nSign in with Tests\nSign in with Forger"
ENOUGH = (5, 30, 180)  # seconds that a sign-in lasts: the first that lets a busy machine draw the page
FILES_WITH_TEXT = ("CSV", "Excel", "SVG", "Whole page", "Text file")


@pytest.fixture(scope="module")
def addresses(database: Path) -> frozenset[str]:
    return addresses_in(database)


def visitor_of(name: str) -> Visitor:
    return Visitor(name, frozenset(HAVE[name]))


def path_of(page: str) -> str:
    return "" if page == "home" else page


@pytest.mark.parametrize("name", HAVE)
def test_each_role_signs_in_and_walks_through_its_pages(
    name: str, site: Site, window: BrowserContext, addresses: frozenset[str]
) -> None:
    visitor = visitor_of(name)
    open_to = [page for page in site.pages if visitor.may_open(page)]
    with arriving(window, site, name) as person:
        person.come(path_of(open_to[-1]))
        person.sign_in()
        person.settle()
        assert person.links() == [title_of(page) for page in open_to]
        for page in open_to[1:]:
            person.go(title_of(page))
        for page in [page for page in site.pages if page not in open_to][:1]:
            person.open_closed(page)
        assert bool(person.ears.addresses(addresses)) == visitor.may_see(Field.ADDRESSES)


@pytest.mark.parametrize("name", HAVE)
def test_no_page_and_no_file_has_more_than_the_role_may_see(name: str, site: Site, addresses: frozenset[str]) -> None:
    visitor, got, files = visitor_of(name), list[bytes](), 0
    for number, page in enumerate(site.pages):
        with site.wire(site.cookie(name), app=number % 2) as session:
            words = session.open(path_of(page))
            assert session.links() == {title_of(open_to) for open_to in site.pages if visitor.may_open(open_to)}
            assert (NOT_OPEN in words) == (not visitor.may_open(page))
            for place, label in enumerate(session.files()):
                if label in FILES_WITH_TEXT:
                    got.append(site.get(session.download(place), app=number % 2).content)
                    files += 1
            got += session.frames
            if not visitor.may_open(page):
                assert session.files() == []
                assert sum(map(len, session.frames)) < 20_000
    assert files >= 6
    found = set().union(*(found_in(content, addresses) for content in got))
    assert bool(found) == visitor.may_see(Field.ADDRESSES)


def test_who_is_not_admitted_gets_a_sentence_and_nothing_else(
    site: Site, window: BrowserContext, addresses: frozenset[str]
) -> None:
    with arriving(window, site, "stranger") as person:
        person.come("conversion")
        person.sign_in()
        person.expect_only(
            "eve@guests.test.evil.test is not admitted here. Ask an administrator of this app to add you."
        )
        for page in site.pages:
            with site.wire(person.cookies()) as session:
                assert "is not admitted here" in session.open(path_of(page))
                assert session.links() == set(session.files()) == set()
                person.ears.got += session.frames
        assert person.ears.addresses(addresses) == set()
        assert person.page.get_by_test_id("stSidebar").get_by_role("link").count() == 0


def test_an_address_that_the_provider_has_not_verified_opens_nothing(site: Site, window: BrowserContext) -> None:
    with arriving(window, site, "unverified") as person:
        person.come()
        person.sign_in()
        person.expect_only(
            "unverified is not admitted here. Your provider does not say that your e-mail address is verified, so it "
            "does not count. Ask an administrator of this app for a role by another claim."
        )


def test_sign_in_leads_to_what_was_asked_for_and_signing_out_ends_it_in_every_tab_and_at_the_provider(
    site: Site, window: BrowserContext, addresses: frozenset[str]
) -> None:
    with arriving(window, site, "sam") as person:
        person.come("conversion?min_sessions=4")
        person.sign_in()
        person.page.wait_for_url("**/conversion?min_sessions=4")
        person.settle()
        expect(person.page.get_by_role("slider", name="Sessions at least")).to_have_attribute("aria-valuetext", "4")
        assert person.rows() != []
        cookies = window.cookies(site.address)
        assert {cookie["secure"] for cookie in cookies} == {True}
        kept_from_scripts = {cookie["name"] for cookie in cookies if cookie["httpOnly"]}
        assert {USER_COOKIE, "_streamlit_user_tokens"} <= kept_from_scripts
        assert {cookie["sameSite"] for cookie in cookies} == {"Lax", "Strict"}
        claims = site.claims(person.cookies())
        assert claims["exp"] - claims["iat"] == HOUR
        other = Person(window, site, "sam")
        other.open("conversion")
        assert other.rows() != []

        person.go("Home")
        expect(person.page.get_by_test_id("stMain")).to_contain_text("What stands out")
        person.page.get_by_role("button", name="Sign out").click()
        expect(person.page.get_by_test_id("stMain")).to_contain_text(ASKED)
        person.page.wait_for_url(f"{site.address}/")
        assert person.cookies() == {}
        assert not [cookie for cookie in window.cookies(site.provider) if cookie["name"] == "_session"]
        person.open("conversion")
        expect(person.page.get_by_test_id("stMain")).to_contain_text(ASKED)

        other.ears.got.clear()
        other.page.get_by_role("button", name="Refresh").click()
        expect(other.page.get_by_test_id("stMain")).to_contain_text(SIGNED_OUT)
        expect(other.sidebar.get_by_role("link")).to_have_count(0)
        assert not any(found_in(frame, addresses) for frame in other.ears.got)
        other.leave()
        assert other.troubles == []


def test_neither_a_slider_nor_a_file_outlasts_a_sign_out_elsewhere(site: Site, addresses: frozenset[str]) -> None:
    cookies = site.cookie("sam", iat=int(time.time()))
    with site.wire(cookies) as session, site.wire(cookies) as elsewhere:
        session.open("conversion")
        assert session.download(0) != ""
        elsewhere.open("conversion")
        elsewhere.press("Sign out")
        session.frames.clear()
        assert session.download(0) == ""
        assert SIGNED_OUT in session.slide("Confidence above", 7.0)
        assert not any(found_in(frame, addresses) for frame in session.frames)
    with site.wire(cookies) as copied:
        assert SIGNED_OUT in copied.open("conversion")


def test_a_page_that_nobody_touches_is_taken_away_when_the_sign_in_ends(site: Site, window: BrowserContext) -> None:
    with arriving(window, site, "sam") as person:
        for seconds in ENOUGH:
            person.bring(site.cookie("sam", exp=time.time() + seconds))
            person.open()
            if person.page.get_by_test_id("stMetric").count():
                break
        expect(person.page.get_by_test_id("stMain")).to_contain_text(ENDED, timeout=(seconds + PATIENCE) * 1000)
        expect(person.page.get_by_test_id("stMetric")).to_have_count(0)
        expect(person.sidebar.get_by_role("link")).to_have_count(0)


def test_neither_a_slider_nor_a_file_outlasts_the_sign_in(site: Site, addresses: frozenset[str]) -> None:
    for seconds in ENOUGH:
        end = time.time() + seconds
        with site.wire(site.cookie("sam", exp=end)) as session:
            if ASKED in session.open("conversion") or session.download(0) == "":
                continue
            wait_for(lambda session=session: session.download(0) == "")
            assert time.time() >= end
            session.frames.clear()
            assert session.download(0) == ""
            assert session.slide("Confidence above", 7.0).endswith(ENDED + BUTTONS)
            assert not any(found_in(frame, addresses) for frame in session.frames)
            return
    raise AssertionError("no sign-in was long enough to see a page")


def test_a_file_is_made_for_nobody_but_the_session_that_drew_its_button(site: Site) -> None:
    with site.wire(site.cookie("sam")) as session, site.wire(site.cookie("bo")) as other, site.wire({}) as nobody:
        session.open("conversion")
        other.open("conversion")
        nobody.open("conversion")
        (number, *_) = session.file_numbers()
        for stranger in (other, nobody):
            assert stranger.fetch(number) == ""
            assert stranger.fetch(number, session=session.session) == ""
        assert session.fetch(number) != ""


def test_a_role_that_is_taken_away_ends_the_next_click(site: Site, addresses: frozenset[str]) -> None:
    with site.wire(site.cookie("bo")) as moved, site.wire(site.cookie("bo")) as pressed:
        for session in (moved, pressed):
            session.open("conversion")
        site.write_secrets(FLUENCY_ROLE_SALES="sam@staff.test")
        try:
            for session in (moved, pressed):
                wait_for(lambda session=session: session.download(0) == "")
                session.frames.clear()
                assert session.download(0) == ""
            assert NOT_OPEN in moved.slide("Confidence above", 7.0)
            assert NOT_OPEN in pressed.press("Refresh")
            assert moved.links() == {"Home", "Engagement", "Mistakes"}
            assert not any(found_in(frame, addresses) for frame in moved.frames + pressed.frames)
            site.write_secrets(FLUENCY_ROLE_SALES="", FLUENCY_ROLE_MARKETING="")
            wait_for(lambda: "bo@staff.test is not admitted here." in pressed.open(""))
        finally:
            site.write_secrets()
            for app in range(len(site.apps)):
                with site.wire(site.cookie("bo"), app=app) as session:
                    wait_for(lambda session=session: NOT_OPEN not in session.open("conversion") and session.links())


def forged(site: Site) -> dict[str, tuple[dict[str, str], str]]:
    """Cookies that somebody could come with, and what is said to them."""
    good = site.cookie("vera")[USER_COOKIE]
    body, when, signature = good.split(".") if good.count(".") == 2 else good.lstrip(".").split(".")
    other = site.cookie("ada")[USER_COOKIE].lstrip(".").split(".")[0]
    dot = "." if good.startswith(".") else ""
    return {
        "another body": ({USER_COOKIE: f"{dot}{other}.{when}.{signature}"}, ASKED),
        "no signature": ({USER_COOKIE: f"{dot}{body}.{when}."}, ASKED),
        "plain text": ({USER_COOKIE: '{"is_logged_in": true, "email": "ada@staff.test"}'}, ASKED),
        "another installation": (site.cookie("ada", secret="of another installation, long enough too"), ASKED),
        "an empty secret": (site.cookie("ada", secret=""), ASKED),
        "another address of ours": (site.cookie("ada", origin="https://elsewhere.test"), ASKED),
        "the cookie of the tokens": ({"_streamlit_user_tokens": good}, ASKED),
        "not signed in": (site.cookie("ada", is_logged_in=False), ASKED),
        "over": (site.cookie("ada", exp=int(time.time()) - 1), ENDED),
        "without an end": (site.cookie("ada", exp=None), ENDED),
        "an end that is no number": (site.cookie("ada", exp="never"), ENDED),
        "an end that is not comparable": (site.cookie("ada", exp=float("nan")), ENDED),
        "of another client": (
            site.cookie("ada", aud="another"),
            "Sign in again: your sign-in was made for another app.",
        ),
        "of a provider that is gone": (site.cookie("ada", provider="old"), "Sign in again: your sign-in was made"),
    }


def test_a_cookie_that_we_did_not_make_signs_nobody_in(site: Site, addresses: frozenset[str]) -> None:
    with site.wire(site.cookie("ada")) as session:
        assert "Reports" in session.open("audit")
    for kind, (cookies, sentence) in forged(site).items():
        with site.wire(cookies) as session:
            assert sentence in session.open("conversion"), kind
            assert session.links() == set(session.files()) == set(), kind
            assert not any(found_in(frame, addresses) for frame in session.frames), kind


def test_a_page_elsewhere_cannot_use_the_cookie_of_a_visitor(site: Site) -> None:
    good = site.cookie("ada")
    with pytest.raises(InvalidStatus), site.wire(good, origin="https://evil.test"):
        pass
    for options in ({"token": "2|00000000|" + "00" * 16 + "|1"}, {"origin": None}):
        with site.wire(good, **options) as session:
            assert ASKED in session.open("conversion")


@pytest.fixture(scope="module")
def way_in(site: Site) -> str:
    """Where the button leads; it holds for two minutes."""
    with site.wire({}) as session:
        session.open()
        session.press("Sign in with Forger")
        return session.redirect


def signed_in_with(site: Site, forger: Forger, way_in: str, make: Callable[[str], str]) -> bool:
    """Whether the app takes the token that ``make`` makes for a nonce: the whole way, but for the provider's page."""
    with httpx.Client(base_url=f"http://127.0.0.1:{site.apps[0]}", headers={"Host": site.host}) as client:
        asked = parse_qs(urlsplit(client.get(way_in).headers["location"]).query)
        forger.token = make(asked["nonce"][0])
        answer = client.get("/oauth2callback", params={"state": asked["state"][0], "code": "any"})
    assert answer.status_code == 302
    return any(
        text.startswith(f"{USER_COOKIE}=") and "Max-Age=0" not in text for text in answer.headers.get_list("set-cookie")
    )


def bad_tokens(forger: Forger) -> dict[str, Callable[[str], str]]:
    """Tokens that must not be taken, as a function of the nonce that was asked for."""
    claims, now = forger.claims, int(time.time())
    other = RSAKey.generate_key(2048, {"kid": "forger"})

    def changed(**what: Any) -> Callable[[str], str]:
        return lambda nonce: forger.signed({**claims(nonce), **what})

    return {
        "another issuer": changed(iss="https://accounts.example.org"),
        "another audience": changed(aud="another-app"),
        "another nonce": changed(nonce="another"),
        "over long ago": changed(iat=now - 7200, exp=now - 3600),
        "another key": lambda nonce: forger.signed(claims(nonce), other),
        "alg none": lambda nonce: forger.unsigned(claims(nonce), alg="none"),
        "alg None": lambda nonce: forger.unsigned(claims(nonce), alg="None", kid="forger"),
        "no signature": lambda nonce: forger.signed(claims(nonce)).rpartition(".")[0] + ".",
        "a signature of something else": lambda nonce: forger.unsigned(
            claims(nonce), forger.signed(claims("x")).rpartition(".")[2], alg="RS256", kid="forger"
        ),
        "signed with the public key": lambda nonce: forger.signed_with_public_key(claims(nonce)),
        "no token": lambda nonce: "",
    }


def test_a_token_that_is_not_for_us_signs_nobody_in(site: Site, forger: Forger, way_in: str) -> None:
    assert signed_in_with(site, forger, way_in, lambda nonce: forger.signed(forger.claims(nonce)))
    taken = [kind for kind, make in bad_tokens(forger).items() if signed_in_with(site, forger, way_in, make)]
    assert taken == []


def test_a_callback_that_nobody_began_signs_nobody_in(site: Site) -> None:
    for query in ("", "?code=any&state=any", "?error=access_denied&error_description=%0d%0aSet-Cookie:x"):
        answer = site.get(f"/oauth2callback{query}")
        assert answer.status_code == 302
        assert answer.headers["location"] == "/"
        assert "set-cookie" not in answer.headers


def test_nginx_answers_for_one_name_and_adds_what_browsers_are_to_enforce(site: Site) -> None:
    trusted = ssl.create_default_context(cafile=site.log.parent / "nginx" / "certificate.pem")

    def ask(path: str, name: str = NAME) -> httpx.Response:
        return client.get(
            f"https://127.0.0.1:{site.port}{path}", headers={"Host": name}, extensions={"sni_hostname": name}
        )

    with httpx.Client(verify=trusted) as client:
        answer = ask("/conversion")
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert ask("/_stcore/health").status_code == 200
        assert all("secure" in text.lower() for text in ask("/_stcore/health").headers.get_list("set-cookie"))
        for path in ("/_stcore/metrics", "/_stcore/agent/interact", "/_stcore/upload_file/a/b"):
            assert ask(path).status_code == 404
    with httpx.Client(verify=trusted) as client, pytest.raises(httpx.ConnectError):
        ask("/", "another.localhost")
    plain = httpx.get(f"http://127.0.0.1:{site.plain_port}/conversion", headers={"Host": NAME})
    assert (plain.status_code, plain.headers["location"]) == (301, f"https://{NAME}/conversion")


def test_who_signed_in_and_was_refused_is_recorded_without_addresses_of_learners(
    site: Site, addresses: frozenset[str]
) -> None:
    with site.wire(site.cookie("sam", iat=int(time.time()))) as session:
        session.open("conversion")
        assert session.download(0) != ""
        session.press("Sign out")
    for cookies in (site.cookie("sam", iat=int(time.time()), exp=None), site.cookie("stranger")):
        with site.wire(cookies) as session:
            session.open("conversion")
    with site.wire(site.cookie("ada", secret="of another installation, long enough too")) as session:
        session.open("conversion")
    record = (site.log.parent / "audit.jsonl").read_bytes()
    for event in (b'"sign-in"', b'"sign-out"', b'"refusal"', b'"page"', b'"download"'):
        assert event in record
    assert b"its cookie was not made by this app" in record
    assert found_in(record, addresses) == set()


def test_the_app_writes_nothing_into_its_own_folder_and_no_secret_into_its_log(site: Site) -> None:
    assert {str(path.relative_to(site.tree)) for path in site.tree.rglob("*")} == site.files | {
        ".streamlit/secrets.toml"
    }
    log = site.log.read_text(errors="replace")
    for secret in site.secrets:
        assert secret not in log
