from __future__ import annotations

import errno
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from lib import audit
from lib.audit import AuditLog, AuditProblem


def lines(place: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]


def test_a_line_says_who_did_what_and_when(tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "audit.jsonl")).record(
        "page", "ann@example.org", page="home", filters={"as_of": "2026-11-22"}
    )
    (line,) = lines(tmp_path / "audit.jsonl")
    assert str(line.pop("at")).endswith("+00:00")
    assert line == {"event": "page", "visitor": "ann@example.org", "page": "home", "filters": {"as_of": "2026-11-22"}}


def test_no_address_of_a_learner_gets_in(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path / "a.jsonl"))
    log.record("sql", "ann@example.org", sql="select 1 where email = 'kim@learner.net'", filters=["kim@learner.net"])
    text = (tmp_path / "a.jsonl").read_text()
    assert "learner.net" not in text
    assert "[address]" in text


@pytest.mark.parametrize("before", range(audit.LONGEST - 30, audit.LONGEST + 1, 5))
def test_an_address_that_the_limit_parts_leaves_nothing_of_itself(before: int, tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "a.jsonl")).record("sql", "ann", sql=f"{'x ' * (before // 2)}kim.learner@example.net" * 9)
    assert "kim" not in (tmp_path / "a.jsonl").read_text()


def test_a_list_and_a_set_of_filters_have_their_limit(tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "a.jsonl")).record(
        "page", "ann", filters={f"n{number}": "1" for number in range(9_999)}, types=["x"] * 9_999
    )
    (line,) = lines(tmp_path / "a.jsonl")
    assert (len(line["filters"]), len(line["types"])) == (audit.MOST, audit.MOST)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["x" * 1_000_000, "x" * 1_000_000 + "@", "@x" * 300_000, "a@[" * 300_000])
def test_a_megabyte_without_a_space_is_recorded_like_any_text(text: str, tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "a.jsonl")).record("sql", "ann", sql=text)
    (line,) = lines(tmp_path / "a.jsonl")
    assert len(str(line["sql"])) <= audit.LONGEST


@pytest.mark.parametrize("sign", ["%40", "%2540", "&#64;", "&#x40;", "&commat;", "\uff20"])
def test_an_address_with_another_sign_is_one_too(sign: str, tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "a.jsonl")).record("page", "ann", filters={"user": f"kim{sign}learner.net"})
    assert "learner" not in (tmp_path / "a.jsonl").read_text()


def test_an_address_as_the_name_of_a_filter_is_one_too(tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "a.jsonl")).record("page", "ann", filters={"kim@learner.net": "1"})
    assert "learner" not in (tmp_path / "a.jsonl").read_text()


def test_a_text_has_its_limit_and_stays_one_line(tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "a.jsonl")).record("sql", "ann", sql="x\n" * 1_000_000)
    (line,) = lines(tmp_path / "a.jsonl")
    assert len(str(line["sql"])) == audit.LONGEST


def test_only_the_app_reads_the_file(tmp_path: Path) -> None:
    AuditLog(str(tmp_path / "deep" / "a.jsonl")).record("page", "")
    assert stat.S_IMODE((tmp_path / "deep" / "a.jsonl").stat().st_mode) == 0o600


def test_the_file_rotates_and_the_last_lines_are_found_across_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "LARGEST", 500)
    log = AuditLog(str(tmp_path / "a.jsonl"))
    for number in range(20):
        log.record("page", "ann", number=number)
    assert len(list(tmp_path.iterdir())) > 1
    found, count = log.last(12)
    assert [line["number"] for line in found] == list(range(19, 7, -1))
    assert count == 20


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    log = AuditLog(str(tmp_path / "a.jsonl"))
    log.record("page", "ann")
    with (tmp_path / "a.jsonl").open("a") as file:
        file.write('{"at": "20')
    assert len(log.last(5)[0]) == 1


def test_what_cannot_be_recorded_is_a_sentence_that_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditProblem, match="FLUENCY_AUDIT"):
        AuditLog(str(tmp_path / "file" / "a.jsonl")).record("page", "ann")


def test_standard_output_takes_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    AuditLog("-").record("page", "ann")
    assert json.loads(capsys.readouterr().out)["event"] == "page"


def test_without_a_place_nothing_is_written(tmp_path: Path) -> None:
    AuditLog("").record("page", "ann")
    assert AuditLog("").last(5) == ([], 0)


class _Full:
    """Standard output on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        """Nothing was taken."""


def test_a_standard_output_that_takes_nothing_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", _Full())
    with pytest.raises(AuditProblem, match="No space left"):
        AuditLog("-").record("page", "ann")


@pytest.mark.parametrize("lose", [Path.unlink, lambda file: file.rename(file.with_suffix(".old"))])
def test_a_file_that_was_moved_or_removed_is_made_again(lose: Callable[[Path], object], tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    log = AuditLog(str(file))
    log.record("page", "ann", number=1)
    lose(file)
    log.record("page", "ann", number=2)
    assert [line["number"] for line in lines(file)] == [2]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
