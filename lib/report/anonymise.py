"""The report and single tables without names: what files are made of is changed, so that no file has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pandas as pd

from lib.analysis.pseudonyms import Person, Pseudonyms, texts_of, without_names
from lib.exports import Sheet
from lib.report.contents import Report

__all__ = ["Person", "anonymise_report", "anonymise_sheet"]


def anonymise_report(report: Report, key: bytes, people: Iterable[Person]) -> Report:
    """``report`` with a pseudonym for every user, and no e-mail address, user id or name in any of its texts.

    ``people`` are all users whom the database knows. Raises PseudonymCollision where two users would look the same.
    """
    pseudonyms = Pseudonyms(key, people, _texts(report))
    mistakes, conversion = report.mistakes, report.conversion
    return replace(
        report,
        mistakes=replace(
            mistakes, top=without_names(mistakes.top, pseudonyms), cells=without_names(mistakes.cells, pseudonyms)
        ),
        conversion=replace(conversion, candidates=without_names(conversion.candidates, pseudonyms)),
        analyses=tuple(
            replace(
                one,
                frame=without_names(one.frame, pseudonyms),
                title=pseudonyms.in_text(one.title),
                description=pseudonyms.in_text(one.description),
                problem=pseudonyms.in_text(one.problem),
            )
            for one in report.analyses
        ),
        is_anonymised=True,
    )


def anonymise_sheet(sheet: Sheet, key: bytes, people: Iterable[Person]) -> Sheet:
    """The same table with pseudonyms for users; its e-mail column stays, and is empty."""
    pseudonyms = Pseudonyms(key, people, texts_of(sheet.frame))
    return replace(sheet, frame=without_names(sheet.frame, pseudonyms))


def _texts(report: Report) -> Iterator[str]:
    for frame in _frames(report):
        yield from texts_of(frame)
    yield from (text for one in report.analyses for text in (one.title, one.description, one.problem))


def _frames(report: Report) -> Iterator[pd.DataFrame]:
    yield from (report.mistakes.top, report.mistakes.cells, report.conversion.candidates)
    yield from (one.frame for one in report.analyses)
