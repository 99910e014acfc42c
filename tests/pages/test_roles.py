"""Every page as every role: nothing that a role may not see is read, drawn, or in a file to take along."""

from __future__ import annotations

import re
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import streamlit as st
from sqlalchemy import Engine, event
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest

from lib.access import FIELDS, Field, Role
from lib.access import PAGES as PAGES_OF_ROLES
from lib.addresses import ADDRESS
from lib.analysis.pseudonyms import pseudonym
from lib.queries.wall import FIELD_COLUMNS
from lib.ui import downloads, sql_run
from tests.factory import make_database
from tests.pages.app import (
    PAGES,
    ROOT,
    as_shown,
    control,
    drawn,
    go,
    links,
    markdown,
    move,
    open_tab,
    pick,
    press,
    said,
    table,
    tables,
)
from tests.worked_case import WORKED_CASE

KEY = "0123456789abcdef0123456789abcdef"
CLIENT = "the app"
STRANGER = "stranger@elsewhere.example"
ODD = "odd@example.com"  # somebody whose user id is their address
ADDRESSES = (*(user["email"] for user in WORKED_CASE["users"]), ODD, STRANGER)
LEARNERS_WORDS = ("working on system", "responsible of", "cheap price")
BLANK_TEST = re.compile(r"([\w.]+) IS NULL OR trim\(\1, [^)]*\) = ''")
ANALYSIS = """-- title: Own words
-- description: What was said
SELECT s.user_id, s.session_topic, e.error_text, CAST(e.error_text AS BLOB) AS raw
FROM coaching_sessions s JOIN detected_errors e ON e.user_id = s.user_id ORDER BY e.error_text DESC LIMIT 60
"""


def _poisoned() -> dict[str, Any]:
    """The worked cases, and addresses in every text that somebody may have typed."""
    rows = {name: [dict(row) for row in given] for name, given in WORKED_CASE.items()}
    rows["users"].append({"user_id": ODD, "email": ODD, "role": "free", "english_level": STRANGER})
    rows["users"] += [
        {"user_id": f"more{number}", "email": f"more{number}@example.com", "role": role, "english_level": STRANGER}
        for number, role in enumerate((STRANGER, ADDRESSES[0], "student"))
    ]
    rows["sessions"] += [{"user_id": f"more{number % 3}"} for number in range(60)]
    rows["sessions"] += [
        {"user_id": ODD, "session_id": f"odd{day}", "started_at": f"2026-11-{day} 10:00:00", "confidence_score": 9.5}
        for day in (19, 20, 21)
    ]
    for session in rows["sessions"]:
        session |= {"session_topic": f"a mail to {STRANGER}", "user_level": STRANGER, "phase": STRANGER}
    said = [
        {"error_text": f'Wrong spelling: "{ADDRESSES[1]}"'},
        {"error_text": f"{STRANGER} is wait", "error_type": ADDRESSES[3], "error_category": ADDRESSES[4]},
        {"error_text": "she go", "error_type": STRANGER, "error_category": ADDRESSES[5]},
    ]
    rows["mistakes"] += [
        {"user_id": f"user00{copy % 8 + 1}", "detected_at": f"2026-11-{12 + copy % 10} 09:00:00", **row}
        for row in said
        for copy in range(40)
    ]
    for name in ("it_errors", "pricing_errors"):
        for row in rows[name]:
            row |= {column: f"{row[column]}, {STRANGER}" for column in ("domain", "category", "error") if column in row}
            row |= {column: STRANGER for column in ("correct_form",) if column in row}
    for row in rows["lead_scores"]:
        row["lead_status"] = STRANGER
    for row in rows["offers"]:
        row |= {"trigger_type": STRANGER, "conditions_met": STRANGER, "confidence_scores": STRANGER}
    return rows


@dataclass
class Seen:
    """Everything that left the server, and every statement that the database was asked."""

    sent: list[bytes] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    statements: list[str] = field(default_factory=list)
    offered: list[tuple[str, Any]] = field(default_factory=list)

    def take(self) -> None:
        """Click all buttons of files. A picture is made once: that takes long, and its table is there each time."""
        for name, data in self.offered:
            if not (name.endswith((".png", ".svg")) and name in self.files):
                self.files[name] = self.files.get(name, b"") + _unpacked(data() if callable(data) else data)
        self.offered.clear()

    def text(self) -> str:
        """All of it as one text, as a reader or a program would find words in it."""
        parts = [part.decode("utf-8", "replace") for part in (*self.sent, *self.files.values())]
        whole = as_shown("\n".join([*parts, *self.shown]))
        return f"{whole}\n{unquote(whole)}".casefold()

    def addresses(self) -> set[str]:
        """The addresses of the database that are somewhere in it."""
        text = self.text()
        return {address for address in ADDRESSES if address in text}

    def forget(self) -> None:
        """What comes next is looked at by itself."""
        for kept in (self.sent, self.files, self.shown, self.statements, self.offered):
            kept.clear()


def _unpacked(file: bytes) -> bytes:
    if not file.startswith(b"PK"):
        return file
    with zipfile.ZipFile(BytesIO(file)) as book:
        return b"\n".join(book.read(name) for name in book.namelist())


@pytest.fixture(scope="session")
def poisoned_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_database(tmp_path_factory.mktemp("poisoned") / "poisoned.db", **_poisoned())


@pytest.fixture(autouse=True)
def _poisoned_installation(poisoned_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sign-in is set up, with one address for each role; pseudonyms have a key; there is an own analysis."""
    (tmp_path / "analyses").mkdir()
    (tmp_path / "analyses" / "words.sql").write_text(ANALYSIS, encoding="utf-8")
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(poisoned_path))
    monkeypatch.setenv("FLUENCY_ANALYSES_FOLDER", str(tmp_path / "analyses"))
    monkeypatch.setenv("FLUENCY_PSEUDONYM_KEY", KEY)
    for role in Role:
        monkeypatch.setenv(f"FLUENCY_ROLE_{role.upper()}", f"{role}@lab.example")


@pytest.fixture
def seen(fresh_server: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    """Listens to everything: messages to the browser, files (each is taken), statements."""
    seen = Seen()
    enqueue, download = ForwardMsgQueue.enqueue, st.download_button

    def note_message(queue: ForwardMsgQueue, message: Any) -> None:
        seen.sent.append(message.SerializeToString())
        enqueue(queue, message)

    def note_file(label: str, data: Any, file_name: str, mime: str, **options: Any) -> bool:
        if mime != "image/png":  # the same chart is there as SVG, which can be read
            seen.offered.append((file_name, data))
        if label == "Whole page":  # the last one, when all that a page says of files is settled
            seen.take()
        return download(label, data, file_name, mime, **options)

    def note_statement(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        seen.statements.append(f"{statement}\n{values}")

    monkeypatch.setattr(ForwardMsgQueue, "enqueue", note_message)
    monkeypatch.setattr(st, "download_button", note_file)
    monkeypatch.setattr(downloads, "session_now", downloads.ASKING.get)  # the button is pressed where it is drawn
    event.listen(Engine, "before_cursor_execute", note_statement)
    yield seen
    event.remove(Engine, "before_cursor_execute", note_statement)


def visit(role: Role, title: str, **address: str) -> AppTest:
    """Somebody who signed in and has this one role opens a page."""
    app = AppTest.from_file(str(ROOT / "Home.py"), default_timeout=60)
    app.secrets["auth"] = {
        "redirect_uri": "http://localhost:8501/oauth2callback",
        "cookie_secret": "x" * 40,
        "client_id": CLIENT,
        "client_secret": "secret",
        "server_metadata_url": "http://localhost:9999/.well-known/openid-configuration",
    }
    end = time.time() + 3600
    app.user = {
        **{"is_logged_in": True, "email": f"{role}@lab.example", "email_verified": True, "sub": role},
        **{"aud": CLIENT, "iss": "http://localhost:9999", "iat": end - 7200, "exp": end},
    }
    return go(app, title, **address)


def _walk_conversion(app: AppTest) -> Iterator[AppTest]:
    for name in ("What if", "Near misses", "Offer"):
        yield open_tab(app, name)
    yield open_tab(move(app, min_sessions=4, min_confidence=7.9), "In and out")
    yield move(open_tab(app, "Why or why not"), user="user00")
    yield move(app, user="example")


def _walk_mistakes(app: AppTest) -> Iterator[AppTest]:
    for view in ("level", "week", "domain"):
        yield move(app, sources=["detected", "it", "pricing"], view=view)
    yield pick(move(app, view="type"), 0, 1, 2, 3, 4, 5)
    yield move(app, types=control(app, "types").options[:2])
    yield go(app, "Mistakes", cells=f"{control(app, 'types').options[0]}|{ADDRESS}")


def _walk_engagement(app: AppTest) -> Iterator[AppTest]:
    yield move(app, roles=control(app, "roles").options[-2:])
    yield move(app, roles=[], levels=["unknown"])


WALKS: dict[str, Callable[[AppTest], Iterable[AppTest]]] = {
    "Conversion": _walk_conversion,
    "Mistakes": _walk_mistakes,
    "Engagement": _walk_engagement,
}


def walked(seen: Seen, role: Role, title: str) -> AppTest:
    """The page with all its tabs and all that can be chosen, at last with files without names."""
    app = visit(role, title)
    assert app.title[0].value == title
    seen.shown += [frame.to_csv() for frame in tables(app)]
    for step in WALKS.get(title, lambda _app: ())(app):
        seen.shown += [frame.to_csv() for frame in tables(step)]
    if any(toggle.label == "Without names" for toggle in app.toggle):
        move(app, without_names=True)
    assert seen.statements
    assert seen.files or not tables(app)
    assert not seen.offered
    return app


@pytest.fixture(scope="module")
def _walks() -> dict[tuple[Role, str], Seen]:
    return {}


@pytest.fixture
def walk(seen: Seen, _walks: dict[tuple[Role, str], Seen]) -> Callable[[Role, str], Seen]:
    """`walk(role, title)`: what left the server in a walk over the whole page; each is taken once."""

    def seen_by(role: Role, title: str) -> Seen:
        if (role, title) not in _walks:
            walked(seen, role, title)
            _walks[role, title] = seen
        return _walks[role, title]

    return seen_by


def name_of(title: str) -> str:
    return Path(PAGES[title]).stem.lower()


def pairs(fits: Callable[[Role, str], bool]) -> Any:
    """Roles and titles of pages, each as a test of its own."""
    every = [(role, title) for role in Role for title in PAGES if fits(role, title)]
    return pytest.mark.parametrize(("role", "title"), every, ids=[f"{role}-{title}" for role, title in every])


def is_open(role: Role, title: str) -> bool:
    return role in PAGES_OF_ROLES[name_of(title)]


@pairs(lambda role, title: is_open(role, title) and role not in FIELDS[Field.ADDRESSES])
def test_roles_without_the_right_are_sent_no_address_and_none_is_read_for_them(
    walk: Callable[[Role, str], Seen], role: Role, title: str
):
    seen = walk(role, title)
    assert not seen.addresses()
    # Whether there is an address at all is asked: without one, nothing can be offered.
    assert not [statement for statement in seen.statements if "email" in statement.replace("users.email LIKE ?", "")]


def asked(app: AppTest, sql: str, shown: str = "Table") -> AppTest:
    """The SQL page once the statement has its answer, as a table or as a chart."""
    app.text_area[0].set_value(sql)
    press(app, "Run")
    while sql_run.JOB in app.session_state:
        drawn(app)
    app.session_state["sql_shown"] = shown
    return drawn(app)


# Each holds an address of the database in what is drawn or said of it; the second column of the worked cases is text
# that learners wrote, the level is none.
STATEMENTS = (
    ("select error_text, count(*) as n from detected_errors group by 1 order by n desc", "Bars"),
    ("select english_level, count(*) as n from users group by 1 order by n desc", "Bars"),
    ("select user_id, error_text from detected_errors where user_id like '%@%' or error_text like '%[%'", "Table"),
    ("select cast(english_level as blob) as raw, * from users", "Table"),
    ("select json_extract('{}', english_level) from users where english_level like '%@%'", "Table"),
    ("select json_extract('{}', error_text) from detected_errors", "Table"),
    ("select replace(error_text, '@', '%40') as t from detected_errors", "Table"),
)


@pytest.mark.parametrize(("sql", "shown"), STATEMENTS)
def test_who_asks_in_sql_without_the_right_is_sent_no_address(seen: Seen, sql: str, shown: str):
    app = asked(visit(Role.ANALYST, "SQL"), sql, shown)
    assert any("History of this visit (1)" in block.label for block in app.expander)
    seen.shown += [frame.to_csv() for frame in tables(app)]
    assert not seen.addresses()
    assert not {address.replace("@", "#") for address in ADDRESSES if address.replace("@", "#") in seen.text()}


@pytest.mark.parametrize(("sql", "shown"), STATEMENTS[:2])
def test_who_asks_in_sql_with_the_right_is_sent_them(seen: Seen, sql: str, shown: str):
    asked(visit(Role.ADMIN, "SQL"), sql, shown)
    assert seen.addresses()


@pytest.mark.parametrize("title", ["SQL", "Analyses"])
def test_a_column_that_somebody_called_email_has_the_values_that_it_has(title: str, tmp_path: Path):
    sql = "select user_id, count(*) as email from coaching_sessions group by user_id"
    (tmp_path / "analyses" / "words.sql").write_text(sql, encoding="utf-8")
    app = visit(Role.ANALYST, title)
    (shown,) = tables(asked(app, sql) if title == "SQL" else app)
    assert shown["email"].map(lambda value: isinstance(value, int)).all()


@pytest.mark.parametrize(
    ("role", "title", "addresses"),
    [
        (Role.SALES, "Conversion", {"two@example.com", "three@example.com", ODD, STRANGER}),
        (Role.ADMIN, "Mistakes", {"two@example.com", "four@example.com", "six@example.com", STRANGER}),
        (Role.ADMIN, "Analyses", {STRANGER}),
    ],
)
def test_roles_with_the_right_are_sent_them(seen: Seen, role: Role, title: str, addresses: set[str]):
    visit(role, title)
    assert seen.addresses() >= addresses


@pairs(lambda role, title: is_open(role, title) and role not in FIELDS[Field.LEARNER_TEXT])
def test_roles_without_the_right_are_not_sent_what_learners_wrote_and_it_is_not_read_for_them(
    walk: Callable[[Role, str], Seen], role: Role, title: str
):
    seen = walk(role, title)
    assert not [words for words in LEARNERS_WORDS if words in seen.text()]
    # That a mistake has a text at all is asked, for without one it is not counted.
    asked = "\n".join(BLANK_TEST.sub("", statement) for statement in seen.statements)
    for column in FIELD_COLUMNS[Field.LEARNER_TEXT]:
        assert not re.search(rf"\b{'.'.join(column)}\b", asked)


def test_marketing_reads_what_learners_wrote(seen: Seen):
    visit(Role.MARKETING, "Mistakes", sources="detected,it,pricing")
    assert any(words in seen.text() for words in LEARNERS_WORDS)
    assert any("detected_errors.error_text" in BLANK_TEST.sub("", statement) for statement in seen.statements)


@pairs(lambda role, title: not is_open(role, title))
def test_a_page_that_is_not_open_to_a_role_asks_nothing_and_shows_nothing(seen: Seen, role: Role, title: str):
    app = visit(role, title)
    assert "This page is not open to you" in said(app)
    assert not tables(app)
    assert not seen.statements
    assert not seen.files


def test_what_sales_loaded_does_not_reach_an_analyst_and_the_other_way_round(seen: Seen):
    visit(Role.SALES, "Conversion")
    assert "two@example.com" in seen.addresses()
    seen.forget()
    app = visit(Role.ANALYST, "Conversion")
    assert not seen.addresses()
    assert table(app, "recommendation")["user_id"].tolist()[1:] == ["user002", "user003"]
    assert len(seen.statements) < 5, "what both may see is not asked again"
    assert any("FROM users" in statement for statement in seen.statements), "who they are is asked anew"
    assert not any("email" in statement.replace("users.email LIKE ?", "") for statement in seen.statements)
    seen.forget()
    visit(Role.SALES, "Conversion")
    assert "two@example.com" in seen.addresses()
    assert not seen.statements


def test_an_analyst_reads_pseudonyms_in_place_of_addresses():
    app = visit(Role.ANALYST, "Conversion")
    shown = table(app, "recommendation")
    odd = pseudonym(KEY.encode(), ODD)
    assert shown["user_id"].tolist() == [odd, "user002", "user003"]
    assert shown["email"].tolist() == [odd, *(pseudonym(KEY.encode(), user) for user in ("user002", "user003"))]
    assert any("In their place stands the user's pseudonym" in text for text in markdown(app))
    assert not any("FLUENCY" in caption.value for caption in app.caption)


def test_without_a_key_nothing_stands_in_place_of_addresses_and_the_page_names_the_setting(
    seen: Seen, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("FLUENCY_PSEUDONYM_KEY")
    app = walked(seen, Role.ANALYST, "Conversion")
    assert not seen.addresses()
    open_tab(app, "Near misses")
    assert any("FLUENCY_PSEUDONYM_KEY" in as_shown(caption.value) for caption in app.caption)


def test_files_without_names_have_the_same_pseudonyms_for_those_who_may_not_see_names(seen: Seen):
    every = []
    for role in (Role.SALES, Role.ANALYST):
        seen.forget()
        visit(role, "Conversion", without_names="1")
        every.append(next(file for name, file in seen.files.items() if name.startswith("candidates_2026")))
        assert not any(address.encode() in every[-1] for address in ADDRESSES[:-1])
    of_sales, of_analyst = (file.decode("utf-8-sig").splitlines() for file in every)
    assert [line.split(",")[0] for line in of_sales] == [line.split(",")[0] for line in of_analyst]
    assert any(pseudonym(KEY.encode(), "user002") in line for line in of_analyst)


def test_an_analyst_finds_users_by_id_alone():
    app = open_tab(visit(Role.ANALYST, "Conversion", user="two@example"), "Why or why not")
    assert "No account has this id." in said(app)
    app = open_tab(visit(Role.ANALYST, "Conversion", user="user002"), "Why or why not")
    assert any("user002 qualifies" in as_shown(text) for text in markdown(app))
    app = open_tab(visit(Role.ANALYST, "Conversion", user="user00"), "Why or why not")
    assert f"{pseudonym(KEY.encode(), 'user002')} · user002" in app.selectbox[0].options


def test_an_offer_is_for_those_who_may_see_whom_it_is_to(seen: Seen):
    app = open_tab(visit(Role.ANALYST, "Conversion"), "Offer")
    assert "An offer is written to an e-mail address, and those are not for your role" in said(app)
    assert not [name for name in seen.files if name.startswith("offer")]
    app = open_tab(visit(Role.SALES, "Conversion"), "Offer")
    assert app.code[-1].value.startswith(f"To: {ODD}\n")


def test_addresses_in_mistakes_are_cut_and_nothing_is_counted_or_ranked_otherwise():
    columns = ["frequency", "percent", "users", "trend", "post"]
    of_admin, of_marketing = (table(visit(role, "Mistakes"), "percent") for role in (Role.ADMIN, Role.MARKETING))
    assert of_marketing[columns].equals(of_admin[columns])
    assert sorted(of_marketing["mistake"][:3]) == ['Wrong spelling: "[address]"', "[address] is wait", "she go"]
    assert [post for post in of_marketing["post"][:3] if "an e-mail address" in post]


def test_a_cell_that_reads_as_an_address_still_narrows_the_list():
    cells = table(visit(Role.MARKETING, "Mistakes"), "value")
    hidden = cells[(cells["value"] == ADDRESS) & (cells["error_category"] == ADDRESS)]
    assert hidden["frequency"].tolist() == [80]
    app = visit(Role.MARKETING, "Mistakes", cells=f"{ADDRESS}|{ADDRESS}")
    assert table(app, "percent")["frequency"].tolist() == [40, 40]
    app = visit(Role.MARKETING, "Mistakes", types=ADDRESS)
    assert table(app, "percent")["frequency"].tolist() == [40, 40]


def test_home_counts_the_same_mistakes_for_everybody_and_names_categories_to_those_who_may_not_read_them():
    marketing, viewer = visit(Role.MARKETING, "Home"), visit(Role.VIEWER, "Home")
    figures = [[(metric.label, metric.value) for metric in app.metric] for app in (marketing, viewer)]
    assert figures[0] == figures[1]
    assert any("Mistakes with" in as_shown(text) for text in markdown(viewer))
    assert not any("Mistakes with" in as_shown(text) for text in markdown(marketing))


def test_what_stands_out_leads_only_to_pages_that_are_open():
    for role in Role:
        leads = {page or "home" for page, _ in links(visit(role, "Home")).values()}
        assert leads <= {page for page, roles in PAGES_OF_ROLES.items() if role in roles}
