/** keys 3: what `npm run keys` says is so. */
import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { seal } from '../../src/crypto/sealing.ts'
import { REDIS_KEYS } from '../../src/storage/redis.ts'
import { attemptAt } from '../support/attempted.ts'
import { createClient, newClient, newEmail, PASSWORD } from '../support/client.ts'
import { runKeys, tablesOf } from '../support/keys-command.ts'
import { startService, useService } from '../support/service.ts'

const service = useService()

const random = (length: number) => crypto.getRandomValues(new Uint8Array(length))

async function spill(ring: string): Promise<void> {
  const { UPSTASH_REDIS_REST_URL = '', UPSTASH_REDIS_REST_TOKEN } = service().bindings
  const sealed = await seal(parseKeyring(ring), 'seal:event', random(8), REDIS_KEYS.spilledEvents, random)
  await fetch(UPSTASH_REDIS_REST_URL, {
    method: 'POST',
    headers: { authorization: `Bearer ${UPSTASH_REDIS_REST_TOKEN}` },
    body: JSON.stringify(['RPUSH', REDIS_KEYS.spilledEvents, sealed]),
  })
}

const redis = () => {
  const { UPSTASH_REDIS_REST_URL = '', UPSTASH_REDIS_REST_TOKEN = '' } = service().bindings
  return { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN }
}

/** The lines about ids, without those of other tables. */
const usesIn = (stdout: string) =>
  tablesOf(stdout)
    .filter(({ used_by }) => used_by !== undefined)
    .map(({ used_by, key_id, rows, of, in_ring }) => ({ used_by, key_id, rows, of, in_ring }))

test('keys 3: it names every id that anything needs, no nonce, and marks what the ring lacks', {
  timeout: 600_000,
}, async () => {
  const k1 = service().bindings.AUTH_KEYS ?? ''
  const k2 = newKeyringEntry('k2')
  const client = await newClient(service())
  await client.signUp()
  await service().queue('latchkey-events', [attemptAt(client.tenant.host)])
  await service().consume()
  await spill(newKeyringEntry('k7'))
  const rotated = await startService({ beside: service(), bindings: { AUTH_KEYS: `${k2},${k1}` } })
  try {
    const registered = await createClient(rotated, client.tenant).call('/v1/register', {
      json: { email: newEmail(), password: PASSWORD },
      headers: { 'idempotency-key': randomUUID() },
    })
    expect(registered.status).toBe(201)
  } finally {
    await rotated.stop()
  }
  const before = await runKeys(service(), [], { AUTH_KEYS: `${k2},${k1}`, ...redis() })
  expect(before.status, before.stderr).toBe(0)
  const uses = usesIn(before.stdout)
  expect([...new Set(uses.map(({ key_id }) => key_id))].toSorted(), 'and no nonce').toEqual(
    expect.arrayContaining(['k1', 'k2', 'k7']),
  )
  const auth = uses.filter(({ used_by }) => used_by !== 'signing keys')
  expect(auth.filter(({ key_id }) => !/^k[127]$/.test(key_id ?? ''))).toEqual([])
  expect(auth).toContainEqual({
    used_by: 'answers kept for a repeat',
    key_id: 'k2',
    rows: '1',
    of: 'all',
    in_ring: 'yes',
  })
  expect(auth).toContainEqual({
    used_by: 'passwords in kept answers',
    key_id: 'k2',
    rows: '1',
    of: 'all',
    in_ring: 'yes',
  })
  expect(auth).toContainEqual({
    used_by: 'attempts spilled to Redis',
    key_id: 'k7',
    rows: '1',
    of: 'all',
    in_ring: 'MISSING',
  })
  for (const used_by of ['passwords', 'refresh tokens', 'keys of people and tenants'])
    expect(auth.map((use) => use.used_by)).toContain(used_by)
  expect(
    auth.map(({ used_by }) => used_by),
    'of no one, under a key of the tenant',
  ).not.toContain('audit log, of no one')

  // A row that an earlier release sealed under the ring itself.
  await service().sql(
    `update audit_events set personal = 'k0.AAAA.AAAA' where subject is null and actor is null`,
  )
  const after = await runKeys(service(), [], { AUTH_KEYS: k1 })
  const old = usesIn(after.stdout).find(({ used_by }) => used_by === 'audit log, of no one')
  expect(old).toMatchObject({ key_id: 'k0', rows: '1', in_ring: 'MISSING' })
  expect(
    usesIn(after.stdout)
      .filter(({ key_id }) => key_id === 'k2')
      .map(({ in_ring }) => in_ring),
  ).not.toContain('yes')
  expect(after.stdout).toContain('This AUTH_KEYS lacks k0, k2:')
  expect(after.stdout).toContain('Not checked: attempts spilled to Redis')
  const ringless = await runKeys(service(), [])
  expect(usesIn(ringless.stdout).map(({ in_ring }) => in_ring)).toContain('?')
  expect(ringless.stdout).toContain('Set AUTH_KEYS to see')
})

test('keys 3: of a large table it reads both ends and says so; what may go is counted page by page', {
  timeout: 600_000,
}, async () => {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  await service().sql(
    `insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
     select ('0199aaaa-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, $1, $2, sha256(n::text::bytea),
       case when n = 1 then 'kold' when n = 30000 then 'kmid' else 'k1' end, now() + interval '1 day'
     from generate_series(1, 60000) n`,
    [client.tenant.id, tokens.session.id],
  )
  await service().sql('analyze refresh_tokens')
  const sent: { query: string; params: unknown[] }[] = []
  service().gates.postgres.set('refusing', {
    when: (body) => {
      const { queries = [JSON.parse(body)] } = JSON.parse(body)
      sent.push(...queries)
      return false
    },
  })
  const { stdout, stderr } = await runKeys(service(), [], { AUTH_KEYS: service().bindings.AUTH_KEYS ?? '' })
  service().gates.postgres.set('open')
  expect(stderr).toBe('')
  const found = usesIn(stdout).filter(({ used_by }) => used_by === 'refresh tokens')
  expect(found.map(({ key_id, of }) => ({ key_id, of }))).toContainEqual({
    key_id: 'kold',
    of: 'oldest and newest 10,000',
  })
  expect(found.reduce((sum, { rows }) => sum + Number(rows), 0)).toBeLessThanOrEqual(20_000)
  const reading = sent.filter(({ query }) => query.includes('"refresh_tokens"'))
  expect(reading).toHaveLength(1)
  for (const { query, params } of reading) {
    const plan = JSON.stringify(await service().sql(`explain (format json) ${query}`, params))
    expect(plan).toContain('refresh_tokens_pkey')
    expect(plan, 'never from end to end').not.toMatch(
      /"Node Type":"(Parallel )?Seq Scan"[^{}]*"Relation Name":"refresh_tokens"/,
    )
  }

  const ring = `${service().bindings.AUTH_KEYS},${newKeyringEntry('kmid')}`
  const retire = await runKeys(service(), ['retire', 'kmid'], { AUTH_KEYS: ring })
  expect(retire.stderr).toMatch(/kmid is still needed:\n +1 refresh tokens/)
})
