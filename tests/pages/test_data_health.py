"""Data health: a verdict in one sentence, and behind it what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factory import empty_database, make_database
from tests.pages.app import Clock, as_shown, markdown, open_page, said, table

NOVEMBER: dict[str, object] = {"users": [{"user_id": "ann"}], "sessions": [{"user_id": "ann"}]}


def use(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(path))


def test_sound_data_is_called_sound_and_every_row_is_counted():
    app = open_page("Data health")
    assert said(app) == "**The data is fresh and sound.**"
    rows = table(app, "state").set_index("table")["rows"]
    assert rows.to_dict() == {
        "users": 9,
        "coaching_sessions": 37,
        "detected_errors": 146,
        "it_errors": 4,
        "pricing_errors": 2,
        "lead_scores": 3,
        "conversion_triggers": 5,
    }


def test_an_empty_database_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(empty_database(tmp_path / "empty.db"), monkeypatch)
    app = open_page("Data health")
    assert "The database is empty" in said(app)
    assert "FLUENCY_DATABASE_URL" in said(app)
    assert set(table(app, "state")["state"]) == {"empty"}


def test_users_without_any_session_are_not_an_empty_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(make_database(tmp_path / "young.db", users=[{"user_id": "ann"}]), monkeypatch)
    assert "no sessions with a time yet" in said(open_page("Data health"))


def test_old_data_is_called_old_on_every_page(monkeypatch: pytest.MonkeyPatch):
    class Later(Clock):
        @classmethod
        def now(cls, tz: object = None) -> Clock:
            return super().now().replace(month=12)

    monkeypatch.setattr("lib.ui.door.datetime", Later)
    assert "The data is 31 days old" in said(open_page("Data health"))
    assert "The newest session is 31 days old" in said(open_page("Home"))


def test_rows_that_are_wrong_are_counted_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    odd = [{"user_id": "ann", "started_at": "soon"}, {"user_id": "ann", "confidence_score": 11.0}]
    use(make_database(tmp_path / "odd.db", users=[{"user_id": "ann"}], sessions=odd), monkeypatch)
    app = open_page("Data health")
    assert "2 rows are wrong" in said(app)
    found = table(app, "found").set_index("found")
    assert found.loc["rows whose started_at is no date and time", "rows"] == 1
    assert found.loc["sessions with a score outside 1 to 10", "rows"] == 1
    assert found["app_does"].str.len().min() > 5
    sessions = table(open_page("Engagement"), "avg_confidence").iloc[-1]["sessions"]
    assert sessions == 1, "the row without a time is left out, as the page says"


def test_indexes_that_are_missing_are_named_with_their_statements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(make_database(tmp_path / "slow.db", **NOVEMBER, indexes=False), monkeypatch)
    app = open_page("Data health")
    assert app.code[0].value.count("CREATE INDEX IF NOT EXISTS") == 10
    assert "python -m lib.schema create-indexes URL --apply" in "".join(markdown(app))
    assert not app.error, "indexes make pages faster, nothing else"


def test_the_name_of_the_database_is_shown_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    use(make_database(tmp_path / "*our* _lab_.db", **NOVEMBER), monkeypatch)
    captions = [caption.value for caption in open_page("Data health").caption]
    assert "Database: *our* _lab_.db" in map(as_shown, captions)
    assert not [text for text in captions if "*our*" in text]
