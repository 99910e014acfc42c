"""Data health: a verdict in one sentence, and behind it what was found."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from tests.factory import empty_database, make_database, worked_case
from tests.pages.app import Clock, as_shown, control, figures, go, markdown, open_page, said, table
from tests.postgres import Server
from tests.schema.answers import changed

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
    for found in ("rows whose started_at is no date and time", "sessions with a score outside 1 to 10"):
        assert f"{found} in coaching_sessions (1)" in as_shown(said(app))
        (line,) = [
            line
            for text in app.markdown
            for line in as_shown(text.value).splitlines()
            if f"{found.capitalize()}** (1 in" in line
        ]
        assert re.search(r"coaching_sessions\)\. .{5,}\*\*To do:\*\* Correct them", line)
    sessions = table(open_page("Engagement"), "avg_confidence").iloc[-1]["sessions"]
    assert sessions == 1, "the row without a time is left out, as the page says"


def test_a_row_of_the_future_is_named_and_hides_no_old_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    odd = [{"user_id": "ann", "started_at": at} for at in ("2026-10-14 09:00:00", "2031-01-01 09:00:00")]
    use(make_database(tmp_path / "odd.db", users=[{"user_id": "ann"}], sessions=odd), monkeypatch)
    app = open_page("Data health")
    assert "The data is 40 days old" in said(app)
    assert "rows whose started_at is after today in coaching_sessions (1)" in as_shown(said(app))
    assert table(app, "state").set_index("table")["newest"]["coaching_sessions"].year == 2026
    home = go(app, "Home")
    assert "The newest session is 40 days old" in said(home)
    assert control(home, "as_of").value == date(2026, 10, 14)
    assert figures(home)["Sessions"] == "1"


def test_old_data_does_not_hide_rows_that_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    odd = [{"user_id": "ann", "started_at": "2026-10-01 09:00:00", "confidence_score": 11.0}]
    use(make_database(tmp_path / "odd.db", users=[{"user_id": "ann"}], sessions=odd), monkeypatch)
    app = open_page("Data health")
    assert "days old" in said(app)
    assert "1 row is wrong" in said(app)


def test_oddities_that_nobody_has_to_mend_are_folded_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    odd = [{"user_id": "ann", "ended_at": None}, {"user_id": ""}]
    use(make_database(tmp_path / "odd.db", users=[{"user_id": "ann"}], sessions=odd), monkeypatch)
    app = open_page("Data health")
    (folded,) = app.expander
    assert folded.label == "Nothing to do (1)"
    assert "Sessions that were not finished" in folded.markdown[0].value
    assert any("Sessions without a user" in text.value for text in app.markdown)
    assert "Sessions without a user" not in folded.markdown[0].value


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


def test_a_table_that_fails_is_named_and_pages_that_need_others_open(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
):
    address = worked_case(postgres_server.create_database("failing"))
    changed(
        address,
        "ALTER TABLE coaching_sessions RENAME TO kept",
        "CREATE VIEW coaching_sessions AS SELECT * FROM kept WHERE 1 / (length(session_id) - length(session_id)) = 1",
        "ALTER TABLE users ALTER COLUMN english_level TYPE bytea USING NULL",
    )
    monkeypatch.setenv("FLUENCY_DATABASE_URL", address)
    app = open_page("Data health")
    told = as_shown(said(app))
    assert "coaching_sessions: The database says: division by zero." in told
    assert "users.english_level is of the type bytea; it should be text." in told
    assert "sound" not in told
    rows = table(app, "state").set_index("table")["rows"]
    assert rows[rows.isna()].index.tolist() == ["coaching_sessions"]
    assert rows["users"] == 9
    assert not go(app, "Reports").error
    assert "Data health may help" in said(go(app, "Mistakes"))
