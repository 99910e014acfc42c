"""Reports: what was sent, what it said, and one made now."""

from lib.ui import reports
from lib.ui.door import open_page

with open_page("Reports", question="What did the reports say, and did they all go out?") as page:
    page.say_now()
    reports.draw_maker(page)
    runs = reports.load_runs(page)
    picked = reports.pick_run(page, runs) if runs else None
    if picked:
        reports.draw_run(page, picked)
