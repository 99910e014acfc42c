"""Which form is right, as production's coaches wrote it down for IT English."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from sqlalchemy import Connection, or_, select

from lib.database import Kind, has_table, no_rows, read, rows_of
from lib.dialects import is_blank
from lib.queries.mistake_tables import tables
from lib.schema import it_errors as i

_COLUMNS: dict[str, Kind] = {"pattern": "str", "correct_form": "str", "times": "int64"}


def correct_forms(connection: Connection, texts: Sequence[str] | None = None) -> pd.DataFrame:
    """The patterns that stand in one of ``texts``, case ignored, with their correct forms, over the whole history;
    every pattern where no texts are given, which takes longer.

    Columns: pattern, correct_form (str), times (int, how often the two were seen together).
    """
    if not has_table(connection, i.name):
        return no_rows(_COLUMNS)
    pair = i.c.error_pattern, i.c.correct_form
    times = tables()["it"].times
    # Blank ones are known by their groups: to look at every row would take half as long again.
    query = select(*pair, times, or_(*map(is_blank, pair))).group_by(*pair)
    if texts is not None:
        query = query.where(i.c.error_pattern.in_(_patterns_in(connection, texts)))
    found = read(connection, query, {**_COLUMNS, "is_blank": "bool"})
    return found.loc[~found["is_blank"], list(_COLUMNS)].reset_index(drop=True)


def _patterns_in(connection: Connection, texts: Sequence[str]) -> list[str]:
    """With the domain beside it each pattern is one step in an index; then only the rows of these are added up."""
    together = "\n".join(texts).casefold()
    known = rows_of(connection, select(i.c.domain, i.c.error_pattern).distinct())
    return sorted(
        {pattern for _, pattern in map(tuple, known) if pattern is not None and pattern.casefold() in together}
    )
