"""SQL: a question of one's own to the database, which can do no harm."""

from lib.ui import sql_page
from lib.ui.door import open_page

with open_page("SQL", question="What does a statement of one's own find?") as page:
    sql_page.draw(page)
