from __future__ import annotations

import io

from PIL import Image
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import Visitor

CELL = "grammar, Articles: "
QUERY = "cells=grammar%7CArticles"
OTHER = "vocabulary, Basic phrases: "
FADED = "0.25"


def texts(visitor: Visitor) -> list[str]:
    """The mistakes in the list."""
    return [row[0] for row in visitor.rows(the_list(visitor))]


def the_list(visitor: Visitor) -> Locator:
    """The part of the page with the ranked table."""
    return visitor.main.get_by_test_id("stColumn").filter(has=visitor.page.get_by_test_id("stDataFrame")).last


def test_a_cell_narrows_the_list_survives_a_reload_and_a_second_click_brings_all_back(visitor: Visitor) -> None:
    visitor.open("mistakes")
    every = texts(visitor)
    visitor.cell(CELL).dispatch_event("click")
    visitor.expect_query(QUERY)
    expect(visitor.cell(OTHER)).to_have_attribute("fill-opacity", FADED)
    few = visitor.rows(the_list(visitor))
    assert {(row[8], row[9]) for row in few} == {("grammar", "Articles")}
    promised = (visitor.cell(CELL).get_attribute("aria-label") or "").partition(": ")[2].split()[0]
    assert sum(int(row[3]) for row in few) == int(promised)

    visitor.page.reload()
    visitor.settle()
    assert visitor.query == QUERY
    assert visitor.rows(the_list(visitor)) == few
    expect(visitor.cell(OTHER)).to_have_attribute("fill-opacity", FADED)

    visitor.cell(CELL).dispatch_event("click")
    visitor.expect_query("")
    expect(visitor.cell(OTHER)).not_to_have_attribute("fill-opacity", FADED)
    assert texts(visitor) == every


def test_two_cells_show_both_one_button_clears_them_and_another_view_has_cells_of_its_own(visitor: Visitor) -> None:
    visitor.open("mistakes", cells="grammar|Articles")
    few = texts(visitor)
    visitor.cell("vocabulary, Tone: ").dispatch_event("click")
    visitor.expect_query(f"{QUERY}~vocabulary%7CTone")
    visitor.settle()
    assert {row[9] for row in visitor.rows(the_list(visitor))} == {"Articles", "Tone"}

    visitor.main.get_by_role("button", name="show all").click()
    visitor.expect_query("")
    expect(visitor.cell(OTHER)).not_to_have_attribute("fill-opacity", FADED)
    every = texts(visitor)
    assert every != few

    visitor.cell(CELL).dispatch_event("click")
    visitor.expect_query(QUERY)
    visitor.choose("Across", "English level")
    visitor.expect_query("view=level")
    visitor.settle()
    assert len(texts(visitor)) == 10
    visitor.cell("B1, Articles: ").dispatch_event("click")
    visitor.expect_in_query("view=level", "cells=B1%7CArticles")
    visitor.settle()
    assert {row[9] for row in visitor.rows(the_list(visitor))} == {"Articles"}


def test_three_picked_mistakes_and_no_fourth_become_posts_to_edit_copy_and_take_along(visitor: Visitor) -> None:
    visitor.open("mistakes")
    picked = texts(visitor)[:3]
    for row in range(3):
        visitor.tick(row)
        expect(visitor.page.get_by_role("tab")).to_have_count(row + 1)
    visitor.settle()
    assert tab_texts(visitor) == picked

    panel = visitor.page.get_by_role("tabpanel").first
    box = panel.get_by_label("Text", exact=True)
    written = box.input_value()
    assert f"{len(written):,} of 3,000 characters" in panel.inner_text()
    box.fill(f"Short and sharp.\n\n{written}")
    box.press("Control+Enter")
    expect(panel.get_by_text("first line 16 of 140")).to_be_visible()
    expect(panel.get_by_test_id("stText").first).to_contain_text("Short and sharp.")
    visitor.settle()

    panel.get_by_role("button", name="Copy").click()
    visitor.page.get_by_test_id("stCode").hover()
    visitor.page.get_by_role("button", name="Copy to clipboard").click()
    visitor.page.wait_for_function("navigator.clipboard.readText().then(text => text.startsWith('Short and sharp.'))")
    visitor.page.keyboard.press("Escape")
    name, content = visitor.take(visitor.downloads("Text file", panel))
    assert name.endswith(".txt")
    assert content.decode() == f"Short and sharp.\n\n{written}"
    name, content = visitor.take(visitor.downloads("Picture", panel))
    assert name.endswith(".png")
    assert Image.open(io.BytesIO(content)).size in {(1200, 627), (2400, 1254)}

    visitor.tick(3)
    expect(visitor.main.get_by_text("A series has 3 posts at most")).to_be_visible()
    expect(visitor.page.get_by_role("tab")).to_have_count(3)


def test_what_is_picked_stays_in_the_tray_while_cells_are_clicked_until_it_is_removed(visitor: Visitor) -> None:
    visitor.open("mistakes")
    visitor.tick(0)
    expect(visitor.main.get_by_text("1 of 3 picked")).to_be_in_viewport()
    visitor.settle()
    visitor.cell(CELL).dispatch_event("click")
    visitor.expect_query(QUERY)
    expect(visitor.main.get_by_role("button", name="show all")).to_be_visible()
    visitor.settle()
    new = next(place for place, text in enumerate(texts(visitor)) if text != tab_texts(visitor)[0])
    visitor.tick(new)
    expect(visitor.main.get_by_text("2 of 3 picked")).to_be_visible()
    visitor.settle()
    picked = tab_texts(visitor)

    visitor.main.get_by_role("button", name="show all").click()
    visitor.expect_query("")
    visitor.settle()
    assert tab_texts(visitor) == picked
    visitor.main.get_by_role("button", name="Remove", exact=True).first.click()
    expect(visitor.main.get_by_text("1 of 3 picked")).to_be_visible()
    visitor.settle()
    assert tab_texts(visitor) == picked[1:]
    visitor.tick(0)
    expect(visitor.main.get_by_text("2 of 3 picked")).to_be_visible()


def tab_texts(visitor: Visitor) -> list[str]:
    """The mistakes that posts are written about."""
    return [tab.inner_text().partition(". ")[2] for tab in visitor.page.get_by_role("tab").all()]


def test_a_mistake_of_few_users_is_not_offered_for_a_post_and_the_page_says_why(visitor: Visitor) -> None:
    visitor.open("mistakes", mistakes_days="7", levels="C2")
    rows = visitor.rows(the_list(visitor))
    row = next(place for place, row in enumerate(rows) if row[10] != "yes")
    visitor.tick(row)
    expect(visitor.main.get_by_text("cannot be published")).to_be_visible()
    expect(visitor.main.get_by_text("5 are needed").filter(visible=True)).to_be_visible()
    expect(visitor.page.get_by_role("tab")).to_have_count(0)


def test_filters_of_the_list_survive_a_link_to_a_colleague(visitor: Visitor, visit: Visit) -> None:
    visitor.open("mistakes")
    visitor.choose("Sources", "IT English")
    visitor.expect_query("sources=detected%2Cit")
    visitor.choose("Across", "Domain")
    visitor.expect_in_query("sources=detected%2Cit", "view=domain")
    visitor.settle()
    colleague = visit(locale="de-DE")
    colleague.page.goto(visitor.page.url)
    colleague.settle()
    assert texts(colleague) == texts(visitor)
    assert colleague.query == visitor.query
