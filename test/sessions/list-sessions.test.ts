import { describe, expect, test } from 'vitest'
import { createClient, newClient, PASSWORD } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, { method: 'GET', path: '/v1/sessions', allow: 'GET, HEAD, DELETE', caller: 'bearer' })

const CHROME =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36'

async function newAccount() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return { client, email, tokens, bearer: tokens.access_token }
}

describe('accepts', () => {
  test('lists where the caller is signed in, newest first, and which one asks', async () => {
    const { client, email, tokens, bearer } = await newAccount()
    const second = await client.signIn(email)
    const third = await client.signIn(email)
    const answer = await client.listSessions(bearer)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.body.next_cursor).toBeNull()
    expect(answer.body.data.map(({ id, current }) => [id, current])).toEqual([
      [third.session.id, false],
      [second.session.id, false],
      [tokens.session.id, true],
    ])
  })

  test('tells device and network, and no more of the address than that', async () => {
    const { client, email, bearer } = await newAccount()
    const v6 = createClient(service(), client.tenant, '2001:db8:1234:5678::9')
    for (const caller of [createClient(service(), client.tenant, '203.0.113.77'), v6])
      await caller.call('/v1/login', {
        json: { email, password: PASSWORD },
        headers: { 'user-agent': CHROME },
      })
    const { body } = await client.listSessions(bearer)
    const [newest, older] = body.data
    expect(newest).toMatchObject({
      address: '2001:db8:1234::/48',
      device: 'Chrome on macOS',
      user_agent: CHROME,
    })
    expect(older).toMatchObject({ address: '203.0.113.0/24', methods: ['pwd'] })
    expect(JSON.stringify(body)).not.toContain('203.0.113.77')
  })

  test('shows when a session was last used, which a refresh moves', async () => {
    const { client, tokens } = await newAccount()
    await service().sql("update sessions set last_used_at = now() - interval '1 hour' where id = $1", [
      tokens.session.id,
    ])
    const before = (await client.listSessions(tokens.access_token)).body.data[0]
    await client.refresh(tokens.refresh_token)
    const after = (await client.listSessions(tokens.access_token)).body.data[0]
    expect(Date.parse(after?.last_used_at ?? '') - Date.parse(before?.last_used_at ?? '')).toBeGreaterThan(
      3_000_000,
    )
    expect(after?.expires_at).toBe(tokens.session.expires_at)
  })

  test('goes through the pages of a cursor: every session once, in order', async () => {
    const { client, email, bearer } = await newAccount()
    for (let time = 0; time < 4; time++) await client.signIn(email)
    const all = (await client.listSessions(bearer)).body.data.map(({ id }) => id)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const query: string = cursor === '' ? '?limit=2' : `?limit=2&cursor=${encodeURIComponent(cursor)}`
      const { status, body } = await client.listSessions(bearer, query)
      expect(status).toBe(200)
      expect(body.data.length).toBeLessThanOrEqual(2)
      seen.push(...body.data.map(({ id }) => id))
      cursor = body.next_cursor
    }
    expect(seen).toEqual(all)
    expect(seen).toHaveLength(5)
  })

  test('leaves out what is over: revoked, idle for too long, past its end', async () => {
    const { client, email, tokens, bearer } = await newAccount()
    const over = [
      'revoked_at = now()',
      "idle_expires_at = now() - interval '1 s'",
      "expires_at = now() - interval '1 s'",
    ]
    for (const change of over) {
      const { session } = await client.signIn(email)
      await service().sql(`update sessions set ${change} where id = $1`, [session.id])
    }
    const { body } = await client.listSessions(bearer)
    expect(body.data.map(({ id }) => id)).toEqual([tokens.session.id])
  })
})

describe('refuses', () => {
  test('a page size that is not between 1 and 100', async () => {
    const { client, bearer } = await newAccount()
    for (const limit of ['0', '101', '-1', '1.5', 'x', '', '1e2', '1000000'])
      expectInvalidInput(await client.listSessions(bearer, `?limit=${limit}`), { '/limit': 'out_of_range' })
    expect((await client.listSessions(bearer, '?limit=100')).status).toBe(200)
  })

  test('parameters that it does not know, or that are sent twice', async () => {
    const { client, bearer } = await newAccount()
    const unknown = await client.listSessions(bearer, '?user_id=someone')
    expectInvalidInput(unknown, { '/user_id': 'unknown_field' })
    expectInvalidInput(await client.listSessions(bearer, '?limit=1&limit=2'), { '/limit': 'repeated' })
  })

  test('a cursor that was made up, cut, or taken from another host', async () => {
    const { client, email, bearer } = await newAccount()
    await client.signIn(email)
    const { body } = await client.listSessions(bearer, '?limit=1')
    const cursor = body.next_cursor ?? ''
    const other = await newAccount()
    const elsewhere = await other.client.listSessions(other.bearer, `?cursor=${encodeURIComponent(cursor)}`)
    expectInvalidInput(elsewhere, { '/cursor': 'invalid_cursor' })
    for (const forged of ['x', cursor.slice(0, -1), cursor.replace('k1', 'k9'), '', 'a'.repeat(201)]) {
      const answer = await client.listSessions(bearer, `?cursor=${encodeURIComponent(forged)}`)
      expectInvalidInput(answer, { '/cursor': 'invalid_cursor' })
    }
  })
})

describe('attacks', () => {
  test("no one sees anyone else's sessions, not with their cursor either (CASES B09)", async () => {
    const { client, email, tokens } = await newAccount()
    await client.signIn(email)
    const cursor = (await client.listSessions(tokens.access_token, '?limit=1')).body.next_cursor ?? ''
    const { tokens: others } = await client.signUp()
    for (const query of ['', `?cursor=${encodeURIComponent(cursor)}`]) {
      const { body } = await client.listSessions(others.access_token, query)
      const foreign = body.data.filter(({ id }) => id !== others.session.id)
      expect(foreign).toEqual([])
    }
  })

  test('an entry has exactly the fields of the contract: no hash, no token, no user', async () => {
    const { client, bearer } = await newAccount()
    const { body } = await client.listSessions(bearer)
    expect(Object.keys(body.data[0] ?? {}).sort()).toEqual(
      [
        ...['id', 'created_at', 'last_used_at', 'expires_at', 'address', 'country', 'city', 'network'],
        ...['user_agent', 'device', 'methods', 'current'],
      ].sort(),
    )
  })

  test('a hostile User-Agent comes back as text without control characters', async () => {
    const { client, email, bearer } = await newAccount()
    const hostile = `<script>alert(1)</script>\t${'x'.repeat(1000)}`
    await client.call('/v1/login', {
      json: { email, password: PASSWORD },
      headers: { 'user-agent': hostile },
    })
    const answer = await client.listSessions(bearer)
    expect(answer.body.data[0]?.user_agent).toMatch(/^<script>alert\(1\)<\/script>x+$/)
    expect(answer.body.data[0]?.user_agent).toHaveLength(512)
    expect(answer.headers.get('content-type')).toContain('application/json')
  })
})
