/**
 * FINDINGS F04: nothing of a client or a setting outlives its request. Both requests of a test run in one isolate, where
 * anything kept at module level would be met again; what leaves the Worker is observed and not changed.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Bindings } from '../../src/bindings.ts'
import app from '../../src/index.ts'
import { readSettings, type Secret } from '../../src/settings.ts'

/** Nothing listens on these: each call fails at once, which is all that these tests need. */
const FIRST_PORT = 1
const SECOND_PORT = 2

const keyOf = (byte: number) => btoa(String.fromCharCode(...new Uint8Array(32).fill(byte)))

const bindings: Bindings = {
  ENVIRONMENT: 'local',
  DATABASE_URL: `postgresql://latchkey:first@127.0.0.1:${FIRST_PORT}/first`,
  UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${FIRST_PORT}`,
  UPSTASH_REDIS_REST_TOKEN: 'first',
  AUTH_KEYS: `k1:${keyOf(1)}`,
  SIGNING_SEAL_KEYS: `s1:${keyOf(2)}`,
  SERVER_TIMING: 'on',
}

type Outgoing = { url: string; headers: Headers; body: string }
let outgoing: Outgoing[] = []

beforeEach(() => {
  outgoing = []
  const original = globalThis.fetch
  vi.spyOn(globalThis, 'fetch').mockImplementation((input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    outgoing.push({ url, headers: new Headers(init?.headers), body: String(init?.body ?? '') })
    return original(input, init)
  })
})

afterEach(() => {
  vi.restoreAllMocks()
})

const login = () =>
  new Request('http://tenant.test/v1/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'cf-connecting-ip': '203.0.113.7' },
    body: JSON.stringify({ email: 'someone@example.com', password: 'correct horse battery' }),
  })

/** What one request sent out, and its answer. */
async function send(request: Request, env: Bindings) {
  outgoing = []
  const ctx = createExecutionContext()
  const response = await app.fetch(request, env, ctx)
  await waitOnExecutionContext(ctx)
  const body: { code?: string } = await response.json()
  return {
    status: response.status,
    code: body.code,
    postgres: outgoing.find(({ url }) => url.endsWith('/sql')),
    redis: outgoing.find(({ url }) => !url.endsWith('/sql')),
  }
}

/** Without the name of itself that the driver adds. */
const connectionString = ({ postgres }: Awaited<ReturnType<typeof send>>) =>
  postgres?.headers.get('neon-connection-string')?.replace(/\?application_name=.*$/, '')

describe('two requests in one isolate', () => {
  test('a changed connection string is used by the next request, host, password and database', async () => {
    const first = await send(login(), bindings)
    const moved = `postgresql://latchkey:second@127.0.0.1:${SECOND_PORT}/second`
    const second = await send(login(), { ...bindings, DATABASE_URL: moved })
    expect(first.postgres?.url).toBe(`http://127.0.0.1:${FIRST_PORT}/sql`)
    expect(connectionString(first)).toBe(bindings.DATABASE_URL)
    expect(second.postgres?.url).toBe(`http://127.0.0.1:${SECOND_PORT}/sql`)
    expect(connectionString(second)).toBe(moved)
  })

  test('a changed Redis address and token are used by the next request', async () => {
    const first = await send(login(), bindings)
    const second = await send(login(), {
      ...bindings,
      UPSTASH_REDIS_REST_URL: `http://127.0.0.1:${SECOND_PORT}`,
      UPSTASH_REDIS_REST_TOKEN: 'second',
    })
    expect(new URL(first.redis?.url ?? '').port).toBe(String(FIRST_PORT))
    expect(first.redis?.headers.get('authorization')).toBe('Bearer first')
    expect(new URL(second.redis?.url ?? '').port).toBe(String(SECOND_PORT))
    expect(second.redis?.headers.get('authorization')).toBe('Bearer second')
  })

  test('a rotated secret is used by the next request: the same caller has another key in Redis', async () => {
    const keysOf = ({ redis }: Awaited<ReturnType<typeof send>>) =>
      [...(redis?.body ?? '').matchAll(/lk:limit:[^"]+?:([\w-]{22})/g)].map(([, subject]) => subject)
    const first = await send(login(), bindings)
    const again = await send(login(), bindings)
    const rotated = await send(login(), { ...bindings, AUTH_KEYS: `k2:${keyOf(3)},${bindings.AUTH_KEYS}` })
    expect(keysOf(first).length).toBeGreaterThan(0)
    expect(keysOf(again)).toEqual(keysOf(first))
    expect(keysOf(rotated)).not.toEqual(keysOf(first))
  })

  test('a secret that was taken away stops the next request, and one that came back lets it go on', async () => {
    const { AUTH_KEYS, ...without } = bindings
    expect((await send(login(), bindings)).code).toBe('upstream_unavailable')
    const refused = await send(login(), without)
    expect(refused).toMatchObject({
      status: 500,
      code: 'internal_error',
      postgres: undefined,
      redis: undefined,
    })
    expect((await send(login(), { ...without, ...(AUTH_KEYS && { AUTH_KEYS }) })).code).toBe(
      'upstream_unavailable',
    )
  })

  test('a deadline and a switch that changed hold for the next request', async () => {
    const health = () => new Request('http://tenant.test/healthz')
    const on = await app.fetch(health(), bindings, createExecutionContext())
    const off = await app.fetch(health(), { ...bindings, SERVER_TIMING: 'off' }, createExecutionContext())
    expect(on.headers.has('server-timing')).toBe(true)
    expect(off.headers.has('server-timing')).toBe(false)
    const malformed = await app.fetch(
      health(),
      { ...bindings, POSTGRES_TIMEOUT_MS: '0' },
      createExecutionContext(),
    )
    expect(malformed.status).toBe(500)
  })
})

describe('who is asked about breached passwords', () => {
  const { AUTH_KEYS: _, ...rest } = bindings
  const production = {
    ...rest,
    ENVIRONMENT: 'production',
    DATABASE_URL: 'postgresql://db.example.com/latchkey',
    UPSTASH_REDIS_REST_URL: 'https://redis.example.com',
  }
  const read = (changed: Bindings) => readSettings({ ...production, ...changed }, []).breachedPasswords
  const mirror = 'https://mirror.example.com/range/'

  test('is no one, unless the setting says so, and then Have I Been Pwned or the mirror that is named', () => {
    expect(read({})).toEqual({ url: null, timeoutMs: 500 })
    expect(read({ BREACHED_PASSWORDS: 'off', BREACHED_PASSWORDS_URL: mirror }).url).toBeNull()
    const hibp = { BREACHED_PASSWORDS: 'hibp' }
    expect(read(hibp)).toEqual({ url: 'https://api.pwnedpasswords.com/range/', timeoutMs: 500 })
    expect(read({ ...hibp, BREACHED_PASSWORDS_URL: mirror, BREACHED_PASSWORDS_TIMEOUT_MS: '50' })).toEqual({
      url: mirror,
      timeoutMs: 50,
    })
  })

  test.each([
    ['BREACHED_PASSWORDS', 'on'],
    ['BREACHED_PASSWORDS_URL', 'http://mirror.example.com/range/'],
    ['BREACHED_PASSWORDS_URL', 'https://localhost/range/'],
    ['BREACHED_PASSWORDS_URL', 'https://127.0.0.1/range/'],
    ['BREACHED_PASSWORDS_URL', 'https://mirror.example.com/range'],
    ['BREACHED_PASSWORDS_URL', 'https://mirror.example.com/?range=/'],
    ['BREACHED_PASSWORDS_URL', 'range'],
    ['BREACHED_PASSWORDS_TIMEOUT_MS', '0'],
  ])('in production %s is never %s, which the fault does not repeat', (name, value) => {
    const reading = () => read({ BREACHED_PASSWORDS: 'hibp', [name]: value })
    expect(reading).toThrow(
      new RegExp(`^setting ${name} (is malformed|must be https and not local in production)$`),
    )
  })
})

describe('what only the local stack may lower or raise', () => {
  const remote = {
    DATABASE_URL: 'postgresql://db.example.com/latchkey',
    UPSTASH_REDIS_REST_URL: 'https://redis.example.com',
  }
  const production = { ...bindings, ...remote, ENVIRONMENT: 'production' }

  test.each([
    ['LIMITS_MULTIPLIER', '2', 'must be 1 in production'],
    ['ARGON2_MEMORY_KIB', '19455', 'must be at least 19456 in production'],
    ['ARGON2_MEMORY_KIB', '64', 'must be at least 19456 in production'],
  ])('keys 5: production refuses %s=%s, which the local stack takes', (name, value, problem) => {
    expect(() => readSettings({ ...bindings, [name]: value }, [])).not.toThrow()
    expect(() => readSettings({ ...production, [name]: value }, [])).toThrow(
      new RegExp(`^setting ${name} ${problem}$`),
    )
  })

  test('keys 5: production hashes with 19 MiB and two iterations when the settings say nothing', () => {
    expect(readSettings(production, []).argon2).toEqual({ memoryKiB: 19_456, iterations: 2, parallelism: 1 })
  })
})

describe('an upstream that is not there', () => {
  test('is 503 with Retry-After, and nothing of its address is answered', async () => {
    const ctx = createExecutionContext()
    const response = await app.fetch(login(), bindings, ctx)
    await waitOnExecutionContext(ctx)
    expect(response.status).toBe(503)
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.text()).not.toContain('127.0.0.1')
  })
})

describe('what the local stack may be given', () => {
  const read = (changed: Bindings) => () => readSettings({ ...bindings, ...changed }, [])

  test.each([
    ['DATABASE_URL', 'postgresql://someone:hidden@db.example.com/latchkey'],
    ['DATABASE_URL', 'postgresql://127.0.0.1@db.example.com/latchkey'],
    ['DATABASE_URL', 'postgresql://someone:hidden@127.0.0.1.example.com/latchkey'],
    ['AUDIT_DATABASE_URL', 'postgresql://someone:hidden@db.example.com/latchkey'],
    ['UPSTASH_REDIS_REST_URL', 'https://hidden.upstash.io'],
  ] as const)('keys 5: %s on another machine is refused, and not repeated: %s', (name, value) => {
    expect(read({ [name]: value })).toThrow(
      `setting ${name} is not an address of this machine under ENVIRONMENT=local`,
    )
    expect(read({ [name]: value })).not.toThrow(/hidden/)
  })

  test('keys 5: this machine, by its names, is not refused', () => {
    for (const host of ['localhost', '127.0.0.1', '[::1]'])
      expect(read({ DATABASE_URL: `postgresql://a:a@${host}:5432/a` })).not.toThrow()
  })
})

describe('AUTH_KEYS and SIGNING_SEAL_KEYS', () => {
  const read = (
    authKeys: string,
    sealKeys: string,
    needed: Secret[] = ['AUTH_KEYS', 'SIGNING_SEAL_KEYS'],
  ) => {
    return () => readSettings({ ...bindings, AUTH_KEYS: authKeys, SIGNING_SEAL_KEYS: sealKeys }, needed)
  }

  test.each([
    ['the same entry', `k1:${keyOf(1)}`, `k1:${keyOf(1)}`, 1],
    ['the same bytes under another id', `k1:${keyOf(1)}`, `s1:${keyOf(1)}`, 1],
    ['an older entry of both', `k2:${keyOf(2)},k1:${keyOf(1)}`, `s9:${keyOf(9)},s1:${keyOf(1)}`, 2],
    [
      'written as url-safe base64',
      `k1:${keyOf(255)}`,
      `s1:${keyOf(255).replaceAll('/', '_').replace(/=+$/, '')}`,
      1,
    ],
  ])('keys 4: may not share a key: %s', (_, authKeys, sealKeys, entry) => {
    for (const needed of [
      ['AUTH_KEYS'],
      ['SIGNING_SEAL_KEYS'],
      ['AUTH_KEYS', 'SIGNING_SEAL_KEYS'],
    ] as Secret[][]) {
      expect(read(authKeys, sealKeys, needed)).toThrow(
        `setting SIGNING_SEAL_KEYS has in entry ${entry} a key that AUTH_KEYS has too`,
      )
      expect(read(authKeys, sealKeys, needed)).not.toThrow(keyOf(1).slice(0, 12))
    }
  })

  test('keys 4: of different bytes are fine, also under one id', () => {
    expect(read(`k1:${keyOf(1)}`, `k1:${keyOf(2)}`)).not.toThrow()
  })
})

describe('SERVICE_KEYS', () => {
  const read = (serviceKeys: string) => () => readSettings({ ...bindings, SERVICE_KEYS: serviceKeys }, [])

  test.each([
    ['AUTH_KEYS', `c2:${keyOf(9)},c1:${keyOf(1)}`, 2],
    ['SIGNING_SEAL_KEYS', `c1:${keyOf(2)}`, 1],
  ])('accounts 9: share no key with %s', (name, serviceKeys, entry) => {
    expect(read(serviceKeys)).toThrow(`setting SERVICE_KEYS has in entry ${entry} a key that ${name} has too`)
  })

  test('accounts 9: are optional, and refused when malformed, without being repeated', () => {
    expect(readSettings(bindings, []).serviceKeys).toBeNull()
    expect(read(`c1:${keyOf(9)}`)().serviceKeys).toHaveLength(1)
    expect(read(`c1:${keyOf(9)}x`)).toThrow('setting SERVICE_KEYS is not a keyring')
    expect(read(`c1:${keyOf(9)}x`)).not.toThrow(keyOf(9).slice(0, 12))
  })
})
