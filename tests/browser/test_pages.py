from __future__ import annotations

import hashlib
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Locator, expect

from lib.ui import sidebar
from tests.browser.conftest import DESK, Visit
from tests.browser.visitor import Visitor

PAGES = [label for _, label, _ in sidebar.PAGES]
READABLE = 4.5  # contrast, WCAG 2 AA
TEXTS = "h1, h3, p, label, [data-testid=stMetricValue], svg .role-axis-label text, svg .role-axis-title text"
INKS = """parts => parts.filter(e => e.checkVisibility() && !e.closest(':disabled, [kind^=primary]')).map(e =>
    [e.textContent, e.namespaceURI.endsWith('svg') ? getComputedStyle(e).fill : getComputedStyle(e).color])"""
GROUND = "app => getComputedStyle(app).backgroundColor"
NARROWER = (1024, 768)
WIDTHS = "[...document.querySelectorAll('html, body, [data-testid=stMain]')].map(e => e.scrollWidth)"
# Labels that stand beside each other, but a few pixels higher or lower.
ASKEW = """labels => { const tops = labels.map(label => label.getBoundingClientRect().top);
    return labels.filter((_, i) => tops.some(top => 1 < Math.abs(top - tops[i]) && Math.abs(top - tops[i]) < 15))
        .map(label => label.innerText) }"""
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
FILTERS = ("Refresh", "7", "Sessions at least", "Confidence above", "Price, $")


def answer(visitor: Visitor, label: str) -> list[Locator]:
    """What answers the question of a page."""
    main = visitor.main
    answers = {
        "Home": [
            *main.get_by_test_id("stMetric").all(),
            main.get_by_role("link").first,
            main.locator("svg.marks").last,
        ],
        "Engagement": [main.get_by_test_id("stDataFrame").first],
        "Mistakes": [main.get_by_test_id("stDataFrame").first, main.locator("svg.marks").first],
        "Conversion": [*main.get_by_test_id("stMetric").all(), main.get_by_test_id("stDataFrame").first],
        "Data health": [main.get_by_test_id("stAlert").filter(visible=True), main.get_by_test_id("stDataFrame").first],
    }
    return answers.get(label, [main.get_by_role("heading", level=1)])


def unreadable(visitor: Visitor) -> list[str]:
    """The texts of a page, but for those on a coloured button, that are hard to tell from its ground."""
    ground = color(visitor.page.get_by_test_id("stApp").evaluate(GROUND))
    shown = visitor.main.locator(TEXTS).evaluate_all(INKS)
    assert shown
    return [text for text, ink in shown if contrast(color(ink), ground) < READABLE]


def test_at_a_desk_each_page_is_accessible_holds_its_answer_in_the_first_view_and_leaves_the_database_as_it_was(
    visitor: Visitor, database: Path
) -> None:
    before = hashlib.sha256(database.read_bytes()).hexdigest()
    visitor.open(as_of="2026-10-31")
    for label in visitor.walk(*PAGES):
        for part in answer(visitor, label):
            expect(part).to_be_in_viewport(ratio=0.98)
        labels = visitor.main.locator(":is([data-testid=stButtonGroup], [data-testid=stMultiSelect]) > label")
        assert labels.evaluate_all(ASKEW) == [], label
        for state in visitor.states():
            assert unreadable(visitor) + visitor.violations() == [], (label, state)
        expect_no_wider_than(visitor, *NARROWER)
    assert luminance(color(visitor.page.get_by_test_id("stApp").evaluate(GROUND))) > 0.8
    assert hashlib.sha256(database.read_bytes()).hexdigest() == before
    assert [file.name for file in database.parent.iterdir()] == [database.name]


def expect_no_wider_than(visitor: Visitor, *widths: int) -> None:
    """A window of each of these widths (pixels) has to be moved down alone."""
    for width in (*widths, DESK["width"]):
        visitor.page.set_viewport_size({"width": width, "height": DESK["height"]})
        visitor.page.wait_for_function(f"Math.max(...{WIDTHS}) <= innerWidth")


def test_on_a_phone_at_night_each_page_is_dark_and_accessible_and_no_wider_than_the_phone(visit: Visit) -> None:
    visitor = visit(phone=True, color_scheme="dark")
    visitor.open()
    for label in visitor.walk(*PAGES):
        visitor.page.wait_for_function(f"Math.max(...{WIDTHS}) <= innerWidth")
        expect(visitor.main.get_by_role("heading", level=1)).to_be_in_viewport()
        for state in visitor.states():
            assert unreadable(visitor) + visitor.violations() == [], (label, state)
    assert luminance(color(visitor.page.get_by_test_id("stApp").evaluate(GROUND))) < 0.05


def test_what_a_phone_has_no_room_for_stands_below_and_old_data_is_said_where_the_sidebar_is_closed(
    visit: Visit,
) -> None:
    phone, desk = visit(phone=True), visit()
    for visitor in (phone, desk):
        visitor.open("conversion")
    row = phone.main.locator(".whole-table tr:has(td)").first
    for label in ("User", "E-mail", "Offer status", "Outcome", "Last session"):
        cell = row.locator(f'td[data-label="{label}"]')
        cell.scroll_into_view_if_needed()
        expect(cell).to_be_in_viewport(ratio=0.98)
    expect(phone.main.get_by_test_id("stDataFrame").first).to_be_hidden()
    expect(desk.main.locator(".whole-table").first).to_be_hidden()
    said = "The newest session is"
    expect(phone.main.get_by_text(said)).to_be_visible()
    expect(desk.main.get_by_text(said)).to_be_hidden()
    expect(desk.sidebar.get_by_text(said)).to_be_visible()


def test_on_paper_tables_are_whole_and_the_sidebar_is_gone(visitor: Visitor) -> None:
    visitor.open("conversion", min_confidence="6")
    rows, table = visitor.rows(), visitor.main.locator(".whole-table").first
    visitor.page.emulate_media(media="print")
    expect(visitor.sidebar).to_be_hidden()
    expect(visitor.main.get_by_test_id("stDataFrame").first).to_be_hidden()
    expect(table).to_be_visible()
    assert table.locator("tr").count() - 1 == len(rows) > 10
    assert [cell.split("\t")[0] for cell in table.locator("tbody").inner_text().splitlines()] == [r[0] for r in rows]
    assert visitor.page.pdf(format="A4").count(b"/Type /Page\n") > 2
    visitor.page.emulate_media(media="screen")


def test_thresholds_and_the_day_follow_from_page_to_page_and_survive_a_reload(visitor: Visitor) -> None:
    visitor.open("conversion")
    visitor.slide("Confidence above", "ArrowLeft", times=5)
    visitor.expect_query("min_confidence=7.5")
    count = visitor.metric("To offer").inner_text()
    visitor.go("Home")
    visitor.expect_query("min_confidence=7.5")
    expect(visitor.metric("To offer")).to_have_text(count)

    day = visitor.sidebar.get_by_role("spinbutton", name="day, As of")
    day.press("ArrowDown")
    expect(visitor.page.locator("[role=grid] th").first).to_have_text("M")
    day.press("Enter")
    visitor.expect_in_query("min_confidence=7.5", "as_of=2026-11-21")
    visitor.go("Engagement")
    visitor.expect_in_query("min_confidence=7.5", "as_of=2026-11-21")
    expect(visitor.main.get_by_text("15–21 Nov 2026")).to_be_visible()
    visitor.page.reload()
    visitor.settle()
    visitor.expect_in_query("min_confidence=7.5", "as_of=2026-11-21")
    expect(visitor.main.get_by_text("15–21 Nov 2026")).to_be_visible()

    visitor.sidebar.get_by_role("button", name="Newest day").click()
    visitor.expect_query("min_confidence=7.5")
    visitor.go("Conversion")
    visitor.expect_score("7.5")


def test_a_link_and_each_settled_change_are_one_step_of_history(visitor: Visitor) -> None:
    visitor.open("conversion")
    usual, steps = visitor.metric("To offer").inner_text(), visitor.steps
    visitor.slide("Confidence above", "ArrowLeft", times=8)
    visitor.expect_query("min_confidence=7.2")
    expect(visitor.metric("To offer")).not_to_have_text(usual)
    changed = visitor.metric("To offer").inner_text()
    assert visitor.steps == steps + 1
    visitor.sidebar.get_by_role("spinbutton", name="day, As of").press("ArrowDown")
    visitor.main.get_by_role("heading", level=1).click()
    visitor.expect_query("as_of=2026-11-21&min_confidence=7.2")
    assert visitor.steps == steps + 2
    visitor.go("Mistakes")
    visitor.expect_query("as_of=2026-11-21&min_confidence=7.2")
    assert visitor.steps == steps + 3

    visitor.page.evaluate("history.back()")
    expect(visitor.main.get_by_role("heading", level=1, name="Conversion")).to_be_visible()
    visitor.expect_query("as_of=2026-11-21&min_confidence=7.2")
    visitor.expect_score("7.2")
    visitor.page.evaluate("history.back()")
    visitor.expect_query("min_confidence=7.2")
    expect(visitor.metric("To offer")).to_have_text(changed)
    visitor.page.evaluate("history.back()")
    visitor.expect_score("8.0")
    expect(visitor.metric("To offer")).to_have_text(usual)
    visitor.page.evaluate("history.forward()")
    visitor.expect_score("7.2")
    expect(visitor.metric("To offer")).to_have_text(changed)
    assert visitor.steps == steps + 3


def test_an_address_that_the_page_corrects_by_itself_is_no_step_of_history(visitor: Visitor) -> None:
    visitor.open("engagement")
    steps = visitor.steps
    visitor.sidebar.get_by_role("spinbutton", name="day, As of").press("ArrowDown")
    visitor.main.get_by_role("heading", level=1).click()
    visitor.expect_query("as_of=2026-11-21")
    for label in ("Home", "Mistakes", "Conversion", "Data health", "Engagement"):
        visitor.go(label)
        visitor.expect_query("as_of=2026-11-21")
    assert visitor.steps == steps + 6


def test_an_address_with_values_that_do_not_fit_is_said_and_shows_the_usual_ones(visitor: Visitor) -> None:
    visitor.open("conversion", min_confidence="<b>", min_sessions="99", as_of="2999-01-01", streak="none")
    expect(visitor.main.get_by_text("As of, Confidence above, Sessions at least, Sessions in a row")).to_be_visible()
    visitor.expect_score("8.0")
    assert visitor.rows() != []


def test_from_a_sentence_on_home_to_the_page_that_shows_more_and_to_all_its_controls_without_a_mouse(
    visitor: Visitor,
) -> None:
    visitor.open()
    sentence = visitor.main.get_by_role("link").filter(has_text="qualify")
    count = re.search(r"\d+", sentence.inner_text())
    sentence.press("Enter")
    expect(visitor.main.get_by_role("heading", level=1, name="Conversion")).to_be_visible()
    assert count
    expect(visitor.metric("To offer")).to_have_text(count[0])
    visitor.settle()

    visitor.sidebar.get_by_role("link").first.focus()
    reached = []
    for _ in range(60):
        visitor.page.keyboard.press("Tab")
        reached.append(visitor.page.evaluate(FOCUSED))
    assert [
        part
        for part in ("Mistakes", *FILTERS, "What if", "CSV", "Excel", "PNG")
        if not any(part in one for one in reached)
    ] == []

    visitor.sidebar.get_by_role("link", name="Engagement").press("Enter")
    expect(visitor.main.get_by_role("heading", level=1, name="Engagement")).to_be_visible()
    visitor.settle()
    visitor.main.get_by_role("radio", name="7", exact=True).press("ArrowRight")
    visitor.page.keyboard.press("Enter")
    visitor.expect_query("engagement_days=14")


def color(css: str) -> tuple[float, ...]:
    """Red, green, blue (0 to 255), and opacity."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", css)]
    return tuple(numbers) if len(numbers) == 4 else (*numbers[:3], 1.0)


def luminance(rgb: tuple[float, ...]) -> float:
    """Relative luminance, WCAG 2."""
    parts = [value / 255 for value in rgb[:3]]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(ink: tuple[float, ...], ground: tuple[float, ...]) -> float:
    """Contrast ratio, WCAG 2; see-through ink is mixed with the ground first."""
    mixed = tuple(ink[3] * one + (1 - ink[3]) * other for one, other in zip(ink[:3], ground[:3], strict=True))
    lighter, darker = sorted((luminance(mixed), luminance(ground)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_a_database_that_another_program_writes_to_is_said_and_works_again_afterwards(
    visitor: Visitor, database: Path
) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        visitor.page.goto(f"{visitor.address}/engagement?as_of=2026-09-15")
        expect(visitor.main.get_by_text("The database is busy")).to_be_visible()
        expect(visitor.main.get_by_test_id("stException")).to_have_count(0)
        writer.execute("ROLLBACK")
    # It looks again by itself; a click on the button may come too late to find it.
    expect(visitor.main.get_by_test_id("stDataFrame").first).to_be_visible()
    expect(visitor.main.get_by_text("The database is busy")).to_have_count(0)
    expect(visitor.main.get_by_text("9–15 Sep 2026")).to_be_visible()
