"""What every construct here is made of: a condition that keeps its index, and how one is written out."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, ColumnElement
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class Condition(FunctionElement[bool]):
    """A condition in brackets. SQLAlchemy would write `(...) = 1` for SQLite, and the index would be lost."""

    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        return self


def written(compiler: SQLCompiler, condition: ColumnElement[bool], kw: dict[str, Any]) -> str:
    """The condition as SQL, in brackets."""
    return f"({compiler.process(condition, **kw)})"
