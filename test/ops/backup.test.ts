/**
 * A copy of the database, restored into an empty stack as docs/operations.md says. The copy is PostgreSQL's own (COPY, in one snapshot),
 * because the packages that the tests run on have no pg_dump of the server's version.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { reseal } from '../../ops/reseal.ts'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { readAudit } from '../support/audit.ts'
import { challenge, codeAt, type Enrolled, enrol, verifyMfa } from '../support/authenticator.ts'
import { type Account, type Client, createClient, newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import type { PlantedApiKey } from '../support/planted-api-keys.ts'
import { type Service, startService, useService } from '../support/service.ts'

const LIMITS = { LIMITS_MULTIPLIER: '1000' }
const service = useService({ bindings: LIMITS })

/** PostgreSQL's own user writes into it, and reads from it. */
const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-backup-'))
chmodSync(folder, 0o777)
afterAll(() => rmSync(folder, { recursive: true }))

type Sql = Service['sql']

/** Tables with the columns that are not computed from others. A partitioned table is one. */
const TABLES = `
  select tables.relname as name, string_agg(quote_ident(attname), ', ' order by attnum) as columns
  from pg_class tables join pg_attribute on attrelid = tables.oid
  where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
    and attnum > 0 and not attisdropped and attgenerated = ''
  group by 1 order by 1`

const SEQUENCES = `select sequencename as name, last_value::text as at from pg_sequences where schemaname = 'public'`

type Copied = {
  tables: { name: string; columns: string }[]
  sequences: { name: string; at: string | null }[]
}

/** Everything at one moment, while others go on writing. */
async function copyOut(from: Service): Promise<Copied> {
  const client = await from.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    const { rows: tables } = await client.query<Copied['tables'][number]>(TABLES)
    const { rows: sequences } = await client.query<Copied['sequences'][number]>(SEQUENCES)
    for (const { name, columns } of tables)
      await client.query(`copy (select ${columns} from "${name}") to '${folder}/${name}' (format binary)`)
    await client.query('commit')
    return { tables, sequences }
  } finally {
    await client.end()
  }
}

/** Into a stack whose tables are as the migrations made them. */
async function copyIn(to: Service, { tables, sequences }: Copied): Promise<void> {
  const client = await to.connect()
  try {
    await client.query('begin')
    // Rows were consistent when they were copied; here they come table by table.
    await client.query('set local session_replication_role = replica')
    await client.query(`truncate ${tables.map(({ name }) => `"${name}"`).join(', ')}`)
    for (const { name, columns } of tables)
      await client.query(`copy "${name}" (${columns}) from '${folder}/${name}' (format binary)`)
    for (const { name, at } of sequences)
      if (at !== null) await client.query('select setval($1::regclass, $2::bigint)', [name, at])
    await client.query('commit')
  } finally {
    await client.end()
  }
}

const keysOf = ({ bindings: { AUTH_KEYS = '', SIGNING_SEAL_KEYS = '' } }: Service) => ({
  AUTH_KEYS,
  SIGNING_SEAL_KEYS,
})

const countRows = async (sql: Sql, { tables }: Copied) => {
  const counts: Record<string, number> = {}
  for (const { name } of tables) {
    const [row] = await sql<{ count: number }>(`select count(*)::int as count from "${name}"`)
    counts[name] = row?.count ?? 0
  }
  return counts
}

describe('a copy of the database, in an empty stack', { timeout: 180_000 }, () => {
  let client: Client
  let there: Client
  let restored: Service
  let copied: Copied
  let admin: Account
  let person: Account
  let enrolled: Enrolled
  let apiKey: PlantedApiKey
  let hook: { id: string }
  let counts: Record<string, number>

  beforeAll(async () => {
    client = await newClient(service())
    admin = await client.newAdmin()
    person = await client.newAccount()
    enrolled = await enrol(service(), client, await client.newAccount())
    apiKey = await client.plantedApiKey(person.tokens)
    await service().sql('delete from webhook_endpoints') // of the helper, whose secret is no sealed text
    const made = await client.call<{ id: string }>('/v1/webhooks', {
      json: { url: 'https://example.com/in', events: ['*'] },
      bearer: admin.tokens.access_token,
    })
    expect(made.status).toBe(201)
    hook = made.body
    await service().consume()
    copied = await copyOut(service())
    counts = await countRows(service().sql, copied)

    // After the copy was made: what it cannot know.
    expect((await client.logout(person.tokens.refresh_token)).status).toBe(204)
    restored = await startService({ bindings: { ...LIMITS, ...keysOf(service()) } })
    await copyIn(restored, copied)
    there = createClient(restored, client.tenant)
  }, 180_000)

  afterAll(async () => restored?.stop())

  test('has every row, and the service is ready on it', async () => {
    expect(await countRows(restored.sql, copied)).toEqual(counts)
    expect(Object.keys(counts).length).toBeGreaterThan(30)
    expect((await there.call('/readyz')).status).toBe(200)
  })

  test('with the same secrets: people sign in, also by their second factor, and refresh; tokens from before are good', async () => {
    expect((await there.me(admin.tokens.access_token)).body.email).toBe(admin.email)
    expect((await there.refresh(admin.tokens.refresh_token)).status).toBe(200)
    expect((await there.login(person.email)).status).toBe(200)
    const { mfa_token } = await challenge(there, enrolled.email)
    expect((await verifyMfa(there, { mfa_token }, codeAt(enrolled.secret))).status).toBe(200)
    const { body } = await there.call('/v1/api-keys/verify', { json: { key: apiKey.key } })
    expect(body).toMatchObject({ valid: true })
    expect((await there.newAccount()).tokens.access_token, 'new rows get new numbers').not.toBe('')
  })

  test('the audit log is as it was written, and says who it was', async () => {
    const chains = await verifyChains(restored.operator)
    expect(chains.length).toBeGreaterThan(0)
    expect(chains.flatMap(({ problems }) => problems)).toEqual([])
    const { body } = await readAudit(there, (await there.signIn(admin.email)).access_token, {
      type: 'session.started',
    })
    expect(body.data.map(({ address }) => address)).not.toContain(null)
  })

  test('every sealed row opens: a reseal moves all of them', async () => {
    const { AUTH_KEYS, SIGNING_SEAL_KEYS } = keysOf(service())
    const rings = {
      AUTH_KEYS: parseKeyring(`${newKeyringEntry('k2')},${AUTH_KEYS}`),
      SIGNING_SEAL_KEYS: parseKeyring(`${newKeyringEntry('s2')},${SIGNING_SEAL_KEYS}`),
    }
    // On a copy of its own: the new rings are this test's alone.
    const other = await startService({ bindings: { ...LIMITS, ...keysOf(service()) } })
    try {
      await copyIn(other, copied)
      const outcome = await reseal(other.operator, rings, () => {})
      for (const { table, unreadable } of outcome) expect(unreadable, table).toEqual([])
      const moved = Object.fromEntries(outcome.map(({ table, moved }) => [table, moved]))
      expect(moved).toMatchObject({ passwords: 3, webhook_endpoints: 1, totp_factors: 1, recovery_codes: 10 })
      expect(moved.signing_keys).toBeGreaterThan(0)
      expect(hook.id).not.toBe('')
    } finally {
      await other.stop()
    }
  })

  test('with other secrets nothing opens, and that is a fault of ours: no one is told of a wrong password', async () => {
    const wrong = { AUTH_KEYS: newKeyringEntry('k9'), SIGNING_SEAL_KEYS: newKeyringEntry('s9') }
    const other = await startService({ beside: restored, bindings: { ...LIMITS, ...wrong } })
    try {
      const stranger = createClient(other, client.tenant)
      expectProblem(await stranger.login(admin.email), 'upstream_unavailable')
      expectProblem(await stranger.refresh(enrolled.tokens.refresh_token), 'upstream_unavailable')
      expect((await stranger.call('/readyz')).status).toBe(503)
    } finally {
      await other.stop()
    }
  })

  test('what ended after the copy lives again, until every session is ended by one statement', async () => {
    expect((await there.me(person.tokens.access_token)).status, 'signed out after the copy').toBe(200)
    await restored.sql('update users set access_valid_from = now()')
    expectProblem(await there.me(person.tokens.access_token), 'invalid_token')
    expectProblem(await there.refresh(person.tokens.refresh_token), 'invalid_grant')
    expect((await there.login(person.email)).status).toBe(200)
  })
})
