from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from lib.sync.__main__ import main
from lib.sync.requests import Requests
from lib.sync.rest import RestSource
from tests.factory import make_database, worked_case
from tests.sync.conftest import Sync
from tests.sync.endpoint import Endpoint, Reply, export


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_help_says_what_happens_and_where_the_token_goes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    said = capsys.readouterr().out
    assert ended.value.code == 0
    assert "python -m lib.sync --from https://coach.example.org --to lab.db" in said
    assert "FLUENCY_API_TOKEN" in said
    assert all(len(line) <= 120 for line in said.splitlines())


def test_a_terminal_gets_a_bar_with_an_estimate(sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = worked_case(tmp_path / "source.db")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert sync(source, tmp_path / "target.db").status == 0
    assert "source.db: 100%" in terminal.getvalue()
    assert "<00:00" in terminal.getvalue()


def test_what_follows_the_bar_is_announced(sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = worked_case(tmp_path / "source.db")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    sync(source, tmp_path / "target.db")
    assert terminal.getvalue().endswith("\nSorting ...\nWriting ...\n")
    sync(source, tmp_path / "target.db", "--dry-run")
    assert terminal.getvalue().endswith("\nSorting ...\nComparing ...\n")


def test_of_several_pages_the_size_of_the_first_is_not_taken_for_that_of_all(
    endpoint: Endpoint,
) -> None:
    body = json.dumps(export(users=[{"user_id": "ann"}], next_cursor="2")).encode()
    last = json.dumps(export()).encode()
    endpoint.reply = [Reply(body, promised=len(body)), Reply(last, promised=len(last))]
    source = RestSource(endpoint.url, Requests(SecretStr(""), timeout_seconds=5, patience_seconds=0))
    assert [source.total for _ in source.batches()] == [len(body)] * 3 + [None] * 3


def test_a_log_file_gets_no_bar(sync: Sync, tmp_path: Path) -> None:
    assert sync(worked_case(tmp_path / "source.db"), tmp_path / "target.db").err == ""


def test_an_address_that_cannot_be_read_is_refused_without_repeating_it(sync: Sync, tmp_path: Path) -> None:
    odd = "postgresql://u:p4ss@host:port/db"
    for side, run in (("Source", sync(odd, tmp_path / "lab.db")), ("Target", sync(tmp_path / "lab.db", odd))):
        assert run.status == 1
        assert run.err.startswith(f"{side}: The address of the database cannot be read. Set --")
        assert "p4ss" not in run.err


ODD = {"users": [{"user_id": "ann"}, {"user_id": " "}]}


def test_a_file_that_others_may_read_is_made_anew_for_its_owner_alone(sync: Sync, tmp_path: Path) -> None:
    left_out = tmp_path / "left_out.jsonl"
    left_out.write_text("what was there\n")
    left_out.chmod(0o644)
    with left_out.open() as opened_before:
        source = make_database(tmp_path / "odd.db", **ODD)
        assert sync(source, tmp_path / "target.db", "--left-out", str(left_out)).status == 0
        assert opened_before.read() == "what was there\n"
    assert left_out.stat().st_mode & 0o777 == 0o600
    assert '"user_id is missing"' in left_out.read_text()


def test_rows_may_go_to_a_device(sync: Sync, tmp_path: Path) -> None:
    source, mode = make_database(tmp_path / "odd.db", **ODD), Path(os.devnull).stat().st_mode
    assert sync(source, tmp_path / "target.db", "--left-out", os.devnull).status == 0
    assert Path(os.devnull).stat().st_mode == mode


@pytest.mark.parametrize("name", ["source.db", "target.db", "link.db", "new.db"])
def test_rows_that_are_left_out_never_overwrite_the_source_or_the_target(name: str, sync: Sync, tmp_path: Path) -> None:
    source = make_database(tmp_path / "source.db", **ODD)
    target = make_database(tmp_path / "target.db", users=[{"user_id": "old"}])
    (tmp_path / "link.db").hardlink_to(target)
    before = source.read_bytes(), target.read_bytes()
    run = sync(source, tmp_path / "new.db" if name == "new.db" else target, "--left-out", str(tmp_path / name))
    assert run.status == 1
    assert run.err.startswith("--left-out would overwrite ")
    assert (source.read_bytes(), target.read_bytes()) == before


def test_of_the_files_beside_the_reports_the_newest_ten_remain(sync: Sync, tmp_path: Path) -> None:
    source, reports = make_database(tmp_path / "odd.db", **ODD), tmp_path / "reports"
    reports.mkdir()
    for day in range(1, 21):
        (reports / f"sync_left_out_2026-01-{day:02}_00-00-00.jsonl").touch()
    (reports / "daily_summary_2026-01-01_00-00-00.json").touch()
    sync(worked_case(tmp_path / "fits.db"), tmp_path / "other.db")
    assert len(list(reports.iterdir())) == 21
    run = sync(source, tmp_path / "target.db")
    left = sorted(path.name for path in reports.iterdir())
    assert len(left) == 11
    assert left[1] == "sync_left_out_2026-01-12_00-00-00.jsonl"
    assert left[-1] in run.out


def test_a_place_for_rows_that_cannot_be_written_ends_the_copy(sync: Sync, tmp_path: Path) -> None:
    fits = worked_case(tmp_path / "fits.db")
    odd = make_database(tmp_path / "odd.db", users=[{"user_id": " "}])
    assert sync(fits, tmp_path / "target.db", "--left-out", str(tmp_path)).status == 0  # the file is not needed
    run = sync(odd, tmp_path / "other.db", "--left-out", str(tmp_path))
    assert (run.status, run.err) == (
        1,
        f"The file {tmp_path} cannot be written. Choose another with --left-out.\n",
    )
