from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from lib.database import DatabaseProblem
from lib.period import Period
from lib.queries.mistakes import (
    Cell,
    MistakeFilter,
    View,
    mistake_details,
    mistake_totals,
    mistakes_by,
    session_count,
    top_mistakes,
)
from tests.conftest import Fill
from tests.odd_data import (
    COUNTS,
    FEW,
    PERIODS,
    SOME,
    USER_IDS,
    amount_of,
    is_blank,
    lies_in,
    named,
    sessions,
    timestamps,
    user_ids,
    users,
)

MONTH = Period(date(2026, 11, 22), 30)
DETECTED = MistakeFilter()
ALL_SOURCES = MistakeFilter(sources=("detected", "it", "pricing"))
EVERYTHING = 10_000
Rows = list[dict[str, Any]]


# Mistakes as plain Python reads them


@dataclass(frozen=True)
class Entry:
    """One row of any of the three tables."""

    source: str
    error_type: str
    category: str
    text: str | None
    count: int
    user_id: str | None
    at: str | None
    domain: str | None

    @property
    def mistake(self) -> tuple[str, str, str | None]:
        return self.error_type, self.category, self.text


def entries(data: dict[str, Rows]) -> Iterator[Entry]:
    for row in data["mistakes"]:
        error_type, category = named(row["error_type"], "unknown"), named(row["error_category"], "uncategorised")
        yield Entry("detected", error_type, category, row["error_text"], 1, row["user_id"], row["detected_at"], None)
    for row in data["it_errors"]:
        category, domain = named(row["domain"], "uncategorised"), named(row["domain"], "unknown")
        times = amount_of(row["frequency"])
        count = 1 if times is None else int(times)
        text, at = row["error_pattern"], row["detected_at"]
        yield Entry("it", "IT English", category, text, count, row["user_id"], at, domain)
    for row in data["pricing_errors"]:
        category, domain = named(row["category"], "uncategorised"), named(row["domain"], "unknown")
        yield Entry("pricing", "pricing", category, row["error"], 1, row["user_id"], row["timestamp"], domain)


def level_of(entry: Entry, people: Rows) -> str:
    levels = {user["user_id"]: user["english_level"] for user in people}
    return named(levels.get(entry.user_id), "unknown")


def of_filter(data: dict[str, Rows], where: MistakeFilter, period: Period) -> list[Entry]:
    return [
        entry
        for entry in entries(data)
        if entry.source in where.sources
        and lies_in(entry.at, period)
        and (not where.types or entry.error_type in where.types)
        and (not where.levels or level_of(entry, data["users"]) in where.levels)
    ]


def value_in(view: View, entry: Entry, people: Rows, period: Period) -> tuple[str | None, str]:
    """The cell of a heatmap in which a mistake is counted; no value where it is not."""
    if view == "week":
        weeks = [week.first.isoformat() for week in period.weeks if lies_in(entry.at, week)]
        return weeks[0] if weeks else None, entry.category
    if view == "domain":
        return entry.domain, entry.error_type if entry.source == "it" else entry.category
    return {"type": entry.error_type, "level": level_of(entry, people)}[view], entry.category


def added_up(counted: list[Entry]) -> Counter[tuple[str, str, str | None]]:
    total: Counter[tuple[str, str, str | None]] = Counter()
    for entry in counted:
        total[entry.mistake] += entry.count
    return total


# Odd mistakes

# Few values, so that the same mistake in many spellings of "nothing", and ties, are the rule.
TEXTS = st.sampled_from(["a", "A", "a ", "ä", "￿", "😀", "=1+1", "<b>", "", " ", "\n", None])
TYPES = ["grammar", "unknown", "IT English", "pricing", "", None]
CATEGORIES = ["articles", "uncategorised", "technical", " ", None]
DOMAINS = ["technical", "business", "unknown", "", None]


def lists(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Rows]:
    return st.lists(st.fixed_dictionaries({"user_id": user_ids(), **fields}), max_size=20)


@st.composite
def databases(draw: st.DrawFn, period: Period) -> dict[str, Rows]:
    times = timestamps(period)
    return {
        "users": draw(users()),
        "mistakes": draw(
            lists(
                error_type=st.sampled_from(TYPES),
                error_category=st.sampled_from(CATEGORIES),
                error_text=TEXTS,
                detected_at=times,
            )
        ),
        "it_errors": draw(
            lists(
                domain=st.sampled_from(DOMAINS),
                error_pattern=TEXTS,
                frequency=st.sampled_from([2, 9, *COUNTS]),
                detected_at=times,
            )
        ),
        "pricing_errors": draw(
            lists(error=TEXTS, category=st.sampled_from(CATEGORIES), domain=st.sampled_from(DOMAINS), timestamp=times)
        ),
    }


FILTERS = st.builds(
    MistakeFilter,
    sources=st.lists(st.sampled_from(["detected", "it", "pricing"]), min_size=1, unique=True).map(tuple),
    types=st.lists(st.sampled_from(["grammar", "unknown", "IT English"]), max_size=2, unique=True).map(tuple),
    levels=st.lists(st.sampled_from(["B1", "C2", "unknown"]), max_size=2, unique=True).map(tuple),
)
VIEWS: list[View] = ["type", "level", "week", "domain"]


# The worked case


def test_the_worked_case(worked: Connection):
    found = top_mistakes(worked, MONTH, DETECTED, limit=5)
    percent = [round(count / found.total * 100, 2) for count in found.rows["frequency"]]
    assert found.total == 120
    assert list(zip(found.rows["mistake"], found.rows["frequency"], percent, strict=True)) == [
        ('Missing article: "working on system"', 15, 12.5),
        ("Mispronounced: library", 12, 10.0),
        ('Basic phrase: "I am working on"', 10, 8.33),
        ('Wrong preposition: "responsible of"', 8, 6.67),
        ("Mispronounced: cache", 7, 5.83),
    ]


def test_the_total_is_of_all_mistakes_not_of_those_shown(worked: Connection):
    shown = top_mistakes(worked, MONTH, DETECTED, limit=1)
    everything = top_mistakes(worked, MONTH, DETECTED, limit=EVERYTHING)
    assert shown.total == everything.total == everything.rows["frequency"].sum() == 120
    assert shown.different == everything.different == len(everything.rows) == 30
    assert (len(shown.rows), shown.left_out) == (1, 0)


def test_details_say_who_made_it_and_how_often_before(worked: Connection):
    rows = top_mistakes(worked, MONTH, DETECTED, limit=5).rows
    found = mistake_details(worked, MONTH, DETECTED, rows)
    assert found["users"].tolist() == [8, 6, 5, 8, 3]
    assert found["frequency_before"].tolist() == [10, 0, 0, 16, 0]


def test_other_sources_come_under_their_own_types_and_it_english_by_its_frequency(worked: Connection):
    rows = top_mistakes(worked, MONTH, MistakeFilter(sources=("it", "pricing")), limit=EVERYTHING).rows
    assert list(rows.itertuples(index=False, name=None)) == [
        ("IT English", "management", "responsible of", 4),
        ("IT English", "business", "depends of", 3),
        ("IT English", "management", "I am working on", 2),
        ("pricing", "money", "cheap price", 1),
        ("pricing", "money", "it makes 100 dollars", 1),
        ("IT English", "technical", "working on system", 1),
    ]
    assert top_mistakes(worked, MONTH, ALL_SOURCES, limit=1).total == 120 + 10 + 2


# Against counting by hand


@SOME
@given(st.data(), PERIODS, FILTERS, st.integers(1, 12))
def test_the_ranking_is_what_counting_by_hand_gives(
    filled: Fill, data: st.DataObject, period: Period, where: MistakeFilter, limit: int
):
    tables = data.draw(databases(period))
    counts = added_up(of_filter(tables, where, period))
    proper = {mistake: count for mistake, count in counts.items() if not is_blank(mistake[2])}
    ranked = sorted(proper.items(), key=lambda pair: (-pair[1], pair[0][2], pair[0][0], pair[0][1]))
    with filled(**tables) as connection:
        found = top_mistakes(connection, period, where, limit=limit)
    assert list(found.rows.itertuples(index=False, name=None)) == [
        (*mistake, count) for mistake, count in ranked[:limit]
    ]
    assert found.total == sum(proper.values())
    assert found.different == len(proper)
    assert found.left_out == sum(counts.values()) - sum(proper.values())


@FEW
@given(st.data(), PERIODS, FILTERS)
def test_details_are_what_counting_by_hand_gives(
    filled: Fill, data: st.DataObject, period: Period, where: MistakeFilter
):
    tables = data.draw(databases(period))
    people = defaultdict(set)
    for entry in of_filter(tables, where, period):
        people[entry.mistake].add(entry.user_id)
    earlier = added_up(of_filter(tables, where, period.before))
    with filled(**tables) as connection:
        rows = top_mistakes(connection, period, where, limit=8).rows
        found = mistake_details(connection, period, where, rows)
    shown = list(rows[["error_type", "error_category", "mistake"]].itertuples(index=False, name=None))
    assert list(found.itertuples(index=False, name=None)) == [
        (place, len(people[mistake] - {None, ""}), earlier[mistake]) for place, mistake in enumerate(shown)
    ]


@SOME
@given(st.data(), PERIODS, FILTERS, st.sampled_from(VIEWS))
def test_every_cell_is_what_counting_by_hand_gives(
    filled: Fill, data: st.DataObject, period: Period, where: MistakeFilter, view: View
):
    tables = data.draw(databases(period))
    by_hand: Counter[tuple[str, str]] = Counter()
    for entry in of_filter(tables, where, period):
        value, category = value_in(view, entry, tables["users"], period)
        if value is not None and not is_blank(entry.text):
            by_hand[value, category] += entry.count
    with filled(**tables) as connection:
        found = mistakes_by(connection, period, where, view)
    assert {(row.value, row.error_category): row.frequency for row in found.itertuples()} == by_hand
    assert len(found) == len(by_hand)


# Two places, one number


@FEW
@given(st.data(), PERIODS, FILTERS)
def test_the_cells_of_each_view_add_up_to_the_total_of_the_ranking(
    filled: Fill, data: st.DataObject, period: Period, where: MistakeFilter
):
    with filled(**data.draw(databases(period))) as connection:
        total = top_mistakes(connection, period, where, limit=1).total
        for view in ("type", "level", "week"):
            assert mistakes_by(connection, period, where, view)["frequency"].sum() == total
        with_domain = replace(where, sources=tuple(source for source in where.sources if source != "detected"))
        of_domains = top_mistakes(connection, period, with_domain, limit=1).total if with_domain.sources else 0
        assert mistakes_by(connection, period, where, "domain")["frequency"].sum() == of_domains


def cell_of(view: View, row: Any, period: Period) -> Cell:
    weeks = {week.first.isoformat(): week for week in period.weeks} if view == "week" else {}
    return Cell(view, row.value, row.error_category, weeks.get(row.value))


@FEW
@given(st.data(), PERIODS, FILTERS, st.sampled_from(VIEWS))
def test_a_cell_as_a_filter_leaves_exactly_the_number_that_stood_in_it(
    filled: Fill, data: st.DataObject, period: Period, where: MistakeFilter, view: View
):
    with filled(**data.draw(databases(period))) as connection:
        cells = mistakes_by(connection, period, where, view)
        chosen = [cell_of(view, row, period) for row in cells.itertuples()]
        alone = [top_mistakes(connection, period, replace(where, cells=(cell,)), limit=1).total for cell in chosen[:4]]
        together = top_mistakes(connection, period, replace(where, cells=tuple(chosen)), limit=1).total
    assert alone == cells["frequency"].tolist()[:4]
    assert together == (cells["frequency"].sum() if chosen else together)


@FEW
@given(st.data(), PERIODS, FILTERS)
def test_sessions_to_compare_with_are_those_of_the_chosen_levels(
    filled: Fill, data: st.DataObject, period: Period, where: MistakeFilter
):
    people, held = data.draw(users()), data.draw(sessions(period))
    levels = {user["user_id"]: named(user["english_level"], "unknown") for user in people}
    by_hand = sum(
        lies_in(session["started_at"], period)
        and (not where.levels or levels.get(session["user_id"], "unknown") in where.levels)
        for session in held
    )
    with filled(users=people, sessions=held) as connection:
        assert session_count(connection, period, where) == by_hand


@FEW
@given(st.data(), PERIODS, FILTERS)
def test_the_totals_of_many_windows_are_those_of_their_rankings(
    filled: Fill, data: st.DataObject, period: Period, where: MistakeFilter
):
    windows = [period, period.before, *period.weeks]
    with filled(**data.draw(databases(period))) as connection:
        found = mistake_totals(connection, windows, where)
        assert found == [top_mistakes(connection, window, where, limit=1).total for window in windows]


# Rules that deserve a sentence of their own


@pytest.mark.parametrize("odd", [-5, "-5", -(10**9)])
def test_fewer_than_none_is_no_frequency(filled: Fill, odd: Any):
    rows = [{"error_pattern": "a", "frequency": 6}, {"error_pattern": "b", "frequency": odd}]
    with filled(it_errors=rows) as connection:
        found = top_mistakes(connection, MONTH, MistakeFilter(("it",)), limit=10)
    assert found.rows["frequency"].tolist() == [6, 1], "counted once, as a mistake without a frequency"
    assert found.total == 7


def test_ties_are_broken_by_text_then_type_then_category_in_the_order_of_code_points(filled: Fill):
    tied = [
        {"error_text": text, "error_type": error_type, "error_category": category}
        for text in ("ä", "a", "B", "😀", "￿")
        for error_type in ("vocabulary", "grammar")
        for category in ("tenses", "Articles")
    ]
    with filled(mistakes=tied) as connection:
        rows = top_mistakes(connection, MONTH, DETECTED, limit=EVERYTHING).rows
    order = list(rows[["mistake", "error_type", "error_category"]].itertuples(index=False, name=None))
    assert order == sorted(order)
    assert [text for text, *_ in order[::4]] == ["B", "a", "ä", "￿", "😀"]


def test_a_missing_type_or_category_is_one_mistake_however_the_nothing_is_written(filled: Fill):
    nothing = [None, "", " ", "\t"]
    rows = [{"error_text": "a", "error_type": value, "error_category": value} for value in nothing]
    rows += [{"error_text": "a", "error_type": "unknown", "error_category": "uncategorised"}]
    with filled(mistakes=rows) as connection:
        found = top_mistakes(connection, MONTH, DETECTED, limit=EVERYTHING).rows
    assert list(found.itertuples(index=False, name=None)) == [("unknown", "uncategorised", "a", 5)]


def test_a_blank_text_is_no_mistake_and_their_number_is_said(filled: Fill):
    rows = [{"error_text": text} for text in (None, "", " ", "\r\n", "a")]
    with filled(mistakes=rows) as connection:
        found = top_mistakes(connection, MONTH, DETECTED, limit=10)
    assert (found.total, found.different, found.left_out, len(found.rows)) == (1, 1, 4, 1)


def test_where_every_text_is_blank_there_is_no_mistake(filled: Fill):
    with filled(mistakes=[{"error_text": None}, {"error_text": " "}]) as connection:
        found = top_mistakes(connection, MONTH, DETECTED, limit=10)
    assert (found.total, found.different, found.left_out, len(found.rows)) == (0, 0, 2, 0)


def test_capitals_make_another_mistake(filled: Fill):
    with filled(mistakes=[{"error_text": "cache"}, {"error_text": "Cache"}]) as connection:
        assert top_mistakes(connection, MONTH, DETECTED, limit=10).different == 2


def test_a_mistake_of_someone_who_is_gone_counts_and_narrows_to_unknown_level(filled: Fill):
    rows = [{"user_id": "gone"}, {"user_id": None}, {"user_id": "ann"}]
    with filled(users=[{"user_id": "ann", "english_level": "B1"}], mistakes=rows) as connection:
        assert top_mistakes(connection, MONTH, DETECTED, limit=10).total == 3
        assert top_mistakes(connection, MONTH, MistakeFilter(levels=("unknown",)), limit=10).total == 2
        assert top_mistakes(connection, MONTH, MistakeFilter(levels=("unknown", "B1")), limit=10).total == 3


def test_a_very_long_text_is_kept_whole(filled: Fill):
    text = "so " * 50_000
    with filled(mistakes=[{"error_text": text}]) as connection:
        rows = top_mistakes(connection, MONTH, DETECTED, limit=10).rows
        assert rows["mistake"].tolist() == [text]
        assert mistake_details(connection, MONTH, DETECTED, rows)["frequency_before"].tolist() == [0]


def test_text_of_a_visitor_is_a_value_and_never_part_of_a_statement(filled: Fill):
    wicked = "'; DROP TABLE users; --"
    where = MistakeFilter(types=(wicked,), levels=(wicked,), cells=(Cell("type", wicked, wicked),))
    with filled(users=[{"user_id": user_id} for user_id in USER_IDS], mistakes=[{"error_text": wicked}]) as connection:
        assert top_mistakes(connection, MONTH, where, limit=10).total == 0
        assert top_mistakes(connection, MONTH, DETECTED, limit=10).rows["mistake"].tolist() == [wicked]


# Tables that a young installation does not have


@pytest.mark.parametrize("view", VIEWS)
def test_tables_that_may_be_missing_count_as_nothing(filled: Fill, view: View):
    others = MistakeFilter(sources=("it", "pricing"))
    with filled(mistakes=[{}], without=["it_errors", "pricing_errors"]) as connection:
        found = top_mistakes(connection, MONTH, others, limit=10)
        assert (found.total, found.different, found.left_out) == (0, 0, 0)
        assert list(found.rows.columns) == ["error_type", "error_category", "mistake", "frequency"]
        assert mistakes_by(connection, MONTH, others, view).empty
        assert mistake_details(connection, MONTH, others, found.rows).empty
        assert top_mistakes(connection, MONTH, ALL_SOURCES, limit=10).total == 1


def test_a_missing_main_table_is_said_and_not_counted_as_nothing(filled: Fill):
    with (
        pytest.raises(DatabaseProblem, match="no table detected_errors"),
        filled(without=["detected_errors"]) as connection,
    ):
        top_mistakes(connection, MONTH, DETECTED, limit=10)


def test_an_empty_table_has_no_mistakes(filled: Fill):
    with filled() as connection:
        found = top_mistakes(connection, MONTH, ALL_SOURCES, limit=10)
        assert (found.total, found.different, found.left_out, len(found.rows)) == (0, 0, 0, 0)
        for view in VIEWS:
            cells = mistakes_by(connection, MONTH, ALL_SOURCES, view)
            assert {name: str(kind) for name, kind in cells.dtypes.items()} == {
                "value": "str",
                "error_category": "str",
                "frequency": "int64",
            }
        assert session_count(connection, MONTH, ALL_SOURCES) == 0


def test_the_statement_that_was_asked_can_be_shown(worked: Connection):
    shown = top_mistakes(worked, MONTH, DETECTED, limit=3).rows.attrs["sql"]
    assert [row.frequency for row in worked.exec_driver_sql(shown)] == [15, 12, 10]
