/**
 * The limits of src/limits/limits.ts, against the real scripts: how many pass, whom they count together, what the answer
 * says, what Redis gets to see, and what happens without it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRedisEngine, type RedisEngine } from '../../dev/redis/engine.ts'
import { startUpstashEndpoint, type UpstashEndpoint } from '../../dev/upstash-endpoint.ts'
import { expectProblem, type Problem } from '../http/problem.ts'
import {
  type Answer,
  type Client,
  countBy,
  createClient,
  newEmail,
  PASSWORD,
  race,
  randomAddress,
} from '../support/client.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { type Service, startService, type TestTenant } from '../support/service.ts'
import { plantSession } from './plant.ts'

let engine: RedisEngine
let redis: UpstashEndpoint
let service: Service
let tenant: TestTenant
let client: Client

/** Many requests at once on a machine that others use: here it is counted, not timed. */
const PATIENT = { REDIS_TIMEOUT_MS: '60000', POSTGRES_TIMEOUT_MS: '60000', REQUEST_TIMEOUT_MS: '60000' }

beforeAll(async () => {
  engine = await createRedisEngine()
  redis = await startUpstashEndpoint({ engine, token: 'local' })
  service = await startService({ bindings: { UPSTASH_REDIS_REST_URL: redis.url, ...PATIENT } })
  tenant = await service.newTenant()
  client = createClient(service, tenant)
})
afterAll(async () => {
  await service.stop()
  await redis.stop()
})

type Outcome = Answer<Partial<Problem>>

/**
 * Runs `attempt` inside one window of the limit: windows are aligned to the clock, and one that begins in the middle
 * would let more pass. `attempt` must choose a new subject each time it is called.
 */
async function inOneWindow<T>(seconds: number, attempt: () => Promise<T>): Promise<T> {
  const window = () => Math.floor(Date.now() / 1000 / seconds)
  for (;;) {
    const begun = window()
    const result = await attempt()
    if (window() === begun) return result
  }
}

const statuses = (answers: { status: number }[]) => countBy(answers, ({ status }) => status)

/**
 * Makes the one bucket that `first` begins `count` fuller, as if that many requests had passed: to hash a hundred
 * passwords proves no more than to hash twenty.
 */
async function fill(bucket: string, count: number, first: () => Promise<unknown>): Promise<void> {
  const keys = async () => (await engine.exec(['KEYS', `lk:limit:${bucket}:*`])) as string[]
  const before = await keys()
  await first()
  const begun = (await keys()).filter((key) => !before.includes(key))
  expect(begun).toHaveLength(1)
  await engine.exec(['INCRBY', String(begun[0]), String(count)])
}

/** Stopped by the policy, before anything is hashed: what passes the limit costs next to nothing. */
const TOO_SHORT = 'short'

/** A sign-up that the limit lets pass and the policy refuses. */
const tryToRegister = (address: string, headers: Record<string, string> = {}) =>
  createClient(service, tenant, address).call<Partial<Problem>>('/v1/register', {
    json: { email: newEmail(), password: TOO_SHORT },
    headers,
  })

const SPOOFED = [
  'x-forwarded-for',
  'forwarded',
  'true-client-ip',
  'x-real-ip',
  'x-client-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'fastly-client-ip',
  'x-cluster-client-ip',
]
const spoof = (index: number) =>
  Object.fromEntries(
    SPOOFED.map((name) => [name, name === 'forwarded' ? `for=10.0.0.${index}` : `10.0.0.${index}`]),
  )

describe('register: 100 an hour for an address', () => {
  it('H01 H03 lets exactly 100 of 120 simultaneous ones pass, whatever headers claim another address', async () => {
    const answers = await inOneWindow(3600, async () => {
      const address = randomAddress()
      return race(120, (index) => tryToRegister(address, spoof(index)))
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 20 })
    for (const answer of answers.filter(({ status }) => status === 429))
      expectRateLimited(answer, 'address', 100, 3600)
  })

  it('counts a thousand addresses of one IPv6 /64 as one, and the next /64 as another', async () => {
    const answers = await inOneWindow(3600, async () => {
      const network = `2001:db8:${randomHextet()}:${randomHextet()}`
      const passed = []
      for (let wave = 0; wave < 10; wave++) {
        const address = (index: number) => `${network}:${wave.toString(16)}::${index.toString(16)}`
        passed.push(...(await race(100, (index) => tryToRegister(address(index)))))
      }
      return passed
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 900 })
    expect((await tryToRegister(`2001:db8:${randomHextet()}:${randomHextet()}::1`)).status).toBe(422)
  })

  it('counts IPv4 in its IPv6 form as the same address', async () => {
    const answers = await inOneWindow(3600, async () => {
      const address = randomAddress()
      const hex = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))
      const spellings = [address, `::ffff:${address}`, `::FFFF:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`]
      return race(105, (index) => tryToRegister(spellings[index % 3] ?? address))
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 5 })
  })

  it('H02 counts everybody without a usable address in one bucket, not in none', async () => {
    // Once per window and service, because it is one bucket: the next window cannot be reached by another subject.
    const answers = await race(120, (index) =>
      tryToRegister(['unknown', 'x', '1.2.3', `::${'z'.repeat(index)}`][index % 4] ?? 'x'),
    )
    expect(statuses(answers)[422]).toBeLessThanOrEqual(101)
    expect(statuses(answers)[429]).toBeGreaterThanOrEqual(19)
  })

  it('hides nothing else behind a limit: reading keys and signing out go on', async () => {
    const address = randomAddress()
    await inOneWindow(3600, () => race(101, () => tryToRegister(address)))
    const limited = createClient(service, tenant, address)
    expect((await limited.call('/.well-known/jwks.json')).status).toBe(200)
    const { tokens } = await client.newAccount()
    expect((await limited.call('/v1/logout', { json: { refresh_token: tokens.refresh_token } })).status).toBe(
      204,
    )
  })
})

describe('login: 100 a quarter of an hour for an account, 100 a minute for an address', () => {
  it('H03 H05 lets exactly 100 guesses at one account pass, from anywhere, in any spelling, 40 of them at once', async () => {
    const { email, answers } = await inOneWindow(900, async () => {
      const email = `limit-${newEmail()}`
      const guess = (index: number) =>
        createClient(service, tenant).login(index % 2 ? email : email.toUpperCase(), `wrong ${index}`)
      await fill('login:account', 79, () => guess(0))
      return { email, answers: (await race(40, guess)) as unknown as Outcome[] }
    })
    expect(statuses(answers)).toEqual({ 401: 20, 429: 20 })
    for (const answer of answers.filter(({ status }) => status === 429))
      expectRateLimited(answer, 'account', 100, 900)
    expect((await client.login(email)).status).toBe(429)
    expect((await client.login(newEmail())).status).toBe(401) // somebody else is not concerned
  })

  it('lets exactly 100 guesses from one address pass, at as many accounts, and does no work for the rest', async () => {
    const answers = await inOneWindow(60, async () => {
      const one = createClient(service, tenant)
      await fill('login:address', 79, () => one.login(newEmail()))
      return (await race(40, () => one.login(newEmail()))) as unknown as Outcome[]
    })
    expect(statuses(answers)).toEqual({ 401: 20, 429: 20 })
    for (const answer of answers.filter(({ status }) => status === 429)) {
      expectRateLimited(answer, 'address', 100, 60)
      expect(answer.trips.postgres).toBe(1)
    }
  })
})

describe('refresh: 60 a minute for a token', () => {
  it('lets exactly 60 of 80 simultaneous ones pass, and the session lives on', {
    timeout: 60_000,
  }, async () => {
    const { answers, tokens } = await inOneWindow(60, async () => {
      const { tokens } = await client.newAccount()
      const answers = await race(80, () => createClient(service, tenant).refresh(tokens.refresh_token))
      return { answers: answers as unknown as Outcome[], tokens }
    })
    expect(statuses(answers)).toEqual({ 200: 60, 429: 20 })
    for (const answer of answers.filter(({ status }) => status === 429))
      expectRateLimited(answer, 'token', 60, 60)
    expect((await client.call('/v1/me', { bearer: tokens.access_token })).status).toBe(200)
  })
})

it('keeps no e-mail, address, host or token in Redis, neither in a key nor in a value', async () => {
  const seen = createClient(service, tenant, '203.0.113.77')
  const { email, tokens } = await seen.newAccount()
  await seen.login(email.toUpperCase())
  await seen.refresh(tokens.refresh_token)
  await createClient(service, tenant, '2001:db8:77:88::99').login(email)
  const everything = engine.snapshot()
  expect(everything).toContain('lk:limit:login:account:')
  expect(everything).toContain('lk:limit:refresh:token:')
  const secrets = [
    email,
    email.split('@')[0],
    'example.com',
    '203.0.113',
    '2001:db8',
    tokens.refresh_token,
    tokens.refresh_token.slice(4),
    tokens.user.id,
    tenant.host,
    PASSWORD,
  ]
  for (const secret of secrets) expect(everything.toLowerCase()).not.toContain(String(secret).toLowerCase())
  const keys = (await engine.exec(['KEYS', '*'])) as string[]
  for (const key of keys)
    expect(key).toMatch(/^lk:limit:(register|login|refresh):(address|account|token):[\w-]{22}:\d+$/)
  for (const key of keys) expect(await engine.exec(['TTL', key])).toBeGreaterThan(0) // nothing stays for ever
})

describe('without Redis', () => {
  it('goes on refreshing, and closes sign-in and sign-up with 503', async () => {
    const down = await startService({ bindings: { UPSTASH_REDIS_REST_URL: 'http://127.0.0.1:9' } })
    try {
      await expectClosed(down)
    } finally {
      await down.stop()
    }
  })

  it('does so too when Redis answers, but refuses', async () => {
    const refused = await startService({
      bindings: { UPSTASH_REDIS_REST_URL: redis.url, UPSTASH_REDIS_REST_TOKEN: 'canary-wrong-token' },
    })
    try {
      await expectClosed(refused)
      expect(refused.logs().join('\n')).not.toContain('canary')
    } finally {
      await refused.stop()
    }
  })
})

/** Sign-in and sign-up answer 503 and set nothing; a session that lives goes on. */
async function expectClosed(down: Service) {
  const home = createClient(down, await down.newTenant())
  for (const transport of ['token', 'cookie']) {
    const email = newEmail()
    for (const path of ['/v1/login', '/v1/register']) {
      const answer = await home.call<Problem>(path, { json: { email, password: PASSWORD, transport } })
      expect(answer).toMatchObject({ status: 503, body: { code: 'upstream_unavailable' } })
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
      expect(answer.headers.get('set-cookie')).toBeNull()
      expect(answer.headers.get('www-authenticate')).toBeNull()
    }
  }
  const refreshToken = await plantSession(down, home.tenant)
  const refreshed = await home.refresh(refreshToken)
  expect(refreshed.status).toBe(200)
  expect((await home.call('/v1/me', { bearer: refreshed.body.access_token })).status).toBe(200)
  const lines = down.logs().map((line) => JSON.parse(line))
  expect(lines).toContainEqual(
    expect.objectContaining({ limiter: 'degraded', operation: 'refresh', policy: 'open' }),
  )
  expect(lines).toContainEqual(
    expect.objectContaining({ limiter: 'degraded', operation: 'login', policy: 'closed' }),
  )
}

function expectRateLimited(
  { status, headers, body }: Outcome,
  subject: string,
  rate: number,
  seconds: number,
) {
  expect(status).toBe(429)
  expectProblem({ status, headers, body, trips: { postgres: 0, redis: 0 } }, 'rate_limited')
  const wait = Number(headers.get('retry-after'))
  expect(wait).toBeGreaterThanOrEqual(1)
  expect(wait).toBeLessThanOrEqual(seconds)
  expect(headers.get('ratelimit')).toBe(`"${subject}";r=0;t=${wait}`)
  expect(headers.get('ratelimit-policy')).toBe(`"${subject}";q=${rate};w=${seconds}`)
}

const randomHextet = () => (1 + Math.floor(Math.random() * 0xfffe)).toString(16)

it('H02 limits a request whose address header is empty or stands twice', async () => {
  for (const lines of [
    ['CF-Connecting-IP: '],
    ['CF-Connecting-IP: 198.51.100.1', 'CF-Connecting-IP: 198.51.100.2'],
  ]) {
    const body = JSON.stringify({ email: newEmail(), password: TOO_SHORT })
    const head = [`Host: ${tenant.host}`, 'Content-Type: application/json', `Content-Length: ${body.length}`]
    const before = redis.trips()
    expect(
      (await sendRaw(service, rawRequest('POST /v1/register HTTP/1.1', [...head, ...lines], body))).status,
    ).toBeOneOf([422, 429])
    expect(redis.trips()).toBeGreaterThan(before)
  }
})
