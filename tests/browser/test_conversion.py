from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor, to_offer


def figures(visitor: Visitor) -> tuple[int, int, int]:
    """Candidates to offer, revenue potential, rows of the list that may be offered."""
    candidates = visitor.metric("To offer").inner_text()
    revenue = visitor.metric("Revenue potential").inner_text()
    return int(candidates.replace(",", "")), int(revenue.strip("$").replace(",", "")), len(to_offer(visitor.rows()))


def test_sliders_and_the_price_move_figures_list_and_address_and_reset_brings_all_back(visitor: Visitor) -> None:
    visitor.open("conversion")
    count, revenue, rows = figures(visitor)
    assert (revenue, rows) == (count * 179, count)

    visitor.slide("Confidence above", "ArrowLeft", times=5)
    visitor.expect_query("min_confidence=7.5")
    expect(visitor.metric("To offer")).not_to_have_text(f"{count}")
    more, more_revenue, more_rows = figures(visitor)
    assert more > count
    assert (more_revenue, more_rows) == (more * 179, more)

    visitor.slide("Sessions at least", "ArrowRight")
    visitor.expect_in_query("min_confidence=7.5", "min_sessions=4")
    expect(visitor.metric("To offer")).not_to_have_text(f"{more}")
    fewer, _, fewer_rows = figures(visitor)
    assert fewer == fewer_rows < more

    price = visitor.page.get_by_label("Price")
    price.fill("199")
    price.press("Enter")
    visitor.expect_in_query("min_confidence=7.5", "min_sessions=4", "price=199")
    expect(visitor.metric("Revenue potential")).to_have_text(f"${fewer * 199:,}")
    assert figures(visitor) == (fewer, fewer * 199, fewer)

    visitor.main.get_by_role("button", name="Reset to defaults").click()
    visitor.expect_query("")
    expect(visitor.metric("To offer")).to_have_text(f"{count}")
    assert figures(visitor) == (count, revenue, rows)


def test_a_cell_of_the_grid_sets_the_sliders_and_shows_what_it_said(visitor: Visitor) -> None:
    visitor.open("conversion")
    cell = visitor.cell("confidence above 7.0, at least 4 sessions")
    promised = (cell.get_attribute("aria-label") or "").partition(": ")[2].split()[0]
    cell.dispatch_event("click")
    visitor.expect_in_query("min_confidence=7", "min_sessions=4")
    visitor.expect_score("7.0")
    expect(visitor.page.get_by_role("slider", name="Sessions at least")).to_have_attribute("aria-valuetext", "4")
    expect(visitor.metric("To offer")).to_have_text(promised)

    visitor.slide("Sessions at least", "ArrowLeft")
    visitor.expect_in_query("min_confidence=7")
    visitor.cell("confidence above 7.0, at least 4 sessions").dispatch_event("click")
    visitor.expect_in_query("min_confidence=7", "min_sessions=4")
    expect(visitor.metric("To offer")).to_have_text(promised)


def test_a_link_shows_a_colleague_the_same_list_and_from_there_on_each_sees_their_own(
    visitor: Visitor, visit: Visit
) -> None:
    visitor.open("conversion")
    visitor.slide("Confidence above", "ArrowLeft", times=10)
    visitor.expect_query("min_confidence=7")
    visitor.choose("Sessions in a row", "Longest")
    visitor.expect_in_query("min_confidence=7", "streak=best")
    visitor.choose("Window, days", "30")
    visitor.expect_in_query("min_confidence=7", "streak=best", "conversion_days=30")
    visitor.settle()

    colleague = visit(locale="de-DE")
    colleague.page.goto(visitor.page.url)
    colleague.settle()
    assert colleague.query == visitor.query
    assert colleague.rows() == visitor.rows() != []
    same = visitor.metric("To offer").inner_text()
    expect(colleague.metric("To offer")).to_have_text(same)

    visitor.slide("Confidence above", "ArrowRight", times=15)
    colleague.slide("Confidence above", "ArrowLeft", times=5)
    visitor.expect_in_query("min_confidence=8.5")
    colleague.expect_in_query("min_confidence=6.5")
    for one, score in ((visitor, "8.5"), (colleague, "6.5")):
        one.expect_score(score)
        expect(one.metric("To offer")).not_to_have_text(same)
    few, many = visitor.rows(), colleague.rows()
    assert len(few) < len(many)
    assert {row[0] for row in few} <= {row[0] for row in many}


def test_the_offer_and_why_or_why_not_answer_for_the_user_that_is_chosen(visitor: Visitor) -> None:
    visitor.open("conversion")
    chosen = next(row for row in visitor.rows()[1:] if row[1])
    panel = visitor.tab("Offer")
    panel.get_by_role("combobox").click()
    visitor.page.get_by_role("option", name=chosen[1]).click()
    expect(panel.get_by_test_id("stCode")).to_contain_text(f"To: {chosen[1]}")
    visitor.settle()
    text = panel.get_by_test_id("stCode").inner_text()
    for part in ("Subject:", chosen[3], chosen[4], "$179", "40", "48"):
        assert part in text
    name, content = visitor.take(visitor.downloads("Text file", panel))
    assert name.endswith(".txt")
    assert f"To: {chosen[1]}" in content.decode()

    panel = visitor.tab("Why or why not")
    who = panel.get_by_label("User")
    who.fill(chosen[0])
    who.press("Enter")
    expect(panel.get_by_text(f"{chosen[0]} qualifies.")).to_be_visible()
    visitor.expect_in_query(f"user={chosen[0]}")
    visitor.settle()
    assert [row[2] for row in visitor.rows(panel)].count("yes") == int(chosen[3])

    who.fill("nobody-has-this-name")
    who.press("Enter")
    expect(panel.get_by_text("No account has this id or address.")).to_be_visible()


def test_every_tab_answers_under_strict_and_lenient_thresholds(visitor: Visitor) -> None:
    visitor.open("conversion")
    for key, score in (("End", "9.9"), ("Home", "5.0")):
        visitor.slide("Confidence above", key)
        visitor.slide("Sessions at least", key)
        visitor.expect_score(score)
        visitor.settle()
        for name in ("What if", "In and out", "Near misses", "Why or why not", "Offer"):
            visitor.tab(name)
            expect(visitor.page.get_by_test_id("stException")).to_have_count(0)
