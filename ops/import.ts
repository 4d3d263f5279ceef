/**
 * `DATABASE_URL=… npm run import -- users.ndjson [--tenant slug] [--firebase hash_config.json]` — accounts from another
 * system, one JSON object a line, as `POST /v1/admin/users/import` takes them (README, "Moving in"). What became of each
 * line goes to stdout as NDJSON, by its number and without its address; the sums go to stderr. Can be stopped and run again.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { findTenants, insertImports } from '../src/admin/import-store.ts'
import {
  FirebaseConfig,
  type ImportResult,
  type NewImport,
  type RefusedEntry,
  readEntry,
  resultOf,
} from '../src/admin/import-users.ts'
import { parseJson } from '../src/http/json.ts'
import { faultOf } from '../src/problem.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'

/** As much as a request's body has: what one person is told by. */
const MAX_LINE_BYTES = 16 * 1024
const MAX_DEPTH = 8
/** Accounts in one statement. */
const BATCH = 100

export type LineReport = { line: number } & ImportResult
export type Counts = Record<ImportResult['status'], number>

type Importer = Pick<OperatorContext, 'db' | 'now' | 'random'>
type Into = { tenantId: string; firebase: FirebaseConfig | null }

/**
 * Imports what `chunks` hold, a batch at a time, and says of each line what became of it once that is committed.
 * @param report called in the order of the lines
 */
export async function importUsers(
  ctx: Importer,
  { tenantId, firebase }: Into,
  chunks: AsyncIterable<Uint8Array>,
  report: (line: LineReport) => void,
): Promise<Counts> {
  const counts: Counts = { created: 0, exists: 0, refused: 0 }
  let batch: { line: number; entry: { user: NewImport } | RefusedEntry }[] = []
  const flush = async () => {
    const accepted = batch.flatMap(({ entry }) => ('user' in entry ? entry.user : []))
    const created = new Set(accepted.length === 0 ? [] : await insert(ctx, tenantId, accepted))
    for (const { line, entry } of batch) {
      const result = resultOf(entry, created)
      counts[result.status] += 1
      report({ line, ...result })
    }
    batch = []
  }
  for await (const { line, bytes } of readLines(chunks)) {
    const entry = readLine(ctx, bytes, firebase)
    if (entry !== null) batch.push({ line, entry })
    if (batch.length === BATCH) await flush()
  }
  await flush()
  return counts
}

async function insert(ctx: Importer, tenantId: string, accepted: NewImport[]): Promise<string[]> {
  try {
    return await insertImports(ctx, tenantId, accepted)
  } catch (error) {
    // The driver's own error quotes the statement's parameters: addresses and hashes.
    throw new Error(`stopped, and can be run again: ${faultOf(error).message}`)
  }
}

/** Lines by their numbers, from 1. One that is too long is passed over, never held: `bytes` is null. */
async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ line: number; bytes: Uint8Array | null }> {
  let line = 1
  let parts: Uint8Array[] = []
  let length = 0
  const take = (part: Uint8Array) => {
    length += part.length
    if (length <= MAX_LINE_BYTES) parts.push(part)
    else parts = []
  }
  const end = () => {
    const ended = { line, bytes: length > MAX_LINE_BYTES ? null : Buffer.concat(parts) }
    line += 1
    parts = []
    length = 0
    return ended
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, start)) {
      take(chunk.subarray(start, at))
      start = at + 1
      yield end()
    }
    take(chunk.subarray(start))
  }
  if (length > 0) yield end()
}

/** @returns null for a blank line */
function readLine(
  ctx: Importer,
  bytes: Uint8Array | null,
  firebase: FirebaseConfig | null,
): { user: NewImport } | RefusedEntry | null {
  if (bytes === null) return { code: 'line_too_long' }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { code: 'not_utf8' } // the bytes are somebody's data: they are not repeated
  }
  if (text.trim() === '') return null
  const json = parseJson(text, MAX_DEPTH)
  return 'problem' in json ? { code: json.problem } : readEntry(ctx, withFirebase(json.value, firebase))
}

/** What is the same for all users of a Firebase project need not stand in every line. */
function withFirebase(entry: unknown, firebase: FirebaseConfig | null): unknown {
  if (firebase === null || !isObject(entry) || !isObject(entry.password_hash)) return entry
  return { ...entry, password_hash: { ...firebase, ...entry.password_hash } }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

async function requireTenantId(ctx: Importer, slug: string | null): Promise<string> {
  const [tenant, another] = await findTenants(ctx, slug)
  if (!tenant) throw new Error(slug === null ? 'there is no tenant' : 'there is no tenant with that slug')
  if (another) throw new Error('there are several tenants: name one with --tenant')
  return tenant.id
}

async function readFirebase(path: string): Promise<FirebaseConfig> {
  const json = parseJson(await readFile(path, 'utf8'), MAX_DEPTH)
  const parsed = v.safeParse(FirebaseConfig, 'value' in json ? json.value : null)
  if (parsed.success) return parsed.output
  throw new Error(
    '--firebase names a JSON file with base64_signer_key, base64_salt_separator, rounds, mem_cost',
  )
}

if (import.meta.main) {
  await run(async () => {
    const options = { tenant: { type: 'string' }, firebase: { type: 'string' } } as const
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const [path, ...rest] = positionals
    if (!path || rest.length > 0)
      throw new Error('npm run import -- users.ndjson [--tenant slug] [--firebase hash_config.json]')
    const ctx = createOperatorContext(process.env, ['DATABASE_URL'])
    const firebase = values.firebase === undefined ? null : await readFirebase(values.firebase)
    const tenantId = await requireTenantId(ctx, values.tenant ?? null)
    const print = (report: LineReport) => console.log(JSON.stringify(report))
    const counts = await importUsers(ctx, { tenantId, firebase }, createReadStream(path), print)
    console.error(`${counts.created} created, ${counts.exists} exist, ${counts.refused} refused`)
    if (counts.refused > 0) process.exitCode = 1
  })
}
