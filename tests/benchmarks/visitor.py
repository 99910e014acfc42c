"""A visitor who speaks to the server over its websocket, as a browser does: what the server alone takes for a rerun."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.benchmarks.server import Server

PATIENCE = 300  # seconds for the first answer of a big database
# How the values of each kind of widget travel: in which field, and whether as a list.
FIELDS = {
    "slider": ("double_array_value", True),
    "date_input": ("string_array_value", True),
    "multiselect": ("string_array_value", True),
    "button_group": ("string_array_value", True),
    "checkbox": ("bool_value", False),
    "number_input": ("double_value", False),
    "text_input": ("string_value", False),
}


@dataclass
class Visit:
    """One visitor's websocket, the state of each widget on the page by label, and the fragment it stands in."""

    socket: ClientConnection
    page: str
    query: str = ""
    states: dict[str, WidgetState] = field(default_factory=dict)
    fragments: dict[str, str] = field(default_factory=dict)

    def rerun(self, fragment: str = "") -> float:
        """Run the page, or a fragment of it; the time in ms until the server has sent everything."""
        message = BackMsg()
        client = message.rerun_script
        client.query_string, client.page_name, client.fragment_id = self.query, self.page, fragment
        client.context_info.timezone = "UTC"
        client.widget_states.widgets.extend(self.states.values())
        start = time.perf_counter()
        self.socket.send(message.SerializeToString())
        while not self._is_done(ForwardMsg.FromString(self._received())):
            pass
        return (time.perf_counter() - start) * 1_000

    def move(self, label: str, value: Any) -> float:
        """Set a widget; the time of the rerun that follows."""
        _put(self.states[label], value)
        return self.rerun(self.fragments[label])

    def _received(self) -> bytes:
        answer = self.socket.recv(timeout=PATIENCE)
        return answer if isinstance(answer, bytes) else answer.encode()

    def _is_done(self, message: ForwardMsg) -> bool:
        kind = message.WhichOneof("type")
        if kind == "delta":
            self._note(message)
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "page_not_found":
            raise RuntimeError(f"there is no page {self.page}")
        return kind == "script_finished"

    def _note(self, message: ForwardMsg) -> None:
        """Take over a widget's value, as the server says it."""
        element = message.delta.new_element
        kind = element.WhichOneof("type") or ""
        if kind == "exception":
            raise RuntimeError(element.exception.message)
        if kind in FIELDS:
            widget = getattr(element, kind)
            if widget.set_value or widget.label not in self.states:
                self.states[widget.label] = _state(widget, *FIELDS[kind])
            self.fragments[widget.label] = message.delta.fragment_id


def _state(widget: Any, name: str, is_list: bool) -> WidgetState:
    state = WidgetState(id=widget.id)
    value = widget.raw_values if hasattr(widget, "raw_values") else widget.value if widget.set_value else widget.default
    if is_list:
        getattr(state, name).data.extend(value)
    else:
        setattr(state, name, value)
    return state


def _put(state: WidgetState, value: Any) -> None:
    getattr(state, str(state.WhichOneof("value"))).data[:] = [value]


@contextmanager
def visit(server: Server, page: str = "") -> Iterator[Visit]:
    """A visitor to ``page`` whose first run is over, and who has told the server of the widgets."""
    address = f"ws://127.0.0.1:{server.port}/_stcore/stream"
    with connect(address, subprotocols=[Subprotocol("streamlit")], max_size=None, open_timeout=60) as connection:
        visitor = Visit(connection, page)
        visitor.rerun()
        visitor.rerun()
        yield visitor
