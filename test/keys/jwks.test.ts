import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { rotateSigningKeys } from '../../src/keys/rotation.ts'
import { type Client, newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { useService } from '../support/service.ts'

const service = useService()

afterEach(() => service().gates.postgres.set('open'))

everyRoute(service, { method: 'GET', path: '/.well-known/jwks.json', allow: 'GET, HEAD', caller: 'anyone' })

const readJwks = (client: Client) => client.call<JSONWebKeySet>('/.well-known/jwks.json')

describe('accepts', () => {
  test('shows the keys to everyone, to be kept for ten minutes', async () => {
    const answer = await readJwks(await newClient(service()))
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer, 'public, max-age=600')
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(answer.body.keys.length).toBeGreaterThan(0)
  })

  test('verifies an access token downstream, with nothing but issuer and audience', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const keys = createLocalJWKSet((await readJwks(client)).body)
    const { origin } = client.tenant
    const verified = await jwtVerify(tokens.access_token, keys, {
      issuer: origin,
      audience: origin,
      typ: 'at+jwt',
    })
    expect(verified.payload).toMatchObject({
      sub: tokens.user.id,
      sid: tokens.session.id,
      tid: client.tenant.id,
    })
  })

  test('answers a second time from the edge, also while PostgreSQL is away', async () => {
    const client = await newClient(service())
    const first = await readJwks(client)
    expect(first.trips.postgres).toBe(1)
    service().gates.postgres.set('refusing')
    const second = await readJwks(client)
    expect(second).toMatchObject({ status: 200, body: first.body, trips: { postgres: 0, redis: 0 } })
    expectCommonHeaders(second, 'public, max-age=600')
  })

  test('shows the next key before it signs, and a retired one until its last token is dead', async () => {
    const { operator, sql } = service()
    const [first] = await sql<{ kid: string }>("select kid from signing_keys where state = 'current'")
    expect(await rotateSigningKeys(operator, { algorithm: 'ES256' })).toMatchObject({ outcome: 'published' })
    const published = await readJwks(await newClient(service()))
    expect(published.body.keys.map(({ alg }) => alg)).toEqual(['EdDSA', 'ES256'])

    await rotateSigningKeys(operator, { algorithm: 'EdDSA', immediately: true })
    const rotated = await readJwks(await newClient(service()))
    expect(rotated.body.keys.map(({ kid }) => kid)).toContain(first?.kid)
    expect(rotated.body.keys).toHaveLength(3)

    await sql("update signing_keys set expires_at = now() - interval '1 s' where state = 'retired'")
    const expired = await readJwks(await newClient(service()))
    expect(expired.body.keys.map(({ kid }) => kid)).not.toContain(first?.kid)
    expect(expired.body.keys).toHaveLength(2)
  })
})

describe('attacks', () => {
  test('every key has alg, use and kid, and no private member (CASES A03)', async () => {
    const { body } = await readJwks(await newClient(service()))
    for (const key of body.keys) {
      expect(key).toMatchObject({
        alg: expect.stringMatching(/^(EdDSA|ES256)$/),
        use: 'sig',
        kid: expect.any(String),
      })
      expect(
        Object.keys(key).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].includes(name)),
      ).toEqual([])
    }
  })

  test('is not found under a path that a cache would take for a style sheet (CASES J06)', async () => {
    const client = await newClient(service())
    expect((await client.call('/.well-known/jwks.json/x.css')).status).toBe(404)
  })
})
