/** No way around: each first factor of an account with a second one, and of a tenant that wants one. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { codeAt, enrol, verifyMfa } from '../support/authenticator.ts'
import { newClient, newEmail, PASSWORD, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { runningProvider } from '../support/planted-social.ts'
import { useLentService } from '../support/service.ts'
import { linkTo, newPerson, newTenantWith, signIn as signInAt, told } from '../support/social.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const sessionsOf = async (userId: string) =>
  (
    await service().sql<{ count: number }>('select count(*)::int from sessions where user_id = $1', [userId])
  )[0]?.count

describe('a tenant that requires a second factor', () => {
  test('answers a registration and a sign-in with a token that can only add one', async () => {
    const client = await newClient(service(), { settings: { second_factor: 'required' } })
    const email = newEmail()
    const registered = await client.call('/v1/register', { json: { email, password: PASSWORD } })
    expect(registered.status).toBe(200)
    expect(registered.body).toMatchObject({ status: 'mfa_enrolment_required', methods: ['totp'] })
    const { status, body } = await client.call('/v1/login', { json: { email, password: PASSWORD } })
    expect(status).toBe(200)
    expect(body).toMatchObject({ status: 'mfa_enrolment_required', methods: ['totp'] })
    const [count] = await service().sql<{ count: number }>(
      'select count(*)::int from sessions where tenant_id = $1',
      [client.tenant.id],
    )
    expect(count?.count).toBe(0)
    // It is no token of a second step either.
    expectProblem(await verifyMfa(client, body as { mfa_token: string }, '123456'), 'invalid_mfa_token')
  })

  test('refuses the sign-in after the grace', async () => {
    const client = await newClient(service())
    const { email } = await client.signUp()
    await service().sql(
      `update tenants set settings = settings || '{"second_factor": "required", "second_factor_grace_sign_ins": 2}' where id = $1`,
      [client.tenant.id],
    )
    const login = () => client.call('/v1/login', { json: { email, password: PASSWORD } })
    expect((await login()).status).toBe(200)
    expect((await login()).status).toBe(200)
    expectProblem(await login(), 'second_factor_required')
  })

  test('for a role leaves the others alone', async () => {
    const client = await newClient(service(), { settings: { second_factor: 'required_for_roles' } })
    const { email, tokens } = await client.signUp()
    expect(await client.signIn(email)).toHaveProperty('access_token')
    await service().sql(`update users set roles = '{admin}' where id = $1`, [tokens.user.id])
    const { body } = await client.call('/v1/login', { json: { email, password: PASSWORD } })
    expect(body).toMatchObject({ status: 'mfa_enrolment_required' })
  })
})

describe('enrolling against signing in', () => {
  test('never leaves a session that has not passed the factor', async () => {
    const client = await newClient(service())
    const account = await client.signUp()
    const { access_token: bearer, user } = account.tokens
    await service().sql('update users set email_verified_at = now() where id = $1', [user.id])
    const { body } = await client.call<{ factor_id: string; secret: string }>('/v1/mfa/totp', {
      method: 'POST',
      bearer,
    })
    const confirm = client.call('/v1/mfa/totp/confirm', {
      bearer,
      json: { factor_id: body.factor_id, code: codeAt(body.secret) },
    })
    const answers = await race(20, () => client.login(account.email))
    expect((await confirm).status).toBe(200)
    const live = await service().sql<{ id: string; aal: number }>(
      `select sessions.id, aal from sessions join users on users.id = user_id
       where user_id = $1 and revoked_at is null
         and greatest(sessions.created_at, kept_at) >= coalesce(access_valid_from, '-infinity')`,
      [user.id],
    )
    expect(live).toEqual([{ id: account.tokens.session.id, aal: 2 }])
    for (const { body: tokens } of answers.filter(({ body }) => 'access_token' in body))
      expectProblem(await client.me((tokens as Tokens).access_token), 'invalid_token')
  })
})

describe('a second factor is not skipped', () => {
  const enrolled = async () => {
    const client = await newClient(service())
    return { client, ...(await enrol(service(), client, await client.signUp())) }
  }

  const expectChallenge = async (userId: string, answer: { status: number; body: object }) => {
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ status: 'mfa_required', methods: ['totp', 'recovery_code'] })
    expect(answer.body).not.toHaveProperty('access_token')
    expect(await sessionsOf(userId)).toBe(1)
  }

  test('by a password that was just reset', async () => {
    const { client, email, tokens } = await enrolled()
    const { token } = await client.plant('reset_password', tokens)
    const reset = await client.call('/v1/password/reset', {
      json: { token, password: 'another battery staple' },
    })
    expect(reset.status).toBeLessThan(300)
    await expectChallenge(tokens.user.id, await client.login(email, 'another battery staple'))
  })

  test('by a mailed code', async () => {
    const { client, email, tokens } = await enrolled()
    await client.call('/v1/email/code', { json: { email } })
    const { code } = await client.mailed('sign_in', tokens)
    await expectChallenge(
      tokens.user.id,
      await client.call('/v1/email/code/verify', { json: { email, code } }),
    )
  })

  test('by a provider, to a page or to an app', async () => {
    const provider = await runningProvider()
    const { client } = await newTenantWith(service(), provider)
    const account = await client.signUp()
    const person = newPerson()
    await linkTo(client, provider, account.tokens, person)
    const { tokens } = await enrol(service(), client, account)
    const toPage = await signInAt(client, provider, person)
    expect(new URL(toPage.headers.get('location') ?? '').hash).toMatch(/^#status=mfa_required&mfa_token=lkm_/)
    expect(toPage.headers.getSetCookie()).toEqual([])
    const verifier = 'a'.repeat(43)
    const toApp = await signInAt(client, provider, person, {
      redirect_uri: 'com.example.app:/back',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    })
    const json = { code: told(toApp).code, code_verifier: verifier }
    await expectChallenge(tokens.user.id, await client.call('/v1/oauth/exchange', { json }))
  })

  test('F08: by another spelling of the address', async () => {
    const { client, email, tokens } = await enrolled()
    await expectChallenge(tokens.user.id, await client.login(` ${email.toUpperCase()} `))
  })
})
