"""Which form is right, as production's coaches wrote it down for IT English."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Connection, Integer, cast, func, select

from lib.database import Kind, has_table, no_rows, read
from lib.dialects import is_blank
from lib.schema import it_errors as i

_COLUMNS: dict[str, Kind] = {"pattern": "str", "correct_form": "str", "times": "int64"}


def correct_forms(connection: Connection) -> pd.DataFrame:
    """Every pattern with its correct forms, over the whole history.

    Columns: pattern, correct_form (str), times (int, how often the two were seen together).
    """
    if not has_table(connection, i.name):
        return no_rows(_COLUMNS)
    query = (
        select(i.c.error_pattern, i.c.correct_form, cast(func.sum(func.coalesce(i.c.frequency, 1)), Integer))
        .where(~is_blank(i.c.error_pattern), ~is_blank(i.c.correct_form))
        .group_by(i.c.error_pattern, i.c.correct_form)
    )
    return read(connection, query, _COLUMNS)
