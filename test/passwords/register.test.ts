import { afterEach, describe, expect, test } from 'vitest'
import { countBy, createClient, newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { FULL_COST, startService, useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'
import { inOneWindow } from '../support/windows.ts'

const service = useLentService()

afterEach(() => service().gates.redis.set('open'))

everyRoute(service, {
  method: 'POST',
  path: '/v1/register',
  allow: 'POST',
  caller: 'anyone',
  json: { email: 'someone@example.com', password: PASSWORD, name: 'Someone', transport: 'token' },
})

async function countUsers(email: string): Promise<number> {
  const [row] = await service().sql<{ count: number }>('select count(*)::int from users where email = $1', [
    email,
  ])
  return row?.count ?? 0
}

describe('accepts', () => {
  test('makes an account and signs it in', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const answer = await client.register(email, PASSWORD, { name: '  Ada Lovelace  ' })
    expect(answer.status).toBe(201)
    expectCommonHeaders(answer)
    expect(answer.body).toMatchObject({
      token_type: 'Bearer',
      refresh_token: expect.stringMatching(/^lkr_/),
      refresh_expires_in: 14 * 86_400,
      user: { email, email_verified: false, name: 'Ada Lovelace', roles: [] },
    })
    expect((await client.me(answer.body.access_token)).body).toMatchObject(answer.body.user)
    expect(await countEvents(service(), answer.body.user.id)).toEqual({
      'user.registered': 1,
      'session.started': 1,
    })
  })

  test('puts the refresh token into a cookie alone when asked to', async () => {
    const client = await newClient(service())
    const { status, headers, body } = await client.register(newEmail(), PASSWORD, { transport: 'cookie' })
    expect(status).toBe(201)
    expect(body).not.toHaveProperty('refresh_token')
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-latchkey=lkr_[\w-]{43}; Max-Age=1209600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
      expect.stringMatching(/^__Host-latchkey-device=/),
    ])
  })

  test('keeps an address in lower case and takes it in any', async () => {
    const client = await newClient(service())
    const email = `Ada.Lovelace+${crypto.randomUUID()}@Example.COM`
    const { body } = await client.register(email)
    expect(body.user.email).toBe(email.toLowerCase())
    expectProblem(await client.register(email.toLowerCase()), 'email_taken')
    expect((await client.login(email.toUpperCase())).status).toBe(200)
  })

  test('gives the same address an account in every tenant', async () => {
    const email = newEmail()
    const [one, other] = [await newClient(service()), await newClient(service())]
    expect((await one.register(email)).status).toBe(201)
    expect((await other.register(email, 'another password')).status).toBe(201)
    expectProblem(await other.login(email, PASSWORD), 'invalid_credentials')
  })

  test.each([
    ['erased', 'update users set deleted_at = now(), email = null, name = null where id = $1'],
    ['deleted and still names it', 'update users set deleted_at = now() where id = $1'],
  ])('lets an address register again after its account was %s (FINDINGS F19)', async (_, change) => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    await service().sql(change, [tokens.user.id])
    const again = await client.register(email, 'another password')
    expect(again.status).toBe(201)
    expect(again.body.user.id).not.toBe(tokens.user.id)
    expectProblem(await client.login(email, PASSWORD), 'invalid_credentials')
    expect((await client.login(email, 'another password')).status).toBe(200)
  })

  test.each([
    ['8 characters', 'kQ7!zp2x'],
    ['64 emoji, 256 bytes', '🦊'.repeat(64)],
    ['1024 bytes', 'aZ'.repeat(512)],
    ['a sentence with a common password in it', 'password is what I type'],
    ['spaces alone', ' '.repeat(12)],
  ])('takes a password of %s, and signs in with it', async (_, password) => {
    const client = await newClient(service())
    const email = newEmail()
    expect((await client.register(email, password)).status).toBe(201)
    expect((await client.login(email, password)).status).toBe(200)
  })

  test('compares the whole password: the last byte, and a space at the end, count', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const password = `${'x'.repeat(200)}y `
    await client.register(email, password)
    for (const wrong of [password.trimEnd(), `${password} `, `${'x'.repeat(200)}z `, password.slice(0, 72)])
      expectProblem(await client.login(email, wrong), 'invalid_credentials')
    expect((await client.login(email, password)).status).toBe(200)
  })

  test('takes a password typed in either Unicode form as the same one', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const password = 'crème brûlée à Ångström'
    await client.register(email, password.normalize('NFD'))
    expect((await client.login(email, password.normalize('NFC'))).status).toBe(200)
    expect((await client.login(email, password.normalize('NFD'))).status).toBe(200)
  })
})

describe('while Redis is away', () => {
  test('goes on, and one address is heard ten times a minute', async () => {
    const tenant = await service().newTenant()
    service().gates.redis.set('refusing')
    expect((await createClient(service(), tenant).register()).status).toBe(201)
    const answers = await inOneWindow(60, async () => {
      const client = createClient(service(), tenant)
      const heard = []
      for (let attempt = 1; attempt <= 12; attempt++) heard.push(await client.register(newEmail(), 'short'))
      return heard
    })
    expect(countBy(answers, ({ status }) => status)).toEqual({ 422: 10, 429: 2 })
    for (const answer of answers.slice(10)) expectProblem(answer, 'rate_limited')
  })
})

describe('refuses', () => {
  test('an address that is taken, and stores nothing', async () => {
    const client = await newClient(service())
    const { email, tokens } = await client.signUp()
    expectProblem(await client.register(email, 'another password'), 'email_taken')
    expect(await countUsers(email)).toBe(1)
    expect((await client.login(email)).body.user).toEqual(tokens.user)
  })

  test.each([
    ['0 characters', '', 'too_short'],
    ['7 characters', 'kQ7!zp2', 'too_short'],
    ['7 emoji, which are 14 UTF-16 units', '🦊'.repeat(7), 'too_short'],
    ['7 characters once composed', 'e\u0301'.repeat(7), 'too_short'],
    ['1025 characters', 'a'.repeat(1025), 'too_long'],
    ['1026 bytes in 342 characters', '€'.repeat(342), 'too_long'],
    ['a NUL', 'correct\0horse', 'invalid_characters'],
    ['a lone surrogate', 'correct\ud800horse', 'invalid_characters'],
  ])('a password with %s', async (_, password, code) => {
    const client = await newClient(service())
    const email = newEmail()
    const answer = await client.register(email, password)
    expectInvalidInput(answer, { '/password': code })
    expect(await countUsers(email)).toBe(0)
  })

  test('a password of 100,000 characters with 413', async () => {
    const client = await newClient(service())
    expectProblem(await client.register(newEmail(), 'a'.repeat(100_000)), 'payload_too_large')
  })

  test('a password that everyone tries first: common, or their own address, or the name of the place', async () => {
    const client = await newClient(service())
    const { tenant } = client
    const email = newEmail()
    const own = [email, email.toUpperCase(), email.split('@')[0] ?? '', tenant.name, tenant.slug, tenant.host]
    for (const password of ['password', 'PassWord', '12345678', 'iloveyou', 'qwertyuiop', ...own]) {
      const problem = expectProblem(await client.register(email, password), 'password_compromised')
      expect(problem.errors).toEqual([{ pointer: '/password', code: 'password_compromised' }])
    }
    expect(await countUsers(email)).toBe(0)
  })

  test("a password shorter than the tenant's own minimum", async () => {
    const client = await newClient(service(), { settings: { password_min_length: 15 } })
    expectInvalidInput(await client.register(newEmail(), 'kQ7!zp2xkQ7!zp'), { '/password': 'too_short' })
    expect((await client.register(newEmail(), 'kQ7!zp2xkQ7!zp9')).status).toBe(201)
  })

  test.each([
    ['no @', 'someone'],
    ['two @', 'a@b@example.com'],
    ['a list', 'a@example.com,b@example.com'],
    ['a display name', 'Someone <a@example.com>'],
    ['a quoted local part', '"a@evil.test"@example.com'],
    ['a comment', 'a(comment)@example.com'],
    ['a line break', 'a@example.com\r\nBcc: b@example.com'],
    ['a Unicode look-alike', 'julián@example.com'],
    ['a full-width letter', 'ａ@example.com'],
    ['a Cyrillic domain', 'a@exаmple.com'],
    ['a domain without a dot', 'a@localhost'],
    ['an address literal', 'a@[127.0.0.1]'],
    ['an IP as domain', 'a@127.0.0.1'],
    ['a leading dot', '.a@example.com'],
    ['two dots', 'a..b@example.com'],
    ['a space in it', 'a @example.com'],
    ['a local part of 65 bytes', `${'a'.repeat(65)}@example.com`],
  ])('an e-mail address with %s', async (_, email) => {
    const client = await newClient(service())
    expectInvalidInput(await client.register(email), { '/email': 'invalid_email' })
  })

  test('an e-mail address of 300 bytes', async () => {
    const client = await newClient(service())
    const { errors } = expectProblem(
      await client.register(`${'a'.repeat(60)}@${'b.'.repeat(120)}com`),
      'invalid_input',
    )
    expect(errors).toContainEqual({ pointer: '/email', code: 'too_long' })
  })

  test('names and transports that cannot be, and names every wrong field at once', async () => {
    const client = await newClient(service())
    for (const [name, code] of [
      ['', 'too_short'],
      ['   ', 'too_short'],
      ['x'.repeat(201), 'too_long'],
      ['line\nbreak', 'invalid_characters'],
      ['nul\0', 'invalid_characters'],
      ['\ud800', 'invalid_characters'],
    ] as const)
      expectInvalidInput(await client.register(newEmail(), PASSWORD, { name }), { '/name': code })
    const answer = await client.call('/v1/register', {
      json: { email: 'nobody', transport: 'pigeon', admin: true },
    })
    expectInvalidInput(answer, {
      '/email': 'invalid_email',
      '/password': 'missing',
      '/transport': 'not_allowed',
      '/admin': 'unknown_field',
    })
  })
})

describe('races', () => {
  test('50 simultaneous registrations of one address make one account', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const answers = await race(50, () => client.register(email))
    expect(countBy(answers, ({ status }) => status)).toEqual({ 201: 1, 409: 49 })
    for (const answer of answers.filter(({ status }) => status === 409)) expectProblem(answer, 'email_taken')
    expect(await countUsers(email)).toBe(1)
    const [row] = await service().sql(
      `select (select count(*)::int from passwords p join users u on u.id = p.user_id where u.email = $1) as passwords,
              (select count(*)::int from sessions s join users u on u.id = s.user_id where u.email = $1) as sessions`,
      [email],
    )
    expect(row).toEqual({ passwords: 1, sessions: 1 })
    expect((await client.login(email)).status).toBe(200)
  })
})

describe('attacks', () => {
  test('no refusal repeats the password', async () => {
    const client = await newClient(service())
    const secret = 'S3cret-that-must-not-come-back'
    const { email } = await client.signUp()
    const refused = [
      await client.register(email, secret),
      await client.register('nobody', secret),
      await client.call('/v1/register', { json: { email: newEmail(), password: [secret] } }),
      await client.call('/v1/register', { json: { [secret.slice(0, 8)]: secret } }),
      await client.call('/v1/register', {
        body: `{"password":"${secret}"`,
        headers: { 'content-type': 'application/json' },
      }),
    ]
    for (const { status, body } of refused) {
      expect(status).toBeGreaterThanOrEqual(400)
      expect(JSON.stringify(body)).not.toContain(secret)
    }
    expect(service().logs().join('\n')).not.toContain(secret)
  })

  test.each([
    ['as configured', {}, 'm=64'],
    ['of production', FULL_COST, 'm=19456'],
  ])(
    'the password is stored as Argon2id of the cost %s, and nothing else of it',
    async (_, bindings, cost) => {
      const other = await startService({ beside: service(), bindings })
      const { tokens } = await (await newClient(other)).signUp()
      await other.stop()
      const [row] = await service().sql<{ phc: string }>('select * from passwords where user_id = $1', [
        tokens.user.id,
      ])
      expect(row?.phc).toMatch(/^\$argon2id\$v=19\$m=\d+,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      expect(row?.phc).toContain(`$${cost},`)
      expect(JSON.stringify(row)).not.toContain(PASSWORD)
    },
  )

  test('a page of another origin registers no one (CASES J04)', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const answer = await client.call('/v1/register', {
      json: { email, password: PASSWORD },
      headers: { origin: 'https://evil.test' },
    })
    expectProblem(answer, 'origin_not_allowed')
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
    expect(await countUsers(email)).toBe(0)
  })
})
