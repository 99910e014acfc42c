"""What a slider sets going: no database, only arrays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pandas as pd

from lib.analysis.candidates import every_setting
from lib.analysis.offers import acceptance, revenue
from lib.analysis.streaks import ScoredSessions, Streak, Thresholds, candidates
from lib.sample import END
from tests.benchmarks.rows import Bar, Row, Timer

SESSIONS_EACH = 8
SLIDER_BAR = Bar("at most", 20)


def scored(count: int) -> ScoredSessions:
    """``count`` sessions of an eighth as many users, in the 90 days up to the end of the sample."""
    rng = np.random.default_rng(7)
    seconds = rng.integers(0, 90 * 86_400, count)
    frame = pd.DataFrame(
        {
            "user_id": pd.Series(rng.integers(0, max(1, count // SESSIONS_EACH), count)).map("user{:06d}".format),
            "session_id": pd.Series(range(count)).map("s{:07d}".format),
            "started_at": pd.Timestamp(END, tz="UTC") - pd.to_timedelta(seconds, unit="s"),
            "confidence_score": rng.normal(7.8, 1.1, count).clip(1, 10).round(1),
        }
    )
    return ScoredSessions.from_frame(frame)


def slider_rows(count: int, timer: Timer) -> Iterator[Row]:
    """One row for each way of counting, and the what-if grid."""
    sessions = scored(count)
    accepted = acceptance(200, 40)
    _ = sessions.owner  # kept from the first look on

    def recompute(streak: Streak) -> object:
        found = candidates(sessions, Thresholds(3, 8.0, streak))
        return revenue(len(found), 179.0, accepted)

    streaks: tuple[Streak, ...] = ("current", "best", "any")
    times = timer.compare({streak: partial(recompute, streak) for streak in streaks})
    for streak, time in times.items():
        yield Row(f"slider: candidates and revenue, {streak}, {count:,} sessions", time, bar=SLIDER_BAR)
    settings = len(every_setting(sessions, "current", 179.0))
    times = timer.compare({"grid": lambda: every_setting(sessions, "current", 179.0)})
    yield Row(f"what-if grid of {settings} settings, {count:,} sessions", times["grid"])
