import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { challenge, codeAt, enrol, inOneStep, verifyMfa, wrongCode } from '../support/authenticator.ts'
import { countBy, newClient, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, {
  method: 'POST',
  path: '/v1/mfa/verify',
  allow: 'POST',
  caller: 'anyone',
  json: { mfa_token: `lkm_${'A'.repeat(43)}`, method: 'totp', code: '123456', transport: 'token' },
})

async function newEnrolled() {
  const client = await newClient(service())
  return { client, ...(await enrol(service(), client, await client.newAccount())) }
}

const countSessions = async (userId: string) =>
  (
    await service().sql<{ count: number }>('select count(*)::int from sessions where user_id = $1', [userId])
  )[0]?.count

describe('accepts', () => {
  test('a code for tokens that say both factors', async () => {
    const { client, email, secret } = await newEnrolled()
    const first = await challenge(client, email)
    expect(first).toEqual({
      status: 'mfa_required',
      mfa_token: expect.stringMatching(/^lkm_[\w-]{43}$/),
      methods: ['totp', 'recovery_code'],
      expires_in: 300,
    })
    const { status, body, trips } = await verifyMfa(client, first, codeAt(secret))
    expect(status).toBe(200)
    expect(trips).toEqual({ redis: 1, postgres: 2 })
    expect(decodeJwt(body.access_token)).toMatchObject({ amr: ['pwd', 'otp', 'mfa'], acr: 'aal2' })
    const { body: sessions } = await client.listSessions(body.access_token)
    expect(sessions.data.find(({ current }) => current)?.methods).toEqual(['pwd', 'otp', 'mfa'])
  })

  test.each([-1, 0, 1])('a code of the step %i from now', async (off) => {
    const { status } = await inOneStep(async () => {
      const { client, email, secret } = await newEnrolled()
      return verifyMfa(client, await challenge(client, email), codeAt(secret, off))
    })
    expect(status).toBe(200)
  })

  test('a recovery code, as people type it, and mails the owner', async () => {
    const { client, email, tokens, recoveryCodes } = await newEnrolled()
    const [code = ''] = recoveryCodes
    const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o')} `
    const { status } = await verifyMfa(client, await challenge(client, email), typed, 'recovery_code')
    expect(status).toBe(200)
    const [event] = await service().sql<{ data: object }>(
      `select data from events where type = 'recovery_code.used' and subject = $1`,
      [tokens.user.id],
    )
    expect(event?.data).toEqual({ left: 9 })
  })
})

describe('refuses', () => {
  test('a wrong code, and after five the challenge', async () => {
    const { client, email, tokens, secret } = await newEnrolled()
    const first = await challenge(client, email)
    for (let attempt = 0; attempt < 5; attempt++) {
      await service().sql('update sign_in_failures set next_attempt_at = null where tenant_id = $1', [
        client.tenant.id,
      ])
      expectProblem(await verifyMfa(client, first, wrongCode(secret)), 'invalid_code')
    }
    await service().sql('delete from sign_in_failures where tenant_id = $1', [client.tenant.id])
    expectProblem(await verifyMfa(client, first, codeAt(secret)), 'invalid_mfa_token')
    expect(await countSessions(tokens.user.id)).toBe(1)
  })

  test.each([
    ['of another script', '１２３４５６'],
    ['that is too short', '12345'],
    ['that is too long', '1234567'],
    ['with a sign', '+12345'],
  ])('a code %s, and counts it', async (_, code) => {
    const { client, email } = await newEnrolled()
    expectProblem(await verifyMfa(client, await challenge(client, email), code), 'invalid_code')
    const [row] = await service().sql<{ failures: number }>(
      'select consecutive_failures as failures from sign_in_failures where tenant_id = $1',
      [client.tenant.id],
    )
    expect(row?.failures).toBe(1)
  })

  test('a method that there is none of', async () => {
    const { client, email } = await newEnrolled()
    const first = await challenge(client, email)
    expectInvalidInput(
      await client.call('/v1/mfa/verify', { json: { ...first, method: 'sms', code: '123456' } }),
      { '/status': 'unknown_field', '/method': 'not_allowed' },
    )
  })

  test.each(['1 second', '1 hour'])('F07: a challenge that expired %s ago', async (interval) => {
    const { client, email, secret } = await newEnrolled()
    const first = await challenge(client, email)
    await service().sql(`update mfa_challenges set expires_at = now() - $2::interval where tenant_id = $1`, [
      client.tenant.id,
      interval,
    ])
    expectProblem(await verifyMfa(client, first, codeAt(secret)), 'invalid_mfa_token')
  })

  test('a challenge of another tenant', async () => {
    const { client, email, secret } = await newEnrolled()
    const other = await newClient(service())
    const first = await challenge(client, email)
    expectProblem(await verifyMfa(other, first, codeAt(secret)), 'invalid_mfa_token')
    expect((await verifyMfa(client, first, codeAt(secret))).status).toBe(200)
  })

  test.each([
    ['was reset', `update users set access_valid_from = clock_timestamp() where id = $1`],
    ['was disabled', `update users set status = 'disabled' where id = $1`],
    ['was closed', `update users set deleted_at = now() where id = $1`],
  ])('a challenge whose account %s meanwhile', async (_, change) => {
    const { client, email, tokens, secret } = await newEnrolled()
    const first = await challenge(client, email)
    await service().sql(change, [tokens.user.id])
    expectProblem(await verifyMfa(client, first, codeAt(secret)), 'invalid_mfa_token')
    expect(await countSessions(tokens.user.id)).toBe(1)
  })
})

describe('attacks', () => {
  test('F01: a code that was used opens nothing again, nor does one of a step before it', async () => {
    const { client, email, secret } = await newEnrolled()
    const code = codeAt(secret)
    expect((await verifyMfa(client, await challenge(client, email), code)).status).toBe(200)
    const again = await challenge(client, email)
    expectProblem(await verifyMfa(client, again, code), 'invalid_code')
    expectProblem(await verifyMfa(client, again, codeAt(secret, -1)), 'invalid_code')
  })

  test('F02: of 50 uses of one code, each with a challenge of its own, one signs in', async () => {
    const { client, email, tokens, secret } = await newEnrolled()
    const challenges = await Promise.all(Array.from({ length: 50 }, () => challenge(client, email)))
    const code = codeAt(secret)
    const answers = await race(50, (index) => verifyMfa(client, challenges[index] ?? { mfa_token: '' }, code))
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
    expect(await countSessions(tokens.user.id)).toBe(2)
  })

  test('of 50 uses of one challenge, each with another code, one signs in', async () => {
    const { client, email, tokens, recoveryCodes } = await newEnrolled()
    const first = await challenge(client, email)
    const answers = await race(50, (index) =>
      verifyMfa(client, first, recoveryCodes[index % 10] ?? '', 'recovery_code'),
    )
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
    expect(await countSessions(tokens.user.id)).toBe(2)
    const [left] = await service().sql<{ count: number }>(
      'select count(*)::int from recovery_codes where user_id = $1 and used_at is null',
      [tokens.user.id],
    )
    expect(left?.count).toBe(9)
  })

  test('of 50 uses of one recovery code, at sign-ins and at step-up, one succeeds', async () => {
    const { client, email, secret, recoveryCodes } = await newEnrolled()
    const { body: tokens } = await verifyMfa(client, await challenge(client, email), codeAt(secret))
    const [code = ''] = recoveryCodes
    const challenges = await Promise.all(Array.from({ length: 25 }, () => challenge(client, email)))
    const json = { method: 'recovery_code', code }
    const answers = await race(50, (index) =>
      index < 25
        ? verifyMfa(client, challenges[index] ?? { mfa_token: '' }, code, 'recovery_code')
        : client.call<Tokens>('/v1/mfa/step-up', { bearer: tokens.access_token, json }),
    )
    expect(countBy(answers, ({ status }) => status)[200]).toBe(1)
  })

  test('F03, F04: wrong codes of an account count together, over challenges and methods', async () => {
    const { client, email, secret } = await newEnrolled()
    const first = await challenge(client, email)
    const second = await challenge(client, email)
    const wrong = 'AAAAA-AAAAA-AAAAA-AAAAA-AAAAAA'
    for (const [token, code, method] of [
      [first, wrongCode(secret), 'totp'],
      [second, wrong, 'recovery_code'],
      [first, wrong, 'recovery_code'],
      [second, wrongCode(secret), 'totp'],
      [first, wrongCode(secret), 'totp'],
    ] as const)
      expectProblem(await verifyMfa(client, token, code, method), 'invalid_code')
    const third = await challenge(client, email)
    const late = await verifyMfa(client, third, codeAt(secret))
    expectProblem(late, 'rate_limited')
    expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(25)
  })

  test('F03: 50 wrong codes at once are five attempts, and the rest is not heard', async () => {
    const { client, email, secret } = await newEnrolled()
    const challenges = await Promise.all(Array.from({ length: 50 }, () => challenge(client, email)))
    const answers = await race(50, (index) =>
      verifyMfa(client, challenges[index] ?? { mfa_token: '' }, wrongCode(secret)),
    )
    expect(countBy(answers, ({ body }) => (body as { code?: string }).code ?? '')).toEqual({
      invalid_code: 5,
      rate_limited: 45,
    })
  })

  test('a hundred wrong codes in a row disable the second factors, and the owner is told', async () => {
    const { client, email, tokens, secret } = await newEnrolled()
    await verifyMfa(client, await challenge(client, email), wrongCode(secret))
    await service().sql('update sign_in_failures set consecutive_failures = 99 where tenant_id = $1', [
      client.tenant.id,
    ])
    const first = await challenge(client, email)
    await verifyMfa(client, first, wrongCode(secret))
    expectProblem(await verifyMfa(client, first, codeAt(secret)), 'second_factor_disabled')
    const events = await service().sql(
      `select 1 from events where type = 'second_factor.disabled' and subject = $1`,
      [tokens.user.id],
    )
    expect(events).toHaveLength(1)
  })

  test('F05: the answer of the first step opens nothing but the second', async () => {
    const { client, email } = await newEnrolled()
    const { body, headers } = await client.call<{ mfa_token: string }>('/v1/login', {
      json: { email, password: 'correct horse battery', transport: 'cookie' },
      headers: { origin: client.tenant.origin, 'sec-fetch-site': 'same-origin' },
    })
    expect(headers.getSetCookie()).toEqual([])
    expect(Object.keys(body)).toEqual(['status', 'mfa_token', 'methods', 'expires_in'])
    const { mfa_token } = body
    for (const path of ['/v1/me', '/v1/sessions', '/v1/mfa'])
      expectProblem(await client.call(path, { bearer: mfa_token }), 'invalid_token')
    expectProblem(await client.call('/v1/refresh', { json: { refresh_token: mfa_token } }), 'invalid_grant')
    expectProblem(
      await client.call('/v1/password/reset', {
        json: { token: mfa_token, password: 'another battery staple' },
      }),
      'invalid_one_time_token',
    )
  })

  test('F06: a recovery code works once, and new ones void the old', async () => {
    const { client, email, tokens, recoveryCodes } = await newEnrolled()
    const [used = '', voided = ''] = recoveryCodes
    expect((await verifyMfa(client, await challenge(client, email), used, 'recovery_code')).status).toBe(200)
    const again = await challenge(client, email)
    expectProblem(await verifyMfa(client, again, used, 'recovery_code'), 'invalid_code')
    const fresh = await client.call<{ recovery_codes: string[] }>('/v1/mfa/recovery-codes', {
      method: 'POST',
      bearer: tokens.access_token,
    })
    expect(fresh.status).toBe(200)
    expect(new Set([...fresh.body.recovery_codes, ...recoveryCodes]).size).toBe(20)
    expectProblem(await verifyMfa(client, again, voided, 'recovery_code'), 'invalid_code')
    const [valid = ''] = fresh.body.recovery_codes
    expect((await verifyMfa(client, again, valid, 'recovery_code')).status).toBe(200)
  })
})
