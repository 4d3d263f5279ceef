/** A leaked signing key: dead here at once, out of the JWKS, and no one is signed out for it. */
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose'
import { beforeEach, describe, expect, test } from 'vitest'
import { revokeSigningKeys, rotateSigningKeys } from '../../src/keys/rotation.ts'
import { createClient, newClient, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { bearerOperations, perform } from '../support/http-operations.ts'
import { runKeys } from '../support/keyring.ts'
import { useService } from '../support/service.ts'
import { sessionRow } from '../support/sessions.ts'

const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const elsewhere = useService({ workers: ['session'], beside: () => service() })

const rows = () =>
  service().sql<{ kid: string; state: string; is_over: boolean }>(
    `select kid, state, coalesce(expires_at <= now(), false) as is_over from signing_keys order by state, created_at`,
  )
const kidIn = async (state: string) => (await rows()).find((row) => row.state === state)?.kid ?? ''
const kidOf = ({ access_token }: Tokens) => decodeProtectedHeader(access_token).kid
/** As a location reads it that has no copy. */
const published = async () => {
  const { body } = await (await newClient(service())).call<JSONWebKeySet>('/.well-known/jwks.json')
  return body.keys.map(({ kid }) => kid)
}

const revoke = (...kids: string[]) => runKeys(service(), ['revoke', ...kids])

beforeEach(async () => {
  await rotateSigningKeys(service().operator, { algorithm: 'EdDSA' })
})

describe('npm run keys -- revoke <kid>', { timeout: 120_000 }, () => {
  test('keys 4: of the current key: no operation takes its tokens any more, though the edge still has its verifier', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUpAdmin()
    const rename = { method: 'PATCH', json: { name: 'Ada' }, bearer: tokens.access_token }
    expect(await client.call('/v1/me', rename)).toMatchObject({ status: 200, trips: { postgres: 1 } })
    const [leaked, next] = [await kidIn('current'), await kidIn('next')]
    expect(kidOf(tokens)).toBe(leaked)

    const { status, printed } = await revoke(leaked)
    expect(status).toBe(0)
    expect(printed).toContain(`revoked ${leaked}`)
    expect(printed).toContain(
      'APIs that verify offline accept them until their cached JWKS expires: up to 11 minutes',
    )
    expect(printed).toContain(`${next} signs now`)

    const there = createClient(elsewhere(), client.tenant)
    for (const operation of bearerOperations) {
      const answer = await perform(client, operation, tokens)
      expectProblem(answer, 'invalid_token')
    }
    expectProblem(await there.me(tokens.access_token), 'invalid_token')
    const [user] = await service().sql('select name, status from users where id = $1', [tokens.user.id])
    expect(user, 'as it was').toMatchObject({ name: 'Ada', status: 'active' })
    expect(await sessionRow(service(), tokens.session.id), 'no call has ended it').toMatchObject({
      revoked_at: null,
    })
    expect(await published()).not.toContain(leaked)

    const refreshed = await client.refresh(tokens.refresh_token)
    expect(refreshed.status, 'the session goes on').toBe(200)
    expect(kidOf(refreshed.body), 'the published key, which verifiers know').toBe(next)
    expect((await client.me(refreshed.body.access_token)).status).toBe(200)
    expect(await published()).toEqual(expect.arrayContaining([next, await kidIn('next')]))
  })

  test('keys 4: of the published key: another is published, and the current one goes on', async () => {
    const [current, leaked] = [await kidIn('current'), await kidIn('next')]
    const { printed } = await revoke(leaked)
    expect(printed).toContain(`revoked ${leaked}`)
    expect(printed).not.toContain('signs now')
    expect(await kidIn('current')).toBe(current)
    const next = await kidIn('next')
    expect(next).not.toBe(leaked)
    expect((await published()).toSorted()).toEqual([current, next].toSorted())
  })

  test('keys 4: of both: a key that no one has seen signs at once, and it is said how long verifiers refuse it', async () => {
    const [current, next] = [await kidIn('current'), await kidIn('next')]
    const { printed } = await revoke(current, next)
    expect(printed).toContain('up to 1 minute when they fetch it again for an unknown kid')
    expect(printed).toContain('up to 11 minutes when they wait for its max-age')
    const { status, body } = await (await newClient(service())).register()
    expect(status).toBe(201)
    expect([current, next]).not.toContain(kidOf(body))
    expect(printed).toContain(`${kidOf(body)} signs now`)
    expect(await published()).not.toEqual(expect.arrayContaining([current]))
  })

  test('keys 4: of a retired key: it leaves the JWKS before its last token is dead', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const leaked = await kidIn('current')
    await rotateSigningKeys(service().operator, { algorithm: 'EdDSA', immediately: true })
    expect(await published()).toContain(leaked)
    expect((await client.me(tokens.access_token)).status).toBe(200)
    const { printed } = await revoke(leaked)
    expect(printed).not.toContain('signs now')
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
    expect(await published()).not.toContain(leaked)
    expect(await revoke(leaked)).toMatchObject({
      status: 0,
      printed: expect.stringContaining(`${leaked} was already revoked or expired`),
    })
  })

  test('keys 4: of a kid that there is not: refused, and nothing else of the call is done', async () => {
    const before = await rows()
    const [current] = before
    for (const args of [['unknown-kid'], [current?.kid ?? '', 'unknown-kid']]) {
      const { status, printed } = await revoke(...args)
      expect(status).toBe(1)
      expect(printed).toContain('there is no signing key unknown-kid; nothing was revoked')
    }
    expect(await revoke()).toMatchObject({ status: 1, printed: expect.stringContaining('which key?') })
    expect(await rows()).toEqual(before)
  })

  test('keys 4: 25 revocations and 25 rotations at once leave one current and one next key, and neither is the leaked one', async () => {
    const { operator } = service()
    const leaked = await kidIn('current')
    const results = await race(50, (index) =>
      index % 2 === 0
        ? revokeSigningKeys(operator, [leaked]).then(({ ended }) => ended)
        : rotateSigningKeys(operator, { algorithm: 'EdDSA', immediately: true }).then(() => []),
    )
    expect(results.flat(), 'one of them ended it').toEqual([leaked])
    const after = await rows()
    expect(after.filter(({ state }) => state === 'current')).toHaveLength(1)
    expect(after.filter(({ state }) => state === 'next')).toHaveLength(1)
    expect(after.find(({ kid }) => kid === leaked)).toMatchObject({ state: 'retired', is_over: true })
  })
})
