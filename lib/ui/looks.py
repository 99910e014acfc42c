"""How single columns look on a page, where the kind of the column does not say it all."""

from __future__ import annotations

from streamlit.column_config import DatetimeColumn, TextColumn
from streamlit.elements.lib.column_types import ColumnConfig

from lib.definitions import CANDIDATE_COLUMNS

MISTAKE_WIDTHS = {
    "mistake": 244,
    "correct_form": 190,
    "publishable": 78,
    "frequency": 54,
    "percent": 58,
    "trend": 60,
    "users": 55,
}
CANDIDATE_WIDTHS = {
    "user_id": 72,
    "email": 200,
    "english_level": 52,
    "sessions": 72,
    "avg_score": 106,
    "offer_status": 168,
    "outcome": 110,
    "lead_score": 90,
    "recommendation": 190,
}
# What sales asks first; what all rows have in common, or few have, last.
CANDIDATE_ORDER = (
    *("user_id", "email", "english_level", "sessions", "avg_score", "offer_status", "last_session_at"),
    *("offered_at", "outcome", "lead_score", "lead_status", "recommendation"),
)
NEAR_WIDTHS = {
    "kind": 135,
    "user_id": 80,
    "email": 195,
    "english_level": 55,
    "sessions": 75,
    "avg_score": 112,
    "what_is_missing": 390,
}


def candidate_days(zone: str) -> dict[str, ColumnConfig]:
    """The days of a candidate's last offer and last session alone: the hour takes the room that others need."""
    return {
        name: DatetimeColumn(column.label, help=column.help or None, width=105, format="D MMM YYYY", timezone=zone)
        for name, column in CANDIDATE_COLUMNS.items()
        if name in ("offered_at", "last_session_at")
    }


# The long names of the files have no room beside the figures.
_CHANGES = {
    "users": ("± users", 80),
    "sessions": ("± sessions", 95),
    "avg_confidence": ("± confidence", 105),
    "avg_mistakes": ("± mistakes", 95),
    "sessions_per_user": ("± per user", 95),
}
CHANGES: dict[str, ColumnConfig] = {
    f"{name}_change": TextColumn(label, help="Change against the window before.", width=width, alignment="right")
    for name, (label, width) in _CHANGES.items()
}
