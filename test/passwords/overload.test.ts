/**
 * More passwords than an isolate can hash (CASES H11): the rest is refused at once, the same for everyone, and nothing
 * of it stays: no cookie, no failure, no account, no place taken.
 */
import http from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { failuresAt, WRONG } from '../support/attempts.ts'
import {
  type Answer,
  countBy,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
  type Tokens,
} from '../support/client.ts'
import { expectProblem, type Problem } from '../support/expect.ts'
import { FULL_COST, useService } from '../support/service.ts'

const MOST = 2
const service = useService({
  bindings: { ...FULL_COST, LIMITS_MULTIPLIER: '1000', MAX_HASHES_IN_FLIGHT: String(MOST) },
})

/** Hashes of many passwords, on a machine that others use. */
const BURST = { timeout: 120_000 }

const isShed = ({ status }: { status: number }) => status === 503

function expectShed(answer: Answer<unknown>): void {
  expectProblem(answer, 'overloaded')
  expect(answer.headers.get('retry-after')).toMatch(/^[1-5]$/)
  expect(answer.headers.getSetCookie()).toEqual([])
}

/** What a caller sees, but for what differs from request to request, and for when it was refused: before the trips or after. */
function visible({ status, headers, body }: Answer<unknown>) {
  const { request_id, ...rest } = body as Problem
  const ignored = ['x-request-id', 'server-timing', 'date', 'content-length', 'retry-after']
  return { status, body: rest, headers: [...headers].filter(([name]) => !ignored.includes(name)) }
}

describe('of 50 simultaneous sign-ins', () => {
  test('some succeed, the rest answers 503, and everything else goes on', BURST, async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const others: Promise<Answer<unknown>>[] = []
    const answers = await race(50, (index) => {
      if (index % 10 === 0) others.push(client.me(tokens.access_token), client.call('/.well-known/jwks.json'))
      return client.login(email, PASSWORD, { transport: 'cookie' })
    })
    const { 200: succeeded = 0, 503: shed = 0, ...rest } = countBy(answers, ({ status }) => status)
    expect(rest).toEqual({})
    expect(succeeded).toBeGreaterThanOrEqual(MOST)
    expect(shed).toBeGreaterThan(0)
    for (const answer of answers.filter(isShed)) expectShed(answer)
    expect(countBy(await Promise.all(others), ({ status }) => status)).toEqual({ 200: 10 })

    for (let attempt = 0; attempt <= MOST; attempt++) expect((await client.login(email)).status).toBe(200)
  })

  test('accounts and unknown addresses are refused alike, and no failure is counted', BURST, async () => {
    const client = await newClient(service())
    const { email } = await client.newAccount()
    const strangers = Array.from({ length: 25 }, newEmail)
    const answers = await race(50, (index) =>
      index % 2 === 0 ? client.login(email) : client.login(strangers[(index - 1) / 2] ?? '', WRONG),
    )
    const [known, unknown] = [0, 1].map((parity) => answers.filter((_, index) => index % 2 === parity))
    expect(new Set(known?.map(({ status }) => status))).toEqual(new Set([200, 503]))
    expect(new Set(unknown?.map(({ status }) => status))).toEqual(new Set([401, 503]))
    const [first, ...rest] = answers.filter(isShed).map(visible)
    for (const other of rest) expect(other).toEqual(first)

    for (const [index, answer] of unknown?.entries() ?? []) {
      const at = { tenant: client.tenant, email: strangers[index] ?? '' }
      expect(await failuresAt(service(), at)).toBe(isShed(answer) ? 0 : 1)
    }
    for (let attempt = 0; attempt <= MOST; attempt++)
      expectProblem(await client.login(newEmail()), 'invalid_credentials')
  })
})

describe('of 200 wrong passwords at one account, with the settings of production', () => {
  const production = useService({
    beside: service,
    bindings: {
      ...FULL_COST,
      LIMITS_MULTIPLIER: '1000',
      MAX_HASHES_IN_FLIGHT: '8',
      HASH_WAIT_MS: '250',
      REDIS_TIMEOUT_MS: '250',
      POSTGRES_TIMEOUT_MS: '2000',
      REQUEST_TIMEOUT_MS: '8000',
    },
  })

  test(
    'clients 15: two at a time are tried, the rest is refused before it asks anything, and no call is late',
    BURST,
    async () => {
      const client = createClient(production(), (await newClient(service())).tenant)
      const { email } = await client.newAccount()
      const other = await client.newAccount()
      const [answers, meanwhile] = await Promise.all([
        race(200, () => client.login(email, WRONG)),
        createClient(production(), client.tenant).login(other.email),
      ])
      const {
        401: heard = 0,
        429: delayed = 0,
        503: shed = 0,
        ...rest
      } = countBy(answers, ({ status }) => status)
      expect(rest).toEqual({})
      expect(heard).toBeGreaterThanOrEqual(1)
      expect(heard).toBeLessThanOrEqual(5)
      expect(heard + delayed + shed).toBe(200)
      for (const answer of answers.filter(isShed)) {
        expectShed(answer)
        expect(answer.trips, 'nothing was asked').toEqual({ postgres: 0, redis: 0 })
      }
      expect(await failuresAt(service(), { tenant: client.tenant, email })).toBe(heard)
      expect(meanwhile.status, 'a sign-in of another account').toBe(200)
    },
  )

  test('clients 15: registrations of one address likewise', BURST, async () => {
    const client = createClient(production(), (await newClient(service())).tenant)
    const email = newEmail()
    const answers = await race(50, () => client.register(email))
    const { 201: made, 409: taken = 0, 503: shed = 0 } = countBy(answers, ({ status }) => status)
    expect([made, taken + shed]).toEqual([1, 49])
    expect(shed).toBeGreaterThan(0)
    for (const answer of answers.filter(isShed)) expect(answer.trips).toEqual({ postgres: 0, redis: 0 })
  })

  test('clients 15: a client that hangs up at once keeps no place', BURST, async () => {
    const client = createClient(production(), (await newClient(service())).tenant)
    const { email } = await client.newAccount()
    const body = JSON.stringify({ email, password: WRONG })
    for (let attempt = 0; attempt < 4; attempt++) {
      const request = http.request(new URL('/v1/login', production().url), {
        method: 'POST',
        headers: {
          host: client.tenant.host,
          'content-type': 'application/json',
          'content-length': body.length,
        },
      })
      // Not `once`: that it hung up is no error of this test.
      const gone = new Promise((resolve) => request.on('close', resolve).on('error', resolve))
      request.end(body, () => setTimeout(() => request.destroy(), 5))
      await gone
    }
    await expect.poll(async () => (await client.login(email)).status, { timeout: 8_000 }).toBe(200)
  })
})

describe('during a burst at one account', () => {
  /** No clock decides here: a hash that yields would do so for a minute. */
  const patient = useService({
    beside: service,
    bindings: { ...FULL_COST, LIMITS_MULTIPLIER: '1000', MAX_HASHES_IN_FLIGHT: '8', HASH_WAIT_MS: '60000' },
  })
  afterEach(() => service().gates.redis.set('open'))

  test(
    'clients 15: another signs in before any password of the burst is tried, although they came last',
    BURST,
    async () => {
      const client = createClient(patient(), (await newClient(service())).tenant)
      const { email } = await client.newAccount()
      const other = await client.newAccount()
      const order: string[] = []
      const noted = (what: string) => (answer: Answer<unknown>) => order.push(`${what} ${answer.status}`)
      // All of them are under way before the first has been counted.
      service().gates.redis.set({ delayMs: 3_000 })
      await Promise.all([
        race(20, async () => noted('burst')(await client.login(email, WRONG))),
        client.login(other.email).then(noted('other')),
      ])
      expect(order.filter((what) => what !== 'burst 503')).toEqual(['other 200', 'burst 401', 'burst 401'])
    },
  )

  test('clients 15: a quarter of the places is kept for browsers that are known', BURST, async () => {
    const client = createClient(patient(), (await newClient(service())).tenant)
    const { email } = await client.newAccount()
    const signedIn = await client.login(email, PASSWORD, { transport: 'cookie' })
    const device = signedIn.headers
      .getSetCookie()
      .find((cookie) => cookie.startsWith('__Host-latchkey-device='))
      ?.split(';')[0]
    service().gates.redis.set({ delayMs: 3_000 })
    const [strangers, known] = await Promise.all([
      race(40, () => client.login(newEmail(), WRONG)),
      client.call('/v1/login', { json: { email, password: PASSWORD }, headers: { cookie: device ?? '' } }),
    ])
    expect(known.status).toBe(200)
    const { 401: heard = 0, 503: shed = 0, ...rest } = countBy(strangers, ({ status }) => status)
    expect(rest).toEqual({})
    expect(heard).toBeGreaterThan(0)
    expect(shed, 'more than there are places').toBeGreaterThanOrEqual(16)
  })
})

describe('of 50 simultaneous registrations', () => {
  test('those that are refused leave no account and no kept answer, and succeed later', BURST, async () => {
    const client = await newClient(service())
    const register = (email: string) =>
      client.call<Tokens>('/v1/register', {
        json: { email, password: PASSWORD },
        headers: { 'idempotency-key': `overload-${email}` },
      })
    const emails = Array.from({ length: 50 }, newEmail)
    const answers = await race(50, (index) => register(emails[index] ?? ''))
    const { 201: succeeded = 0, 503: shed = 0 } = countBy(answers, ({ status }) => status)
    expect(shed).toBeGreaterThan(0)
    expect(succeeded + shed).toBe(50)
    for (const answer of answers.filter(isShed)) expectShed(answer)
    const [row] = await service().sql(
      `select (select count(*)::int from users where tenant_id = $1) as users,
              (select count(*)::int from idempotency_keys where tenant_id = $1) as kept`,
      [client.tenant.id],
    )
    expect(row).toEqual({ users: succeeded, kept: succeeded })
    const refused = emails.filter((_, index) => answers[index]?.status === 503)
    for (const email of refused.slice(0, MOST + 1)) expect((await register(email)).status).toBe(201)
  })
})

describe('a place is given back', () => {
  test('by a hash that fails', async () => {
    const client = await newClient(service())
    const broken = await client.newAccount()
    const whole = await client.newAccount()
    await service().sql("update passwords set phc = 'malformed' where user_id = $1", [broken.tokens.user.id])
    for (let attempt = 0; attempt <= MOST; attempt++)
      expectProblem(await client.login(broken.email), 'internal_error')
    expect((await client.login(whole.email)).status).toBe(200)
  })

  const single = useService({
    beside: service,
    bindings: { ...FULL_COST, LIMITS_MULTIPLIER: '1000', MAX_HASHES_IN_FLIGHT: '1', ARGON2_ITERATIONS: '3' },
  })

  test('before the same request takes another: one place is enough to hash again at a higher cost', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    expect((await createClient(single(), client.tenant).login(email)).status).toBe(200)
    const [row] = await service().sql<{ phc: string }>('select phc from passwords where user_id = $1', [
      tokens.user.id,
    ])
    expect(row?.phc).toContain('t=3,')
  })
})
