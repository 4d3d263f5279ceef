/** CASES.md group H: limits, guessing and enumeration. H08 is held by trips and statements: this machine cannot time. */
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type Answer,
  type Client,
  countBy,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
  randomAddress,
} from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { rawRequest, sendRaw, sendUnfinished } from '../support/raw.ts'
import { useService } from '../support/service.ts'
import { inOneWindow } from '../support/windows.ts'

const service = useService()
const crowded = useService({ beside: service, bindings: { MAX_HASHES_IN_FLIGHT: '4' } })
let client: Client

beforeAll(async () => {
  client = await newClient(service())
})
afterEach(() => service().gates.redis.set('open'))

/** A registration that the limit lets pass and the policy refuses before it is hashed: 422, or 429. */
const cheap = (address: string, path = '/v1/register', headers: Record<string, string> = {}) =>
  createClient(service(), client.tenant, address).call(path, {
    json: { email: newEmail(), password: 'short' },
    headers,
  })

/** Many times what one isolate takes on. */
const FLOOD = 80

const statuses = (answers: { status: number }[]) => countBy(answers, ({ status }) => status)
const wrong = (email: string, from = client) => from.login(email, 'not the password')

describe('limits', () => {
  test('H01 counts one address once, whatever headers name another', async () => {
    const names = ['x-forwarded-for', 'forwarded', 'true-client-ip', 'x-real-ip', 'cf-connecting-ipv6']
    const answers = await inOneWindow(3600, () => {
      const address = randomAddress()
      return race(110, (index) =>
        cheap(address, '/v1/register', { [names[index % 5] ?? '']: randomAddress() }),
      )
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 10 })
  })

  test('H02 counts a request without an address in one strict bucket, not in none', async () => {
    const garbage = ['unknown', 'x', '1.2.3', '::z', '1.2.3.4, 5.6.7.8']
    const answers = await race(30, (index) => cheap(garbage[index % 5] ?? 'x'))
    expect(statuses(answers)[422]).toBeLessThanOrEqual(20) // a tenth of an address's; a new hour may begin in between
    expect(statuses(answers)[429]).toBeGreaterThanOrEqual(10)
  })

  test('H03 lets exactly 100 of 200 simultaneous requests pass a limit of 100', async () => {
    const answers = await inOneWindow(3600, () => {
      const address = randomAddress()
      return race(200, () => cheap(address))
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 100 })
  })

  test('H04 gives another spelling of the path the same bucket, or nothing', async () => {
    await inOneWindow(3600, async () => {
      const address = randomAddress()
      await race(101, () => cheap(address))
      for (const path of ['/v1/register?x=1', '/v1/register#x'])
        expect((await cheap(address, path)).status, path).toBe(429)
      const others = ['/V1/REGISTER', '/v1/register/', '/v1/register;x', '//v1/register', '/v1/./register/x']
      for (const path of others) expect((await cheap(address, path)).status, path).toBe(404)
      expect((await cheap(address, '/v1/%72egister')).status).toBeOneOf([404, 429])
    })
  })
})

describe('guessing', () => {
  test('H05 counts every spelling of an address together', async () => {
    const { email } = await client.newAccount()
    const spellings = [email, email.toUpperCase(), email.replace('example', 'EXAMPLE')]
    for (let guess = 0; guess < 5; guess++)
      expectProblem(await wrong(spellings[guess % 3] ?? email), 'invalid_credentials')
    for (const spelling of spellings) expectProblem(await client.login(spelling), 'rate_limited')
  })

  test('H06 H07 disables the password after 100 failures, alike without an account, and nothing else', async () => {
    const { email, tokens } = await client.newAccount()
    const browser = { 'sec-fetch-site': 'same-origin' }
    const own = await client.call('/v1/login', { json: { email, password: PASSWORD }, headers: browser })
    const cookie = /__Host-latchkey-device=[^;]+/.exec(own.headers.get('set-cookie') ?? '')?.[0] ?? ''
    const [victim, stranger] = [await besiege(email), await besiege(newEmail())]
    expect(victim).toEqual(stranger)
    expect(victim.at(-1)).toBe('403 password_disabled')

    expectProblem(await client.login(email), 'password_disabled')
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
    const atHome = await client.call('/v1/login', {
      json: { email, password: PASSWORD },
      headers: { ...browser, cookie },
    })
    expect(atHome.status).toBe(200)
  })

  /** 150 wrong passwords from as many addresses; the delays are over at once. @returns what each answered */
  async function besiege(email: string): Promise<string[]> {
    const answered: string[] = []
    for (let guess = 0; guess < 14; guess++) {
      const { status, body } = await wrong(email, createClient(service(), client.tenant))
      answered.push(`${status} ${(body as { code?: string }).code}`)
      // The hundred in between would only take their time.
      const skip = guess === 8 ? 'greatest(consecutive_failures, 98)' : 'consecutive_failures'
      if (guess > 6)
        await service().sql(
          `update sign_in_failures set next_attempt_at = null, consecutive_failures = ${skip} where tenant_id = $1`,
          [client.tenant.id],
        )
    }
    return answered
  }
})

describe('enumeration', () => {
  test('H07 answers a wrong password and an unknown address byte for byte alike', async () => {
    const { email } = await client.newAccount()
    const known = await wrong(email)
    const unknown = await wrong(newEmail())
    expect(comparable(known)).toEqual(comparable(unknown))
  })

  test('H08 spends the same trips on known, unknown, disabled and delayed accounts', async () => {
    const { email } = await client.newAccount()
    const disabled = await client.newAccount()
    await service().sql("update users set status = 'disabled' where id = $1", [disabled.tokens.user.id])
    const answers = [await wrong(email), await wrong(newEmail()), await wrong(disabled.email)]
    for (const { status, trips } of answers)
      expect({ status, trips }).toEqual({ status: 401, trips: { postgres: 2, redis: 1 } })
    expectProblem(await client.login(disabled.email), 'invalid_credentials')

    const delayed = [email, newEmail()]
    for (const address of delayed) for (let guess = 0; guess < 5; guess++) await wrong(address)
    for (const address of delayed) expect((await wrong(address)).trips).toEqual({ postgres: 1, redis: 1 })
  })

  test('H09 counts nothing for the caller, and its cursors and ids tell nothing', async () => {
    const { email, tokens } = await client.newAccount()
    await client.signIn(email)
    const { body } = await client.listSessions(tokens.access_token, '?limit=1')
    expect(Object.keys(body).toSorted()).toEqual(['data', 'next_cursor'])
    expect(body.next_cursor).not.toContain(tokens.session.id)
    const elsewhere = await newClient(service())
    const stranger = (await elsewhere.newAccount()).tokens.access_token
    const stolen = `?cursor=${encodeURIComponent(body.next_cursor ?? '')}`
    expectProblem(await elsewhere.listSessions(stranger, stolen), 'invalid_input')
  })

  test('H10 answers 404 for a provider that does not exist, after one statement', async () => {
    const redirect = encodeURIComponent('https://app.example.com/')
    for (const name of [crypto.randomUUID(), 'no_slug', 'x'.repeat(500)]) {
      const answer = await client.call(`/v1/oauth/${name}/start?redirect_uri=${redirect}`)
      expectProblem(answer, 'not_found')
      expect(answer.trips.postgres, name).toBeLessThanOrEqual(1)
    }
  })
})

describe('floods', () => {
  test('H11 refuses a password of a megabyte before anything is asked or hashed', async () => {
    const lines = [
      `Host: ${client.tenant.host}`,
      'Content-Type: application/json',
      `Content-Length: ${1024 * 1024}`,
    ]
    const begun = `{"email":"${newEmail()}","password":"xxxxxxxx`
    // Never sent whole: the answer comes all the same, and no client that still writes can lose it.
    expect(await sendUnfinished(service().url, rawRequest('POST /v1/login HTTP/1.1', lines, begun))).toBe(413)
    await vi.waitFor(() => {
      const last = JSON.parse(service().logs().at(-1) ?? '{}')
      expect(last).toMatchObject({ code: 'payload_too_large', postgres_trips: 0, redis_trips: 0 })
    })
  })

  test('H11 sheds a flood of sign-ins with 503, and answers others meanwhile', {
    timeout: 90_000,
  }, async () => {
    const { email, tokens } = await client.newAccount()
    const guests = await Promise.all(
      Array.from({ length: FLOOD }, () => createClient(crowded(), client.tenant)),
    )
    const [answers, keys, me] = await Promise.all([
      race(FLOOD, (index) => (guests[index] ?? client).login(newEmail())),
      createClient(crowded(), client.tenant).call('/.well-known/jwks.json'),
      createClient(crowded(), client.tenant).me(tokens.access_token),
    ])
    expect([keys.status, me.status]).toEqual([200, 200])
    const { 401: heard = 0, 503: shed = 0 } = statuses(answers)
    expect(heard + shed).toBe(FLOOD)
    expect(shed).toBeGreaterThan(0)
    for (const answer of answers.filter(({ status }) => status === 503)) expectProblem(answer, 'overloaded')
    expect((await createClient(crowded(), client.tenant).login(email)).status).toBe(200)
  })

  test("H12 leaves what belongs to someone else alone: sessions, and the answer that waits for its owner's retry", async () => {
    const { tokens } = await client.newAccount()
    const key = crypto.randomUUID()
    const register = (json: object) =>
      client.call('/v1/register', { json, headers: { 'idempotency-key': key } })
    const own = { email: newEmail(), password: PASSWORD }
    const first = await register(own)
    const stranger = createClient(service(), client.tenant)
    const squat = { json: { email: newEmail(), password: PASSWORD }, headers: { 'idempotency-key': key } }
    expectProblem(await stranger.call('/v1/register', squat), 'idempotency_key_reused')
    await stranger.logout(`lkr_${'A'.repeat(43)}`)
    expect((await register(own)).body).toEqual(first.body)
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })

  test('H13 answers a preflight with 64 KB of header names, or refuses it, and goes on', async () => {
    const huge = Array.from({ length: 8000 }, (_, index) => `x-h${index}`).join(',')
    const head = [
      `Host: ${client.tenant.host}`,
      'Origin: https://evil.example',
      'Access-Control-Request-Method: POST',
      `Access-Control-Request-Headers: ${huge}`,
    ]
    const answer = await sendRaw(service(), rawRequest('OPTIONS /v1/login HTTP/1.1', head))
    expect(answer.status).toBeOneOf([403, 413, 431])
    expect((await client.call('/healthz')).status).toBe(200)
  })

  test('H14 refuses hostile addresses without work that grows with them', async () => {
    const hostile = [
      `a@${'(a+)+'.repeat(30)}`,
      '@'.repeat(200),
      `${'a.'.repeat(100)}@example.com`,
      `a@${'a-'.repeat(100)}.com`,
      `a@${'a.'.repeat(120)}`,
    ]
    for (const email of hostile) {
      const answer = await client.login(email)
      expectProblem(answer, 'invalid_input')
      expect(answer.trips).toEqual({ postgres: 0, redis: 0 })
    }
  })
})

/** What two answers may not differ in. */
function comparable({ status, headers, body }: Answer<unknown>) {
  const ownOfEachRequest = ['date', 'x-request-id', 'server-timing']
  const kept = [...headers].filter(([name]) => !ownOfEachRequest.includes(name))
  return { status, headers: kept, body: { ...(body as object), request_id: '' } }
}
