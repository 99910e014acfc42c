from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
import pytest
from sqlalchemy import Connection

from lib import definitions
from lib.analysis.offers import Offer, offer_text
from lib.charts.palette import contrast
from lib.database import connect, database_url, open_engine
from lib.exports import csv_bytes, json_bytes
from lib.period import Period
from lib.report import view
from lib.report.alone import csv_sheets
from lib.report.analyses import AnalysisResult, typed
from lib.report.changes import Changes, compare
from lib.report.contents import Report
from lib.report.html import HEATMAP_CID, html, plain_text, subject
from lib.report.looks import SHADES
from lib.report.summary import summary
from lib.report.wording import UNSAID, shown
from tests.conftest import Fill
from tests.report.made import NOW, report_of
from tests.report.reader import Reader

LIMIT = 100_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40_000)
HOSTILE = {
    "script": '<script>alert(1)</script><img src=x onerror="alert(2)">',
    "formula": '=cmd|" /C calc"!A0',
    "right to left": "\u202eevil\u2069 \u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "long": "x" * 5_000,
    "long words": "wide & 'odd' " * 400,
    "ampersands": "&\"'<>" * 1_000,
    "Markdown": "**bold** [link](http://example.com) # title | a | b |\n- item",
    "template": "{{ 7 * 7 }}{% raw %}${x}{# gone #}",
    "header": "a\r\nBcc: everybody@example.com\r\n\r\nbody",
    "controls": "a\x00b\x07c\x1b[31md\u2028e\u0085f",
    "attribute": '" style="color:red" onmouseover=\'alert(1)\' x="',
}


@pytest.fixture(scope="module")
def reports(worked_path: Path) -> tuple[Report, Report]:
    """The worked cases on the day before and on their day."""
    with connect(open_engine(database_url(str(worked_path)))) as connection:
        return report_of(connection, as_of=date(2026, 11, 21)), report_of(connection)


@pytest.fixture
def report(reports: tuple[Report, Report]) -> Report:
    return reports[1]


@pytest.fixture
def changes(reports: tuple[Report, Report]) -> Changes:
    """Against the day before: user002 is new."""
    return compare(reports[1], read_back(reports[0]))


def read_back(report: Report) -> Any:
    return json.loads(json_bytes(summary(report)))


def page(report: Report, changes: Changes | None = None, embed: Any = "cid", png: bytes | None = PNG) -> str:
    return html(report, changes or Changes(), heatmap_png=png, embed=embed)


def with_candidates(report: Report, many: int, **texts: str) -> Report:
    """The same report with ``many`` candidates, user0001 and so on, the texts as given."""
    rows = pd.concat([report.conversion.candidates.head(1)] * many, ignore_index=True)
    rows["user_id"] = pd.Series([f"user{number:04}" for number in range(1, many + 1)], dtype="str")
    rows["email"] = pd.Series([f"name{number:04}@example.com" for number in range(1, many + 1)], dtype="str")
    return replace(report, conversion=replace(report.conversion, candidates=rows.assign(**texts)))


def poisoned(report: Report, text: str) -> Report:
    """The report with ``text`` wherever a text of the data can stand, in as many rows as there can be."""
    person = dict.fromkeys(("email", "english_level", "lead_status", "outcome"), text)
    report = with_candidates(report, 1_000, **person)
    rows = report.conversion.candidates.assign(user_id=[f"{text}{number}" for number in range(1_000)])
    mistake = dict.fromkeys(("mistake", "correct_form", "error_type", "error_category"), text)
    top = pd.concat([report.mistakes.top.assign(**mistake)] * 10, ignore_index=True)
    by_role = report.engagement.by_role
    roles = pd.concat([by_role[:1].assign(group=text)] * 300 + [by_role[-1:]], ignore_index=True)
    frame, columns = typed(pd.DataFrame({f"{text}{number}": [text] * 500 for number in range(9)}))
    own = AnalysisResult("own", text, text, Period(date(2026, 11, 22), 30), "", frame, columns)
    return replace(
        report,
        source=text,
        engagement=replace(report.engagement, by_role=roles),
        mistakes=replace(report.mistakes, top=top, cells=report.mistakes.cells.assign(error_category=text, value=text)),
        conversion=replace(report.conversion, candidates=rows),
        analyses=(own, *[replace(own, problem=text, frame=frame.head(0))] * 30),
    )


def nothing_known(report: Report) -> Changes:
    """Against a last report in which everybody and every mistake was another one."""
    last = read_back(report)
    for row in last["conversion"]["candidates"]:
        row["user_id"] += "\n<b>gone</b>"
    last["mistakes"]["top"] = []
    return compare(report, last)


# What it says.


def test_the_worked_figures_stand_in_both_forms(report: Report, changes: Changes) -> None:
    seen, text = Reader(page(report, changes)).text, plain_text(report, changes)
    for figure in ("7.67", "2.67", "2.25", "8.14", "2.14", "1.75", "12.5 %", "10.0 %", "9.00", "8.50", "$358"):
        assert figure in seen
        assert figure in text


def test_the_two_forms_say_the_same(report: Report, changes: Changes) -> None:
    text = re.sub(r"[(),;:\[\]]", " ", plain_text(report, changes)).lower()
    for said in Reader(page(report, changes)).said:
        words = re.sub(r"[▲▼→(),;:·\[\]]", " ", said.text).replace("was", " ").replace("No.", " ").split()
        missing = [word for word in words if word.lower() not in text and not re.fullmatch(r"[+-]?[\d.,]+", word)]
        assert missing == [], said.text


def test_news_come_before_the_parts_in_their_order(report: Report, changes: Changes) -> None:
    wanted = ["What changed", "Engagement by role", "The top ten mistakes", "Candidates for the offer"]
    wanted += ["The offer for each", "How this is counted", "Database: worked.db"]
    for said in (Reader(page(report, changes)).text, plain_text(report, changes)):
        places = [said.index(part) for part in wanted]
        assert places == sorted(places)


@pytest.mark.parametrize(("days", "is_stale"), [(0, False), (1, False), (2, False), (3, True), (40, True)])
def test_data_more_than_two_days_old_is_said_first_of_all(report: Report, days: int, is_stale: bool) -> None:
    report = replace(report, generated_at=datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC) + timedelta(days=days))
    assert subject(report, Changes()).startswith(f"Data is {days} days old; ") == is_stale
    for said in (Reader(page(report)).text, " ".join(plain_text(report, Changes()).split())):
        assert ("the data is old" in said.lower()) == is_stale
        if is_stale:
            assert f"23:59 (UTC), {days} days ago." in said
            assert said.lower().index("the data is old") < said.index("What changed")


def test_how_old_is_too_old_is_a_setting(report: Report) -> None:
    patient = replace(report, options=replace(report.options, stale_after_days=40))
    late = {"generated_at": datetime(2026, 12, 20, tzinfo=UTC)}
    assert subject(replace(report, **late), Changes()).startswith("Data is 28 days old")
    assert not subject(replace(patient, **late), Changes()).startswith("Data is")


def test_new_candidates_come_first_and_marked(report: Report, changes: Changes) -> None:
    report = with_candidates(report, 5)
    changes = replace(changes, new_candidates=frozenset({"user0004"}))
    seen = Reader(page(report, changes)).text.split("Candidates for the offer")[1]
    assert seen.index("name0004@example.com") < seen.index("name0001@example.com")
    assert "name0004@example.com new user0004" in seen
    assert len(re.findall(r"\bnew user", seen)) == 1
    assert "- name0004@example.com [new]\n" in plain_text(report, changes)


def test_the_same_people_are_not_news_again(report: Report) -> None:
    again = compare(report, read_back(report))
    for said in (Reader(page(report, again)).text, plain_text(report, again)):
        assert "No new candidates" in said
        assert "[new]" not in said
    assert "new user002" not in Reader(page(report, again)).text


def test_those_who_no_longer_qualify_are_named(report: Report) -> None:
    last = read_back(report)
    gone = [
        {"user_id": "user777", "email": None, "recommendation": "SEND_EXECUTIVE_OFFER"},
        {"user_id": "user778", "email": "eight@example.com", "recommendation": "SEND_EXECUTIVE_OFFER"},
        {"user_id": "user779", "email": "nine@example.com", "recommendation": "WAIT"},
    ]
    last["conversion"]["candidates"] += gone
    for said in (Reader(page(report, compare(report, last))).text, plain_text(report, compare(report, last))):
        assert re.search("2 candidates no longer qualify:? user777, eight@example.com", said)


def test_who_bought_or_was_asked_is_listed_last_and_counted_nowhere_else(filled: Fill) -> None:
    names = ("asked", "bought", "never")
    people = [{"user_id": name, "email": f"{name}@example.com"} for name in names]
    held = [{"user_id": name, "confidence_score": 9.0} for name in names for _ in range(3)]
    offers = [
        {"user_id": "asked", "triggered_at": "2026-11-21 09:00:00", "offer_accepted": None},
        {"user_id": "bought", "triggered_at": "2026-06-01 09:00:00", "offer_accepted": True},
    ]
    with filled(users=people, sessions=held, offers=offers) as connection:
        report = report_of(connection)
    changes, last = nothing_known(report), read_back(report)
    assert [row["recommendation"] for row in last["conversion"]["candidates"]] == [
        "WAIT",
        "ACCEPTED",
        "SEND_EXECUTIVE_OFFER",
    ]
    assert last["conversion"]["revenue_potential"] == 179
    assert changes.new_candidates == {"never"}
    assert subject(report, changes).startswith("1 new candidate to offer, ")
    for said in (Reader(page(report, changes)).text, plain_text(report, changes)):
        assert "1 to offer, of 3 who qualify." in said
        assert "Revenue potential: $179 (1 at $179)." in said
        listed, texts = said.split("Candidates for the offer")[1].split("The offer for each")
        assert listed.index("never@") < listed.index("asked@") < listed.index("bought@")
        assert "wait until 21 Dec 2026" in listed
        assert "no answer yet, open until 23 Nov 2026" in " ".join(listed.split())
        assert "accepted on 1 Jun 2026" in listed
        assert "never@example.com" in texts
        assert "asked@" not in texts
        assert "bought@" not in texts
    waiting = [row | {"recommendation": "WAIT"} for row in last["conversion"]["candidates"]]
    freed = compare(report, last | {"conversion": last["conversion"] | {"candidates": waiting}})
    assert (freed.new_candidates, freed.gone) == ({"never"}, ())


def test_of_many_new_ones_five_are_named_and_the_rest_counted(report: Report) -> None:
    report = with_candidates(report, 1_200)
    changes = nothing_known(report)
    assert "1,200 new candidates to offer: name0001@example.com," in Reader(page(report, changes)).text
    assert "name0005@example.com and 1,195 more" in Reader(page(report, changes)).text


def test_mistakes_that_are_new_in_the_list_are_named_and_marked(report: Report) -> None:
    last = read_back(report)
    del last["mistakes"]["top"][4]
    seen = Reader(page(report, compare(report, last))).text
    assert "1 mistake new in the top ten: “Mispronounced: cache” (no. 5)" in seen
    assert "Mispronounced: cache new here" in seen
    assert seen.count("new here") == 1


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ({"sessions": 12}, "Sessions up 4: 16, after 12"),
        ({"avg_confidence": 8.0}, "Confidence down 0.12: 7.88, after 8.00"),
        ({"users": 8}, "Engagement is unchanged"),
        ({"avg_confidence": None}, "Confidence: 7.88, after – "),
    ],
)
def test_engagement_up_or_down_is_said_against_the_last_report(report: Report, last: Any, said: str) -> None:
    before = read_back(report)
    before["engagement"]["total"] |= last
    assert said in Reader(page(report, compare(report, before))).text


def test_thresholds_that_moved_are_said_with_the_news(worked: Connection, report: Report) -> None:
    changes = compare(report_of(worked, offer=Offer(199)), read_back(report))
    assert "price 199 (was 179)" in Reader(page(report, changes)).text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (Changes(), "This is the first report: from the next one on, this part says what is new."),
        (Changes(is_unreadable=True), "The last report cannot be read: so nothing in this one is marked as new."),
    ],
)
def test_without_a_last_report_that_is_said_and_nothing_is_marked(report: Report, changes: Changes, said: str) -> None:
    seen = Reader(page(report, changes)).text
    assert said in seen
    assert "new user" not in seen
    assert "new here" not in seen


def test_the_first_fifty_of_a_thousand_are_shown_and_the_others_counted(report: Report, changes: Changes) -> None:
    many = with_candidates(report, 1_000)
    for said in (Reader(page(many, changes)).text, plain_text(many, changes)):
        listed = said.split("Candidates for the offer")[1].split("The offer for each")[0]
        assert re.findall(r"name(\d{4})@", listed) == [f"{number:04}" for number in range(1, 51)]
        assert "50 of 1,000, all in the attached list" in listed
        assert "10 of 1,000, all in the attached list" in said.split("The offer for each")[1]
    assert "50 of 1,000, all in the CSV and Excel files" in Reader(page(many, changes, "data")).text


def test_each_offer_is_the_one_of_the_settings(worked: Connection) -> None:
    report = report_of(worked, offer=Offer(199, discount_percent=10, valid_hours=24))
    wanted = offer_text("three@example.com", None, 4, 8.50, report.options.offer)
    for said in (Reader(page(report)).text, " ".join(plain_text(report, Changes()).split())):
        assert " ".join(wanted.body.split()) in said
        assert wanted.subject in said


def test_a_candidate_without_an_address_is_said_to_have_none(report: Report) -> None:
    for email in ("", None):
        anonymous = with_candidates(report, 2)
        rows = anonymous.conversion.candidates.assign(email=pd.Series([email, email], dtype="str"))
        anonymous = replace(anonymous, conversion=replace(anonymous.conversion, candidates=rows))
        assert "user0001, no e-mail address" in Reader(page(anonymous)).text
        assert "nan" not in plain_text(anonymous, Changes()).lower()


def test_expected_revenue_has_its_interval(report: Report) -> None:
    found = report.conversion.revenue  # one of four past offers was accepted; 358 * 0.25
    assert (found.expected, round(found.low, 2), round(found.high, 2)) == (89.5, 16.32, 250.37)  # Wilson
    assert "Expected revenue: $90, 95 % interval $16 to $250; 1 of 4 past" in Reader(page(report)).text


def test_without_past_offers_there_is_no_expected_revenue(report: Report) -> None:
    revenue = replace(report.conversion.revenue, expected=None, low=None, high=None)
    young = replace(report, conversion=replace(report.conversion, accepted=None, revenue=revenue))
    assert "Expected revenue: no past offers to tell from." in Reader(page(young)).text


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("later", [0, 300])
def test_an_empty_report_says_so_instead_of_zeros(
    worked: Connection, report: Report, later: int, is_first: bool
) -> None:
    empty = report_of(worked, as_of=date(2026, 5, 1), now=NOW + timedelta(days=later))
    changes = compare(empty, None if is_first else read_back(report))
    assert subject(empty, changes).endswith("othing to report: Fluency Lab, 1 May 2026")
    for said in (Reader(page(empty, changes)).text, plain_text(empty, changes)):
        assert "Nothing to report" in said
        assert "choose another as-of day" in said
        for news in ("What changed", "first report", "no longer", "down", "new candidates", "Engagement by role"):
            assert news not in said


def test_an_empty_report_on_the_newest_day_sends_people_to_look_whether_the_data_arrives(filled: Fill) -> None:
    with filled(sessions=[{"started_at": "2026-11-01 09:00:00", "ended_at": None}]) as connection:
        report = report_of(connection)
    for said in (Reader(page(report)).text, plain_text(report, Changes())):
        assert "check that the data arrives" in said
        assert "as-of day" not in said


def test_an_empty_window_is_said_to_be_empty_and_is_no_news_of_people_or_figures(
    worked: Connection, report: Report
) -> None:
    early = report_of(worked, as_of=date(2026, 11, 15), engagement_days=1, conversion_days=1, mistakes_days=60)
    assert early.mistakes.total
    by_role = early.engagement.by_role
    early = replace(early, engagement=replace(early.engagement, by_role=by_role.assign(sessions=0, users=0)))
    early = replace(
        early, conversion=replace(early.conversion, sessions=0, candidates=report.conversion.candidates[:0])
    )
    changes = compare(early, read_back(report))
    assert len(changes.gone) == 2
    for said in (Reader(page(early, changes)).text, " ".join(plain_text(early, changes).split())):
        assert "Candidates: no session with a score in 15 Nov 2026 (UTC)." in said
        assert "Engagement: no session in 15 Nov 2026 (UTC)." in said
        assert "no longer" not in said
        assert "Users down" not in said
    assert "fewer" not in subject(early, changes)
    assert "no sessions" in subject(early, changes)


def test_a_window_without_mistakes_is_said_to_have_none(report: Report, changes: Changes) -> None:
    none = replace(report.mistakes, top=report.mistakes.top.head(0), total=0, cells=report.mistakes.cells.head(0))
    said = Reader(page(replace(report, mistakes=none), changes)).text
    assert "Mistakes: none in 24 Oct – 22 Nov 2026 (UTC)." in said


def test_a_database_without_sessions_is_said_first(filled: Fill) -> None:
    with filled() as connection:
        report = report_of(connection)
    assert subject(report, Changes()) == "No sessions yet; nothing to report: Fluency Lab, 23 Nov 2026"
    seen = Reader(page(report, png=None)).text
    assert "There is no data yet. The database has no sessions. Nothing to report" in seen
    assert "The data is old" not in seen


def test_candidates_are_reported_even_where_the_other_windows_are_empty(filled: Fill) -> None:
    days = ("2026-11-10", "2026-11-11", "2026-11-12")
    sessions = [{"user_id": "ann", "started_at": f"{day} 09:00:00", "confidence_score": 9.0} for day in days]
    with filled(users=[{"user_id": "ann", "email": "ann@example.com"}], sessions=sessions) as connection:
        report = report_of(connection, as_of=date(2026, 11, 22))
    wanted = "Data is 11 days old; 1 to offer, of 1 who qualify, no sessions: Fluency Lab, 22 Nov 2026"
    assert subject(report, Changes()) == wanted
    assert "ann@example.com" in Reader(page(report)).text


def test_what_the_mail_says_of_the_definitions_in_its_own_words_is_still_there_to_leave_out() -> None:
    for start in UNSAID:
        assert f"\n- {start}" in definitions.ENGAGEMENT + definitions.MISTAKES


@pytest.mark.parametrize(
    ("completed_only", "said"), [(True, "finished (they have an end)"), (False, "finished or not")]
)
def test_which_sessions_were_counted_is_said(worked: Connection, completed_only: bool, said: str) -> None:
    report = report_of(worked, completed_only=completed_only)
    small_print = Reader(page(report)).text.split("How this is counted")[1]
    assert said in small_print
    assert "unless" not in small_print


def test_window_zone_times_and_source_stand_at_the_end(worked: Connection) -> None:
    report = report_of(worked, zone="Europe/Berlin")
    for said in (Reader(page(report)).text, " ".join(plain_text(report, Changes()).split())):
        end = said.split("How this is counted")[1]
        for part in ("17–23 Nov 2026 (Europe/Berlin)", "computed 23 Nov 2026 09:00", "calendar days in Europe/Berlin"):
            assert part in end
        assert "Data as of 23 Nov 2026 00:59" in end


def test_own_analyses_have_a_part_each_and_broken_ones_their_reason(report: Report) -> None:
    frame, columns = typed(pd.DataFrame({"role": ["a<b>"] * 30, "share_percent": [12.345] * 30}))
    good = AnalysisResult("one", "Shares", "Who has what.", Period(date(2026, 11, 22), 30), "", frame, columns)
    bad = replace(good, title="Broken", problem="broken.sql did not run. No such table.", frame=frame.head(0))
    report = replace(report, analyses=(good, bad))
    for said in (Reader(page(report)).text, plain_text(report, Changes())):
        assert "a<b>" in said
        assert "12.3 %" in said
        assert "10 of 30 rows; more in the attached list" in said
        assert "broken.sql did not run. No such table." in said


def test_every_broken_analysis_is_named_however_many_there_are(report: Report) -> None:
    frame, columns = typed(pd.DataFrame({"role": ["free"]}))
    good = AnalysisResult("one", "Roles", "", Period(date(2026, 11, 22), 30), "", frame, columns)
    names = [f"broken{place:02}.sql" for place in range(30)]
    bad = [replace(good, frame=frame.head(0), problem=f"{name} did not run. No such table.") for name in names]
    full = replace(report, analyses=(*bad[:15], *[good] * 12, *bad[15:]))
    for said in (Reader(page(full)).text, plain_text(full, Changes())):
        assert [name for name in names if name not in said] == []
        assert "10 of 12, all in the attached list" in said


def test_an_analysis_with_more_rows_than_its_limit_is_said_to_be_cut(report: Report) -> None:
    frame, columns = typed(pd.DataFrame({"role": ["free"] * 30}))
    cut = AnalysisResult("one", "Roles", "", Period(date(2026, 11, 22), 30), "", frame, columns, is_cut=True)
    for said in (
        Reader(page(replace(report, analyses=(cut,)))).text,
        plain_text(replace(report, analyses=(cut,)), Changes()),
    ):
        assert "10 of more than 30 rows; the first 30 rows are in the attached list" in said


# The subject.


def test_the_subject_says_the_news(report: Report, changes: Changes) -> None:
    # Sixteen sessions, eight in the week before.
    assert subject(report, changes) == "1 new candidate to offer, sessions +100 %: Fluency Lab, 22 Nov 2026"
    many = replace(changes, new_candidates=frozenset({"a", "b", "c"}))
    assert subject(report, many) == "3 new candidates to offer, sessions +100 %: Fluency Lab, 22 Nov 2026"


def test_the_subject_of_a_first_report_calls_nobody_new(report: Report) -> None:
    assert subject(report, Changes()) == "2 to offer, of 2 who qualify, sessions +100 %: Fluency Lab, 22 Nov 2026"


def test_without_new_candidates_the_subject_has_the_next_best_news(report: Report, changes: Changes) -> None:
    old = replace(changes, new_candidates=frozenset())
    assert subject(report, replace(old, gone=(), new_mistakes=frozenset())).startswith(
        "No new candidates to offer, sessions"
    )
    mistakes = nothing_known(report).new_mistakes
    assert subject(report, replace(old, new_mistakes=mistakes)).startswith("10 mistakes new in the top ten, sessions")
    gone = nothing_known(report).gone
    assert subject(report, replace(old, new_mistakes=frozenset(), gone=gone)).startswith("2 candidates fewer, sessions")


def test_nothing_new_is_said_as_such(report: Report) -> None:
    assert subject(report, compare(report, read_back(report))) == (
        "Nothing new since the last report: Fluency Lab, 22 Nov 2026"
    )


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_subject_is_one_printable_line_whatever_the_data(report: Report, text: str) -> None:
    hostile = poisoned(report, text)
    for changes in (Changes(), nothing_known(hostile)):
        found = subject(hostile, changes)
        assert found.isprintable()
        assert len(found) <= 100


# The page.


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("embed", ["cid", "data"])
def test_the_page_is_whole_small_and_harmless_whatever_the_data(report: Report, text: str, embed: str) -> None:
    hostile = poisoned(report, text)
    made = page(hostile, nothing_known(hostile), embed)
    found = Reader(made)
    picture = next(attributes["src"] for tag, attributes in found.tags if tag == "img")
    assert len(made.encode()) - len(picture) < LIMIT
    assert {tag for tag, _ in found.tags}.isdisjoint({"script", "link", "iframe", "object", "form", "base", "a", "svg"})
    assert sum(tag == "img" for tag, _ in found.tags) == 1
    allowed = {"class", "style", "align", "valign", "width", "cellpadding", "cellspacing", "role", "aria-label"}
    allowed |= {"lang", "charset", "name", "content", "scope", "src", "alt", "open"}
    for _, attributes in found.tags:
        assert attributes.keys() <= allowed
    assert "url(" not in made
    assert "@import" not in made
    assert re.findall("[\u202a-\u202e\u2066\u2067\x00\x07\x1b]", made) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_text_is_harmless_and_within_78_columns_whatever_the_data(report: Report, text: str) -> None:
    hostile = poisoned(report, text)
    made = plain_text(hostile, nothing_known(hostile))
    assert max(map(len, made.splitlines())) <= 78
    assert all(character.isprintable() or character in "\n\u2068\u2069" for character in made)


def test_a_page_of_a_thousand_ordinary_candidates_still_shows_fifty(report: Report) -> None:
    made = page(with_candidates(report, 1_000))
    assert len(made.encode()) < LIMIT
    assert made.count("@example.com</strong>") == 10


def test_of_many_candidates_only_those_shown_are_put_into_words_and_the_csv_has_all(report: Report) -> None:
    many = with_candidates(report, 300)
    with (
        patch.object(view, "person", wraps=view.person) as rows,
        patch.object(view, "offer_text", wraps=view.offer_text) as offers,
    ):
        page(many)
    assert (rows.call_count, offers.call_count) == (50, 10)
    in_csv = csv_bytes(csv_sheets(many)["conversion_candidates"], zone="UTC").decode("utf-8-sig")
    assert re.findall(r"name(\d{4})@", in_csv) == [f"{number:04}" for number in range(1, 301)]


def test_hostile_text_is_shown_as_it_was_written(report: Report) -> None:
    hostile = poisoned(report, HOSTILE["script"])
    assert HOSTILE["script"] in Reader(page(hostile)).text
    assert HOSTILE["template"] in Reader(page(poisoned(report, HOSTILE["template"]))).text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x" * 5_000, "x" * 19 + "…"),
        ("x" * 20, "x" * 20),
        ("a\r\n  b\tc", "a b c"),
        ("a\x00\u202eb", "ab"),
        ("  ", ""),
        (None, ""),
        (float("nan"), ""),
        ("\u05e9\u05dc\u05d5\u05dd", "\u2068\u05e9\u05dc\u05d5\u05dd\u2069"),
    ],
)
def test_a_text_from_the_data_is_one_line_of_limited_length(text: Any, wanted: str) -> None:
    assert shown(text, 20) == wanted


def test_the_picture_is_a_part_of_the_mail_or_of_the_file(report: Report) -> None:
    for embed, start in (("cid", f"cid:{HEATMAP_CID}"), ("data", "data:image/png;base64,iVBORw0KGgo")):
        pictures = [attributes for tag, attributes in Reader(page(report, embed=embed)).tags if tag == "img"]
        assert len(pictures) == 1
        assert pictures[0]["src"].startswith(start)
        assert "120 in" in pictures[0]["alt"]


def test_without_a_picture_or_without_mistakes_there_is_none(report: Report) -> None:
    none = replace(report.mistakes, top=report.mistakes.top.head(0), total=0, cells=report.mistakes.cells.head(0))
    assert "<img" not in page(report, png=None)
    assert "<img" not in page(replace(report, mistakes=none))
    assert "<img" in page(report)


@pytest.mark.parametrize("days", [0, 9])
def test_every_text_reads_on_its_ground_light_and_dark(report: Report, changes: Changes, days: int) -> None:
    report = replace(report, generated_at=NOW + timedelta(days=days))
    frame, columns = typed(pd.DataFrame({"role": ["free"]}))
    own = AnalysisResult("one", "Shares", "Who.", Period(date(2026, 11, 22), 30), "", frame, columns, problem="Broken.")
    found = Reader(page(replace(report, analyses=(own, replace(own, problem=""))), changes))
    assert len(found.said) > 200
    for said in found.said:
        assert contrast(*said.light) >= 4.5, said
        assert contrast(*said.dark) >= 4.5, said
        assert said.light != said.dark, said


@pytest.mark.parametrize("ink", ["text", "muted", "better", "worse", "warning", "failure"])
@pytest.mark.parametrize("ground", ["card", "panel", "alert"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_ink_reads_on_every_ground(ink: str, ground: str, theme: str) -> None:
    assert contrast(getattr(SHADES[ink], theme), getattr(SHADES[ground], theme)) >= 4.5


def test_both_themes_are_asked_for_and_every_shade_has_a_dark_rule(report: Report) -> None:
    made = page(report)
    assert '<meta name="color-scheme" content="light dark">' in made
    assert "@media (prefers-color-scheme:dark)" in made
    for name, shade in SHADES.items():
        assert f".{name}{{{shade.property}:{shade.dark}!important}}" in made


def test_the_page_is_640_wide_in_a_mail_program_and_narrower_on_a_phone(report: Report) -> None:
    tables = [attributes for tag, attributes in Reader(page(report)).tags if tag == "table"]
    assert tables[1]["width"] == "640"
    assert "max-width:640px" in tables[1]["style"]
    assert "@media (max-width:600px)" in page(report)


def test_the_style_sheet_is_small_enough_for_mail_programs(report: Report) -> None:
    sheet = page(report).split("<style>")[1].split("</style>")[0]
    assert len(sheet) < 8_192  # a large web mail drops a longer one


def test_the_templates_turn_no_text_into_markup() -> None:
    folder = Path(html.__code__.co_filename).with_name("templates")
    for template in folder.glob("*.html"):
        assert "|safe" not in template.read_text(encoding="utf-8").replace(" ", "")
        assert "autoescape" not in template.read_text(encoding="utf-8")
