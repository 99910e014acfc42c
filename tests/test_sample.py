"""The sample database: the same bytes every time, believable, and with a few of each oddity that production writes."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from lib.catalogue import load_catalogue
from lib.sample import ERRORS, SESSIONS, USERS, generate, main
from lib.schema import TABLES

COMMITTED = Path(__file__).parents[1] / "sample.db"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sample") / "sample.db"
    assert main(["--out", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def sample(fresh: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{fresh.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def values(sample: sqlite3.Connection, statement: str) -> list[object]:
    return [row[0] for row in sample.execute(statement)]


def count(sample: sqlite3.Connection, statement: str) -> int:
    (number,) = sample.execute(f"SELECT count(*) FROM {statement}").fetchone()
    return int(number)


# The file


def test_the_committed_sample_is_what_the_command_gives(fresh: Path) -> None:
    assert COMMITTED.read_bytes() == fresh.read_bytes()


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        generate(tmp_path / name, users=60, sessions=400, errors=900, seed=3)
    generate(tmp_path / "other", users=60, sessions=400, errors=900, seed=4)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").read_bytes() != (tmp_path / "other").read_bytes()


def test_the_sample_has_at_most_five_million_bytes(fresh: Path) -> None:
    assert fresh.stat().st_size <= 5_000_000


def test_the_file_is_sound_and_notes_no_library_version(fresh: Path, sample: sqlite3.Connection) -> None:
    assert values(sample, "PRAGMA integrity_check") == ["ok"]
    header = fresh.read_bytes()[:100]
    assert header[24:28] == header[92:96] == (1).to_bytes(4, "big")
    assert header[96:100] == (3_040_001).to_bytes(4, "big")


def test_tables_indexes_and_statistics_are_there(sample: sqlite3.Connection) -> None:
    tables = set(values(sample, "SELECT name FROM sqlite_schema WHERE type = 'table'"))
    indexes = set(values(sample, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"))
    assert {table.name for table in TABLES} <= tables
    assert len(indexes) >= 8
    assert indexes <= set(values(sample, "SELECT idx FROM sqlite_stat1"))


@pytest.mark.parametrize(
    ("users", "sessions", "errors"), [(1, 1, 1), (50, 0, 0), (0, 0, 0), (3, 200, 0), (40, 10, 500), (120, 900, 2_001)]
)
def test_users_sessions_and_errors_are_honoured_exactly(tmp_path: Path, users: int, sessions: int, errors: int) -> None:
    path = tmp_path / "sized.db"
    generate(path, users=users, sessions=sessions, errors=errors)
    with closing(sqlite3.connect(path)) as sized:
        sizes = [count(sized, table) for table in ("users", "coaching_sessions", "detected_errors")]
    assert sizes == [users, sessions, errors]


@pytest.mark.parametrize(("users", "sessions", "errors"), [(0, 5, 0), (5, 0, 5), (-1, 0, 0)])
def test_impossible_sizes_are_refused_and_leave_no_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], users: int, sessions: int, errors: int
) -> None:
    out = tmp_path / "none.db"
    sizes = [f"--users={users}", f"--sessions={sessions}", f"--errors={errors}"]
    assert main(["--out", str(out), *sizes]) == 2
    assert "was not written" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_does_not_exist_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--out", str(tmp_path / "missing" / "sample.db")]) == 2
    assert "was not written" in capsys.readouterr().err


def test_the_end_date_is_the_last_day_with_sessions(tmp_path: Path) -> None:
    path = tmp_path / "earlier.db"
    generate(path, users=200, sessions=2_000, errors=100, end=date(2026, 3, 1))
    with closing(sqlite3.connect(path)) as earlier:
        days = {str(day) for day in values(earlier, "SELECT substr(started_at, 1, 10) FROM coaching_sessions")}
    assert max(days - {"None", "soon", "2026-13-45"}) == "2026-03-01"


def test_distinct_texts_make_nearly_every_text_another(tmp_path: Path) -> None:
    path = tmp_path / "distinct.db"
    generate(path, users=50, sessions=300, errors=1_000, distinct_texts=True)
    with closing(sqlite3.connect(path)) as distinct:
        texts = values(distinct, "SELECT error_text FROM detected_errors")
    assert len(set(texts)) > 950


# The people


def test_numbers_are_the_defaults(sample: sqlite3.Connection) -> None:
    assert [count(sample, table) for table in ("users", "coaching_sessions", "detected_errors")] == [
        USERS,
        SESSIONS,
        ERRORS,
    ]
    for table, least, most in (
        ("it_errors", 1_000, 3_000),
        ("pricing_errors", 100, 900),
        ("lead_scores", 200, 900),
        ("conversion_triggers", 120, 180),
    ):
        assert least <= count(sample, table) <= most, table


def test_roles_and_levels_have_their_shares(sample: sqlite3.Connection) -> None:
    roles = Counter(values(sample, "SELECT role FROM users"))
    assert roles["free"] / USERS == pytest.approx(0.62, abs=0.02)
    assert roles["student"] / USERS == pytest.approx(0.33, abs=0.02)
    assert roles["coach"] / USERS == pytest.approx(0.03, abs=0.01)
    assert 0 < roles["superuser"] < 0.01 * USERS
    assert 0 < roles[None] < 10
    assert 0 < roles["guest"] < 5
    levels = Counter(values(sample, "SELECT english_level FROM users"))
    assert set(levels) == {"B1", "B2", "C1", "C2", None}
    assert levels.most_common(1)[0][0] == "B2"


def test_every_address_is_a_reserved_one(sample: sqlite3.Connection) -> None:
    addresses = [address for address in values(sample, "SELECT email FROM users") if address]
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+\d*@example\.(com|org)", str(address)) for address in addresses)
    assert len(set(addresses)) == len(addresses)


def test_the_product_grows_and_weekends_and_holidays_are_quiet(sample: sqlite3.Connection) -> None:
    days = Counter(
        str(day)[:10] for day in values(sample, "SELECT started_at FROM coaching_sessions WHERE started_at < '9'")
    )
    weekday, weekend = [], []
    for day, sessions in days.items():
        if "2026-09-01" <= day <= "2026-11-22":
            (weekend if date.fromisoformat(day).weekday() >= 5 else weekday).append(sessions)
    assert sum(weekday) / len(weekday) > 1.6 * sum(weekend) / len(weekend)
    month = Counter[str]()
    for day, sessions in days.items():
        month[day[:7]] += sessions
    assert month["2026-10"] > 3 * month["2025-10"]
    assert month["2026-08"] < month["2026-07"]
    holidays = sum(days[f"2025-12-{day}"] for day in range(23, 32))
    assert holidays < 0.6 * sum(days[f"2025-12-{day:02d}"] for day in range(8, 17))


def test_learners_improve_and_make_fewer_mistakes(sample: sqlite3.Connection) -> None:
    rows = sample.execute(
        "SELECT user_id, confidence_score, error_count FROM coaching_sessions"
        " WHERE confidence_score IS NOT NULL AND error_count IS NOT NULL ORDER BY user_id, substr(started_at, 1, 10)"
    )
    by_user: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for user, score, errors in rows:
        by_user[user].append((score, errors))
    learners = [sessions for sessions in by_user.values() if len(sessions) >= 12]
    assert len(learners) > 50
    first, last = (
        [session for learner in learners for session in learner[part]] for part in (slice(4), slice(-4, None))
    )
    assert sum(score for score, _ in last) / len(last) > sum(score for score, _ in first) / len(first) + 0.7
    assert sum(errors for _, errors in last) / len(last) < sum(errors for _, errors in first) / len(first) - 0.2


def test_scores_run_from_1_to_10_and_unfinished_sessions_have_none(sample: sqlite3.Connection) -> None:
    scores = [score for score in values(sample, "SELECT confidence_score FROM coaching_sessions") if score is not None]
    assert all(1 <= float(str(score)) <= 10 and round(float(str(score)), 1) == score for score in scores)
    unfinished = count(sample, "coaching_sessions WHERE coalesce(ended_at, '') = ''")
    assert unfinished / SESSIONS == pytest.approx(0.06, abs=0.015)
    assert count(sample, "coaching_sessions WHERE coalesce(ended_at, '') = '' AND confidence_score IS NOT NULL") == 0


def test_error_count_is_the_number_of_the_session_s_mistakes(sample: sqlite3.Connection) -> None:
    mistakes = Counter(values(sample, "SELECT session_id FROM detected_errors"))
    for session, errors in sample.execute("SELECT session_id, error_count FROM coaching_sessions"):
        assert errors in (None, mistakes[session])


def test_nobody_has_a_session_before_signing_up(sample: sqlite3.Connection) -> None:
    early = count(
        sample,
        "coaching_sessions JOIN users USING (user_id)"
        " WHERE started_at < '9' AND datetime(started_at) < datetime(created_at)",
    )
    assert early == 0


# The mistakes


def in_days(sample: sqlite3.Connection, first: str, last: str) -> list[str]:
    rows = sample.execute(
        "SELECT error_text, substr(detected_at, 1, 10) FROM detected_errors WHERE trim(error_text) <> ''"
    )
    return [text for text, day in rows if day and first <= day <= last]


def test_nearly_all_mistakes_are_those_of_the_catalogue(sample: sqlite3.Connection) -> None:
    known = {(mistake.error_type, mistake.error_category, mistake.text) for mistake in load_catalogue()}
    rows = sample.execute("SELECT error_type, error_category, error_text FROM detected_errors").fetchall()
    assert ERRORS - 30 <= sum(row in known for row in rows) < ERRORS


def test_a_few_mistakes_are_frequent_and_many_are_rare(sample: sqlite3.Connection) -> None:
    ranked = [number for _, number in Counter(in_days(sample, "2025-01-01", "2026-11-22")).most_common()]
    assert sum(ranked[:10]) > 0.25 * ERRORS
    assert ranked[0] > 10 * ranked[60]


def test_one_mistake_is_new_and_at_once_among_the_top_ten(sample: sqlite3.Connection) -> None:
    top = [text for text, _ in Counter(in_days(sample, "2026-10-24", "2026-11-22")).most_common(10)]
    before = set(in_days(sample, "2025-01-01", "2026-11-08"))
    assert [text for text in top if text not in before] == ["Mispronounced: agentic"]


def test_one_mistake_is_fading(sample: sqlite3.Connection) -> None:
    fading = 'Extra preposition: "discuss about"'
    spring, autumn = in_days(sample, "2026-03-01", "2026-05-31"), in_days(sample, "2026-10-01", "2026-11-22")
    assert autumn.count(fading) / len(autumn) < 0.4 * spring.count(fading) / len(spring)


def test_grammar_weighs_more_at_b1_and_vocabulary_at_c1(sample: sqlite3.Connection) -> None:
    rows = Counter(sample.execute("SELECT english_level, error_type FROM detected_errors JOIN users USING (user_id)"))
    assert rows["B1", "grammar"] > 2 * rows["B1", "vocabulary"]
    share = {
        level: rows[level, "vocabulary"] / sum(number for (at, _), number in rows.items() if at == level)
        for level in ("B1", "C1")
    }
    assert share["C1"] > 1.5 * share["B1"]


def test_an_it_error_is_a_part_of_a_text_with_its_correct_form(sample: sqlite3.Connection) -> None:
    known = {(mistake.domain, mistake.pattern, mistake.right) for mistake in load_catalogue()}
    rows = sample.execute("SELECT domain, error_pattern, correct_form, frequency FROM it_errors").fetchall()
    assert all(tuple(row[:3]) in known for row in rows if row[2])
    assert {row[3] for row in rows} == {1, 2, 3, 4, 5, None}


# The offers


def free_scores(sample: sqlite3.Connection) -> list[list[float]]:
    """The scores of each free user in the last 14 days (UTC), oldest first."""
    rows = sample.execute(
        "SELECT s.user_id, s.started_at, s.session_id, s.confidence_score FROM coaching_sessions s JOIN users u"
        " ON u.user_id = s.user_id WHERE u.role = 'free' AND s.confidence_score IS NOT NULL AND s.started_at <> ''"
    ).fetchall()
    by_user: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for user, started, session, score in rows:
        if "2026-11-09" <= started[:10] <= "2026-11-22":
            by_user[user].append((started.replace("T", " ")[:19], session, score))
    return [[score for _, _, score in sorted(sessions)] for sessions in by_user.values()]


def run_at_the_end(scores: list[float]) -> int:
    length = 0
    for score in reversed(scores):
        if score <= 8.0:
            break
        length += 1
    return length


def test_between_8_and_20_free_users_are_candidates(sample: sqlite3.Connection) -> None:
    assert 8 <= sum(run_at_the_end(scores) >= 3 for scores in free_scores(sample)) <= 20


def test_there_are_near_misses_of_each_kind(sample: sqlite3.Connection) -> None:
    everybody = free_scores(sample)
    assert sum(run_at_the_end(scores) == 2 for scores in everybody) >= 3
    broken = [scores for scores in everybody if run_at_the_end(scores) == 0]
    best_only = [scores for scores in broken if run_at_the_end(scores[:-1]) >= 3]
    assert len(best_only) >= 2
    assert any(scores[-1] == 8.0 and run_at_the_end(scores[:-1]) >= 2 for scores in broken)
    assert any(scores[-1] == 7.9 and run_at_the_end(scores[:-1]) >= 2 for scores in broken)


def test_offers_have_two_prices_three_scores_and_all_outcomes(sample: sqlite3.Connection) -> None:
    outcomes: dict[int, list[int | None]] = defaultdict(list)
    rows = sample.execute(
        "SELECT conditions_met, confidence_scores, offer_sent, offer_accepted FROM conversion_triggers"
    ).fetchall()
    for conditions, scores, sent, accepted in rows:
        if conditions and conditions.startswith('{"'):
            met = json.loads(conditions)
            assert met["average"] == pytest.approx(sum(json.loads(scores)) / 3, abs=0.005)
            assert met["sessions"] == len(json.loads(scores)) == 3
            outcomes[met["price"]].append(accepted)
        assert sent in (0, 1)
        assert sent or accepted is None
    assert set(outcomes) == {179, 199}
    rate = {price: answers.count(1) / len(answers) for price, answers in outcomes.items()}
    assert 0.1 < rate[199] < rate[179] < 0.4
    assert all(set(answers) == {0, 1, None} for answers in outcomes.values())


def test_no_user_has_two_offers_within_30_days(sample: sqlite3.Connection) -> None:
    by_user: dict[str, list[date]] = defaultdict(list)
    for user, moment in sample.execute("SELECT user_id, triggered_at FROM conversion_triggers"):
        by_user[user].append(date.fromisoformat(moment[:10]))
    for days in by_user.values():
        days.sort()
        assert all((later - earlier).days >= 29 for earlier, later in pairwise(days))


def test_leads_are_cold_warm_and_hot(sample: sqlite3.Connection) -> None:
    statuses = Counter(values(sample, "SELECT lead_status FROM lead_scores"))
    assert set(statuses) == {"cold", "warm", "hot", None}
    assert min(statuses["cold"], statuses["warm"], statuses["hot"]) > 30


# The week


def test_the_last_week_brings_news(sample: sqlite3.Connection) -> None:
    sessions: Counter[tuple[str, str]] = Counter()
    for role, day in sample.execute(
        "SELECT role, substr(started_at, 1, 10) FROM coaching_sessions JOIN users USING (user_id) WHERE role <> ''"
    ):
        if day and "2026-11-09" <= day <= "2026-11-22":
            sessions[role, "now" if day >= "2026-11-16" else "before"] += 1
    assert sessions["free", "now"] >= 50
    assert sessions["student", "now"] >= 40
    changes = [sessions[role, "now"] - sessions[role, "before"] for role in ("free", "student", "coach", "superuser")]
    assert min(changes) < 0 < max(changes)


# The oddities


def test_timestamps_come_in_four_shapes_within_a_column(sample: sqlite3.Connection) -> None:
    shapes = ("T.*Z$", r"T.*\+00:00$", r" .*\.\d{3}$", r" \d\d:\d\d:\d\d$")
    for table, column in (
        ("coaching_sessions", "started_at"),
        ("detected_errors", "detected_at"),
        ("users", "created_at"),
    ):
        texts = [str(text) for text in values(sample, f"SELECT {column} FROM {table} WHERE {column} < '9'")]
        for shape in shapes:
            assert sum(bool(re.search(shape, text)) for text in texts) > 0.03 * len(texts), (column, shape)


@pytest.mark.parametrize(
    ("oddity", "expected"),
    [
        ("coaching_sessions WHERE user_id NOT IN (SELECT user_id FROM users)", 3),
        ("coaching_sessions WHERE user_id IS NULL", 1),
        ("coaching_sessions WHERE ended_at = ''", 2),
        ("coaching_sessions WHERE started_at IS NULL", 2),
        ("coaching_sessions WHERE started_at IN ('soon', '2026-13-45 99:00:00')", 2),
        ("detected_errors WHERE error_text IS NULL", 3),
        ("detected_errors WHERE trim(error_text, ' ' || char(9, 10)) = ''", 3),
        ("detected_errors WHERE error_type IS NULL", 3),
        ("detected_errors WHERE error_category IS NULL", 3),
        ("detected_errors WHERE detected_at IS NULL", 2),
        ("detected_errors WHERE detected_at IN ('soon', '2026-13-45 99:00:00', '')", 3),
        ("detected_errors WHERE length(error_text) = 5000", 1),
        ("detected_errors WHERE error_text LIKE '%<script>%'", 1),
        ("detected_errors WHERE error_text LIKE '%ö%ü%' OR error_text LIKE '%Köln%'", 1),
        ("users WHERE coalesce(email, '') = ''", 2),
        ("users WHERE created_at IS NULL", 1),
    ],
)
def test_a_few_rows_have_each_oddity(sample: sqlite3.Connection, oddity: str, expected: int) -> None:
    assert count(sample, oddity) == expected


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_texts_that_a_spreadsheet_would_run(sample: sqlite3.Connection, start: str) -> None:
    assert any(str(text).startswith(start) for text in values(sample, "SELECT error_text FROM detected_errors"))


@pytest.mark.parametrize("script", ["😀", "软", "מ", "ب"])
def test_texts_in_other_scripts(sample: sqlite3.Connection, script: str) -> None:
    assert any(script in str(text) for text in values(sample, "SELECT error_text FROM detected_errors"))
