/**
 * How many pass: the rates of src/limits/limits.ts for addresses, accounts, devices and tokens, with all requests under
 * way at once, and whatever a caller adds to be counted as someone else.
 */
import { describe, expect, test } from 'vitest'
import {
  type Client,
  createClient,
  newEmail,
  PASSWORD,
  race,
  randomAddress,
  unknownRefreshToken,
  untilLimited,
} from '../support/client.ts'
import { startService } from '../support/service.ts'
import {
  countersOf,
  expectRateLimited,
  fill,
  inOneWindow,
  refusedOf,
  statuses,
  tryToRegister,
  useLimited,
} from '../support/windows.ts'

const limited = useLimited()
/** From an address of its own, or from this one. */
const from = (address = randomAddress()): Client => createClient(limited().service, limited().tenant, address)

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

describe('register: 100 an hour for an address, 100 for an account', () => {
  test('H01 H03 lets exactly 100 of 200 simultaneous ones from one address pass, at as many accounts', async () => {
    const answers = await inOneWindow(3600, () => {
      const client = from()
      return race(200, (index) => tryToRegister(client, newEmail(), spoof(index)))
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 100, 3600)
  })

  test('H05 lets exactly 100 of 200 simultaneous ones at one account pass, in any spelling, from as many addresses', async () => {
    const answers = await inOneWindow(3600, () => {
      const email = `limit-${newEmail()}`
      const spellings = [email, email.toUpperCase(), email.replace('limit', 'Limit')]
      return race(200, (index) => tryToRegister(from(), spellings[index % 3]))
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'account', 100, 3600)
  })

  test('counts an e-mail address on each tenant apart', async () => {
    const [here, there] = await inOneWindow(3600, async () => {
      const email = newEmail()
      await fill(limited(), 'register:account', 99, () => tryToRegister(from(), email))
      const other = createClient(limited().service, await limited().service.newTenant())
      return Promise.all([tryToRegister(from(), email), tryToRegister(other, email)])
    })
    expect([here?.status, there?.status]).toEqual([429, 422])
  })

  test('counts a thousand addresses of one IPv6 /64 as one, and the next /64 as another', async () => {
    const answers = await inOneWindow(3600, async () => {
      const network = `2001:db8:${randomHextet()}:${randomHextet()}`
      const passed = []
      for (let wave = 0; wave < 5; wave++) {
        const address = (index: number) => `${network}:${wave.toString(16)}::${index.toString(16)}`
        passed.push(...(await race(200, (index) => tryToRegister(from(address(index))))))
      }
      return passed
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 900 })
    expect((await tryToRegister(from(`2001:db8:${randomHextet()}:${randomHextet()}::1`))).status).toBe(422)
  })

  test('counts IPv4 in each of its IPv6 forms as the same address', async () => {
    const answers = await inOneWindow(3600, () => {
      const address = randomAddress()
      const hex = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'))
      const spellings = [
        address,
        `::ffff:${address}`,
        `::FFFF:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`,
        `0:0:0:0:0:ffff:${address}`,
      ]
      return race(200, (index) => tryToRegister(from(spellings[index % 4])))
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 100 })
  })

  test('hides nothing else behind a limit: reading keys and signing out go on', async () => {
    const address = randomAddress()
    await inOneWindow(3600, () => race(101, () => tryToRegister(from(address))))
    expect((await from(address).call('/.well-known/jwks.json')).status).toBe(200)
    const { tokens } = await limited().client.signUp()
    expect((await from(address).logout(tokens.refresh_token)).status).toBe(204)
  })

  test('counts a hundred times as many where LIMITS_MULTIPLIER is 100, and answers the rate that holds', async () => {
    const { service, tenant } = limited()
    const bindings = { ...service.bindings, LIMITS_MULTIPLIER: '100' }
    const lenient = await startService({ beside: service, bindings })
    try {
      const answers = await inOneWindow(3600, async () => {
        const client = createClient(lenient, tenant)
        await fill(limited(), 'register:address', 9979, () => tryToRegister(client))
        return race(120, () => tryToRegister(client))
      })
      expect(statuses(answers)).toEqual({ 422: 20, 429: 100 })
      for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 10_000, 3600)
    } finally {
      await lenient.stop()
    }
  })
})

describe('login: 100 a quarter of an hour for an account, 50 from one address or browser, 100 a minute for an address', () => {
  test('H03 H05 lets exactly 100 at one account pass, from anywhere, in any spelling: after 80, 20 of 120 at once', async () => {
    const { email, answers } = await inOneWindow(900, async () => {
      const { email } = await from().signUp()
      await fill(limited(), 'login:account', 79, () => from().login(email))
      const answers = await race(120, (index) => from().login(index % 2 ? email : email.toUpperCase()))
      return { email, answers }
    })
    expect(statuses(answers)).toEqual({ 200: 20, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'account', 100, 900)
    expect((await from().login(email)).status).toBe(429)
    expect((await from().login(newEmail())).status, 'another caller is not concerned').toBe(401)
  })

  test('lets exactly 50 at one account from one address pass: after 40, 10 of 110 at once', async () => {
    const { email, answers } = await inOneWindow(900, async () => {
      const client = from()
      const { email } = await client.signUp()
      await fill(limited(), 'login:account_address', 39, () => client.login(email))
      return { email, answers: await race(110, () => client.login(email)) }
    })
    expect(statuses(answers)).toEqual({ 200: 10, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'account_address', 50, 900)
    expect((await from().login(email)).status, 'from elsewhere').toBe(200)
  })

  test('lets exactly 50 from one known browser pass, apart from the account: after 40, 10 of 110 at once', async () => {
    const { answers, stranger } = await inOneWindow(900, async () => {
      const { email } = await from().signUp()
      const cookie = await deviceCookieOf(email)
      const inBrowser = () => signInWith(from(), email, { cookie })
      await fill(limited(), 'login:device', 39, inBrowser)
      return { answers: await race(110, inBrowser), stranger: await from().login(email) }
    })
    expect(statuses(answers)).toEqual({ 200: 10, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'device', 50, 900)
    expect(stranger.status).toBe(200)
  })

  test('accounts 6: lets 200 from all known browsers of an account pass, however many there are', async () => {
    const { answers, stranger } = await inOneWindow(900, async () => {
      const { email } = await from().signUp()
      const cookies = [await deviceCookieOf(email), await deviceCookieOf(email)]
      const inBrowser = (index: number) => signInWith(from(), email, { cookie: cookies[index % 2] ?? '' })
      await fill(limited(), 'login:account_devices', 193, () => inBrowser(0))
      return { answers: await race(20, inBrowser), stranger: await from().login(email) }
    })
    expect(statuses(answers)).toEqual({ 200: 6, 429: 14 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'account_devices', 200, 900)
    expect(stranger.status, 'a browser that is not known').toBe(200)
  })

  test('lets exactly 100 from one address pass, at as many accounts: after 80, 20 of 120 at once; hashes nothing for the rest', async () => {
    const answers = await inOneWindow(60, async () => {
      const client = from()
      await fill(limited(), 'login:address', 79, () => client.login(newEmail()))
      return race(120, () => client.login(newEmail()))
    })
    expect(statuses(answers)).toEqual({ 401: 20, 429: 100 })
    for (const answer of refusedOf(answers)) {
      expectRateLimited(answer, 'address', 100, 60)
      expect(answer.trips.postgres).toBe(1)
    }
  })
})

describe('H04 nothing that a caller adds makes another bucket', () => {
  test('counts sign-ups with any query, header, cookie, optional field or spelling of the body as one address: 100 of 200', async () => {
    const answers = await inOneWindow(3600, () => {
      const client = from()
      return race(200, (index) => {
        const { path, headers, body } = disguise(index, newEmail())
        return client.call(path, { method: 'POST', headers, body })
      })
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 100, 3600)
  })

  test('counts them as one account: 100 of 200 from as many addresses', async () => {
    const answers = await inOneWindow(3600, () => {
      const email = newEmail()
      return race(200, (index) => {
        const { path, headers, body } = disguise(index, email)
        return from().call(path, { method: 'POST', headers, body })
      })
    })
    expect(statuses(answers)).toEqual({ 422: 100, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'account', 100, 3600)
  })

  test("counts a sign-in with another account's device cookie, or a made-up one, with the strangers", async () => {
    const answers = await inOneWindow(900, async () => {
      const { email } = await from().signUp()
      const own = await deviceCookieOf((await from().signUp()).email)
      const forged = `__Host-latchkey-device=${'A'.repeat(43)}`
      await fill(limited(), 'login:account', 99, () => from().login(email))
      return Promise.all([own, forged].map((cookie) => signInWith(from(), email, { cookie })))
    })
    for (const answer of answers) expectRateLimited(answer, 'account', 100, 900)
  })

  test('answers 404 to every path that is not exactly the one, and 422 to fields that it does not know, before it counts', async () => {
    const client = from()
    const before = await countersOf(limited())
    const paths = [
      '/V1/LOGIN',
      '/v1/Login',
      '/v1/login/',
      '/v1/login;x',
      '/v1/login%00',
      '//v1/login',
      '/v1//login',
    ]
    for (const path of [...paths, '/v1%2flogin', '/v1/login%2f', '/v1/%256cogin'])
      expect(
        (await client.call(path, { json: { email: newEmail(), password: PASSWORD } })).status,
        path,
      ).toBe(404)
    for (const extra of [{ x: 1 }, { email: newEmail(), user: 'x' }, { tenant_id: 'x' }]) {
      const json = { email: newEmail(), password: PASSWORD, ...extra }
      expect((await client.call('/v1/login', { json })).status).toBe(422)
    }
    expect(await countersOf(limited())).toEqual(before)
  })
})

describe('what PostgreSQL decides by itself is counted meanwhile', () => {
  const refresh = (client: Client, token: string) => client.refresh(token)
  const logout = (client: Client, token: string) =>
    client.call('/v1/logout', { json: { refresh_token: token } })

  test.each([
    ['refresh', refresh, 401],
    ['logout', logout, 204],
  ] as const)(
    '%s: 60 a minute for a token: the 61st is done all the same, and the next cost no trip',
    async (name, call, done) => {
      const { last, refused, others } = await inOneWindow(60, async () => {
        const client = from()
        const token = unknownRefreshToken()
        await fill(limited(), `${name}:token`, 60, () => call(client, token))
        const last = await call(client, token)
        const refused = await untilLimited(() => call(client, token))
        return { last, refused, others: await call(client, unknownRefreshToken()) }
      })
      expect(last.status).toBe(done)
      expectRateLimited(refused, 'token', 60, 60)
      expect(refused.trips).toEqual({ postgres: 0, redis: 0 })
      expect(others.status, 'another token of that network').toBe(done)
    },
  )

  test('refresh: 600 a minute for an address, and no other waits', async () => {
    const { refused, other } = await inOneWindow(60, async () => {
      const client = from()
      const call = () => refresh(client, unknownRefreshToken())
      await fill(limited(), 'refresh:address', 600, call)
      return { refused: await untilLimited(call), other: await refresh(from(), unknownRefreshToken()) }
    })
    expectRateLimited(refused, 'address', 600, 60)
    expect(refused.trips).toEqual({ postgres: 0, redis: 0 })
    expect(other.status).toBe(401)
  })

  test('refresh: 160 simultaneous ones get the same successor, and the session lives on', async () => {
    const { answers, tokens } = await inOneWindow(60, async () => {
      const { tokens } = await from().signUp()
      return { answers: await race(160, () => from().refresh(tokens.refresh_token)), tokens }
    })
    const passed = answers.filter(({ status }) => status === 200)
    expect(passed.length).toBeGreaterThanOrEqual(60)
    expect(new Set(passed.map(({ body }) => body.refresh_token)).size).toBe(1)
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'token', 60, 60)
    expect((await from().me(tokens.access_token)).status).toBe(200)
  })
})

/** A request for the same thing, in one of the ways that a caller may write it. */
function disguise(index: number, email: string) {
  const password = 'short'
  const paths = [
    '/v1/register',
    `/v1/register?x=${index}`,
    `/v1/register?email=${index}@example.com`,
    '/v1/%72egister',
  ]
  const bodies = [
    { email, password },
    { password, email },
    { email, password, name: `Ada ${index}` },
    { email, password, transport: index % 2 ? 'cookie' : 'token' },
  ]
  const headers: Record<string, string>[] = [
    spoof(index),
    { cookie: `a=${index}; __Host-latchkey-device=${'A'.repeat(43)}`, 'user-agent': `agent ${index}` },
    {
      'accept-language': `x-${index}`,
      'x-request-id': `${index}`,
      'cf-ray': `${index}`,
      'cf-ipcountry': 'XX',
    },
    { authorization: `Bearer ${index}`, 'sec-fetch-site': 'same-origin', 'x-http-method-override': 'GET' },
    { 'content-type': 'APPLICATION/JSON; charset=UTF-8', 'idempotency-key': crypto.randomUUID() },
  ]
  const json = JSON.stringify(bodies[index % 4])
  return {
    path: paths[Math.floor(index / 4) % 4] ?? '',
    headers: { 'content-type': 'application/json', ...headers[index % 5] },
    // The same object: with blanks, and with a letter of the address escaped.
    body: index % 3 ? json.replace('@', '\\u0040') : ` ${json.replaceAll(':', ' : ')}\n`,
  }
}

const signInWith = (client: Client, email: string, headers: Record<string, string>) =>
  client.call('/v1/login', { json: { email, password: PASSWORD }, headers })

/** What a browser keeps of its first sign-in. */
async function deviceCookieOf(email: string): Promise<string> {
  const { headers } = await signInWith(from(), email, { 'sec-fetch-site': 'same-origin' })
  const cookie = headers.getSetCookie().find((value) => value.startsWith('__Host-latchkey-device='))
  if (!cookie) throw new Error('no browser was remembered')
  return cookie.split(';')[0] ?? ''
}

const randomHextet = () => (1 + Math.floor(Math.random() * 0xfffe)).toString(16)
