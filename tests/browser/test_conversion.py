from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor


def figures(visitor: Visitor) -> tuple[int, int, int]:
    """Candidates, revenue potential, rows of the list."""
    candidates = visitor.metric("Candidates").inner_text()
    revenue = visitor.metric("Revenue potential").inner_text()
    return int(candidates.replace(",", "")), int(revenue.strip("$").replace(",", "")), len(visitor.rows())


def test_a_slider_moves_figures_list_and_address_and_reset_brings_all_back(visitor: Visitor) -> None:
    visitor.open("conversion")
    count, revenue, rows = figures(visitor)
    assert (revenue, rows) == (count * 179, count)

    visitor.slide("Confidence above", "ArrowLeft", times=5)
    visitor.expect_query("min_confidence=7.5")
    expect(visitor.metric("Candidates")).not_to_have_text(f"{count}")
    more, more_revenue, more_rows = figures(visitor)
    assert more > count
    assert (more_revenue, more_rows) == (more * 179, more)

    visitor.slide("Sessions at least", "ArrowRight")
    visitor.expect_in_query("min_confidence=7.5", "min_sessions=4")
    expect(visitor.metric("Candidates")).not_to_have_text(f"{more}")
    assert figures(visitor)[0] == figures(visitor)[2] < more

    visitor.main.get_by_role("button", name="Reset to defaults").click()
    visitor.expect_query("")
    expect(visitor.metric("Candidates")).to_have_text(f"{count}")
    assert figures(visitor) == (count, revenue, rows)


def test_a_price_changes_the_revenue_alone(visitor: Visitor) -> None:
    visitor.open("conversion")
    count = figures(visitor)[0]
    price = visitor.page.get_by_label("Price")
    price.fill("199")
    price.press("Enter")
    visitor.expect_query("price=199")
    expect(visitor.metric("Revenue potential")).to_have_text(f"${count * 199:,}")
    assert figures(visitor) == (count, count * 199, count)


def test_a_cell_of_the_grid_sets_the_sliders_and_shows_what_it_said(visitor: Visitor) -> None:
    visitor.open("conversion")
    cell = visitor.cell("confidence above 7.0, at least 4 sessions")
    promised = (cell.get_attribute("aria-label") or "").partition(": ")[2].split()[0]
    cell.dispatch_event("click")
    visitor.expect_in_query("min_confidence=7", "min_sessions=4")
    visitor.expect_score("7.0")
    expect(visitor.page.get_by_role("slider", name="Sessions at least")).to_have_attribute("aria-valuetext", "4")
    expect(visitor.metric("Candidates")).to_have_text(promised)

    visitor.slide("Sessions at least", "ArrowLeft")
    visitor.expect_in_query("min_confidence=7")
    visitor.cell("confidence above 7.0, at least 4 sessions").dispatch_event("click")
    visitor.expect_in_query("min_confidence=7", "min_sessions=4")
    expect(visitor.metric("Candidates")).to_have_text(promised)


def test_a_link_shows_a_colleague_the_same_list(visitor: Visitor, visit: Visit) -> None:
    visitor.open("conversion")
    visitor.slide("Confidence above", "ArrowLeft", times=10)
    visitor.expect_query("min_confidence=7")
    visitor.choose("Run that counts", "Best")
    visitor.expect_in_query("min_confidence=7", "streak=best")
    visitor.choose("Window, days", "30")
    visitor.expect_in_query("min_confidence=7", "streak=best", "conversion_days=30")
    visitor.settle()

    colleague = visit(locale="de-DE")
    colleague.page.goto(visitor.page.url)
    colleague.settle()
    assert colleague.query == visitor.query
    assert colleague.rows() == visitor.rows() != []
    expect(colleague.metric("Candidates")).to_have_text(visitor.metric("Candidates").inner_text())


def test_two_visitors_at_once_see_each_their_own_list(visit: Visit) -> None:
    strict, lenient = visit(), visit()
    for one in (strict, lenient):
        one.open("conversion")
    strict.slide("Confidence above", "ArrowRight", times=5)
    lenient.slide("Confidence above", "ArrowLeft", times=5)
    strict.expect_query("min_confidence=8.5")
    lenient.expect_query("min_confidence=7.5")
    strict.expect_score("8.5")
    few, many = strict.rows(), lenient.rows()
    assert len(few) < len(many)
    assert {row[0] for row in few} <= {row[0] for row in many}


def test_why_or_why_not_answers_for_any_user(visitor: Visitor) -> None:
    visitor.open("conversion")
    chosen = visitor.rows()[0]
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


def test_the_offer_names_the_chosen_candidate_and_what_earned_it(visitor: Visitor) -> None:
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


def test_every_tab_answers_under_strict_and_lenient_thresholds(visitor: Visitor) -> None:
    for query in ({"min_sessions": "10", "min_confidence": "9.9"}, {"min_sessions": "1", "min_confidence": "5"}):
        visitor.open("conversion", **query)
        for name in ("What if", "In and out", "Near misses", "Why or why not", "Offer"):
            visitor.tab(name)
            expect(visitor.page.get_by_test_id("stException")).to_have_count(0)
