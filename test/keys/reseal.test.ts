/** keys 2: everything under an old key moves to the newest one, and what does not open costs no one else anything. */
import { describe, expect, test } from 'vitest'
import { apiKeysCommand } from '../../ops/api-keys.ts'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { reseal } from '../../ops/reseal.ts'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { attemptAt } from '../support/attempted.ts'
import { type Client, countBy, createClient, newClient, PASSWORD, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { retireKeys } from '../support/keyring.ts'
import { runInProcess } from '../support/operator-command.ts'
import { type Service, startService, useService } from '../support/service.ts'

const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const K2 = newKeyringEntry('k2')
const K3 = newKeyringEntry('k3')
const k1 = () => service().bindings.AUTH_KEYS ?? ''

const NAMED = `
  select key_id from passwords where key_id <> '(none)'
  union select split_part(sealed_key, '.', 1) from person_keys
  union select split_part(secret, '.', 1) from webhook_endpoints,
    unnest(array[sealed_secret, sealed_previous_secret]) secret where secret is not null order by 1`
const named = async () => (await service().sql<{ key_id: string }>(NAMED)).map(({ key_id }) => key_id)

const resealTo = (ring: string, lines: string[] = []) =>
  reseal(service().operator, { AUTH_KEYS: parseKeyring(ring) }, (line) => lines.push(line))

const storedPassword = async (userId: string) => {
  const [row] = await service().sql<{ phc: string; key_id: string; changed_at: Date }>(
    'select phc, key_id, changed_at from passwords where user_id = $1',
    [userId],
  )
  if (!row) throw new Error('no password')
  return row
}

async function withRing(ring: string, use: (on: Service) => Promise<void>) {
  const other = await startService({
    beside: service(),
    bindings: { LIMITS_MULTIPLIER: '1000', AUTH_KEYS: ring },
  })
  try {
    await use(other)
  } finally {
    await other.stop()
  }
}

/** Something that no one is known to have done. */
const attempt = (client: Client) => service().queue('latchkey-events', [attemptAt(client.tenant.host)])

/** An empty deployment under k1, whose accounts have keys in the audit log and whose webhooks have two secrets. */
async function newTown() {
  await service().sql('delete from passwords')
  await service().sql('delete from person_keys')
  await service().sql('delete from webhook_endpoints')
  await retireKeys(service(), 'k2', 'k3')
  const client = await newClient(service())
  const admin = await client.signUpAdmin()
  await service().sql('delete from webhook_endpoints')
  const bearer = admin.tokens.access_token
  const made = await client.call<{ id: string; secret: string }>('/v1/webhooks', {
    json: { url: 'http://localhost:9/in', events: ['*'] },
    bearer,
  })
  expect(made.status).toBe(201)
  const rotate = { method: 'POST', bearer }
  expect((await client.call(`/v1/webhooks/${made.body.id}/rotate-secret`, rotate)).status).toBe(200)
  const account = await client.signUp()
  await service().consume()
  await attempt(client)
  return { client, admin, bearer, account, userId: account.tokens.user.id }
}

describe('a reseal', { timeout: 180_000 }, () => {
  test('keys 2: leaves nothing under the old key, which may go; people sign in by what it sealed', async () => {
    const { client, admin, bearer, account, userId } = await newTown()
    const turnstile = { site_key: '0x4AAAAAAAsite', secret: '0x4AAAAAAAsecret' }
    const wanted = await client.call('/v1/admin/tenant', { method: 'PATCH', bearer, json: { turnstile } })
    expect(wanted.status).toBe(200)
    await runInProcess(
      (ctx, words, out) => apiKeysCommand(ctx, words, out, async () => 'of another system'),
      service().operator,
      ['add-secret', 'old', '--tenant', client.tenant.slug],
    )
    expect(await named()).toEqual(['k1'])
    const before = await storedPassword(userId)
    const lines: string[] = []
    const outcome = await resealTo(`${K2},${k1()}`, lines)
    expect(await named()).toEqual(['k2'])
    expect(outcome.map(({ table, moved, unreadable }) => ({ table, moved, unreadable }))).toEqual([
      { table: 'passwords', moved: 2, unreadable: [] },
      { table: 'person_keys', moved: 3, unreadable: [] },
      { table: 'webhook_endpoints', moved: 1, unreadable: [] },
      { table: 'providers', moved: 0, unreadable: [] },
      { table: 'foreign_key_secrets', moved: 1, unreadable: [] },
      { table: 'tenants', moved: 1, unreadable: [] },
      { table: 'totp_factors', moved: 0, unreadable: [] },
      { table: 'recovery_codes', moved: 0, unreadable: [] },
    ])
    expect(lines).toContain('passwords: 2 read, 2 moved')
    const sealed = await storedPassword(userId)
    expect(sealed.phc).toMatch(/^k2\.[\w-]+\.[\w-]+$/)
    expect(sealed.changed_at, 'the password itself did not change').toEqual(before.changed_at)

    // The old root key is gone from here on: from the ring, and from what anything needs.
    await retireKeys(service(), 'k1')
    await withRing(K2, async (later) => {
      const there = createClient(later, client.tenant)
      expectProblem(await there.login(account.email, 'not the password'), 'invalid_credentials')
      const known = await there.login(admin.email)
      expect(known.status, 'the right password').toBe(200)
      const confirmed = await there.call('/v1/password/confirm', {
        json: { password: PASSWORD },
        bearer: account.tokens.access_token,
      })
      expect(confirmed.status, 'read without being replaced').toBe(200)
      expect(await storedPassword(userId)).toEqual(sealed)
      expect((await there.login(account.email)).status).toBe(200)
      const ordinary = await storedPassword(userId)
      expect(ordinary).toMatchObject({ key_id: 'k2', changed_at: before.changed_at })
      expect(ordinary.phc).toMatch(/^\$argon2id\$/)
      expect((await there.login(account.email)).status, 'in its ordinary form again').toBe(200)

      const page = await there.call<{ data: { address: string | null; client_unreadable?: true }[] }>(
        '/v1/admin/audit-events',
        { bearer: known.body.access_token },
      )
      expect(page.status).toBe(200)
      expect(page.body.data.length).toBeGreaterThan(3)
      expect(page.body.data.filter(({ address }) => address === null)).toEqual([])
    })
  })

  test('keys 2: moves what it sealed before to a still newer key, and does nothing a second time', async () => {
    const { client, account, userId } = await newTown()
    await resealTo(`${K2},${k1()}`)
    await resealTo(`${K3},${K2}`)
    expect(await named()).toEqual(['k3'])
    const again = await resealTo(`${K3},${K2}`)
    expect(again.every(({ moved }) => moved === 0)).toBe(true)
    expect((await storedPassword(userId)).key_id).toBe('k3')
    await retireKeys(service(), 'k1')
    await withRing(K3, async (later) => {
      expect((await createClient(later, client.tenant).login(account.email)).status).toBe(200)
    })
  })

  test('keys 2: of a seal that was carried to another account opens nothing there', async () => {
    const { client, account, admin } = await newTown()
    await resealTo(`${K2},${k1()}`)
    await service().sql(
      'update passwords set phc = (select phc from passwords where user_id = $1) where user_id = $2',
      [admin.tokens.user.id, account.tokens.user.id],
    )
    await withRing(`${K2},${k1()}`, async (on) => {
      expectProblem(await createClient(on, client.tenant).login(account.email), 'internal_error')
    })
  })

  test('keys 2: loses to 50 sign-ins and changes that come while it runs', async () => {
    const { client } = await newTown()
    const accounts = await race(50, () => client.signUp())
    await withRing(`${K2},${k1()}`, async (on) => {
      const there = createClient(on, client.tenant)
      const changed = 'another horse battery'
      const [, ...answers] = await Promise.all([
        resealTo(`${K2},${k1()}`),
        ...accounts.map(async ({ email, tokens }, index) => {
          if (index % 2 === 0) return there.login(email)
          const json = { current_password: PASSWORD, new_password: changed }
          return there.call('/v1/password/change', { json, bearer: tokens.access_token })
        }),
        resealTo(`${K2},${k1()}`),
      ])
      expect(countBy(answers.slice(0, 50) as { status: number }[], ({ status }) => status)).toEqual({
        200: 50,
      })
      await resealTo(`${K2},${k1()}`)
      expect(await named()).toEqual(['k2'])
      const after = await race(10, (index) =>
        there.login(accounts[index]?.email ?? '', index % 2 === 0 ? PASSWORD : changed),
      )
      expect(countBy(after, ({ status }) => status)).toEqual({ 200: 10 })
    })
  })

  test('keys 2: writes nothing over what changed after it was read', async () => {
    const { userId } = await newTown()
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query(`update passwords set phc = '$argon2id$changed' where user_id = $1`, [userId])
      const running = resealTo(`${K2},${k1()}`)
      await expect
        .poll(async () => {
          const [row] = await service().sql<{ n: number }>(
            `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
          return row?.n
        })
        .toBe(1)
      await holder.query('commit')
      const [passwords] = await running
      expect(passwords).toMatchObject({ moved: 1, changedMeanwhile: 1 })
      expect(await storedPassword(userId)).toMatchObject({ phc: '$argon2id$changed', key_id: 'k1' })
    } finally {
      await holder.end()
    }
  })

  test('keys 2: passes over what does not open, names it, and moves the rest', async () => {
    const { userId } = await newTown()
    await service().sql(`update passwords set key_id = 'k0' where user_id = $1`, [userId])
    await service().sql(
      `update person_keys set sealed_key = overlay(sealed_key placing 'AAAA' from 30) where user_id = $1`,
      [userId],
    )
    const lines: string[] = []
    const [passwords, people, webhooks] = await resealTo(`${K2},${k1()}`, lines)
    expect(passwords).toMatchObject({ moved: 1, unreadable: [userId] })
    expect(people).toMatchObject({ moved: 2, unreadable: [userId] })
    expect(webhooks).toMatchObject({ moved: 1, unreadable: [] })
    expect(lines.join('\n')).toContain(`1 not readable (${userId})`)
  })
})

describe('a person key that does not open', { timeout: 180_000 }, () => {
  test.each([
    ['names a key that the ring lacks', `'k0' || substr(sealed_key, 3)`],
    ['was broken', `overlay(sealed_key placing 'AAAA' from 30)`],
  ])(
    'keys 2: one that %s makes its own fields null, and fails no page, export or batch',
    async (_, broken) => {
      const { client, bearer, account, userId } = await newTown()
      await service().sql(`update person_keys set sealed_key = ${broken} where user_id = $1`, [userId])
      await client.login(account.email)
      const other = await client.signUp()
      await service().consume()
      const rows = await service().sql<{ actor: string | null }>(
        'select actor from audit_events where tenant_id = $1',
        [client.tenant.id],
      )
      const actors = countBy(rows, ({ actor }) => actor ?? 'no one')
      expect(actors[userId], 'registered, signed in twice').toBe(3)
      expect(actors[other.tokens.user.id]).toBe(2)

      type Line = { actor: string | null; address: string | null; client_unreadable?: true }
      const page = await client.call<{ data: Line[] }>('/v1/admin/audit-events?limit=100', { bearer })
      const exported = await service().fetch(`${client.tenant.origin}/v1/admin/audit-events`, {
        headers: { authorization: `Bearer ${bearer}`, accept: 'application/x-ndjson' },
      })
      const ndjson = (await exported.text()).trim()
      const lines = ndjson.split('\n').map((line) => JSON.parse(line) as Line)
      for (const read of [page.body.data, lines]) {
        expect(read.length).toBeGreaterThanOrEqual(rows.length)
        for (const { actor, address, client_unreadable } of read) {
          expect({ address: address === null, client_unreadable }).toEqual(
            actor === userId
              ? { address: true, client_unreadable: true }
              : { address: false, client_unreadable: undefined },
          )
        }
      }
      const person = await client.call<{ audit_events: (Line & { client: unknown })[] }>('/v1/me/export', {
        bearer: (await client.signIn(account.email)).access_token,
      })
      expect(person.status).toBe(200)
      expect(person.body.audit_events.length).toBeGreaterThan(0)
      for (const event of person.body.audit_events)
        expect(event).toMatchObject({ client: null, client_unreadable: true })

      const alarms = service()
        .logs()
        .filter((line) => line.includes('ALARM: person keys could not be decrypted') && line.includes(userId))
      expect(alarms.length).toBeGreaterThan(0)
      expect(JSON.parse(alarms.at(-1) ?? '')).toMatchObject({ level: 'error', keys: 1 })
    },
  )
})
