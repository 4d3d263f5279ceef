/** Passwords that a range API knows from a breach: refused where they are chosen, and no one notices when it is away. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../dev/local-server.ts'
import { type Answer, newClient, newEmail, PASSWORD, untilLimited } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { plantToken } from '../support/one-time.ts'
import {
  prefixOf,
  type RangeBehaviour,
  type RangeServer,
  sha1,
  startRangeServer,
} from '../support/range-server.ts'
import { type Service, startService } from '../support/service.ts'

let ranges: RangeServer
/** Waits as long as a busy machine needs; `hurried` keeps the deadline of production. */
let patient: Service
let hurried: Service
let off: Service

beforeAll(async () => {
  ranges = await startRangeServer()
  const on = { BREACHED_PASSWORDS: 'hibp', BREACHED_PASSWORDS_URL: ranges.url }
  patient = await startService({ bindings: { ...on, BREACHED_PASSWORDS_TIMEOUT_MS: '20000' } })
  hurried = await startService({ bindings: on, beside: patient })
  off = await startService({ bindings: { BREACHED_PASSWORDS_URL: ranges.url }, beside: patient })
})
afterAll(async () => {
  expectOnlyPrefixes()
  await off.stop()
  await hurried.stop()
  await patient.stop()
  await ranges.stop()
})

const newPassword = () => `chosen ${crypto.randomUUID()}`

/** One that breaches know. */
function newBreached(behaviour?: RangeBehaviour): string {
  const password = newPassword()
  ranges.know(password, 3)
  if (behaviour) ranges.behave(password, behaviour)
  return password
}

/** Whatever a test asked: five characters of a hash, and nothing of anyone. */
function expectOnlyPrefixes() {
  expect(ranges.all().length).toBeGreaterThan(0)
  for (const { method, path, headers, body } of ranges.all()) {
    expect(path).toMatch(/^\/range\/[0-9A-F]{5}$/)
    expect({ method, body }).toEqual({ method: 'GET', body: '' })
    expect(headers).toMatchObject({ 'add-padding': 'true', 'user-agent': 'Latchkey' })
    for (const told of ['cookie', 'authorization', 'referer', 'origin', 'cf-connecting-ip', 'x-request-id'])
      expect(headers).not.toHaveProperty(told)
    expect(JSON.stringify(headers)).not.toMatch(/[0-9A-F]{35}|chosen|@/i)
  }
}

const warningsOf = ({ headers }: Answer<unknown>, service: Service) =>
  service
    .logs()
    .filter((line) => line.includes(headers.get('x-request-id') ?? 'none') && line.includes('"warn"'))
    .map((line): unknown => JSON.parse(line))

async function countUsers(email: string): Promise<unknown> {
  const [row] = await patient.sql('select count(*)::int as users from users where email = $1', [email])
  return row?.users
}

describe('accepts', () => {
  test('a password that no breach knows, in as many trips as without the question', async () => {
    const password = newPassword()
    const [asking, silent] = [await newClient(patient), await newClient(off)]
    await asking.register() // the first request of a Redis brings the script along
    const answer = await asking.register(newEmail(), password)
    expect(answer.status).toBe(201)
    expect(ranges.asked(password)).toHaveLength(1)
    expect(warningsOf(answer, patient)).toEqual([])
    expect(answer.trips).toEqual((await silent.register(newEmail(), newPassword())).trips)
  })

  test('a password whose line only pads the range', async () => {
    const password = newPassword()
    ranges.know(password, 0)
    expect((await (await newClient(patient)).register(newEmail(), password)).status).toBe(201)
    expect(ranges.asked(password)).toHaveLength(1)
  })

  test('a sign-in with a password that became known since, and asks no one', async () => {
    const client = await newClient(patient)
    const [email, password] = [newEmail(), newPassword()]
    await client.register(email, password)
    ranges.know(password)
    expect((await client.login(email, password)).status).toBe(200)
    expect(ranges.asked(password)).toHaveLength(1)
  })

  test('the repeat of a registration, and asks no second time', async () => {
    const client = await newClient(patient)
    const json = { email: newEmail(), password: newPassword() }
    const send = () => client.call('/v1/register', { json, headers: { 'idempotency-key': json.email } })
    const first = await send()
    ranges.know(json.password)
    expect([first.status, (await send()).body]).toEqual([201, first.body])
    expect(ranges.asked(json.password)).toHaveLength(1)
  })

  test('every password while the setting is off, and asks no one', async () => {
    const password = newBreached()
    expect((await (await newClient(off)).register(newEmail(), password)).status).toBe(201)
    expect(ranges.asked(password)).toEqual([])
  })
})

describe('refuses', () => {
  test.each([
    ['with capitals and CRLF', undefined],
    ['in small letters and without carriage returns', 'lower case'],
  ] as const)('a password that a range names, written %s, and stores nothing', async (_, behaviour) => {
    const [email, password] = [newEmail(), newBreached(behaviour)]
    const problem = expectProblem(
      await (await newClient(patient)).register(email, password),
      'password_compromised',
    )
    expect(problem.errors).toEqual([{ pointer: '/password', code: 'password_compromised' }])
    expect(ranges.asked(password)).toHaveLength(1)
    expect(await countUsers(email)).toBe(0)
  })

  test.each(['crème brûlée à Ångström 🦊', 'ﬀ ﬁ ſ İ ı ß ＡＢＣ', 'пароль пароль', ' \t trailing '])(
    'the password %j by the SHA-1 of its UTF-8 in NFC, in either form',
    async (password) => {
      ranges.know(password.normalize('NFC'))
      const client = await newClient(patient)
      for (const form of ['NFC', 'NFD'])
        expectProblem(await client.register(newEmail(), password.normalize(form)), 'password_compromised')
    },
  )

  test('it to a known and an unknown address alike, after the same question', async () => {
    const client = await newClient(patient)
    const { email } = await client.newAccount()
    const password = newBreached()
    const [known, unknown] = [
      expectProblem(await client.register(email, password), 'password_compromised'),
      expectProblem(await client.register(newEmail(), password), 'password_compromised'),
    ]
    expect({ ...known, request_id: '' }).toEqual({ ...unknown, request_id: '' })
    const [first, second, ...more] = ranges.asked(password)
    expect([first, more]).toEqual([second, []])
    const unheard = newPassword()
    await client.register(email, unheard)
    expect(ranges.asked(unheard), 'also when the address is the reason').toHaveLength(1)
  })

  test.each([
    ['too short', 'kQ7!zp2'],
    ['on the bundled list', 'qwertyuiop'],
  ])('a password that is %s, and asks no one', async (_, password) => {
    expect((await (await newClient(patient)).register(newEmail(), password)).status).toBe(422)
    expect(ranges.asked(password)).toEqual([])
  })

  test('a caller who is over the limit, without asking the mirror', async () => {
    const client = await newClient(patient)
    const short = () => client.register(newEmail(), 'short')
    await Promise.all(Array.from({ length: 100 }, short))
    await untilLimited(short)
    const password = newPassword()
    expectProblem(await client.register(newEmail(), password), 'rate_limited')
    expect(ranges.asked(password)).toEqual([])
  })
})

describe('where another password is chosen', () => {
  const changing = async (service: Service) => {
    const client = await newClient(service)
    const { email, tokens } = await client.newAccount()
    const change = (new_password: string, current_password = PASSWORD) =>
      client.call('/v1/password/change', {
        json: { current_password, new_password },
        bearer: tokens.access_token,
      })
    return { client, email, change }
  }

  const resetting = async (service: Service) => {
    const client = await newClient(service)
    const { email, tokens } = await client.newAccount()
    const account = { tenant: client.tenant, userId: tokens.user.id, subject: email }
    const token = await plantToken(service, { ...account, purpose: 'reset_password' })
    const reset = (password: string) => client.call('/v1/password/reset', { json: { token, password } })
    return { client, email, reset }
  }

  test('a change is refused by the name of its field, and the password stays', async () => {
    const { client, email, change } = await changing(patient)
    const password = newBreached()
    const { errors } = expectProblem(await change(password), 'password_compromised')
    expect(errors).toEqual([{ pointer: '/new_password', code: 'password_compromised' }])
    expect(ranges.asked(password)).toHaveLength(1)
    expect((await client.login(email)).status).toBe(200)
    expectProblem(await client.login(email, password), 'invalid_credentials')
    expect((await change(newPassword())).status).toBe(200)
  })

  test('a change by someone who does not know the current password asks no one', async () => {
    const { change } = await changing(patient)
    const password = newBreached()
    expectProblem(await change(password, 'not the password'), 'invalid_credentials')
    expect(ranges.asked(password)).toEqual([])
  })

  test('a reset is refused by the name of its field, and its link is not used up', async () => {
    const { client, email, reset } = await resetting(patient)
    const password = newBreached()
    const { errors } = expectProblem(await reset(password), 'password_compromised')
    expect(errors).toEqual([{ pointer: '/password', code: 'password_compromised' }])
    expect(ranges.asked(password)).toHaveLength(1)
    expect((await client.login(email)).status).toBe(200)
    const other = newPassword()
    expect((await reset(other)).status).toBe(204)
    expect((await client.login(email, other)).status).toBe(200)
  })

  test('both go on while the range API is away, and while the setting is off', async () => {
    for (const service of [hurried, off]) {
      const password = newBreached('hanging')
      expect((await (await changing(service)).change(password)).status).toBe(200)
      expect((await (await resetting(service)).reset(password)).status).toBe(204)
      expect(ranges.asked(password)).toHaveLength(service === off ? 0 : 2)
    }
  })
})

describe('when the range API fails', () => {
  const page = { 'content-type': 'text/html' }
  const outages: [string, RangeBehaviour, string][] = [
    ['never answers', 'hanging', 'timeout'],
    ['never ends its answer', 'dripping', 'timeout'],
    ['is cut off in its answer', 'cutting', 'unreachable'],
    ['talks without end', 'flooding', 'malformed'],
    ['is down', { status: 503, headers: { 'retry-after': '1' } }, 'http_503'],
    ['is limited', { status: 429 }, 'http_429'],
    ['knows no such range', { status: 404 }, 'http_404'],
    ['answers with nothing', { status: 200 }, 'malformed'],
    ['answers with blanks', { status: 200, body: '\r\n\r\n' }, 'malformed'],
    ['answers with a page', { status: 200, headers: page, body: '<p>Log in to Wi-Fi</p>' }, 'malformed'],
    ['answers with JSON', { status: 200, body: '{"0018A45C4D1DEF81644B54AB7F969B88D65":1}' }, 'malformed'],
    ['answers with whole hashes', { status: 200, body: `${sha1('x')}:1` }, 'malformed'],
    ['answers without counts', { status: 200, body: `${sha1('x').slice(5)}` }, 'malformed'],
    ['counts below nothing', { status: 200, body: `${sha1('x').slice(5)}:-1` }, 'malformed'],
  ]
  test.each(outages)('and %s, the password is taken, by one question', async (_, behaviour, cause) => {
    const password = newBreached(behaviour)
    const service = cause === 'timeout' ? hurried : patient
    const answer = await (await newClient(service)).register(newEmail(), password)
    expect(answer.status).toBe(201)
    expect(ranges.asked(password)).toHaveLength(1)
    expect(warningsOf(answer, service)).toEqual([
      {
        level: 'warn',
        message: 'breach check skipped',
        request_id: answer.headers.get('x-request-id'),
        cause,
      },
    ])
  })

  test('and sends elsewhere, no one is asked there', async () => {
    const elsewhere = newBreached()
    for (const status of [301, 302, 307, 308]) {
      const location = `${ranges.url}${prefixOf(elsewhere)}`
      const password = newBreached({ status, headers: { location } })
      const answer = await (await newClient(patient)).register(newEmail(), password)
      expect(answer.status).toBe(201)
      expect(warningsOf(answer, patient)).toMatchObject([{ cause: `http_${status}` }])
    }
    expect(ranges.asked(elsewhere)).toEqual([])
  })

  test('and talks without end, little of that is read', async () => {
    const before = ranges.floodedBytes()
    await (await newClient(patient)).register(newEmail(), newBreached('flooding'))
    // What the sockets hold between the two is no more than some megabytes.
    expect(ranges.floodedBytes() - before).toBeLessThan(32 * 1024 * 1024)
  })

  test('and does not listen at all, the bundled list still refuses, and nothing else does', async () => {
    const bindings = {
      BREACHED_PASSWORDS: 'hibp',
      BREACHED_PASSWORDS_URL: `http://127.0.0.1:${await freePort()}/range/`,
    }
    const alone = await startService({ bindings, beside: patient })
    const client = await newClient(alone)
    expectProblem(await client.register(newEmail(), 'qwertyuiop'), 'password_compromised')
    const answer = await client.register(newEmail(), newPassword())
    expect(answer.status).toBe(201)
    expect(warningsOf(answer, alone)).toMatchObject([{ cause: 'unreachable' }])
    await alone.stop()
  })
})
