/** Erasing closed accounts: when, once, all of it, whatever cuts it off, and nothing of anyone else. */
import { createHash } from 'node:crypto'
import { sql as part } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { verifyChains } from '../../ops/audit.ts'
import { clearDueAccounts } from '../../src/me/erasure-store.ts'
import { DECLARED, SECTIONS } from '../../src/personal-data.ts'
import { setFailures } from '../support/attempts.ts'
import { type Client, newClient, race } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { planOf, scannedWhole } from '../support/explain.ts'
import { HOURLY, runHourly } from '../support/hourly.ts'
import { mailedToken, plantToken } from '../support/one-time.ts'

const stage = useStage()
const service = () => stage().service

const sql = <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  service().sql<R>(text, values)

afterEach(() => {
  service().gates.audit.set('open')
  service().gates.postgres.set('open')
  stage().queue.take()
})

async function newClosed(settings: Record<string, unknown> = {}) {
  const client = await newClient(service(), { settings })
  return { client, ...(await closeOne(client)) }
}

/** An account that is closed, with a past of every kind; the audit log has it all. */
async function closeOne(client: Client) {
  const { email, tokens } = await client.newAccount()
  const userId = tokens.user.id
  await client.refresh(tokens.refresh_token)
  await setFailures(service(), { tenant: client.tenant, email }, 3)
  const other = await client.call<{ access_token: string }>('/v1/me', {
    method: 'PATCH',
    bearer: tokens.access_token,
    json: { name: `Ada ${userId}`, locale: 'de' },
  })
  expect(other.status).toBe(200)
  await client.plantedSocial.exchange(tokens)
  await client.plantedSocial.identity(tokens)
  await client.plantedPasskey(tokens, { isSecondFactor: true })
  await sql(
    `insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, expires_at)
     values ($2, $1::text, 'x', 'x', 'x', now() + interval '1 hour')`,
    [userId, client.tenant.id],
  )
  await sql(
    `insert into mails (event_id, user_id, tenant_id, template) values (gen_random_uuid(), $1, $2, 'x')`,
    [userId, client.tenant.id],
  )
  await sql(
    `with challenge as (
       insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, expires_at)
       values (gen_random_uuid(), $2, $1, 'sign_in', sha256(gen_random_uuid()::text::bytea), '{pwd}', true, now())),
     trust as (
       insert into trusted_devices (id, tenant_id, user_id, hash, device_label, country, last_used_at, expires_at)
       values (gen_random_uuid(), $2, $1, sha256(gen_random_uuid()::text::bytea), 'Chrome', 'DE', now(), now())),
     app as (
       insert into totp_factors (id, tenant_id, user_id, sealed_secret) values (gen_random_uuid(), $2, $1, 'x')),
     removal as (
       insert into second_factor_removals (id, tenant_id, user_id, requested_by, reason, due_at, settled_at, outcome)
       values (gen_random_uuid(), $2, $1, $1, 'lost', now(), now(), 'removed'))
     insert into recovery_codes (id, tenant_id, user_id, sealed_hash) values (gen_random_uuid(), $2, $1, 'x')`,
    [userId, client.tenant.id],
  )
  await sql(`insert into sign_in_failures (tenant_id, subject, consecutive_failures) values ($1, $2, 100)`, [
    client.tenant.id,
    createHash('sha256').update(`second_factor\0${userId}`).digest(),
  ])
  await plantToken(service(), {
    tenant: client.tenant,
    purpose: 'revert_email',
    userId,
    subject: `old-${email}`,
  })
  const { status } = await client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })
  expect(status).toBe(204)
  await stage().settle()
  return { email, tokens, userId }
}

const age = (userId: string, interval: string) =>
  sql('update users set deleted_at = deleted_at - $2::interval where id = $1', [userId, interval])

const erase = async () => (await runHourly(service()))['accounts erased'] ?? {}

async function isErased(userId: string) {
  const [row] = await sql<{ erased: boolean }>(
    'select erased_at is not null as erased from users where id = $1',
    [userId],
  )
  return row?.erased
}

/** How many rows of each table are about an account, besides its own and those of the audit log. */
async function rowsOf(userId: string, email: string) {
  const [row] = await sql(
    `select (select count(*)::int from passwords where user_id = $1) as passwords,
       (select count(*)::int from passkeys where user_id = $1) as passkeys,
       (select count(*)::int from api_keys where user_id = $1) as api_keys,
       (select count(*)::int from sessions where user_id = $1) as sessions,
       (select count(*)::int from refresh_tokens left join sessions on sessions.id = session_id where sessions.user_id = $1) as refresh_tokens,
       (select count(*)::int from one_time_tokens where user_id = $1) as one_time_tokens,
       (select count(*)::int from mails where user_id = $1) as mails,
       (select count(*)::int from person_keys where user_id = $1) as person_keys,
       (select count(*)::int from idempotency_keys where actor = $1::text) as idempotency_keys,
       (select count(*)::int from sign_in_failures where subject in ($2, $3)) as sign_in_failures,
       (select count(*)::int from events where subject = $1 and client is not null) as clients`,
    [
      userId,
      ...[`account\0${email}`, `second_factor\0${userId}`].map((of) =>
        createHash('sha256').update(of).digest(),
      ),
    ],
  )
  return row ?? {}
}

const NOTHING = {
  passwords: 0,
  passkeys: 0,
  api_keys: 0,
  sessions: 0,
  refresh_tokens: 0,
  one_time_tokens: 0,
  mails: 0,
  person_keys: 0,
  idempotency_keys: 0,
  sign_in_failures: 0,
  clients: 0,
}

describe('an account is erased', () => {
  test('30 days after it was closed, and not before', async () => {
    const due = await newClosed()
    const early = await newClosed()
    await age(due.userId, '30 days')
    await age(early.userId, '29 days 23 hours')
    expect(await rowsOf(due.userId, due.email)).toMatchObject({
      sessions: 1,
      refresh_tokens: 2,
      one_time_tokens: 2,
      person_keys: 1,
      idempotency_keys: 1,
      sign_in_failures: 2,
      clients: expect.any(Number),
    })
    await erase()
    expect(await rowsOf(due.userId, due.email)).toEqual(NOTHING)
    const [row] = await sql('select * from users where id = $1', [due.userId])
    expect(row).toMatchObject({
      id: due.userId,
      email: null,
      email_verified_at: null,
      name: null,
      locale: null,
      roles: [],
      deleted_at: expect.any(Date),
      erased_at: expect.any(Date),
    })
    expect(await isErased(early.userId)).toBe(false)
    expect(await rowsOf(early.userId, early.email)).toMatchObject({ sessions: 1, person_keys: 1 })
  })

  test('from every table that declares something about people: no section of the export has a row', async () => {
    const { client, userId } = await newClosed({ erasure_days: 0 })
    const person = { userId, tenantId: client.tenant.id }
    const filled = async () => {
      const names: string[] = []
      for (const [name, { of }] of SECTIONS) {
        const { sql: text, params } = new PgDialect().sqlToQuery(part`select from ${of(person)}`)
        if ((await sql(text, params)).length > 0) names.push(name)
      }
      return names
    }
    // Closing has ended the credentials that are no second factor, and the audit log has taken what was waiting.
    const closed = DECLARED.flatMap(([, data]) =>
      'section' in data && (data.erasure !== 'credential' || data.secondFactor?.stays)
        ? [data.section, ...(data.besides ?? [])].map(([name]) => name)
        : [],
    )
    expect(await filled()).toEqual(closed.filter((name) => name !== 'pending_events'))
    await erase()
    await stage().settle()
    // The id stays; what it says of itself is empty.
    expect(await filled()).toEqual(['account'])
  })

  test.each([
    [0, '0 seconds', '-1 minute'],
    [7, '7 days', '6 days 23 hours'],
    [365, '365 days', '364 days 23 hours'],
  ])('when the tenant says: after %i days', async (erasure_days, enough, early) => {
    const due = await newClosed({ erasure_days })
    const other = await newClosed({ erasure_days })
    await age(due.userId, enough)
    await age(other.userId, early)
    await erase()
    expect([await isErased(due.userId), await isErased(other.userId)]).toEqual([true, false])
    await age(other.userId, '2 hours')
    await erase()
    expect(await isErased(other.userId)).toBe(true)
  })

  test('and says so once, to no one in particular', async () => {
    const { client, userId } = await newClosed({ erasure_days: 0 })
    await race(3, () => service().runCron(HOURLY))
    await erase()
    const events = await sql(
      `select tenant_id, actor, data, client from events where type = 'user.erased' and subject = $1`,
      [userId],
    )
    expect(events).toEqual([{ tenant_id: client.tenant.id, actor: null, data: {}, client: null }])
    await stage().settle()
    expect((await stage().audited(client.tenant)).at(-1)).toMatchObject({
      type: 'user.erased',
      subject: userId,
    })
  })

  test('with its chain of the audit log intact, its rows there, and no one in them', async () => {
    const { client, userId } = await newClosed({ erasure_days: 0 })
    const before = await stage().audited(client.tenant)
    await erase()
    const rows = await stage().audited(client.tenant)
    expect(rows).toHaveLength(before.length)
    expect(before.filter(({ subject, network }) => subject === userId && network).length).toBeGreaterThan(2)
    expect(rows.filter(({ subject }) => subject === userId).every(({ network }) => network === null)).toBe(
      true,
    )
    const [chain] = await verifyChains(service().backend.operator, client.tenant.id)
    expect(chain?.problems).toEqual([])
  })

  test('in what they did as an administrator too, which is about no one', async () => {
    const client = await newClient(service(), { settings: { erasure_days: 0 } })
    const { tokens } = await client.newAdmin()
    const { tokens: reader } = await client.newAdmin()
    await client.call(`/v1/webhooks/${tokens.session.id}`, { method: 'DELETE', bearer: tokens.access_token })
    const read = async () => {
      const { body } = await client.call<{ data: { actor: string; address: string | null }[] }>(
        '/v1/admin/audit-events?type=webhook.deleted',
        { bearer: reader.access_token },
      )
      return body.data
    }
    await stage().settle()
    expect(await read()).toMatchObject([{ actor: tokens.user.id, address: expect.stringMatching(/\/24$/) }])
    await client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })
    await stage().settle()
    await erase()
    expect(await read()).toMatchObject([{ actor: tokens.user.id, address: null }])
    expect(
      (await stage().audited(client.tenant)).filter(
        ({ actor, network }) => actor === tokens.user.id && network,
      ),
    ).toEqual([])
  })
})

describe('a run', () => {
  test('spares everyone else', async () => {
    const { client } = await newClosed({ erasure_days: 0 })
    const { email, tokens } = await client.newAccount()
    await stage().settle()
    const before = await rowsOf(tokens.user.id, email)
    await erase()
    expect(await rowsOf(tokens.user.id, email)).toEqual(before)
    expect((await client.me(tokens.access_token)).body.email).toBe(email)
  })

  test('passes over an account that is being restored at that moment, and leaves it whole', async () => {
    const { client, email, userId } = await newClosed()
    await age(userId, '31 days')
    const before = await rowsOf(userId, email)
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query('update users set deleted_at = null where id = $1', [userId])
      await erase()
      await holder.query('commit')
    } finally {
      await holder.end()
    }
    await erase()
    expect(await isErased(userId)).toBe(false)
    expect(await rowsOf(userId, email)).toEqual(before)
    expect(client.tenant.id).not.toBe('')
  })

  test('that loses the audit log leaves no way back, and the next one finishes', async () => {
    const { client, email, userId } = await newClosed()
    const token = await mailedToken(service(), userId, 'restore_account')
    await age(userId, '31 days')
    service().gates.audit.set('refusing', { when: (body) => body.includes('set network = null') })
    expect((await service().runCron(HOURLY)).outcome).not.toBe('ok')
    expect(service().logs().join('\n')).toContain('"could not erase accounts"')
    expect(await isErased(userId)).toBe(false)
    const answer = await client.call('/v1/me/restore', { json: { token } })
    expect(answer.status).toBe(400)
    service().gates.audit.set('open')
    expect(await erase()).toMatchObject({ accounts: 1, failed: 0 })
    expect(await rowsOf(userId, email)).toEqual(NOTHING)
  })

  test.each([
    'delete from refresh_tokens',
    'delete from mails',
    'delete from "person_keys"',
    'set erased_at',
  ])('that is cut off at «%s» is finished by the next one', async (statement) => {
    const { email, userId } = await newClosed({ erasure_days: 0 })
    service().gates.postgres.set('reset-after-commit', {
      times: 1,
      when: (body) => body.includes(statement) || body.includes(statement.replaceAll('"', '\\"')),
    })
    await service().runCron(HOURLY)
    expect(service().gates.postgres.hits()).toBeGreaterThan(0)
    service().gates.postgres.set('open')
    await erase()
    expect(await isErased(userId)).toBe(true)
    expect(await rowsOf(userId, email)).toEqual(NOTHING)
    const events = await sql(`select 1 from events where type = 'user.erased' and subject = $1`, [userId])
    expect(events).toHaveLength(1)
  })

  test('beside others erases more than a batch, each account once', async () => {
    const { id } = await service().newTenant({ settings: { erasure_days: 0 } })
    await sql(
      `insert into users (id, tenant_id, email, name, deleted_at)
       select gen_random_uuid(), $1, n || '@example.com', 'Ada', now() - interval '1 minute' from generate_series(1, 170) n`,
      [id],
    )
    await race(4, () => service().runCron(HOURLY))
    await erase()
    const [left] = await sql(
      'select count(*)::int as n from users where tenant_id = $1 and (erased_at is null or email is not null or name is not null)',
      [id],
    )
    expect(left).toEqual({ n: 0 })
    const [events] = await sql(
      `select count(*)::int as n, count(distinct subject)::int as accounts from events where tenant_id = $1 and type = 'user.erased'`,
      [id],
    )
    expect(events).toEqual({ n: 170, accounts: 170 })
  })

  test('says in one line how many it erased', async () => {
    await erase()
    await newClosed({ erasure_days: 0 })
    expect(await erase()).toMatchObject({ level: 'info', job: 'erase accounts', accounts: 1, failed: 0 })
    expect(await erase()).toMatchObject({ accounts: 0, failed: 0 })
  })

  test('finds the accounts that are due by an index', async () => {
    const { id } = await service().newTenant()
    await sql(
      `insert into users (id, tenant_id, email) select gen_random_uuid(), $1, n || '@example.com' from generate_series(1, 20000) n`,
      [id],
    )
    await sql('analyze users')
    const plan = await planOf(service(), (db) => clearDueAccounts({ db }, { after: null, limit: 50 }))
    expect(plan.flatMap((node) => node['Index Name'] ?? [])).toContain('users_to_erase')
    expect(scannedWhole(plan)).not.toContain('users')
  })
})

test('the job does not hold up the others of its hour', async () => {
  await sql('alter table passwords rename to passwords_away')
  try {
    expect((await service().runCron(HOURLY)).outcome).not.toBe('ok')
  } finally {
    await sql('alter table passwords_away rename to passwords')
  }
  await vi.waitFor(() => expect(service().logs().join('\n')).toContain('"cleaned up"'))
})
