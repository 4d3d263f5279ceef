/** FINDINGS F23: one set of signing keys for all Workers, before, during and after a rotation. */
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { describe, expect, test } from 'vitest'
import { rotateSigningKeys } from '../../src/keys/rotation.ts'
import { type Client, createClient, newClient, newEmail, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useService } from '../support/service.ts'

const issuing = useService({ workers: ['password'] })
const verifying = useService({ workers: ['session'], beside: () => issuing() })
const publishing = useService({ workers: ['discovery'], beside: () => issuing() })

async function issue(client: Client): Promise<Tokens> {
  const { status, body } = await client.register(newEmail())
  expect(status).toBe(201)
  return body
}

const kidOf = ({ access_token }: Tokens) => decodeProtectedHeader(access_token).kid

describe('a rotation of the signing key', () => {
  test('disturbs no Worker: tokens from before, during and after it verify everywhere', async () => {
    const client = await newClient(issuing())
    const there = createClient(verifying(), client.tenant)
    const { operator } = issuing()

    const before = await issue(client)
    expect(await rotateSigningKeys(operator, { algorithm: 'ES256' })).toMatchObject({ outcome: 'published' })
    const during = await issue(client)
    expect(kidOf(during), 'a published key does not sign yet').toBe(kidOf(before))
    expect(await rotateSigningKeys(operator, { algorithm: 'ES256' })).toMatchObject({ outcome: 'too_early' })
    const jwks = await createClient(publishing(), client.tenant).call<JSONWebKeySet>('/.well-known/jwks.json')
    const rotation = { algorithm: 'EdDSA', immediately: true } as const
    expect(await rotateSigningKeys(operator, rotation)).toMatchObject({ outcome: 'rotated' })
    const after = await issue(client)
    expect(kidOf(after)).not.toBe(kidOf(before))
    expect(decodeProtectedHeader(after.access_token).alg).toBe('ES256')

    const keys = createLocalJWKSet(jwks.body) // read before the rotation, as a downstream service has it
    const { origin } = client.tenant
    for (const tokens of [before, during, after]) {
      expect((await there.me(tokens.access_token)).body).toMatchObject(tokens.user)
      const rename = { method: 'PATCH', json: { name: 'Ada' }, bearer: tokens.access_token }
      expect((await there.call('/v1/me', rename)).status, 'a write').toBe(200)
      await jwtVerify(tokens.access_token, keys, { issuer: origin, audience: origin })
      const refreshed = await there.refresh(tokens.refresh_token)
      expect(kidOf(refreshed.body), 'a refresh signs with the new key').toBe(kidOf(after))
    }
  })

  test('a retired key stops verifying when it expires, for reads and for writes', async () => {
    const client = await newClient(issuing())
    const there = createClient(verifying(), client.tenant)
    const tokens = await issue(client)
    const write = { method: 'PATCH', json: { name: 'Ada' }, bearer: tokens.access_token }
    expect((await there.call('/v1/me', write)).status, 'the verifier is now at the edge').toBe(200)

    const { operator, sql } = issuing()
    const step = { algorithm: 'EdDSA', immediately: true } as const
    while ((await rotateSigningKeys(operator, step)).outcome !== 'rotated');
    expect((await there.me(tokens.access_token)).status).toBe(200)
    await sql("update signing_keys set expires_at = now() - interval '1 s' where kid = $1", [kidOf(tokens)])
    expectProblem(await there.me(tokens.access_token), 'invalid_token')
    expectProblem(await there.call('/v1/me', write), 'invalid_token')
    expect((await there.refresh(tokens.refresh_token)).status, 'the session goes on').toBe(200)
  })

  test('a token signed by a key that is only published is refused', async () => {
    const client = await newClient(issuing())
    const there = createClient(verifying(), client.tenant)
    const tokens = await issue(client)
    const { sql } = issuing()
    await sql("delete from signing_keys where state = 'next'")
    await sql("update signing_keys set state = 'next' where state = 'current'")
    try {
      expectProblem(await there.me(tokens.access_token), 'invalid_token')
    } finally {
      await sql("update signing_keys set state = 'current' where state = 'next'")
    }
    expect((await there.me(tokens.access_token)).status).toBe(200)
  })

  test('50 rotations at once leave one current key and one next key', async () => {
    const { operator, sql } = issuing()
    const step = { algorithm: 'EdDSA', immediately: true } as const
    const steps = await Promise.allSettled(
      Array.from({ length: 50 }, () => rotateSigningKeys(operator, step)),
    )
    expect(steps.filter(({ status }) => status === 'rejected')).toEqual([])
    const rows = await sql(
      "select state, count(*)::int from signing_keys where state <> 'retired' group by state order by state",
    )
    expect(rows).toEqual([
      { state: 'current', count: 1 },
      { state: 'next', count: 1 },
    ])
    expect((await (await newClient(issuing())).register()).status).toBe(201)
  })
})
