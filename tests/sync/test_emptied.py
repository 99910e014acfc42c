"""A source that no longer says what it said does not take it from the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.factory import make_database
from tests.postgres import Server
from tests.sync.conftest import Sync, rows_of
from tests.sync.endpoint import Endpoint, good

USERS = [
    {"user_id": f"u{n}", "email": f"u{n}@example.com", "role": "free", "last_active": "2026-11-20T10:00:00Z"}
    for n in range(5)
]
SESSIONS = [
    {
        "session_id": f"s{n}",
        "user_id": "u1",
        "session_topic": "stand-up",
        "started_at": f"2026-11-2{n}T10:00:00.250Z",
        "ended_at": f"2026-11-2{n}T10:30:00Z",
        "confidence_score": 7.5,
        "error_count": 2,
    }
    for n in range(5)
]
OFFERS = [{"trigger_id": f"o{n}", "user_id": "u1", "offer_accepted": True, "conditions_met": [1]} for n in range(5)]


def send(endpoint: Endpoint, **lists: list[dict[str, Any]]) -> None:
    endpoint.reply = good(**{"users": USERS, "sessions": SESSIONS, "conversion_triggers": OFFERS, **lists})


def all_rows(target: str | Path) -> list[list[tuple[Any, ...]]]:
    return [rows_of(target, name) for name in ("users", "coaching_sessions", "conversion_triggers")]


def changed(rows: list[dict[str, Any]], count: int, **values: Any) -> list[dict[str, Any]]:
    """The rows with other values in the first ``count`` of them."""
    return [row | values if place < count else row for place, row in enumerate(rows)]


@pytest.mark.parametrize(
    ("stamp", "stays"),
    [
        (lambda n: 1_795_168_800_250 + n * 86_400_000, True),  # milliseconds, as Node.js writes them
        (lambda n: str(1_795_168_800_250 + n * 86_400_000), True),
        (lambda n: 1_795_168_800.25 + n * 86_400, True),
        (lambda n: f"2026-11-2{n}T12:00:00,250+02:00[Europe/Berlin]", True),
        (lambda n: 1_795_168_800_250_000 + n, False),  # microseconds are not among them
        (lambda n: "Invalid date", False),
        (lambda n: {"seconds": n}, False),
    ],
    ids=["milliseconds", "milliseconds as text", "seconds", "a named zone", "microseconds", "no date", "an object"],
)
def test_times_that_are_written_in_another_way_are_read_or_refused(
    stamp: Any, stays: bool, endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    target = tmp_path / "lab.db"
    send(endpoint)
    assert sync(endpoint.url, target).status == 0
    before = all_rows(target)
    send(endpoint, sessions=[session | {"started_at": stamp(n)} for n, session in enumerate(SESSIONS)])
    run = sync(endpoint.url, target)
    assert all_rows(target) == before
    if stays:
        assert run.out.startswith("Nothing changed")
    else:
        assert run.status == 1
        assert run.err == (
            "Source: 5 of the 5 values that the target has in coaching_sessions.started_at would be gone. "
            "If they are to go, say --allow-emptied coaching_sessions.started_at.\n"
        )


COLUMNS = [
    ("users", "email", None),
    ("users", "role", ""),
    ("users", "last_active", "soon"),
    ("coaching_sessions", "user_id", ["u1"]),
    ("coaching_sessions", "session_topic", True),
    ("coaching_sessions", "confidence_score", "high"),
    ("coaching_sessions", "error_count", {}),
    ("conversion_triggers", "offer_accepted", "maybe"),
    ("conversion_triggers", "conditions_met", ""),
]


def send_without(endpoint: Endpoint, name: str, column: str, value: Any) -> None:
    """All rows, most of them with another value in a column."""
    key = {"coaching_sessions": "sessions"}.get(name, name)
    rows = {"users": USERS, "sessions": SESSIONS, "conversion_triggers": OFFERS}[key]
    send(endpoint, **{key: changed(rows, 3, **{column: value})})


@pytest.mark.parametrize(("name", "column", "value"), COLUMNS)
def test_a_column_that_loses_most_of_what_it_had_is_refused_unless_it_is_named(
    name: str, column: str, value: Any, endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    send(endpoint)
    target = tmp_path / "lab.db"
    sync(endpoint.url, target)
    before = all_rows(target)
    send_without(endpoint, name, column, value)
    run = sync(endpoint.url, target)
    assert (run.status, all_rows(target)) == (1, before)
    assert f"3 of the 5 values that the target has in {name}.{column} would be gone." in run.err
    run = sync(endpoint.url, target, "--allow-emptied", f"{name}.{column}")
    assert run.status == 0
    assert f"Emptied: 3 values that the target had in {name}.{column}." in run.out


def test_it_is_refused_on_postgresql_as_well(endpoint: Endpoint, sync: Sync, postgres_server: Server) -> None:
    target = postgres_server.create_database("emptied")
    send(endpoint)
    sync(endpoint.url, target)
    for name, column, value in COLUMNS:
        send_without(endpoint, name, column, value)
        assert (
            f"3 of the 5 values that the target has in {name}.{column} would be gone." in sync(endpoint.url, target).err
        )


@pytest.mark.parametrize("option", ["--dry-run", "--allow-empty", "--allow-emptied=users.english_level"])
def test_no_other_option_allows_it(option: str, endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    send(endpoint)
    sync(endpoint.url, tmp_path / "lab.db")
    send_without(endpoint, "users", "email", None)
    assert "in users.email would be gone." in sync(endpoint.url, tmp_path / "lab.db", option).err


def test_a_column_that_loses_less_is_brought_over_and_told(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    send(endpoint)
    sync(endpoint.url, tmp_path / "lab.db")
    send(endpoint, sessions=changed(SESSIONS, 2, started_at="soon", ended_at=None))
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert run.status == 0
    assert "Changed on the way: 2 rows of coaching_sessions: started_at cannot be read as a time" in run.out
    assert "Emptied: 2 values that the target had in coaching_sessions.started_at." in run.out
    assert "Emptied: 2 values that the target had in coaching_sessions.ended_at." in run.out


def test_rows_that_go_take_their_values_with_them(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    send(endpoint)
    sync(endpoint.url, tmp_path / "lab.db")
    send(endpoint, users=[*USERS, {"user_id": "new"}], sessions=SESSIONS[:1])
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert (run.status, "Emptied" in run.out) == (0, False)


def test_times_that_stay_the_text_that_they_are_must_still_be_times(sync: Sync, tmp_path: Path) -> None:
    users = [{"user_id": f"u{n}"} for n in range(3)]
    target = make_database(tmp_path / "lab.db", users=users, sessions=users)
    broken = [row | {"started_at": "Invalid date"} for row in users]
    run = sync(make_database(tmp_path / "source.db", users=users, sessions=broken), target)
    assert "3 of the 3 values that the target has in coaching_sessions.started_at would be gone." in run.err
    assert {row[4] for row in rows_of(target, "coaching_sessions")} == {"2026-11-22 09:30:00"}


def test_most_rows_that_do_not_fit_are_refused_unless_an_empty_table_is_allowed(
    endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    send(endpoint)
    sync(endpoint.url, tmp_path / "lab.db")
    send(endpoint, sessions=changed(SESSIONS, 3, session_id=None))
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert "Source: 3 of its 5 rows of coaching_sessions do not fit, and the target has 5 rows." in run.err
    assert sync(endpoint.url, tmp_path / "lab.db", "--allow-empty").status == 0


@pytest.mark.parametrize("name", ["users", "users.nothing", "nothing.email", "users.user_id", ""])
def test_only_a_column_can_be_allowed_to_be_emptied(
    name: str, sync: Sync, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        sync("https://lab.example.org", tmp_path / "lab.db", "--allow-emptied", name)
    assert "is no column that can be emptied" in capsys.readouterr().err
