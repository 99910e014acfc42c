"""A REST endpoint as a source: one page after the other, each as a stream; the package's description has the rules."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any

import httpx

from lib.schema import TABLES
from lib.sync.pages import BEGIN, Page, wrong_shape
from lib.sync.problems import SyncProblem
from lib.sync.requests import CHUNK, Requests
from lib.sync.source import ROWS_AT_ONCE, Batch, Row

PATH = "/api/analytics/export"
HTML_STARTS = b"<"
BYTES_AT_ONCE = 4_000_000  # unpacked: a lot of long texts is a short one
MOST_EMPTY_PAGES = 100  # one after the other
COLUMNS = {table.name: tuple(table.columns.keys()) for table in TABLES}


class RestSource:
    """All pages of an endpoint; ``address`` is the server's (PATH is added) or the whole one of the export."""

    unit = "B"
    kind = "rest"

    def __init__(self, address: str, requests: Requests) -> None:
        self._url = endpoint(address)
        self._requests = requests
        self.name = f"{self._url.host}{self._url.path}"
        self.total: int | None = None

    def batches(self) -> Generator[Batch, None, None]:
        """The rows of all pages; raises SyncProblem."""
        cursors: set[str] = set()
        empty = 0
        with self._requests.client(self._url) as client:
            url: httpx.URL | None = self._url
            while url is not None:
                page = Page()
                with self._requests.answer(client, url) as answer:
                    self.total = None if cursors else _size(answer)  # how many pages there are, nobody knows
                    yield from _batches(page, answer, self._requests.chunks(answer))
                url = self._next(page.cursor, cursors)
                empty = 0 if page.rows else empty + 1
                if empty > MOST_EMPTY_PAGES:
                    raise SyncProblem(
                        f"The server gave {empty:,} pages without a row, one after the other: they never end.",
                        "Tell who runs it.",
                    )

    def _next(self, cursor: str | None, seen: set[str]) -> httpx.URL | None:
        if cursor is None:
            return None
        if cursor in seen:
            raise SyncProblem("The server gave the same cursor twice: its pages never end.", "Tell who runs it.")
        seen.add(cursor)
        return self._url.copy_set_param("cursor", cursor)


def endpoint(address: str) -> httpx.URL:
    """The address of the export; raises SyncProblem for one that cannot be used."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise SyncProblem("The address of the endpoint cannot be read.", "Check --from.") from error
    if url.userinfo:
        raise SyncProblem(
            "The address of the endpoint holds a password.", "Put a token into FLUENCY_API_TOKEN instead."
        )
    if not url.host:
        raise SyncProblem("The address of the endpoint names no server.", "Check --from.")
    return url.copy_with(path=PATH) if url.path in ("", "/") else url


def _size(answer: httpx.Response) -> int | None:
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _batches(page: Page, answer: httpx.Response, chunks: Iterator[bytes]) -> Iterator[Batch]:
    """The items of a page as rows, in lots; a lot ends where the table does."""
    unpacked = _Counted(_json(answer, chunks))
    table, rows, done, begun = "", list[Row](), 0, 0
    for name, item in page.items(unpacked):
        if item is BEGIN or len(rows) == ROWS_AT_ONCE or unpacked.size - begun > BYTES_AT_ONCE:
            if table:
                yield Batch(table, rows, answer.num_bytes_downloaded - done)
            table, rows, done, begun = name, [], answer.num_bytes_downloaded, unpacked.size
        if item is not BEGIN:
            rows.append(_row(name, item))
    yield Batch(table, rows, answer.num_bytes_downloaded - done)


class _Counted:
    """Chunks, and their size so far; raises SyncProblem for a number so long that reading it would take for ever."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            if len(chunk) == CHUNK and chunk.isdigit():
                raise wrong_shape(f"a number has more than {CHUNK:,} digits")
            self.size += len(chunk)
            yield chunk


def _row(table: str, item: Any) -> Row:
    return [item.get(name) for name in COLUMNS[table]] if isinstance(item, dict) else None


def _json(answer: httpx.Response, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The chunks as they are, unless they are a page for people."""
    first = next((chunk for chunk in chunks if chunk.strip()), b"")
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if "html" in kind or first.lstrip().startswith(HTML_STARTS):
        raise SyncProblem(
            f"{answer.url.host}{answer.url.path} answered with a page for people (HTML) instead of JSON.",
            "Check the address; behind a sign-in page, the token.",
        )
    if not first:
        raise SyncProblem("The answer is empty.", "Check the address, and what the server sends there.")
    return chain([first], chunks)
