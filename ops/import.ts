/**
 * `DATABASE_URL=… npm run import -- users.ndjson [--tenant slug] [--firebase hash_config.json] [--check]` — accounts from
 * another system, one JSON object a line, as `POST /v1/admin/users/import` takes them (docs/moving-in.md); with
 * `--from auth0|clerk|supabase|firebase|cognito|keycloak|better-auth` the file that the system exports, and with `--rp-id` the
 * domain of its passkeys. Second factors need AUTH_KEYS. What became of
 * each line goes to stdout as NDJSON, by its number and without its address; a summary goes to stderr, and the lines that
 * were not imported to a file of their own. Can be stopped and run again. `--check` reads the file and imports nothing.
 */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import * as v from 'valibot'
import { insertImports } from '../src/admin/import-store.ts'
import type { Warning } from '../src/admin/import-tidy.ts'
import {
  type Entry,
  FirebaseConfig,
  type ImportResult,
  type Inserted,
  type NewImport,
  nothingInserted,
  readEntry,
  resultOf,
  unlessDuplicate,
} from '../src/admin/import-users.ts'
import { parseJson } from '../src/http/json.ts'
import { faultOf } from '../src/problem.ts'
import { createOperatorContext, type OperatorContext, run } from './context.ts'
import { createFirstLines } from './first-lines.ts'
import { isSystem, mapFile, SYSTEMS } from './import-from/map.ts'
import { type Line, readLines } from './import-lines.ts'
import { createRejectedLines } from './import-rejected.ts'
import { count, newTally, summarise, type Tally } from './import-summary.ts'
import { findImportTarget, requireTenantId } from './tenant-of.ts'

/** An import has no last moment: a million lines over a slow line take hours. */
export const DEADLINES = { postgres: 60_000, redis: 10_000, request: Number.POSITIVE_INFINITY }

const MAX_DEPTH = 8
/** Accounts in one statement. */
const BATCH = 100

/** `accepted` is said by `--check` of what would be created, or is there. */
export type LineReport = { line: number } & (ImportResult | { status: 'accepted'; warnings?: Warning[] })

type Importer = Pick<OperatorContext, 'db' | 'settings' | 'now' | 'random'>
type Into = { tenantId: string; rpId: string; scopes?: readonly string[]; firebase: FirebaseConfig | null }

type Insert = (imports: NewImport[]) => Promise<Inserted>

/**
 * Imports what `chunks` hold, a batch at a time, and says of each line what became of it once that is committed.
 * @param report called in the order of the lines, with the line itself unless that was too long
 */
export async function importUsers(
  ctx: Importer,
  { tenantId, ...into }: Into,
  chunks: AsyncIterable<Uint8Array>,
  report: (report: LineReport, bytes: Uint8Array | null) => void,
): Promise<Tally> {
  return readUsers(ctx, { ...into, insert: (imports) => insert(ctx, tenantId, imports) }, chunks, report)
}

/** @param options.insert null reads the lines and imports none */
export async function readUsers(
  ctx: Pick<Importer, 'now' | 'random'>,
  { insert, ...into }: Omit<Into, 'tenantId'> & { insert: Insert | null },
  chunks: AsyncIterable<Uint8Array>,
  report: (report: LineReport, bytes: Uint8Array | null) => void,
): Promise<Tally> {
  const tally = newTally()
  const firstLineOf = createFirstLines()
  let batch: (Line & { entry: Entry })[] = []
  const flush = async () => {
    const accepted = batch.flatMap(({ entry }) => ('user' in entry ? entry.user : []))
    const inserted = accepted.length > 0 && insert ? await insert(accepted) : nothingInserted()
    for (const { line, bytes, entry } of batch) {
      const said = { line, ...(insert ? resultOf(entry, inserted) : checked(entry)) }
      count(tally, said, 'user' in entry ? entry.user : null)
      report(said, bytes)
    }
    batch = []
  }
  for await (const { line, bytes } of readLines(chunks)) {
    const entry = readLine(ctx, bytes, into)
    if (entry !== null) batch.push({ line, bytes, entry: unlessDuplicate(entry, firstLineOf, line) })
    if (batch.length === BATCH) await flush()
  }
  await flush()
  return tally
}

function checked(entry: Entry): ImportResult | { status: 'accepted'; warnings?: Warning[] } {
  if (!('user' in entry)) return resultOf(entry, nothingInserted())
  return { status: 'accepted', ...(entry.warnings.length > 0 && { warnings: entry.warnings }) }
}

async function insert(ctx: Importer, tenantId: string, accepted: NewImport[]): Promise<Inserted> {
  if (accepted.some(({ totpSecret }) => totpSecret !== null) && !hasAuthKeys(ctx))
    throw new Error(
      'import stopped: the file has authenticator apps, whose secrets are encrypted; give AUTH_KEYS in the environment',
    )
  try {
    return await insertImports(ctx, tenantId, accepted)
  } catch (error) {
    // The driver's own error quotes the statement's parameters: addresses and hashes.
    throw new Error(`import stopped; you can run it again: ${faultOf(error).message}`)
  }
}

function hasAuthKeys({ settings }: Pick<Importer, 'settings'>): boolean {
  try {
    return settings.authKeys.length > 0
  } catch {
    return false // the setting says so where it is needed and was not given
  }
}

/** @returns null for a blank line */
function readLine(
  ctx: Pick<Importer, 'now' | 'random'>,
  bytes: Uint8Array | null,
  into: Omit<Into, 'tenantId'>,
): Entry | null {
  if (bytes === null) return { code: 'line_too_long' }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return { code: 'not_utf8' } // the bytes are personal data: they are not repeated
  }
  if (text.trim() === '') return null
  const json = parseJson(text, MAX_DEPTH)
  return 'problem' in json ? { code: json.problem } : readEntry(ctx, json.value, into)
}

/** Our own lines, or those that a mapper makes of another system's file. */
function chunksOf(
  path: string,
  { from, 'rp-id': rpId = null }: { from?: string | undefined; 'rp-id'?: string | null | undefined },
): AsyncIterable<Uint8Array> {
  if (from === undefined) return createReadStream(path)
  if (!isSystem(from)) throw new Error(`--from takes ${Object.keys(SYSTEMS).join(', ')}`)
  return mapFile(from, path, { rpId })
}

async function readFirebase(path: string): Promise<FirebaseConfig> {
  const json = parseJson(await readFile(path, 'utf8'), MAX_DEPTH)
  const parsed = v.safeParse(FirebaseConfig, 'value' in json ? json.value : null)
  if (parsed.success) return parsed.output
  throw new Error(
    '--firebase names a JSON file with base64_signer_key, base64_salt_separator, rounds, mem_cost',
  )
}

const USAGE =
  'npm run import -- users.ndjson [--from system] [--rp-id domain] [--tenant slug] [--firebase hash_config.json] [--check]'

const OPTIONS = {
  tenant: { type: 'string' },
  firebase: { type: 'string' },
  from: { type: 'string' },
  'rp-id': { type: 'string' },
  check: { type: 'boolean' },
} as const

if (import.meta.main) {
  await run(async () => {
    const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true })
    const [path, ...rest] = positionals
    if (!path || rest.length > 0) throw new Error(USAGE)
    // Only the secrets of authenticator apps are sealed.
    const secrets = process.env.AUTH_KEYS
      ? (['DATABASE_URL', 'AUTH_KEYS'] as const)
      : (['DATABASE_URL'] as const)
    const ctx = createOperatorContext(process.env, secrets, DEADLINES)
    const firebase = values.firebase === undefined ? null : await readFirebase(values.firebase)
    const tenantId = await requireTenantId(ctx, values.tenant ?? null)
    const into = { ...(await findImportTarget(ctx, tenantId)), firebase }
    const rejected = createRejectedLines(path)
    const print = (report: LineReport, bytes: Uint8Array | null) => {
      console.log(JSON.stringify(report))
      const isRejected = report.status === 'refused' || report.status === 'duplicate'
      if (isRejected && bytes && !values.check) rejected.keep(bytes)
    }
    const chunks = chunksOf(path, values)
    const tally = values.check
      ? await readUsers(ctx, { ...into, insert: null }, chunks, print)
      : await importUsers(ctx, { ...into, tenantId }, chunks, print)
    console.error(summarise(tally, rejected.close()))
    if (tally.statuses.refused + tally.statuses.duplicate > 0) process.exitCode = 1
  })
}
