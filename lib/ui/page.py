"""What a page has at hand: its filters, its windows, its header, and tables that can be taken along."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import streamlit as st

from lib import exports
from lib.access import LOCAL, Visitor
from lib.exports import Sheet
from lib.period import Period, day_of, day_range, day_text, end_of_day, moment_text
from lib.queries.freshness import oldest_session
from lib.settings import Settings
from lib.ui import cached
from lib.ui.filters import Filters
from lib.ui.source import Source

WINDOWS = (7, 14, 30, 90, 365)


@dataclass
class Page:
    """One run of one page. ``newest`` is the newest session, ``computed`` when the figures were asked for (UTC),
    ``visitor`` who looks at it and may see less than everything.
    """

    title: str
    name: str
    question: str
    settings: Settings
    source: Source
    filters: Filters
    newest: datetime | None
    computed: datetime
    today: date
    sheets: dict[str, Sheet] = field(default_factory=dict)
    definitions: dict[str, str] = field(default_factory=dict)
    windows: list[str] = field(default_factory=list)
    misfits: list[str] = field(default_factory=list)
    without_names: bool = False
    visitor: Visitor = LOCAL

    @property
    def zone(self) -> str:
        """The reporting zone (IANA name)."""
        return self.settings.timezone

    @property
    def as_of(self) -> date:
        """The day that every window ends with."""
        day: date = self.filters["as_of"]
        return day

    @property
    def days_old(self) -> int | None:
        """Days from the newest session to today; None without sessions."""
        return (self.today - day_of(self.newest, self.zone)).days if self.newest else None

    @property
    def end_of_today(self) -> datetime:
        """The first instant of tomorrow (UTC): what is dated later is a mistake."""
        return end_of_day(self.today, self.zone)

    @property
    def theme(self) -> str:
        """The visitor's theme, "light" or "dark"."""
        return st.context.theme.type or "light"

    def period(self, name: str) -> Period:
        """The window that the filter ``name`` has now, without a control for it."""
        return Period(self.as_of, self.filters[name], self.zone)

    def window_control(self, name: str) -> Period:
        """The control for the window's length."""
        days = sorted({*WINDOWS, self.filters[name]})
        chosen = st.segmented_control(
            "Window, days", days, key=self.filters.key(name), required=True, help="Calendar days that end with As of."
        )
        self.filters.use(name, chosen)
        return self.period(name)

    def draw_header(self) -> None:
        """The title; the line under it is filled in once the page knows its window."""
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.title(self.title, anchor=False, width="content")
            self._caption = st.empty()
        self._warning = st.empty()
        self._old = st.empty()
        self.say_misfits(*(self.filters.params[name].label for name in self.filters.misfits))

    def say_misfits(self, *labels: str) -> None:
        """One warning under the title that names all controls which were to have what they cannot have."""
        self.misfits += labels
        if self.misfits:
            names = ", ".join(dict.fromkeys(self.misfits))
            self._warning.warning(
                f"Some values that do not fit here ({names}) were left out.", icon=":material/link_off:"
            )

    def say_old(self, sentence: str) -> None:
        """The warning of old data, for where the sidebar is closed: the style sheet knows it by its key."""
        self._old.container(key="old_data").warning(sentence, icon=":material/schedule:")

    def say_now(self) -> None:
        """The line under the title of a page that has no window: data as of, computed at."""
        self._caption.caption(self._times)

    @property
    def _times(self) -> str:
        data = f"data as of {moment_text(self.newest, self.zone)}" if self.newest else "no sessions yet"
        return f"{data} · computed {moment_text(self.computed, self.zone)} ({self.zone})"

    def begins_inside(self, period: Period) -> date | None:
        """The day of the oldest session, where ``period`` has no data before it: a comparison with that says little."""
        oldest = cached.ask_if_readable(self.source, oldest_session)
        begins = day_of(oldest, self.zone) if oldest else None
        return begins if begins and begins > period.first else None

    def say_window(self, period: Period, *, compared: bool = True) -> None:
        """The line under the title: window, window before, data as of, computed at."""
        before = f" vs {day_range(period.before.first, period.before.as_of)}" if compared else ""
        if compared and (begins := self.begins_inside(period.before)):
            before += f" (no data before {day_text(begins)})"
        self._caption.caption(f"{period.caption}{before} · {self._times}")
        self.windows.append(period.caption)

    def say_empty(self, what: str, period: Period) -> None:
        """An empty result: what it means and what to do."""
        st.info(f"**{what} in {period.caption}.** {self._way_out(period)}", icon=":material/info:")
        if self.newest is None or period.first <= (day := day_of(self.newest, self.zone)) <= period.as_of:
            return
        there = Period(day, period.days, self.zone)
        shows = f"Show {day_range(there.first, there.as_of)}"
        if st.button(shows, on_click=self.filters.set, kwargs={"as_of": day}, key=f"show_newest_{what}"):
            st.rerun()  # the whole page, also where this stands in a part that is drawn by itself

    def _way_out(self, period: Period) -> str:
        if self.newest is None:
            return "The database has no sessions yet. Data health says what is there."
        if period.first <= day_of(self.newest, self.zone) <= period.as_of:
            return "Choose a longer window, or fewer filters."
        return f"The newest session is of {moment_text(self.newest, self.zone)}."

    def about(self, rows: str) -> dict[str, str]:
        """What a file says about itself."""
        return {
            "Title": self.title,
            "Question": self.question,
            "Window": "; ".join(dict.fromkeys(self.windows)),
            "Reporting zone": self.zone,
            "Filters": "; ".join(f"{name}: {text}" for name, text in self.filters.shown.items()) or "none",
            "Rows": rows,
            "Data as of": moment_text(self.newest, self.zone) if self.newest else "no sessions yet",
            "Computed at": moment_text(self.computed, self.zone),
            "Database": self.source.name,
            **({"Names": "left out; each user has a pseudonym, the same in every file"} if self.without_names else {}),
            **{f"How counted: {name}": text for name, text in self.definitions.items()},
        }

    def file_name(self, name: str, extension: str) -> str:
        """A file name with the day in it."""
        return exports.text_file_name(name, self.as_of.isoformat(), extension=extension)
