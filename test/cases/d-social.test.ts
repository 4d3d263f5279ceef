/** Signing in at a provider, as it was broken elsewhere (CASES D). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type Deviation, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import {
  addProvider,
  comeBack,
  newPerson,
  newTenantWith,
  RETURN,
  signIn,
  start,
  storedOf,
  told,
  whoIs,
} from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
let other: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
  other = await startIdentityProvider()
})
afterEach(() => provider.deviate({}))
afterAll(() => Promise.all([provider.stop(), other.stop()]))

/** Signs in with what the provider then says, and expects that nothing comes of it. */
async function expectRefused(
  deviation: Deviation,
  error: string,
  person: Record<string, unknown> = newPerson(),
) {
  const { client } = await newTenantWith(service(), provider)
  const { url, cookie } = await start(client)
  const before = await storedOf(service(), client)
  provider.deviate(deviation)
  const back = await comeBack(client, provider.consent(url, person), cookie)
  expect({ status: back.status, told: told(back) }).toMatchObject({ status: 303, told: { error } })
  expect(back.headers.getSetCookie()).toEqual([])
  expect(await storedOf(service(), client)).toEqual(before)
}

describe('D01 an account whose address was never proved', () => {
  test('is its owner’s from now on: the password and the sessions planted before are dead', async () => {
    const { client } = await newTenantWith(service(), provider)
    const email = newEmail()
    const { body: planted } = await client.register(email)
    const { status, body } = await whoIs(client, await signIn(client, provider, newPerson(email)))
    expect({ status, id: body.user.id }).toEqual({ status: 200, id: planted.user.id })
    expectProblem(await client.login(email, PASSWORD), 'invalid_credentials')
    expectProblem(await client.refresh(planted.refresh_token), 'invalid_grant')
    expectProblem(await client.me(planted.access_token), 'invalid_token')
  })

  test('is not signed in to, nor linked, where the tenant links no one', async () => {
    const { client } = await newTenantWith(service(), provider, { link_policy: 'never' })
    const email = newEmail()
    await client.register(email)
    const back = await signIn(client, provider, newPerson(email))
    expect(told(back)).toMatchObject({ error: 'account_exists' })
    expect((await client.login(email, PASSWORD)).status).toBe(200)
  })
})

describe('D02 an address that the provider has not proved', () => {
  for (const value of [false, 'false', 'true', 0, 1, null, undefined])
    test(`neither links nor makes an account: email_verified ${JSON.stringify(value)}`, async () => {
      const { client } = await newTenantWith(service(), provider)
      const { email, tokens } = await client.newAccount()
      await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
      const before = await storedOf(service(), client)
      const back = await signIn(client, provider, { ...newPerson(email), email_verified: value })
      expect(told(back)).toMatchObject({ error: 'email_not_verified' })
      expect(await storedOf(service(), client)).toEqual(before)
    })
})

describe('an account that has proved its address too', () => {
  async function provedOwner(row = {}) {
    const { client } = await newTenantWith(service(), provider, row)
    const { email, tokens } = await client.newAccount()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    return { client, email, tokens }
  }

  test('is linked, and keeps its password', async () => {
    const { client, email, tokens } = await provedOwner()
    const { body } = await whoIs(client, await signIn(client, provider, newPerson(email)))
    expect(body.user.id).toBe(tokens.user.id)
    expect((await client.login(email, PASSWORD)).status).toBe(200)
  })

  test('is not, where the tenant does not allow it: its owner signs in first', async () => {
    const { client, email } = await provedOwner({ link_policy: 'never' })
    const before = await storedOf(service(), client)
    expect(told(await signIn(client, provider, newPerson(email)))).toMatchObject({ error: 'account_exists' })
    expect(await storedOf(service(), client)).toEqual(before)
  })
})

describe('D03 and D05 an ID token that is of another issuer, key, audience or flow', () => {
  const seconds = Math.floor(Date.now() / 1000)
  const deviations: Record<string, Deviation> = {
    'the same subject of another issuer': { claims: { iss: 'https://evil.example' } },
    'another key': { sign: 'other key' },
    'no signature': { sign: 'none' },
    'an HMAC under the client secret': { sign: 'HS256' },
    'another audience': { claims: { aud: 'someone else' } },
    'two audiences, authorised for the other': { claims: { aud: ['latchkey', 'other'], azp: 'other' } },
    'another nonce': { claims: { nonce: 'another' } },
    'no nonce': { claims: { nonce: undefined } },
    expired: { claims: { exp: seconds - 600 } },
    'a subject of 10 KB': { claims: { sub: 'x'.repeat(10_240) } },
  }
  for (const [title, deviation] of Object.entries(deviations))
    test(`begins nothing: ${title}`, () => expectRefused(deviation, 'login_failed'))

  test('begins nothing where the provider publishes no keys: that is its fault', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { url, cookie } = await start(client)
    provider.deviate({ keys: [] })
    const back = await comeBack(client, provider.consent(url, newPerson()), cookie)
    expect([303, 503]).toContain(back.status)
    expect(back.headers.getSetCookie()).toEqual([])
  })
})

test('D05: an ID token for another client, or without the nonce of this flow, begins nothing', async () => {
  await expectRefused({ claims: { aud: 'someone else' } }, 'login_failed')
  await expectRefused({ claims: { nonce: undefined } }, 'login_failed')
})

describe('D04 an identifier that changes hands', () => {
  test('another’s address at the provider, and the same subject: still one’s own account', async () => {
    const { client } = await newTenantWith(service(), provider)
    const victim = await client.newAccount()
    const attacker = newPerson()
    const first = await whoIs(client, await signIn(client, provider, attacker))
    const back = await signIn(client, provider, { ...attacker, email: victim.email })
    expect((await whoIs(client, back)).body.user.id).toBe(first.body.user.id)
  })

  test('no subject, or an empty one, is no one', async () => {
    await expectRefused({ claims: { sub: '' } }, 'login_failed')
  })
})

test('D07 nothing that the provider is told can be given by the caller', async () => {
  const { client } = await newTenantWith(service(), provider)
  for (const name of ['client_id', 'state', 'scope', 'response_type', 'code_challenge_method', 'prompt'])
    expectProblem((await start(client, { [name]: 'x' })).answer, 'invalid_input')
})

test('D08 what a provider says went wrong reaches no one: the app gets a word of ours', async () => {
  const { client } = await newTenantWith(service(), provider)
  const { url, cookie } = await start(client)
  const { state, iss } = provider.consent(url, newPerson())
  const error = '<script>alert(1)</script>'
  const back = await comeBack(
    client,
    { state, iss, error, error_description: 'a\r\nset-cookie: x=1' },
    cookie,
  )
  expect(back.headers.get('location')).toBe(`${RETURN}&error=access_denied`)
  expect(back.headers.getSetCookie()).toEqual([])
})

describe('D09 and D10 where the person returns', () => {
  for (const uri of [
    ...[
      'http://[',
      '%',
      `https://app.example.com/${'a'.repeat(4096)}`,
      'javascript:alert(1)',
      '//evil.example',
    ],
    ...['https://app.example.com/signed-in', 'https://app.example.com/signed-in?from=start&x=1'],
    ...[
      'https://app.example.com.evil.example/signed-in?from=start',
      'https://APP.example.com/signed-in?from=start',
    ],
    ...['https://app.example.com/signed-in?from=start#x', 'https://u@app.example.com/signed-in?from=start'],
    ...['com.example.app:/back/other', 'http://127.0.0.1.evil.example/back', 'http://127.0.0.1:99/other'],
    ...[
      'http://localhost/back',
      'http://127.0.0.1:99@evil.example/back',
      'https://app.example.com\\@evil.example',
    ],
  ])
    test(`is on the tenant's list, or nowhere: ${uri.slice(0, 70)}`, async () => {
      const { client } = await newTenantWith(service(), provider)
      const { answer } = await start(client, { redirect_uri: uri, code_challenge: 'A'.repeat(43) })
      expectProblem(answer, 'invalid_input')
      expect(answer.headers.get('location')).toBeNull()
    })

  test('an app of this machine has any port, and needs a code_challenge', async () => {
    const { client } = await newTenantWith(service(), provider)
    const uri = 'http://127.0.0.1:54321/back'
    expectProblem((await start(client, { redirect_uri: uri })).answer, 'invalid_input')
    const { answer } = await start(client, { redirect_uri: uri, code_challenge: 'A'.repeat(43) })
    expect(answer.status).toBe(302)
  })
})

test('D10: a browser is sent nowhere that only begins like an address of the list', async () => {
  const { client } = await newTenantWith(service(), provider)
  for (const redirect_uri of [`${RETURN}.evil.example`, `${RETURN}/../x`, RETURN.replace('https', 'http')])
    expectProblem((await start(client, { redirect_uri })).answer, 'invalid_input')
})

test('D13 where the provider may not register people, no account is made', async () => {
  const { client } = await newTenantWith(service(), provider, { may_register: false })
  const before = await storedOf(service(), client)
  expect(told(await signIn(client, provider, newPerson()))).toMatchObject({ error: 'registration_disabled' })
  expect(await storedOf(service(), client)).toEqual(before)
})

describe('what only a provider does wrong is our fault, and never a 401', () => {
  const lies: Record<string, Deviation['answer']> = {
    'an error of its own': { '/token': (response) => response.writeHead(500).end('{}') },
    'a redirect (D15)': {
      '/token': (response) => response.writeHead(302, { location: `${other.issuer}/token` }).end(),
    },
    'what is no JSON': {
      '/token': (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<'),
    },
    'a megabyte': { '/token': (response) => response.writeHead(200).end('x'.repeat(1_000_000)) },
    nothing: { '/token': (response) => response.destroy() },
    'nothing in time': { '/token': () => {} },
  }
  for (const [title, answer] of Object.entries(lies))
    test(`it answers ${title}: 503 or 504, and nothing is stored`, async () => {
      const { client } = await newTenantWith(service(), provider)
      const { url, cookie } = await start(client)
      const before = await storedOf(service(), client)
      const asked = other.hits.length
      provider.deviate({ answer: answer ?? {} })
      const back = await comeBack(client, provider.consent(url, newPerson()), cookie)
      expect([503, 504]).toContain(back.status)
      expect(await storedOf(service(), client)).toEqual(before)
      expect(other.hits.length).toBe(asked)
    })
})

test('D14 no tenant may make us call inside: such an issuer is refused when it is given', async () => {
  const { client, admin } = await newTenantWith(service(), provider)
  for (const issuer of [
    'ftp://idp.example',
    'https://user@idp.example',
    'not a url',
    'https://idp.example/#x',
  ])
    expectProblem(await addProvider(client, admin.access_token, { slug: 'inside', issuer }), 'invalid_input')
  expect((await newClient(service())).tenant.id).not.toBe(client.tenant.id)
})
