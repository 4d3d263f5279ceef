import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { challenge } from '../support/authenticator.ts'
import { countBy, newClient, PASSWORD, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { usePasskey } from '../support/passkey-authenticator.ts'
import {
  attemptSecondStep,
  finishSecondStep,
  finishSignIn,
  newPasskey,
  secondStepOptions,
  signInOptions,
  withPasskeyFactor,
} from '../support/passkeys.ts'
import { useLentService } from '../support/service.ts'
import { TRUSTING } from '../support/trusted-devices.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, 'verifyMfaWithPasskey')

const TRUST = { trust_device: true }

const newChosen = async () => withPasskeyFactor(service(), await newClient(service()))

const countSessions = async (userId: string) =>
  (
    await service().sql<{ count: number }>('select count(*)::int from sessions where user_id = $1', [userId])
  )[0]?.count

describe('accepts', () => {
  test('factors 1: a passkey after a password, for tokens that say both', async () => {
    const { client, email, passkey } = await newChosen()
    const { answer } = await attemptSecondStep(client, passkey, await challenge(client, email))
    expect(answer.status).toBe(200)
    expect(answer.trips).toEqual({ redis: 1, postgres: 2 })
    const amr = ['pwd', 'pop', 'user', 'mfa']
    expect(decodeJwt(answer.body.access_token)).toMatchObject({ amr, acr: 'aal2' })
    const { body } = await client.listSessions(answer.body.access_token)
    expect(body.data.find(({ current }) => current)?.methods).toEqual(amr)
  })

  test('one that says whose it is, and one that does not: it was asked for by its id', async () => {
    const { client, email, passkey } = await newChosen()
    for (const userHandle of [passkey.userHandle, null]) {
      const { answer } = await attemptSecondStep(client, passkey, await challenge(client, email), {
        userHandle,
      })
      expect(answer.status).toBe(200)
    }
  })
})

describe('trusts the browser', () => {
  const cookieIn = (headers: Headers) =>
    headers.getSetCookie().find((line) => line.startsWith('__Host-latchkey-trusted='))

  test('factors 9: where its owner wants it: no second step is asked for there, and step-up still is', async () => {
    const { client, email, passkey } = await withPasskeyFactor(
      service(),
      await newClient(service(), TRUSTING),
    )
    const plain = await attemptSecondStep(client, passkey, await challenge(client, email))
    expect(cookieIn(plain.answer.headers)).toBeUndefined()
    const { answer } = await attemptSecondStep(client, passkey, await challenge(client, email), {}, TRUST)
    expect(answer).toMatchObject({ status: 200, trips: { redis: 1, postgres: 2 } })
    const cookie = cookieIn(answer.headers)?.split(';')[0] ?? ''
    const again = await client.call<Tokens>('/v1/login', {
      json: { email, password: PASSWORD },
      headers: { cookie },
    })
    expect(decodeJwt(again.body.access_token)).toMatchObject({ amr: ['pwd'], acr: 'aal1' })
  })

  test('factors 9: not where the tenant trusts none, and then the token is as good as before', async () => {
    const { client, email, passkey } = await newChosen()
    const first = await challenge(client, email)
    const { answer } = await attemptSecondStep(client, passkey, first, {}, TRUST)
    expectProblem(answer, 'trusted_devices_off')
    const { answer: next } = await attemptSecondStep(client, passkey, first)
    expect(next.status).toBe(200)
  })
})

describe('refuses', () => {
  test.each([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of another domain', { rpId: 'evil.example' }],
    ['of a registration', { type: 'webauthn.create' }],
    ['in a frame of another site', { crossOrigin: true }],
    ['of a person who was not verified', { verified: false }],
    ['of a person who was not there', { present: false }],
    ['of another user handle', { userHandle: 'AAAA' }],
  ] as const)('G03, G04: what a passkey signed %s, and counts it against the token', async (_, deviation) => {
    const { client, email, passkey, tokens } = await newChosen()
    const first = await challenge(client, email)
    const { answer } = await attemptSecondStep(client, passkey, first, deviation)
    expectProblem(answer, 'invalid_passkey')
    const [row] = await service().sql<{ attempts: number }>(
      'select attempts from mfa_challenges where user_id = $1',
      [tokens.user.id],
    )
    expect(row?.attempts).toBe(1)
    expect(await countSessions(tokens.user.id)).toBe(1)
  })

  test('G01: a challenge that was never made', async () => {
    const { client, email, passkey } = await newChosen()
    const deviation = { challenge: 'A'.repeat(43) }
    const { answer } = await attemptSecondStep(client, passkey, await challenge(client, email), deviation)
    expectProblem(answer, 'invalid_passkey')
  })

  test('factors 6: a failed answer uses the challenge up, and the fifth the token', async () => {
    const { client, email, passkey, tokens } = await newChosen()
    const first = await challenge(client, email)
    const failed = await attemptSecondStep(client, passkey, first, { origin: 'https://evil.example' })
    const { options } = await secondStepOptions(client, first)
    const right = usePasskey(
      passkey,
      { ...options, challenge: challengeOf(failed.credential) },
      client.tenant.origin,
    )
    const { mfa_token } = first
    expectProblem(
      await finishSecondStep(client, { mfa_token, credential: right, cookie: failed.cookie }),
      'invalid_passkey',
    )
    for (let n = 0; n < 4; n++)
      await attemptSecondStep(client, passkey, first, { origin: 'https://evil.example' })
    const late = await client.call('/v1/passkeys/mfa/options', { json: { mfa_token } })
    expectProblem(late, 'invalid_mfa_token')
    expect(await countSessions(tokens.user.id)).toBe(1)
  })

  test('factors 6: a passkey of the account that is no second factor, and one of another account', async () => {
    const { client, email, tokens } = await newChosen()
    const plain = await newPasskey(client, tokens)
    const other = await withPasskeyFactor(service(), client)
    for (const { passkey } of [plain, other]) {
      const { answer } = await attemptSecondStep(client, passkey, await challenge(client, email))
      expectProblem(answer, 'invalid_passkey')
    }
  })

  test('factors 6: a passkey that was taken away as a second factor meanwhile', async () => {
    const { client, email, passkey, listed, tokens } = await newChosen()
    const first = await challenge(client, email)
    const { options, cookie } = await secondStepOptions(client, first)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    await service().sql('update passkeys set is_second_factor = false where id = $1', [listed.id])
    const answer = await finishSecondStep(client, { mfa_token: first.mfa_token, credential, cookie })
    expectProblem(answer, 'invalid_passkey')
    expect(await countSessions(tokens.user.id)).toBe(1)
  })

  test('G07: a counter that went back', async () => {
    const { client, email, passkey, listed } = await newChosen()
    await service().sql(
      'update passkeys set counter = 9, backup_eligible = false, backed_up = false where id = $1',
      [listed.id],
    )
    const { answer } = await attemptSecondStep(client, passkey, await challenge(client, email), {
      counter: 9,
      backupEligible: false,
      backedUp: false,
    })
    expectProblem(answer, 'invalid_passkey')
  })
})

describe('attacks', () => {
  test('G01: a challenge of another browser, another token, a sign-in and the other way round', async () => {
    const { client, email, passkey } = await newChosen()
    const [first, second] = [await challenge(client, email), await challenge(client, email)]
    const { options, cookie } = await secondStepOptions(client, first)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const stolen = `__Host-latchkey-ceremony=${'A'.repeat(43)}`
    expectProblem(
      await finishSecondStep(client, { mfa_token: first.mfa_token, credential, cookie: stolen }),
      'invalid_passkey',
    )
    expectProblem(
      await finishSecondStep(client, { mfa_token: second.mfa_token, credential, cookie }),
      'invalid_passkey',
    )
    expectProblem(await finishSignIn(client, { credential, cookie }), 'invalid_passkey')
    const signIn = await signInOptions(client)
    const signed = usePasskey(passkey, signIn.options, client.tenant.origin)
    expectProblem(
      await finishSecondStep(client, {
        mfa_token: second.mfa_token,
        credential: signed,
        cookie: signIn.cookie,
      }),
      'invalid_passkey',
    )
    const honest = await finishSecondStep(client, { mfa_token: first.mfa_token, credential, cookie })
    expect(honest.status, 'none of them took the challenge').toBe(200)
  })

  test('G02: of 50 uses of one challenge one signs in', async () => {
    const { client, email, passkey, tokens } = await newChosen()
    const { mfa_token } = await challenge(client, email)
    const { options, cookie } = await secondStepOptions(client, { mfa_token })
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const answers = await race(50, () => finishSecondStep(client, { mfa_token, credential, cookie }))
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
    expect(await countSessions(tokens.user.id)).toBe(2)
  })

  test('factors 6: of 50 answers to one token, each to a challenge of its own, one signs in', async () => {
    const { client, email, passkey, tokens } = await newChosen()
    const { mfa_token } = await challenge(client, email)
    const all = await Promise.all(Array.from({ length: 50 }, () => secondStepOptions(client, { mfa_token })))
    const answers = await race(50, (index) => {
      const { options, cookie } = all[index] ?? { options: { challenge: '' }, cookie: '' }
      const credential = usePasskey(passkey, options, client.tenant.origin)
      return finishSecondStep(client, { mfa_token, credential, cookie })
    })
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
    expect(await countSessions(tokens.user.id)).toBe(2)
  })

  test('factors 6: a challenge that Redis hands out again after a failover opens nothing again', async () => {
    const { client, email, passkey } = await newChosen()
    const [first, second] = [await challenge(client, email), await challenge(client, email)]
    expect(second.mfa_token).not.toBe(first.mfa_token)
    const { options, cookie } = await secondStepOptions(client, first)
    const credential = usePasskey(passkey, options, client.tenant.origin)
    const [key = ''] = (await service().redis(['KEYS', '*ceremony*'])) as string[]
    const kept = (await service().redis(['GET', key])) as string
    const finish = () => finishSecondStep(client, { mfa_token: first.mfa_token, credential, cookie })
    expect((await finish()).status).toBe(200)
    await service().redis(['SET', key, kept])
    // The token is used up as well: as if it were not.
    await service().sql('update mfa_challenges set consumed_at = null where tenant_id = $1', [
      client.tenant.id,
    ])
    expectProblem(await finish(), 'invalid_passkey')
  })

  test('factors 6: with Redis flushed between options and answer it is refused, and the next try passes', async () => {
    const { client, email, passkey } = await newChosen()
    const first = await challenge(client, email)
    const { options, cookie } = await secondStepOptions(client, first)
    await service().redis(['FLUSHALL'])
    const credential = usePasskey(passkey, options, client.tenant.origin)
    expectProblem(
      await finishSecondStep(client, { mfa_token: first.mfa_token, credential, cookie }),
      'invalid_passkey',
    )
    expect((await attemptSecondStep(client, passkey, first)).answer.status).toBe(200)
  })
})

const challengeOf = (credential: Record<string, unknown>): string => {
  const { clientDataJSON } = credential['response'] as { clientDataJSON: string }
  return JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString()).challenge
}
