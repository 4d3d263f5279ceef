import { describe, expect, test } from 'vitest'
import { attemptsAt, setFailures, WRONG } from '../support/attempts.ts'
import { newClient, newEmail, PASSWORD } from '../support/client.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { recordedOf } from '../support/recorded.ts'
import { redeemsToken } from '../support/redeeming.ts'
import { useLentService } from '../support/service.ts'
import { sessionRow } from '../support/sessions.ts'
import { expectRateLimited, inOneWindow } from '../support/windows.ts'

const service = useLentService()

redeemsToken(service, { path: '/v1/email/verify', purpose: 'verify_email', status: 200 })

/** An account whose address no one has proved, with a session and a password from before. */
async function newUnproved(options = {}) {
  const client = await newClient(service(), options)
  const { email, tokens } = await client.newAccount()
  const { token } = await client.plant('verify_email', tokens)
  const verify = (password?: unknown) =>
    client.call('/v1/email/verify', { json: { token, ...(password !== undefined && { password }) } })
  return { client, email, tokens, token, verify }
}

describe('accepts', () => {
  test('with the password of the account everything stays, and the address is proved', async () => {
    const { client, email, tokens, verify } = await newUnproved()
    const answer = await verify(PASSWORD)
    expect(answer).toMatchObject({ status: 200, body: { status: 'verified', password: 'kept' } })
    expectCommonHeaders(answer)
    expect(answer.headers.get('set-cookie')).toBeNull()
    expect((await client.me(tokens.access_token)).body).toMatchObject({ email, email_verified: true })
    expect((await client.refresh(tokens.refresh_token)).status).toBe(200)
    expect((await client.login(email)).body.user.email_verified).toBe(true)
    expect(await recordedOf(service(), tokens.user.id, 'email.verified')).toEqual([
      {
        actor: tokens.user.id,
        data: { by: 'verify_email', password: 'kept', session_ids: [] },
      },
    ])
  })

  test('without it, what was there before the first proof is gone: password, sessions, other links', async () => {
    const { client, email, tokens, verify } = await newUnproved()
    const reset = await client.plant('reset_password', tokens)
    expect((await verify()).body).toEqual({ status: 'verified', password: 'removed' })
    expectProblem(await client.login(email), 'invalid_credentials')
    expectProblem(await client.me(tokens.access_token), 'invalid_token')
    expectProblem(await client.refresh(tokens.refresh_token), 'invalid_grant')
    expect(await sessionRow(service(), tokens.session.id)).toMatchObject({ revoke_reason: 'secured' })
    const json = { token: reset.token, password: 'another battery staple' }
    expectProblem(await client.call('/v1/password/reset', { json }), 'invalid_one_time_token')
    expect(await recordedOf(service(), tokens.user.id, 'email.verified')).toEqual([
      {
        actor: tokens.user.id,
        data: { by: 'verify_email', password: 'removed', session_ids: [tokens.session.id] },
      },
    ])
  })

  test('without a password where there is none: there is nothing to remove', async () => {
    const { tokens, verify } = await newUnproved()
    await service().sql('delete from passwords where user_id = $1', [tokens.user.id])
    expect((await verify()).body).toEqual({ status: 'verified', password: 'none' })
  })

  test('an address that is proved already, and takes nothing away from it', async () => {
    const { client, email, tokens, verify } = await newUnproved()
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    expect((await verify()).body).toEqual({ status: 'verified', password: 'kept' })
    expect((await client.me(tokens.access_token)).status).toBe(200)
    expect((await client.login(email)).status).toBe(200)
    expect(await recordedOf(service(), tokens.user.id, 'email.verified')).toEqual([])
  })
})

describe('refuses', () => {
  test('a wrong password, and uses nothing up', async () => {
    const { client, email, tokens, verify } = await newUnproved()
    for (const wrong of [WRONG, '', `${PASSWORD} `]) expectProblem(await verify(wrong), 'invalid_credentials')
    expect((await client.me(tokens.access_token)).body).toMatchObject({ email, email_verified: false })
    expect((await verify(PASSWORD)).body).toEqual({ status: 'verified', password: 'kept' })
  })

  test('a password that is no text, which must not count as none', async () => {
    const { client, tokens, verify } = await newUnproved()
    for (const password of [null, [PASSWORD], { $ne: '' }])
      expectInvalidInput(await verify(password), { '/password': 'wrong_type' })
    expect((await client.me(tokens.access_token)).body.email_verified).toBe(false)
  })

  test('the 21st call of a caller within a minute', async () => {
    await inOneWindow(60, async () => {
      const client = await newClient(service())
      const json = { token: `lko_${'A'.repeat(43)}` }
      for (let call = 0; call < 20; call++)
        expectProblem(await client.call('/v1/email/verify', { json }), 'invalid_one_time_token')
      expectRateLimited(await client.call('/v1/email/verify', { json }), 'address', 20, 60)
    })
  })
})

describe('attacks', () => {
  test('who registers a stranger before they come keeps nothing of it (pre-hijacking)', async () => {
    const { client, email, tokens, verify } = await newUnproved()
    const planted = await client.signIn(email)
    await client.plant('change_email_new', tokens, { subject: newEmail() })
    expect((await verify()).status).toBe(200)
    for (const { access_token } of [tokens, planted])
      expectProblem(await client.me(access_token), 'invalid_token')
    expectProblem(await client.login(email), 'invalid_credentials')
    const left = await service().sql(
      'select purpose from one_time_tokens where user_id = $1 and consumed_at is null',
      [tokens.user.id],
    )
    expect(left).toEqual([])
  })

  test('a sign-in that is under way at the proof leaves no session behind', async () => {
    const { client, email, verify } = await newUnproved()
    const [login] = await Promise.all([client.login(email), verify()])
    if (login.status === 200) expectProblem(await client.me(login.body.access_token), 'invalid_token')
    else expectProblem(login, 'invalid_credentials')
  })

  test('a link that was mailed to an address which the account no longer has proves nothing (CASES C09)', async () => {
    const { client, tokens, verify } = await newUnproved()
    await service().sql('update users set email = $2 where id = $1', [tokens.user.id, newEmail()])
    expectProblem(await verify(PASSWORD), 'invalid_one_time_token')
    expect((await client.me(tokens.access_token)).body.email_verified).toBe(false)
  })

  test('what strangers failed at before the proof does not keep the owner out after it', async () => {
    const { client, email, verify } = await newUnproved({ settings: { registration: 'sign-in-at-once' } })
    const at = { tenant: client.tenant, email }
    await setFailures(service(), at, 100)
    expect((await verify(PASSWORD)).status).toBe(200)
    expect(await attemptsAt(service(), at)).toBeNull()
    expect((await client.login(email)).status).toBe(200)
  })
})
