/** The export of a person: all that is held about them, nothing that opens anything, and never a part that looks like all. */
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { DECLARED, SECTIONS } from '../../src/personal-data.ts'
import { type Client, newClient, PASSWORD, type Tokens } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { plantToken } from '../support/one-time.ts'
import { ageSignIn } from '../support/sessions.ts'
import { expectHeldBack, startUnread } from '../support/unread.ts'

const PATH = '/v1/me/export'
const stage = useStage()
const service = () => stage().service

everyRoute(service, { method: 'GET', path: PATH, allow: 'GET, HEAD', caller: 'bearer' })

afterEach(() => {
  service().gates.audit.set('open')
  service().gates.postgres.set('open')
  stage().queue.take()
})

type Row = Record<string, unknown>
type Exported = Record<string, Row[]> & {
  schema: string
  account: Row
  password: Row | null
  failed_attempts: Row | null
  audit_events: (Row & { type: string; client: Row | null })[]
}

const exportOf = (client: Client, bearer: string) => client.call<Exported>(PATH, { bearer })

async function newPerson() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  return { client, email, tokens, bearer: tokens.access_token, userId: tokens.user.id }
}

const startExport = ({ tenant, address }: Client, bearer: string): Promise<Response> =>
  service().fetch(`${tenant.origin}${PATH}`, {
    headers: { authorization: `Bearer ${bearer}`, 'cf-connecting-ip': address },
  })

/** What a registration and a sign-in record. */
const STORY = ['session.started', 'session.started', 'user.registered']

describe('accepts', () => {
  test('answers one document to keep, with a section for each kind of thing', async () => {
    const { client, email, tokens, bearer } = await newPerson()
    const answer = await exportOf(client, bearer)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="latchkey-export.json"')
    const { body } = answer
    expect(Object.keys(body)).toEqual([
      'schema',
      'exported_at',
      'tenant',
      ...SECTIONS.map(([name]) => name),
      'audit_events',
    ])
    expect(body).toMatchObject({
      schema: 'latchkey.export.v1',
      tenant: { id: client.tenant.id, name: client.tenant.name, issuer: client.tenant.origin },
      account: { id: tokens.user.id, email, status: 'active', email_verified_at: null },
      password: { changed_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) },
      failed_attempts: null,
      sessions: [{ id: tokens.session.id, amr: ['pwd'], aal: 1 }],
      refresh_tokens: [{ session_id: tokens.session.id, used_at: null }],
    })
  })

  test('opens what the audit log has sealed of the person, and says from where the rest came to be', async () => {
    const { client, email, bearer, userId } = await newPerson()
    await client.login(email, PASSWORD, {})
    const before = (await exportOf(client, bearer)).body
    expect(before.audit_events).toEqual([])
    expect(before.pending_events?.map(({ type }) => type).toSorted()).toEqual(STORY)
    await stage().settle()
    const { body } = await exportOf(client, bearer)
    expect(body.pending_events).toEqual([])
    const network = client.address.replace(/\d+$/, '0/24')
    const events = body.audit_events.filter(({ type }) => type !== 'user.exported')
    expect(events.map(({ type }) => type).toSorted()).toEqual(STORY)
    for (const event of events)
      expect(event).toMatchObject({ actor: userId, subject: userId, client: { address: network } })
  })

  test('names in each row just what docs/export.md describes', async () => {
    const { client, email, bearer, userId } = await newPerson()
    await plantAll(client, { email, userId })
    const { body } = await exportOf(client, bearer)
    for (const [name, { members }] of SECTIONS) {
      const [row] = [body[name]].flat()
      expect(Object.keys(row ?? {}), name).toEqual(Object.keys(members))
    }
  })
})

/** The columns that the export leaves out, of each table that holds something about people, each with its reason. */
const LEFT_OUT: Record<string, Readonly<Record<string, string>>> = Object.fromEntries(
  DECLARED.flatMap(([table, data]) => ('leftOut' in data ? [[table, data.leftOut]] : [])),
)

/** Tables that are exported in a way of their own, and their partitions. */
const isElsewhere = (table: string) =>
  DECLARED.some(([name, data]) => 'apart' in data && (table === name || table.startsWith(`${name}_`)))

/** A row of each kind, beside the session that asks. */
async function plantAll(client: Client, { email, userId }: { email: string; userId: string }) {
  const { sql } = service()
  const { tenant } = client
  await stage().settle() // makes their key
  await client.signIn(email) // and this waits in the outbox
  const sessionId = crypto.randomUUID()
  await sql(
    `with other as (
       insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal)
       values ($1, $2, $3, now(), now(), '{pwd}', 1) returning id, tenant_id)
     insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
     select gen_random_uuid(), tenant_id, id, sha256(id::text::bytea), 'k1', now() from other`,
    [sessionId, tenant.id, userId],
  )
  await plantToken(service(), { tenant, purpose: 'verify_email', userId, subject: email })
  await client.plantedPasskey({ user: { id: userId } })
  await client.plantedSocial.identity({ user: { id: userId } })
  await client.plantedSocial.exchange({ user: { id: userId } })
  await client.plantedApiKey({ user: { id: userId } })
  await sql(
    `insert into mails (event_id, user_id, tenant_id, template) values (gen_random_uuid(), $1, $2, 'x')`,
    [userId, tenant.id],
  )
  await sql(
    `insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, expires_at)
     values ($2, $1::text, 'x', 'x', 'SEALED', now() + interval '1 hour')`,
    [userId, tenant.id],
  )
  await sql(
    `with challenge as (
       insert into mfa_challenges (id, tenant_id, user_id, purpose, hash, amr, is_known_browser, expires_at)
       values (gen_random_uuid(), $2, $1, 'sign_in', sha256(gen_random_uuid()::text::bytea), '{pwd}', true, now())),
     trust as (
       insert into trusted_devices (id, tenant_id, user_id, hash, device_label, country, last_used_at, expires_at)
       values (gen_random_uuid(), $2, $1, sha256(gen_random_uuid()::text::bytea), 'Chrome', 'DE', now(), now())),
     app as (
       insert into totp_factors (id, tenant_id, user_id, sealed_secret) values (gen_random_uuid(), $2, $1, 'SEALED')),
     removal as (
       insert into second_factor_removals (id, tenant_id, user_id, requested_by, reason, due_at, settled_at, outcome)
       values (gen_random_uuid(), $2, $1, $1, 'lost', now(), now(), 'removed'))
     insert into recovery_codes (id, tenant_id, user_id, sealed_hash) values (gen_random_uuid(), $2, $1, 'SEALED')`,
    [userId, tenant.id],
  )
  await sql(`insert into sign_in_failures (tenant_id, subject, consecutive_failures) values ($1, $2, 3)`, [
    tenant.id,
    createHash('sha256').update(`account\0${email}`).digest(),
  ])
  await sql(`insert into sign_in_failures (tenant_id, subject, consecutive_failures) values ($1, $2, 4)`, [
    tenant.id,
    createHash('sha256').update(`second_factor\0${userId}`).digest(),
  ])
  return sessionId
}

describe('leaves nothing out', () => {
  test('of any table that has a column for a person', async () => {
    const rows = await service().sql<{ name: string }>(
      `select distinct table_name as name from information_schema.columns
       where table_schema = 'public' and column_name in
         ('user_id', 'subject', 'actor', 'session_id', 'email', 'owner', 'holder', 'address', 'user_agent')`,
    )
    const named = rows.map(({ name }) => name).filter((name) => !isElsewhere(name))
    expect(named.toSorted()).toEqual(Object.keys(LEFT_OUT).toSorted())
  })

  test('of any column: a canary in each comes out, or the column is one of those that say why not', async () => {
    const { client, bearer, userId, tokens } = await newPerson()
    const email = `canary-${crypto.randomUUID()}@canary.example`
    await service().sql('update users set email = $2 where id = $1', [userId, email])
    const sessionId = await plantAll(client, { email, userId })
    const canaries: Record<string, string> = { 'users.email': email }
    let time = Date.UTC(2031, 0, 1)
    for (const [table, leftOut] of Object.entries(LEFT_OUT)) {
      for (const { column_name: column, data_type: type } of await columnsOf(table)) {
        if (column in leftOut || type === 'uuid' || column === 'email') continue
        const path = `${table}.${column}`
        const number = 10_000 + Object.keys(canaries).length
        time += 1000
        const [value, shown] =
          {
            text: [`canary ${path}`, `canary ${path}`],
            ARRAY: [[`canary ${path}`], `canary ${path}`],
            bytea: [Buffer.from(`canary ${path}`), Buffer.from(`canary ${path}`).toString('base64')],
            jsonb: [{ canary: path }, `"${path}"`],
            boolean: [false, `"${column}" : false`],
          }[type] ??
          (type.startsWith('timestamp')
            ? [new Date(time), new Date(time).toISOString()]
            : [number, String(number)])
        await service().sql(`update ${table} set ${column} = $1 where ${rowOf(table)}`, [
          value,
          ...(rowOf(table).includes('$2') ? [rowKey(table, { userId, sessionId, email })] : []),
        ])
        canaries[path] = shown as string
      }
    }
    expect(Object.keys(canaries).length).toBeGreaterThan(50)
    const text = await (await startExport(client, bearer)).text()
    const missing = Object.entries(canaries).filter(([, canary]) => !text.includes(canary))
    expect(missing).toEqual([])
    for (const id of [userId, sessionId, tokens.session.id]) expect(text).toContain(id)
  })
})

const columnsOf = (table: string) =>
  service().sql<{ column_name: string; data_type: string }>(
    `select column_name, data_type from information_schema.columns
     where table_schema = 'public' and table_name = $1`,
    [table],
  )

/** Which row of a table the canaries are written into. */
const rowOf = (table: string) =>
  ({
    users: 'id = $2',
    sessions: 'id = $2',
    refresh_tokens: 'session_id = $2',
    events: `id = (select id from events where subject = $2 and dispatched_at is null limit 1)`,
    idempotency_keys: 'actor = $2',
    sign_in_failures: 'subject = $2',
  })[table] ?? 'user_id = $2'

function rowKey(table: string, { userId, sessionId, email }: Record<string, string>) {
  if (table === 'sessions' || table === 'refresh_tokens') return sessionId
  if (table === 'sign_in_failures') return createHash('sha256').update(`account\0${email}`).digest()
  return userId
}

describe('gives away nothing', () => {
  test('that opens anything: no hash, no key, no sealed text', async () => {
    const { client, email, bearer, userId } = await newPerson()
    await plantAll(client, { email, userId })
    await stage().settle()
    const text = await (await startExport(client, bearer)).text()
    const secrets = await service().sql<{ secret: string }>(
      `select phc as secret from passwords where user_id = $1
       union all select encode(hash, f) from refresh_tokens join sessions on sessions.id = session_id,
         unnest(array['hex', 'base64']) f where user_id = $1
       union all select encode(hash, f) from one_time_tokens, unnest(array['hex', 'base64']) f where user_id = $1
       union all select sealed_key from person_keys where user_id = $1
       union all select personal from audit_events where subject = $1
       union all select encode(hash, 'hex') from audit_events where subject = $1
       union all select 'SEALED' union all select 'argon2' union all select '"key_id"'`,
      [userId],
    )
    expect(secrets.length).toBeGreaterThan(12)
    for (const { secret } of secrets) expect(text).not.toContain(secret)
  })

  test('about anyone else: neither their rows nor from where they acted', async () => {
    const { client, bearer, userId } = await newPerson()
    const { tokens: other } = await client.newAccount()
    await service().sql(
      `insert into events (id, tenant_id, type, subject, actor, data, client)
       values (gen_random_uuid(), $1, 'user.updated', $2, $3, '{"fields": []}', '{"city": "Elsewhere"}')`,
      [client.tenant.id, userId, other.user.id],
    )
    const waiting = (await exportOf(client, bearer)).body.pending_events ?? []
    expect(waiting.find(({ actor }) => actor === other.user.id)).toMatchObject({ client: null })
    await stage().settle()
    const { body } = await exportOf(client, bearer)
    expect(JSON.stringify(body)).not.toContain(other.session.id)
    const about = body.audit_events.filter(({ actor }) => actor === other.user.id)
    expect(about).toMatchObject([{ type: 'user.updated', subject: userId, client: null }])
    const theirs = (await exportOf(client, other.access_token)).body.audit_events
    expect(theirs.find(({ subject }) => subject === userId)).toMatchObject({ client: { city: 'Elsewhere' } })
  })
})

describe('refuses', () => {
  test('a sign-in that is older than ten minutes (RFC 9470)', async () => {
    const { client, tokens } = await newPerson()
    const old = await ageSignIn(service(), client, tokens)
    expectProblem(await exportOf(client, old.access_token), 'insufficient_user_authentication')
  })

  test('what it cannot read to the end: the audit log is down', async () => {
    const { client, bearer } = await newPerson()
    service().gates.audit.set('refusing')
    expectProblem(await exportOf(client, bearer), 'upstream_unavailable')
  })
})

/** Rows of the audit log about a person, in no chain, one a second before now. */
const fillAudit = (client: Client, { user }: Pick<Tokens, 'user'>, rows: number, padding = 0) =>
  service().sql(
    `insert into audit_events (id, occurred_at, tenant_id, sequence, type, actor, subject, data, previous_hash, hash)
     select gen_random_uuid(), date_trunc('milliseconds', now()) - make_interval(secs => n / 7), $1, n, 'x',
       case when n % 3 > 0 then $2::uuid end, case when n % 3 < 2 then $2::uuid end,
       jsonb_build_object('n', n, 'padding', repeat('x', $4::int)), sha256('a'), sha256('b')
     from generate_series(1, $3) n`,
    [client.tenant.id, user.id, rows, padding],
  )

const numbersOf = ({ audit_events }: Exported) => audit_events.map(({ data }) => (data as { n: number }).n)

describe('a long export', () => {
  afterEach(() => service().sql(`delete from audit_events where type = 'x'`))

  test.each([499, 500, 501, 1000])('has each of %i rows once, oldest first', async (count) => {
    const { client, tokens, bearer } = await newPerson()
    await fillAudit(client, tokens, count)
    const { body } = await exportOf(client, bearer)
    const numbers = numbersOf(body)
    expect(numbers.toSorted((one, other) => one - other)).toEqual(
      Array.from({ length: count }, (_, n) => n + 1),
    )
    const times = body.audit_events.map(({ occurred_at }) => String(occurred_at))
    expect(times).toEqual(times.toSorted())
  })

  test('has every session and token of more than a page', async () => {
    const { client, tokens, bearer, userId } = await newPerson()
    await service().sql(
      `insert into refresh_tokens (id, tenant_id, session_id, hash, key_id, expires_at)
       select gen_random_uuid(), $1, $2, sha256(gen_random_uuid()::text::bytea), 'k1', now() from generate_series(1, 1234)`,
      [client.tenant.id, tokens.session.id],
    )
    await service().sql(
      `insert into sessions (id, tenant_id, user_id, expires_at, idle_expires_at, amr, aal)
       select gen_random_uuid(), $1, $2, now(), now(), '{pwd}', 1 from generate_series(1, 1000)`,
      [client.tenant.id, userId],
    )
    const { body } = await exportOf(client, bearer)
    expect(new Set(body.sessions?.map(({ id }) => id)).size).toBe(1001)
    expect(body.refresh_tokens).toHaveLength(1235)
  })

  test('of 100,000 rows is neither cut off nor all in memory at once', async () => {
    const { client, tokens, bearer } = await newPerson()
    await fillAudit(client, tokens, 100_000)
    await service().sql('analyze audit_events') // as autovacuum does
    service().gates.audit.set('open')
    const answer = await startExport(client, bearer)
    const document = JSON.parse(await answer.text()) as Exported
    expect(new Set(numbersOf(document)).size).toBe(100_000)
    expect(document.audit_events).toHaveLength(100_000)
    expect(service().gates.audit.hits(), 'pages of 500').toBe(201)
  }, 120_000)

  test.each(['refusing', 'cut'] as const)(
    'that loses the database in the middle (%s) is cut, and is no JSON',
    async (mode) => {
      const { client, tokens, bearer } = await newPerson()
      await fillAudit(client, tokens, 1500)
      service().gates.audit.set(mode, {
        when: (body) => body.includes('union all') && !body.includes('-infinity'),
      })
      const answer = await startExport(client, bearer)
      expect(answer.status, 'the first page was there').toBe(200)
      await expect(answer.text()).rejects.toThrow()
      await vi.waitFor(() => expect(service().logs().join('\n')).toContain('export of a person cut'))
    },
  )

  test('reads no further than its caller does', async () => {
    const { client, tokens, bearer } = await newPerson()
    await fillAudit(client, tokens, 20_000, 4000) // 80 MB, more than all the buffers on the way hold
    service().gates.audit.set('open')
    const answer = await startUnread(service(), client, PATH, { authorization: `Bearer ${bearer}` })
    await expectHeldBack(service(), answer)
  })
})
