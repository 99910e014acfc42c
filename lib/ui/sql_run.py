"""What becomes of a statement of the SQL page: it is begun beside the page, recorded, and kept for this visit."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace

import pandas as pd
import streamlit as st

from lib.access import Field
from lib.addresses import without_addresses
from lib.analysis.withheld import frame_without_addresses
from lib.audit import AuditLog
from lib.exports import Column
from lib.period import Period
from lib.queries.desk import Desk, Job
from lib.queries.guard import Stop, Withheld
from lib.queries.own import AnalysisProblem, Limits, run_own
from lib.queries.wall import Place, withheld_from
from lib.refusals import DatabaseProblem
from lib.report.analyses import typed
from lib.ui.gate import audit_log
from lib.ui.page import Page

JOB, ANSWER, HISTORY, OWNER = "sql_job", "sql_answer", "sql_history", "sql_owner"
MOST_REMEMBERED = 20


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a statement gave: a frame with what its columns hold, or a sentence in ``problem``."""

    sql: str
    period: Period
    limits: Limits
    at: float
    seconds: float
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    columns: dict[str, Column] = field(default_factory=dict)
    is_cut: bool = False
    problem: str = ""

    @property
    def told(self) -> str:
        """`12 rows, 0.3 s`, or the problem."""
        if self.problem:
            return self.problem
        rows = f"{len(self.frame):,}{' of more rows' if self.is_cut else ' row' if len(self.frame) == 1 else ' rows'}"
        return f"{rows}, {'under 0.1' if self.seconds < 0.1 else f'{self.seconds:.1f}'} s"

    @property
    def without_addresses(self) -> Outcome:
        """What those get to see who may not see addresses, in table, chart, files and message."""
        return replace(self, frame=frame_without_addresses(self.frame), problem=without_addresses(self.problem))

    @property
    def without_rows(self) -> Outcome:
        """What the history keeps."""
        return Outcome(self.sql, self.period, self.limits, self.at, self.seconds, problem=self.told)


@st.cache_resource(show_spinner=False)
def _desk() -> Desk:
    return Desk()


def begin(page: Page, place: Place, sql: str, period: Period, limits: Limits) -> Job[Outcome]:
    """Run a statement beside the page; raises DeskIsTaken."""
    visitor, log, withheld = page.visitor.name, audit_log(page.settings), withheld_from(page.visitor)
    sees_addresses = page.visitor.may_see(Field.ADDRESSES)

    def work(stop: Stop) -> Outcome:
        outcome = _run(place, sql, period, limits, withheld, stop)
        return _recorded(log, visitor, outcome if sees_addresses else outcome.without_addresses)

    job = _desk().begin(visitor, work)
    st.session_state[JOB] = job
    return job


def _run(place: Place, sql: str, period: Period, limits: Limits, withheld: Withheld, stop: Stop) -> Outcome:
    at, start = time.time(), time.monotonic()
    try:
        with place.connect(withheld) as connection:
            answer = run_own(connection, sql, period, limits, withheld=withheld, stop=stop)
    except AnalysisProblem as problem:
        return Outcome(sql, period, limits, at, time.monotonic() - start, problem=str(problem))
    except DatabaseProblem as problem:
        what = f"{problem.what} {problem.remedy}"
        return Outcome(sql, period, limits, at, time.monotonic() - start, problem=what)
    frame, columns = typed(answer.frame)
    return Outcome(sql, period, limits, at, time.monotonic() - start, frame, columns, answer.is_cut)


def _recorded(log: AuditLog, visitor: str, outcome: Outcome) -> Outcome:
    """The outcome, once it is on record. Raises AuditProblem."""
    log.record(
        "sql",
        visitor,
        sql=outcome.sql,
        rows=len(outcome.frame),
        seconds=round(outcome.seconds, 2),
        outcome=outcome.problem or ("cut" if outcome.is_cut else "answered"),
    )
    return outcome


def running() -> Job[Outcome] | None:
    """The statement of this visit whose outcome was not taken over yet."""
    job: Job[Outcome] | None = st.session_state.get(JOB)
    return job


def take_over() -> None:
    """The outcome of the statement that is over becomes the answer. Raises what it raised."""
    job = st.session_state.pop(JOB)
    outcome = job.result()
    st.session_state[ANSWER] = outcome
    st.session_state[HISTORY] = [outcome.without_rows, *history()][:MOST_REMEMBERED]


def answer() -> Outcome | None:
    """The last outcome of this visit."""
    outcome: Outcome | None = st.session_state.get(ANSWER)
    return outcome


def history() -> list[Outcome]:
    """The statements of this visit, newest first, without their rows."""
    past: list[Outcome] = st.session_state.get(HISTORY, [])
    return past


def forget_what_is_not_theirs(visitor: str, withheld: Withheld) -> None:
    """Where somebody else sits here now, or may see less or more than before, nothing is left of what was."""
    if st.session_state.get(OWNER) != (visitor, withheld):
        job = st.session_state.pop(JOB, None)
        if job is not None:
            job.stop.wish()
        for key in (ANSWER, HISTORY):
            st.session_state.pop(key, None)
        st.session_state[OWNER] = (visitor, withheld)
