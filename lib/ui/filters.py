"""Filters that live in the address, follow the visitor from page to page, and can be set by code.

On a first visit, and after Back or Forward, the address is the truth. On a change of page within a visit, shared
filters keep their values; what the address names beats them. Streamlit's own `bind` loses shared values on a change
of page, so this module writes the address itself, once a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from lib.ui.params import Param, parse_all

_CHOSEN, _DEFAULTS, _PAGE, _VISIT = "filter_chosen", "filter_defaults", "filter_page", "filter_visit"


class Filters:
    """The filters of one run of one page. Widgets use ``key(name)`` as their key and no default of their own."""

    def __init__(self, page: str, params: Mapping[str, Param]) -> None:
        self.page = page
        self.params = params
        self.misfits: list[str] = []
        self.shown: dict[str, str] = {}
        if st.session_state.get(_PAGE) != page or _is_history_step():
            self._enter()
        else:
            self._follow_defaults()
        st.session_state[_DEFAULTS] = self._defaults

    def _enter(self) -> None:
        given, self.misfits = parse_all(self.params, st.query_params.to_dict())
        kept = {} if _is_history_step() else self._chosen
        shared = {name: value for name, value in kept.items() if self.params[name].is_shared}
        st.session_state[_CHOSEN] = {}
        st.session_state[_PAGE] = self.page
        st.session_state[_VISIT] = self.visit + 1
        self.set(**self._defaults | shared | given)

    def _follow_defaults(self) -> None:
        """New data and new settings move the defaults: what nobody has changed goes with them."""
        for name, before in st.session_state[_DEFAULTS].items():
            if name not in self._chosen and before != self[name] and self._widget(name) in (before, None):
                self.set(**{name: self[name]})

    @property
    def _defaults(self) -> dict[str, Any]:
        return {name: param.default for name, param in self.params.items()}

    @property
    def _chosen(self) -> dict[str, Any]:
        """What differs from the defaults, by name: only that stays when they move."""
        chosen: dict[str, Any] = st.session_state.get(_CHOSEN, {})
        return chosen

    def _widget(self, name: str) -> Any:
        """What the filter's widget holds; None where it has no state."""
        value = st.session_state.get(f"{self.page}:{name}")
        return tuple(value) if isinstance(value, list) else value

    def key(self, name: str) -> str:
        """The session key of what is called ``name`` on this page. A filter's widget that has no state, since it was
        away for a run or the session is new, begins with the filter's value.
        """
        if name in self.params and f"{self.page}:{name}" not in st.session_state:
            self.set(**{name: self[name]})
        return f"{self.page}:{name}"

    @property
    def visit(self) -> int:
        """A number that changes when filters were set from outside the page's widgets: a part of keys of charts.

        A chart keeps its clicks in the browser; only a new key makes it forget them.
        """
        return int(st.session_state.get(_VISIT, 0))

    def __getitem__(self, name: str) -> Any:
        return self._chosen.get(name, self.params[name].default)

    def use(self, name: str, value: Any, label: str = "", text: str = "") -> Any:
        """Take over what a widget returned; ``label`` and ``text`` say it in files. None keeps the value."""
        value = self[name] if value is None else tuple(value) if isinstance(value, list) else value
        self._take(name, value)
        if label:
            self.shown[label] = text or str(value)
        return value

    def set(self, **values: Any) -> None:
        """Set filters from a callback: the widgets show it on the run that follows."""
        for name, value in values.items():
            self._take(name, value)
            st.session_state[f"{self.page}:{name}"] = list(value) if isinstance(value, tuple) else value

    def _take(self, name: str, value: Any) -> None:
        others = {other: kept for other, kept in self._chosen.items() if other != name}
        st.session_state[_CHOSEN] = others if value == self.params[name].default else others | {name: value}

    def reset(self, *names: str) -> None:
        """Bring defaults back, from a callback."""
        self.set(**{name: self.params[name].default for name in names})
        st.session_state[_VISIT] = self.visit + 1

    def is_default(self, *names: str) -> bool:
        """Whether all of ``names`` have their defaults."""
        return all(self[name] == self.params[name].default for name in names)

    def address(self, **instead: Any) -> dict[str, str]:
        """What an address needs to show these filters, with some other values ``instead``; defaults are left out."""
        values = self._chosen | instead
        return {
            name: param.write(values[name])
            for name, param in self.params.items()
            if name in values and values[name] != param.default and (param.is_shared or name in instead)
        }

    def write_address(self) -> None:
        """Put the filters into the address; which writes are a step of the browser's history says history.html."""
        foreign = {name: text for name, text in st.query_params.to_dict().items() if name not in self.params}
        ours = {name: param.write(self[name]) for name, param in self.params.items() if self[name] != param.default}
        if foreign | ours != st.query_params.to_dict():
            st.query_params.from_dict(foreign | ours)


def _is_history_step() -> bool:
    """Whether Back or Forward led here. Streamlit has no public way to ask."""
    context = get_script_run_ctx()
    return bool(context and context.is_history_navigation)
