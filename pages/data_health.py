"""Data health: is the data fresh and sound, and what to do when it is not."""

from lib.queries.health import missing_parts, oddity_table, table_states
from lib.queries.wall import withheld_from
from lib.ui import health
from lib.ui.cached import ask
from lib.ui.door import open_page

with open_page("Data health", question="Is the data fresh and sound, and what if not?") as page:
    page.say_now()
    states = ask(page.source, table_states, page.end_of_today)
    oddities = ask(page.source, oddity_table, tuple(states), page.end_of_today, withheld_from(page.visitor))
    missing = ask(page.source, missing_parts, tuple(states))
    health.draw_verdict(page, states, oddities, missing)
    health.draw_tables(page, states)
    health.draw_oddities(page, oddities)
    health.draw_repairs(page, missing)
