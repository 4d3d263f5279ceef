/**
 * Guessing (NIST SP 800-63B-4 §3.2.2): what failures in a row cost, that an address without an account costs the same, and
 * that guesses at once are no more guesses than one after the other. Redis' limits are out of the way, except in H06.
 */
import { afterEach, describe, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import {
  type At,
  attemptsAt,
  beginDelay,
  decidedTogether,
  endDelay,
  failuresAt,
  inOneDelay,
  setFailures,
  subjectOf,
  WRONG,
} from '../support/attempts.ts'
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
import { expectProblem, type Problem } from '../support/expect.ts'
import { startService, useLentService } from '../support/service.ts'
import { countEvents, untilWaiting } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

afterEach(() => service().gates.postgres.set('open'))

/** Hashes of many passwords, on a machine that others use. */
const BURST = { timeout: 120_000 }

async function newVictim(): Promise<{ client: Client; email: string; userId: string; at: At }> {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  return { client, email, userId: tokens.user.id, at: { tenant: client.tenant, email } }
}

const statuses = (answers: { status: number }[]) => countBy(answers, ({ status }) => status)
const codeOf = ({ body }: Answer<unknown>) => (body as Partial<Problem>).code ?? 'none'

/** `rate_limited` by the delay of failed attempts, which has at most `seconds` left. */
function expectDelayed(answer: Answer<unknown>, seconds: number): void {
  expectProblem(answer, 'rate_limited')
  const wait = Number(answer.headers.get('retry-after'))
  expect(wait).toBeGreaterThan(seconds - 25) // of the delay, what this machine may have taken since it began
  expect(wait).toBeLessThanOrEqual(seconds)
  expect(answer.headers.get('ratelimit')).toBe(`"failures";r=0;t=${wait}`)
  expect(answer.headers.get('ratelimit-policy')).toBe(`"failures";q=5;w=${wait}`)
}

describe('failures in a row', () => {
  test('cost nothing four times; the fifth and each later one begin a delay of 30 s that doubles up to an hour', async () => {
    const { client, email, at } = await newVictim()
    const delays = [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    for (const [index, delaySeconds] of delays.entries()) {
      expectProblem(await client.login(email, WRONG), 'invalid_credentials')
      expect(await attemptsAt(service(), at)).toEqual({ failures: index + 1, delaySeconds, late: 0 })
      if (delaySeconds === 0) continue
      for (const password of [WRONG, PASSWORD])
        expectDelayed(await client.login(email, password), delaySeconds)
      expect(await failuresAt(service(), at), 'what is not heard is not counted').toBe(index + 1)
      await endDelay(service(), at)
    }
    expect((await client.login(email)).status, 'after the delay the owner is heard').toBe(200)
  })

  test('are forgotten by a success before the fifth, and after it once the delay is over', async () => {
    const { client, email, at } = await newVictim()
    for (const failures of [1, 4, 5, 99]) {
      await setFailures(service(), at, failures)
      expect((await client.login(email)).status).toBe(200)
      expect(await attemptsAt(service(), at)).toBeNull()
    }
    for (let attempt = 1; attempt <= 4; attempt++)
      expectProblem(await client.login(email, WRONG), 'invalid_credentials')
    expect((await client.login(email)).status, 'the fifth').toBe(200)
  })

  test('disable the password at exactly 100, the right one included, and no time brings it back', async () => {
    const { client, email, userId, at } = await newVictim()
    await setFailures(service(), at, 98)
    for (const failures of [99, 100]) {
      expectProblem(await client.login(email, WRONG), 'invalid_credentials')
      expect(await failuresAt(service(), at)).toBe(failures)
      await endDelay(service(), at)
    }
    for (const password of [PASSWORD, WRONG, PASSWORD]) {
      const answer = await client.login(email, password)
      expectProblem(answer, 'password_disabled')
      for (const name of ['retry-after', 'ratelimit', 'ratelimit-policy'])
        expect(answer.headers.has(name), name).toBe(false)
      await endDelay(service(), at)
    }
    expect(await failuresAt(service(), at)).toBe(100)
    expect(await countEvents(service(), userId)).toEqual({
      'user.registered': 1,
      'session.started': 1,
      'password.disabled': 1,
    })
  })

  test('are refused before any hash, in one trip', async () => {
    const { client, email, at } = await newVictim()
    // Without the key that the account's hash needs, a call that gets as far as the hash ends in 503.
    const keyless = await startService({ beside: service(), bindings: { AUTH_KEYS: newKeyringEntry('k9') } })
    try {
      const { login } = createClient(keyless, client.tenant)
      expectProblem(await login(email), 'upstream_unavailable')
      await setFailures(service(), at, 5)
      await beginDelay(service(), at)
      const delayed = await login(email)
      expectDelayed(delayed, 1800)
      await setFailures(service(), at, 100)
      const disabled = await login(email)
      expectProblem(disabled, 'password_disabled')
      for (const { trips } of [delayed, disabled]) expect(trips).toEqual({ postgres: 1, redis: 1 })
    } finally {
      await keyless.stop()
    }
  })

  test('of a disabled or erased account are counted like any, also when the password is right', async () => {
    const { client, email, userId, at } = await newVictim()
    await service().sql("update users set status = 'disabled' where id = $1", [userId])
    for (const password of [WRONG, PASSWORD, PASSWORD, WRONG, PASSWORD])
      expectProblem(await client.login(email, password), 'invalid_credentials')
    expectDelayed(await client.login(email), 30)
    await service().sql("update users set status = 'active', deleted_at = now() where id = $1", [userId])
    expectDelayed(await client.login(email), 30)
    expect(await failuresAt(service(), at)).toBe(5)
  })
})

describe('are counted', () => {
  test('together for every spelling of an address (CASES H05)', async () => {
    const { client, email, at } = await newVictim()
    const spellings = [
      email,
      email.toUpperCase(),
      email.replace('example.com', 'EXAMPLE.com'),
      `${email.slice(0, 30).toUpperCase()}${email.slice(30)}`,
      ` ${email}\u00a0`,
    ]
    expect(new Set(spellings).size).toBe(5)
    for (const spelling of spellings)
      expectProblem(await client.login(spelling, WRONG), 'invalid_credentials')
    expect(await failuresAt(service(), at)).toBe(5)
    for (const spelling of spellings) expectDelayed(await client.login(spelling), 30)
    for (const other of [`${email}.`, email.replace('@', '@@'), email.replace('e', 'е')])
      expectProblem(await client.login(other, WRONG), 'invalid_input')
  })

  test('together on all hosts of a tenant, and from all addresses', async () => {
    const { client, email, at } = await newVictim()
    const host = `second-${client.tenant.host}`
    await service().sql('insert into tenant_hosts (host, tenant_id) values ($1, $2)', [
      host,
      client.tenant.id,
    ])
    const second = { ...client.tenant, host, origin: `http://${host}` }
    for (const tenant of [client.tenant, second, second, client.tenant, second])
      expectProblem(
        await createClient(service(), tenant, randomAddress()).login(email, WRONG),
        'invalid_credentials',
      )
    for (const tenant of [client.tenant, second])
      expectDelayed(await createClient(service(), tenant).login(email), 30)
    expect(await failuresAt(service(), at)).toBe(5)
  })

  test("apart for another tenant's account of the same address, and for another account", async () => {
    const { client, email, at } = await newVictim()
    const elsewhere = await newClient(service())
    await elsewhere.register(email)
    const neighbour = await client.signUp()
    await setFailures(service(), at, 100)
    expectProblem(await client.login(email), 'password_disabled')
    expect((await elsewhere.login(email)).status).toBe(200)
    expect((await client.login(neighbour.email)).status).toBe(200)
    expectProblem(await elsewhere.login(email, WRONG), 'invalid_credentials')
    expect(await failuresAt(service(), { tenant: elsewhere.tenant, email })).toBe(1)
    expect(await failuresAt(service(), at), 'a success elsewhere forgets nothing here').toBe(100)
  })

  test('in PostgreSQL: they survive a flush of Redis', async () => {
    const { client, email, at } = await newVictim()
    for (let attempt = 1; attempt <= 5; attempt++) await client.login(email, WRONG)
    expect(await redis('DBSIZE')).toBeGreaterThan(0)
    expect(await redis('FLUSHALL')).toBe('OK')
    expect(await redis('DBSIZE')).toBe(0)
    expectDelayed(await client.login(email), 30)
    expect(await failuresAt(service(), at)).toBe(5)
  })

  test('under a digest: the table does not name the address, and tells no more of it than `users` does, whether it has an account', async () => {
    const { client, email, at } = await newVictim()
    const stranger = newEmail()
    for (const address of [email, stranger]) await client.login(address, WRONG)
    const rows = await service().sql<{ text: string }>(
      'select sign_in_failures::text as text from sign_in_failures where tenant_id = $1 order by subject = $2 desc',
      [client.tenant.id, subjectOf(at)],
    )
    const [known = '', unknown = ''] = rows.map(({ text }) => text)
    for (const address of [email, stranger])
      for (const part of [address, address.split('@')[0] ?? '']) expect(known + unknown).not.toContain(part)
    const shape = (text: string) =>
      text
        .replace(/\\\\x[0-9a-f]{64}/, 'subject')
        .replace(/"[0-9 :.+-]+"/, 'time')
        .replace(/,[tf]\)$/, ',has_account)') // what may be forgotten (src/accounts/personal-data.ts)
    expect(rows).toHaveLength(2)
    expect(shape(unknown)).toBe(shape(known))
  })
})

describe('an address without an account', () => {
  test('is answered like one with an account in every step: answers, trips and statements (CASES H06, H07)', async () => {
    const { client, email, at } = await newVictim()
    const stranger = newEmail()
    const nowhere = { tenant: client.tenant, email: stranger }
    const both = async (change: (at: At) => Promise<void>) => {
      await change(at)
      await change(nowhere)
    }
    const steps: [string, (() => Promise<void>) | null, string][] = [
      ...[1, 2, 3, 4, 5].map((n): [string, null, string] => [`failure ${n}`, null, 'invalid_credentials']),
      ['in the delay', null, 'rate_limited'],
      ['failure 6', () => both((one) => endDelay(service(), one)), 'invalid_credentials'],
      ['in the next delay', null, 'rate_limited'],
      ['failure 99', () => both((one) => setFailures(service(), one, 98)), 'invalid_credentials'],
      ['in the delay of an hour', null, 'rate_limited'],
      ['failure 100', () => both((one) => endDelay(service(), one)), 'invalid_credentials'],
      ['disabled', null, 'password_disabled'],
      ['disabled for ever', () => both((one) => endDelay(service(), one)), 'password_disabled'],
    ]
    for (const [step, prepare, code] of steps) {
      await prepare?.()
      const known = await observe(() => client.login(email, WRONG))
      const unknown = await observe(() => client.login(stranger, WRONG))
      expect(known.body.code, step).toBe(code)
      expect(unknown, step).toEqual(known)
      expect(await attemptsAt(service(), nowhere), step).toEqual(await attemptsAt(service(), at))
    }
  })

  test('can register although strangers had disabled it, and then signs in from anywhere', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const at = { tenant: client.tenant, email }
    await setFailures(service(), at, 99)
    expectProblem(await client.login(email, WRONG), 'invalid_credentials')
    expectProblem(await client.login(email), 'password_disabled')
    expect((await client.register(email)).status).toBe(201)
    expect(await attemptsAt(service(), at)).toBeNull()
    expect((await createClient(service(), client.tenant).login(email)).status).toBe(200)
  })

  test('keeps its failures when a registration of it is refused: only a new account begins at zero', async () => {
    const { client, email, at } = await newVictim()
    await setFailures(service(), at, 100)
    expectProblem(await client.register(email), 'email_taken')
    expectProblem(await client.register(email, 'password'), 'password_compromised')
    expect(await failuresAt(service(), at)).toBe(100)
  })
})

/** Everything about an answer that its caller sees, and what it cost: trips, and the statements that made them. */
async function observe(call: () => Promise<Answer<unknown>>) {
  const statements: string[] = []
  service().gates.postgres.set('open', {
    when: (body) => {
      statements.push(String(JSON.parse(body).query))
      return false
    },
  })
  const { status, headers, body, trips } = await call()
  const { request_id, detail, ...rest } = body as Problem
  const seconds = (text: string | undefined) => text?.replace(/\d+/g, '#') // what is left of a delay
  const ignored = ['x-request-id', 'server-timing', 'date', 'content-length']
  const visible = [...headers].filter(([name]) => !ignored.includes(name))
  return {
    status,
    body: { ...rest, detail: seconds(detail) },
    headers: visible.map(([name, value]) => [
      name,
      /^(retry-after|ratelimit)/.test(name) ? seconds(value) : value,
    ]),
    trips,
    statements,
  }
}

describe('of simultaneous guesses', () => {
  test.each([
    ['an account', (client: Client) => client.signUp()],
    ['an unknown address', async () => ({ email: newEmail() })],
  ])('50 wrong ones at %s are five failures', BURST, async (_, make) => {
    const client = await newClient(service())
    const { email } = await make(client)
    const at = { tenant: client.tenant, email }
    const guesses = () => race(50, () => client.login(email, WRONG))
    const answers = await decidedTogether(service(), at, 50, guesses)
    expect(countBy(answers, codeOf)).toEqual({ invalid_credentials: 5, rate_limited: 45 })
    for (const answer of answers.filter(({ status }) => status === 429)) expectDelayed(answer, 30)
    expect(await failuresAt(service(), at)).toBe(5)
  })

  test.each([
    [4, { 401: 1, 429: 49 }],
    [50, { 401: 1, 429: 49 }],
    [99, { 401: 1, 403: 49 }],
  ])('50 wrong ones after %d failures are one more', BURST, async (failures, expected) => {
    const { client, email, at } = await newVictim()
    await setFailures(service(), at, failures)
    const guesses = () => race(50, () => client.login(email, WRONG))
    expect(statuses(await decidedTogether(service(), at, 50, guesses))).toEqual(expected)
    expect(await failuresAt(service(), at)).toBe(failures + 1)
  })

  test('50 wrong ones that nothing holds back are five failures as well', BURST, async () => {
    const { answers, at } = await inOneDelay(async () => {
      const { client, email, at } = await newVictim()
      return { answers: await race(50, () => client.login(email, WRONG)), at }
    })
    expect(statuses(answers)).toEqual({ 401: 5, 429: 45 })
    expect(await failuresAt(service(), at)).toBe(5)
  })

  test.each([0, 25, 50])(
    'with one attempt left, 50 wrong ones and a right one get one answer that tells (place %d)',
    BURST,
    async (place) => {
      const { client, email, at } = await newVictim()
      await setFailures(service(), at, 4)
      const guesses = () => race(51, (index) => client.login(email, index === place ? PASSWORD : WRONG))
      const answers = await decidedTogether(service(), at, 51, guesses)
      const right = answers[place]?.status
      const wrong = statuses(answers.filter((_, index) => index !== place))
      // A success begins the count anew, so that the wrong ones after it have five; before it there was none.
      if (right === 200) expect(wrong).toEqual({ 401: 5, 429: 45 })
      else expect({ right, wrong }).toEqual({ right: 429, wrong: { 401: 1, 429: 49 } })
    },
  )

  test.each([0, 24, 49])(
    'a right one among 49 wrong ones succeeds before the fifth failure or not at all (place %d)',
    BURST,
    async (place) => {
      const { client, email, at } = await newVictim()
      const guesses = () => race(50, (index) => client.login(email, index === place ? PASSWORD : WRONG))
      const answers = await decidedTogether(service(), at, 49, guesses)
      const right = answers[place]?.status
      const { 401: told = 0, 429: untold = 0 } = statuses(answers.filter((_, index) => index !== place))
      expect(told + untold).toBe(49)
      // Those before it are at most four; those after it, five.
      if (right === 200) expect(told).toBeOneOf([5, 6, 7, 8, 9])
      else expect({ right, told }).toEqual({ right: 429, told: 5 })
    },
  )

  test('a right one whose statement comes after the fifth failure is not heard', async () => {
    const { client, email, userId, at } = await newVictim()
    await setFailures(service(), at, 4)
    const { postgres } = service().gates
    postgres.set({ delayMs: 3_000 }, { times: 1, when: (body) => body.includes('insert into sessions') })
    const guessing = client.login(email)
    await expect.poll(postgres.hits, { timeout: 60_000 }).toBe(1) // it has read, and hashed
    expectProblem(await client.login(email, WRONG), 'invalid_credentials')
    expectDelayed(await guessing, 30)
    expect(await failuresAt(service(), at)).toBe(5)
    expect(await countEvents(service(), userId)).toMatchObject({ 'session.started': 1 })
  })

  test('a wrong one that waits behind the fifth failure is not heard', async () => {
    const { client, email, at } = await newVictim()
    await setFailures(service(), at, 4)
    expectDelayed(await behindTheFifthFailure(at, () => client.login(email, WRONG)), 30)
    expect(await failuresAt(service(), at)).toBe(5)
  })

  test('a right one that waits behind the fifth failure is not heard either, and forgets nothing', async () => {
    const { client, email, userId, at } = await newVictim()
    await setFailures(service(), at, 4)
    expectDelayed(await behindTheFifthFailure(at, () => client.login(email)), 30)
    expect(await failuresAt(service(), at)).toBe(5)
    expect(await countEvents(service(), userId)).toMatchObject({ 'session.started': 1 })
  })

  test('50 right ones all succeed and leave no failures', BURST, async () => {
    const { client, email, userId, at } = await newVictim()
    await setFailures(service(), at, 4)
    const answers = await decidedTogether(service(), at, 50, () => race(50, () => client.login(email)))
    expect(statuses(answers)).toEqual({ 200: 50 })
    expect(new Set(answers.map(({ body }) => body.session.id)).size).toBe(50)
    expect(await attemptsAt(service(), at)).toBeNull()
    expect(await countEvents(service(), userId)).toMatchObject({ 'session.started': 51 })
  })
})

/** Runs an attempt whose statement comes to wait for the fifth failure, which then commits: it came too late. */
async function behindTheFifthFailure<T>(at: At, attempt: () => Promise<T>): Promise<T> {
  const holder = await service().connect()
  await holder.query('begin')
  await holder.query(
    `update sign_in_failures set consecutive_failures = 5, last_attempt_at = clock_timestamp(),
       next_attempt_at = clock_timestamp() + interval '30 seconds'
     where tenant_id = $1 and subject = $2`,
    [at.tenant.id, subjectOf(at)],
  )
  const attempting = attempt()
  await untilWaiting(service(), 1)
  await holder.query('commit')
  await holder.end()
  return attempting
}

describe('a stranger who guesses', () => {
  /** With the limits of production. */
  const limited = useLentService({ beside: service })

  test('150 times keeps the owner out of nothing but new sign-ins elsewhere (CASES H06)', BURST, async () => {
    const browser = { 'sec-fetch-site': 'same-origin' }
    const { client, json, registered, guess, answers } = await inOneDelay(async () => {
      const client = await newClient(limited())
      const json = { email: newEmail(), password: PASSWORD }
      const registered = await client.call<{ access_token: string; refresh_token: string }>('/v1/register', {
        json,
        headers: browser,
      })
      const guess = () => createClient(limited(), client.tenant, randomAddress()).login(json.email, WRONG)
      return { client, json, registered, guess, answers: await race(150, guess) }
    })
    const [cookie = ''] = registered.headers.get('set-cookie')?.split(';') ?? []
    const at = { tenant: client.tenant, email: json.email }
    expect(statuses(answers)).toEqual({ 401: 5, 429: 145 })
    for (const failures of [98, 99]) {
      await setFailures(service(), at, failures)
      await redis('FLUSHALL') // the windows of its limits end
      await guess()
    }
    await redis('FLUSHALL')
    expectProblem(await guess(), 'password_disabled')

    expect((await client.me(registered.body.access_token)).status).toBe(200)
    expect((await client.refresh(registered.body.refresh_token)).status).toBe(200)
    const known = await client.call('/v1/login', { json, headers: { ...browser, cookie } })
    expect(known.status, "the owner's browser").toBe(200)
    const unknown = await client.call('/v1/login', { json, headers: browser })
    expectProblem(unknown, 'password_disabled')
    expect(await failuresAt(service(), at), 'which the success of a known browser does not undo').toBe(100)
  })
})

/** Asks Redis itself, past everything that is ours. */
async function redis(...command: string[]): Promise<unknown> {
  const { UPSTASH_REDIS_REST_URL: url = '', UPSTASH_REDIS_REST_TOKEN: token } = service().bindings
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(command) })
  return ((await answer.json()) as { result: unknown }).result // as Upstash's REST API documents it
}
