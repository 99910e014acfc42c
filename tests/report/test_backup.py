from __future__ import annotations

import os
import re
import sqlite3
import stat
import subprocess
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lib.database import DatabaseProblem, database_url
from lib.period import Period
from lib.queries.conversion import past_offers
from lib.queries.engagement import sessions_by_role
from lib.queries.health import missing_parts, table_states
from lib.queries.mistakes import MistakeFilter, top_mistakes
from lib.report import backup
from lib.report.backup import BackupProblem, back_up
from tests.conftest import opened
from tests.factory import worked_case
from tests.postgres import Server
from tests.report.hammer import pairs, writer

NOW = datetime(2026, 11, 22, 23, 30, 5, tzinfo=UTC)
HOUR = timedelta(hours=1)

Programs = Callable[..., Path]


def copy(source: Path | str, folder: Path, *, keep: int | None = None, hours: float = 0) -> Path:
    return back_up(database_url(str(source)), folder, keep=keep, now=NOW + hours * HOUR)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return worked_case(tmp_path / "learners.db")


def without_hash(path: Path) -> str:
    """The name of a copy without what tells databases of the same name apart."""
    return re.sub(r"_[0-9a-f]{8}_", "_", path.name, count=1)


def test_the_copy_has_the_name_of_the_database_and_the_time_in_utc(source: Path, tmp_path: Path) -> None:
    made = copy(source, tmp_path / "new" / "folder")
    assert names(made.parent) == [made.name]
    assert without_hash(made) == "learners_2026-11-22_23-30-05Z.db"


def test_no_copy_is_taken_for_older_when_the_clock_of_the_zone_goes_back(source: Path, tmp_path: Path) -> None:
    """Berlin has the hour from 02:00 to 03:00 twice on 25 October."""
    address, clock = database_url(str(source)), datetime(2026, 10, 24, 23, 50, tzinfo=UTC)
    for _ in range(8):
        clock += timedelta(minutes=20)
        made = back_up(address, tmp_path / "copies", keep=1, now=clock)
        assert names(tmp_path / "copies") == [made.name]


@pytest.mark.parametrize("keep", [1, 2])
def test_the_new_copy_stays_also_where_an_older_one_bears_a_later_time(source: Path, tmp_path: Path, keep: int) -> None:
    wrong_clock = copy(source, tmp_path / "copies", hours=24 * 365)
    made = copy(source, tmp_path / "copies", keep=keep)
    assert names(tmp_path / "copies") == sorted({made.name, wrong_clock.name} if keep == 2 else {made.name})


def test_two_databases_of_the_same_file_name_leave_each_other_their_copies(source: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = worked_case(tmp_path / "other" / source.name)
    made = [copy(each, tmp_path / "copies", keep=1, hours=hour) for hour in range(2) for each in (source, other)]
    assert names(tmp_path / "copies") == sorted(path.name for path in made[2:])


def test_a_name_with_brackets_is_a_name_like_any_other(tmp_path: Path) -> None:
    source = worked_case(tmp_path / "learners [1].db")
    made = [copy(source, tmp_path / "copies", keep=1, hours=hour) for hour in range(2)]
    assert names(tmp_path / "copies") == [made[-1].name]


def test_the_copy_holds_the_same_rows_and_is_for_its_owner_alone(source: Path, tmp_path: Path) -> None:
    made = copy(source, tmp_path / "copies")
    with closing(sqlite3.connect(source)) as before, closing(sqlite3.connect(made)) as after:
        assert list(before.iterdump()) == list(after.iterdump())
    assert os.name == "nt" or stat.S_IMODE(made.stat().st_mode) == 0o600


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_copies_made_while_another_program_writes_are_whole(source: Path, tmp_path: Path, journal: str) -> None:
    folder, found = tmp_path / "copies", []
    with writer(source, journal):
        while len(found) < 8 or found[0] == found[-1]:
            found.append(pairs(copy(source, folder, hours=len(found))))
    assert all(sessions == mistakes > 0 for sessions, mistakes in found)
    assert found == sorted(found)
    assert len(names(folder)) == len(found), "a copy is one file"


def test_the_newest_copies_are_kept_and_other_files_never_touched(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    others = [
        "learners.db",
        "learners_2020-01-01.db",
        "learners_2020-01-01_00-00-00.db",
        "learners_12345678_2020-01-01_00-00-00Z.db",
        "learners_2020-01-01_00-00-00.db.old",
        "learners_archive_2020-01-01_00-00-00.db",
        "others_2020-01-01_00-00-00.db",
        ".learners_notes",
    ]
    for name in others:
        (folder / name).write_text("not ours")
    oldest = copy(source, folder, hours=-1)
    oldest.unlink()
    oldest.mkdir()
    made = [copy(source, folder, keep=2, hours=number).name for number in range(5)]
    assert set(names(folder)) == {*others, oldest.name, *made[-2:]}


def test_without_a_number_to_keep_nothing_is_removed(source: Path, tmp_path: Path) -> None:
    for number in range(4):
        copy(source, tmp_path / "copies", hours=number)
    assert len(names(tmp_path / "copies")) == 4


def test_a_damaged_database_gives_no_backup_and_costs_no_old_one(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    first = copy(source, folder, keep=1)
    content = bytearray(source.read_bytes())
    content[4096 * 3 : 4096 * 3 + 2000] = os.urandom(2000)
    source.write_bytes(content)
    with pytest.raises((BackupProblem, DatabaseProblem)):
        copy(source, folder, keep=1, hours=1)
    assert names(folder) == [first.name]


def test_a_copy_that_lost_rows_is_no_backup(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count, numbers = backup._row_counts, iter([9, 8])
    monkeypatch.setattr(backup, "_row_counts", lambda connection: count(connection) | {"users": next(numbers)})
    with pytest.raises(BackupProblem, match="does not have all rows of users"):
        copy(source, tmp_path / "copies")
    assert names(tmp_path / "copies") == []


def test_a_database_that_is_locked_is_a_sentence(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.report.snapshot.PATIENCE", 0)
    with closing(sqlite3.connect(source, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(DatabaseProblem, match="busy"):
            copy(source, tmp_path / "copies")
    assert names(tmp_path / "copies") == []


def test_what_a_killed_backup_left_is_removed_after_a_day_and_not_before(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    name = copy(source, tmp_path / "elsewhere").name[: len("learners_12345678")]
    for part, age in [(f".{name}_old.part", 25 * HOUR), (f".{name}_running.part", HOUR)]:
        (folder / part).mkdir(parents=True)
        (folder / part / "learners.db").write_text("half")
        os.utime(folder / part, ((NOW - age).timestamp(), (NOW - age).timestamp()))
    made = copy(source, folder)
    assert names(folder) == [part, made.name]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """Puts stand-ins for PostgreSQL's programs on the path, alone; they note how they were called."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def put(**scripts: str) -> Path:
        for name, script in scripts.items():
            path = folder / name
            note = f'echo "{name} $@" >> {folder}/calls; echo "password=$PGPASSWORD" >> {folder}/calls'
            path.write_text(f"#!/bin/sh\n{note}\n{script}\n")
            path.chmod(0o755)
        return folder / "calls"

    return put


ADDRESS = "postgresql://reader:s3cr%40t@db.example.org:5433/fluency?sslmode=require"
WRITE = 'for one in "$@"; do case "$one" in --file=*) echo dump > "${one#--file=}";; esac; done'
LIST = 'echo "3340; 0 16384 TABLE DATA public users reader"'


def test_pg_dump_gets_the_password_from_the_environment_alone(programs: Programs, tmp_path: Path) -> None:
    calls = programs(pg_dump=WRITE, pg_restore=LIST)
    made = copy(ADDRESS, tmp_path / "copies")
    assert without_hash(made) == "db.example.org_fluency_2026-11-22_23-30-05Z.dump"
    assert made.name == copy(ADDRESS.replace("s3cr%40t", "another"), tmp_path / "copies").name
    assert made.name != copy(ADDRESS.replace("5433", "5434"), tmp_path / "copies").name
    assert made.read_text() == "dump\n"
    dump, password, *_ = calls.read_text().splitlines()
    assert dump.startswith("pg_dump --format=custom --no-password --file=")
    assert dump.endswith("--dbname=postgresql://reader@db.example.org:5433/fluency?sslmode=require")
    assert password == "password=s3cr@t"


def test_a_machine_without_pg_dump_is_told_what_to_install(programs: Programs, tmp_path: Path) -> None:
    with pytest.raises(BackupProblem, match="no program pg_dump here; install PostgreSQL's client programs"):
        copy(ADDRESS, tmp_path / "copies")
    assert names(tmp_path / "copies") == []


@pytest.mark.parametrize(
    ("scripts", "sentence"),
    [
        ({"pg_dump": "echo 'pg_dump: error: no route.' >&2; exit 1"}, r"^pg_dump failed: no route\.$"),
        ({"pg_dump": "exit 1"}, "^pg_dump failed: it does not say why"),
        ({"pg_dump": WRITE, "pg_restore": "echo 'not an archive' >&2; exit 1"}, "^pg_restore failed: not an archive"),
        ({"pg_dump": WRITE, "pg_restore": "echo '; no entries'"}, "holds no table"),
    ],
)
def test_a_dump_that_fails_or_cannot_be_read_back_costs_no_old_one(
    programs: Programs, tmp_path: Path, scripts: dict[str, str], sentence: str
) -> None:
    programs(pg_dump=WRITE, pg_restore=LIST)
    first = copy(ADDRESS, tmp_path / "copies", keep=1)
    programs(**scripts)
    with pytest.raises(BackupProblem, match=sentence) as problem:
        copy(ADDRESS, tmp_path / "copies", keep=1, hours=1)
    assert names(tmp_path / "copies") == [first.name]
    assert "s3cr" not in str(problem.value)


def test_a_dump_of_a_real_server_restored_into_another_database_gives_the_same_report(
    postgres_server: Server, tmp_path: Path
) -> None:
    source = worked_case(postgres_server.create_database("fluency", locale="en-US"))
    made = copy(source, tmp_path / "copies")
    assert without_hash(made) == "127.0.0.1_fluency_2026-11-22_23-30-05Z.dump"
    target = postgres_server.create_database("restored")
    subprocess.run(["pg_restore", "--no-owner", "--exit-on-error", f"--dbname={target}", made], check=True)
    assert answers(target) == answers(source)


def answers(address: str) -> tuple[Any, ...]:
    """What the app asks, and what the tables are."""
    month = Period(date(2026, 11, 22), 30)
    with opened(address) as connection:
        asked = (
            sessions_by_role(connection, [month], completed_only=True),
            top_mistakes(connection, month, MistakeFilter(("detected", "it", "pricing")), limit=100).rows,
            past_offers(connection, month),
        )
        states = table_states(connection, month.end)
        return *(frame.to_csv() for frame in asked), *map(str, states), len(missing_parts(connection, states))


def test_a_server_that_refuses_costs_no_old_dump_and_tells_no_password(postgres_server: Server, tmp_path: Path) -> None:
    source = worked_case(postgres_server.create_database("fluency"))
    first = copy(source, tmp_path / "copies", keep=1)
    for address, reason in (
        (re.sub(r":\w+@", ":wr0ng@", source), "password authentication failed"),
        (f"{source}_gone", 'database "fluency_gone" does not exist'),
    ):
        with pytest.raises(BackupProblem, match=reason) as problem:
            copy(address, tmp_path / "copies", keep=1, hours=1)
        assert "wr0ng" not in str(problem.value)
    postgres_server.execute("create table private (secret text)", "fluency")
    with pytest.raises(BackupProblem, match="permission denied for table private"):
        copy(source, tmp_path / "copies", keep=1, hours=1)
    assert names(tmp_path / "copies") == [first.name]


def test_other_databases_have_no_backup(tmp_path: Path) -> None:
    with pytest.raises(BackupProblem, match="SQLite and PostgreSQL, not of oracle"):
        back_up(database_url("sqlite:///x").set(drivername="oracle"), tmp_path, keep=None, now=NOW)
