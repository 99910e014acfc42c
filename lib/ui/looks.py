"""How single columns look on a page, where the kind of the column does not say it all."""

from __future__ import annotations

from streamlit.column_config import NumberColumn
from streamlit.elements.lib.column_types import ColumnConfig

from lib.definitions import FIGURES

MISTAKE_WIDTHS = {
    "rank": 45,
    "mistake": 225,
    "correct_form": 140,
    "frequency": 62,
    "percent": 66,
    "trend": 66,
    "users": 58,
}
CANDIDATE_WIDTHS = {"user_id": 80, "email": 215, "english_level": 55, "sessions": 75, "avg_score": 112}
NEAR_WIDTHS = {"kind": 160, "user_id": 80, "email": 215, "english_level": 55, "sessions": 75, "avg_score": 100}
ODDITY_WIDTHS = {"table": 135, "found": 255, "rows": 55, "app_does": 290, "to_do": 330}


def _signed(name: str) -> ColumnConfig:
    is_count = FIGURES[name].kind == "integer"
    return NumberColumn("±", help="Change against the window before.", format="%+d" if is_count else "%+.2f", width=60)


CHANGES: dict[str, ColumnConfig] = {f"{name}_change": _signed(name) for name in FIGURES}
