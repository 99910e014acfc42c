"""learners.db by way of the documented endpoint, PostgreSQL and back: everywhere the numbers of the file itself."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lib.report.orders import order_from
from lib.report.run import run
from lib.settings import PREFIX, Settings, load_settings
from lib.sync.__main__ import main
from tests.node_endpoint import TOKEN, documented, export_rows, served
from tests.pages.test_real_input import LEARNERS
from tests.postgres import Server
from tests.schema.answers import answers, same_answers


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("FLUENCY_API_TOKEN", TOKEN)
    monkeypatch.setenv("FLUENCY_REPORTS_FOLDER", str(tmp_path / "left_out"))


def report(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The daily report's numbers."""
    monkeypatch.setenv("FLUENCY_DATABASE_URL", address)
    run(order_from(load_settings(), folder=folder), now=datetime(2026, 11, 23, 8, tzinfo=UTC))
    numbers = json.loads(next(folder.glob("daily_summary_*.json")).read_bytes())
    assert numbers.pop("source")
    return numbers


def test_learners_by_an_endpoint_into_postgresql_and_back_give_the_numbers_of_the_file(
    tmp_path: Path, postgres_server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert LEARNERS.exists(), f"{LEARNERS.name} is not in {LEARNERS.parent}; name it in FLUENCY_TEST_LEARNERS"
    file = Path(shutil.copy(LEARNERS, tmp_path / "learners.db"))
    server, back = postgres_server.create_database("learners"), tmp_path / "back.db"
    with served(export_rows(file, tmp_path / "rows.json")) as url:
        assert main(["--from", url, "--to", server]) == 0
    with documented(tmp_path / "endpoint", server) as url:
        assert main(["--from", url, "--to", str(back)]) == 0
        capsys.readouterr()
        assert main(["--from", url, "--to", server]) == 0
    assert capsys.readouterr().out.startswith("Nothing changed")
    expected = answers(str(file))
    for address in (server, str(back)):
        same_answers(expected, answers(address))
    assert report(server, tmp_path / "of_server", monkeypatch) == report(str(file), tmp_path / "of_file", monkeypatch)
