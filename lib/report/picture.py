"""The heatmap as a picture, the same chart as on the page."""

from __future__ import annotations

import altair as alt
import pandas as pd

from lib.charts import LIGHT, heatmap
from lib.charts.palette import TEXT_SIZE, dress
from lib.exports import chart_png, signs_without_glyph
from lib.report.contents import Mistakes, Report
from lib.report.view import times_sentence
from lib.report.wording import shown

WIDTH = 584  # chart pixels, as wide as the column of the mail: letters keep their size


def heatmap_png(report: Report) -> bytes:
    """PNG of the heatmap by type; where there are no mistakes, a picture that says so."""
    mistakes = report.mistakes
    if mistakes.cells.empty:
        chart = _nothing(mistakes)
    else:
        chart = heatmap(mistakes.cells, LIGHT, x_title="Type", selectable=False)
    return chart_png(chart.properties(width=WIDTH, title=_title(report)))


def _title(report: Report) -> alt.TitleParams:
    """What the picture is of, and when, since it goes out alone, too; and whether it has boxes in place of signs."""
    cells = report.mistakes.cells
    names = {*cells["value"], *cells["error_category"]}
    boxes = (
        ["Signs that no font here has are boxes: see the sheet Heatmap."] if signs_without_glyph("".join(names)) else []
    )
    return alt.TitleParams(
        "Mistakes by category and type",
        subtitle=[
            report.mistakes.period.caption,
            times_sentence(report),
            f"Database: {shown(report.source, 70)}",
            *boxes,
        ],
        anchor="start",
        frame="bounds",
        offset=12,
        fontSize=15,
        fontWeight=600,
        color=LIGHT.text,
        subtitleColor=LIGHT.muted,
        subtitleFontSize=TEXT_SIZE,
        subtitlePadding=5,
        subtitleLineHeight=16,
    )


def _nothing(mistakes: Mistakes) -> alt.LayerChart:
    said = f"No mistakes were recorded in {mistakes.period.caption}."
    text = alt.Chart(pd.DataFrame({"said": [said]})).mark_text(color=LIGHT.muted).encode(text="said:N")
    return dress((text,), LIGHT, height=80, description=said)
