from __future__ import annotations

import gzip
import json
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from lib.schema import coaching_sessions
from lib.sync.problems import SyncProblem
from lib.sync.requests import Requests
from lib.sync.rest import endpoint as endpoint_of
from tests.factory import make_database
from tests.sync.conftest import Sync, all_rows, rows_of
from tests.sync.endpoint import PATH, TOKEN, Asked, Endpoint, Reply, export, good

ANN = {"user_id": "ann", "email": "ann@example.com", "role": "free", "created_at": "2026-11-16T09:30:00.250+02:00"}
SESSION = {"session_id": "s1", "user_id": "ann", "started_at": "2026-11-20T10:00:00.000Z", "confidence_score": 8.5}
MISTAKE = {"error_id": "e1", "session_id": "s1", "user_id": "ann", "error_text": 'Wrong: "Gerät 😀"'}
HTML = b"<!doctype html><title>Sign in</title>"


def test_the_three_lists_become_rows(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    endpoint.reply = good(users=[ANN], sessions=[SESSION], errors=[MISTAKE])
    target = tmp_path / "lab.db"
    run = sync(endpoint.url, target)
    assert (run.status, run.err) == (0, "")
    assert rows_of(target, "users") == [("ann", "ann@example.com", "free", None, "2026-11-16 07:30:00.250000", None)]
    assert rows_of(target, "coaching_sessions")[0][:6] == ("s1", "ann", None, None, "2026-11-20 10:00:00", None)
    assert rows_of(target, "detected_errors")[0][5] == 'Wrong: "Gerät 😀"'
    assert endpoint.asked == [Asked(PATH, None, f"Bearer {TOKEN}")]
    assert "users 1, 1 new; coaching_sessions 1, 1 new; detected_errors 1, 1 new." in run.out


def test_the_second_time_nothing_changes_not_even_the_file(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    endpoint.reply = good(users=[ANN], sessions=[SESSION], errors=[MISTAKE])
    target = tmp_path / "lab.db"
    sync(endpoint.url, target)
    before = target.read_bytes()
    run = sync(endpoint.url, target)
    assert run.out.startswith("Nothing changed")
    assert target.read_bytes() == before


def test_what_differs_is_updated_what_is_gone_removed_what_is_new_added(
    endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    target = tmp_path / "lab.db"
    endpoint.reply = good(users=[ANN, {"user_id": "bob"}, {"user_id": "eve"}])
    sync(endpoint.url, target)
    endpoint.reply = good(users=[ANN | {"role": "student"}, {"user_id": "eve"}, {"user_id": "tom"}])
    run = sync(endpoint.url, target)
    assert "users 3, 1 new, 1 changed, 1 removed;" in run.out
    assert [(row[0], row[2]) for row in rows_of(target, "users")] == [("ann", "student"), ("eve", None), ("tom", None)]


def test_tables_that_the_answer_does_not_name_stay_as_they_are(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    target = make_database(tmp_path / "lab.db", users=[{"user_id": "ann"}], lead_scores=[{"user_id": "ann"}])
    before = rows_of(target, "lead_scores")
    endpoint.reply = good(users=[ANN], sessions=[SESSION], it_errors=[{"error_id": "i1", "frequency": 3}])
    assert sync(endpoint.url, target).status == 0
    assert rows_of(target, "lead_scores") == before
    assert [row[0] for row in rows_of(target, "it_errors")] == ["i1"]


def test_pages_are_followed_until_there_is_no_cursor(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    pages = {
        None: good(users=[ANN], next_cursor="a&b c=ü"),
        "a&b c=ü": good(users=[{"user_id": "bob"}], next_cursor=3),
        "3": good(users=[ANN], sessions=[SESSION], next_cursor=""),
    }
    endpoint.reply = lambda asked: pages[asked.cursor]
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert [asked.cursor for asked in endpoint.asked] == [None, "a&b c=ü", "3"]
    assert "users 2, 2 new, 1 left out;" in run.out
    assert "1 row of users: user_id came before." in run.out


def test_a_cursor_that_comes_again_ends_the_run(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    endpoint.reply = good(users=[ANN], next_cursor="again")
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert (run.status, len(endpoint.asked)) == (1, 2)
    assert "same cursor twice" in run.err


def test_rows_that_do_not_fit_are_left_out_counted_and_written_down(
    endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    odd = SESSION | {"session_id": "s" * 201}
    blank = {"user_id": " ", "email": "who@example.com"}
    late = {"user_id": "bob", "last_active": "soon"}
    endpoint.reply = good(users=[ANN, "ann", blank, late], sessions=[SESSION, odd, odd])
    left_out = tmp_path / "left out.jsonl"
    run = sync(endpoint.url, tmp_path / "lab.db", "--left-out", str(left_out))
    assert run.status == 0
    assert "Left out: 2 rows of coaching_sessions: session_id is longer than 200 characters." in run.out
    assert "Left out: 1 row of users: user_id is missing." in run.out
    assert "users 2, 2 new, 2 left out; coaching_sessions 1, 1 new, 2 left out;" in run.out
    lines = [json.loads(line) for line in left_out.read_text().splitlines()]
    assert [(line["table"], line["reason"], line["kept"]) for line in lines] == [
        ("users", "the item is no object", False),
        ("users", "user_id is missing", False),
        ("users", "last_active cannot be read as a time, and was emptied", True),
        ("coaching_sessions", "session_id is longer than 200 characters", False),
        ("coaching_sessions", "session_id is longer than 200 characters", False),
    ]
    assert lines[3]["row"]["confidence_score"] == "8.5"
    assert left_out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "number", ["1e999999999", "1e99999999999999999999", "9" * 5_000, "9" * 100_000, '"1e999999999"', "-" + "9" * 400]
)
@pytest.mark.parametrize("column", ["duration_seconds", "confidence_score"])
def test_a_huge_number_is_emptied_and_its_row_stays(
    column: str, number: str, endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    rows = json.dumps([SESSION, SESSION | {"session_id": "s2", column: "HUGE"}, SESSION | {"session_id": "s3"}])
    body = json.dumps(export(users=[ANN], sessions=["ROWS"])).replace('["ROWS"]', rows).replace('"HUGE"', number)
    endpoint.reply = Reply(body.encode())
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert (run.status, run.err) == (0, "")
    assert f"Changed on the way: 1 row of coaching_sessions: {column} cannot be read as a" in run.out
    place = coaching_sessions.columns.keys().index(column)
    stored = {row[0]: row[place] for row in rows_of(tmp_path / "lab.db", "coaching_sessions")}
    assert stored == {"s1": SESSION.get(column), "s2": None, "s3": SESSION.get(column)}
    assert len(next((tmp_path / "reports").iterdir()).read_text().splitlines()) == 1


def test_a_packed_answer_is_unpacked(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    body = gzip.compress(json.dumps(export(users=[ANN])).encode())
    endpoint.reply = Reply(body, headers={"Content-Type": "application/json", "Content-Encoding": "gzip"})
    assert sync(endpoint.url, tmp_path / "lab.db").status == 0


WHOLE = json.dumps(export(users=[ANN], sessions=[SESSION])).encode()
JSON = {"Content-Type": "application/json"}
PACKED = JSON | {"Content-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (Reply(HTML, headers={"Content-Type": "text/html; charset=utf-8"}), "page for people (HTML) instead of JSON"),
        (Reply(b"\n " + HTML, headers={}), "page for people (HTML) instead of JSON"),
        (Reply(WHOLE[:-20]), "cut off: its JSON ends in the middle"),
        (Reply(WHOLE[:-20], promised=len(WHOLE)), "cut off: the connection was lost"),
        (Reply(gzip.compress(WHOLE * 9)[:-30], headers=PACKED), "cut off"),
        (Reply(b"not gzip at all", headers=PACKED), "damaged: it cannot be unpacked"),
        (Reply(b""), "The answer is empty."),
        (Reply(WHOLE + b"]"), "not JSON, or is damaged"),
        (Reply(b'{"users": [' + b"9" * 200_000 + b"]}"), "expected shape: a number has more than 65,536 digits."),
        (Reply(b'{"users": ["\xff"]}'), "not JSON, or is damaged"),
        (Reply(b"[]"), "expected shape: it is no object"),
        (Reply(b"{}"), "no list users and no list sessions and no list errors"),
        (Reply(b'{"users": [], "sessions": {}, "errors": []}'), "expected shape: sessions is no list"),
        (Reply(b'{"users": [], "sessions": [], "errors": [], "next_cursor": [1]}'), "neither text nor null"),
        (Reply(b'{"users": [' + b"[" * 99 + b"]" * 99 + b"]}"), "nested too deeply"),
        (Reply(b"{}", status=401), "refuses the token (401). Check FLUENCY_API_TOKEN."),
        (Reply(b"{}", status=403), "refuses the token (403). Check FLUENCY_API_TOKEN."),
        (Reply(HTML, status=404), "has nothing at /api/analytics/export (404)."),
        (Reply(b"{}", status=500), "answered 500 Internal Server Error."),
        (Reply(b"{}", status=204), "answered 204 No Content."),
        (Reply(status=301, headers={"Location": PATH}), "redirects more than 5 times."),
        (
            Reply(status=302, headers={"Location": "http://lab.invalid/x"}),
            "redirects to http://lab.invalid, which is not",
        ),
        (Reply(status=302, headers={"Location": "https://127.0.0.1/x"}), "redirects to https://127.0.0.1, which is"),
        (Reply(status=302, headers={"Location": "file:///etc/passwd"}), "redirects to file://127.0.0.1, which is"),
    ],
)
def test_an_answer_that_is_none_gives_one_sentence_and_leaves_the_target_alone(
    reply: Reply, sentence: str, endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    target = make_database(tmp_path / "lab.db", users=[{"user_id": "old"}])
    before = target.read_bytes()
    endpoint.reply = reply
    run = sync(endpoint.url, target)
    assert run.status == 1
    assert sentence in run.err
    assert run.err.count("\n") == 1
    assert TOKEN not in run.out + run.err
    assert target.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lab.db"]


def test_an_answer_that_stalls_is_given_up(
    endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENCY_API_TIMEOUT_SECONDS", "0.3")
    endpoint.reply = Reply(WHOLE[:-20], promised=len(WHOLE), stalls=True)
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert "The answer is cut off: nothing came for 0.3 seconds." in run.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_says_later_is_asked_again(status: int, endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    endpoint.reply = [Reply(status=status), good(users=[ANN])]
    assert sync(endpoint.url, tmp_path / "lab.db").status == 0
    assert len(endpoint.asked) == 2


def test_retry_after_is_waited_for_in_seconds_or_until_a_date(
    endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    endpoint.reply = [
        Reply(status=429, headers={"Retry-After": "1"}),
        Reply(status=503, headers={"Retry-After": then}),
        good(users=[ANN]),
    ]
    assert sync(endpoint.url, tmp_path / "lab.db").status == 0
    assert waits[0] == 1
    assert 1 <= waits[1] <= 3


PAST = format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)


@pytest.mark.parametrize("said", ["0", "-5", "0.001", "NaN", "", "soon", PAST, "Thu, 99 Foo 99999 99:99:99 GMT"])
def test_whatever_retry_after_says_a_server_in_trouble_gets_a_pause(
    said: str, endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waits.append)
    endpoint.reply = [Reply(status=503, headers={"Retry-After": said})] * 3 + [good(users=[ANN])]
    assert sync(endpoint.url, tmp_path / "lab.db").status == 0
    assert len(waits) == 3
    assert min(waits) >= 0.2


@pytest.mark.parametrize(
    ("said", "told"), [("3600", "3600"), ("9" * 400, "31536000"), ("Fri, 31 Dec 9999 23:59:59 GMT", "31536000")]
)
def test_a_wait_beyond_our_patience_is_not_begun(
    said: str, told: str, endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    endpoint.reply = Reply(status=429, headers={"Retry-After": said})
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert (run.status, len(endpoint.asked)) == (1, 1)
    assert f"answered 429 and asks to come back in {told} seconds." in run.err


def slowly(endpoint: Endpoint, head: bytes, more: bytes) -> Iterator[bytes]:
    """``head``, then ``more`` for as long as anybody listens: the connection is never silent, and never done."""
    yield head
    while not endpoint.released.wait(0.02):
        yield more


EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"  # of a packed answer: it unpacks to nothing


@pytest.mark.parametrize(
    ("headers", "head", "more"), [(JSON, b"{", b" "), (PACKED, gzip.compress(b"", mtime=0)[:10], EMPTY_BLOCK)]
)
def test_an_answer_that_never_ends_is_given_up(
    headers: dict[str, str],
    head: bytes,
    more: bytes,
    endpoint: Endpoint,
    sync: Sync,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FLUENCY_API_TOTAL_SECONDS", "0.5")
    endpoint.reply = Reply(slowly(endpoint, head, more), headers=headers)
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert (run.status, list(tmp_path.iterdir())) == (1, [])
    assert "The server did not come to an end within 0.5 seconds." in run.err


def test_a_head_that_never_ends_is_given_up(sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLUENCY_API_TOTAL_SECONDS", "0.5")
    over = threading.Event()

    def drip(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not over.wait(0.02):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,))
        thread.start()
        run = sync(f"http://127.0.0.1:{server.getsockname()[1]}", tmp_path / "lab.db")
        over.set()
        thread.join()
    assert run.err.startswith("The server did not come to an end within 0.5 seconds.")


def test_fresh_cursors_for_ever_come_to_an_end_with_rows_and_without(
    endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint.reply = lambda asked: good(next_cursor=int(asked.cursor or 0) + 1)
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert "The server gave 101 pages without a row, one after the other" in run.err
    assert len(endpoint.asked) == 101
    monkeypatch.setenv("FLUENCY_API_TOTAL_SECONDS", "0.5")
    endpoint.reply = lambda asked: good(users=[ANN], next_cursor=int(asked.cursor or 0) + 1)
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert (run.status, list(tmp_path.iterdir())) == (1, [])
    assert "The server did not come to an end within 0.5 seconds." in run.err


def test_a_server_that_is_not_there_is_tried_again_within_our_patience(
    sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENCY_API_PATIENCE_SECONDS", "0.3")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    run = sync(f"http://127.0.0.1:{port}", tmp_path / "lab.db")
    assert (run.status, run.err) == (
        1,
        "127.0.0.1 cannot be reached. Check the address, and that the server runs.\n",
    )


def test_a_server_that_comes_back_is_found(sync: Sync, tmp_path: Path, endpoint: Endpoint) -> None:
    closing = [True]

    def answer(asked: Asked) -> Reply:
        if closing.pop() if closing else False:
            raise ConnectionAbortedError  # the connection is dropped without a word
        return good(users=[ANN])

    endpoint.reply = answer
    assert sync(endpoint.url, tmp_path / "lab.db").status == 0
    assert len(endpoint.asked) == 2


def test_a_redirect_to_another_server_is_refused(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    with Endpoint().running() as other:
        endpoint.reply = Reply(status=307, headers={"Location": f"{other.url}/elsewhere"})
        run = sync(endpoint.url, tmp_path / "lab.db")
        assert f"127.0.0.1 redirects to {other.url}, which is not the server that was named." in run.err
        assert other.asked == []


def test_a_redirect_on_the_same_server_carries_it(endpoint: Endpoint, sync: Sync, tmp_path: Path) -> None:
    endpoint.reply = [Reply(status=308, headers={"Location": "/v2/export"}), good(users=[ANN])]
    assert sync(endpoint.url, tmp_path / "lab.db").status == 0
    assert endpoint.asked[1] == Asked("/v2/export", None, f"Bearer {TOKEN}")


def test_without_a_token_none_is_sent_and_a_refusal_says_that_one_is_wanted(
    endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENCY_API_TOKEN", "")
    endpoint.reply = Reply(status=401)
    assert "wants a token (401). Check FLUENCY_API_TOKEN." in sync(endpoint.url, tmp_path / "lab.db").err
    assert endpoint.asked[0].authorization is None


@pytest.mark.parametrize("token", ["line\nend", "two words", "schlüssel"])
def test_a_token_that_no_header_can_hold_is_refused_unseen(
    token: str, endpoint: Endpoint, sync: Sync, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLUENCY_API_TOKEN", token)
    run = sync(endpoint.url, tmp_path / "lab.db")
    assert (run.status, endpoint.asked) == (1, [])
    assert "FLUENCY_API_TOKEN cannot be used" in run.err
    assert token not in run.err


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("http://lab.example.org", "http://lab.example.org is not encrypted"),
        ("https://user:secret@lab.example.org", "holds a password"),
        ("https://", "names no server"),
        ("https://[::1", "cannot be read"),
    ],
)
def test_an_address_that_would_give_the_token_away_or_is_none_is_refused(
    address: str, sentence: str, sync: Sync, tmp_path: Path
) -> None:
    run = sync(address, tmp_path / "lab.db")
    assert run.status == 1
    assert sentence in run.err
    assert "secret" not in run.err


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("https://lab.example.org", "https://lab.example.org/api/analytics/export"),
        ("https://lab.example.org/", "https://lab.example.org/api/analytics/export"),
        ("https://lab.example.org/v2/data?limit=5", "https://lab.example.org/v2/data?limit=5"),
    ],
)
def test_the_address_of_a_server_gets_the_path_and_a_whole_one_stays(address: str, asked: str) -> None:
    assert str(endpoint_of(address)) == asked


def test_a_certificate_of_nobody_is_refused_at_once(sync: Sync, tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost"
    subprocess.run(
        [*make.split(), "-keyout", certificate, "-out", certificate, "-addext", "subjectAltName=DNS:localhost"],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_shake_hands_once, args=(context, listening))
        thread.start()
        run = sync(f"https://localhost:{listening.getsockname()[1]}", tmp_path / "lab.db")
        thread.join()
    assert run.status == 1
    assert run.err.startswith("The certificate of localhost cannot be trusted.")


def _shake_hands_once(context: ssl.SSLContext, listening: socket.socket) -> None:
    connection, _ = listening.accept()
    try:
        context.wrap_socket(connection, server_side=True).close()
    except OSError:
        connection.close()  # the client has seen enough


def test_an_empty_answer_does_not_empty_the_target_unless_that_is_meant(
    endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    target = make_database(tmp_path / "lab.db", users=[{"user_id": "ann"}])
    before = all_rows(target)
    endpoint.reply = good()
    run = sync(endpoint.url, target)
    assert run.err == (
        "Source: its table users is empty, and the target has 1 rows. If they are all to go, say --allow-empty.\n"
    )
    assert all_rows(target) == before
    assert sync(endpoint.url, target, "--allow-empty").status == 0
    assert rows_of(target, "users") == []


def test_an_answer_of_which_nothing_fits_does_not_empty_the_target(
    endpoint: Endpoint, sync: Sync, tmp_path: Path
) -> None:
    target = make_database(tmp_path / "lab.db", mistakes=[{"user_id": "ann"}], users=[{"user_id": "ann"}])
    endpoint.reply = good(users=[ANN], sessions=[SESSION], errors=[{"id": "renamed"}])
    assert "none of its 1 rows of detected_errors fits" in sync(endpoint.url, target).err
    assert len(rows_of(target, "detected_errors")) == 1


@pytest.mark.parametrize(
    "place",
    [
        "http://lab.example.org/x",
        "https://lab.example.org:8443/x",
        "https://lab.example.com/x",
        "https://127.0.0.1/x",
        "//evil.example.com/x",
        "ftp://lab.example.org/x",
    ],
)
def test_a_redirect_from_https_to_another_scheme_host_or_port_is_refused_even_where_http_is_allowed(
    place: str,
) -> None:
    requests = Requests(SecretStr(TOKEN), timeout_seconds=1, patience_seconds=0, allow_http=True)
    asked: list[str] = []

    def moved(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(302, headers={"Location": place})

    with (
        httpx.Client(transport=httpx.MockTransport(moved)) as client,
        pytest.raises(SyncProblem, match="which is not the server that was named"),
        requests.answer(client, httpx.URL("https://lab.example.org/x")),
    ):
        pass
    assert asked == ["https://lab.example.org/x"]


def test_a_redirect_that_spells_out_the_usual_port_is_followed() -> None:
    requests = Requests(SecretStr(TOKEN), timeout_seconds=1, patience_seconds=0)

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        if request.url.path == "/x":
            return httpx.Response(308, headers={"Location": "https://LAB.example.org:443/y"})
        return httpx.Response(200, content=b"{}")

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        requests.answer(client, httpx.URL("https://lab.example.org/x")) as response,
    ):
        assert response.url.path == "/y"


def test_http_goes_over_a_network_only_where_it_is_allowed() -> None:
    requests = Requests(SecretStr(TOKEN), timeout_seconds=1, patience_seconds=0, allow_http=True)
    seen: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers["Authorization"])
        return httpx.Response(200, content=b"{}")

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        requests.answer(client, httpx.URL("http://lab.example.org/x")) as response,
    ):
        assert response.status_code == 200
    assert seen == [f"Bearer {TOKEN}"]
