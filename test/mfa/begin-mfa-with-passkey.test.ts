import { expect, test } from 'vitest'
import { challenge, enrol } from '../support/authenticator.ts'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { newPasskey, secondStepOptions, withPasskeyFactor } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'beginMfaWithPasskey')

test('factors 6: names the passkeys that are second factors, and no other of the account', async () => {
  const client = await newClient(service())
  const { email, tokens, listed } = await withPasskeyFactor(service(), client)
  await newPasskey(client, tokens)
  const { answer, options, cookie } = await secondStepOptions(client, await challenge(client, email))
  expect(options).toEqual({
    rpId: new URL(client.tenant.origin).hostname,
    challenge: expect.stringMatching(/^[\w-]{43}$/),
    timeout: 300_000,
    userVerification: 'required',
    allowCredentials: [{ type: 'public-key', id: listed.credential_id, transports: listed.transports }],
  })
  expect(cookie).toMatch(/^__Host-latchkey-ceremony=[\w-]{43}$/)
  expect(answer.trips).toEqual({ redis: 1, postgres: 1 })
})

test('is refused without a sign-in that waits, and to an account that has no such passkey', async () => {
  const client = await newClient(service())
  const { email } = await enrol(service(), client, await client.newAccount())
  const begin = (mfa_token: string) => client.call('/v1/passkeys/mfa/options', { json: { mfa_token } })
  expectProblem(await begin('lkm_'), 'invalid_mfa_token')
  expectProblem(await begin(`lkm_${'A'.repeat(43)}`), 'invalid_mfa_token')
  const { mfa_token } = await challenge(client, email)
  expectProblem(await begin(mfa_token), 'no_second_factor')
  const other = await newClient(service())
  expectProblem(await other.call('/v1/passkeys/mfa/options', { json: { mfa_token } }), 'invalid_mfa_token')
})
