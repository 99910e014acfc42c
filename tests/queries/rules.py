"""What a statement must keep to so that it runs unchanged, and fast, on a PostgreSQL that is spread by user (Citus).

Each rule looks at SQLAlchemy's tree of the statement and names what breaks it. Text in the tree cannot be judged, so
whole statements of text break a rule as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    CTE,
    BinaryExpression,
    Cast,
    ColumnElement,
    CompoundSelect,
    Date,
    FromClause,
    Function,
    Insert,
    Join,
    Lateral,
    Over,
    Select,
    String,
    Subquery,
    TextClause,
    Tuple,
    WithinGroup,
)
from sqlalchemy.dialects.postgresql.ext import DistinctOnClause
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import BooleanClauseList, Grouping, UnaryExpression
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.visitors import iterate

FORBIDDEN_FUNCTIONS = {"rollup", "cube", "grouping_sets", "percentile_cont", "percentile_disc", "mode"}
FORBIDDEN_CLAUSES: dict[type, str] = {
    DistinctOnClause: "DISTINCT ON",
    Lateral: "LATERAL",
    TextClause: "text instead of a tree",
    WithinGroup: "WITHIN GROUP",
}
CLOCKS = {"now", "current_timestamp", "localtimestamp", "current_date", "current_time", "localtime", "clock_timestamp"}


def broken_rules(statement: Any) -> list[str]:
    """What is wrong with a statement, a sentence each; nothing where it keeps the rules."""
    nodes = list(iterate(statement))
    return [found for rule in (_joins, _windows, _constructs, _casts, _writes, _order) for found in rule(nodes)]


def _of(nodes: list[Any], *kinds: type) -> Iterator[Any]:
    return (node for node in nodes if isinstance(node, kinds))


# 1. Every join, and every subquery that looks at the query around it, goes by user


def _joins(nodes: list[Any]) -> Iterator[str]:
    for query in _of(nodes, Select):
        froms = query.get_final_froms()
        for join in (node for table in froms for node in _tables(table) if isinstance(node, Join)):
            if not _by_user(join.onclause, join.left, join.right):
                yield f"a join that is not by user: {join.onclause}"
        reached = froms[:1]
        while more := [new for new in froms if new not in reached and _reaches(query.whereclause, reached, new)]:
            reached += more
        if len(reached) < len(froms):
            yield f"tables side by side, or a subquery on the one around it, not by user: {query.whereclause}"
    for test in _of(nodes, BinaryExpression):
        inner = _query_of(test.right) if test.operator is operators.in_op else None
        if inner is not None and not all(map(_is_user, [test.left, *inner.selected_columns])):
            yield f"IN (SELECT ...) of something other than users: {test.left}"


def _reaches(where: Any, reached: list[FromClause], new: FromClause) -> bool:
    return any(_by_user(where, old, new) for old in reached)


def _by_user(condition: Any, left: FromClause, right: FromClause) -> bool:
    """Whether one of the conditions that must all hold is `left.user_id == right.user_id`."""
    for part in _parts(condition):
        if isinstance(part, BinaryExpression) and part.operator is operators.eq:
            sides = part.left, part.right
            if all(map(_is_user, sides)) and any(
                _belongs(one, left) and _belongs(other, right) for one, other in (sides, sides[::-1])
            ):
                return True
    return False


def _parts(condition: Any) -> Iterator[Any]:
    if isinstance(condition, Grouping):
        yield from _parts(condition.element)
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for part in condition.clauses:
            yield from _parts(part)
    else:
        yield condition


def _is_user(column: Any) -> bool:
    return isinstance(column, ColumnElement) and {getattr(base, "name", "") for base in column.base_columns} == {
        "user_id"
    }


def _belongs(column: Any, table: FromClause) -> bool:
    return getattr(column, "table", None) in set(_tables(table))


def _tables(table: FromClause) -> Iterator[FromClause]:
    """A table, subquery or join with the tables and joins that it joins, not with what is inside a subquery."""
    yield table
    if isinstance(table, Join):
        yield from _tables(table.left)
        yield from _tables(table.right)


def _query_of(element: Any) -> Select[Any] | CompoundSelect[Any] | None:
    return next((node for node in iterate(element) if isinstance(node, Select | CompoundSelect)), None)


# 2. Windows by user, or over groups; no NOT IN


def _windows(nodes: list[Any]) -> Iterator[str]:
    for query in _of(nodes, Select):
        for window in _windows_of(query):
            by_user = any(_is_user(node) for part in _each(window.partition_by) for node in iterate(part))
            if not by_user and not all(map(_is_grouped, query.get_final_froms())):
                yield f"a window over rows that is not by user: {window}"
    for test in _of(nodes, BinaryExpression):
        if test.operator is operators.not_in_op and _query_of(test.right) is not None:
            yield f"NOT IN (SELECT ...): {test.left}"


def _windows_of(query: Select[Any]) -> list[Over[Any]]:
    """Those among its columns and in its order, not those of a subquery."""
    places = [*query._raw_columns, *query._order_by_clauses]
    return [node for place in places for node in iterate(place) if isinstance(node, Over)]


def _is_grouped(table: FromClause) -> bool:
    return isinstance(table, Subquery) and isinstance(table.element, Select) and bool(table.element._group_by_clauses)


# 3. What Citus refuses, or does row by row


def _constructs(nodes: list[Any]) -> Iterator[str]:
    for name in sorted({_name(node) for node in _of(nodes, FunctionElement)} & FORBIDDEN_FUNCTIONS):
        yield f"the function {name}"
    for kind, words in FORBIDDEN_CLAUSES.items():
        if list(_of(nodes, kind)):
            yield words
    if any(cte.recursive for cte in _of(nodes, CTE)):
        yield "a recursive CTE"
    for query in _of(nodes, Select, CompoundSelect):
        if query._offset_clause is not None:
            yield "OFFSET"
    for call in _of(nodes, Function):
        inside = list(call.clauses)
        if call.name == "count" and (len(inside) > 1 or any(map(_is_distinct_tuple, inside))):
            yield "count(DISTINCT a, b)"


def _is_distinct_tuple(argument: Any) -> bool:
    is_distinct = isinstance(argument, UnaryExpression) and argument.operator is operators.distinct_op
    return is_distinct and any(isinstance(node, Tuple) for node in iterate(argument))


def _name(function: FunctionElement[Any]) -> str:
    return str(getattr(function, "name", "")).lower()  # constructs of ours have none


# 4. Days and weeks are constructs of ours


def _casts(nodes: list[Any]) -> Iterator[str]:
    return (f"a cast to Date: {cast}" for cast in _of(nodes, Cast) if isinstance(cast.type, Date))


# 5. Writing


def _writes(nodes: list[Any]) -> Iterator[str]:
    for name in sorted({_name(node) for node in _of(nodes, FunctionElement)} & CLOCKS):
        yield f"the clock of the server: {name}"
    for insert in _of(nodes, Insert):
        conflict = getattr(insert, "_post_values_clause", None)
        if conflict is not None:
            target = getattr(conflict, "inferred_target_elements", None) or ()
            if "user_id" not in {getattr(element, "name", element) for element in target}:
                yield "ON CONFLICT without user_id"


# 6. Texts in an order that is the same everywhere


def _order(nodes: list[Any]) -> Iterator[str]:
    for query in _of(nodes, Select):
        orders = [*query._order_by_clauses, *(part for window in _windows_of(query) for part in _each(window.order_by))]
        for order in orders:
            inner = order.element if isinstance(order, UnaryExpression) else order
            if isinstance(inner.type, String):
                yield f"texts in the server's own order: {order}"


def _each(clauses: Any) -> tuple[Any, ...]:
    return () if clauses is None else tuple(clauses)
