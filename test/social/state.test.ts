/** The state of a flow: of one browser, tenant, provider and purpose, and good for one answer (FINDINGS F11). */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Client, race } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import {
  addProvider,
  comeBack,
  keptState,
  newPerson,
  newTenantWith,
  signIn,
  start,
  startLink,
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

const stored = (client: Client) => storedOf(service(), client)

describe('D06 a state that is not of this browser', () => {
  async function begun() {
    const { client } = await newTenantWith(service(), provider)
    const started = await start(client)
    return { client, ...started, returned: provider.consent(started.url, newPerson()) }
  }
  /** Nothing is asked of the provider for it. */
  async function expectUnasked(client: Client, returned: Record<string, string>, cookie: string) {
    const hits = provider.hits.length
    expectProblem(await comeBack(client, returned, cookie), 'invalid_oauth_state')
    expect(provider.hits.length).toBe(hits)
  }

  test('another state, none, another browser, no cookie, and once more: no question to the provider', async () => {
    const { client, cookie, returned } = await begun()
    await expectUnasked(client, { ...returned, state: 'A'.repeat(43) }, cookie)
    await expectUnasked(client, { code: returned.code, iss: returned.iss }, cookie)
    await expectUnasked(client, returned, (await start(client)).cookie)
    await expectUnasked(client, returned, '')
    expect((await comeBack(client, returned, cookie)).status).toBe(303)
    await expectUnasked(client, returned, cookie)
  })

  test('is a page for a browser, in its language, and leads to signing in; for everyone else it is a problem', async () => {
    const { client } = await newTenantWith(service(), provider)
    const ask = (accept: string, posted?: string) =>
      client.call<string>(`/v1/oauth/idp/callback${posted === undefined ? '?state=x' : ''}`, {
        headers: {
          accept,
          'accept-language': 'de',
          ...(posted !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        },
        ...(posted !== undefined && { body: posted }),
      })
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'
    for (const answer of [await ask(browser), await ask(browser, 'state=x')]) {
      expect(answer.status).toBe(400)
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(answer.headers.get('content-language')).toBe('de')
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'")
      expect(answer.body).toContain('Diese Anmeldung ist abgelaufen')
      expect(answer.body).toContain('href="/sign-in"')
    }
    for (const accept of ['*/*', 'application/json', 'application/json, text/html;q=0.5'])
      expectProblem(await ask(accept), 'invalid_oauth_state')
  })

  test('a state twice is malformed', async () => {
    const { client, cookie, returned } = await begun()
    const query = new URLSearchParams([...Object.entries(returned), ['state', returned.state]])
    expectProblem(
      await client.call(`/v1/oauth/idp/callback?${query}`, { headers: { cookie } }),
      'invalid_input',
    )
  })

  test('a state that Redis hands out again after a failover begins nothing: its row is there', async () => {
    const { client, url, cookie, returned } = await begun()
    const { value, kept, putBack } = await keptState(service(), client, url, cookie)
    // An attacker who reads Redis learns nothing of the flow.
    for (const secret of Object.values(kept)) expect(value).not.toContain(String(secret))
    expect((await comeBack(client, returned, cookie)).status).toBe(303)
    const before = await stored(client)
    await putBack()
    // With a code that the provider takes: nothing but the row is in the way.
    expectProblem(await comeBack(client, provider.consent(url, newPerson()), cookie), 'invalid_oauth_state')
    expect(await stored(client)).toEqual(before)
  })

  test('50 callbacks at once, of a state that Redis hands out again and again: one session', async () => {
    const { client, url, cookie } = await begun()
    const person = newPerson()
    const { putBack } = await keptState(service(), client, url, cookie)
    const refill = setInterval(putBack, 1)
    const asked = provider.hits.filter((path) => path === '/token').length
    const answers = await race(50, () => comeBack(client, provider.consent(url, person), cookie))
    clearInterval(refill)
    expect(
      provider.hits.filter((path) => path === '/token').length,
      'several were let through',
    ).toBeGreaterThan(asked + 1)
    const signedIn = answers.filter(({ headers }) => headers.getSetCookie().length > 0)
    expect(signedIn).toHaveLength(1)
    for (const answer of answers) if (answer !== signedIn[0]) expectProblem(answer, 'invalid_oauth_state')
  })

  test('a state that is ten minutes old begins nothing, also where Redis has it still', async () => {
    const { client, url, cookie, returned } = await begun()
    const { putBackAs } = await keptState(service(), client, url, cookie)
    await putBackAs({ expiresAt: Date.now() - 1 })
    await expectUnasked(client, returned, cookie)
  })

  test('a state that grows old while the provider answers begins nothing', async () => {
    const { client, url, cookie, returned } = await begun()
    const { putBackAs } = await keptState(service(), client, url, cookie)
    const before = await stored(client)
    await putBackAs({ expiresAt: Date.now() + 1500 })
    provider.deviate({ meanwhile: () => new Promise((resolve) => setTimeout(resolve, 2000)) })
    expectProblem(await comeBack(client, returned, cookie), 'invalid_oauth_state')
    expect(await stored(client)).toEqual(before)
  })

  test('a cookie that was sent twice is of no browser: another page may have planted one of them', async () => {
    const { client, cookie, returned } = await begun()
    await expectUnasked(client, returned, `${cookie}; ${cookie}`)
  })

  test('the cookie of one way back is none for the other', async () => {
    const { client, cookie, returned } = await begun()
    const renamed = cookie.replace('__Host-latchkey-oauth=', '__Host-latchkey-oauth-post=')
    await expectUnasked(client, returned, renamed)
  })
})

describe('mix-up', () => {
  test('an answer of one provider at the callback of another is of no flow there', async () => {
    const { client, admin } = await newTenantWith(service(), provider)
    await addProvider(client, admin.access_token, { slug: 'other', issuer: other.issuer })
    const { url, cookie } = await start(client)
    const returned = provider.consent(url, newPerson())
    expectProblem(await comeBack(client, returned, cookie, 'other'), 'invalid_oauth_state')
  })

  test('an answer that names another issuer (RFC 9207) is refused, and its code goes nowhere', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { url, cookie } = await start(client)
    const returned = provider.consent(url, newPerson())
    const hits = provider.hits.filter((path) => path === '/token').length
    const back = await comeBack(client, { ...returned, iss: other.issuer }, cookie)
    expect(told(back)).toMatchObject({ error: 'login_failed' })
    expect(provider.hits.filter((path) => path === '/token').length).toBe(hits)
  })

  test('a flow of one tenant ends at no other', async () => {
    const [one, two] = [await newTenantWith(service(), provider), await newTenantWith(service(), provider)]
    const { url, cookie } = await start(one.client)
    const returned = provider.consent(url, newPerson())
    expectProblem(await comeBack(two.client, returned, cookie), 'invalid_oauth_state')
  })

  test('a code of one flow does not end another: the code_verifier is not the same', async () => {
    const { client } = await newTenantWith(service(), provider)
    const victim = await start(client)
    const attacker = await start(client)
    const injected = {
      ...provider.consent(victim.url, newPerson()),
      state: provider.consent(attacker.url, {}).state,
    }
    expect(told(await comeBack(client, injected, attacker.cookie))).toMatchObject({ error: 'login_failed' })
  })
})

describe('mix-up of what two flows of one browser are for', () => {
  async function signedIn() {
    const stage = await newTenantWith(service(), provider)
    const { tokens } = await stage.client.signUp()
    const { url, cookie } = await startLink(stage.client, tokens)
    return { ...stage, tokens, url, cookie }
  }

  test('the code of a sign-in links nothing, and that of a link signs no one in', async () => {
    const { client, url, cookie } = await signedIn()
    const other = await start(client, {}, 'idp', cookie)
    expect(other.cookie).toBe(cookie)
    const before = await stored(client)
    const [toLink, toSignIn] = [provider.consent(url, newPerson()), provider.consent(other.url, newPerson())]
    for (const [state, code] of [
      [toLink.state, toSignIn.code],
      [toSignIn.state, toLink.code],
    ]) {
      const back = await comeBack(client, { ...toLink, state: state ?? '', code: code ?? '' }, cookie)
      expect(told(back)).toMatchObject({ error: 'login_failed' })
      expect(back.headers.getSetCookie()).toEqual([])
    }
    expect(await stored(client)).toEqual(before)
  })

  test('a link that one browser began is not ended by another, in which someone else is signed in', async () => {
    const { client, url } = await signedIn()
    const before = await stored(client)
    const { cookie } = await start(client)
    expectProblem(await comeBack(client, provider.consent(url, newPerson()), cookie), 'invalid_oauth_state')
    expect(await stored(client)).toEqual(before)
  })

  test('a link that Redis hands out again links nothing more', async () => {
    const { client, url, cookie } = await signedIn()
    const { putBack } = await keptState(service(), client, url, cookie)
    expect(told(await comeBack(client, provider.consent(url, newPerson()), cookie))).toMatchObject({
      linked: 'true',
    })
    const before = await stored(client)
    await putBack()
    const again = await comeBack(client, provider.consent(url, newPerson()), cookie)
    expectProblem(again, 'invalid_oauth_state')
    expect(await stored(client)).toEqual(before)
  })
})

test('one person at two tenants of one provider has two accounts, which know nothing of each other', async () => {
  const person = newPerson()
  const [one, two] = [await newTenantWith(service(), provider), await newTenantWith(service(), provider)]
  const first = await whoIs(one.client, await signIn(one.client, provider, person))
  const second = await whoIs(two.client, await signIn(two.client, provider, person))
  expect([first.status, second.status]).toEqual([200, 200])
  expect(second.body.user.id).not.toBe(first.body.user.id)
})

test('one subject at two providers of one tenant is two persons', async () => {
  const { client, admin } = await newTenantWith(service(), provider)
  await addProvider(client, admin.access_token, { slug: 'other', issuer: other.issuer })
  const { sub } = newPerson()
  const first = await whoIs(client, await signIn(client, provider, { ...newPerson(), sub }))
  const { url, cookie } = await start(client, {}, 'other')
  const back = await comeBack(client, other.consent(url, { ...newPerson(), sub }), cookie, 'other')
  const second = await whoIs(client, back)
  expect([first.status, second.status]).toEqual([200, 200])
  expect(second.body.user.id).not.toBe(first.body.user.id)
})

describe('a provider that was disabled meanwhile ends no flow', () => {
  async function begun() {
    const { client, admin, provider: row } = await newTenantWith(service(), provider)
    const change = { method: 'PATCH', bearer: admin.access_token, json: { enabled: false } }
    const disable = async () =>
      expect((await client.call(`/v1/admin/providers/${row.id}`, change)).status).toBe(200)
    return { client, disable, ...(await start(client)), before: await stored(client) }
  }

  test('before the person comes back', async () => {
    const { client, disable, url, cookie, before } = await begun()
    await disable()
    const asked = provider.hits.length
    const back = await comeBack(client, provider.consent(url, newPerson()), cookie)
    expect(told(back)).toMatchObject({ error: 'login_failed' })
    expect(provider.hits.length).toBe(asked)
    expect(await stored(client)).toEqual(before)
  })

  test('while it makes its tokens', async () => {
    const { client, disable, url, cookie, before } = await begun()
    provider.deviate({ meanwhile: disable })
    const back = await comeBack(client, provider.consent(url, newPerson()), cookie)
    expect(told(back)).toMatchObject({ error: 'login_failed' })
    expect(await stored(client)).toEqual(before)
  })

  test('and begins none', async () => {
    const { client, disable } = await begun()
    await disable()
    expectProblem((await start(client)).answer, 'not_found')
  })
})
