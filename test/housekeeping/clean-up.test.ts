/** What clean-up takes and what it leaves: at the boundary of each rule, beside other runs, and beside those at work. */
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MAX_FAILURES } from '../../src/accounts/attempts.ts'
import { deleteOutlived } from '../../src/housekeeping/store.ts'
import { MAX_CODE_FAILURES } from '../../src/one-time/purposes.ts'
import { OUTLIVED } from '../../src/personal-data.ts'
import { setFailures } from '../support/attempts.ts'
import { newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { planOf, scannedWhole } from '../support/explain.ts'
import { HOURLY, runHourly } from '../support/hourly.ts'
import { useService } from '../support/service.ts'
import { backdateUse } from '../support/sessions.ts'

const service = useService()

const sql = <R extends Record<string, unknown>>(text: string, values: unknown[] = []) =>
  service().sql<R>(text, values)

/** What a run deleted of each kind. */
const cleanUp = async () => (await runHourly(service()))['cleaned up'] ?? {}

beforeEach(() => runHourly(service())) // so that each test counts its own rows alone

const exists = async (table: string, column: string, value: unknown) =>
  (await sql(`select 1 from ${table} where ${column} = $1`, [value])).length > 0

describe('sessions and their refresh tokens', () => {
  test.each([
    ['revoked', 'revoked_at = now()'],
    ['past their end', `expires_at = now(), idle_expires_at = now()`],
  ])('go 30 days after they were %s', async (_, over) => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    await client.refresh(tokens.refresh_token)
    const younger = await client.signIn(email)
    const live = await client.signIn(email)
    const end = (id: string, interval: string) =>
      sql(`update sessions set ${over.replaceAll('now()', 'now() - $2::interval')} where id = $1`, [
        id,
        interval,
      ])
    await end(tokens.session.id, '30 days 1 second')
    await end(younger.session.id, '29 days 23 hours')
    expect(await cleanUp()).toMatchObject({ refresh_tokens_of_ended_sessions: 2, ended_sessions: 1 })
    expect(await exists('sessions', 'id', tokens.session.id)).toBe(false)
    expect(await exists('refresh_tokens', 'session_id', tokens.session.id)).toBe(false)
    expect(await exists('sessions', 'id', younger.session.id)).toBe(true)
    expect((await client.refresh(live.refresh_token)).status).toBe(200)
  })

  /** As if the session's tokens that `which` names had expired so long ago. */
  const expire = (sessionId: string, which: string, ago: string) =>
    sql(`update refresh_tokens set expires_at = now() - $2::interval where session_id = $1 and ${which}`, [
      sessionId,
      ago,
    ])

  test('piles 16: a used refresh token stays for 30 days after it expired, while its session lives: it still tells a thief', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const second = (await client.refresh(tokens.refresh_token)).body
    await expire(tokens.session.id, 'used_at is not null', '29 days 23 hours')
    await backdateUse(service(), tokens.session.id, 100 * 86_400)
    expect(await cleanUp()).toMatchObject({ expired_refresh_tokens: 0 })
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expectProblem(await client.refresh(second.refresh_token), 'invalid_grant')
  })

  test('piles 16: then it goes, 44 days after it was made and not 120, and no one is signed out', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const second = (await client.refresh(tokens.refresh_token)).body
    await expire(tokens.session.id, 'used_at is not null', '30 days 1 second')
    expect(await cleanUp()).toMatchObject({ expired_refresh_tokens: 1 })
    expect((await client.refresh(second.refresh_token)).status).toBe(200)
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
  })

  test('piles 16: the last token of an abandoned session goes too, however long that session may still be listed', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    await sql(
      `update sessions set expires_at = now() + interval '300 days', idle_expires_at = now() - interval '31 days' where id = $1`,
      [tokens.session.id],
    )
    await expire(tokens.session.id, 'used_at is null', '31 days')
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expect(await cleanUp()).toMatchObject({ expired_refresh_tokens: 1, ended_sessions: 0 })
    expect(await exists('sessions', 'id', tokens.session.id)).toBe(true)
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
  })

  test('piles 16: sessions whose tokens are gone do not wait behind a session whose tokens are held', async () => {
    const client = await newClient(service())
    const held = await client.signUp()
    const free = await client.signUp()
    for (const { tokens } of [held, free])
      await sql(`update sessions set revoked_at = now() - interval '31 days' where id = $1`, [
        tokens.session.id,
      ])
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query('select 1 from refresh_tokens where session_id = $1 for update', [
        held.tokens.session.id,
      ])
      expect(await cleanUp()).toMatchObject({ refresh_tokens_of_ended_sessions: 1, ended_sessions: 1 })
      expect(await exists('sessions', 'id', held.tokens.session.id)).toBe(true)
    } finally {
      await holder.query('rollback')
      await holder.end()
    }
    expect(await cleanUp()).toMatchObject({ refresh_tokens_of_ended_sessions: 1, ended_sessions: 1 })
  })
})

describe('everything else', () => {
  test('an answer to an Idempotency-Key goes when it has expired', async () => {
    const client = await newClient(service())
    const register = (key: string) =>
      client.call('/v1/register', {
        json: { email: newEmail(), password: PASSWORD },
        headers: { 'idempotency-key': key },
      })
    const [gone, kept] = [crypto.randomUUID(), crypto.randomUUID()]
    await register(gone)
    await register(kept)
    await sql(`update idempotency_keys set expires_at = now() - interval '1 second' where key = $1`, [gone])
    await sql(`update idempotency_keys set expires_at = now() + interval '1 minute' where key = $1`, [kept])
    expect(await cleanUp()).toMatchObject({ idempotency_keys: 1 })
    expect(await exists('idempotency_keys', 'key', gone)).toBe(false)
    expect(await exists('idempotency_keys', 'key', kept)).toBe(true)
  })

  test('failed sign-ins are forgotten after 30 days, and a password that they closed stays closed', async () => {
    const { tenant, ...client } = await newClient(service())
    const emails = [newEmail(), newEmail(), newEmail()] as const
    const [few, recent, closed] = emails
    await setFailures(service(), { tenant, email: few }, MAX_FAILURES - 1)
    await sql(
      `update sign_in_failures set last_attempt_at = now() - interval '30 days 1 second' where tenant_id = $1`,
      [tenant.id],
    )
    await setFailures(service(), { tenant, email: recent }, 5)
    await sql(
      `update sign_in_failures set last_attempt_at = now() - interval '29 days 23 hours'
       where tenant_id = $1 and consecutive_failures = 5`,
      [tenant.id],
    )
    await setFailures(service(), { tenant, email: closed }, MAX_FAILURES)
    await sql(
      `update sign_in_failures set last_attempt_at = now() - interval '10 years'
       where tenant_id = $1 and consecutive_failures = $2`,
      [tenant.id, MAX_FAILURES],
    )
    expect(await cleanUp()).toMatchObject({ sign_in_failures: 1 })
    const left = await sql(
      'select consecutive_failures as failures from sign_in_failures where tenant_id = $1 order by 1',
      [tenant.id],
    )
    expect(left).toEqual([{ failures: 5 }, { failures: MAX_FAILURES }])
    expectProblem(await client.login(closed), 'password_disabled')
  })

  test('piles 16: a hundred failures at an address without an account are forgotten after 90 days, and those at an account never', async () => {
    const { tenant, ...client } = await newClient(service())
    const { email: account } = await client.signUp()
    const [stranger, recent] = [newEmail(), newEmail()]
    for (const [email, ago] of [
      [account, '10 years'],
      [stranger, '90 days 1 second'],
      [recent, '89 days 23 hours'],
    ] as const) {
      expectProblem(await client.login(email, 'not the password'), 'invalid_credentials')
      await setFailures(service(), { tenant, email }, MAX_FAILURES)
      await sql(
        `update sign_in_failures set last_attempt_at = now() - $2::interval
         where tenant_id = $1 and consecutive_failures = $3 and last_attempt_at > now() - interval '1 day'`,
        [tenant.id, ago, MAX_FAILURES],
      )
    }
    expect(await cleanUp()).toMatchObject({ sign_in_failures: 1 })
    expectProblem(await client.login(account), 'password_disabled')
    expectProblem(await client.login(stranger), 'invalid_credentials')
    expectProblem(await client.login(recent), 'password_disabled')
  })

  test("piles 16: a password that is asked for again in a session is an account's too", async () => {
    const { tenant, ...client } = await newClient(service())
    const { tokens } = await client.signUp()
    const { status } = await client.call('/v1/password/confirm', {
      bearer: tokens.access_token,
      json: { password: 'not the password' },
    })
    expect(status).toBe(401)
    await sql(
      `update sign_in_failures set consecutive_failures = $2, last_attempt_at = now() - interval '1 year' where tenant_id = $1`,
      [tenant.id, MAX_FAILURES],
    )
    expect(await cleanUp()).toMatchObject({ sign_in_failures: 0 })
  })

  test('piles 16: a mailed link goes a day after it expired; wrong codes after 30 days, a hundred of them after 90, those of an account never', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const plant = (holder: string, failures: number, expired: string, userId: string | null = null) =>
      sql(
        `insert into one_time_tokens (id, tenant_id, user_id, purpose, holder, hash, key_id, failures, expires_at)
         values (gen_random_uuid(), $1, $5, 'sign_in', $2::text, sha256($2::text::bytea), 'k1', $3, now() - $4::interval)`,
        [client.tenant.id, holder, failures, expired, userId],
      )
    await plant('outlived', 0, '1 day 1 second')
    await plant('recent', 0, '23 hours')
    await plant('few, outlived', 99, '30 days 1 second')
    await plant('few', 1, '29 days 23 hours')
    await plant('closed', MAX_CODE_FAILURES, '10 years', tokens.user.id)
    await plant('stranger', MAX_CODE_FAILURES, '89 days 23 hours')
    await plant('stranger, outlived', MAX_CODE_FAILURES, '90 days 1 second')
    expect(await cleanUp()).toMatchObject({ one_time_tokens: 3 })
    const left = await sql(
      `select holder from one_time_tokens where tenant_id = $1 and purpose = 'sign_in' order by holder`,
      [client.tenant.id],
    )
    expect(left.map(({ holder }) => holder)).toEqual(['closed', 'few', 'recent', 'stranger'])
  })

  test('events go 7 days after everyone took them, and never before', async () => {
    const client = await newClient(service())
    await client.signUp()
    await client.signUp()
    await sql(
      `update events set created_at = now() - interval '1 year', dispatched_at = case
         when n = 1 then now() - interval '7 days 1 second' when n = 2 then now() - interval '6 days 23 hours' end
       from (select id, row_number() over (order by id) as n from events where tenant_id = $1) as numbered
       where numbered.id = events.id`,
      [client.tenant.id],
    )
    expect(await cleanUp()).toMatchObject({ dispatched_events: 1 })
    expect(await sql('select 1 from events where tenant_id = $1', [client.tenant.id])).toHaveLength(3)
    await sql('delete from events where tenant_id = $1', [client.tenant.id])
  })

  test('an API key goes 30 days after it was revoked, and stays for ever until it is', async () => {
    const { id } = await service().newTenant()
    const plant = (name: string, revoked: string | null) =>
      sql(
        `insert into api_keys (id, tenant_id, name, scopes, hash, created_at, revoked_at)
         values (gen_random_uuid(), $1, $2::text, '{}', sha256(convert_to($2::text, 'UTF8')), now() - interval '1 year', now() - $3::interval)`,
        [id, name, revoked],
      )
    await plant('old', '30 days 1 second')
    await plant('young', '29 days 23 hours')
    await plant('in use', null)
    expect(await cleanUp()).toMatchObject({ revoked_api_keys: 1 })
    expect(await sql('select name from api_keys where tenant_id = $1 order by name', [id])).toEqual([
      { name: 'in use' },
      { name: 'young' },
    ])
  })

  test.each([
    [
      'mails',
      'settled_mails',
      'sent',
      `insert into mails (tenant_id, event_id, user_id, template, state, settled_at)
      values ($1, gen_random_uuid(), gen_random_uuid(), 'x', $2, now() - $3::interval)`,
    ],
    [
      'webhook_deliveries',
      'settled_webhook_deliveries',
      'dead',
      `with endpoint as (
        insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
        values (gen_random_uuid(), $1, 'https://example.com', '{*}', 'k1.A.A') returning *)
      insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload, state, settled_at)
      select gen_random_uuid(), tenant_id, id, gen_random_uuid(), 'x', '{}', $2, now() - $3::interval from endpoint`,
    ],
  ])(
    '%s go 30 days after they were settled, and wait for ever until they are',
    async (table, kind, state, insert) => {
      const { id } = await service().newTenant()
      await sql(insert, [id, state, '30 days 1 second'])
      await sql(insert, [id, state, '29 days 23 hours'])
      await sql(insert, [id, 'pending', '1 year'])
      expect(await cleanUp()).toMatchObject({ [kind]: 1 })
      const left = await sql<{ state: string }>(
        `select state from ${table} where tenant_id = $1 order by state`,
        [id],
      )
      expect(left.map((row) => row.state).toSorted()).toEqual([state, 'pending'].toSorted())
      await sql(`delete from ${table} where tenant_id = $1`, [id])
    },
  )
})

/** Expired answers, the simplest of the rows. */
const insertKeys = async (count: number) => {
  const { id } = await service().newTenant()
  await sql(
    `insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, expires_at)
     select $1, 'anonymous', 'x', n::text, 'x', now() - interval '1 hour' from generate_series(1, $2::int) n`,
    [id, count],
  )
  return id
}

describe('a run', () => {
  test('goes on in batches until nothing is left, and says in one line how many went of each kind', async () => {
    await insertKeys(12_000)
    const line = await cleanUp()
    expect(line).toMatchObject({
      level: 'info',
      job: 'clean up',
      idempotency_keys: 12_000,
      ended_sessions: 0,
    })
    for (const { kind } of OUTLIVED) expect(line[kind], kind).toEqual(expect.any(Number))
    expect(line).not.toHaveProperty('unfinished')
  })

  test('beside others deletes each row once, and waits for no one', async () => {
    const tenantId = await insertKeys(12_000)
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query(`select 1 from idempotency_keys where tenant_id = $1 and key = '7' for update`, [
        tenantId,
      ])
      const outcomes = await race(5, () => service().runCron(HOURLY))
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(outcomes.map(() => 'ok'))
      const left = await sql('select key from idempotency_keys where tenant_id = $1', [tenantId])
      expect(left, 'the transaction that holds a row keeps it').toEqual([{ key: '7' }])
    } finally {
      await holder.query('rollback')
      await holder.end()
    }
    expect(await cleanUp()).toMatchObject({ idempotency_keys: 1 })
  })

  test('that cannot delete one kind deletes the others, says so and fails', async () => {
    const tenantId = await insertKeys(1)
    await sql('alter table mails rename to mails_away')
    try {
      expect((await service().runCron(HOURLY)).outcome).not.toBe('ok')
    } finally {
      await sql('alter table mails_away rename to mails')
    }
    expect(await exists('idempotency_keys', 'tenant_id', tenantId)).toBe(false)
    const lines = service().logs().join('\n')
    expect(lines).toContain('"kind":"settled_mails"')
    expect(lines).toContain('not cleaned up: settled_mails')
  })
})

describe('each statement', () => {
  beforeAll(async () => {
    const { id } = await service().newTenant()
    await sql(
      `with person as (insert into users (id, tenant_id, email) values (gen_random_uuid(), $1, 'x@example.com') returning *),
       session as (
         insert into sessions (id, tenant_id, user_id, created_at, expires_at, idle_expires_at, revoked_at, amr, aal)
         select gen_random_uuid(), tenant_id, id, now(), now() + interval '20 days', now() + interval '20 days',
           case when n % 2 = 0 then now() - interval '1 day' end, '{pwd}', 1
         from person, generate_series(1, 20000) n returning *)
       insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, used_at, expires_at)
       select (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || substr(md5(id::text || n), 13))::uuid,
         tenant_id, id, sha256((id::text || n)::bytea), 'k1', now(), now() + interval '10 days'
       from session, generate_series(1, 4) n`,
      [id],
    )
    await sql(
      `with people as (
         insert into users (id, tenant_id, email)
         select gen_random_uuid(), $1, 'n' || n || '@example.com' from generate_series(1, 20000) n returning *),
       exchanges as (
         insert into oauth_exchanges (code_hash, tenant_id, user_id, code_challenge, amr, aal, expires_at)
         select sha256(id::text::bytea), tenant_id, id, 'x', '{fed}', 1, now() + interval '1 minute' from people),
       trust as (
         insert into trusted_devices (id, tenant_id, user_id, hash, expires_at)
         select gen_random_uuid(), tenant_id, id, sha256(id::text::bytea), now() + interval '30 days' from people),
       apps as (
         insert into totp_factors (id, tenant_id, user_id, sealed_secret, confirmed_at)
         select gen_random_uuid(), tenant_id, id, 'x', now() from people),
       removals as (
         insert into second_factor_removals (id, tenant_id, user_id, requested_by, reason, due_at, settled_at, outcome)
         select gen_random_uuid(), tenant_id, id, id, 'x', now(), now(), 'removed' from people)
       insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, expires_at)
       select gen_random_uuid(), tenant_id, id, 'sign_in', sha256(id::text::bytea), '{pwd}', false, now() from people`,
      [id],
    )
    await sql(
      `with keys as (
         insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, expires_at)
         select $1, 'anonymous', 'x', n::text, 'x', now() + interval '1 hour' from generate_series(1, 20000) n),
       links as (
         insert into one_time_tokens (id, tenant_id, purpose, holder, hash, key_id, expires_at)
         select gen_random_uuid(), $1, 'sign_in', n::text, sha256(('link ' || n)::bytea), 'k1', now() + interval '1 hour'
         from generate_series(1, 20000) n),
       ceremonies as (
         insert into consumed_ceremonies (id, tenant_id, expires_at)
         select sha256(('ceremony ' || n)::bytea), $1, now() + interval '5 minutes' from generate_series(1, 20000) n),
       states as (
         insert into oauth_states (id, tenant_id, expires_at)
         select sha256(('state ' || n)::bytea), $1, now() + interval '10 minutes' from generate_series(1, 20000) n),
       api_keys as (
         insert into api_keys (id, tenant_id, name, scopes, hash, revoked_at)
         select gen_random_uuid(), $1, 'x', '{}', sha256(n::text::bytea), now() from generate_series(1, 20000) n),
       failures as (
         insert into sign_in_failures (tenant_id, subject, consecutive_failures)
         select $1, sha256(n::text::bytea), 3 from generate_series(1, 20000) n),
       mailed as (
         insert into mails (tenant_id, event_id, user_id, template, state, settled_at)
         select $1, gen_random_uuid(), gen_random_uuid(), 'x', 'sent', now() from generate_series(1, 20000) n),
       endpoint as (
         insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
         values (gen_random_uuid(), $1, 'https://example.com', '{*}', 'k1.A.A') returning *),
       deliveries as (
         insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload, state, settled_at)
         select gen_random_uuid(), tenant_id, id, gen_random_uuid(), 'x', '{}', 'delivered', now()
         from endpoint, generate_series(1, 20000) n)
       insert into events (id, tenant_id, type, dispatched_at)
       select gen_random_uuid(), $1, 'x', now() from generate_series(1, 20000) n`,
      [id],
    )
    await sql('analyze')
  })

  // A deployment has a handful of signing keys.
  test.each(OUTLIVED.filter(({ kind }) => kind !== 'retired_signing_keys'))(
    'finds its rows by an index, and deletes them by their place: $kind',
    async (rows) => {
      const plan = await planOf(service(), (db) => deleteOutlived({ db }, rows, 1000))
      expect(scannedWhole(plan), JSON.stringify(plan, null, 1)).toEqual([])
      expect(plan.map((node) => node['Node Type'])).toContain('Tid Scan')
    },
  )
})
