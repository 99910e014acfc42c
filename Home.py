"""Home: how the week went, what stands out, and the way to the pages."""

import streamlit as st

from lib import charts, definitions
from lib.analysis.engagement import told_apart, weekly_table
from lib.exports import Sheet
from lib.period import weeks
from lib.queries.engagement import sessions_by_role
from lib.ui import overview
from lib.ui.cached import ask, drawn, made
from lib.ui.door import open_page
from lib.ui.tables import explain, show_chart
from lib.ui.withheld import shown_groups

with open_page("Home", question="How did the week go, and what stands out?") as page:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        period = page.window_control("engagement_days")
        explain(overview.HOW)
    page.say_window(period)
    week = overview.load_week(page, period)
    if not week.totals["sessions"][0]:
        page.say_empty("No sessions", period)
    overview.draw_figures(page, week)

    left, right = st.columns([2, 3], gap="large")
    with left:
        st.header("What stands out", anchor=False)
        overview.draw_standouts(page, period, week)
    with right:
        st.header("Sessions a week", anchor=False)
        last_weeks = weeks(page.as_of, 12, page.zone)
        by_week = ask(page.source, sessions_by_role, last_weeks, completed_only=True)
        by_week = shown_groups(page, by_week, "window", "group")
        weekly = made(weekly_table, by_week, last_weeks)
        weekly["group"] = told_apart(weekly["group"])
        show_chart(
            page,
            Sheet("Sessions a week", weekly, definitions.WEEKLY_COLUMNS),
            drawn(charts.weekly_sessions, weekly),
            how=definitions.WEEKLY,
            sql=by_week.attrs["sql"],
        )
