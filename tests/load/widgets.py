"""Widgets as a browser knows them: what the server said of each, and the value that goes back to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from streamlit.proto.Delta_pb2 import Delta
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.benchmarks.visitor import FIELDS


@dataclass(frozen=True)
class Widget:
    """A widget on the page. ``fragment`` is what runs again when it changes; "" is the whole page."""

    kind: str
    element: Any
    fragment: str

    @classmethod
    def of(cls, delta: Delta) -> Widget | None:
        """The widget that a message draws; None for what is no widget, or one that nobody here touches."""
        kind = delta.new_element.WhichOneof("type") or ""
        return cls(kind, getattr(delta.new_element, kind), delta.fragment_id) if kind in FIELDS else None

    def state(self, value: Any = None) -> WidgetState:
        """What the browser sends back of it: ``value``, or else the one that the server gave."""
        field, is_list = FIELDS[self.kind]
        value = self._given() if value is None else value
        state = WidgetState(id=self.element.id)
        if is_list:
            getattr(state, field).data.extend(value)
        else:
            setattr(state, field, value)
        return state

    def another(self, now: WidgetState, random: Random) -> WidgetState:
        """The state after a person has chosen another value than ``now``, any that the widget offers."""
        held = list(getattr(now, FIELDS[self.kind][0]).data)
        values = self._steps() if self.kind == "slider" else self._names()
        return self.state([random.choice([value for value in values if [value] != held])])

    def _given(self) -> Any:
        element = self.element
        if not hasattr(element, "raw_values"):
            return element.value if element.set_value else element.default
        return element.raw_values if element.set_value else [self._names()[place] for place in element.default]

    def _names(self) -> Sequence[str]:
        return [option if isinstance(option, str) else option.content for option in self.element.options]

    def _steps(self) -> Sequence[float]:
        slider = self.element
        return [slider.min + slider.step * place for place in range(round((slider.max - slider.min) / slider.step) + 1)]
