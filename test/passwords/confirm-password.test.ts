import { afterEach, describe, expect, test } from 'vitest'
import { attemptsAt, endDelay, failuresAt, setFailures, WRONG } from '../support/attempts.ts'
import { claimsOf } from '../support/claims.ts'
import { countBy, createClient, newClient, PASSWORD, race, type Tokens } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { useLentService } from '../support/service.ts'
import { ageSignIn, generations, sessionRow } from '../support/sessions.ts'
import { expectRateLimited, inOneWindow } from '../support/windows.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })
const limited = useLentService({ beside: service, bindings: { LIMITS_MULTIPLIER: '1' } })

afterEach(() => service().gates.redis.set('open'))

everyRoute(service, {
  method: 'POST',
  path: '/v1/password/confirm',
  allow: 'POST',
  caller: 'bearer',
  json: { password: PASSWORD },
})

async function newSignedIn() {
  const client = await newClient(service())
  const { email, tokens } = await client.signUp()
  const confirm = (password: string = PASSWORD, { access_token: bearer } = tokens) =>
    client.call<Tokens>('/v1/password/confirm', { bearer, json: { password } })
  const session = { tenant: client.tenant, sessionId: tokens.session.id }
  return { client, email, tokens, confirm, session, account: { tenant: client.tenant, email } }
}

describe('accepts', () => {
  test('gives the same session a token with a fresh auth_time, and no refresh token', async () => {
    const { client, tokens, confirm } = await newSignedIn()
    const old = await ageSignIn(service(), client, tokens)
    const before = claimsOf(old.access_token)
    const answer = await confirm(PASSWORD, old)
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect(answer.body).not.toHaveProperty('refresh_token')
    expect(answer.body).toMatchObject({
      session: old.session,
      user: tokens.user,
      token_type: 'Bearer',
      refresh_expires_in: expect.any(Number),
    })
    const claims = claimsOf(answer.body.access_token)
    expect(claims.auth_time).toBeGreaterThanOrEqual(before.auth_time + 3600)
    expect(claims).toMatchObject({ sub: before.sub, sid: before.sid, amr: before.amr, acr: before.acr })
    expect(await recordedOf(service(), tokens.user.id, 'session.confirmed')).toEqual([
      { actor: tokens.user.id, data: { session_id: tokens.session.id } },
    ])
  })

  test('leaves the refresh token what it was, and what it brings is as fresh', async () => {
    const { client, tokens, confirm } = await newSignedIn()
    const old = await ageSignIn(service(), client, tokens)
    const generationsBefore = await generations(service(), tokens.session.id)
    const { body } = await confirm(PASSWORD, old)
    expect(await generations(service(), tokens.session.id)).toEqual(generationsBefore)
    const refreshed = await client.refresh(old.refresh_token)
    expect(refreshed.status).toBe(200)
    expect(claimsOf(refreshed.body.access_token).auth_time).toBe(claimsOf(body.access_token).auth_time)
    expect((await client.me(old.access_token)).status, 'the older token is no worse than before').toBe(200)
  })

  test('opens what wants a sign-in of the last ten minutes (RFC 9470)', async () => {
    const { client, tokens, confirm } = await newSignedIn()
    const old = await ageSignIn(service(), client, tokens)
    const json = { email: 'elsewhere@example.com' }
    const refused = await client.call('/v1/email/change', { bearer: old.access_token, json })
    expectProblem(refused, 'insufficient_user_authentication')
    expect(refused.headers.get('www-authenticate')).toBe(
      'Bearer error="insufficient_user_authentication", acr_values="aal2 aal1", max_age="600"',
    )
    const { body } = await confirm(PASSWORD, old)
    const answer = await client.call('/v1/email/change', { bearer: body.access_token, json })
    expect(answer.status).toBe(202)
  })

  test('forgets the failures of the session', async () => {
    const { confirm, session } = await newSignedIn()
    for (let attempt = 1; attempt <= 3; attempt++) {
      expectProblem(await confirm(WRONG), 'invalid_credentials')
      expect(await failuresAt(service(), session)).toBe(attempt)
    }
    expect((await confirm()).status).toBe(200)
    expect(await attemptsAt(service(), session)).toBeNull()
  })
})

describe('refuses', () => {
  test('a wrong password, and the sign-in is as old as it was', async () => {
    const { client, tokens, confirm } = await newSignedIn()
    const old = await ageSignIn(service(), client, tokens)
    for (const wrong of [WRONG, '', `${PASSWORD} `])
      expectProblem(await confirm(wrong, old), 'invalid_credentials')
    const { body } = await client.refresh(old.refresh_token)
    expect(claimsOf(body.access_token).auth_time).toBe(claimsOf(old.access_token).auth_time)
    expect(await recordedOf(service(), tokens.user.id, 'session.confirmed')).toEqual([])
  })

  test('an account without a password', async () => {
    const { tokens, confirm } = await newSignedIn()
    await service().sql('delete from passwords where user_id = $1', [tokens.user.id])
    expectProblem(await confirm(), 'invalid_credentials')
  })

  test('the 21st call of a session within a quarter of an hour', async () => {
    await inOneWindow(900, async () => {
      const { client, tokens } = await newSignedIn()
      const caller = createClient(limited(), client.tenant)
      const attempt = () =>
        caller.call('/v1/password/confirm', { bearer: tokens.access_token, json: { password: PASSWORD } })
      // Where no one has signed in yet no key is kept, and a session that is not proved is not counted.
      await caller.me(tokens.access_token)
      const answers = await race(20, attempt)
      expect(countBy(answers, ({ status }) => status)).toEqual({ 200: 20 })
      expectRateLimited(await attempt(), 'session', 20, 900)
    })
  })
})

describe('guesses', () => {
  test('wait after the fifth, and a right one waits as well', async () => {
    const { confirm, session } = await newSignedIn()
    await setFailures(service(), session, 4)
    expectProblem(await confirm(WRONG), 'invalid_credentials')
    for (const password of [WRONG, PASSWORD]) expectRateLimited(await confirm(password), 'failures', 5, 30)
    await endDelay(service(), session)
    expect((await confirm()).status).toBe(200)
  })

  test("stop the session's own confirmations alone after the hundredth: no sign-in, and no other session's", async () => {
    const { client, email, tokens, confirm, session, account } = await newSignedIn()
    const other = await client.signIn(email)
    await setFailures(service(), session, 99)
    expectProblem(await confirm(WRONG), 'invalid_credentials')
    expectProblem(await confirm(), 'password_disabled')
    expect(await attemptsAt(service(), account), 'nothing is counted at the account').toBeNull()
    expect((await confirm(PASSWORD, other)).status).toBe(200)
    expect((await client.login(email)).status).toBe(200)
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect(await recordedOf(service(), tokens.user.id, 'password.disabled')).toEqual([])
  })

  test('of strangers at the account do not keep its owner from confirming', async () => {
    const { client, email, confirm, account } = await newSignedIn()
    await setFailures(service(), account, 100)
    expectProblem(await client.login(email), 'password_disabled')
    expect((await confirm()).status).toBe(200)
    expect(await failuresAt(service(), account), 'nor does that open the sign-in again').toBe(100)
  })

  test('made at once count no fewer than one after the other', async () => {
    const { confirm, session } = await newSignedIn()
    const answers = await race(20, () => confirm(WRONG))
    const { 401: heard = 0, 429: unheard = 0 } = countBy(answers, ({ status }) => status)
    expect(heard + unheard).toBe(20)
    expect(heard).toBe(5)
    expect(await failuresAt(service(), session)).toBe(5)
  })
})

describe('attacks', () => {
  test('a session that ends while its password is verified gets no token', async () => {
    const { client, tokens, confirm } = await newSignedIn()
    const [confirmed, out] = await Promise.all([confirm(), client.logout(tokens.refresh_token)])
    expect(out.status).toBe(204)
    expect([200, 401]).toContain(confirmed.status)
    expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoke_reason: 'signed_out' })
    if (confirmed.status === 200) expectProblem(await client.me(confirmed.body.access_token), 'invalid_token')
    else expectProblem(confirmed, 'invalid_token')
  })

  test('no refusal repeats the password', async () => {
    const { confirm } = await newSignedIn()
    const secret = 'S3cret-that-must-not-come-back'
    expect(JSON.stringify((await confirm(secret)).body)).not.toContain(secret)
    expect(service().logs().join('\n')).not.toContain(secret)
  })
})
