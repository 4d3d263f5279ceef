import { describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { unknownCredential, usePasskey } from '../support/passkey-authenticator.ts'
import { attemptSignIn, finishSignIn, newPasskey, signInOptions } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'
import { countEvents } from '../support/sessions.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, {
  method: 'POST',
  path: '/v1/passkeys/login/verify',
  allow: 'POST',
  caller: 'anyone',
  json: { credential: unknownCredential('webauthn.get') },
  optional: ['transport'],
})

async function newOwner(deviation: Parameters<typeof newPasskey>[2] = {}) {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  return { client, email, tokens, ...(await newPasskey(client, tokens, deviation)) }
}

describe('accepts', () => {
  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const)
    test(`a passkey of ${algorithm}, in one trip to Redis and two to PostgreSQL`, async () => {
      const { client, tokens, passkey } = await newOwner({ algorithm })
      const { answer } = await attemptSignIn(client, passkey)
      expectCommonHeaders(answer)
      expect(answer).toMatchObject({ status: 200, body: { user: tokens.user } })
      expect(answer.trips).toEqual({ redis: 1, postgres: 2 })
      expect((await client.me(answer.body.access_token)).status).toBe(200)
      expect((await client.refresh(answer.body.refresh_token)).status).toBe(200)
    })

  test('a browser, which gets a cookie in place of a refresh token, and is known from then on', async () => {
    const { client, tokens, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const { body, headers } = await finishSignIn(client, { credential, cookie, transport: 'cookie' })
    expect(body).not.toHaveProperty('refresh_token')
    const cookies = headers.getSetCookie().map((one) => one.split('=')[0])
    expect(cookies).toEqual(['__Host-latchkey', '__Host-latchkey-device'])
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.started': 2 })
  })
})

describe('refuses', () => {
  test('a page that the tenant has not allowed: no session, no cookie', async () => {
    const { client, tokens, passkey } = await newOwner()
    const { options, cookie } = await signInOptions(client)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const answer = await client.call('/v1/passkeys/login/verify', {
      json: { credential, transport: 'cookie' },
      headers: { cookie, origin: 'https://evil.example' },
    })
    expectProblem(answer, 'origin_not_allowed')
    expect(answer.headers.getSetCookie()).toEqual([])
    expect(await countEvents(service(), tokens.user.id)).toMatchObject({ 'session.started': 1 })
  })
})
