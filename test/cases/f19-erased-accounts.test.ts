/**
 * FINDINGS F19: an account that is closed or erased frees its address, and who takes the address next inherits
 * nothing: no session, token, role, name, failure or past; and nothing of the old account works, whatever was in flight.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { setFailures, WRONG } from '../support/attempts.ts'
import { type Client, newClient, PASSWORD, race, type Tokens } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { expectProblem } from '../support/expect.ts'
import { runHourly } from '../support/hourly.ts'
import { PURPOSE_NAMES, REDEMPTIONS, redeem } from '../support/redemptions.ts'

const stage = useStage()
const service = () => stage().service

afterEach(() => {
  service().gates.postgres.set('open')
  stage().queue.take()
})

/** What is personal besides the address and its network; no one else's, because the tests of a file share a database. */
type Traits = { name: string; agent: string; city: string }
type Old = { client: Client; email: string; tokens: Tokens; other: Tokens; traits: Traits }

/** Someone with a past: a name, roles, sessions, failures, links, and an audit log that has all of it. */
async function newPast(settings: Record<string, unknown> = {}): Promise<Old> {
  const client = await newClient(service(), { settings })
  const { email, tokens } = await client.newAccount()
  const mark = email.slice(0, 8)
  const traits = { name: `Ada ${mark}`, agent: `Canary/${mark} (Quux)`, city: `Canaryville ${mark}` }
  await client.call('/v1/me', {
    method: 'PATCH',
    bearer: tokens.access_token,
    json: { name: traits.name, locale: 'de' },
    headers: { 'user-agent': traits.agent },
  })
  const headers = { 'user-agent': traits.agent }
  const { body: other } = await client.call<Tokens>('/v1/login', {
    json: { email, password: PASSWORD },
    headers,
  })
  await service().sql(`update users set roles = '{admin}' where id = $1`, [tokens.user.id])
  await client.plantedAccount({ roles: ['admin'] }) // the last administrator cannot leave
  await service().sql('update sessions set city = $2 where id = $1', [other.session.id, traits.city])
  await client.login(email, WRONG)
  await stage().settle()
  return { client, email, tokens, other, traits }
}

const close = ({ client, other }: Old) =>
  client.call('/v1/me', { method: 'DELETE', bearer: other.access_token })

/** Presses every link, and uses every token, that the old account ever had. */
async function expectAllDead(
  { client, tokens, other }: Old,
  links: Map<string, { token: string; cookie: string }>,
) {
  for (const { access_token, refresh_token } of [tokens, other]) {
    expectProblem(await client.refresh(refresh_token), 'invalid_grant')
    for (const [method, path] of [
      ['GET', '/v1/me'],
      ['GET', '/v1/me/export'],
      ['DELETE', '/v1/me'],
      ['GET', '/v1/sessions'],
      ['DELETE', '/v1/sessions'],
      ['GET', '/v1/admin/audit-events'],
    ] as const)
      expectProblem(await client.call(path, { method, bearer: access_token }), 'invalid_token')
  }
  for (const purpose of PURPOSE_NAMES) {
    const link = links.get(purpose)
    if (link) expect((await redeem(client, purpose, link)).status, purpose).toBeGreaterThan(399)
  }
}

async function plantLinks({ client, tokens }: Old) {
  const links = new Map<string, { token: string; cookie: string }>()
  for (const purpose of PURPOSE_NAMES.filter((one) => REDEMPTIONS[one].account === 'open'))
    links.set(purpose, await client.plant(purpose, tokens))
  return links
}

const closedMore = (userId: string) =>
  service().sql(`update users set deleted_at = deleted_at - interval '31 days' where id = $1`, [userId])

describe('who registers the address again', () => {
  test.each(['closed', 'erased'] as const)(
    'after it was %s gets a new id and inherits nothing',
    async (how) => {
      const old = await newPast()
      const { client, email, tokens } = old
      const links = await plantLinks(old)
      await setFailures(service(), { tenant: client.tenant, email }, 3)
      expect((await close(old)).status).toBe(204)
      links.set('restore_account', { cookie: '', ...(await client.mailed('restore_account', tokens)) })
      await stage().settle()
      if (how === 'erased') {
        await closedMore(tokens.user.id)
        await runHourly(service())
      }
      const { status, body: successor } = await client.register(email)
      expect(status).toBe(201)
      expect(successor.user.id).not.toBe(tokens.user.id)
      expect(successor.user).toMatchObject({ email, name: null, roles: [], email_verified: false })
      const { body: listed } = await client.listSessions(successor.access_token)
      expect(listed.data.map(({ id }) => id)).toEqual([successor.session.id])
      expectProblem(
        await client.call('/v1/admin/audit-events', { bearer: successor.access_token }),
        'insufficient_role',
      )

      // Once they have proved it; until then a link that undoes a change or a closing still gives the address back.
      await service().sql('update users set email_verified_at = now() where id = $1', [successor.user.id])
      await expectAllDead(old, links)
      const { body: exported } = await client.call<Record<string, unknown>>('/v1/me/export', {
        bearer: successor.access_token,
      })
      const text = JSON.stringify(exported)
      for (const theirs of [tokens.user.id, tokens.session.id, ...Object.values(old.traits)])
        expect(text).not.toContain(theirs)
      expect(exported).toMatchObject({ failed_attempts: null, one_time_tokens: [] })
      expect((await client.me(successor.access_token)).body.id).toBe(successor.user.id)
    },
  )

  test('50 at once get one account between them, while the old one is being erased', async () => {
    const old = await newPast({ erasure_days: 0 })
    await close(old)
    const [answers] = await Promise.all([
      race(50, () => old.client.register(old.email)),
      service().runCron('17 * * * *'),
    ])
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true)
  })
})

describe('what is in flight while an account is closed', () => {
  test.each([
    ['refreshes', (old: Old) => old.client.refresh(old.tokens.refresh_token)],
    ['sign-ins', (old: Old) => old.client.login(old.email)],
    [
      'changes of name',
      (old: Old) =>
        old.client.call('/v1/me', {
          method: 'PATCH',
          bearer: old.tokens.access_token,
          json: { name: 'Eve' },
        }),
    ],
  ] as const)(
    '50 %s leave nothing behind that works, also once it is restored',
    async (_, call) => {
      const old = await newPast()
      const { client, tokens } = old
      const answers = await race(50, (index) => (index === 25 ? close(old) : call(old)))
      expect(answers[25]?.status).toBe(204)
      for (const { status } of answers) expect(status).toBeLessThan(500)
      const given = answers.flatMap(({ body }) => (body && 'refresh_token' in body ? [body as Tokens] : []))
      // Refreshes answer one successor: asking for it fifty times would reach its limit.
      const left = [...new Map(given.map((one) => [one.refresh_token, one])).values()]
      const expectDead = () =>
        Promise.all(
          [tokens, old.other, ...left].map(async ({ access_token, refresh_token }) => {
            expectProblem(await client.me(access_token), 'invalid_token')
            expectProblem(await client.refresh(refresh_token), 'invalid_grant')
          }),
        )
      await expectDead()
      const { token } = await client.mailed('restore_account', tokens)
      expect((await client.call('/v1/me/restore', { json: { token } })).status).toBe(204)
      await expectDead()
      expect((await client.login(old.email)).status).toBeGreaterThan(399) // 50 sign-ins may have reached their limit
      expect(await service().sql('select 1 from passwords where user_id = $1', [tokens.user.id])).toEqual([])
    },
    60_000,
  )

  test('20 resets set no password that works, and no session survives them', async () => {
    const old = await newPast()
    const { client, email, tokens } = old
    const { token: reset } = await client.plant('reset_password', tokens)
    const password = 'another battery staple'
    const answers = await race(20, (index) =>
      index === 10
        ? close(old)
        : client.call('/v1/password/reset', {
            json: { token: reset, password },
            headers: { 'cf-connecting-ip': `198.51.100.${index}` },
          }),
    )
    for (const { status } of answers) expect(status).toBeLessThan(500)
    // A reset that came first ends the session that was about to close the account.
    if (answers[10]?.status !== 204) {
      const again = (await client.login(email, password)).body
      expect((await client.call('/v1/me', { method: 'DELETE', bearer: again.access_token })).status).toBe(204)
    }
    for (const one of [PASSWORD, password])
      expectProblem(await client.login(email, one), 'invalid_credentials')
    const { token } = await client.mailed('restore_account', tokens)
    expect((await client.call('/v1/me/restore', { json: { token } })).status).toBe(204)
    for (const one of [PASSWORD, password])
      expectProblem(await client.login(email, one), 'invalid_credentials')
    const live = await service().sql('select 1 from sessions where user_id = $1 and revoked_at is null', [
      tokens.user.id,
    ])
    expect(live).toEqual([])
  })

  test('a webhook tells its receiver ids, and goes on telling them after the erasure', async () => {
    const old = await newPast()
    const { client, email, tokens } = old
    await service().sql(
      `insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
       values (gen_random_uuid(), $1, 'http://127.0.0.1:9/hook', '{*}', 'k1.AAAA.AAAA')`,
      [client.tenant.id],
    )
    await close(old)
    await stage().settle()
    await closedMore(tokens.user.id)
    await runHourly(service())
    await stage().settle()
    const deliveries = await service().sql<{ type: string; payload: string }>(
      'select type, payload from webhook_deliveries where tenant_id = $1 order by id',
      [client.tenant.id],
    )
    expect(deliveries.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['user.deleted', 'user.erased']),
    )
    const network = client.address.replace(/\d+$/, '0/24')
    for (const { payload } of deliveries) {
      expect(JSON.parse(payload).data.subject).toBe(tokens.user.id)
      for (const personal of [email, network, ...Object.values(old.traits)])
        expect(payload).not.toContain(personal)
    }
  })
})

test('after the erasure no row of any table says who it was', async () => {
  const old = await newPast()
  const { client, email, tokens } = old
  await plantLinks(old)
  const bearer = old.other.access_token
  await client.call('/v1/admin/audit-events', { bearer, headers: { 'user-agent': old.traits.agent } })
  await client.call('/v1/me/export', { bearer, headers: { 'user-agent': old.traits.agent } })
  await client.call('/v1/password/forgot', { json: { email }, headers: { 'user-agent': old.traits.agent } })
  await close(old)
  await stage().settle()
  const network = client.address.replace(/\d+$/, '0/24')
  const personal = [email, network, ...Object.values(old.traits)]
  const dump = await dumpAll()
  for (const what of personal) expect(holders(dump, what), `${what} is there before`).not.toEqual([])
  await closedMore(tokens.user.id)
  await runHourly(service())
  await stage().settle()
  const after = await dumpAll()
  for (const what of personal) expect(holders(after, what), what).toEqual([])
  expect(holders(after, tokens.user.id)).toContain('users')
})

/** Every row of every table, as text; the audit log is in the same database here. */
async function dumpAll(): Promise<{ table: string; row: string }[]> {
  const tables = await service().sql<{ name: string }>(
    `select table_name as name from information_schema.tables
     where table_schema = 'public' and table_type = 'BASE TABLE'`,
  )
  const dumps: { table: string; row: string }[] = []
  for (const { name } of tables) {
    const rows = await service().sql<{ row: string }>(
      `select t::text || to_jsonb(t)::text as row from "${name}" t`,
    )
    dumps.push(...rows.map(({ row }) => ({ table: name, row })))
  }
  return dumps
}

const holders = (dump: { table: string; row: string }[], what: string) => [
  ...new Set(dump.flatMap(({ table, row }) => (row.includes(what) ? [table] : []))),
]
