"""Charts: pure functions, DataFrame to altair chart. The page and the picture file draw the same one."""

from lib.charts.conversion import candidates_curve, describe_candidates_curve, describe_what_if_grid, what_if_grid
from lib.charts.finished import finished
from lib.charts.mistakes import describe_heatmap, heatmap
from lib.charts.palette import DARK, LIGHT, Palette, palette
from lib.charts.post import post_card
from lib.charts.sessions import (
    confidence_by_level,
    describe_confidence_by_level,
    describe_weekly_sessions,
    weekly_sessions,
)

__all__ = [
    "DARK",
    "LIGHT",
    "Palette",
    "candidates_curve",
    "confidence_by_level",
    "describe_candidates_curve",
    "describe_confidence_by_level",
    "describe_heatmap",
    "describe_weekly_sessions",
    "describe_what_if_grid",
    "finished",
    "heatmap",
    "palette",
    "post_card",
    "weekly_sessions",
    "what_if_grid",
]
