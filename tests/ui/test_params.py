from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.settings import Settings
from lib.ui.params import MAX_LIST, MAX_TEXT, OLDEST_DAY, Param, all_params, parse_all

AS_OF, LAST = date(2026, 11, 22), date(2026, 11, 23)
PARAMS = all_params(Settings(_env_file=None), AS_OF, LAST)
WORDS = st.text(min_size=1, max_size=20)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "as_of": st.dates(OLDEST_DAY, LAST),
    "engagement_days": st.integers(1, 366),
    "all_sessions": st.booleans(),
    "min_sessions": st.integers(1, 10),
    "min_confidence": st.integers(50, 99).map(lambda tenths: round(tenths / 10, 1)),
    "price": st.integers(100, 9_999_99).map(lambda cents: round(cents / 100, 2)),
    "streak": st.sampled_from(["current", "best", "any"]),
    "sources": st.sampled_from([("detected",), ("it",), ("detected", "pricing"), ("detected", "it", "pricing")]),
    "roles": st.lists(WORDS, unique=True, max_size=5).map(tuple),
    "cells": st.lists(st.tuples(WORDS, WORDS), max_size=5).map(tuple),
    "user": st.text(max_size=MAX_TEXT),
}


def shared(params: dict[str, Param]) -> set[str]:
    return {name for name, param in params.items() if param.is_shared}


def given_by(**raw: str) -> tuple[dict[str, Any], list[str]]:
    return parse_all(PARAMS, raw)


@pytest.mark.parametrize("name", VALUES)
@given(data=st.data())
def test_what_is_written_into_the_address_is_read_from_it_again(name: str, data: st.DataObject):
    value = data.draw(VALUES[name])
    assert given_by(**{name: PARAMS[name].write(value)}) == ({name: value}, [])


@pytest.mark.parametrize("name", PARAMS)
@given(text=st.text(max_size=50))
def test_whatever_stands_in_the_address_is_a_value_that_can_be_written_or_a_misfit(name: str, text: str):
    values, misfits = given_by(**{name: text})
    assert misfits == ([] if values else [name])
    if values:
        assert given_by(**{name: PARAMS[name].write(values[name])}) == (values, [])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("as_of", "2026-11-24"),
        ("as_of", "1999-12-31"),
        ("as_of", "2026-02-30"),
        ("as_of", "tomorrow"),
        ("engagement_days", "0"),
        ("mistakes_days", "367"),
        ("conversion_days", "7.0"),
        ("min_sessions", "11"),
        ("min_confidence", "4.9"),
        ("min_confidence", "9.96"),
        ("min_confidence", "nan"),
        ("min_confidence", "inf"),
        ("price", "0.99"),
        ("price", "1e9"),
        ("price", "179 $"),
        ("streak", "longest"),
        ("sources", "detected,telepathy"),
        ("view", ""),
        ("all_sessions", "yes"),
        ("cells", "a|b|c"),
        ("cells", "a"),
        ("roles", "x," * MAX_LIST),
        ("cells", "a|b~" * MAX_LIST),
        ("user", "x" * (MAX_TEXT + 1)),
    ],
)
def test_what_does_not_fit_is_named_and_left_out(name: str, text: str):
    assert given_by(**{name: text}) == ({}, [name])


def test_edges_of_a_range_fit():
    assert given_by(min_confidence="5", min_sessions="10", price="1", engagement_days="366")[1] == []


def test_a_score_is_rounded_to_the_steps_of_the_slider():
    assert given_by(min_confidence="7.94")[0] == {"min_confidence": 7.9}


def test_sources_stand_in_their_order_however_they_are_written():
    assert given_by(sources="pricing,detected,pricing")[0] == {"sources": ("detected", "pricing")}


def test_separators_inside_a_name_do_not_part_it():
    cells = (("a,b|c~d", "100% sure"), ("%7C", "|"))
    assert given_by(cells=PARAMS["cells"].write(cells))[0] == {"cells": cells}
    assert given_by(roles=PARAMS["roles"].write(("free, on trial", "%2C")))[0] == {"roles": ("free, on trial", "%2C")}


def test_foreign_names_are_nobodys_misfit():
    assert given_by(utm_source="mail") == ({}, [])


def test_shared_filters_are_the_day_the_windows_and_the_thresholds():
    local = set(PARAMS) - shared(PARAMS)
    assert {"as_of", "engagement_days", "min_sessions", "min_confidence", "streak", "price"} <= shared(PARAMS)
    assert {"roles", "levels", "sources", "types", "view", "cells", "user"} <= local


def test_every_default_fits_its_own_filter():
    for param in PARAMS.values():
        if param.default != ():
            assert param.parse(param.write(param.default)) == param.default


def test_the_newest_day_that_fits_is_the_last_one():
    assert given_by(as_of=LAST.isoformat())[0] == {"as_of": LAST}
    assert given_by(as_of=(LAST + timedelta(days=1)).isoformat())[1] == ["as_of"]
