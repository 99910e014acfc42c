from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from lib.sync.__main__ import main
from tests.factory import make_database, worked_case
from tests.sync.conftest import Sync


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


def test_a_log_file_gets_no_bar(sync: Sync, tmp_path: Path) -> None:
    assert sync(worked_case(tmp_path / "source.db"), tmp_path / "target.db").err == ""


def test_an_address_that_cannot_be_read_is_refused_without_repeating_it(sync: Sync, tmp_path: Path) -> None:
    odd = "postgresql://u:p4ss@host:port/db"
    for side, run in (("Source", sync(odd, tmp_path / "lab.db")), ("Target", sync(tmp_path / "lab.db", odd))):
        assert run.status == 1
        assert run.err.startswith(f"{side}: The address of the database cannot be read. Set --")
        assert "p4ss" not in run.err


def test_a_place_for_rows_that_cannot_be_written_ends_the_copy(sync: Sync, tmp_path: Path) -> None:
    fits = worked_case(tmp_path / "fits.db")
    odd = make_database(tmp_path / "odd.db", users=[{"user_id": " "}])
    assert sync(fits, tmp_path / "target.db", "--left-out", str(tmp_path)).status == 0  # the file is not needed
    run = sync(odd, tmp_path / "other.db", "--left-out", str(tmp_path))
    assert (run.status, run.err) == (
        1,
        f"The file {tmp_path} cannot be written. Choose another with --left-out.\n",
    )
