"""Every setting: its default, its unit, its limits.

Read from the environment, then `.env`, then `.streamlit/secrets.toml`; the first that has it wins.
Only the front doors (pages, commands) read settings; everything below gets values as arguments.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "FLUENCY_"
SHORTEST_KEY = 16  # bytes of the key for pseudonyms
HOW_TO_MAKE_A_KEY = (
    'make one with `python -c "import secrets; print(secrets.token_hex(32))"` and keep it: '
    "another key gives other pseudonyms"
)


class SettingsError(Exception):
    """A setting has a value that cannot be used; the message names the setting and says what fits.

    ``names``: the settings alone, for people who may not see what stands in them.
    """

    def __init__(self, message: str, names: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.names = tuple(names)


def _known_zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("it is not a time zone; give an IANA name such as Europe/Berlin or UTC") from error


def _in_tenths(score: float) -> float:
    if round(score, 1) != score:
        raise ValueError("give a number with at most one decimal, such as 8 or 7.5")
    return score


def _long_enough(key: SecretStr) -> SecretStr:
    if 0 < len(key.get_secret_value().encode()) < SHORTEST_KEY:
        raise ValueError(f"it is shorter than {SHORTEST_KEY} bytes; {HOW_TO_MAKE_A_KEY}")
    return key


def _split(addresses: object) -> object:
    return [part.strip() for part in addresses.split(",") if part.strip()] if isinstance(addresses, str) else addresses


def _rules(rules: tuple[str, ...]) -> tuple[str, ...]:
    for rule in rules:
        name, sign, value = rule.partition("=")
        if sign and name.strip() == "email":  # as a claim it would count without being verified
            raise ValueError(f"'{rule}' is an address: write it without email=")
        if not (name.strip() and value.strip() if sign else re.fullmatch(r"[^@\s]*@[^@\s]+", rule)):
            raise ValueError(
                f"'{rule}' is no address, no domain such as @example.org, and no claim such as groups=sales"
            )
    return rules


def _for_a_header(token: SecretStr) -> SecretStr:
    text = token.get_secret_value()
    if not (text.isascii() and (text == "" or text.isprintable())) or " " in text:
        raise ValueError("it holds blanks, line ends or letters that a token cannot have")
    return token


PseudonymKey = Annotated[SecretStr, AfterValidator(_long_enough)]
ApiToken = Annotated[SecretStr, AfterValidator(_for_a_header)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Addresses = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Rules = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_rules)]
Days = Annotated[int, Field(ge=1, le=366)]


class Settings(BaseSettings):
    """The settings of this installation. Each is `FLUENCY_` and its name in capitals, for example FLUENCY_TIMEZONE."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=ROOT / ".env",
        toml_file=ROOT / ".streamlit" / "secrets.toml",
        extra="ignore",
        frozen=True,
    )

    database_url: str = Field(
        str(ROOT / "sample.db"), description="SQLAlchemy URL, or the path of a SQLite file", repr=False
    )
    sql_database_url: SecretStr = Field(
        SecretStr(""),
        description="address by which the SQL page connects to PostgreSQL, as a user with column grants",
    )
    query_seconds: Annotated[float, Field(ge=0, le=3600)] = Field(
        30, description="time limit of a page's question to PostgreSQL, seconds; 0 is none"
    )
    timezone: Zone = Field("UTC", description="reporting zone, IANA name")
    stale_after_days: Annotated[int, Field(ge=0, le=366)] = Field(2, description="days after which data is called old")

    engagement_days: Days = Field(7, description="window of Engagement and Home, days")
    mistakes_days: Days = Field(30, description="window of Mistakes, days")
    conversion_days: Days = Field(14, description="window of Conversion, days")
    top: Annotated[int, Field(ge=1, le=100)] = Field(10, description="mistakes shown")
    publish_min_users: Annotated[int, Field(ge=5, le=1000)] = Field(
        5, description="different users who must have made a mistake before it may be published"
    )

    min_sessions: Annotated[int, Field(ge=1, le=10)] = Field(3, description="sessions a candidate needs")
    min_confidence: Annotated[float, Field(ge=5, le=9.9), AfterValidator(_in_tenths)] = Field(
        8.0, description="score that a session must exceed, 5 to 9.9 in steps of 0.1"
    )
    streak: Literal["current", "best", "any"] = Field("current", description="way of counting sessions")

    price: Annotated[float, Field(ge=1, le=100_000)] = Field(
        179, description="price of the module: what the customer pays, after the discount"
    )
    currency: Annotated[str, Field(min_length=1, max_length=3)] = Field("$", description="sign in front of money")
    discount_percent: Annotated[float, Field(ge=0, lt=100)] = Field(
        40, description="how much lower than the regular price that is, percent"
    )
    regular_price: Annotated[float, Field(ge=0, le=1_000_000)] = Field(
        0, description="price before the discount, which an offer then names; 0 is not named"
    )
    valid_hours: Annotated[int, Field(ge=1, le=8760)] = Field(48, description="validity of an offer, hours")
    offers_cooldown_days: Annotated[int, Field(ge=0, le=366)] = Field(
        30, description="days from one offer to the next to the same user"
    )

    offer_subject: str = Field("", description="subject of an offer; empty is the built-in one")
    offer_body: str = Field("", description="text of an offer, with $greeting, $earned, $module, $contents, $terms")

    pseudonym_key: PseudonymKey = Field(
        SecretStr(""), description="key for pseudonyms on pages and in files, 16 bytes or more"
    )
    reports_folder: str = Field(str(ROOT / "reports"), description="where reports and the record of their runs are")
    analyses_folder: str = Field(str(ROOT / "analyses"), description="own analyses: a .sql file each")
    analyses_days: Days = Field(30, description="window of own analyses, days")
    analyses_seconds: Annotated[float, Field(ge=0.1, le=600)] = Field(10, description="time limit of one, seconds")
    analyses_rows: Annotated[int, Field(ge=1, le=1_000_000)] = Field(10_000, description="row limit of one")

    audit: str = Field(
        str(ROOT / "audit" / "audit.jsonl"), description="who did what: a file, - for standard output, empty for none"
    )
    role_viewer: Rules = Field((), description="who sees Home and Engagement: addresses, @domains or claim=value")
    role_marketing: Rules = Field((), description="who sees Mistakes too")
    role_sales: Rules = Field((), description="who sees Conversion with e-mail addresses too")
    role_analyst: Rules = Field((), description="who sees all pages of figures and SQL, without e-mail addresses")
    role_admin: Rules = Field((), description="who sees everything, Reports and Audit too")

    mail_host: str = Field("", description="mail server that the report is sent through; empty: no mail")
    mail_port: Annotated[int, Field(ge=0, le=65535)] = Field(0, description="its port; 0 is the usual one")
    mail_security: Literal["ssl", "starttls", "none"] = Field("ssl", description="ssl (465), starttls (587), none (25)")
    mail_user: str = Field("", description="user of the mail server; empty: no login")
    mail_password: SecretStr = Field(SecretStr(""), description="password of that user, never shown")
    mail_sender: str = Field("", description="who the mail is from, such as Fluency Lab <reports@example.org>")
    mail_to: Addresses = Field((), description="who gets the report: addresses with commas between")
    mail_size_limit_mb: Annotated[float, Field(ge=0.1, le=100)] = Field(10, description="largest mail as sent, MB")
    mail_timeout_seconds: Annotated[float, Field(ge=1, le=600)] = Field(30, description="longest wait for an answer")

    api_token: ApiToken = Field(SecretStr(""), description="token of the REST endpoint that data is fetched from")
    api_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = Field(60, description="its longest silence")
    api_patience_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        120, description="how long a failure that may pass is tried again"
    )
    api_total_seconds: Annotated[float, Field(gt=0, le=86_400)] = Field(
        3600, description="the longest that all its answers together may take"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, _PrefixedToml(settings_cls)


class _PrefixedToml(TomlConfigSettingsSource):
    """secrets.toml uses the same names as the environment: FLUENCY_PRICE = 199."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls)
        self.init_kwargs = {
            key.removeprefix(PREFIX).lower(): value for key, value in self.toml_data.items() if key.startswith(PREFIX)
        }


def load_settings() -> Settings:
    """Read the settings; raises SettingsError with one sentence that names each setting that does not fit."""
    try:
        return Settings()
    except ValidationError as error:
        problems = _problems(error)
        raise SettingsError(
            " ".join(_sentence(**problem) for problem in problems), [problem["name"] for problem in problems]
        ) from error
    except ValueError as error:  # a file that is not TOML
        raise SettingsError(f"A settings file cannot be read: {error}.") from error


# What pydantic says of a misfit, in plain English, by its name for it. What functions above say is plain already.
_WANTED = {
    **dict.fromkeys(("int_parsing", "int_from_float"), "give a whole number"),
    "float_parsing": "give a number",
    "greater_than_equal": "give {ge:,g} or more",
    "less_than_equal": "give {le:,g} or less",
    "greater_than": "give more than {gt:,g}",
    "less_than": "give less than {lt:,g}",
    "literal_error": "give {expected}",
    "string_too_short": "it is empty",
    "string_too_long": "give at most {max_length} characters",
}


def _problems(error: ValidationError) -> list[dict[str, str]]:
    return [
        {
            "name": PREFIX + str(problem["loc"][0]).upper(),
            "value": str(problem["input"]),
            "wanted": _WANTED.get(problem["type"], problem["msg"]).format_map(problem.get("ctx", {})),
        }
        for problem in error.errors(include_url=False)
    ]


def _sentence(name: str, value: str, wanted: str) -> str:
    shown = "" if any(part in name for part in ("URL", "KEY", "PASSWORD", "TOKEN")) else f" ('{value[:60]}')"
    return f"The setting {name}{shown} cannot be used: {wanted.removeprefix('Value error, ')}."
