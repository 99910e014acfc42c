from __future__ import annotations

import errno
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import daily_reports
from lib.exports import CannotWrite
from lib.report import ledger
from lib.report.command import A_DAY, NoGoodRun, attempt, execute, say_status
from lib.report.failure import sentence
from lib.report.ledger import Run, read_runs
from lib.report.options import SETTINGS, OptionError, parse, settings_for
from lib.report.orders import order_from
from lib.settings import Settings
from tests.factory import worked_case
from tests.report.post_office import PostOffice, opened

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)

Command = Callable[..., Any]


def environment(**settings: str) -> dict[str, str]:
    """No setting of whoever runs the tests, only these."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FLUENCY_")}
    return inherited | {f"FLUENCY_{name.upper()}": value for name, value in settings.items()}


@dataclass
class Ended:
    """What a command ended with: its exit status and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def program(tmp_path: Path) -> Command:
    """Run daily_reports.py over the worked case in a process of its own, as a person or cron does."""
    source = worked_case(tmp_path / "worked.db")

    def call(*arguments: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(ROOT / "daily_reports.py"), *map(str, arguments)]
        given = {"database_url": str(source), **folders(tmp_path), **settings}
        return subprocess.run(
            line, capture_output=True, text=True, env=environment(**given), cwd=tmp_path, check=False, timeout=300
        )

    return call


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Run the same in the process of the test, where Python and the libraries are loaded already."""
    source = worked_case(tmp_path / "worked.db")
    log, ending = logging.getLogger(), signal.getsignal(signal.SIGTERM)
    handlers, level = list(log.handlers), log.level

    def call(*arguments: str | Path, **settings: str) -> Ended:
        for name in [name for name in os.environ if name.startswith("FLUENCY_")]:
            monkeypatch.delenv(name)
        for name, value in {"database_url": str(source), **folders(tmp_path), **settings}.items():
            monkeypatch.setenv(f"FLUENCY_{name.upper()}", value)
        monkeypatch.chdir(tmp_path)
        log.handlers[:] = []  # as in a process of its own
        try:
            status = daily_reports.main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
        return Ended(status, *capsys.readouterr())

    yield call
    log.handlers[:] = handlers
    log.setLevel(level)
    logging.captureWarnings(False)
    signal.signal(signal.SIGTERM, ending)


def folders(tmp_path: Path) -> dict[str, str]:
    """Folders of the test, in place of the usual ones."""
    return {"analyses_folder": str(tmp_path / "none"), "reports_folder": str(tmp_path / "usual")}


def assert_one_sentence(done: Any, *words: str) -> None:
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.endswith(".\n") or done.stderr.endswith("options.\n")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_report_ends_with_0_and_says_where_it_is(program: Command, tmp_path: Path) -> None:
    done = program("--output", tmp_path / "out", "--feed", tmp_path / "feed")
    assert (done.returncode, done.stderr) == (0, "")
    first = next((tmp_path / "out").glob("daily_report_*.html"))
    assert done.stdout == f"Wrote {first} and 6 more files.\n"
    assert program("--status", "--output", tmp_path / "out").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nonsense"], ["--nonsense", "--help"]),
        (["--price", "abc"], ["--price cannot be used: give a number from 1 to 100,000."]),
        (["--top", "many"], ["--top cannot be used: give a whole number from 1 to 100."]),
        (["--min-confidence", "nan"], ["--min-confidence cannot be used: give a number from 5 to 9.9, with"]),
        (["--price"], ["--price"]),
        (["--timezone", "Mars/Olympus"], ["--timezone", "Europe/Berlin"]),
        (["--streak", "longest"], ["--streak", "current"]),
        (["--top", "0"], ["--top"]),
        (["--min-confidence", "8.55"], ["--min-confidence"]),
        (["--as-of", "2026-02-30"], ["--as-of", "2026-02-30"]),
        (["--as-of", "2026-W47-7"], ["--as-of", "such as 2026-11-22"]),
        (["--as-of", "20261122"], ["--as-of", "such as 2026-11-22"]),
        (["--as-of", "0001-01-01"], ["--as-of", "from 2000-01-01 to 2099-12-31"]),
        (["--as-of", "9999-12-31"], ["--as-of", "from 2000-01-01 to 2099-12-31"]),
        (["--output", ""], ["--output", "empty"]),
        (["--feed", " "], ["--feed", "empty"]),
        (["--backup", ""], ["--backup", "empty"]),
        (["--log", ""], ["--log", "empty"]),
        (["--at", "25:00"], ["--at", "08:00"]),
        (["--at", "8:5"], ["--at", "08:00"]),
        (["--keep", "0", "--backup", "copies"], ["--keep"]),
        (["--keep", "3"], ["--keep goes with --backup"]),
        (["--status", "--top", "5"], ["--top does not go with --status"]),
        (["--database-url", "away.db"], ["away.db", "Check --database-url."]),
        (["--database-url", "postgresql://me:secret@127.0.0.1:1/none"], ["does not answer"]),
        (["--output", "worked.db"], ["worked.db"]),
        (["--log", "none/log"], ["none/log"]),
        (["--email"], ["FLUENCY_MAIL_TO"]),
        (["--email", "ann@example.org"], ["FLUENCY_MAIL_HOST"]),
        (["--anonymise"], ["FLUENCY_PSEUDONYM_KEY", "secrets.token_hex"]),
        (["--status"], ["no good run"]),
    ],
)
def test_what_goes_wrong_ends_with_1_and_one_sentence(command: Command, arguments: list[str], words: list[str]) -> None:
    where = [] if "--backup" in arguments else ["--output", "reports"]
    done = command(*where, *arguments)
    assert_one_sentence(done, *words)
    assert "secret@" not in done.stderr


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"price": "cheap"}, ["FLUENCY_PRICE"]),
        ({"timezone": "Mars/Olympus"}, ["FLUENCY_TIMEZONE"]),
        ({"offer_body": "$discount_code"}, ["FLUENCY_OFFER_BODY"]),
        ({"mail_port": "many"}, ["FLUENCY_MAIL_PORT"]),
    ],
)
def test_a_broken_setting_is_one_sentence(command: Command, settings: dict[str, str], words: list[str]) -> None:
    assert_one_sentence(command(**settings), *words)


def test_a_sender_who_is_none_is_told_before_anything_is_written(command: Command, tmp_path: Path) -> None:
    server = {"mail_host": "localhost", "mail_sender": "nobody"}
    done = command("--output", tmp_path / "out", "--email", "ann@example.org", **server)
    assert_one_sentence(done, "FLUENCY_MAIL_SENDER")
    assert not (tmp_path / "out").exists()


def test_who_got_the_mail_is_said_also_where_somebody_was_refused(command: Command, tmp_path: Path) -> None:
    office = PostOffice(rcpt={"ben@example.org": ["550 5.1.1 No such user"]})
    with opened(office) as port:
        server = {"mail_host": "127.0.0.1", "mail_port": str(port), "mail_security": "none"}
        names = ["--email", "ann@example.org", "ben@example.org", "--email", "eve@example.org"]
        done = command("--output", tmp_path / "out", *names, mail_sender="reports@example.org", **server)
    assert_one_sentence(done, "did not reach everybody: ben@example.org (The mail server 127.0.0.1 does not take it")
    wrote, *told = done.stdout.splitlines()
    assert wrote.endswith(" and 6 more files.")
    states = ["ann@example.org: accepted", "ben@example.org: refused", "eve@example.org: accepted"]
    assert [line.partition(". ")[0] for line in told] == states


def test_a_dry_run_says_whom_the_mail_would_not_reach(command: Command) -> None:
    server = {"mail_host": "localhost", "mail_sender": "reports@example.org"}
    done = command("--email", "ann@example.org", "ben", "--dry-run", **server)
    assert_one_sentence(done, "The mail would not reach everybody: ben (This is not an e-mail address).")
    assert re.search(r"^ann@example.org: would send. A mail of [0-9.]+ [kM]B, files attached: 7.$", done.stdout, re.M)


def test_a_dry_run_says_who_would_get_the_mail_and_writes_nothing(command: Command, tmp_path: Path) -> None:
    server = {"mail_host": "localhost", "mail_sender": "reports@example.org"}
    done = command("--output", tmp_path / "out", "--email", "ann@example.org", "--dry-run", **server)
    assert done.returncode == 0
    assert "ann@example.org: would send." in done.stdout
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_told_with_its_place_and_what_to_do() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "reports")
    assert sentence(full) == "There is no room left on the disk for reports. Make room there, and run it again."


def test_an_own_analysis_with_more_rows_than_a_sheet_holds_is_one_sentence() -> None:
    assert sentence(CannotWrite("Sessions has 2,000,000 rows.")) == "Sessions has 2,000,000 rows."


@pytest.mark.parametrize("given", [True, False])
def test_whose_mail_may_have_arrived_gets_it_again_only_when_asked(given: bool) -> None:
    order = order_from(
        Settings(mail_host="localhost", mail_sender="a@example.org"),
        recipients=["b@example.org"],
        resend_uncertain=given,
    )
    assert order.post is not None
    assert order.post.resend_uncertain is given
    assert parse(["--email", *(["--resend-uncertain"] if given else [])]).resend_uncertain is given


def test_where_a_failure_came_from_goes_to_the_log_and_to_verbose(command: Command, tmp_path: Path) -> None:
    log = tmp_path / "report.log"
    assert_one_sentence(command("--database-url", "away.db", "--log", log))
    assert "Traceback" in log.read_text()
    assert "Traceback" in command("--database-url", "away.db", "--verbose").stderr


def test_help_loads_nothing_slow() -> None:
    program = (
        "import sys, daily_reports\n"
        "try: daily_reports.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "slow = {'pandas', 'numpy', 'sqlalchemy', 'altair', 'pydantic', 'openpyxl', 'jinja2'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"  {one.option} {one.value}" in done.stdout for one in SETTINGS)


def test_help_tells_the_defaults_and_limits_that_the_settings_have() -> None:
    for one in SETTINGS:
        field = Settings.model_fields[one.option.removeprefix("--").replace("-", "_")]
        assert one.default in (str(field.default), Path(str(field.default)).name)
        told = [float(number.replace(",", "")) for number in re.findall(r"[0-9][0-9,.]*[0-9]|[0-9]", one.fits)]
        assert told == [
            getattr(rule, "ge", None) or rule.le
            for rule in field.metadata
            if hasattr(rule, "ge") or hasattr(rule, "le")
        ]


@pytest.mark.parametrize("arguments", [["worked.db"], ["copies", "--database-url", "away.db"]])
def test_a_backup_that_cannot_be_made_ends_with_1_and_one_sentence(command: Command, arguments: list[str]) -> None:
    assert_one_sentence(command("--backup", *arguments), arguments[-1])


@pytest.mark.parametrize(
    "words",
    [
        "--backup copies --dry-run",
        "--backup copies --email ann@example.org",
        "--backup copies --email",
        "--backup copies --feed feed",
        "--backup copies --anonymise",
        "--backup copies --as-of 2026-11-20",
        "--backup copies --output out",
        "--status --backup copies",
        "--status --email",
        "--status --at 08:00",
        "--status --dry-run",
        "--resend-uncertain",
        "--keep 3",
    ],
)
def test_an_option_that_would_be_dropped_is_refused(words: str) -> None:
    with pytest.raises(OptionError, match=r"^The option --[a-z-]+ (does not go|goes) with --[a-z]+\.$"):
        parse(words.split())


@pytest.mark.parametrize(
    "words",
    [
        "--backup copies --keep 3 --at 03:45 --database-url some.db --timezone UTC --verbose --log log",
        "--status --output out --database-url some.db --timezone UTC",
        "--at 08:00 --email --feed feed --output out --dry-run --resend-uncertain --price 99",
    ],
)
def test_options_that_go_together_do(words: str) -> None:
    parse(words.split())


def test_an_option_comes_before_its_setting_and_has_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENCY_PRICE", "250")
    assert settings_for(parse([])).price == 250
    assert settings_for(parse(["--price", "199"])).price == 199
    with pytest.raises(OptionError, match="--price"):
        settings_for(parse(["--price", "0"]))


def test_every_option_reaches_the_order() -> None:
    words = "--timezone Europe/Berlin --engagement-days 6 --mistakes-days 29 --conversion-days 13 --top 9"
    words += " --min-sessions 2 --min-confidence 7.5 --streak any --price 199 --database-url some.db"
    settings = settings_for(parse(words.split()))
    order = order_from(
        settings, folder=Path("out"), as_of=date(2026, 11, 20), completed_only=False, feed=Path("feed"), dry_run=True
    )
    options = order.report
    assert (options.zone, options.engagement_days, options.mistakes_days) == ("Europe/Berlin", 6, 29)
    assert (options.conversion_days, options.top, options.offer.price) == (13, 9, 199)
    thresholds = options.thresholds
    assert (thresholds.min_sessions, thresholds.min_confidence, thresholds.streak) == (2, 7.5, "any")
    assert (options.as_of, options.completed_only) == (date(2026, 11, 20), False)
    assert (order.database_url, order.folder, order.feed, order.dry_run) == (
        "some.db",
        Path("out"),
        Path("feed"),
        True,
    )


def test_recipients_come_from_the_settings_where_none_is_named() -> None:
    settings = Settings(mail_host="localhost", mail_sender="a@example.org", mail_to="ann@example.org,ben@example.org")
    assert order_from(settings).post is None
    to_all, to_one = order_from(settings, recipients=[]).post, order_from(settings, recipients=["eve@example.org"]).post
    assert to_all is not None
    assert to_one is not None
    assert to_all.recipients == ("ann@example.org", "ben@example.org")
    assert to_one.recipients == ("eve@example.org",)


# ---- status


def note(folder: Path, ended: datetime, failure: str | None = None, **more: Any) -> None:
    ledger.append(folder, Run(ended - timedelta(seconds=2), ended, failure=failure, **{"as_of": ended.date()} | more))


def status(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said, with `FAILS: ` before it where the exit status would be 1."""
    try:
        say_status(folder, "Europe/Berlin", NOW, "worked.db", "ours")
    except NoGoodRun as none:
        return f"FAILS: {none}"
    return capsys.readouterr().out.strip()


def test_status_is_good_for_a_day_and_names_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note(tmp_path, NOW - A_DAY)
    told = "The last good run ended on 22 Nov 2026 09:00 (Europe/Berlin), as of 22 Nov 2026."
    assert status(tmp_path, capsys) == told


def test_status_fails_when_the_last_good_run_is_more_than_a_day_ago(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note(tmp_path, NOW - A_DAY - timedelta(seconds=1))
    note(tmp_path, NOW - timedelta(hours=1), "The database is busy.")
    told = status(tmp_path, capsys)
    assert told.startswith("FAILS: The last good run was more than a day ago, on ")
    assert told.endswith("The newest failure: The database is busy.")


@pytest.mark.parametrize("later", [{}, {"mailed": False}, {"source": "worked.db"}])
def test_status_of_today_is_good_and_says_what_failed_since(
    later: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note(tmp_path, NOW - timedelta(hours=2), mailed=True)
    note(tmp_path, NOW - timedelta(hours=1), "The database is busy.")
    note(tmp_path, NOW, **later)
    told = status(tmp_path, capsys)
    assert told.startswith("The last good run with mail ended on ")
    assert told.endswith("The newest failure: The database is busy.")


def test_a_failure_before_the_last_good_run_is_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    note(tmp_path, NOW - timedelta(hours=2), "The database is busy.")
    note(tmp_path, NOW - timedelta(hours=1))
    assert "busy" not in status(tmp_path, capsys)


@pytest.mark.parametrize(
    "other",
    [
        {"mailed": False},
        {"mailed": True, "source": "other.db"},
        {"mailed": True, "as_of": date(2020, 1, 1), "data_as_of": NOW},
        {"mailed": True, "as_of": date(2030, 1, 1), "data_as_of": NOW},
        {"mailed": True, "ended": NOW + timedelta(days=300)},
    ],
    ids=["no mail", "another database", "a day long ago", "a day to come", "a wrong clock"],
)
def test_where_reports_are_mailed_no_other_run_hides_that_none_went_out(
    other: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note(tmp_path, NOW - timedelta(days=3), mailed=True, source="worked.db")
    note(tmp_path, NOW - timedelta(hours=2), "The mail did not reach everybody.", mailed=True, source="worked.db")
    note(tmp_path, **{"ended": NOW - timedelta(hours=1), "source": "worked.db"} | other)
    told = status(tmp_path, capsys)
    assert told.startswith("FAILS: The last good run with mail was more than a day ago, on 20 Nov 2026")
    assert told.endswith("The newest failure: The mail did not reach everybody.")


def test_a_mail_that_was_tried_once_is_forgotten_after_a_month(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note(tmp_path, NOW - timedelta(days=31), mailed=True)
    note(tmp_path, NOW)
    assert status(tmp_path, capsys).startswith("The last good run ended on ")


# ---- the one boundary


def test_a_failure_that_nobody_thought_of_is_a_sentence_without_its_details(capsys: pytest.CaptureFixture[str]) -> None:
    def stumble() -> None:
        raise ZeroDivisionError("password=secret")

    assert attempt(stumble) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "ZeroDivisionError" in told
    assert "secret" not in told


def test_a_run_that_is_told_to_end_is_in_the_ledger(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    line = [sys.executable, str(ROOT / "daily_reports.py"), "--output", str(out), "--email", "ann@example.org"]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        mail = {"mail_host": "127.0.0.1", "mail_port": port, "mail_sender": "reports@example.org"}
        folders = {"database_url": str(tmp_path / "worked.db"), "analyses_folder": str(tmp_path / "none")}
        settings = environment(**folders, mail_security="none", **mail)
        with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=settings, cwd=tmp_path) as process:
            silent.settimeout(60)
            connection, _ = silent.accept()
            process.terminate()
            told = process.communicate(timeout=60)[1]
            connection.close()
    assert (process.returncode, told) == (143, "The run was ended from outside (SIGTERM).\n")
    (run,) = read_runs(out)
    assert (run.failure, len(run.files), run.mailed) == (told.strip(), 7, True)
    assert not list(out.glob(".*"))


# ---- staying


@pytest.mark.parametrize("email", [True, False])
def test_a_run_without_mail_makes_no_up_for_a_missed_one_with_mail(
    email: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stayed: list[Any] = []
    monkeypatch.setattr("lib.report.schedule.stay", lambda task, trigger, *, last_run: stayed.append(last_run))
    monkeypatch.setenv("FLUENCY_DATABASE_URL", str(tmp_path / "worked.db"))
    monkeypatch.setenv("FLUENCY_MAIL_HOST", "localhost")
    monkeypatch.setenv("FLUENCY_MAIL_SENDER", "reports@example.org")
    note(tmp_path, NOW - timedelta(days=1), mailed=True)
    note(tmp_path, NOW, source="other.db")
    note(tmp_path, NOW - timedelta(hours=1))
    words = ["--output", str(tmp_path), "--at", "08:00", *(["--email", "ann@example.org"] if email else [])]
    execute(parse(words))
    assert stayed == [NOW - (timedelta(days=1) if email else timedelta(hours=1)) - timedelta(seconds=2)]


def test_a_stopped_service_makes_up_the_run_that_it_missed_and_goes_on(command: Command, tmp_path: Path) -> None:
    out = tmp_path / "out"
    note(out, datetime.now(UTC) - timedelta(days=2))
    line = [sys.executable, str(ROOT / "daily_reports.py"), "--output", str(out), "--at", "08:00"]
    settings = environment(database_url=str(tmp_path / "worked.db"), analyses_folder=str(tmp_path / "none"))
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, env=settings, cwd=tmp_path) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Every day at 08:00 (UTC); the next time is ")
            assert process.stdout.readline().startswith("Wrote ")
            assert process.poll() is None
        finally:
            process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == 130
        finally:
            process.kill()  # nothing to whoever ended
    assert [run.failure for run in read_runs(out)] == [None, None]
