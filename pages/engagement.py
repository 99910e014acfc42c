"""Engagement: who practised, and is it more or less than before?"""

import streamlit as st

from lib import charts, definitions
from lib.analysis.engagement import engagement_table, level_table_of, ordered, told_apart, weekly_table
from lib.dialects import UNKNOWN
from lib.exports import Sheet
from lib.period import weeks
from lib.queries.engagement import sessions_by_level, sessions_by_role
from lib.schema import LEVELS, ROLES
from lib.ui import controls, looks
from lib.ui.cached import ask, drawn, made
from lib.ui.door import open_page
from lib.ui.tables import show_chart, show_table
from lib.ui.withheld import meant, shown_groups

with open_page("Engagement", question="Who practised, and more or less than before?") as page:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        period = page.window_control("engagement_days")
        levels = controls.some_of(page, "levels", "Level", [*LEVELS, UNKNOWN])
        role_control = st.container(width="content")
        completed_only = not controls.switch(page, "all_sessions", "Count unfinished sessions")
    page.say_window(period)

    windows = (period, period.before)
    found = ask(page.source, sessions_by_role, windows, completed_only=completed_only, levels=levels)
    by_role = shown_groups(page, found, "window", "group")
    with role_control:
        roles = controls.some_of(page, "roles", "Role", ordered(set(by_role["group"]), ROLES))
    table = made(engagement_table, by_role, shown=roles, total="Total")
    if not table["sessions"].any():
        page.say_empty("No sessions", period)
    show_table(
        page,
        Sheet(
            "Engagement by role",
            table.assign(group=told_apart(table["group"])),
            definitions.engagement_columns("group", "Role"),
        ),
        how=definitions.ENGAGEMENT,
        sql=by_role.attrs["sql"],
        look=looks.CHANGES,
    )

    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header("Sessions a week", anchor=False)
        last_weeks = weeks(page.as_of, 12, page.zone)
        by_week = ask(page.source, sessions_by_role, last_weeks, completed_only=completed_only, levels=levels)
        by_week = shown_groups(page, by_week, "window", "group")
        weekly = made(weekly_table, by_week, last_weeks, shown=roles)
        weekly["group"] = told_apart(weekly["group"])
        show_chart(
            page,
            Sheet("Sessions a week", weekly, definitions.WEEKLY_COLUMNS),
            drawn(charts.weekly_sessions, weekly),
            how=definitions.WEEKLY,
            sql=by_week.attrs["sql"],
        )
    with right:
        st.header("Confidence by level", anchor=False)
        wanted = meant(page, roles, set(found["group"]))
        by_level = ask(page.source, sessions_by_level, windows, completed_only=completed_only, roles=wanted)
        by_level = shown_groups(page, by_level, "window", "group")
        level_table = made(level_table_of, by_level, shown=levels)
        show_chart(
            page,
            Sheet("Confidence by level", level_table, definitions.engagement_columns("level", "Level")),
            drawn(charts.confidence_by_level, level_table),
            how=definitions.LEVELS,
            sql=by_level.attrs["sql"],
        )
