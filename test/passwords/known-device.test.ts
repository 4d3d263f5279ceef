/**
 * The cookie of a browser that has signed in before: what it sets apart (its own failures, its own limit), what it is not
 * (a session, a name), and that nothing but an entry of ours for this account on this host counts for one.
 */
import { describe, expect, test } from 'vitest'
import { newKeyringEntry } from '../../ops/keyring.ts'
import { attemptsAt, decidedTogether, endDelay, failuresAt, setFailures, WRONG } from '../support/attempts.ts'
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
  type Tokens,
  untilLimited,
} from '../support/client.ts'
import { CLEARED, expectProblem } from '../support/expect.ts'
import { retireKeys } from '../support/keyring.ts'
import { type Service, startService, useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const NAME = '__Host-latchkey-device'
const FORM = new RegExp(
  `^${NAME}=([A-Za-z0-9_-]{43}(?:\\.[A-Za-z0-9_-]{43}){0,7}); Max-Age=15552000; Path=/; HttpOnly; Secure; SameSite=Lax$`,
)

/** The cookie's value that an answer sets, or null; its attributes are those of every one. */
function deviceCookieOf({ headers }: Answer<unknown>): string | null {
  const cookies = headers.getSetCookie().filter((cookie) => cookie.startsWith(`${NAME}=`))
  expect(cookies.length).toBeLessThanOrEqual(1)
  if (cookies[0] === undefined) return null
  expect(cookies[0]).toMatch(FORM)
  return FORM.exec(cookies[0])?.[1] ?? null
}

const nonceOf = (entry: string) => Buffer.from(entry, 'base64url').subarray(0, 16).toString('base64url')

/** Keeps the one cookie and says what a browser says; `client` decides host and address. */
function newBrowser(client: Client, cookie = '') {
  const browser = { cookie, login, register, entries: () => browser.cookie.split('.') }
  async function send(path: string, json: object) {
    const kept = browser.cookie && { cookie: `theme=dark; ${NAME}=${browser.cookie}` }
    const answer = await client.call<Tokens>(path, {
      json,
      headers: { 'sec-fetch-site': 'same-origin', ...kept },
    })
    browser.cookie = deviceCookieOf(answer) ?? browser.cookie
    return answer
  }
  function login(email: string, password = PASSWORD) {
    return send('/v1/login', { email, password })
  }
  function register(email = newEmail()) {
    return send('/v1/register', { email, password: PASSWORD })
  }
  return browser
}

/** An account, and the browser that registered it. */
async function newOwner(client?: Client) {
  const at = client ?? (await newClient(service()))
  const email = newEmail()
  const browser = newBrowser(at)
  const { body } = await browser.register(email)
  const nonce = nonceOf(browser.cookie)
  const account = { tenant: at.tenant, email }
  return { client: at, browser, email, tokens: body, account, device: { ...account, nonce } }
}

/** Whether `Cookie: …` makes a browser known to the account: strangers have disabled it for everyone else. */
async function isKnown(client: Client, email: string, cookie: string): Promise<boolean> {
  await setFailures(service(), { tenant: client.tenant, email }, 100)
  const answer = await client.call('/v1/login', {
    json: { email, password: PASSWORD },
    headers: { 'sec-fetch-site': 'same-origin', cookie },
  })
  if (answer.status !== 200) expectProblem(answer, 'password_disabled')
  return answer.status === 200
}

const asCookie = (value: string) => `${NAME}=${value}`

describe('is set', () => {
  test('when a browser registers or signs in, for half a year', async () => {
    const { browser, client, email } = await newOwner()
    expect(browser.entries()).toHaveLength(1)
    const other = newBrowser(client)
    expect((await other.login(email)).status).toBe(200)
    expect(other.entries()).toHaveLength(1)
    expect(nonceOf(other.cookie)).not.toBe(nonceOf(browser.cookie))
  })

  test('again by each sign-in of that browser, with the entry that it has', async () => {
    const { browser, client, email } = await newOwner()
    const { cookie } = browser
    const answer = await client.call('/v1/login', {
      json: { email, password: PASSWORD },
      headers: { 'sec-fetch-site': 'same-origin', cookie: asCookie(cookie) },
    })
    expect(deviceCookieOf(answer)).toBe(cookie)
    expect(answer.trips).toEqual({ postgres: 2, redis: 1 })
  })

  test('when a page of an origin that the tenant allows signs someone in', async () => {
    const client = await newClient(service(), { allowedOrigins: ['https://app.example.com'] })
    const { email } = await client.newAccount()
    const from = (origin: string) =>
      client.call('/v1/login', {
        json: { email, password: PASSWORD },
        headers: { origin, 'sec-fetch-site': 'cross-site' },
      })
    const allowed = await from('https://app.example.com')
    expect(allowed.status).toBe(200)
    expect(deviceCookieOf(allowed)).not.toBeNull()
    expectProblem(await from('https://evil.test'), 'origin_not_allowed')
  })

  test('with the cookie transport, whose answer sets a cookie anyway', async () => {
    const client = await newClient(service())
    const email = newEmail()
    const registered = await client.register(email, PASSWORD, { transport: 'cookie' })
    const signedIn = await client.login(email, PASSWORD, { transport: 'cookie' })
    for (const answer of [registered, signedIn]) {
      expect(deviceCookieOf(answer)).not.toBeNull()
      expect(answer.headers.getSetCookie()).toHaveLength(2)
    }
  })

  test('never for a caller that is no browser, nor by a refusal', async () => {
    const { client, browser, email } = await newOwner()
    expect((await client.register()).headers.getSetCookie()).toEqual([])
    expect((await client.login(email)).headers.getSetCookie()).toEqual([])
    const stranger = newBrowser(client)
    for (const refused of [
      await stranger.login(email, WRONG),
      await stranger.login(newEmail()),
      await stranger.register(email),
      await browser.login(email, WRONG),
    ])
      expect(refused.headers.getSetCookie()).toEqual([])
  })
})

describe('a known browser', () => {
  test('signs in whatever strangers have failed, and undoes none of it', async () => {
    const { browser, client, email, account } = await newOwner()
    for (const failures of [5, 99]) {
      await setFailures(service(), account, failures)
      expectProblem(await client.login(email, WRONG), 'invalid_credentials') // a delay begins, or it is disabled
      const code = failures === 5 ? 'rate_limited' : 'password_disabled'
      expectProblem(await client.login(email), code)
      expect((await browser.login(email)).status).toBe(200)
      expectProblem(await client.login(email), code)
      expect(await failuresAt(service(), account)).toBe(failures + 1)
    }
  })

  test('has a count of its own: its failures stop neither the account nor its other browsers', async () => {
    const { browser, client, email, account, device } = await newOwner()
    const other = newBrowser(client)
    await other.login(email)
    await setFailures(service(), account, 2)
    for (let attempt = 1; attempt <= 5; attempt++)
      expectProblem(await browser.login(email, WRONG), 'invalid_credentials')
    const refused = await browser.login(email)
    expectProblem(refused, 'rate_limited')
    expect(refused.headers.get('ratelimit')).toMatch(/^"failures";r=0;t=\d+$/)
    expect(await attemptsAt(service(), device)).toMatchObject({ failures: 5, delaySeconds: 30 })
    expect(await failuresAt(service(), account)).toBe(2)
    expect((await other.login(email)).status).toBe(200)
    expect(await failuresAt(service(), account), 'a known browser forgets nothing of strangers').toBe(2)
    expect((await client.login(email)).status).toBe(200)
    expect(await failuresAt(service(), device), 'nor they of it').toBe(5)

    await endDelay(service(), device)
    expect((await browser.login(email)).status).toBe(200)
    expect(await attemptsAt(service(), device)).toBeNull()
  })

  test('is no place to guess without end: at 100 its own way is disabled, and no other', async () => {
    const { browser, client, email, device } = await newOwner()
    await setFailures(service(), device, 99)
    expectProblem(await browser.login(email, WRONG), 'invalid_credentials')
    expectProblem(await browser.login(email), 'password_disabled')
    expect((await client.login(email)).status).toBe(200)
    expectProblem(await browser.login(email), 'password_disabled')
  })

  test('gets five answers to 50 simultaneous guesses, like anyone', { timeout: 120_000 }, async () => {
    const { browser, email, account, device } = await newOwner()
    const guesses = () => race(50, () => browser.login(email, WRONG))
    const answers = await decidedTogether(service(), device, 50, guesses)
    expect(countBy(answers, ({ status }) => status)).toEqual({ 401: 5, 429: 45 })
    expect(await failuresAt(service(), device)).toBe(5)
    expect(await attemptsAt(service(), account)).toBeNull()
  })

  test('is known to eight accounts, and the ninth takes the place of the one unused the longest', {
    timeout: 120_000,
  }, async () => {
    const client = await newClient(service())
    const browser = newBrowser(client)
    const emails = Array.from({ length: 9 }, newEmail)
    const [first = '', second = ''] = emails
    for (const email of emails.slice(0, 8)) await browser.register(email)
    expect(browser.entries()).toHaveLength(8)
    const known = async () => {
      const all = []
      for (const email of emails.slice(0, 8)) all.push(await isKnown(client, email, asCookie(browser.cookie)))
      return all
    }
    expect(await known()).toEqual(Array(8).fill(true))

    await browser.login(first) // used again, so that the second is now the oldest
    await browser.register(emails[8])
    expect(browser.entries()).toHaveLength(8)
    expect(await known()).toEqual([true, false, true, true, true, true, true, true])
    await setFailures(service(), { tenant: client.tenant, email: second }, 0)
    expect((await browser.login(second)).status, 'which is then known again').toBe(200)
    expect(await isKnown(client, second, asCookie(browser.cookie))).toBe(true)
  })

  test('has a limit of its own in Redis, beside those of the account', async () => {
    await withService({ LIMITS_MULTIPLIER: '1' }, async (limited) => {
      const { browser, email, account, device, client: at } = await newOwner()
      const elsewhere = () => createClient(limited, at.tenant, randomAddress())
      await setFailures(service(), account, 100) // so that nothing is hashed; Redis counts before
      await race(100, () => elsewhere().login(email))
      const stranger = await untilLimited(() => elsewhere().login(email))
      expect(stranger.headers.get('ratelimit-policy')).toBe('"account";q=100;w=900')
      const here = () => newBrowser(elsewhere(), browser.cookie).login(email)
      expect((await here()).status).toBe(200)

      await setFailures(service(), device, 100)
      await race(50, here)
      const refused = await untilLimited(here)
      expectProblem(refused, 'rate_limited')
      expect(refused.headers.get('ratelimit-policy')).toBe('"device";q=50;w=900')
    })
  })
})

describe('is known by nothing else', () => {
  const flip = (entry: string, byte: number) => {
    const bytes = Buffer.from(entry, 'base64url')
    bytes[byte] = (bytes[byte] ?? 0) ^ 1
    return bytes.toString('base64url')
  }
  /** The nonce of one with the signature of the other. */
  const swap = (one: string, other: string) =>
    Buffer.concat([
      Buffer.from(one, 'base64url').subarray(0, 16),
      Buffer.from(other, 'base64url').subarray(16),
    ]).toString('base64url')
  const nothing = 'A'.repeat(43)

  test('the entry itself is, alone, among others and in the last place', async () => {
    const { client, browser, email } = await newOwner()
    const { cookie } = browser
    for (const value of [
      cookie,
      `${nothing}.${cookie}`,
      `${`${nothing}.`.repeat(7)}${cookie}`,
      `x.${cookie}.`,
    ])
      expect(await isKnown(client, email, asCookie(value)), value).toBe(true)
    expect(await isKnown(client, email, `a=b; ${asCookie(cookie)}; c=d`)).toBe(true)
  })

  const forgeries: [string, (own: string, neighbours: string) => string][] = [
    ['no value', () => asCookie('')],
    ['a changed nonce', (own) => asCookie(flip(own, 0))],
    ['a changed signature', (own) => asCookie(flip(own, 16))],
    ['a changed last byte', (own) => asCookie(flip(own, 31))],
    ['another last letter of the same bytes', (own) => asCookie(own.slice(0, -1) + nextLetter(own))],
    ['a signature of zeros', (own) => asCookie(swap(own, nothing))],
    ['nothing but zeros', () => asCookie(nothing)],
    ['its signature cut off', (own) => asCookie(nonceOf(own))],
    ['its last letter cut off', (own) => asCookie(own.slice(0, -1))],
    ['a letter more', (own) => asCookie(`${own}A`)],
    ["the neighbour's entry", (_, neighbours) => asCookie(neighbours)],
    ["its nonce with the neighbour's signature", (own, neighbours) => asCookie(swap(own, neighbours))],
    ["the neighbour's nonce with its signature", (own, neighbours) => asCookie(swap(neighbours, own))],
    ['the cookie twice', (own) => `${asCookie(own)}; ${asCookie(own)}`],
    ['a planted cookie before it', (own) => `${asCookie(nothing)}; ${asCookie(own)}`],
    ['nine entries', (own) => asCookie(Array(9).fill(own).join('.'))],
    ['10 kB', (own) => asCookie(`${own}.`.repeat(230))],
    ['10 kB of letters', () => asCookie('A'.repeat(10_000))],
    ['standard base64', (own) => asCookie(`${own.slice(0, 41)}+/`)],
    ['padding', (own) => asCookie(`${own}=`)],
    ['quotes', (own) => asCookie(`"${own}"`)],
    ['a blank before it', (own) => `${NAME}= ${own}`],
    ['percent signs', (own) => asCookie(`%${own.charCodeAt(0).toString(16)}${own.slice(1)}`)],
    ['JSON', () => asCookie('{"known":true}')],
    ['another separator', (own) => asCookie(`${own},${own}`)],
    ['the name in other letters', (own) => `${NAME.toLowerCase()}=${own}`],
    ['a name without its prefix', (own) => `latchkey-device=${own}`],
    ['the name of the refresh cookie', (own) => `__Host-latchkey=${own}`],
  ]

  test.each(forgeries)('not by %s', async (_, forge) => {
    const { client, browser, email } = await newOwner()
    const { browser: neighbour } = await newOwner(client)
    expect(await isKnown(client, email, forge(browser.cookie, neighbour.cookie))).toBe(false)
  })

  test('not by an entry of another host, be it of the same tenant, nor by one of another tenant', async () => {
    const { client, browser, email } = await newOwner()
    const host = `second-${client.tenant.host}`
    await service().sql('insert into tenant_hosts (host, tenant_id) values ($1, $2)', [
      host,
      client.tenant.id,
    ])
    const second = createClient(service(), { ...client.tenant, host, origin: `http://${host}` })
    expect(await isKnown(second, email, asCookie(browser.cookie))).toBe(false)

    const elsewhere = await newClient(service())
    const there = newBrowser(elsewhere)
    await there.register(email)
    expect(await isKnown(elsewhere, email, asCookie(browser.cookie))).toBe(false)
    expect(await isKnown(client, email, asCookie(there.cookie))).toBe(false)
    expect(await isKnown(elsewhere, email, asCookie(there.cookie))).toBe(true)
  })

  test('not by one of a key that has left the keyring; of an older one that is still in it, it is', async () => {
    const { client, browser, email } = await newOwner()
    const [oldKey, newKey] = [String(service().bindings.AUTH_KEYS), newKeyringEntry('k2')]
    let entryOfNewKey = ''
    await withService({ AUTH_KEYS: `${newKey},${oldKey}` }, async (rotated) => {
      const after = createClient(rotated, client.tenant)
      expect(await isKnown(after, email, asCookie(browser.cookie))).toBe(true) // moves the password to the new key
      await setFailures(service(), { tenant: client.tenant, email }, 0)
      const fresh = newBrowser(after)
      await fresh.login(email)
      entryOfNewKey = fresh.cookie
      expect(await isKnown(after, email, asCookie(entryOfNewKey))).toBe(true)
    })
    await retireKeys(service(), 'k1')
    await withService({ AUTH_KEYS: newKey }, async (later) => {
      const after = createClient(later, client.tenant)
      expect(await isKnown(after, email, asCookie(browser.cookie))).toBe(false)
      expect(await isKnown(after, email, asCookie(entryOfNewKey))).toBe(true)
    })
    await retireKeys(service(), 'k2')
  })
})

test('a browser that signs in while both keys are there stays known when the old one goes, with its own counter', async () => {
  const { client, browser, email } = await newOwner()
  const [oldKey, newKey] = [String(service().bindings.AUTH_KEYS), newKeyringEntry('k2')]
  let signedAnew = ''
  await withService({ AUTH_KEYS: `${newKey},${oldKey}` }, async (rotated) => {
    const again = newBrowser(createClient(rotated, client.tenant), browser.cookie)
    expect((await again.login(email)).status).toBe(200)
    signedAnew = again.cookie
  })
  expect(signedAnew).not.toBe(browser.cookie)
  expect(nonceOf(signedAnew)).toBe(nonceOf(browser.cookie))
  await retireKeys(service(), 'k1')
  await withService({ AUTH_KEYS: newKey }, async (later) => {
    expect(await isKnown(createClient(later, client.tenant), email, asCookie(signedAnew))).toBe(true)
  })
  await retireKeys(service(), 'k2')
})

/** The letter after the last one, which differs in bits that no byte has. */
function nextLetter(entry: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return alphabet[alphabet.indexOf(entry.slice(-1)) + 1] ?? ''
}

describe('gives nothing away', () => {
  test('names no account and no address, and tells no two browsers of one account from two strangers', async () => {
    const { client, browser, email, tokens } = await newOwner()
    const other = newBrowser(client)
    await other.login(email)
    const secrets = [email, email.split('@')[0] ?? '', tokens.user.id, tokens.session.id, client.tenant.id]
    for (const { cookie } of [browser, other]) {
      const bytes = Buffer.from(cookie, 'base64url')
      expect(bytes).toHaveLength(32)
      for (const secret of secrets) {
        for (const text of [cookie, bytes.toString('latin1')]) expect(text).not.toContain(secret)
        expect(bytes.toString('hex')).not.toContain(secret.replaceAll('-', '').slice(0, 16))
      }
    }
    const [one, two] = [browser, other].map(({ cookie }) => Buffer.from(cookie, 'base64url'))
    expect(one?.subarray(0, 16)).not.toEqual(two?.subarray(0, 16))
    expect(one?.subarray(16)).not.toEqual(two?.subarray(16))
  })

  test('is kept nowhere but in the browser', async () => {
    const { browser, email, device } = await newOwner()
    await browser.login(email, WRONG)
    const [row] = await service().sql<{ text: string }>(
      'select string_agg(sign_in_failures::text, chr(10)) as text from sign_in_failures',
    )
    const hex = Buffer.from(browser.cookie, 'base64url').toString('hex')
    expect(await failuresAt(service(), device)).toBe(1)
    for (const part of [hex.slice(0, 32), hex.slice(32)]) expect(row?.text).not.toContain(part)
    expect(service().logs().join('\n')).not.toContain(browser.cookie)
  })

  test('is no session: neither refresh cookie nor bearer nor refresh token', async () => {
    const { client, browser, tokens } = await newOwner()
    const { cookie } = browser
    const same = { 'sec-fetch-site': 'same-origin' }
    const refresh = (header: string) =>
      client.call('/v1/refresh', { method: 'POST', headers: { ...same, cookie: header } })
    expectProblem(await refresh(asCookie(cookie)), 'no_session')
    for (const value of [cookie, `lkr_${cookie}`])
      expectProblem(await refresh(`__Host-latchkey=${value}`), 'invalid_grant', [CLEARED])
    expectProblem(await client.refresh(cookie), 'invalid_grant')
    expectProblem(await client.me(cookie), 'invalid_token')
    expectProblem(
      await client.call('/v1/me', { headers: { ...same, cookie: asCookie(cookie) } }),
      'missing_token',
    )
    expectProblem(await newBrowser(client, cookie).login(tokens.user.email, WRONG), 'invalid_credentials')
    expect((await client.refresh(tokens.refresh_token)).status, 'the session is untouched').toBe(200)
  })
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
