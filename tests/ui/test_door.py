from __future__ import annotations

import gc

import pytest
from sqlalchemy.exc import SQLAlchemyError

from tests.pages.app import as_shown, forget_everything, open_page, said


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    forget_everything()


def test_a_server_that_does_not_answer_is_a_sentence_without_the_password(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("FLUENCY_DATABASE_URL", "postgresql://ann:hunter2@127.0.0.1:1/lab")
    page = open_page("Engagement")
    assert "The database server does not answer." in as_shown(said(page))
    assert "hunter2" not in said(page) + caplog.text


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://example.org/lab", "The address of the database cannot be read."),
        ("mysql://lab", "There is no driver for databases of the kind 'mysql'."),
        ("postgresql://ann:hunter2@host:port/lab", "The address of the database cannot be read."),
        ("sqlite://", "No database file is named."),
        ("ann:hunter2@host/lab", "The address of the database cannot be read: it does not say which kind"),
        (".", "is a folder, not a database file."),
    ],
)
def test_an_address_that_leads_nowhere_is_a_sentence(address: str, sentence: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_DATABASE_URL", address)
    page = open_page("Home")
    assert sentence in as_shown(said(page))
    assert "hunter2" not in said(page)


def test_what_nobody_foresaw_is_a_sentence_and_a_line_in_the_log(
    worked_path: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def break_down(*_values: object) -> None:
        raise SQLAlchemyError("out of coffee")

    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(worked_path))
    monkeypatch.setattr("lib.ui.source.settled_state", break_down)
    page = open_page("Home")
    assert "The database could not answer" in said(page)
    assert "coffee" not in said(page)
    assert "coffee" in caplog.text


def test_what_the_first_page_has_loaded_is_not_looked_through_for_garbage_again(
    worked_path: object, monkeypatch: pytest.MonkeyPatch
):
    gc.unfreeze()
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(worked_path))
    open_page("Home")
    assert gc.get_freeze_count() > 100_000


def test_a_second_setting_that_is_wrong_is_named_beside_the_first(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_PRICE", "-1")
    monkeypatch.setenv("FLUENCY_STREAK", "longest")
    page = open_page("Home")
    assert len(page.error) == 1
    assert "FLUENCY_PRICE" in as_shown(page.error[0].value)
    assert "FLUENCY_STREAK" in as_shown(page.error[0].value)
