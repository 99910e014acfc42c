"""The endpoint that docs describe, run as it stands there, serves what the sync reads."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib.schema import OPTIONAL_TABLES
from lib.sync.__main__ import main as sync
from tests.factory import make_database
from tests.node_endpoint import TOKEN, documented, export_rows, served
from tests.postgres import Server
from tests.schema.answers import answers, same_answers
from tests.worked_case import WORKED_CASE

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory, worked_path: Path) -> Path:
    """The worked case as the endpoint reads it, sorted by key."""
    return export_rows(worked_path, tmp_path_factory.mktemp("exported") / "rows.json")


def everything(url: str) -> tuple[dict[str, list[Any]], int]:
    """All rows by table, and how many pages they came in."""
    found: dict[str, list[Any]] = {}
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = httpx.get(url, headers=HEADERS, params={} if cursor is None else {"cursor": cursor}).json()
        cursor, pages = page.pop("next_cursor"), pages + 1
        assert {"users", "sessions", "errors"} <= set(page)
        for name, rows in page.items():
            found.setdefault(name, []).extend(rows)
    return found, pages


def test_the_endpoint_serves_every_row_in_one_answer_or_in_pages(exported: Path):
    rows = json.loads(exported.read_text(encoding="utf-8"))
    with served(exported) as url:
        assert everything(url) == (rows, 1)
    count = sum(map(len, rows.values()))
    with served(exported, page_size="7") as url:
        assert everything(url) == (rows, count // 7 + 1)


def test_tables_that_an_installation_does_not_have_are_left_out(exported: Path, tmp_path: Path):
    rows = {"users": json.loads(exported.read_text(encoding="utf-8"))["users"]}
    (tmp_path / "rows.json").write_text(json.dumps({**rows, "sessions": [], "errors": []}), encoding="utf-8")
    with served(tmp_path / "rows.json") as url:
        found, _ = everything(url)
    assert found == {**rows, "sessions": [], "errors": []}
    assert not OPTIONAL_TABLES & set(found)


def test_the_endpoint_refuses_whoever_has_no_token_and_what_it_does_not_know(exported: Path):
    with served(exported) as url:
        for headers in ({}, {"Authorization": "Bearer another"}, {"Authorization": TOKEN}):
            answer = httpx.get(url, headers=headers)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
            assert "@" not in answer.text
        assert httpx.post(url, headers=HEADERS).status_code == 405
        assert httpx.get(f"{url}/other", headers=HEADERS).status_code == 404
        assert httpx.get(url, headers=HEADERS, params={"cursor": "nonsense"}).status_code == 400


def test_an_answer_is_compressed_for_those_who_take_it(exported: Path):
    with served(exported) as url:
        for accepted, opened in (("gzip", gzip.decompress), ("identity", bytes)):
            with httpx.stream("GET", url, headers={**HEADERS, "Accept-Encoding": accepted}) as answer:
                raw = b"".join(answer.iter_raw())
            assert json.loads(opened(raw))["users"]


def test_what_fails_in_the_middle_is_cut_off_and_what_fails_at_once_is_a_500(exported: Path, tmp_path: Path):
    rows = json.loads(exported.read_text(encoding="utf-8"))
    with served(exported, breaks_at=rows["users"][0]["user_id"]) as url:
        assert httpx.get(url, headers=HEADERS).status_code == 500
    rows["users"] = [{"user_id": f"user{number:06}", "email": "x" * 100} for number in range(3_000)]
    (tmp_path / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
    with (
        served(tmp_path / "rows.json", breaks_at="user002999") as url,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        httpx.get(url, headers=HEADERS)


def test_what_the_endpoint_serves_is_synced_to_the_same_answers_and_twice_changes_nothing(
    exported: Path,
    worked_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.setenv("FLUENCY_API_TOKEN", TOKEN)
    monkeypatch.setenv("FLUENCY_REPORTS_FOLDER", str(tmp_path))
    target = tmp_path / "lab.db"
    with served(exported, page_size="50") as url:
        assert sync(["--from", url, "--to", str(target)]) == 0
        same_answers(answers(str(worked_path)), answers(str(target)))
        capsys.readouterr()
        assert sync(["--from", url, "--to", str(target)]) == 0
        assert capsys.readouterr().out.startswith("Nothing changed")


@pytest.mark.parametrize("naive", [False, True])
def test_the_command_of_the_documentation_serves_postgresql(
    naive: bool,
    postgres_server: Server,
    worked_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("FLUENCY_API_TOKEN", TOKEN)
    monkeypatch.setenv("FLUENCY_REPORTS_FOLDER", str(tmp_path))
    address = make_database(postgres_server.create_database("serving"), naive=naive, **WORKED_CASE)
    with documented(tmp_path / "endpoint", address) as url:
        assert httpx.get(url).status_code == 401
        assert sync(["--from", url, "--to", str(tmp_path / "lab.db")]) == 0
    same_answers(answers(str(worked_path)), answers(str(tmp_path / "lab.db")))
