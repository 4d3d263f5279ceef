import { afterEach, describe, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { failuresAt, inOneDelay, setFailures, WRONG } from '../support/attempts.ts'
import {
  type Answer,
  countBy,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
  randomAddress,
  untilLimited,
} from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { retireKeys } from '../support/keyring.ts'
import { FULL_COST, type Service, startService, useLentService } from '../support/service.ts'
import { untilWaiting } from '../support/sessions.ts'
import { inOneWindow } from '../support/windows.ts'

const service = useLentService()

afterEach(() => service().gates.redis.set('open'))

everyRoute(service, {
  method: 'POST',
  path: '/v1/login',
  allow: 'POST',
  caller: 'anyone',
  json: { email: 'someone@example.com', password: PASSWORD, transport: 'token' },
})

async function newAccount(options = {}) {
  const client = await newClient(service(), options)
  const { email, tokens } = await client.newAccount()
  return { client, email, userId: tokens.user.id, tokens }
}

async function stored(userId: string) {
  const [row] = await service().sql<{ phc: string; key_id: string; changed_at: Date }>(
    'select phc, key_id, changed_at from passwords where user_id = $1',
    [userId],
  )
  if (!row) throw new Error(`no password of ${userId}`)
  return row
}

async function countSessions(userId: string): Promise<number> {
  const [row] = await service().sql<{ count: number }>(
    'select count(*)::int from sessions where user_id = $1',
    [userId],
  )
  return row?.count ?? 0
}

/** Hashes of many passwords, on a machine that others use. */
const BURST = { timeout: 120_000 }

/** Another deployment on the same database, for as long as `use` runs. */
async function withService(
  bindings: Record<string, string | undefined>,
  use: (other: Service) => Promise<void>,
) {
  const other = await startService({ beside: service(), bindings })
  try {
    await use(other)
  } finally {
    await other.stop()
    await retireKeys(service(), 'k2')
  }
}

describe('accepts', () => {
  test('signs in, each time into a session of its own (CASES B10, B11)', async () => {
    const { client, email, tokens } = await newAccount()
    const first = await client.login(email)
    const second = await client.login(email)
    expect(first.status).toBe(200)
    expectCommonHeaders(first)
    expect(first.body.user).toEqual(tokens.user)
    expect(new Set([tokens, first.body, second.body].map(({ session }) => session.id)).size).toBe(3)
    expect(new Set([tokens, first.body, second.body].map((body) => body.refresh_token)).size).toBe(3)
    for (const { access_token } of [tokens, first.body, second.body])
      expect((await client.me(access_token)).status).toBe(200)
  })

  test('sets the cookie exactly, for as long as the token lives (FINDINGS F22)', async () => {
    const { client, email } = await newAccount({ settings: { session_idle_seconds: 3600 } })
    const { body, headers } = await client.login(email, PASSWORD, { transport: 'cookie' })
    expect(body).not.toHaveProperty('refresh_token')
    expect(body.refresh_expires_in).toBe(3600)
    const [cookie = ''] = headers.getSetCookie()
    expect(cookie).toMatch(
      /^__Host-latchkey=lkr_[\w-]{43}; Max-Age=3600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )

    const [pair = ''] = cookie.split(';') // what a browser that was restarted still holds
    const restarted = await client.call('/v1/refresh', {
      method: 'POST',
      headers: { cookie: pair, 'sec-fetch-site': 'same-origin' },
    })
    expect(restarted.status).toBe(200)
  })

  test('never lets the cookie outlive the session', async () => {
    const settings = { session_idle_seconds: 7200, session_absolute_seconds: 600 }
    const { client, email } = await newAccount({ settings })
    const { headers } = await client.login(email, PASSWORD, { transport: 'cookie' })
    expect(headers.get('set-cookie')).toContain('; Max-Age=600;')
  })

  test('forgets earlier failures', async () => {
    const { client, email } = await newAccount()
    const at = { tenant: client.tenant, email }
    for (let attempt = 1; attempt <= 3; attempt++) {
      expectProblem(await client.login(email, WRONG), 'invalid_credentials')
      expect(await failuresAt(service(), at)).toBe(attempt)
    }
    expect((await client.login(email)).status).toBe(200)
    expect(await failuresAt(service(), at)).toBe(0)
  })

  test('hashes again when the cost has risen, also when 20 sign in at once, and all of them succeed', async () => {
    const { client, email, userId } = await newAccount()
    const before = await stored(userId)
    await withService({ ...FULL_COST, ARGON2_ITERATIONS: '3' }, async (dearer) => {
      const answers = await race(20, () => createClient(dearer, client.tenant).login(email))
      expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 20 })
    })
    const after = await stored(userId)
    expect(before.phc).toContain('m=64,t=2,p=1')
    expect(after.phc).toContain('m=19456,t=3,p=1')
    expect(after.changed_at, 'the password itself did not change').toEqual(before.changed_at)
    expect((await client.login(email)).status, 'the cheaper deployment still signs in').toBe(200)
    expect((await stored(userId)).phc, 'and does not make it cheaper').toBe(after.phc)
  })

  test('goes on after the pepper was rotated, and moves the account to the new key', async () => {
    const { client, email, userId } = await newAccount()
    const keyring = `${newKeyringEntry('k2')},${service().bindings.AUTH_KEYS}`
    await withService({ AUTH_KEYS: keyring }, async (rotated) => {
      const after = createClient(rotated, client.tenant)
      expect((await after.login(email)).status).toBe(200)
      expect((await stored(userId)).key_id).toBe('k2')
      expect((await after.login(email)).status).toBe(200)
      expectProblem(await after.login(email, WRONG), 'invalid_credentials')
    })
  })

  test('goes on while Redis is away, and failures go on being counted: a guess is never free', async () => {
    const { client, email } = await newAccount()
    service().gates.redis.set('refusing')
    expect((await client.login(email)).status).toBe(200)
    const guesses = []
    for (let attempt = 1; attempt <= 6; attempt++) guesses.push(await client.login(email, WRONG))
    expect(guesses.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429])
    expect(guesses.at(-1)?.headers.get('ratelimit')).toMatch(/^"failures";/)
  })

  test('64 simultaneous sign-ins of 64 accounts all succeed (FINDINGS F15)', BURST, async () => {
    const client = await newClient(service())
    const emails = await race(64, async () => (await client.newAccount()).email)
    await withService(FULL_COST, async (dear) => {
      const answers = await race(64, (index) => createClient(dear, client.tenant).login(emails[index] ?? ''))
      expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 64 })
    })
  })
})

describe('refuses', () => {
  test('a wrong password and an unknown account with one and the same answer, after the same trips', async () => {
    const { client, email } = await newAccount()
    const measured = async (address: string): Promise<{ answer: Answer<unknown>; trips: unknown }> => {
      const before = service().trips()
      const answer = await client.login(address, WRONG)
      const after = service().trips()
      return {
        answer,
        trips: { postgres: after.postgres - before.postgres, redis: after.redis - before.redis },
      }
    }
    const wrong = await measured(email)
    const unknown = await measured(newEmail())
    for (const { answer, trips } of [wrong, unknown]) {
      expectProblem(answer, 'invalid_credentials')
      expect(trips).toEqual({ postgres: 2, redis: 1 })
      expect(answer.trips).toEqual({ postgres: 2, redis: 1 })
    }
    const visible = ({ answer }: typeof wrong) => {
      const { request_id, ...body } = answer.body as Record<string, unknown>
      const ignored = ['x-request-id', 'server-timing', 'date', 'content-length']
      return { body, headers: [...answer.headers].filter(([name]) => !ignored.includes(name)) }
    }
    expect(visible(unknown)).toEqual(visible(wrong))
  })

  test('a disabled account and an erased one, as it refuses a wrong password', async () => {
    const { client, email, userId } = await newAccount()
    await service().sql("update users set status = 'disabled' where id = $1", [userId])
    expectProblem(await client.login(email), 'invalid_credentials')
    await service().sql("update users set status = 'active', deleted_at = now() where id = $1", [userId])
    expectProblem(await client.login(email), 'invalid_credentials')
    expect(await countSessions(userId)).toBe(1)
  })

  test("another tenant's account", async () => {
    const { email } = await newAccount()
    expectProblem(await (await newClient(service())).login(email), 'invalid_credentials')
  })

  test('what cannot be an address or a password', async () => {
    const client = await newClient(service())
    expectInvalidInput(await client.login('nobody', PASSWORD), { '/email': 'invalid_email' })
    expectInvalidInput(await client.login(newEmail(), 'a'.repeat(1025)), { '/password': 'too_long' })
    expectInvalidInput(await client.login(newEmail(), 'nul\0'), { '/password': 'invalid_characters' })
    expectInvalidInput(await client.call('/v1/login', { json: {} }), {
      '/email': 'missing',
      '/password': 'missing',
    })
  })

  test('with 503, never 401, when the pepper of the account is missing from the keyring', async () => {
    const { client, email } = await newAccount()
    await withService({ AUTH_KEYS: newKeyringEntry('k9') }, async (misconfigured) => {
      expectProblem(await createClient(misconfigured, client.tenant).login(email), 'upstream_unavailable')
    })
  })
})

describe('attacks', () => {
  test('of 100 simultaneous guesses at one account from 100 addresses five are heard', BURST, async () => {
    const { answers, answer } = await inOneDelay(async () => {
      const { client, email } = await newAccount()
      const guess = (password: string) =>
        createClient(service(), client.tenant, randomAddress()).login(email, password)
      return { answers: await race(100, () => guess(WRONG)), answer: await guess(PASSWORD) }
    })
    expect(countBy(answers, ({ status }) => status)).toEqual({ 401: 5, 429: 95 })
    expectProblem(answer, 'rate_limited')
  })

  test('attempts at one account from many addresses are counted together, also those that are right', async () => {
    const { client, email } = await newAccount()
    // Disabled, so that a hundred attempts cost no hash; they are counted all the same.
    await setFailures(service(), { tenant: client.tenant, email }, 100)
    const attempt = () => createClient(service(), client.tenant, randomAddress()).login(email)
    await race(100, attempt)
    const answer = await untilLimited(attempt)
    expectProblem(answer, 'rate_limited')
    expect(answer.headers.get('ratelimit-policy')).toBe('"account";q=100;w=900')
  })

  test('one address is heard ten times a minute while Redis is away, and then refused', async () => {
    const { client, email } = await newAccount()
    await setFailures(service(), { tenant: client.tenant, email }, 100) // disabled, so that no hash is made
    service().gates.redis.set('refusing')
    const passed = await inOneWindow(60, async () => {
      const stranger = createClient(service(), client.tenant)
      const answers = []
      for (let attempt = 1; attempt <= 12; attempt++) answers.push(await stranger.login(email))
      return answers
    })
    expect(countBy(passed, ({ status }) => status)).toEqual({ 403: 10, 429: 2 })
    for (const answer of passed.slice(10)) {
      expectProblem(answer, 'rate_limited')
      expect(answer.headers.get('ratelimit-policy')).toBe('"address";q=10;w=60')
    }
  })

  test('one address that tries a hundred accounts is stopped, and another address is not', async () => {
    const { client, email } = await newAccount()
    const nowhere = { ...client.tenant, origin: `http://${crypto.randomUUID()}.test` }
    // Counted before anything expensive, and so also on a host that we do not serve.
    await race(100, () => createClient(service(), nowhere, client.address).login(newEmail()))
    const answer = await untilLimited(() => client.login(email))
    expectProblem(answer, 'rate_limited')
    expect(answer.headers.get('ratelimit-policy')).toBe('"address";q=100;w=60')
    expect((await createClient(service(), client.tenant).login(email)).status).toBe(200)
  })

  test.each([
    ['its password was changed', 'update passwords set changed_at = clock_timestamp() where user_id = $1'],
    ['it was disabled', "update users set status = 'disabled' where id = $1"],
    ['it was erased', 'update users set deleted_at = now(), email = null where id = $1'],
  ])('an account gets no session when %s while the hash ran', async (_, change) => {
    const { client, email, userId } = await newAccount()
    const holder = await service().connect()
    await holder.query('begin')
    await holder.query(change, [userId]) // not committed: the sign-in still reads what was before
    const signingIn = client.login(email)
    await untilWaiting(service(), 1)
    await holder.query('commit')
    await holder.end()
    expectProblem(await signingIn, 'invalid_credentials')
    expect(await countSessions(userId)).toBe(1)
  })

  test('a page of another origin signs no one in (CASES J04), one that the tenant allows does', async () => {
    const { client, email, userId } = await newAccount({ allowedOrigins: ['https://app.example.com'] })
    const from = (origin: string) =>
      client.call('/v1/login', { json: { email, password: PASSWORD }, headers: { origin } })
    for (const origin of [
      'https://evil.test',
      'null',
      'https://app.example.com.evil.test',
      'http://app.example.com',
    ])
      expectProblem(await from(origin), 'origin_not_allowed')
    expect(await countSessions(userId)).toBe(1)
    const allowed = await from('https://app.example.com')
    expect(allowed.status).toBe(200)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com')
  })

  test('an address hidden in another header is not believed', async () => {
    const { client, email, tokens } = await newAccount()
    const forged = { 'x-forwarded-for': '9.9.9.9', 'x-real-ip': '9.9.9.9', 'true-client-ip': '9.9.9.9' }
    await client.call('/v1/login', { json: { email, password: PASSWORD }, headers: forged })
    const { body } = await client.listSessions(tokens.access_token)
    expect(body.data.map(({ address }) => address)).not.toContain('9.9.9.0/24')
  })
})
