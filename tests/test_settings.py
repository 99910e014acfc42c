from __future__ import annotations

from pathlib import Path

import pytest

from lib.settings import PREFIX, Settings, SettingsError, load_settings


class Place:
    """The files that settings are read from, in a folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.env_file = folder / ".env"
        self.toml_file = folder / "secrets.toml"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", place.env_file)
    monkeypatch.setitem(Settings.model_config, "toml_file", place.toml_file)
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    return place


def complaint() -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_without_any_setting_the_defaults_of_the_definitions_hold():
    found = load_settings()
    assert Path(found.database_url).name == "sample.db"
    assert found.timezone == "UTC"
    assert (found.engagement_days, found.mistakes_days, found.conversion_days, found.top) == (7, 30, 14, 10)
    assert (found.min_sessions, found.min_confidence, found.streak) == (3, 8.0, "current")
    assert (found.price, found.discount_percent, found.valid_hours) == (179, 40, 48)
    assert found.publish_min_users == 5


def test_the_environment_comes_before_env_and_env_before_secrets(place: Place, monkeypatch: pytest.MonkeyPatch):
    place.toml_file.write_text('FLUENCY_PRICE = 1\nFLUENCY_TOP = 1\nFLUENCY_TIMEZONE = "Europe/Berlin"\n')
    place.env_file.write_text("FLUENCY_PRICE=2\nFLUENCY_TOP=2\n")
    monkeypatch.setenv("FLUENCY_PRICE", "3")
    found = load_settings()
    assert (found.price, found.top, found.timezone) == (3, 2, "Europe/Berlin")


def test_what_else_stands_in_the_files_is_not_our_business(place: Place):
    place.toml_file.write_text('price = 5\n[auth]\nclient_secret = "x"\n[FLUENCY]\nprice = 7\n')
    place.env_file.write_text("FLUENCY_SOMETHING_NEW=1\nOTHER=2\n")
    assert load_settings().price == 179


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("FLUENCY_TIMEZONE", "Europe/Atlantis", "it is not a time zone; give an IANA name"),
        ("FLUENCY_TIMEZONE", "../../etc/passwd", "is not a time zone"),
        ("FLUENCY_TIMEZONE", "", "is not a time zone"),
        ("FLUENCY_ENGAGEMENT_DAYS", "0", "give 1 or more"),
        ("FLUENCY_MISTAKES_DAYS", "367", "give 366 or less"),
        ("FLUENCY_CONVERSION_DAYS", "two weeks", "give a whole number"),
        ("FLUENCY_TOP", "10.5", "give a whole number"),
        ("FLUENCY_MIN_CONFIDENCE", "11", "give 9.9 or less"),
        ("FLUENCY_MIN_CONFIDENCE", "nan", "give "),
        ("FLUENCY_MIN_SESSIONS", "0", "give 1 or more"),
        ("FLUENCY_STREAK", "longest", "'current', 'best' or 'any'"),
        ("FLUENCY_PRICE", "0", "give 1 or more"),
        ("FLUENCY_PRICE", "inf", "give 100,000 or less"),
        ("FLUENCY_DISCOUNT_PERCENT", "100", "give less than 100"),
        ("FLUENCY_VALID_HOURS", "", "give a whole number"),
        ("FLUENCY_CURRENCY", "dollars", "at most 3 characters"),
        ("FLUENCY_ROLE_SALES", "email=ann@example.org", "is an address: write it without email="),
        ("FLUENCY_PUBLISH_MIN_USERS", "4", "give 5 or more"),
    ],
)
def test_a_value_that_does_not_fit_is_one_sentence_with_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, wanted: str
):
    monkeypatch.setenv(name, value)
    sentence = complaint()
    assert sentence.startswith(f"The setting {name} ('{value}') cannot be used: ")
    assert wanted in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_each_setting_that_does_not_fit_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_TOP", "0")
    monkeypatch.setenv("FLUENCY_PRICE", "-1")
    sentence = complaint()
    assert "FLUENCY_TOP" in sentence
    assert "FLUENCY_PRICE" in sentence


def test_the_address_of_the_database_is_never_repeated(place: Place):
    place.toml_file.write_text('FLUENCY_DATABASE_URL = ["postgresql://ann:secret@host/db"]')
    sentence = complaint()
    assert sentence.startswith("The setting FLUENCY_DATABASE_URL cannot be used: ")
    assert "secret" not in sentence
    assert "postgresql" not in sentence


def test_a_long_value_is_cut_in_the_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_PRICE", "x" * 5_000)
    assert len(complaint()) < 250


def test_a_secrets_file_that_is_no_toml_is_a_sentence_that_repeats_nothing_of_it(place: Place):
    place.toml_file.write_text('FLUENCY_DATABASE_URL = "postgresql://ann:secret@host/db\n')
    sentence = complaint()
    assert "settings file cannot be read" in sentence
    assert "secret@" not in sentence


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().price = 1


def test_a_key_that_is_too_short_says_how_to_make_one_and_is_not_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_PSEUDONYM_KEY", "hunter2")
    sentence = complaint()
    assert sentence.startswith("The setting FLUENCY_PSEUDONYM_KEY cannot be used: it is shorter than 16 bytes")
    assert "secrets.token_hex(32)" in sentence
    assert "hunter2" not in sentence


def test_a_key_is_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FLUENCY_PSEUDONYM_KEY", "0123456789abcdef")
    assert load_settings().pseudonym_key.get_secret_value() == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(load_settings())
