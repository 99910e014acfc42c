// GET /api/analytics/export for `python -m lib.sync`: all tables as one JSON object, streamed, in bounded memory.
//
//   npm install pg                 # or better-sqlite3
//   FLUENCY_API_TOKEN=... DATABASE_URL=... node rest_endpoint.mjs       # postgresql://..., or the path of a file
//
// Serves 127.0.0.1:8080 (HOST, PORT); put the web server that has your certificate in front. Inside an application of
// yours, call `exportHandler({ token, open })` for the route instead. Node.js 18 or later; only the two sources at the
// end need a package. What the answer looks like is written down in lib/sync/__init__.py.

import { createHash, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'
import { createGzip } from 'node:zlib'

export const PATH = '/api/analytics/export'
// The name in the answer, the table, and its columns; the first is the key, by which rows are sorted. No others leave.
export const TABLES = [
  {
    name: 'users',
    table: 'users',
    columns: words(`user_id email role english_level created_at last_active`),
  },
  {
    name: 'sessions',
    table: 'coaching_sessions',
    columns: words(`session_id user_id session_topic user_level started_at ended_at duration_seconds confidence_score
      message_count error_count phase`),
  },
  {
    name: 'errors',
    table: 'detected_errors',
    columns: words(`error_id session_id user_id error_type error_category error_text severity detected_at`),
  },
  {
    name: 'it_errors',
    table: 'it_errors',
    columns: words(`error_id session_id user_id domain error_pattern correct_form frequency detected_at`),
  },
  {
    name: 'pricing_errors',
    table: 'pricing_errors',
    columns: words(`error_id user_id error category domain session_id timestamp`),
  },
  {
    name: 'lead_scores',
    table: 'lead_scores',
    columns: words(`score_id user_id lead_status overall_score readiness_score urgency_score value_score
      calculated_at`),
  },
  {
    name: 'conversion_triggers',
    table: 'conversion_triggers',
    columns: words(`trigger_id user_id trigger_type conditions_met confidence_scores triggered_at offer_sent
      offer_accepted`),
  },
]
const AT_ONCE = 2 // exports; whoever comes third is asked to wait
const CHUNK = 1 << 16 // characters that are sent together
const BATCH = 1_000 // rows that are read together

function words(text) {
  return text.trim().split(/\s+/)
}

/**
 * A handler for node:http.
 *
 * `open()` begins one read of the data and gives `{ tables, rows, close }`: which of TABLES there are, `rows(entry,
 * after)` an async iterable of the rows whose key is greater than `after` (null: all), in the order of the key, and
 * `close()`. `pageSize`: rows of an answer, for servers that cut long answers off. One answer with everything is
 * better: it is one state of the data.
 */
export function exportHandler({ token, open, pageSize = Infinity }) {
  if (!token || token.length < 16) throw new Error('Set FLUENCY_API_TOKEN to at least 16 characters.')
  let running = 0
  return async (request, response) => {
    const [path, query] = request.url.split('?')
    const cursor = new URLSearchParams(query).get('cursor')
    if (path !== PATH) return refuse(response, 404, 'There is nothing here.')
    if (request.method !== 'GET') return refuse(response, 405, 'Only GET.', { Allow: 'GET' })
    if (!fits(request.headers.authorization, token)) {
      return refuse(response, 401, 'The token does not fit.', { 'WWW-Authenticate': 'Bearer' })
    }
    if (cursor !== null && !place(cursor)) return refuse(response, 400, 'The cursor is none of ours.')
    if (running >= AT_ONCE) return refuse(response, 503, 'Another export is running.', { 'Retry-After': '30' })
    running += 1
    try {
      await send(request, response, await open(), cursor, pageSize)
    } catch (error) {
      console.error('export:', error.message)
      // An answer that has begun is cut off, so that nobody takes it for a whole one.
      if (response.headersSent) response.destroy()
      else refuse(response, 500, 'The data cannot be read.')
    } finally {
      running -= 1
    }
  }
}

function refuse(response, status, message, headers = {}) {
  response.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers })
  response.end(JSON.stringify({ message }))
}

/** Whether the header holds the token, in a time that says nothing about where they differ. */
function fits(header, token) {
  const digest = (text) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}

async function send(request, response, source, cursor, pageSize) {
  try {
    const gzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
    const parts = chunks(answer(source, cursor, pageSize))
    const first = await parts.next() // what cannot even begin is a 500, not half an answer
    const body = Readable.from(joined(first, parts), { objectMode: false })
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', Vary: 'Accept-Encoding' }
    response.writeHead(200, gzip ? { ...headers, 'Content-Encoding': 'gzip' } : headers)
    // pipeline() asks for the next chunk only when the last one has left.
    await pipeline(gzip ? [body, createGzip(), response] : [body, response])
  } finally {
    await source.close()
  }
}

async function* joined(first, parts) {
  yield first.value
  yield* parts
}

/** The pieces of `texts`, put together to chunks that are worth sending. */
async function* chunks(texts) {
  let waiting = ''
  for await (const text of texts) {
    waiting += text
    if (waiting.length >= CHUNK) {
      yield waiting
      waiting = ''
    }
  }
  yield waiting
}

/** One answer: every table behind the cursor until `pageSize` rows are there, and where the next one goes on. */
async function* answer(source, cursor, pageSize) {
  const from = cursor === null ? { index: 0, after: null } : place(cursor)
  let left = pageSize
  let next = null
  yield '{'
  for (const [index, entry] of TABLES.entries()) {
    if (index > 2 && !source.tables.includes(entry.name)) continue // the first three are always there
    yield `${JSON.stringify(entry.name)}:[`
    let comma = ''
    if (index >= from.index && next === null) {
      for await (const row of source.rows(entry, index === from.index ? from.after : null)) {
        yield comma + JSON.stringify(row)
        comma = ',\n'
        left -= 1
        if (left === 0) {
          next = `${index}:${row[entry.columns[0]]}`
          break
        }
      }
    }
    yield '],\n'
  }
  yield `"next_cursor":${JSON.stringify(next)}}`
}

/** Table and last key in a cursor such as `2:e17`; null where it is none. */
function place(cursor) {
  const found = /^([0-6]):([^]*)$/.exec(cursor)
  return found && { index: Number(found[1]), after: found[2] }
}

/** `open` for PostgreSQL, by the package pg: one snapshot for all tables, read-only. */
export function postgresSource(pg, connectionString) {
  const types = new pg.TypeOverrides()
  // As text: a Date of JavaScript would lose the microseconds.
  types.setTypeParser(1184, (text) => text.replace(' ', 'T').replace(/\+00$/, 'Z'))
  types.setTypeParser(1114, (text) => text.replace(' ', 'T'))
  const existing = 'SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass($1) AND NOT attisdropped'
  return async () => {
    const client = new pg.Client({ connectionString, types, application_name: 'analytics export' })
    client.on('error', (error) => console.error('export:', error.message)) // the query that runs fails as well
    const read = async (sql, ...values) => (await client.query(sql, values)).rows
    try {
      await client.connect()
      await read("SET timezone = 'UTC'")
      await read('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY')
      return await source(read, existing, '$1', () => client.end())
    } catch (error) {
      await client.end()
      throw error
    }
  }
}

/** `open` for a SQLite file, by the package better-sqlite3; one snapshot where the file is in WAL mode. */
export function sqliteSource(Database, path) {
  return async () => {
    const database = new Database(path, { readonly: true, fileMustExist: true })
    const read = async (sql, ...values) => database.prepare(sql).all(...values)
    try {
      database.exec('BEGIN')
      return await source(read, 'SELECT name FROM pragma_table_info(?)', '?', () => database.close())
    } catch (error) {
      database.close()
      throw error
    }
  }
}

/** What `open` gives; `existing` asks for the columns that a table has, `mark` stands for a value in SQL. */
async function source(read, existing, mark, close) {
  const wanted = new Map()
  for (const { name, table, columns } of TABLES) {
    const there = (await read(existing, table)).map((row) => row.name)
    if (there.length) wanted.set(name, columns.filter((column) => there.includes(column)))
  }
  const rows = async function* ({ name, table, columns: [key] }, after) {
    const start = `SELECT ${wanted.get(name).join(', ')} FROM ${table} WHERE ${key} `
    const end = ` ORDER BY ${key} LIMIT ${BATCH}`
    for (let last = after, batch = []; ; last = batch.at(-1)[key]) {
      batch = await (last === null ? read(`${start} IS NOT NULL ${end}`) : read(`${start} > ${mark} ${end}`, last))
      yield* batch
      if (batch.length < BATCH) return
    }
  }
  return { tables: [...wanted.keys()], rows, close }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { FLUENCY_API_TOKEN: token, DATABASE_URL = '', HOST = '127.0.0.1', PORT = '8080' } = process.env
  const open = /^postgres(ql)?:/.test(DATABASE_URL)
    ? postgresSource((await import('pg')).default, DATABASE_URL)
    : sqliteSource((await import('better-sqlite3')).default, DATABASE_URL)
  createServer(exportHandler({ token, open })).listen(Number(PORT), HOST, function () {
    console.log(`http://${HOST}:${this.address().port}${PATH}`)
  })
}
