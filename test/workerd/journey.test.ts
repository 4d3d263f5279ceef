/** The main job from end to end, over both ways to deploy: one Worker for everything, and one Worker per [env]. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, createClient, newClient, newEmail } from '../support/client.ts'
import { CLEARED, expectProblem } from '../support/expect.ts'
import { type Service, startService } from '../support/service.ts'

const SHAPES = [
  { shape: 'the all-in-one Worker', workers: [''] },
  { shape: 'one Worker per [env]', workers: ['password', 'session', 'discovery'] },
]

describe.each(SHAPES)('over $shape', ({ workers }) => {
  let service: Service
  beforeAll(async () => {
    service = await startService({ workers })
  })
  afterAll(async () => service?.stop())

  /** wrangler.toml routes this host, so that requests find the Worker of their path. */
  let tenant: Client['tenant'] | undefined
  async function newCaller(): Promise<Client> {
    tenant ??= (await newClient(service, { host: 'auth.example.com' })).tenant
    return createClient(service, tenant)
  }

  test("register, sign in, refresh, look at oneself, see one's sessions, revoke one, sign out", async () => {
    const client = await newCaller()
    const email = newEmail()
    const registered = await client.register(email, undefined, { name: 'Ada' })
    expect(registered.status).toBe(201)

    const signedIn = await client.login(email)
    expect(signedIn.status).toBe(200)
    expect(signedIn.body.user).toEqual(registered.body.user)

    const refreshed = await client.refresh(signedIn.body.refresh_token)
    expect(refreshed.status).toBe(200)
    const { access_token: bearer, refresh_token: refreshToken, session } = refreshed.body
    expect(session.id).toBe(signedIn.body.session.id)

    expect((await client.me(bearer)).body).toMatchObject({ ...registered.body.user, name: 'Ada' })
    const renamed = await client.call('/v1/me', { method: 'PATCH', json: { name: 'Ada L.' }, bearer })
    expect(renamed).toMatchObject({ status: 200, body: { name: 'Ada L.' } })

    const listed = await client.listSessions(bearer)
    expect(listed.body.data.map(({ id, current }) => [id, current])).toEqual([
      [session.id, true],
      [registered.body.session.id, false],
    ])

    const other = registered.body
    const revoked = await client.call(`/v1/sessions/${other.session.id}`, { method: 'DELETE', bearer })
    expect(revoked.status).toBe(204)
    expectProblem(await client.refresh(other.refresh_token), 'invalid_grant')
    expectProblem(await client.me(other.access_token), 'invalid_token')
    expect((await client.listSessions(bearer)).body.data).toHaveLength(1)

    expect((await client.logout(refreshToken)).status).toBe(204)
    expectProblem(await client.refresh(refreshToken), 'invalid_grant')
    expectProblem(await client.me(bearer), 'invalid_token')
    expect((await client.login(email)).status).toBe(200)
  })

  test('the same in a browser, by cookie', async () => {
    const client = await newCaller()
    const email = newEmail()
    const { headers } = await client.register(email, undefined, { transport: 'cookie' })
    const first = cookieOf(headers)
    const browser = (path: string, cookie: string) =>
      client.call<{ access_token: string }>(path, {
        method: 'POST',
        headers: { cookie, 'sec-fetch-site': 'same-origin' },
      })
    const refreshed = await browser('/v1/refresh', first)
    expect(refreshed.status).toBe(200)
    const second = cookieOf(refreshed.headers)
    expect(second).not.toBe(first)
    expect((await client.me(refreshed.body.access_token)).status).toBe(200)
    const gone = await browser('/v1/logout', second)
    expect(gone.status).toBe(204)
    expect(gone.headers.get('set-cookie')).toContain('Max-Age=0')
    expectProblem(await browser('/v1/refresh', second), 'invalid_grant', [CLEARED])
  })

  test('keys, discovery and health answer', async () => {
    const client = await newCaller()
    for (const path of ['/.well-known/jwks.json', '/.well-known/openid-configuration', '/healthz', '/readyz'])
      expect((await client.call(path)).status, path).toBe(200)
  })
})

const cookieOf = (headers: Headers) => headers.get('set-cookie')?.split(';')[0] ?? ''
