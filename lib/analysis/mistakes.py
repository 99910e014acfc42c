"""The ranked list of mistakes as people read it: from the answers of several queries, one table."""

from __future__ import annotations

import pandas as pd

from lib.analysis.corrections import known_forms
from lib.analysis.numbers import NO_CHANGE
from lib.analysis.posts import publishable
from lib.queries.mistakes import TopMistakes

NEW = "new"


def ranked(
    top: TopMistakes, details: pd.DataFrame, forms: pd.DataFrame, *, sessions: int, min_users: int
) -> pd.DataFrame:
    """The most frequent mistakes with everything that stands beside them.

    ``details`` and ``forms`` are the answers of ``queries.mistakes.mistake_details`` and ``queries.corrections``;
    ``sessions`` is what "per 100 sessions" divides by; ``min_users`` make a mistake publishable.
    Columns: rank (int), mistake, correct_form, error_type, error_category (str), frequency (int), percent (float, of
    all mistakes in the window and filters), users (int), per_100_sessions (float, NaN without sessions),
    frequency_before, change (int), trend (str: "new", or the change with its sign), post (str: "yes", or why not).
    """
    rows = top.rows
    texts = list(zip(rows["mistake"], rows["error_type"], strict=True))
    known = [known.form for known in known_forms(texts, forms)]
    users, before = details["users"].to_numpy(), details["frequency_before"].to_numpy()
    table = pd.DataFrame(
        {
            "rank": range(1, len(rows) + 1),
            "mistake": rows["mistake"],
            "correct_form": pd.Series(known, dtype="str", index=rows.index),
            "error_type": rows["error_type"],
            "error_category": rows["error_category"],
            "frequency": rows["frequency"],
            "percent": 100.0 * rows["frequency"] / max(top.total, 1),
            "users": users,
            "per_100_sessions": 100.0 * rows["frequency"] / sessions if sessions else float("nan"),
            "frequency_before": before,
            "change": rows["frequency"] - before,
        }
    )
    table["trend"] = [trend(now, earlier) for now, earlier in zip(table["frequency"], before, strict=True)]
    table["post"] = [_post(*row, min_users) for row in zip(rows["mistake"], users, known, strict=True)]
    return table.astype({"rank": "int64", "trend": "str", "post": "str"})


def trend(now: int, before: int) -> str:
    """`new`, or the change with an arrow: better and worse are not told by colour."""
    if before == 0:
        return NEW
    return f"▲ {now - before:,}" if now > before else f"▼ {before - now:,}" if now < before else NO_CHANGE


def _post(mistake: str, users: int, correct_form: str | None, min_users: int) -> str:
    verdict = publishable(mistake, int(users), correct_form=correct_form, min_users=min_users)
    return "yes" if verdict.ok else verdict.reason
