import { afterEach, describe, expect, test, vi } from 'vitest'
import { fillAudit, readAll, readAudit } from '../support/audit.ts'
import { type Client, createClient, newClient, PASSWORD } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'

const stage = useStage()
const service = () => stage().service

afterEach(() => stage().queue.take())

everyRoute(service, {
  method: 'GET',
  path: '/v1/admin/audit-events',
  allow: 'GET, HEAD',
  caller: 'bearer',
})

const CHROME = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36'

/** A tenant with an administrator, whose log begins empty. */
async function newOffice() {
  const client = await newClient(service())
  const { tokens } = await client.newAdmin()
  await stage().settle()
  await service().sql('delete from audit_events where tenant_id = $1', [client.tenant.id])
  return { client, tokens, bearer: tokens.access_token }
}

/** A tenant with an administrator and two people, who came from two networks and signed in once more. */
async function newTown() {
  const { client, tokens, bearer } = await newOffice()
  const ada = createClient(service(), client.tenant, '203.0.113.77')
  const bob = createClient(service(), client.tenant, '2001:db8:1234:5678::9')
  const people = { ada: await ada.newAccount(), bob: await bob.newAccount() }
  const signIn = { json: { email: people.ada.email, password: PASSWORD }, headers: { 'user-agent': CHROME } }
  const again = await ada.call<{ session: { id: string } }>('/v1/login', signIn)
  await settle(client, 5)
  return { client, tokens, bearer, ...people, again: again.body.session.id }
}

async function settle(client: Client, rows: number) {
  await vi.waitFor(async () => {
    await stage().settle()
    expect(await stage().audited(client.tenant)).toHaveLength(rows)
  }, 60_000)
}

describe('accepts', () => {
  test('lists what happened, newest first, with what is personal opened', async () => {
    const { client, bearer, ada, again } = await newTown()
    const answer = await readAudit(client, bearer)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.trips).toEqual({ redis: 1, postgres: 3 })
    const { data, next_cursor } = answer.body
    expect(next_cursor).toBeNull()
    expect(data).toHaveLength(5)
    expect(data[0]).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'session.started',
      occurred_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      actor: ada.tokens.user.id,
      api_key_id: null,
      subject: ada.tokens.user.id,
      session_ids: [again],
      data: { session_id: again, amr: ['pwd'], new_device: true },
      address: '203.0.113.0/24',
      country: data[0]?.country,
      city: data[0]?.city,
      network: data[0]?.network,
      user_agent: CHROME,
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      sequence: expect.any(Number),
    })
    const times = data.map(({ occurred_at }) => occurred_at)
    expect(times).toEqual(times.toSorted().toReversed())
  })

  test('finds by type, by all types that begin alike, by who did it, whom it was about and which session', async () => {
    const { client, bearer, ada, bob, again } = await newTown()
    const find = async (filters: Record<string, string>) =>
      (await readAudit(client, bearer, filters)).body.data.map(({ type, subject }) => [type, subject])
    const [adas, bobs] = [ada.tokens.user.id, bob.tokens.user.id]
    expect(await find({ type: 'user.registered', subject: adas })).toEqual([['user.registered', adas]])
    expect(await find({ type: 'session.*', subject: bobs })).toEqual([['session.started', bobs]])
    expect(await find({ type: 'webhook.*' })).toEqual([])
    expect(await find({ actor: bobs })).toHaveLength(2)
    expect(await find({ subject: adas })).toHaveLength(3)
    expect(await find({ session: again })).toEqual([['session.started', adas]])
    expect(await find({ subject: crypto.randomUUID() })).toEqual([])
  })

  test.each([
    ['203.0.113.77', 'ada'],
    ['203.0.113.200', 'ada'],
    ['203.0.113.0/24', 'ada'],
    ['203.0.113.64/26', 'ada'],
    ['203.0.112.0/20', 'ada'],
    ['::ffff:203.0.113.1', 'ada'],
    ['203.0.114.0/24', null],
    ['2001:db8:1234:ffff::1', 'bob'],
    ['2001:DB8:1234::/48', 'bob'],
    ['2001:db8::/32', 'bob'],
    ['2001:db8:1235::/48', null],
  ] as const)('finds by the address or the network %s', async (address, whose) => {
    const town = await newTown()
    const { data } = (await readAudit(town.client, town.bearer, { address })).body
    const expected = whose === null ? [] : [town[whose].tokens.user.id]
    expect([...new Set(data.map(({ subject }) => subject))]).toEqual(expected)
  })

  test('finds by time: from the first moment on, and until before the last', async () => {
    const { client, bearer } = await newTown()
    const all = (await readAudit(client, bearer)).body.data
    const [third, second] = [all.at(2)?.occurred_at ?? '', all.at(1)?.occurred_at ?? '']
    const from = (await readAudit(client, bearer, { from: third })).body.data
    expect(from.map(({ id }) => id)).toEqual(
      all.filter(({ occurred_at }) => occurred_at >= third).map(({ id }) => id),
    )
    const to = (await readAudit(client, bearer, { to: second })).body.data
    expect(to.map(({ id }) => id)).toEqual(
      all.filter(({ occurred_at }) => occurred_at < second).map(({ id }) => id),
    )
    const shifted = new Date(Date.parse(third) + 7_200_000).toISOString().replace('Z', '+02:00')
    expect((await readAudit(client, bearer, { from: shifted })).body.data).toEqual(from)
  })

  test('goes through the pages of a cursor: each row once, in order, whatever is added meanwhile', async () => {
    const { client, bearer } = await newOffice()
    await fillAudit(service(), client.tenant, 45)
    // Of one moment, so that the id must decide.
    await service().sql(
      `update audit_events set occurred_at = now() - interval '1 day' where tenant_id = $1`,
      [client.tenant.id],
    )
    const first = await readAudit(client, bearer)
    expect(first.body.data, 'twenty unless asked otherwise').toHaveLength(20)
    await fillAudit(service(), client.tenant, 10)
    const pages = await readAll(client, bearer, {
      limit: '7',
      to: new Date(Date.now() - 80_000_000).toISOString(),
    })
    expect(pages.map((page) => page.length)).toEqual([7, 7, 7, 7, 7, 7, 3])
    const ids = pages.flat().map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].toSorted().toReversed())
    expect(ids.slice(0, 20)).toEqual(first.body.data.map(({ id }) => id))
    const rest = await readAudit(client, bearer, { cursor: first.body.next_cursor ?? '', limit: '100' })
    expect(rest.body.data.map(({ id }) => id)).toEqual(ids.slice(20))
  })

  test('is itself in the log: who read it, in which format, by which filters, and not for what', async () => {
    const { client, bearer, tokens, ada } = await newTown()
    await readAudit(client, bearer, { subject: ada.tokens.user.id, type: 'session.*' })
    await settle(client, 6)
    const [read] = (await readAudit(client, bearer, { type: 'audit.read' })).body.data
    expect(read).toMatchObject({ actor: tokens.user.id, subject: null, address: expect.any(String) })
    expect(read?.data).toEqual({ format: 'json', filters: ['type', 'subject'] })
  })

  test('says nothing personal of an erased account, nor what a lost key sealed, and the rest as it is', async () => {
    const { client, bearer, ada } = await newTown()
    await client.login(ada.email, 'not the password')
    await client.me('no.valid.token')
    await settle(client, 7)
    await service().sql('delete from person_keys where user_id = $1', [ada.tokens.user.id])
    await service().sql(
      `update audit_events set personal = 'k0' || substr(personal, 3) where tenant_id = $1 and subject is null`,
      [client.tenant.id],
    )
    const { status, body } = await readAudit(client, bearer)
    expect(status).toBe(200)
    const nothing = {
      address: null,
      country: null,
      city: null,
      network: null,
      user_agent: null,
      request_id: null,
    }
    for (const event of body.data) {
      const isLost = event.subject === ada.tokens.user.id || event.subject === null
      if (isLost) expect(event).toMatchObject(nothing)
      else expect(event.address).toBe('2001:db8:1234::/48')
    }
    expect(body.data.map(({ type }) => type)).toContain('access.refused')
  })
})

describe('refuses', () => {
  test.each([
    [{ type: 'session' }, '/type', 'unknown_event'],
    [{ type: '*' }, '/type', 'unknown_event'],
    [{ type: 'session.*.*' }, '/type', 'unknown_event'],
    [{ type: 'toString' }, '/type', 'unknown_event'],
    [{ type: '' }, '/type', 'unknown_event'],
    [{ actor: 'x' }, '/actor', 'invalid_id'],
    [{ subject: "' or 1=1 --" }, '/subject', 'invalid_id'],
    [{ session: '{}' }, '/session', 'invalid_id'],
    [{ address: '10.0.0.256' }, '/address', 'invalid_address'],
    [{ address: '10.0.0.0/33' }, '/address', 'invalid_address'],
    [{ address: '10.0.0.0/8/8' }, '/address', 'invalid_address'],
    [{ address: '2001:db8::/129' }, '/address', 'invalid_address'],
    [{ address: 'localhost' }, '/address', 'invalid_address'],
    [{ address: '' }, '/address', 'invalid_address'],
    [{ from: 'yesterday' }, '/from', 'invalid_time'],
    [{ from: '2026-13-01T00:00:00Z' }, '/from', 'invalid_time'],
    [{ from: '2026-02-30T00:00:00Z' }, '/from', 'invalid_time'],
    [{ from: '0000-01-01T00:00:00Z' }, '/from', 'invalid_time'],
    [{ to: '2026-01-01' }, '/to', 'invalid_time'],
    [{ to: '1e9' }, '/to', 'invalid_time'],
    [{ limit: '0' }, '/limit', 'out_of_range'],
    [{ limit: '101' }, '/limit', 'out_of_range'],
    [{ tenant_id: 'x' }, '/tenant_id', 'unknown_field'],
    [{ order: 'asc' }, '/order', 'unknown_field'],
  ] as [Record<string, string>, string, string][])('%o', async (filters, pointer, code) => {
    const client = await newClient(service())
    const { tokens } = await client.newAdmin()
    expectInvalidInput(await readAudit(client, tokens.access_token, filters), { [pointer]: code })
  })

  test('a cursor of other filters, of another list or of another tenant, and what is none', async () => {
    const { client, bearer } = await newOffice()
    await fillAudit(service(), client.tenant, 5)
    const made = await readAudit(client, bearer, { type: 'session.*', limit: '1' })
    const cursor = made.body.next_cursor ?? ''
    expect((await readAudit(client, bearer, { type: 'session.*', cursor })).status).toBe(200)
    const elsewhere = await newOffice()
    await client.login((await client.newAccount()).email)
    const foreign = (await client.call<{ next_cursor: string }>('/v1/sessions?limit=1', { bearer })).body
    const attempts = [
      readAudit(client, bearer, { cursor }),
      readAudit(client, bearer, { type: 'session.started', cursor }),
      readAudit(client, bearer, { type: 'session.*', actor: crypto.randomUUID(), cursor }),
      readAudit(elsewhere.client, elsewhere.bearer, { type: 'session.*', cursor }),
      client.call(`/v1/sessions?cursor=${cursor}`, { bearer }),
      readAudit(client, bearer, { cursor: foreign.next_cursor ?? 'none' }),
      readAudit(client, bearer, { cursor: `${cursor}A`, type: 'session.*' }),
      readAudit(client, bearer, { cursor: 'k9.AAAA.AAAA' }),
      readAudit(client, bearer, { cursor: '' }),
    ]
    for (const attempt of attempts) expectInvalidInput(await attempt, { '/cursor': 'invalid_cursor' })
  })

  test('a caller who is not, or no longer, an administrator, at once', async () => {
    const { client, bearer, tokens } = await newOffice()
    const { tokens: other } = await client.newAccount()
    const { tokens: refreshed } = await (async () => ({
      tokens: (await client.refresh(tokens.refresh_token)).body,
    }))()
    expectProblem(await readAudit(client, other.access_token), 'insufficient_role')
    expect((await readAudit(client, refreshed.access_token)).status).toBe(200)
    await service().sql(`update users set roles = '{}' where id = $1`, [tokens.user.id])
    for (const token of [bearer, refreshed.access_token])
      expectProblem(await readAudit(client, token), 'insufficient_role')
  })
})

describe('attacks', () => {
  test("no filter shows another tenant's events (CASES K05)", async () => {
    const { bearer: theirs, client: foreign, ada, again } = await newTown()
    const { client, bearer } = await newOffice()
    const filters = [
      {},
      { subject: ada.tokens.user.id },
      { actor: ada.tokens.user.id },
      { session: again },
      { address: '203.0.113.0/24' },
      { type: 'user.registered' },
    ]
    for (const filter of filters) {
      expect((await readAudit(foreign, theirs, filter as Record<string, string>)).body.data).not.toEqual([])
      expect((await readAudit(client, bearer, filter as Record<string, string>)).body.data).toEqual([])
    }
  })

  test('a hostile user agent is text, and no row has more fields than the contract (CASES K10)', async () => {
    const { client, bearer } = await newOffice()
    const { email } = await client.newAccount()
    const hostile = '<img src=x onerror=alert(1)>'
    await client.call('/v1/login', {
      json: { email, password: PASSWORD },
      headers: { 'user-agent': hostile },
    })
    await settle(client, 3)
    const answer = await readAudit(client, bearer)
    expect(answer.headers.get('content-type')).toContain('application/json')
    expect(answer.body.data[0]?.user_agent).toBe(hostile)
    expect(Object.keys(answer.body.data[0] ?? {}).toSorted()).toEqual(
      [
        ...['id', 'type', 'occurred_at', 'actor', 'api_key_id', 'subject', 'session_ids', 'data', 'sequence'],
        ...['address', 'country', 'city', 'network', 'user_agent', 'request_id'],
      ].toSorted(),
    )
  })
})
