/** What Redis gets to see: names that say nothing about anyone, numbers, and nothing that stays. */
import { beforeAll, expect, test } from 'vitest'
import { LIMITS, type Policy } from '../../src/limits/limits.ts'
import { type Client, createClient, newEmail, PASSWORD } from '../support/client.ts'
import { OPERATIONS, PAGES } from '../support/operations.ts'
import { keysOf, tryToRegister, useLimited } from '../support/windows.ts'

const limited = useLimited()
/** What must not be found, in whatever letters. */
const secrets: string[] = []

/** A challenge that waits for its answer, and a flow at a provider. */
const CEREMONY = /^lk:(ceremony|oauth-state):[\w-]{43}$/

/** Each has a row of LIMITS; of the pages one has a row of its own. */
const ASKED = [...OPERATIONS, ...PAGES.filter(({ limits }) => limits.row === 'continueSignedIn')]

/** Every operation was called, also from IPv6 and from a browser that is known by now. */
beforeAll(async () => {
  const { service, tenant, engine } = limited()
  for (const isIpv6 of [false, true]) {
    for (const [index, operation] of ASKED.entries()) {
      // Addresses take turns: one alone would reach its limit of sign-ins.
      const address = isIpv6 ? `2001:db8:77:8${index % 8}::99` : `203.0.113.7${index % 8}`
      const client = createClient(service, tenant, address)
      const email = newEmail()
      const { body: tokens } = await client.register(email)
      await client.me(tokens.access_token)
      const browser = { 'sec-fetch-site': 'same-origin' }
      const json = { email: email.toUpperCase(), password: PASSWORD }
      const { headers } = await client.call('/v1/login', { json, headers: browser })
      const cookie = (headers.get('set-cookie') ?? '').split(';')[0] ?? ''
      await client.call('/v1/login', { json, headers: { ...browser, cookie } })
      if (operation === OPERATIONS[0]) await askFromBrowser(client, email, { ...browser, cookie })
      await operation.call(client, tokens)
      secrets.push(email, tokens.refresh_token, tokens.refresh_token.slice(4), tokens.access_token)
      secrets.push(tokens.session.id, tokens.user.id, cookie.split('=')[1] ?? '')
    }
  }
  await tryToRegister(createClient(service, tenant, 'unknown'))
  secrets.push(
    'example.com',
    '203.0.113',
    '2001:db8',
    'unknown',
    tenant.host,
    tenant.id,
    tenant.slug,
    PASSWORD,
  )
  expect(await engine.exec(['DBSIZE'])).toBeGreaterThan(20)
}, 300_000)

test('keeps no e-mail, address, host, token, session or account in Redis, neither in a key nor in a value', () => {
  const everything = limited().engine.snapshot().toLowerCase()
  expect(secrets.filter((secret) => secret === '')).toEqual([])
  for (const secret of secrets) expect(everything).not.toContain(secret.toLowerCase())
})

test('names every key by operation, subject, 128 bits of an HMAC and the number of the window', async () => {
  const everything = (await limited().engine.exec(['KEYS', '*'])) as string[] // KEYS answers a list of names
  const keys = everything.filter((key) => !CEREMONY.test(key))
  for (const key of keys)
    expect(key).toMatch(
      /^lk:limit:[a-zA-Z]+:(address|site|account|account_address|device|account_devices|session|token|tenant):[\w-]{22}:\d+$/,
    )
  const found = new Set(keys.map((key) => key.split(':').slice(2, 4).join(':')))
  const declared = Object.entries<Policy>(LIMITS).flatMap(([operation, { redis = {} }]) =>
    Object.keys(redis).flatMap((subject) => {
      const names = subject === 'address' ? ['address', 'site'] : [subject]
      return names.map((name) => `${operation}:${name}`)
    }),
  )
  // A sign-out by access token counts a session, by refresh token a token: here it is always the latter.
  expect([...found].toSorted()).toEqual(declared.filter((name) => name !== 'logout:session').toSorted())
})

test('keeps of a challenge a digest, for five minutes at most, and until when it is good', async () => {
  const { engine } = limited()
  const keys = (await engine.exec(['KEYS', 'lk:ceremony:*'])) as string[] // a list of names
  expect(keys).not.toEqual([])
  for (const key of keys) {
    expect(key).toMatch(CEREMONY)
    expect(await engine.exec(['GET', key])).toMatch(/^\{"expiresAt":\d+,"isConditional":(true|false)\}$/)
    const left = await engine.exec(['PTTL', key])
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(300_000)
  }
})

test('keeps counters besides, each for two of its windows and a second at most', async () => {
  const { engine } = limited()
  for (const key of await keysOf(limited())) {
    expect(await engine.exec(['GET', key])).toMatch(/^\d+$/)
    const [, , operation = '', subject = ''] = key.split(':')
    const { redis }: Policy = LIMITS[operation as keyof typeof LIMITS] // the test above has checked the names
    const { seconds = 0 } = redis?.[(subject === 'site' ? 'address' : subject) as keyof typeof redis] ?? {}
    const left = await engine.exec(['PTTL', key])
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual((2 * seconds + 1) * 1000)
  }
})

test('gives no two kinds of subject the same name', async () => {
  const hashes = (await keysOf(limited())).map((key) => key.split(':').slice(2, 5))
  const subjectsOf = new Map<string, Set<string>>()
  for (const [, subject = '', hash = ''] of hashes)
    subjectsOf.set(hash, (subjectsOf.get(hash) ?? new Set()).add(subject))
  for (const subjects of subjectsOf.values()) expect(subjects.size).toBe(1)
})

/** What a browser that is known asks for, and answers, by e-mail. */
async function askFromBrowser(client: Client, email: string, headers: Record<string, string>) {
  for (const path of ['/v1/password/forgot', '/v1/email/code', '/v1/email/resend'])
    await client.call(path, { json: { email }, headers })
  await client.call('/v1/email/code/verify', { json: { email, code: '000000' }, headers })
}
