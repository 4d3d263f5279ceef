/**
 * `Idempotency-Key` on POST /v1/register (draft-ietf-httpapi-idempotency-key-header): a repeat gives the first answer and
 * has no second effect, whenever it comes and whatever became of the first answer; and what is kept for that helps
 * no one who reads the table.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { whileHeld } from '../support/attempts.ts'
import {
  type Answer,
  type Client,
  countBy,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
  type Tokens,
} from '../support/client.ts'
import { expectCommonHeaders, expectProblem, type Problem } from '../support/expect.ts'
import { retireKeys } from '../support/keyring.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { type Service, startService, useLentService, useService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

afterEach(() => service().gates.postgres.set('open'))

/** Hashes of many passwords, on a machine that others use. */
const BURST = { timeout: 120_000 }

type Registered = Answer<Tokens> & {
  /** The body, byte for byte. */
  text: string
  cookies: string[]
  isReplayed: boolean
  /** What the endpoints themselves saw; tests of it run alone. */
  seen: { postgres: number; redis: number }
}

const newBody = (rest: object = {}) => ({ email: newEmail(), password: PASSWORD, ...rest })

async function register(
  client: Client,
  key: string,
  json: object,
  headers: Record<string, string> = {},
): Promise<Registered> {
  const before = service().trips()
  const response = await service().fetch(`${client.tenant.origin}/v1/register`, {
    method: 'POST',
    headers: {
      'cf-connecting-ip': client.address,
      'content-type': 'application/json',
      'idempotency-key': key,
      ...headers,
    },
    body: JSON.stringify(json),
  })
  const text = await response.text()
  const after = service().trips()
  const seen = { postgres: after.postgres - before.postgres, redis: after.redis - before.redis }
  return {
    status: response.status,
    headers: response.headers,
    body: JSON.parse(text),
    trips: seen,
    seen,
    text,
    cookies: response.headers.getSetCookie(),
    isReplayed: response.headers.get('idempotent-replayed') === 'true',
  }
}

/** How much there is of a tenant: accounts, sessions, events, kept answers. */
async function count({ tenant }: Pick<Client, 'tenant'>) {
  const of = (table: string) =>
    `(select count(*)::int from ${table} where tenant_id = $1) as "${table.replace('_keys', '')}"`
  const tables = ['users', 'sessions', 'events', 'idempotency_keys']
  const [row] = await service().sql(`select ${tables.map(of).join(', ')}`, [tenant.id])
  return row
}
const ONE = { users: 1, sessions: 1, events: 2, idempotency: 1 }

const codes = (answers: Answer<unknown>[]) =>
  countBy(answers, ({ status, body }) => (body as Partial<Problem>).code ?? status)

function expectReplay(repeat: Registered, first: Registered): void {
  expect(repeat.isReplayed).toBe(true)
  expect({ status: repeat.status, text: repeat.text, cookies: repeat.cookies }).toEqual({
    status: first.status,
    text: first.text,
    cookies: first.cookies,
  })
  expect(repeat.headers.get('content-type')).toBe(first.headers.get('content-type'))
  expect(repeat.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
  expectCommonHeaders(repeat)
}

describe('a repeat', () => {
  test.each([
    ['token', {}, 0],
    ['token', { 'sec-fetch-site': 'same-origin' }, 1],
    ['cookie', {}, 2],
    ['cookie', { 'sec-fetch-site': 'same-origin' }, 2],
  ])(
    'gives the first answer byte for byte (transport %s, %o: %d cookies) and has no second effect',
    async (transport, headers, cookies) => {
      const client = await newClient(service())
      const [key, json] = [randomUUID(), newBody({ name: 'Ada', transport })]
      const first = await register(client, key, json, headers)
      expect(first.status).toBe(201)
      expect(first.headers.has('idempotent-replayed')).toBe(false)
      expect(first.cookies).toHaveLength(cookies)
      expect(await count(client)).toEqual(ONE)
      for (const _again of [1, 2, 3]) expectReplay(await register(client, key, json, headers), first)
      expect(await count(client)).toEqual(ONE)
    },
  )

  test('costs no trip more than the first, which costs as many as without a key', async () => {
    const client = await newClient(service())
    await client.newAccount()
    const [key, json] = [randomUUID(), newBody()]
    expect((await register(client, key, json)).seen).toEqual({ postgres: 2, redis: 1 })
    expect((await register(client, key, json)).seen).toEqual({ postgres: 1, redis: 1 })
    const reused = await register(client, key, { ...json, password: 'another password' })
    expectProblem(reused, 'idempotency_key_reused')
    expect(reused.seen).toEqual({ postgres: 1, redis: 1 })
  })

  test('carries tokens that work, once each as ever', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    await register(client, key, json)
    const { body } = await register(client, key, json)
    expect((await client.me(body.access_token)).body.email).toBe(json.email)
    const refreshed = await client.refresh(body.refresh_token)
    expect(refreshed.status).toBe(200)
    expect(refreshed.body.session.id).toBe(body.session.id)
  })

  test('of a refused registration is refused again, also when the address has become free', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.newAccount()
    const [key, json] = [randomUUID(), { email, password: 'another password' }]
    for (const _again of [1, 2, 3]) expectProblem(await register(client, key, json), 'email_taken')
    await service().sql('update users set deleted_at = now(), email = null where id = $1', [tokens.user.id])
    const late = await register(client, key, json)
    expectProblem(late, 'email_taken')
    expect(late.text).not.toContain('lkr_')
    expectProblem(await register(client, key, { ...json, password: PASSWORD }), 'idempotency_key_reused')
    expect((await register(client, randomUUID(), json)).status, 'a new request is not').toBe(201)
  })

  test('is recognised by what it says: the order of fields and the quotes of the key mean nothing', async () => {
    const client = await newClient(service())
    const { email, password } = newBody()
    const key = randomUUID()
    const first = await register(client, key, { email, password, name: 'Ada' })
    expectReplay(await register(client, `"${key}"`, { name: 'Ada', password, email }), first)
    expectReplay(await register(client, key, { transport: 'token', email, password, name: 'Ada' }), first)
  })

  test('is given the same answer after the keys of the deployment were rotated', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    const first = await register(client, key, json)
    await withService(
      { AUTH_KEYS: `${newKeyringEntry('k2')},${service().bindings.AUTH_KEYS}` },
      async (rotated) => {
        const repeat = await createClient(rotated, client.tenant).call('/v1/register', {
          json,
          headers: { 'idempotency-key': key },
        })
        expect(repeat.status).toBe(201)
        expect(JSON.stringify(repeat.body)).toBe(first.text)
      },
    )
    await retireKeys(service(), 'k2')
  })

  test('from a page of another origin is refused like any other request', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    await register(client, key, json)
    const repeat = await register(client, key, json, { origin: 'https://evil.test' })
    expectProblem(repeat, 'origin_not_allowed')
    expect(repeat.text).not.toContain('lkr_')
  })
})

describe('another request with the same key', () => {
  test.each([
    ['another address', { email: newEmail() }],
    ['another password', { password: 'another password' }],
    ['a password that begins alike', { password: `${PASSWORD} ` }],
    ['a password that no one could choose', { password: 'short' }],
    ['another name', { name: 'Ada L' }],
    ['no name', { name: undefined }],
    ['another transport', { transport: 'cookie' }],
  ])('is refused when it has %s, and changes nothing', async (_, change) => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody({ name: 'Ada' })]
    const first = await register(client, key, json)
    const other = await register(client, key, { ...json, ...change })
    expectProblem(other, 'idempotency_key_reused')
    expect(other.isReplayed).toBe(false)
    expect(await count(client)).toEqual(ONE)
    expectReplay(await register(client, key, json), first)
  })

  const dear = useService({
    beside: service,
    bindings: { LIMITS_MULTIPLIER: '1000', ARGON2_MEMORY_KIB: '47104', ARGON2_ITERATIONS: '10' },
  })

  test('costs a caller who does not know the password as much as the first did', {
    timeout: 120_000, // hashes of half a second each, on a machine that others use
  }, async () => {
    const tenant = await service().newTenant()
    const [key, json] = [randomUUID(), newBody()]
    const timed = async (body: object) => {
      const startedAt = performance.now()
      const answer = await createClient(dear(), tenant).call('/v1/register', {
        json: body,
        headers: { 'idempotency-key': key },
      })
      return { answer, milliseconds: performance.now() - startedAt }
    }
    await createClient(dear(), tenant).register()
    const first = await timed(json)
    expect(first.answer.status).toBe(201)
    for (const change of [{ password: 'another password' }, { password: 'x' }, { email: newEmail() }]) {
      const { answer, milliseconds } = await timed({ ...json, ...change })
      expectProblem(answer, 'idempotency_key_reused')
      expect(milliseconds).toBeGreaterThan(first.milliseconds / 4)
    }
  })
})

describe('a key', () => {
  const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(0x21 + index)).join('')

  test.each([
    ['16 characters', 'k'.repeat(16)],
    ['255 characters', 'k'.repeat(255)],
    ['16 characters in quotes', `"${'k'.repeat(16)}"`],
    ['255 characters in quotes', `"${'k'.repeat(255)}"`],
    ['every visible character', visible],
    ['SQL', "x');drop_table_users;--"],
  ])('of %s is taken, and kept as it is', async (_, key) => {
    const client = await newClient(service())
    const json = newBody()
    const first = await register(client, key, json)
    expect(first.status).toBe(201)
    expectReplay(await register(client, key, json), first)
    const rows = await service().sql(
      'select actor, operation, key from idempotency_keys where tenant_id = $1',
      [client.tenant.id],
    )
    const kept = key.startsWith('"k') ? key.slice(1, -1) : key
    expect(rows).toEqual([{ actor: 'anonymous', operation: 'register', key: kept }])
  })

  test.each([
    ['15 characters', 'k'.repeat(15)],
    ['15 characters in quotes', `"${'k'.repeat(15)}"`],
    ['256 characters', 'k'.repeat(256)],
    ['256 characters in quotes', `"${'k'.repeat(256)}"`],
    ['10 kB', 'k'.repeat(10_000)],
    ['a blank', `${'k'.repeat(16)} k`],
    ['a tab', `${'k'.repeat(16)}\tk`],
    ['a letter beyond ASCII', `${'k'.repeat(16)}é`],
    ['blanks inside quotes', `"${' '.repeat(16)}"`],
    ['two keys', `${randomUUID()}, ${randomUUID()}`],
  ])('of %s is refused, and no one registered', async (_, key) => {
    const client = await newClient(service())
    expectProblem(await register(client, key, newBody()), 'invalid_request')
    expect(await count(client)).toMatchObject({ users: 0, idempotency: 0 })
  })

  test.each([
    ['is sent twice', [`Idempotency-Key: ${'k'.repeat(16)}`, `Idempotency-Key: ${'k'.repeat(16)}`]],
    ['is empty', ['Idempotency-Key:']],
    ['is a pair of quotes', ['Idempotency-Key: ""']],
  ])('that %s is refused, and no one registered', async (_, keys) => {
    const client = await newClient(service())
    const body = JSON.stringify(newBody())
    const headers = [
      `Host: ${client.tenant.host}`,
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      ...keys,
    ]
    const answer = await sendRaw(service(), rawRequest('POST /v1/register HTTP/1.1', headers, body))
    expect({ status: answer.status, code: JSON.parse(answer.text).code }).toEqual({
      status: 400,
      code: 'invalid_request',
    })
    expect(await count(client)).toMatchObject({ users: 0, idempotency: 0 })
  })

  test('of a request that was refused before it was hashed is unused', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    expectProblem(await register(client, key, { ...json, password: 'short' }), 'invalid_input')
    expectProblem(await register(client, key, { ...json, password: 'password' }), 'password_compromised')
    expectProblem(await register(client, key, { ...json, email: 'nobody' }), 'invalid_input')
    expectProblem(await register(client, key, { ...json, admin: true }), 'invalid_input')
    expect(await count(client)).toMatchObject({ idempotency: 0 })
    expect((await register(client, key, json)).isReplayed).toBe(false)
    expect(await count(client)).toEqual(ONE)
  })

  test('and body of one tenant are another request at another', async () => {
    const [one, other] = [await newClient(service()), await newClient(service())]
    const [key, json] = [randomUUID(), newBody()]
    const first = await register(one, key, json)
    const second = await register(other, key, json)
    expect([first, second].map(({ status, isReplayed }) => ({ status, isReplayed }))).toEqual(
      Array(2).fill({ status: 201, isReplayed: false }),
    )
    expect(second.body.user.id).not.toBe(first.body.user.id)
    expectReplay(await register(one, key, json), first)
    expectReplay(await register(other, key, json), second)
    for (const client of [one, other]) expect(await count(client)).toEqual(ONE)
  })

  test('means nothing to a sign-in, each of which begins a session', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    await register(client, key, json)
    const signIn = () => client.call<Tokens>('/v1/login', { json, headers: { 'idempotency-key': key } })
    const [one, other] = [await signIn(), await signIn()]
    expect([one.status, other.status]).toEqual([200, 200])
    expect(one.body.session.id).not.toBe(other.body.session.id)
  })

  test('is kept for 24 hours, after which it is free again', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    const first = await register(client, key, json)
    const kept = async () => {
      const rows = await service().sql<{ sealed_answer: string; seconds: number; refused: string | null }>(
        `select sealed_answer, refused, extract(epoch from expires_at - created_at)::int as seconds
         from idempotency_keys where tenant_id = $1`,
        [client.tenant.id],
      )
      expect(rows).toHaveLength(1)
      expect(rows[0]?.seconds).toBe(86_400)
      return rows[0]
    }
    const before = await kept()
    await passSeconds(client, 86_399 - 60)
    expectReplay(await register(client, key, json), first)
    await passSeconds(client, 61)
    expectProblem(await register(client, key, json), 'email_taken') // a request like the first, a day later
    expect(await kept()).toMatchObject({ refused: 'email_taken' })
    await passSeconds(client, 86_400)
    const other = await register(client, key, newBody())
    expect({ status: other.status, isReplayed: other.isReplayed }).toEqual({ status: 201, isReplayed: false })
    expect(await kept()).toMatchObject({ refused: null })
    expect((await kept())?.sealed_answer).not.toBe(before?.sealed_answer)
  })
})

/** Moves time for what is kept of a tenant. */
async function passSeconds({ tenant }: Client, seconds: number): Promise<void> {
  await service().sql(
    `update idempotency_keys set created_at = created_at - make_interval(secs => $2),
       expires_at = expires_at - make_interval(secs => $2) where tenant_id = $1`,
    [tenant.id, seconds],
  )
}

describe('of simultaneous requests', () => {
  /** The row of a key is held until all of them wait for it. */
  function held<T>(client: Client, key: string, waiting: number, requests: () => Promise<T>): Promise<T> {
    const text = `insert into idempotency_keys (tenant_id, actor, operation, key, sealed_answer, expires_at)
      values ($1, 'anonymous', 'register', $2, '', now() + interval '1 day')
      on conflict (tenant_id, actor, operation, key) do update set sealed_answer = idempotency_keys.sealed_answer`
    return whileHeld(service(), { text, values: [client.tenant.id, key], waiting }, requests)
  }

  test('50 with one key make one account and one session', BURST, async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    const answers = await held(client, key, 50, () => race(50, () => register(client, key, json)))
    expect(codes(answers)).toEqual({ 201: 1, idempotency_key_in_use: 49 })
    for (const answer of answers.filter(({ status }) => status === 409))
      expectProblem(answer, 'idempotency_key_in_use')
    expect(await count(client)).toEqual(ONE)
    const first = answers.find(({ status }) => status === 201)
    if (first) expectReplay(await register(client, key, json), first)
  })

  test(
    '50 with one key that nothing holds back make one account, and all that succeed say the same',
    BURST,
    async () => {
      const client = await newClient(service())
      const [key, json] = [randomUUID(), newBody()]
      const answers = await race(50, () => register(client, key, json))
      const { 201: succeeded = 0, idempotency_key_in_use: early = 0 } = codes(answers)
      expect(succeeded + early).toBe(50)
      const successes = answers.filter(({ status }) => status === 201)
      expect(successes.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1)
      expect(new Set(successes.map(({ text }) => text)).size).toBe(1)
      expect(await count(client)).toEqual(ONE)
    },
  )

  test('with one key, one per address, one makes an account', BURST, async () => {
    const client = await newClient(service())
    const key = randomUUID()
    const bodies = Array.from({ length: 50 }, () => newBody())
    const request = (index: number) => register(client, key, bodies[index] ?? {})
    const answers = await held(client, key, 50, () => race(50, request))
    expect(codes(answers)).toEqual({ 201: 1, idempotency_key_in_use: 49 })
    expect(await count(client)).toEqual(ONE)
    const winner = answers.findIndex(({ status }) => status === 201)
    expectProblem(await request((winner + 1) % 50), 'idempotency_key_reused')
  })

  test(
    '50 with a key each for one address, one makes an account, and each keeps its answer',
    BURST,
    async () => {
      const client = await newClient(service())
      const json = newBody()
      const keys = Array.from({ length: 50 }, () => randomUUID() as string)
      const answers = await race(50, (index) => register(client, keys[index] ?? '', json))
      expect(codes(answers)).toEqual({ 201: 1, email_taken: 49 })
      expect(await count(client)).toEqual({ ...ONE, idempotency: 50 })
      const winner = answers.findIndex(({ status }) => status === 201)
      const [won, lost] = [keys[winner] ?? '', keys[(winner + 1) % 50] ?? '']
      expect((await register(client, won, json)).text).toBe(answers[winner]?.text)
      expectProblem(await register(client, lost, json), 'email_taken')
    },
  )

  test('50 with a key whose day is over replace what was kept once', BURST, async () => {
    const client = await newClient(service())
    const key = randomUUID()
    await register(client, key, newBody())
    await passSeconds(client, 86_400)
    const json = newBody()
    const answers = await held(client, key, 50, () => race(50, () => register(client, key, json)))
    expect(codes(answers)).toEqual({ 201: 1, idempotency_key_in_use: 49 })
    expect(await count(client)).toMatchObject({ users: 2, idempotency: 1 })
  })
})

describe('an answer that never arrived', () => {
  const whatRegisters = (body: string) => body.includes('insert into users')

  test('is given again when the effect had been committed, and its refresh token works', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    service().gates.postgres.set('reset-after-commit', { times: 1, when: whatRegisters })
    expectProblem(await register(client, key, json), 'upstream_unavailable')
    expect(service().gates.postgres.hits()).toBe(1)
    expect(await count(client)).toEqual(ONE)
    const repeat = await register(client, key, json)
    expect({ status: repeat.status, isReplayed: repeat.isReplayed }).toEqual({
      status: 201,
      isReplayed: true,
    })
    const refreshed = await client.refresh(repeat.body.refresh_token)
    expect(refreshed.body.session.id).toBe(repeat.body.session.id)
    expectReplay(await register(client, key, json), repeat)
    expect(await count(client)).toMatchObject({ users: 1, sessions: 1 })
  })

  test('has no effect when there was none, and the repeat is the first', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    service().gates.postgres.set('error-500', { times: 1, when: whatRegisters })
    expectProblem(await register(client, key, json), 'upstream_unavailable')
    expect(service().gates.postgres.hits()).toBe(1)
    expect(await count(client)).toMatchObject({ users: 0, idempotency: 0 })
    const repeat = await register(client, key, json)
    expect({ status: repeat.status, isReplayed: repeat.isReplayed }).toEqual({
      status: 201,
      isReplayed: false,
    })
    expect(await count(client)).toEqual(ONE)
  })
})

describe('what is kept', () => {
  const row = async ({ tenant }: Client) => {
    const [kept] = await service().sql<{ text: string; sealed: string }>(
      'select idempotency_keys::text as text, sealed_answer as sealed from idempotency_keys where tenant_id = $1',
      [tenant.id],
    )
    return kept ?? { text: '', sealed: '' }
  }

  test('holds no token, password, address or name that could be read, nor does the log', async () => {
    const client = await newClient(service())
    const json = newBody({
      name: 'Ada Lovelace',
      transport: 'cookie',
      password: 'S3cret-that-must-not-be-kept',
    })
    const { body, cookies } = await register(client, randomUUID(), json, { 'sec-fetch-site': 'same-origin' })
    const values = cookies.map((cookie) => cookie.split(';')[0]?.split('=')[1] ?? '')
    const secrets = [
      ...Object.values(json).slice(0, 3),
      ...values,
      body.access_token,
      body.user.id,
      'lkr_',
      'argon2',
      'eyJ',
    ]
    const { text, sealed } = await row(client)
    expect(values).toHaveLength(2)
    expect(sealed).toMatch(/^k1\.[A-Za-z0-9_-]{16}\.[A-Za-z0-9_-]{500,}$/)
    const opaque = Buffer.from(sealed.split('.')[2] ?? '', 'base64url').toString('latin1')
    for (const secret of secrets) for (const place of [text, opaque]) expect(place).not.toContain(secret)
    const log = service().logs().join('\n')
    for (const secret of [...Object.values(json).slice(0, 3), ...values, body.access_token])
      expect(log).not.toContain(secret)
  })

  test('is sealed anew each time', async () => {
    const [one, other] = [await newClient(service()), await newClient(service())]
    const [key, json] = [randomUUID(), newBody()]
    for (const client of [one, other]) await register(client, key, json)
    const [first, second] = [await row(one), await row(other)]
    expect(first.sealed.split('.')[1]).not.toBe(second.sealed.split('.')[1])
  })

  test.each([
    [
      'copied',
      `insert into idempotency_keys
       select tenant_id, actor, operation, $2, sealed_answer, refused, created_at, expires_at
       from idempotency_keys where tenant_id = $1`,
    ],
    ['moved', 'update idempotency_keys set key = $2 where tenant_id = $1'],
  ])('does not open when its row is %s to another key, and answers no tokens', async (_, change) => {
    const client = await newClient(service())
    const [to, json] = [randomUUID(), newBody()]
    await register(client, randomUUID(), json)
    await service().sql(change, [client.tenant.id, to])
    await expectUnopened(client, to, json)
  })

  test('does not open when its row is copied to another tenant', async () => {
    const [client, elsewhere] = [await newClient(service()), await newClient(service())]
    const [key, json] = [randomUUID(), newBody()]
    const first = await register(client, key, json)
    await service().sql(
      `insert into idempotency_keys select $2, actor, operation, key, sealed_answer, refused, created_at, expires_at
       from idempotency_keys where tenant_id = $1`,
      [client.tenant.id, elsewhere.tenant.id],
    )
    await expectUnopened(elsewhere, key, json)
    expectReplay(await register(client, key, json), first)
  })

  test('does not open when two rows have changed places, or a letter has changed', async () => {
    const [client, elsewhere] = [await newClient(service()), await newClient(service())]
    const [key, json] = [randomUUID(), newBody()]
    for (const one of [client, elsewhere]) await register(one, key, json)
    const seal = (sealed: string, { tenant }: Client) =>
      service().sql('update idempotency_keys set sealed_answer = $2 where tenant_id = $1', [
        tenant.id,
        sealed,
      ])
    const [mine, theirs] = [(await row(client)).sealed, (await row(elsewhere)).sealed]
    const changed = `${mine.slice(0, 40)}${mine[40] === 'A' ? 'B' : 'A'}${mine.slice(41)}`
    for (const sealed of [theirs, changed, mine.slice(0, -4), 'k1..', '', randomBytes(64).toString('hex')]) {
      await seal(sealed, client)
      await expectUnopened(client, key, json)
    }
    await seal(mine, client)
    expect((await register(client, key, json)).isReplayed).toBe(true)
  })

  test('does not open without its key, and then no one registers a second time', async () => {
    const client = await newClient(service())
    const [key, json] = [randomUUID(), newBody()]
    await register(client, key, json)
    await withService({ AUTH_KEYS: newKeyringEntry('k9') }, async (keyless) => {
      const answer = await createClient(keyless, client.tenant).call('/v1/register', {
        json,
        headers: { 'idempotency-key': key },
      })
      expectProblem(answer, 'upstream_unavailable')
    })
    expect(await count(client)).toEqual(ONE)
  })

  async function expectUnopened(client: Client, key: string, json: object): Promise<void> {
    const before = await count(client)
    for (const body of [json, { ...json, password: 'another password' }]) {
      const answer = await register(client, key, body)
      expectProblem(answer, 'internal_error')
      expect(answer.text).not.toMatch(/lkr_|eyJ/)
      expect(answer.isReplayed).toBe(false)
    }
    expect(await count(client)).toEqual(before)
  }
})

/** Another deployment on the same database, for as long as `use` runs. */
async function withService(bindings: Record<string, string>, use: (other: Service) => Promise<void>) {
  const other = await startService({ beside: service(), bindings })
  try {
    await use(other)
  } finally {
    await other.stop()
  }
}
