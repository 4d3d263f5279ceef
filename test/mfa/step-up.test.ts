import { expect, test } from 'vitest'
import { challenge, codeAt, enrol, newProved, verifyMfa, wrongCode } from '../support/authenticator.ts'
import { newClient, PASSWORD, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { attemptSecondStep, withPasskeyFactor } from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'stepUp')

/** A session that began after the app was added, with the step of now; the next one is left to the test. */
async function newSignedIn() {
  const client = await newClient(service())
  const enrolled = await enrol(service(), client, await client.newAccount())
  const begun = await verifyMfa(client, await challenge(client, enrolled.email), codeAt(enrolled.secret))
  return { client, ...enrolled, tokens: begun.body, bearer: begun.body.access_token }
}

test('step-up with a code renews the session, once', async () => {
  const { client, tokens, bearer, secret } = await newSignedIn()
  await service().sql(`update sessions set auth_time = now() - interval '1 hour' where id = $1`, [
    tokens.session.id,
  ])
  expectProblem(await client.call('/v1/me', { method: 'DELETE', bearer }), 'insufficient_user_authentication')
  const json = { method: 'totp', code: codeAt(secret, 1) }
  const answers = await race(20, () => client.call('/v1/mfa/step-up', { bearer, json }))
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  expect((await client.call('/v1/me/export', { bearer })).status).toBe(200)
})

test('step-up refuses a wrong code, and an account without a second factor', async () => {
  const { client, bearer } = await newProved(service(), await newClient(service()))
  const none = await client.call('/v1/mfa/step-up', { bearer, json: { method: 'totp', code: '123456' } })
  expectProblem(none, 'no_second_factor')
  const signedIn = await newSignedIn()
  const json = { method: 'totp', code: wrongCode(signedIn.secret) }
  const wrong = await signedIn.client.call('/v1/mfa/step-up', { bearer: signedIn.bearer, json })
  expectProblem(wrong, 'invalid_code')
})

test('factors 7: neither the app nor the recovery codes of this very session prove who holds it', async () => {
  const client = await newClient(service())
  const { tokens, secret, recoveryCodes } = await enrol(service(), client, await client.newAccount())
  for (const json of [
    { method: 'totp', code: codeAt(secret) },
    { method: 'recovery_code', code: recoveryCodes[0] },
  ])
    expectProblem(
      await client.call('/v1/mfa/step-up', { bearer: tokens.access_token, json }),
      'no_second_factor',
    )
  // The password of before is one.
  const json = { password: PASSWORD }
  const confirmed = await client.call('/v1/password/confirm', { bearer: tokens.access_token, json })
  expect(confirmed.status).toBe(200)
})

test('factors 7: recovery codes step up an account whose second factor is a passkey', async () => {
  const { client, email, passkey, recoveryCodes } = await withPasskeyFactor(
    service(),
    await newClient(service()),
  )
  const { answer } = await attemptSecondStep(client, passkey, await challenge(client, email))
  const json = { method: 'recovery_code', code: recoveryCodes[0] }
  const bearer = answer.body.access_token
  expect((await client.call('/v1/mfa/step-up', { bearer, json })).status).toBe(200)
})

test('F01: of 50 uses of one step of an app, at sign-ins and at step-up, one succeeds', async () => {
  const { client, email, bearer, secret } = await newSignedIn()
  const challenges = await Promise.all(Array.from({ length: 25 }, () => challenge(client, email)))
  const code = codeAt(secret, 1)
  const json = { method: 'totp', code }
  const answers = await race(50, (index) =>
    index < 25
      ? verifyMfa(client, challenges[index] ?? { mfa_token: '' }, code)
      : client.call<Tokens>('/v1/mfa/step-up', { bearer, json }),
  )
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
})
