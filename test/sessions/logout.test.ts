import { afterEach, describe, expect, test } from 'vitest'
import { newClient, unknownRefreshToken } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { backdateUse, countEvents, sessionRow } from '../support/sessions.ts'

const service = useLentService()

afterEach(() => service().gates.redis.set('open'))

everyRoute(service, {
  method: 'POST',
  path: '/v1/logout',
  allow: 'POST',
  caller: 'refresh_token',
  json: { refresh_token: unknownRefreshToken() },
  bodyIsOptional: true,
  toNoToken: 204,
  toForeignToken: 204,
})

async function newSession(options = {}) {
  const client = await newClient(service(), options)
  const { email, tokens } = await client.signUp()
  return { client, email, tokens, sessionId: tokens.session.id }
}

describe('accepts', () => {
  test.each(['refresh token', 'bearer token', 'cookie'] as const)(
    'a %s: its session ends at once, the others go on',
    async (proof) => {
      const { client, email, tokens, sessionId } = await newSession()
      const other = await client.signIn(email)
      const cookie = `__Host-latchkey=${tokens.refresh_token}`
      const answer =
        proof === 'refresh token'
          ? await client.logout(tokens.refresh_token)
          : proof === 'bearer token'
            ? await client.call('/v1/logout', { method: 'POST', bearer: tokens.access_token })
            : await client.call('/v1/logout', {
                method: 'POST',
                headers: { cookie, 'sec-fetch-site': 'same-origin' },
              })
      expect(answer).toMatchObject({ status: 204, body: '' })
      expectCommonHeaders(answer)
      expect(answer.headers.get('set-cookie')).toBe(
        proof === 'cookie' ? '__Host-latchkey=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=Lax' : null,
      )
      expect(await sessionRow(service(), sessionId)).toMatchObject({ revoke_reason: 'signed_out' })
      expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
      expectProblem(await client.me(tokens.access_token), 'invalid_token')
      expect((await client.refresh(other.refresh_token)).status).toBe(200)
    },
  )

  test('what is already gone, and records one end', async () => {
    const { client, tokens } = await newSession()
    for (let time = 0; time < 3; time++) expect((await client.logout(tokens.refresh_token)).status).toBe(204)
    const bearer = { method: 'POST', bearer: tokens.access_token }
    expect((await client.call('/v1/logout', bearer)).status).toBe(204)
    expect((await client.logout(unknownRefreshToken())).status).toBe(204)
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.ended': 1 })
  })

  test('a token that was already used: the whole family ends, its successor too', async () => {
    const { client, tokens, sessionId } = await newSession()
    const { body } = await client.refresh(tokens.refresh_token)
    await backdateUse(service(), sessionId, 3600)
    expect((await client.logout(tokens.refresh_token)).status).toBe(204)
    expect(await sessionRow(service(), sessionId)).toMatchObject({ revoke_reason: 'signed_out' })
    expectProblem(await client.refresh(body.refresh_token), 'invalid_grant')
  })

  test('goes on while Redis is away', async () => {
    const { client, tokens, sessionId } = await newSession()
    service().gates.redis.set('refusing')
    expect((await client.logout(tokens.refresh_token)).status).toBe(204)
    expect((await sessionRow(service(), sessionId)).revoked_at).not.toBeNull()
  })
})

describe('refuses', () => {
  test('a bearer that is not a token of ours, also beside a valid cookie', async () => {
    const { client, tokens, sessionId } = await newSession()
    const cookie = `__Host-latchkey=${tokens.refresh_token}`
    const headers = { authorization: 'Bearer garbage', cookie, 'sec-fetch-site': 'same-origin' }
    expectProblem(await client.call('/v1/logout', { method: 'POST', headers }), 'invalid_token')
    expect((await sessionRow(service(), sessionId)).revoked_at).toBeNull()
  })
})

describe('attacks', () => {
  test('a foreign page cannot sign a browser out (CASES B16, J03)', async () => {
    const { client, tokens, sessionId } = await newSession()
    const cookie = `__Host-latchkey=${tokens.refresh_token}`
    const contexts = [{}, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]
    for (const context of contexts) {
      const answer = await client.call('/v1/logout', { method: 'POST', headers: { cookie, ...context } })
      expectProblem(answer, 'origin_not_allowed')
    }
    // Where the tenant is needed to decide, the answer may be the same 204 as for a token that is gone.
    await client.call('/v1/logout', { method: 'POST', headers: { cookie, origin: 'https://evil.test' } })
    await client.call('/v1/logout', { headers: { cookie, 'sec-fetch-site': 'same-origin' } }) // GET
    expect((await sessionRow(service(), sessionId)).revoked_at).toBeNull()
  })

  test("another tenant's bearer ends nothing", async () => {
    const { client, tokens } = await newSession()
    const elsewhere = await newClient(service())
    await elsewhere.signUp()
    const answer = await elsewhere.call('/v1/logout', { method: 'POST', bearer: tokens.access_token })
    expectProblem(answer, 'invalid_token')
    expect((await client.me(tokens.access_token)).status).toBe(200)
  })
})
