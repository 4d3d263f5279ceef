/** accounts 9: a server says for whom it calls. What it signs is believed; anything else in its header is refused. */
import { beforeAll, describe, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { serviceCredential } from '../../ops/service-credential.ts'
import { LIMITS } from '../../src/limits/limits.ts'
import {
  countBy,
  newEmail,
  PASSWORD,
  race,
  randomAddress,
  type SessionPage,
  type Tokens,
} from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useMailStage } from '../support/mail-stage.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import { startService, type TestTenant } from '../support/service.ts'
import { credentialFor, newTrustedServer, secondsNow, signed } from '../support/trusted-server.ts'
import { inOneWindow } from '../support/windows.ts'

const [C1, C2] = [newKeyringEntry('c1'), newKeyringEntry('c2')]
const stage = useMailStage({ SERVICE_KEYS: `${C2},${C1}` })
const service = () => stage().service

const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15'
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
const DEVICE = /__Host-latchkey-device=[^;]+/

type Server = Awaited<ReturnType<typeof newTrustedServer>>
let tenant: TestTenant
let server: Server

beforeAll(async () => {
  tenant = await service().newTenant()
  server = await newTrustedServer(service(), tenant, `${C2},${C1}`)
})

const truncated = (address: string) => `${address.split('.').slice(0, 3).join('.')}.0/24`
const requestLines = () =>
  service()
    .logs()
    .map((line) => JSON.parse(line))
    .filter(({ message }) => message === 'request')

/** A registration that the limit lets pass and the policy refuses before it is hashed: 422, or 429. */
const cheap = () => ({ json: { email: newEmail(), password: 'short' } })

describe('accepts', () => {
  test('accounts 9: the function of docs/clients.md, as printed, names the client of a session, an event and a log line', async () => {
    const address = randomAddress()
    const callFor = server.callFor({ ip: address, userAgent: SAFARI })
    const { status, body } = await callFor<Tokens>('/v1/register', {
      json: { email: newEmail(), password: PASSWORD },
      headers: { 'user-agent': 'node' },
    })
    expect(status).toBe(201)
    const listed = await callFor<SessionPage>('/v1/sessions?limit=5', { bearer: body.access_token })
    expect(listed.body.data).toMatchObject([
      {
        address: truncated(address),
        user_agent: SAFARI,
        device: 'Safari on macOS',
        country: null,
        city: null,
      },
    ])
    const [event] = await service().sql(
      `select client from events where type = 'session.started' and data ->> 'session_id' = $1`,
      [body.session.id],
    )
    expect(event?.client).toMatchObject({ address: truncated(address), user_agent: SAFARI, network: null })
    expect(requestLines().findLast(({ operation }) => operation === '/v1/sessions')).toMatchObject({
      address: truncated(address),
      connecting_address: truncated(server.connecting.address),
      vouched_by: 'c2',
    })
  })

  test.each([
    ['IPv4', () => randomAddress(), null],
    ['IPv6, whatever its /64', () => `2001:db8:${Math.floor(Math.random() * 0xffff).toString(16)}:7`, '::'],
  ])('accounts 9: limits count the client that is named, and no other: %s', async (_, network, inside) => {
    const { rate } = LIMITS.register.redis.address
    const [answers, others] = await inOneWindow(3600, async () => {
      const [one, other] = [network(), network()]
      const at = (base: string, index: number) => (inside ? `${base}${inside}${index.toString(16)}` : base)
      const ask = (base: string) => (index: number) =>
        server.callFor({ ip: at(base, index) })('/v1/register', cheap())
      return [await race(rate + 10, ask(one)), await race(3, ask(other))]
    })
    expect(countBy(answers, ({ status }) => status)).toEqual({ 422: rate, 429: 10 })
    expect(countBy(others, ({ status }) => status)).toEqual({ 422: 3 })
    expect((await server.connecting.call('/v1/register', cheap())).status, 'the server itself').toBe(422)
  })

  test('accounts 9: an IPv4 address written as IPv6 is that IPv4 address', async () => {
    for (const ip of ['::ffff:203.0.113.77', '::FFFF:cb00:714d'])
      expect((await server.callFor({ ip })('/v1/register', cheap())).status).toBe(422)
    const addresses = requestLines().map(({ address }) => address)
    expect(addresses.slice(-2)).toEqual(['203.0.113.0/24', '203.0.113.0/24'])
  })

  test('accounts 9: the mail of a new sign-in names the client, and its browser is known the next time', async () => {
    const email = newEmail()
    const credentials = { json: { email, password: PASSWORD } }
    const first = server.callFor({ ip: randomAddress(), userAgent: FIREFOX })
    const registered = await first('/v1/register', credentials)
    const cookie = DEVICE.exec(registered.headers.get('set-cookie') ?? '')?.[0] ?? ''
    expect(cookie).not.toBe('')
    await service().consume()

    const claims = `v1;t=${secondsNow()};ip=${randomAddress()};ua=${base64(SAFARI)};country=AT;city=${base64('Wien')};k=c2`
    const signIn = await server.connecting.call('/v1/login', {
      ...credentials,
      headers: by(claims, { target: '/v1/login' }),
    })
    expect(signIn.status).toBe(200)
    await service().consume()
    const [mail] = stage().provider.sent(email).slice(-1)
    expect(mail?.text).toContain('Safari on macOS')
    expect(mail?.text).toContain('Wien')

    const before = stage().provider.sent(email).length
    const again = server.callFor({ ip: randomAddress(), userAgent: FIREFOX.replaceAll('140', '141') })
    expect((await again('/v1/login', { ...credentials, headers: { cookie } })).status).toBe(200)
    await service().consume()
    expect(stage().provider.sent(email).slice(before)).toEqual([])
  })

  test('accounts 9: a clock that is a minute off, and a key that is not the newest', async () => {
    for (const off of [-55, 55])
      expect((await register(by(`v1;t=${secondsNow() + off};ip=192.0.2.1;k=c2`))).status).toBe(422)
    const older = credentialFor(C1, tenant.origin)
    const claims = `v1;t=${secondsNow()};ip=192.0.2.1;k=c1`
    expect((await register(by(claims, { credential: older }))).status).toBe(422)
  })

  test('accounts 9: a User-Agent of any length and alphabet, cut to what is kept', async () => {
    for (const userAgent of ['x'.repeat(20_000), '\u{1f600}'.repeat(400), 'ü'.repeat(600), ''])
      expect((await server.callFor({ ip: '192.0.2.1', userAgent })('/v1/register', cheap())).status).toBe(422)
  })

  test('accounts 9: without the header the address is that of who connects', async () => {
    expect((await server.connecting.call('/v1/register', cheap())).status).toBe(422)
    const [line] = requestLines().slice(-1)
    expect(line.address).toBe(truncated(server.connecting.address))
    expect(line).not.toHaveProperty('vouched_by')
    expect(line).not.toHaveProperty('connecting_address')
  })
})

const base64 = (text: string) => Buffer.from(text).toString('base64url')
const fresh = () => `v1;t=${secondsNow()};ip=192.0.2.1;ua=${base64(SAFARI)};k=c2`

type Signing = { credential?: string; method?: string; target?: string }

/** The header with a right signature for these claims, of a registration unless something else is said. */
const by = (claims: string, { credential, method = 'POST', target = '/v1/register' }: Signing = {}) => ({
  'latchkey-caller': signed(credential ?? server.credential, method, target, claims),
})
const register = (headers: Record<string, string>) =>
  server.connecting.call('/v1/register', { ...cheap(), headers })

describe('refuses, and counts no one', () => {
  const registered = async () =>
    (await service().sql<{ n: number }>('select count(*)::int as n from users'))[0]?.n

  /** 403, with the reason in the log, on behalf of the caller that connected. */
  async function expectRefused(header: Record<string, string> | string, reason: string) {
    const headers = typeof header === 'string' ? { 'latchkey-caller': header } : header
    const before = await registered()
    const { connecting } = server
    const answer = await connecting.call('/v1/register', {
      json: { email: newEmail(), password: PASSWORD },
      headers,
    })
    expectProblem(answer, 'invalid_caller')
    expect(answer.trips.redis).toBe(0)
    const [line] = requestLines().slice(-1)
    expect(line).toMatchObject({ code: 'invalid_caller', reason, operation: '/v1/register' })
    expect(line.address).toBe(truncated(connecting.address))
    expect(await registered()).toBe(before)
    return answer
  }

  test('accounts 9: a forged signature', async () => {
    const header = signed(server.credential, 'POST', '/v1/register', fresh())
    const flipped = header.replace(/sig=(.)/, (_, first) => `sig=${first === 'A' ? 'B' : 'A'}`)
    await expectRefused(flipped, 'signature')
    await expectRefused(header.replace('192.0.2.1', '192.0.2.2'), 'signature')
    await expectRefused(
      header.replace(/t=\d+/, (t) => `${t.slice(0, -1)}${(Number(t.at(-1)) + 1) % 10}`),
      'signature',
    )
    await expectRefused(header.replace(/;ua=[^;]+/, ''), 'signature')
    await expectRefused(by(fresh(), { credential: `c2.${base64('x'.repeat(32))}` }), 'signature')
    await expectRefused(by(fresh(), { credential: 'c2.' }), 'signature')
  })

  test('accounts 9: a signature in another spelling of its bytes', async () => {
    const header = signed(server.credential, 'POST', '/v1/register', fresh())
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const last = alphabet.indexOf(header.at(-1) ?? '')
    await expectRefused(`${header.slice(0, -1)}${alphabet[last ^ 1]}`, 'signature')
  })

  test('accounts 9: a header that was made for another path, query or method', async () => {
    for (const target of ['/v1/login', '/v1/register?x=1', '/v1/register/', '/V1/register', ''])
      await expectRefused(by(fresh(), { target }), 'signature')
    for (const method of ['GET', 'PUT', 'post', '']) await expectRefused(by(fresh(), { method }), 'signature')
    const read = by(fresh(), { method: 'GET', target: '/v1/sessions' })
    for (const [method, target] of [
      ['DELETE', '/v1/sessions'],
      ['GET', '/v1/sessions?limit=1'],
    ] as const)
      expectProblem(await server.connecting.call(target, { method, headers: read }), 'invalid_caller')
  })

  test("accounts 9: a credential of another host, also of the same deployment's", async () => {
    const other = await service().newTenant()
    const theirs = await newTrustedServer(service(), other, `${C2},${C1}`)
    await expectRefused(by(fresh(), { credential: theirs.credential }), 'signature')
    const answer = await theirs.connecting.call('/v1/register', { ...cheap(), headers: by(fresh()) })
    expectProblem(answer, 'invalid_caller')
  })

  test('accounts 9: a key that the ring does not hold, or holds no more', async () => {
    const gone = newKeyringEntry('c3')
    const credential = credentialFor(gone, tenant.origin)
    await expectRefused(by(fresh().replace('k=c2', 'k=c3'), { credential }), 'signature')
    await expectRefused(by(fresh().replace('k=c2', 'k=c1')), 'signature')
  })

  test.each([-62, 62, -86_400, 86_400, -secondsNow(), 900_000_000_000 - secondsNow()])(
    'accounts 9: a time that is %i seconds off, though it is signed',
    async (off) => {
      const answer = await expectRefused(by(`v1;t=${secondsNow() + off};ip=192.0.2.1;k=c2`), 'time')
      expect((answer.body as { detail?: string }).detail).toContain('60 seconds')
    },
  )

  test.each([
    '1.2.3',
    '256.1.1.1',
    '1.2.3.4.5',
    ':::',
    '::ffff:1.2.3',
    '::ffff:256.1.1.1',
    '1:2:3:4:5:6:7:8:9',
    '2001:db8::1::2',
    '12345::1',
    '::ffff:0:0:0:0:0:0:0:1.2.3.4',
  ])('accounts 9: %s, which is no address, though it is signed', async (ip) => {
    await expectRefused(by(`v1;t=${secondsNow()};ip=${ip};k=c2`), 'values')
  })

  test.each([
    ['a User-Agent that is no UTF-8', `ua=${Buffer.from([0xff, 0xfe]).toString('base64url')}`],
    ['a User-Agent in another spelling of its bytes', 'ua=QR'],
    ['a length that base64url cannot have', 'ua=AAAAA'],
  ])('accounts 9: %s', async (_, ua) => {
    await expectRefused(by(`v1;t=${secondsNow()};ip=192.0.2.1;${ua};k=c2`), 'values')
  })

  test.each([
    ['nothing', ''],
    ['a word', 'x'],
    ['another version', 'v2;t=1;ip=192.0.2.1;k=c2'],
    ['no time', 'v1;ip=192.0.2.1;k=c2'],
    ['a time that is no number', 'v1;t=-1;ip=192.0.2.1;k=c2'],
    ['a time of thirteen digits', 'v1;t=1000000000000;ip=192.0.2.1;k=c2'],
    ['no address', 'v1;t=1;k=c2'],
    ['an empty address', 'v1;t=1;ip=;k=c2'],
    ['an address with a port', 'v1;t=1;ip=[2001:db8::1]:80;k=c2'],
    ['an address with a zone', 'v1;t=1;ip=fe80::1%25eth0;k=c2'],
    ['two addresses', 'v1;t=1;ip=192.0.2.1;ip=192.0.2.2;k=c2'],
    ['a list of addresses', 'v1;t=1;ip=192.0.2.1,192.0.2.2;k=c2'],
    ['a name', 'v1;t=1;ip=localhost;k=c2'],
    ['an address of 65 characters', `v1;t=1;ip=${'1'.repeat(65)};k=c2`],
    ['a User-Agent beyond 512 characters', `v1;t=1;ip=192.0.2.1;ua=${'A'.repeat(2049)};k=c2`],
    ['a header of 7 kB', `v1;t=1;ip=192.0.2.1;ua=${'A'.repeat(7000)};k=c2`],
    ['a city of 513 characters', `v1;t=1;ip=192.0.2.1;city=${'A'.repeat(513)};k=c2`],
    ['a country of three letters', 'v1;t=1;ip=192.0.2.1;country=AUT;k=c2'],
    ['an order of its own', 'v1;ip=192.0.2.1;t=1;k=c2'],
    ['a part that it does not know', 'v1;t=1;ip=192.0.2.1;role=admin;k=c2'],
    ['blanks', 'v1; t=1; ip=192.0.2.1; k=c2'],
    ['a key id of 17 characters', `v1;t=1;ip=192.0.2.1;k=${'k'.repeat(17)}`],
  ])('accounts 9: %s, though it is signed', async (_, claims) => {
    const header = signed(
      server.credential,
      'POST',
      '/v1/register',
      claims.replace('t=1;', `t=${secondsNow()};`),
    )
    await expectRefused(header, 'malformed')
  })

  test('accounts 9: a header without a signature, with half of one, or with more behind it', async () => {
    const header = signed(server.credential, 'POST', '/v1/register', fresh())
    for (const cut of [
      fresh(),
      header.slice(0, -1),
      header.replace(/sig=.*/, 'sig='),
      `${header}A`,
      `${header};x=1`,
    ])
      await expectRefused(cut, 'malformed')
  })

  test('accounts 9: a header that is sent twice, also twice the same', async () => {
    const [one, other] = ['192.0.2.1', '192.0.2.2'].map((ip) =>
      signed(server.credential, 'POST', '/v1/register', `v1;t=${secondsNow()};ip=${ip};k=c2`),
    )
    for (const second of [one, other, '']) {
      const body = JSON.stringify(cheap().json)
      const lines = [
        `Host: ${tenant.host}`,
        'Content-Type: application/json',
        `Content-Length: ${body.length}`,
        `Latchkey-Caller: ${one}`,
        `latchkey-caller: ${second}`,
      ]
      const answer = await sendRaw(service(), rawRequest('POST /v1/register HTTP/1.1', lines, body))
      expect(answer.status).toBe(403)
      expect(answer.text).toContain('invalid_caller')
    }
  })

  test.each([
    ['Origin', { origin: 'https://app.example.net' }],
    ['its own Origin', { origin: 'own' }],
    ['an opaque Origin', { origin: 'null' }],
    ['Sec-Fetch-Site', { 'sec-fetch-site': 'same-origin' }],
    ['Sec-Fetch-Site: none', { 'sec-fetch-site': 'none' }],
  ])('accounts 9: a browser, by its %s, whatever it signs with', async (_, said) => {
    const headers = Object.fromEntries(
      Object.entries(said).map(([name, value]) => [name, value === 'own' ? tenant.origin : value]),
    )
    await expectRefused({ ...headers, ...by(fresh()) }, 'browser')
  })

  test('accounts 9: no page may send it: a preflight that asks for it is not told that it may', async () => {
    const origin = 'https://app.example.net'
    const open = await service().newTenant({ allowedOrigins: [origin] })
    const { connecting } = await newTrustedServer(service(), open, C2)
    const asked = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type, latchkey-caller',
    }
    const answer = await connecting.call('/v1/login', { method: 'OPTIONS', headers: asked })
    expect(answer.status).toBe(204)
    expect(answer.headers.get('access-control-allow-headers')).not.toMatch(/caller|\*/i)
  })

  test('accounts 9: while no SERVICE_KEYS is set, on every operation, and never as a fault', async () => {
    const keyless = await startService({ beside: service() })
    try {
      const { connecting } = await newTrustedServer(keyless, tenant, C2)
      for (const header of [by(fresh())['latchkey-caller'], 'x', '\u00ff'])
        for (const target of ['/v1/register', '/v1/me', '/nothing', '/.well-known/jwks.json']) {
          const answer = await connecting.call(target, { headers: { 'latchkey-caller': header } })
          expectProblem(answer, 'invalid_caller')
        }
      expect((await connecting.call('/v1/register', cheap())).status).toBe(422)
    } finally {
      await keyless.stop()
    }
  })
})

describe('npm run keys -- caller', () => {
  test('accounts 9: makes the credential of one origin, of the newest key', async () => {
    const credential = credentialFor(`${C2},${C1}`, 'https://auth.example.com')
    expect(credential).toMatch(/^c2\.[\w-]{43}$/)
    expect(await serviceCredential(C2, 'https://auth.example.com/')).toBe(credential)
    expect(await serviceCredential(C2, 'https://other.example.com')).not.toBe(credential)
    expect(await serviceCredential(C1, 'https://auth.example.com')).toMatch(/^c1\./)
  })

  test.each([
    '',
    'auth.example.com',
    'https://auth.example.com/v1/login',
    'https://a@auth.example.com',
    'ftp://auth.example.com',
  ])('accounts 9: refuses %j, which is no origin', async (origin) => {
    await expect(serviceCredential(C1, origin)).rejects.toThrow('give the origin')
  })

  test('accounts 9: says what is missing, and repeats no key that is malformed', async () => {
    await expect(serviceCredential('', 'https://auth.example.com')).rejects.toThrow('SERVICE_KEYS is missing')
    const [, key = ''] = C1.split(':')
    await expect(serviceCredential(`${key}:c1`, 'https://auth.example.com')).rejects.toThrow(
      /^(?!.*[\w+/]{20})/,
    )
  })
})
