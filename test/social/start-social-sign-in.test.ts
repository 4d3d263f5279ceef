import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { CLIENT, type IdentityProvider, startIdentityProvider } from '../support/identity-provider.ts'
import { useLentService } from '../support/service.ts'
import { keptState, newTenantWith, RETURN, start } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider()
})
afterEach(() => {
  provider.deviate({})
  service().gates.redis.set('open')
})
afterAll(() => provider.stop())

describe('accepts', () => {
  test('a browser, and tells the provider what it must know and no more', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { answer, url, cookie } = await start(client)
    expect(answer.status).toBe(302)
    const { origin, pathname, searchParams } = new URL(url)
    expect(`${origin}${pathname}`).toBe(`${provider.issuer}/authorize`)
    const { state = '', nonce = '', code_challenge, ...rest } = Object.fromEntries(searchParams)
    expect(rest).toEqual({
      response_type: 'code',
      client_id: CLIENT.id,
      redirect_uri: `${client.tenant.origin}/v1/oauth/idp/callback`,
      scope: 'openid email profile',
      code_challenge_method: 'S256',
    })
    const { kept } = await keptState(service(), client, url, cookie)
    expect(code_challenge).toBe(
      createHash('sha256')
        .update(kept.codeVerifier ?? '')
        .digest('base64url'),
    )
    expect(kept.nonce).toBe(nonce)
    expect(new Set([state, nonce, kept.codeVerifier, cookie.split('=')[1]]).size).toBe(4)
  })

  test('a second tab of one browser: both flows have its one cookie, and states of their own', async () => {
    const { client } = await newTenantWith(service(), provider)
    const one = await start(client)
    const two = await start(client, {}, 'idp', one.cookie)
    expect(two.cookie).toBe(one.cookie)
    expect(new URL(two.url).searchParams.get('state')).not.toBe(new URL(one.url).searchParams.get('state'))
  })

  test('a cookie that is none of ours gives way to a new one', async () => {
    const { client } = await newTenantWith(service(), provider)
    for (const planted of ['__Host-latchkey-oauth=x', `__Host-latchkey-oauth=${'A'.repeat(44)}`]) {
      const { cookie } = await start(client, {}, 'idp', planted)
      expect(cookie).toMatch(/^__Host-latchkey-oauth=[\w-]{43}$/)
    }
  })

  test('the cookie is of this browser, this host and ten minutes, and no script sees it', async () => {
    const { client } = await newTenantWith(service(), provider)
    const { answer } = await start(client)
    expect(answer.headers.getSetCookie()).toEqual([
      expect.stringMatching(
        /^__Host-latchkey-oauth=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
      ),
    ])
  })
})

describe('refuses', () => {
  test('a provider of another tenant, and one that there is not', async () => {
    await newTenantWith(service(), provider)
    const stranger = await newClient(service(), { settings: { redirect_uris: [RETURN] } })
    expectProblem((await start(stranger)).answer, 'not_found')
    expectProblem((await start(stranger, {}, 'none')).answer, 'not_found')
  })

  test('an app elsewhere without a code_challenge: it would get a code that anyone may exchange', async () => {
    const { client } = await newTenantWith(service(), provider)
    for (const redirect_uri of ['com.example.app:/back', 'http://127.0.0.1:4711/back']) {
      const { answer } = await start(client, { redirect_uri })
      expectProblem(answer, 'invalid_input')
      expect(answer.body).toMatchObject({ errors: [{ pointer: '/code_challenge', code: 'missing' }] })
    }
  })

  test('when Redis is down: 503, and nothing that could be replayed is kept elsewhere', async () => {
    const { client } = await newTenantWith(service(), provider)
    service().gates.redis.set('refusing')
    const { answer } = await start(client)
    expectProblem(answer, 'upstream_unavailable')
    expect(answer.headers.getSetCookie()).toEqual([])
  })
})

describe('a provider whose discovery document', () => {
  test.each([
    ['names another issuer', { issuer: 'https://evil.example' }],
    ['names its issuer with a slash more', { issuer: 'SLASH' }],
    ['is right, and longer than 16 KiB', { more: 'x'.repeat(17_000) }],
    ['names no page to go to', { authorization_endpoint: undefined }],
    ['names a page that is a script', { authorization_endpoint: 'javascript:alert(1)' }],
  ])('%s: its fault, and no one is sent anywhere', async (_, discovery) => {
    const { client } = await newTenantWith(service(), provider)
    const isSlash = 'issuer' in discovery && discovery.issuer === 'SLASH'
    const said = isSlash ? { issuer: `${provider.issuer}/` } : discovery
    provider.deviate({ discovery: said })
    const { answer } = await start(client)
    expectProblem(answer, 'upstream_unavailable')
    expect(answer.headers.get('location')).toBeNull()
  })

  test('redirects, is huge, is slow or is no JSON: 503 or 504', async () => {
    const path = '/.well-known/openid-configuration'
    for (const lie of [
      (response) => response.writeHead(302, { location: 'https://example.com' }).end(),
      (response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(`{"a":"${'x'.repeat(20_000)}"}`),
      (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('{}'),
      (response) => response.writeHead(404).end(),
      () => {},
    ] satisfies ((response: import('node:http').ServerResponse) => unknown)[]) {
      const { client } = await newTenantWith(service(), provider)
      provider.deviate({ answer: { [path]: lie } })
      const { answer } = await start(client)
      expect([503, 504]).toContain(answer.status)
      expect(answer.headers.getSetCookie()).toEqual([])
    }
  })
})

test('a provider’s discovery document is asked for once, and by each tenant for itself', async () => {
  const ours = () => provider.hits.filter((path) => path === '/.well-known/openid-configuration').length
  const { client } = await newTenantWith(service(), provider)
  const before = ours()
  await start(client)
  await expect.poll(async () => (await start(client)).answer.status && ours()).toBe(before + 1)
  await start((await newTenantWith(service(), provider)).client)
  expect(ours()).toBe(before + 2)
})
