"""Audit: who did what, and when."""

from lib.ui import audit_page
from lib.ui.door import open_page

with open_page("Audit", question="Who did what, and when?") as page:
    page.say_now()
    lines, count = audit_page.load_lines(page)
    if lines:
        audit_page.draw_lines(page, lines, count)
