/**
 * The wire format of Neon's SQL over HTTP, as the driver and Neon's proxy speak it: request headers and bodies in,
 * results and errors out. Knows nothing of connections. Whatever is malformed is refused with a BadRequest.
 */
import type { IncomingHttpHeaders } from 'node:http'
import pg from 'pg'

/** Answered as HTTP 400, like every mistake of the caller; `code` is a SQLSTATE where Neon gives one. */
export class BadRequest extends Error {
  readonly code: string | undefined
  constructor(message: string, code?: string) {
    super(message)
    this.code = code
  }
}

export type Credentials = { user: string; password: string; database: string }

export type Statement = { query: string; params: (string | null)[]; arrayMode: boolean | undefined }

/** One statement answers with one result; a batch, even of one, with a list. */
export type SqlRequest = { batch: boolean; statements: Statement[] }

/** `raw`: values stay PostgreSQL's text. `arrayMode`: rows are arrays. The genuine driver asks for both. */
export type ResultStyle = { raw: boolean; arrayMode: boolean }

export type TransactionStart = { begin: string; echoedHeaders: Record<string, string> }

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }

const ISOLATION_LEVELS = new Map([
  ['ReadUncommitted', 'READ UNCOMMITTED'],
  ['ReadCommitted', 'READ COMMITTED'],
  ['RepeatableRead', 'REPEATABLE READ'],
  ['Serializable', 'SERIALIZABLE'],
])

export function parseCredentials(connectionString: string | undefined): Credentials {
  const url = URL.parse(connectionString ?? '')
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || url.username === '' || url.pathname.length < 2) {
    throw new BadRequest('invalid connection string')
  }
  return {
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)),
  }
}

export function parseResultStyle(headers: IncomingHttpHeaders): ResultStyle {
  return {
    raw: headers['neon-raw-text-output'] === 'true',
    arrayMode: headers['neon-array-mode'] === 'true',
  }
}

/** The three batch headers; Neon repeats in its answer those that it followed. */
export function parseTransactionStart(headers: IncomingHttpHeaders): TransactionStart {
  const echoedHeaders: Record<string, string> = {}
  let begin = 'BEGIN'
  const isolation = headers['neon-batch-isolation-level']
  if (isolation !== undefined) {
    const level = ISOLATION_LEVELS.get(String(isolation))
    if (level === undefined) throw new BadRequest('invalid isolation level')
    begin += ` ISOLATION LEVEL ${level}`
    echoedHeaders['neon-batch-isolation-level'] = String(isolation)
  }
  for (const [header, clause] of [
    ['neon-batch-read-only', 'READ ONLY'],
    ['neon-batch-deferrable', 'DEFERRABLE'],
  ] as const) {
    if (headers[header] !== 'true') continue
    begin += ` ${clause}`
    echoedHeaders[header] = 'true'
  }
  return { begin, echoedHeaders }
}

export function parseSqlRequest(body: string | null): SqlRequest {
  if (body === null) throw new BadRequest('the HTTP request body is too large')
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    throw new BadRequest('could not parse the HTTP request body')
  }
  if (typeof parsed === 'object' && parsed !== null && 'queries' in parsed) {
    if (!Array.isArray(parsed.queries)) throw new BadRequest('could not parse the HTTP request body')
    return { batch: true, statements: parsed.queries.map(parseStatement) }
  }
  return { batch: false, statements: [parseStatement(parsed)] }
}

function parseStatement(value: unknown): Statement {
  if (typeof value !== 'object' || value === null || !('query' in value) || typeof value.query !== 'string') {
    throw new BadRequest('could not parse the HTTP request body')
  }
  const params: Json[] = 'params' in value && Array.isArray(value.params) ? value.params : []
  const arrayMode = 'arrayMode' in value && typeof value.arrayMode === 'boolean' ? value.arrayMode : undefined
  return { query: value.query, params: params.map(parameterText), arrayMode }
}

function parameterText(value: Json): string | null {
  if (value === null || typeof value === 'string') return value
  return Array.isArray(value) ? arrayLiteral(value) : JSON.stringify(value)
}

function arrayLiteral(values: Json[]): string {
  const items = values.map((value) => {
    if (value === null) return 'NULL'
    if (Array.isArray(value)) return arrayLiteral(value)
    return typeof value === 'object' ? JSON.stringify(JSON.stringify(value)) : JSON.stringify(value)
  })
  return `{${items.join(',')}}`
}

/** @param result rows as arrays of PostgreSQL's text */
export function encodeResult(
  result: pg.QueryArrayResult<(string | null)[]>,
  { raw, arrayMode }: ResultStyle,
) {
  const { fields } = result
  const rows = result.rows.map((row) => {
    const values = raw ? row : row.map((text, column) => decodeText(text, fields[column]?.dataTypeID))
    return arrayMode
      ? values
      : Object.fromEntries(fields.map((field, column) => [field.name, values[column]]))
  })
  return {
    rowAsArray: arrayMode,
    fields: fields.map(({ name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier }) => {
      return { name, dataTypeID, tableID, columnID, dataTypeSize, dataTypeModifier, format: 'text' }
    }),
    rows,
    command: result.command,
    rowCount: result.rowCount,
  }
}

/** For clients that do not ask for raw text, which the driver always does: the types that JSON has. */
function decodeText(text: string | null, oid: number | undefined): unknown {
  if (text === null) return null
  switch (oid) {
    case 16: // bool
      return text === 't'
    case 21: // int2
    case 23: // int4
    case 700: // float4
    case 701: // float8; NaN and Infinity have no JSON
      return Number.isFinite(Number(text)) ? Number(text) : text
    case 114: // json
    case 3802: // jsonb
      return JSON.parse(text)
    default:
      return text
  }
}

/** Every field is there, null when PostgreSQL did not say. */
export function encodeError(error: unknown): { status: 400 | 500; body: Record<string, unknown> } {
  const database = error instanceof pg.DatabaseError ? error : undefined
  const status = database || error instanceof BadRequest ? 400 : 500
  return {
    status,
    body: {
      message: error instanceof Error ? error.message : String(error),
      code: database?.code ?? (error instanceof BadRequest ? error.code : undefined) ?? null,
      detail: database?.detail ?? null,
      hint: database?.hint ?? null,
      position: database?.position ?? null,
      internalPosition: database?.internalPosition ?? null,
      internalQuery: database?.internalQuery ?? null,
      severity: database?.severity ?? null,
      where: database?.where ?? null,
      table: database?.table ?? null,
      column: database?.column ?? null,
      schema: database?.schema ?? null,
      dataType: database?.dataType ?? null,
      constraint: database?.constraint ?? null,
      file: database?.file ?? null,
      line: database?.line ?? null,
      routine: database?.routine ?? null,
    },
  }
}
