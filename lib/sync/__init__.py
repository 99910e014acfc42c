"""Rows from a REST endpoint or a database into another database: `python -m lib.sync --from URL --to DATABASE`.

The REST endpoint, as the Node.js side has to serve it
------------------------------------------------------
    GET /api/analytics/export
    Authorization: Bearer TOKEN            the setting FLUENCY_API_TOKEN
    Accept: application/json

    200 OK, Content-Type: application/json, gzip if it likes; sent as it is made, without a Content-Length if need be
    {"users": [{...}, ...], "sessions": [{...}, ...], "errors": [{...}, ...], "next_cursor": null}

- "users", "sessions" (coaching_sessions) and "errors" (detected_errors) are always there, be they empty. "it_errors",
  "pricing_errors", "lead_scores" and "conversion_triggers" may be there as well; a table that no page names is left as
  it is in the target. The lists may come in any order; other names on the top level are ignored.
- An item is an object whose names are the columns of the table. A name that is missing means null, other names are
  ignored. Timestamps are ISO 8601 text, UTC unless they name an offset, or seconds or milliseconds since 1970. Keys
  are text (a whole number is taken as its text); a number may also come as text ("8.5", as node-postgres gives
  NUMERIC); booleans are true and false, or 1 and 0. `confidence_scores` and `conditions_met` may be text, or any
  JSON, which is kept as text.
- Paged: "next_cursor" holds a text of at least one character (or a whole number) while there is more. The next request
  is the same address with `cursor=` that text. null, "" or no such name: this was the last page. Every page has the
  three lists, and a cursor never comes twice. All pages together are one state of the data: what is not in them is
  removed from the target, so a server that pages sorts by key (`WHERE user_id > $cursor ORDER BY user_id`), never by
  OFFSET. A row that comes twice counts once.
- 401 or 403: the token does not fit. 429 and 503 may say `Retry-After` (seconds or a date). 429, 502, 503 and 504 are
  tried again, never at once, and so is a connection that cannot be made or an answer that does not begin in time. Once
  the answer has begun it is not tried again: what was cut off fails, and the target stays as it was.
- Redirects are followed, at most five, on the same server: another scheme, host or port is refused.
- All answers together have an hour (FLUENCY_API_TOTAL_SECONDS); a hundred pages without a row are the most.

What fits
---------
- Every value means what it means on the pages, in a file as in a copy of it: lib.reading. Numbers of seconds or of
  milliseconds are times, "8.5" is a number, "yes" is true, and every row that pages count is kept.
- What cannot be read becomes NULL, is counted, and written to a file with the reason: text that is no time or no
  number, a whole number beyond 32 bits, a flag that is neither yes nor no, JSON in a text. Characters that PostgreSQL
  cannot hold (NUL, halves of a pair, bytes that are not UTF-8) become U+FFFD.
- Left out, counted, and written to the file as well: a row without a key, whose key came before, with a key, role or
  level of more than 200 characters, with JSON that the target does not take, or that points at a user or session that
  is not there where the target insists on it. A target made here does not: sessions whose user is gone are data, too.
- From SQLite to SQLite timestamps stay the very text that they are. Otherwise they become real timestamps, or on SQLite
  the text `2026-11-16 09:30:00`, UTC.

How the target changes
----------------------
All rows first go to temporary tables; then, in one transaction, what the source no longer has is removed, what differs
is updated, what is new is inserted. Until its commit every reader sees the old state; after any interruption the target
is as before; the same rows again change nothing.
A source that has lost its data, or writes it in another way, must not take the target's with it. The copy is refused
where users or sessions, or rows of which most do not fit, would leave a table empty (--allow-empty), and where most of
the values that a column has in the target would be gone from rows that stay (--allow-emptied TABLE.COLUMN).
One exception: offers are a record of what was sent. A row of
conversion_triggers whose user is still there is never removed, nor set back from sent to not sent.
Indexes that are missing are made in the same transaction, on tables that are ours; statements for others are printed.
"""
