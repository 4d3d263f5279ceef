import { describe, expect, test } from 'vitest'
import { attemptsAt, failuresAt, setFailures, WRONG } from '../support/attempts.ts'
import { claimsOf } from '../support/claims.ts'
import { countBy, newClient, PASSWORD, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { useLentService } from '../support/service.ts'
import { ageSignIn, sessionRow } from '../support/sessions.ts'
import { expectRateLimited, inOneWindow } from '../support/windows.ts'

const service = useLentService()

const CHOSEN = 'another battery staple'

everyRoute(service, {
  method: 'POST',
  path: '/v1/password/change',
  allow: 'POST',
  caller: 'bearer',
  json: { current_password: PASSWORD, new_password: CHOSEN },
})

async function newSignedIn() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const change = (
    { current = PASSWORD, chosen = CHOSEN }: { current?: unknown; chosen?: unknown } = {},
    { access_token: bearer } = tokens,
  ) =>
    client.call<Tokens>('/v1/password/change', {
      bearer,
      json: { current_password: current, new_password: chosen },
    })
  const at = { tenant: client.tenant, email }
  return {
    client,
    email,
    tokens,
    change,
    at,
    session: { tenant: client.tenant, sessionId: tokens.session.id },
  }
}

const changedAt = async (userId: string) =>
  (await service().sql('select phc, changed_at::text from passwords where user_id = $1', [userId]))[0]

describe('accepts', () => {
  test('sets the password, goes on with this session alone, and answers a fresh token for it', async () => {
    const { client, email, tokens, change } = await newSignedIn()
    const others = [await client.signIn(email), await client.signIn(email)]
    const answer = await change()
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.body).not.toHaveProperty('refresh_token')
    expect(answer.body).toMatchObject({ session: tokens.session, user: tokens.user })
    expect(claimsOf(answer.body.access_token)).toMatchObject({ sid: tokens.session.id, sub: tokens.user.id })
    expect(claimsOf(answer.body.access_token).auth_time).toBeGreaterThanOrEqual(
      claimsOf(tokens.access_token).auth_time,
    )
    expect((await client.me(answer.body.access_token)).status).toBe(200)
    expect((await client.refresh(tokens.refresh_token)).status, 'the old refresh token goes on').toBe(200)
    for (const { access_token, refresh_token, session } of others) {
      expectProblem(await client.me(access_token), 'invalid_token')
      expectProblem(await client.refresh(refresh_token), 'invalid_grant')
      expect(await sessionRow(service(), session.id)).toMatchObject({ revoke_reason: 'secured' })
    }
    expectProblem(await client.login(email), 'invalid_credentials')
    expect((await client.login(email, CHOSEN)).status).toBe(200)
  })

  test('records it, with the sessions that ended', async () => {
    const { client, email, tokens, change } = await newSignedIn()
    const other = await client.signIn(email)
    await change()
    expect(await recordedOf(service(), tokens.user.id, 'password.changed')).toEqual([
      { actor: tokens.user.id, data: { by: 'change', session_ids: [other.session.id] } },
    ])
    expect(
      await recordedOf(service(), tokens.user.id, 'email.verified'),
      'a password proves no address',
    ).toEqual([])
  })

  test('voids every pending link, but not what undoes a change of address (CASES C08)', async () => {
    const { client, tokens, change } = await newSignedIn()
    const reset = await client.plant('reset_password', tokens)
    const verify = await client.plant('verify_email', tokens)
    const revert = await client.plant('revert_email', tokens, { subject: 'before@example.com' })
    expect((await change()).status).toBe(200)
    for (const [path, json] of [
      ['/v1/password/reset', { token: reset.token, password: 'yet another staple' }],
      ['/v1/email/verify', { token: verify.token }],
    ] as const)
      expectProblem(await client.call(path, { json }), 'invalid_one_time_token')
    const undone = await client.call('/v1/email/change/revert', { json: { token: revert.token } })
    expect(undone.status).toBe(204)
  })

  test('forgets failures at the account and in the session: they were guesses at another password (CASES H06)', async () => {
    const { client, email, change, at, session } = await newSignedIn()
    await setFailures(service(), at, 100)
    await setFailures(service(), session, 3)
    expectProblem(await client.login(email), 'password_disabled')
    expect((await change()).status).toBe(200)
    expect([await attemptsAt(service(), at), await attemptsAt(service(), session)]).toEqual([null, null])
    expect((await client.login(email, CHOSEN)).status).toBe(200)
  })

  test('takes the same password again, in either Unicode form of the current one', async () => {
    const { client, email, change } = await newSignedIn()
    const accented = 'crème brûlée à Ångström'
    expect((await change({ chosen: accented.normalize('NFC') })).status).toBe(200)
    const again = { current: accented.normalize('NFD'), chosen: accented.normalize('NFD') }
    expect((await change(again)).status).toBe(200)
    expect((await client.login(email, accented)).status).toBe(200)
  })
})

describe('refuses', () => {
  test('a caller who signed in more than ten minutes ago, until they confirm (RFC 9470)', async () => {
    const { client, tokens, change } = await newSignedIn()
    const old = await ageSignIn(service(), client, tokens)
    const before = await changedAt(tokens.user.id)
    const refused = await change({}, old)
    expectProblem(refused, 'insufficient_user_authentication')
    expect(refused.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2 aal1", max_age="600"',
    )
    expect(await changedAt(tokens.user.id)).toEqual(before)
    const json = { password: PASSWORD }
    const { body } = await client.call<Tokens>('/v1/password/confirm', { bearer: old.access_token, json })
    expect((await change({}, body)).status).toBe(200)
  })

  test('a wrong current password, and counts it for the session alone', async () => {
    const { client, email, tokens, change, at, session } = await newSignedIn()
    const before = await changedAt(tokens.user.id)
    await setFailures(service(), session, 4)
    expectProblem(await change({ current: WRONG }), 'invalid_credentials')
    expectRateLimited(await change(), 'failures', 5, 30)
    expect(await failuresAt(service(), session)).toBe(5)
    expect(await attemptsAt(service(), at)).toBeNull()
    expect(await changedAt(tokens.user.id)).toEqual(before)
    expect((await client.login(email)).status, 'no sign-in is stopped').toBe(200)
  })

  test('an account without a password: it sets its first one by a mailed link', async () => {
    const { tokens, change } = await newSignedIn()
    await service().sql('delete from passwords where user_id = $1', [tokens.user.id])
    expectProblem(await change(), 'invalid_credentials')
    expect(await changedAt(tokens.user.id)).toBeUndefined()
  })

  test('a new password that cannot be one, and ends nothing', async () => {
    const { client, email, change } = await newSignedIn()
    const other = await client.signIn(email)
    for (const [chosen, code] of [
      ['kQ7!zp2', 'too_short'],
      ['a'.repeat(1025), 'too_long'],
      ['correct\ud800horse', 'invalid_characters'],
      [[CHOSEN], 'wrong_type'],
      [null, 'wrong_type'],
    ])
      expectInvalidInput(await change({ chosen }), { '/new_password': String(code) })
    expect((await client.me(other.access_token)).status).toBe(200)
    expect((await client.login(email)).status).toBe(200)
  })

  test('a new password that everyone tries first', async () => {
    const { client, email, change } = await newSignedIn()
    for (const chosen of ['password', email, client.tenant.slug]) {
      const { errors } = expectProblem(await change({ chosen }), 'password_compromised')
      expect(errors).toEqual([{ pointer: '/new_password', code: 'password_compromised' }])
    }
  })

  test('the 21st call of a session within a quarter of an hour', async () => {
    await inOneWindow(900, async () => {
      const { change } = await newSignedIn()
      // Refused by the policy, after the current one was verified: no change, no failure.
      const answers = await race(20, () => change({ chosen: 'short' }))
      expect(countBy(answers, ({ status }) => status)).toEqual({ 422: 20 })
      expectRateLimited(await change({ chosen: 'short' }), 'session', 20, 900)
    })
  })
})

describe('attacks', () => {
  test('of 10 changes at once with the one current password, one is made', async () => {
    const { client, email, change } = await newSignedIn()
    const answers = await race(10, (index) => change({ chosen: `${CHOSEN} ${index}` }))
    const won = answers.flatMap(({ status }, index) => (status === 200 ? [index] : []))
    expect(won).toHaveLength(1)
    expect((await client.login(email, `${CHOSEN} ${won[0]}`)).status).toBe(200)
  })

  test('a change and a sign-in with the old password at once leave no session of the old one', async () => {
    const { client, email, change } = await newSignedIn()
    const [login, changed] = await Promise.all([client.login(email), change()])
    expect(changed.status).toBe(200)
    if (login.status === 200) expectProblem(await client.me(login.body.access_token), 'invalid_token')
    else expectProblem(login, 'invalid_credentials')
  })

  test("changes no one else's password, whatever the body names", async () => {
    const { client, tokens } = await newSignedIn()
    const { tokens: victim } = await client.newAccount()
    const before = await changedAt(victim.user.id)
    const json = { current_password: PASSWORD, new_password: CHOSEN, user_id: victim.user.id }
    const answer = await client.call('/v1/password/change', { bearer: tokens.access_token, json })
    expectInvalidInput(answer, { '/user_id': 'unknown_field' })
    expect(await changedAt(victim.user.id)).toEqual(before)
  })
})
