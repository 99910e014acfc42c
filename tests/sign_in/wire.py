"""What a browser says to the app, said by a program: with any cookie, any header, for any page."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.request import urlopen

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from lib.ui.text import UNSEEN
from tests.browser.app import PATIENCE

FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
SPOKEN = ("markdown", "heading", "alert", "text", "button", "page_link")


@dataclass
class Wire:
    """One session. ``frames`` is all that the server sent, ``messages`` what it sent for the last thing asked."""

    connection: ClientConnection
    frames: list[bytes] = field(default_factory=list)
    messages: list[ForwardMsg] = field(default_factory=list)
    page: str = ""
    session: str = ""

    def open(self, page: str = "", query: str = "") -> str:
        """A page by its address, such as "conversion"; what stands on it, in words."""
        return self._run(page_name=page, query_string=query)

    def press(self, label: str) -> str:
        """A button."""
        button, fragment = self._find("button", label)
        return self._run(fragment, WidgetState(id=button.id, trigger_value=True))

    def slide(self, label: str, value: float) -> str:
        """A slider."""
        slider, fragment = self._find("slider", label)
        state = WidgetState(id=slider.id)
        state.double_array_value.data.append(value)
        return self._run(fragment, state)

    def files(self) -> list[str]:
        """The labels of the buttons that make a file."""
        return [element.label for kind, element, _ in self._elements() if kind == "download_button"]

    def file_numbers(self) -> list[str]:
        """The numbers by which the browser asks for the files of such buttons."""
        return [element.deferred_file_id for kind, element, _ in self._elements() if kind == "download_button"]

    def download(self, place: int) -> str:
        """Where the file of such a button is, made on the click; empty where it is refused."""
        return self.fetch(self.file_numbers()[place])

    def fetch(self, number: str, session: str = "") -> str:
        """The same by the number of a file, maybe in the name of another session."""
        message = BackMsg()
        message.backend_operation_request.request_id = "1"
        message.backend_operation_request.session_id = session or self.session
        message.backend_operation_request.deferred_file.file_id = number
        self.connection.send(message.SerializeToString())
        while True:
            answer = self._next()
            if answer.WhichOneof("type") == "backend_operation_response":
                return answer.backend_operation_response.deferred_file.url

    @property
    def redirect(self) -> str:
        """Where the server sends the browser."""
        return next((message.auth_redirect.url for message in self.messages if message.HasField("auth_redirect")), "")

    def _run(self, fragment: str = "", *states: WidgetState, **client: str) -> str:
        message = BackMsg()
        rerun = message.rerun_script
        rerun.page_script_hash = "" if client else self.page
        rerun.fragment_id = fragment
        for name, value in client.items():
            setattr(rerun, name, value)
        rerun.widget_states.widgets.extend(states)
        self.connection.send(message.SerializeToString())
        self.messages = []
        while True:
            self.messages.append(self._next())
            kind = self.messages[-1].WhichOneof("type")
            if kind == "new_session":
                self.session = self.messages[-1].new_session.initialize.session_id
            if kind == "navigation":
                self.page = self.messages[-1].navigation.page_script_hash
            if kind == "script_finished" and self.messages[-1].script_finished in FINISHED:
                return self.words

    def _next(self) -> ForwardMsg:
        frame = self.connection.recv(timeout=PATIENCE, decode=False)
        assert isinstance(frame, bytes)
        self.frames.append(frame)
        return ForwardMsg.FromString(frame)

    @property
    def words(self) -> str:
        """What the last run wrote."""
        found = []
        for kind, element, _ in self._elements():
            if kind in SPOKEN:
                found.append(str(getattr(element, "body", "") or getattr(element, "label", "")))
        return "\n".join(found).replace("\\", "").replace(UNSEEN, "").replace("**", "")

    def links(self) -> set[str]:
        """The labels of the links to pages in the sidebar."""
        return {element.label for kind, element, _ in self._elements(where=1) if kind == "page_link"}

    def _elements(self, where: int | None = None) -> Iterator[tuple[str, Any, str]]:
        for message in self.messages:
            if where is not None and list(message.metadata.delta_path[:1]) != [where]:
                continue
            if message.WhichOneof("type") == "delta" and message.delta.WhichOneof("type") == "new_element":
                kind = message.delta.new_element.WhichOneof("type") or ""
                yield kind, getattr(message.delta.new_element, kind, None), message.delta.fragment_id

    def _find(self, kind: str, label: str) -> tuple[Any, str]:
        return next(
            (element, fragment)
            for found, element, fragment in self._elements()
            if found == kind and element.label == label
        )


def xsrf_token(port: int) -> str:
    """The token that the app gives to a browser."""
    with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=PATIENCE) as answer:
        cookies = answer.headers.get_all("Set-Cookie") or []
    return next(text for text in cookies if text.startswith("_streamlit_xsrf=")).partition("=")[2].partition(";")[0]


@contextmanager
def wire(
    port: int,
    host: str = "",
    *,
    origin: str | None = None,
    cookies: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    token: str = "",
) -> Iterator[Wire]:
    """A session with the process at ``port``, asked for by the name ``host``, maybe with another token than it gave."""
    given = xsrf_token(port)
    sent = {**(cookies or {}), "_streamlit_xsrf": given}
    with connect(
        f"ws://{host or f'127.0.0.1:{port}'}/_stcore/stream",
        sock=socket.create_connection(("127.0.0.1", port)),
        origin=origin,
        subprotocols=[Subprotocol("streamlit"), Subprotocol(token or given)],
        additional_headers={"Cookie": "; ".join(f"{k}={v}" for k, v in sent.items()), **(headers or {})},
        max_size=None,
        open_timeout=PATIENCE,
    ) as connection:
        yield Wire(connection)
