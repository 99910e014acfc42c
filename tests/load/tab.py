"""A tab of a browser, as far as the server can tell: one websocket, widgets with their values, remembered messages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.load.widgets import Widget

PATIENCE = 60  # seconds until a person gives up
FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)


class PageError(Exception):
    """The page says that something went wrong, or the server does not keep to its own rules."""


@dataclass
class Memory:
    """Big messages, which the server sends again as a hash alone; kept and forgotten as Streamlit's own page does."""

    runs: int = 0
    kept: dict[str, tuple[ForwardMsg, int]] = field(default_factory=dict)

    def whole(self, message: ForwardMsg) -> ForwardMsg:
        """The message itself, or the one that it refers to; raises PageError where that is not known."""
        is_reference = message.WhichOneof("type") == "ref_hash"
        if is_reference and message.ref_hash not in self.kept:
            raise PageError("The server refers to a message that the browser does not have.")
        whole = self.kept[message.ref_hash][0] if is_reference else message
        if is_reference or message.metadata.cacheable:
            self.kept[whole.hash] = whole, self.runs
        return whole

    def end_run(self, oldest: int, fragments: list[str]) -> None:
        """Forget what was not seen for more than ``oldest`` runs; a run of fragments only touches theirs."""
        self.runs += 1
        for name, (message, seen) in list(self.kept.items()):
            ran = not fragments or message.delta.fragment_id in fragments
            if ran and self.runs - seen > oldest:
                del self.kept[name]


class Tab:
    """What a person does in a tab; each takes as long, in ms, as the server takes to have sent everything."""

    def __init__(self, socket: ClientConnection, random: Random) -> None:
        self._socket, self._random = socket, random
        self._memory = Memory()
        self._page = self._query = ""
        self._oldest = 0
        self._fragments: list[str] = []
        self._states: dict[str, WidgetState] = {}
        self._links: dict[str, str] = {}
        self.widgets: dict[str, Widget] = {}
        self._drawn: dict[str, Widget] = {}

    @property
    def has_page(self) -> bool:
        """Whether a page was drawn yet."""
        return bool(self._page)

    @property
    def has_links(self) -> bool:
        """Whether there are other pages to go to."""
        return bool(self._links)

    async def reload(self) -> float:
        """Run the page again as it is; a first time, the page at the address."""
        return await self._rerun()

    async def follow(self, label: str) -> float:
        """Click a link to a page of the app. Widgets of the page that is left are forgotten."""
        if label not in self._links:
            raise PageError(f"There is no link to {label}.")
        self._page, self._query, self._states = self._links[label], "", {}
        return await self._rerun()

    async def change(self, label: str) -> float:
        """Set a widget to another value."""
        if label not in self.widgets:
            raise PageError(f"There is no widget {label}.")
        widget = self.widgets[label]
        self._states[widget.element.id] = widget.another(self._states[widget.element.id], self._random)
        return await self._rerun(widget.fragment)

    async def _rerun(self, fragment: str = "") -> float:
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_script_hash, client.fragment_id = self._query, self._page, fragment
        client.context_info.timezone, client.context_info.color_scheme = "UTC", "light"
        client.widget_states.widgets.extend(self._states.values())
        client.cached_message_hashes.extend(self._memory.kept)
        start = time.perf_counter()
        await self._socket.send(message.SerializeToString())
        async with asyncio.timeout(PATIENCE):
            await self._receive_all()
        return (time.perf_counter() - start) * 1_000

    async def _receive_all(self) -> None:
        """Everything until the run is over; raises PageError, after the end, for the first thing that went wrong."""
        problem: PageError | None = None
        while True:
            message = ForwardMsg.FromString(await self._socket.recv(decode=False))
            try:
                if self._take(self._memory.whole(message)):
                    break
            except PageError as error:
                problem = problem or error
        if problem:
            raise problem

    def _take(self, message: ForwardMsg) -> bool:
        """Whether this was the last message of a run."""
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._note(message.delta)
        elif kind == "new_session":
            self._begin(message)
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "page_not_found":
            raise PageError("There is no such page.")
        elif kind == "session_event" and message.session_event.HasField("script_compilation_exception"):
            raise PageError(message.session_event.script_compilation_exception.message)
        elif kind == "script_finished" and message.script_finished in FINISHED:
            self._end()
            return True
        return False

    def _begin(self, message: ForwardMsg) -> None:
        self._page = message.new_session.page_script_hash
        self._oldest = message.new_session.config.max_cached_message_age
        self._fragments, self._drawn = list(message.metadata.run.fragment_ids), {}

    def _note(self, delta: Delta) -> None:
        """Take over widgets with the values that the server gives them, and links; an error on the page is one."""
        element = delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception" and not element.exception.is_warning:
            raise PageError(f"{element.exception.type}: {element.exception.message}")
        if kind == "alert" and element.alert.format == element.alert.ERROR:
            raise PageError(element.alert.body)
        if kind == "page_link":
            self._links[element.page_link.label] = element.page_link.page_script_hash
        widget = Widget.of(delta)
        if widget:
            self._drawn[widget.element.label] = widget
            if widget.element.set_value or widget.element.id not in self._states:
                self._states[widget.element.id] = widget.state()

    def _end(self) -> None:
        """What the run did not draw again is no longer there."""
        stay = {
            label: old for label, old in self.widgets.items() if self._fragments and old.fragment not in self._fragments
        }
        self.widgets = stay | self._drawn
        there = {widget.element.id for widget in self.widgets.values()}
        self._states = {name: state for name, state in self._states.items() if name in there}
        self._memory.end_run(self._oldest, self._fragments)


@asynccontextmanager
async def open_tab(address: str, random: Random) -> AsyncIterator[Tab]:
    """A tab at the server ``address`` ("http://...") that has drawn nothing yet."""
    stream = f"{address.replace('http', 'ws', 1)}/_stcore/stream"
    protocols = [Subprotocol("streamlit")]
    async with connect(
        stream, subprotocols=protocols, max_size=None, open_timeout=PATIENCE, ping_interval=None
    ) as socket:
        yield Tab(socket, random)
