"""A chart that is built to the end: building one takes far longer than sending it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from lib.exports import Spec, specification

if TYPE_CHECKING:
    import altair as alt

    AnyChart = alt.Chart | alt.LayerChart


def finished(chart: AnyChart) -> Spec:
    """The chart as Vega-Lite, its rows under ``datasets`` as DataFrames, as `st.vega_lite_chart` takes them.

    A browser that gets rows as tables does not read times from texts, so they are times here.
    """
    spec = specification(chart, validate=False)  # a third of the time; tests validate every chart of ours
    times = _times(spec)
    datasets = {name: pd.DataFrame(rows) for name, rows in spec.get("datasets", {}).items()}
    for frame in datasets.values():
        for name in times & set(frame.columns):
            frame[name] = pd.to_datetime(frame[name], format="ISO8601")
    return spec | {"datasets": datasets}


def _times(node: Any) -> set[str]:
    """Fields that are drawn as times."""
    if isinstance(node, list):
        return set().union(*map(_times, node))
    if not isinstance(node, dict):
        return set()
    own = {str(node["field"])} if node.get("type") == "temporal" and "field" in node else set()
    return own.union(*(_times(part) for key, part in node.items() if key != "datasets"))
