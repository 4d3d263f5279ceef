/**
 * A provider that fails, lies or was taken over: whatever it answers is its fault (502 to 504) or no sign-in, and never a refusal of
 * the person (401); nothing is stored, and every other way in works.
 */
import type http from 'node:http'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newEmail } from '../support/client.ts'
import { type Deviation, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { comeBack, newPerson, newTenantWith, start, storedOf, told } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
let other: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
  other = await startIdentityProvider()
})
afterEach(() => provider.deviate({}))
afterAll(() => Promise.all([provider.stop(), other.stop()]))

const json = { 'content-type': 'application/json' }
const LIES: Record<string, (response: http.ServerResponse) => unknown> = {
  'an error of its own': (response) => response.writeHead(500, json).end('{}'),
  'an error that looks like ours': (response) =>
    response
      .writeHead(401, { ...json, 'www-authenticate': 'Bearer error="invalid_token"' })
      .end('{"code":"invalid_token"}'),
  'that it is overloaded': (response) => response.writeHead(429, json).end('{}'),
  'a redirect (D15)': (response) => response.writeHead(302, { location: `${other.issuer}/token` }).end(),
  'a redirect that keeps the body': (response) =>
    response.writeHead(307, { location: `${other.issuer}/token` }).end(),
  'what is no JSON': (response) => response.writeHead(200, json).end('<'),
  'a page': (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'),
  'a list': (response) => response.writeHead(200, json).end('[]'),
  nothing: (response) => response.writeHead(200, json).end(),
  'a megabyte': (response) => response.writeHead(200, json).end(`{"x":"${'x'.repeat(1_000_000)}"}`),
  'half of it': (response) => {
    response.writeHead(200, { ...json, 'content-length': 100 }).write('{"keys":')
    setTimeout(() => response.destroy(), 20)
  },
  'by hanging up': (response) => response.destroy(),
  'not at all': () => {},
  'a byte now and then': (response) => {
    response.writeHead(200, json)
    const drip = setInterval(() => response.write(' '), 100)
    response.on('close', () => clearInterval(drip))
  },
}

/** Signs in with what it then does. */
async function attempt(deviation: Deviation, person: Record<string, unknown> = newPerson()) {
  const { client } = await newTenantWith(service(), provider)
  const { email } = await client.signUp()
  provider.deviate({ discovery: deviation.discovery ?? {} }) // which is kept from then on
  const { url, cookie } = await start(client)
  const before = await storedOf(service(), client)
  const asked = other.hits.length
  provider.deviate(deviation)
  const back = await comeBack(client, provider.consent(url, person), cookie)
  provider.deviate({})
  expect(back.status).not.toBe(401)
  expect(back.headers.getSetCookie()).toEqual([])
  expect(await storedOf(service(), client)).toEqual(before)
  expect(other.hits.length, 'no redirect is followed').toBe(asked)
  expect((await client.login(email)).status, 'another way in').toBe(200)
  return back
}

/** Where an ID token says nothing of an address, so that it is asked for. */
const silent = { email: undefined, email_verified: undefined }

describe.each(['/token', '/jwks', '/userinfo'])('%s', (path) => {
  const rest = path === '/userinfo' ? { claims: silent } : {}
  test.each(Object.entries(LIES))('answers %s', async (_, lie) => {
    const back = await attempt({
      ...rest,
      discovery: { userinfo_endpoint: `${provider.issuer}/userinfo` },
      answer: { [path]: lie },
    })
    expect([502, 503, 504], JSON.stringify(back.body)).toContain(back.status)
  })
})

describe('a set of keys', () => {
  test('that is empty, or has no key that fits', async () => {
    const { publicKey } = await generateKeyPair('ES256', { extractable: true })
    const stranger = { ...(await exportJWK(publicKey)), alg: 'ES256', use: 'sig' }
    for (const keys of [
      [],
      [{ ...stranger, kid: 'two' }],
      [{ ...stranger, kid: 'one' }],
      [{ kty: 'oct', k: 'AAAA', kid: 'one' }],
    ]) {
      const back = await attempt({ keys })
      if (back.status === 303) expect(told(back)).toMatchObject({ error: 'login_failed' })
      else expect([502, 503, 504]).toContain(back.status)
    }
  })
})

describe('userinfo', () => {
  const said = (body: object): Deviation => ({
    claims: silent,
    discovery: { userinfo_endpoint: `${provider.issuer}/userinfo` },
    answer: { '/userinfo': (response) => response.writeHead(200, json).end(JSON.stringify(body)) },
  })

  test('of another subject is no one’s', async () => {
    const person = newPerson()
    const back = await attempt(said({ ...person, sub: 'another' }), person)
    expect(told(back)).toMatchObject({ error: 'login_failed' })
  })

  test('D02: proves an address where it says that it is proved, and nothing else says so', async () => {
    for (const email_verified of [false, 'false', 'true', 0, 1, null, undefined]) {
      const person = newPerson()
      const back = await attempt(said({ sub: person.sub, email: person.email, email_verified }), person)
      expect(told(back)).toMatchObject({ error: 'email_not_verified' })
    }
  })

  test('D02: is not asked where the ID token says that an address is not proved', async () => {
    const person = newPerson()
    const asked = () => provider.hits.filter((path) => path === '/userinfo').length
    const before = asked()
    const deviation = { ...said({ ...person }), claims: { email_verified: false } }
    expect(told(await attempt(deviation, person))).toMatchObject({ error: 'email_not_verified' })
    expect(asked()).toBe(before)
  })
})

test('a code that was used before is no sign-in: the provider refuses it', async () => {
  const { client } = await newTenantWith(service(), provider)
  const one = await start(client)
  const returned = provider.consent(one.url, newPerson())
  expect((await comeBack(client, returned, one.cookie)).headers.getSetCookie()).not.toEqual([])
  const two = await start(client)
  const state = new URL(two.url).searchParams.get('state') ?? ''
  const back = await comeBack(client, { ...returned, state }, two.cookie)
  expect(told(back)).toMatchObject({ error: 'login_failed' })
  expect(back.headers.getSetCookie()).toEqual([])
})

test('an error that it sends back: the app gets one of two words of ours, and what is its fault is 503', async () => {
  const { client } = await newTenantWith(service(), provider)
  for (const [error, expected] of [
    ['access_denied', 'access_denied'],
    ['login_required', 'access_denied'],
    ['server_error', 503],
    ['temporarily_unavailable', 503],
  ] as const) {
    const { url, cookie } = await start(client)
    const { state, iss } = provider.consent(url, {})
    const back = await comeBack(client, { state, iss, error, error_description: newEmail() }, cookie)
    if (expected === 503) expect(back.status).toBe(503)
    else expect(told(back)).toEqual({ from: 'start', error: expected })
  }
})

test('an address that no one could have here, or a name that is a page, does no harm', async () => {
  for (const email of [`${'a'.repeat(300)}@example.com`, 'no address', 'a@b@c', 7, null, ['a@example.com']]) {
    const back = await attempt({}, { ...newPerson(), email })
    expect(told(back)).toMatchObject({ error: 'email_not_verified' })
  }
})
