/** A mailed code in the place of a second factor: what it is worth, and what it is not (issue 15, line 5; ASVS 6.3.6). */
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { codeAt, enrol } from '../support/authenticator.ts'
import { race } from '../support/client.ts'
import { mailedCode, otherThan } from '../support/email-code.ts'
import { MAILING, newMailed } from '../support/email-code-steps.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useMailStage } from '../support/mail-stage.ts'

const stage = useMailStage({ LIMITS_MULTIPLIER: '1000' })
const service = () => stage().service

async function asked() {
  const owner = await newMailed(service())
  const { mfa_token, ...rest } = await owner.first()
  expect(rest).toMatchObject({ status: 'mfa_required', methods: ['email_code'] })
  expect((await owner.ask(mfa_token)).status).toBe(202)
  return { ...owner, mfa_token, code: await mailedCode(service(), owner.userId) }
}

describe('factors 5: a mailed code', () => {
  test('is in the mail, begins the session, and the session says so: aal1, and no `mfa`', async () => {
    const { email, mfa_token, code, answer } = await asked()
    await service().consume()
    const [mail] = stage().provider.sent(email).slice(-1)
    expect(mail?.subject).toContain('sign-in code')
    expect(mail?.text).toContain(code)
    expect(mail?.text).not.toContain(mfa_token)
    const begun = await answer(mfa_token, code)
    expect(begun).toMatchObject({ status: 200, trips: { redis: 1, postgres: 2 } })
    expect(decodeJwt(begun.body.access_token)).toMatchObject({ amr: ['pwd', 'otp'], acr: 'aal1' })
  })

  test('is used once, of 50 at once', async () => {
    const { mfa_token, code, answer, userId } = await asked()
    const answers = await race(50, () => answer(mfa_token, code))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    const sessions = await service().sql('select 1 from sessions where user_id = $1', [userId])
    expect(sessions, 'that of the registration, and one').toHaveLength(2)
  })

  test('is not asked for once its sign-in is over, nor after five wrong ones', async () => {
    const { mfa_token, code, answer } = await asked()
    for (let wrong = 0; wrong < 5; wrong++)
      expect((await answer(mfa_token, otherThan(code))).status).not.toBe(200)
    expectProblem(await answer(mfa_token, code), 'invalid_mfa_token')
  })

  test('is of one sign-in alone, and one that was never asked for is none', async () => {
    const { first, code, answer } = await asked()
    const other = await first()
    expectProblem(await answer(other.mfa_token, code), 'invalid_code')
  })

  test('is void where the account has another address by then', async () => {
    const { userId, mfa_token, code, answer } = await asked()
    await service().sql(`update users set email = 'x' || email where id = $1`, [userId])
    expectProblem(await answer(mfa_token, code), 'invalid_code')
  })

  test('does not do once the account has an app: neither the one before nor another', async () => {
    const { client, userId, email, tokens, mfa_token, code, answer, ask, first } = await asked()
    const { mfaToken } = await client.withFactor(tokens)
    expectProblem(await answer(mfa_token, code), 'invalid_mfa_token')
    expectProblem(await ask(mfa_token), 'invalid_mfa_token')
    expectProblem(await ask(mfaToken), 'invalid_mfa_token')
    expect(await first()).toMatchObject({ status: 'mfa_required', methods: ['totp'] })
    expect(email && userId).toBeTruthy()
  })

  test('steps nothing up, and the account adds an app as any other; from then on the app is asked for', async () => {
    const { client, email, tokens, mfa_token, code, answer, first } = await asked()
    const { body } = await answer(mfa_token, code)
    const steppedUp = await client.call('/v1/mfa/step-up', {
      bearer: body.access_token,
      json: { method: 'email_code', code },
    })
    expectInvalidInput(steppedUp, { '/method': 'not_allowed' })
    const { secret } = await enrol(service(), client, {
      email,
      tokens: { ...tokens, access_token: body.access_token },
    })
    const { mfa_token: next, methods } = await first()
    expect(methods).toEqual(['totp', 'recovery_code'])
    expectProblem(await answer(next, code), 'invalid_code')
    const byApp = await client.call('/v1/mfa/verify', {
      json: { mfa_token: next, method: 'totp', code: codeAt(secret) },
    })
    expect(byApp.status).toBe(200)
  })

  test('has no browser trusted', async () => {
    const { client, mfa_token, code, answer } = await asked()
    await service().sql(
      `update tenants set settings = settings || '{"trusted_devices": true}' where id = $1`,
      [client.tenant.id],
    )
    expectProblem(await answer(mfa_token, code, { trust_device: true }), 'trusted_devices_off')
    expect((await answer(mfa_token, code)).status).toBe(200)
  })

  test('is not offered where the tenant did not choose it, nor to an address that is not proved', async () => {
    const { first } = await newMailed(service(), { settings: { second_factor: 'required' } })
    expect(await first()).toMatchObject({ status: 'mfa_enrolment_required', methods: ['totp'] })
    const unproved = await newMailed(service(), MAILING)
    await service().sql('update users set email_verified_at = null where id = $1', [unproved.userId])
    expect(await unproved.first()).toMatchObject({ status: 'mfa_enrolment_required', methods: ['totp'] })
  })
})
