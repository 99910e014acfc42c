"""Charts as pictures, drawn without a browser and without a network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from unicodedata import category

from lib.exports.tables import REFUSED, CannotWrite

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    AnyChart = alt.Chart | alt.LayerChart

Spec = dict[str, Any]  # a chart in Vega-Lite, the rows of its ``datasets`` as DataFrames
WHITE = "#ffffff"
LAST_LATIN = 0x17F
NEVER_DRAWN = ("Cn", "Co", "Cs")  # not assigned, for private use, half of a pair
NO_CHARACTER = "\ufdd0"  # Unicode gives this one to nobody, so no font has it
WIDTH = 800  # chart pixels, for a chart that fills its container: a file has no container


def chart_png(chart: AnyChart | Spec, *, scale: float = 2.0) -> bytes:
    """The chart as PNG on white, ``scale`` picture dots per chart pixel. Raises ValueError when it cannot be drawn."""
    import vl_convert

    return vl_convert.vegalite_to_png(_on_white(chart), scale=scale, **_drawing())


def chart_svg(chart: AnyChart | Spec) -> bytes:
    """The chart as SVG on white, UTF-8. Raises ValueError when it cannot be drawn."""
    import vl_convert

    return vl_convert.vegalite_to_svg(_on_white(chart), **_drawing()).encode()


def signs_without_glyph(text: str) -> str:
    """The characters of ``text`` that no font of this machine has, each once: a picture has a box in their place.

    Which fonts there are, and what they have, only drawing tells. Those of Latin are in the font that comes along.
    """
    unusual = [sign for sign in dict.fromkeys(text) if ord(sign) > LAST_LATIN and not sign.isspace()]
    box = _glyph(NO_CHARACTER) if unusual else b""
    return "".join(sign for sign in unusual if category(sign) in NEVER_DRAWN or _glyph(sign) == box)


def _glyph(sign: str) -> bytes:
    import vl_convert

    text = f'<text y="20" font-family="Liberation Sans" font-size="20">{sign}</text>'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24">{text}</svg>'
    return vl_convert.svg_to_png(svg)


def _drawing() -> dict[str, Any]:
    """The Vega-Lite that altair wrote the chart for, and no address from which data may be loaded."""
    import altair as alt

    major, minor, *_ = alt.SCHEMA_VERSION.removeprefix("v").split(".")
    return {"vl_version": f"{major}.{minor}", "allowed_base_urls": []}


def _on_white(chart: AnyChart | Spec) -> dict[str, Any]:
    spec: Spec = _without_refused(_with_records(chart) if isinstance(chart, dict) else specification(chart))
    width = WIDTH if spec.get("width") == "container" else spec.get("width")
    return spec | {"background": WHITE} | ({"width": width} if width is not None else {})


def _without_refused(node: Any) -> Any:
    """The same with a replacement character for each that XML refuses: vl-convert ends the whole process at one."""
    if isinstance(node, str):
        return REFUSED.sub("\ufffd", node)
    if isinstance(node, list):
        return [_without_refused(part) for part in node]
    if isinstance(node, dict):
        return {_without_refused(key): _without_refused(part) for key, part in node.items()}
    return node


def _with_records(spec: Spec) -> dict[str, Any]:
    """The same with rows as JSON has them."""
    return spec | {"datasets": {name: _records(frame) for name, frame in spec["datasets"].items()}}


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records", date_format="iso", date_unit="ms"))
    return rows


def specification(chart: AnyChart, *, validate: bool = True) -> dict[str, Any]:
    """The chart as Vega-Lite with all its rows under ``datasets``. Raises CannotWrite where they cannot be read.

    How altair hands rows over is one setting for all threads, and a page that draws a chart at the same moment sets it
    to "leave them out". The picture of such a chart would be blank, so look, and ask again.
    """
    import altair as alt

    for _ in range(5):
        with alt.data_transformers.enable("default", max_rows=None):
            spec = chart.to_dict(validate=validate)
        if _data_names(spec) <= spec.get("datasets", {}).keys():
            return spec
    raise CannotWrite("The rows of the chart could not be read. Try again.")


def _data_names(node: Any) -> set[str]:
    """Names of the datasets that a chart, or any chart inside it, draws."""
    if isinstance(node, list):
        return set().union(*(_data_names(part) for part in node))
    if not isinstance(node, dict):
        return set()
    data = node.get("data")
    own = {data["name"]} if isinstance(data, dict) and "name" in data else set()
    return own.union(*(_data_names(part) for key, part in node.items() if key not in ("data", "datasets")))
