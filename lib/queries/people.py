"""Everybody whom the product knows, for exports that must not name them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, select

from lib.schema import users
from lib.schema.present import AS_TEXT

AT_ONCE = 10_000


def everybody(connection: Connection) -> Iterator[tuple[str, str | None]]:
    """User id and e-mail address of every user, read as they are asked for, in no particular order.

    Only for those who may see addresses, and for the report.
    """
    query = select(users.c.user_id, users.c.email).execution_options(yield_per=AT_ONCE, **{AS_TEXT: True})
    for user_id, email in connection.execute(query):
        yield str(user_id), email
