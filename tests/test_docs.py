"""What docs says is done here: SQL runs, sentences are those of the code, links lead on."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from lib import database, refusals
from lib.schema import TABLES
from tests.factory import worked_case
from tests.postgres import Server
from tests.schema.answers import answers, same_answers

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def sql_block(name: str) -> str:
    (block,) = re.findall(r"```sql\n(.*?)```", (DOCS / name).read_text(encoding="utf-8"), re.DOTALL)
    return block


@pytest.fixture
def reader_url(postgres_server: Server) -> Iterator[str]:
    """The worked case as the user sees it whom the documentation creates."""
    url = postgres_server.create_database("coach")
    worked_case(url)
    postgres_server.execute("ALTER TABLE users ADD COLUMN password_hash text", "coach")
    postgres_server.execute(sql_block("connecting.md"), "coach")
    yield re.sub("//.*@", "//fluency_reader:choose%20one@", url)
    postgres_server.execute("DROP OWNED BY fluency_reader; DROP ROLE fluency_reader", "coach")


def test_the_user_of_the_documentation_gets_the_answers_that_the_owner_gets(
    postgres_server: Server, reader_url: str, worked_path: Path
):
    same_answers(answers(str(worked_path)), answers(reader_url))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_user_of_the_documentation_reads_every_table_and_writes_none(reader_url: str, table: Any):
    columns = ", ".join(table.columns.keys())
    with psycopg.connect(reader_url, autocommit=True) as connection:
        assert connection.execute(f"SELECT {columns} FROM {table.name}").fetchone()
        connection.execute("SET default_transaction_read_only = off")
        for statement in (f"DELETE FROM {table.name}", f"INSERT INTO {table.name} DEFAULT VALUES", "CREATE TABLE x ()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_user_of_the_documentation_does_not_see_other_columns_of_users(reader_url: str):
    with psycopg.connect(reader_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT password_hash FROM users")


def test_a_password_with_special_characters_is_written_as_the_documentation_says(postgres_server: Server):
    password = "p@ss/w:o%rd #?&ü"
    url = postgres_server.create_database("special")
    worked_case(url)
    postgres_server.execute(f"ALTER ROLE special_owner PASSWORD '{password}'")
    (command,) = re.findall(r'python3 -c "(.*)"', (DOCS / "connecting.md").read_text(encoding="utf-8"))
    printed = subprocess.run(
        [sys.executable, "-c", command], input=password, check=True, capture_output=True, text=True
    )
    written = printed.stdout.removeprefix("password: ").strip()
    assert answers(re.sub("//.*@", f"//special_owner:{written}@", url))


def documented_sentences() -> list[str]:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    tables = text.partition("## Empty")[0]
    return [re.sub(r" \(and the log.*", "", row) for row in re.findall(r"^\| ([A-Z].*?) \|", tables, re.MULTILINE)]


@pytest.mark.parametrize("sentence", documented_sentences())
def test_every_sentence_of_troubleshooting_is_one_that_the_app_says(sentence: str):
    sources = [Path(module.__file__).read_text(encoding="utf-8") for module in (database, refusals)]
    said = re.sub(r"\{[^}]*\}", "…", "\n".join(sources))
    assert re.search(re.escape(sentence).replace("…", "…(?: …)?"), said), sentence


def test_troubleshooting_has_sentences():
    assert documented_sentences()


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(DOCS.glob("*.md"))], ids=lambda page: page.name)
def test_links_between_the_pages_lead_to_files(page: Path):
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if "://" not in target and not (page.parent / target).exists()] == []
