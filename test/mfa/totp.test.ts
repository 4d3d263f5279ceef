import { describe, expect, test } from 'vitest'
import { challenge, codeAt, enrol, verifyMfa, wrongCode } from '../support/authenticator.ts'
import { newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useService } from '../support/service.ts'

const service = useService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

everyRoute(service, { method: 'POST', path: '/v1/mfa/totp', allow: 'POST, DELETE', caller: 'bearer' })
everyRoute(service, {
  method: 'POST',
  path: '/v1/mfa/totp/confirm',
  allow: 'POST',
  caller: 'bearer',
  json: { factor_id: crypto.randomUUID(), code: '123456' },
})
everyRoute(service, { method: 'GET', path: '/v1/mfa', allow: 'GET, HEAD', caller: 'bearer' })
everyRoute(service, { method: 'POST', path: '/v1/mfa/recovery-codes', allow: 'POST', caller: 'bearer' })

type Added = { factor_id: string; secret: string; otpauth_uri: string; qr_svg: string }

async function newProved() {
  const client = await newClient(service())
  const account = await client.newAccount()
  await service().sql('update users set email_verified_at = now() where id = $1', [account.tokens.user.id])
  const bearer = account.tokens.access_token
  const add = () => client.call<Added>('/v1/mfa/totp', { method: 'POST', bearer })
  const confirm = (factor_id: string, code: string) =>
    client.call<{ recovery_codes: string[] }>('/v1/mfa/totp/confirm', { bearer, json: { factor_id, code } })
  return { client, ...account, bearer, add, confirm, list: () => client.call('/v1/mfa', { bearer }) }
}

describe('adding an app', () => {
  test('shows a secret as text, as a URI and as an SVG, and counts when its code is confirmed', async () => {
    const { client, email, add, confirm, list } = await newProved()
    const { status, body } = await add()
    expect(status).toBe(201)
    expect(body.secret).toMatch(/^[A-Z2-7]{32}$/)
    const uri = new URL(body.otpauth_uri)
    expect(`${uri.protocol}${uri.host}`).toBe('otpauth:totp')
    expect(decodeURIComponent(uri.pathname)).toBe(`/${client.tenant.name}:${email}`)
    expect(uri.searchParams.get('secret')).toBe(body.secret)
    expect(body.qr_svg).toMatch(/^<svg [^>]*>.*<\/svg>$/s)
    expect(await client.signIn(email)).toHaveProperty('access_token')
    const confirmed = await confirm(body.factor_id, codeAt(body.secret))
    expect(confirmed.status).toBe(200)
    expect(confirmed.body.recovery_codes).toHaveLength(10)
    for (const code of confirmed.body.recovery_codes)
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{5}-){5}[0-9A-HJKMNP-TV-Z]$/)
    expect((await list()).body).toEqual({
      factors: [{ id: body.factor_id, type: 'totp', confirmed_at: expect.any(String) }],
      recovery_codes_left: 10,
    })
    expect(await challenge(client, email)).toHaveProperty('mfa_token')
  })

  test('F10: only the last secret that was shown can be confirmed, once', async () => {
    const { add, confirm } = await newProved()
    const [first, second] = [(await add()).body, (await add()).body]
    expectProblem(await confirm(first.factor_id, codeAt(first.secret)), 'not_found')
    expectProblem(await confirm(second.factor_id, codeAt(first.secret)), 'invalid_code')
    const answers = await race(10, () => confirm(second.factor_id, codeAt(second.secret)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  test('is refused to an account whose address is not proved, and where the tenant has switched it off', async () => {
    const client = await newClient(service())
    const { tokens } = await client.newAccount()
    const call = () => client.call('/v1/mfa/totp', { method: 'POST', bearer: tokens.access_token })
    expectProblem(await call(), 'email_not_verified')
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    await service().sql(
      `update tenants set settings = settings || '{"second_factor": "off"}' where id = $1`,
      [client.tenant.id],
    )
    expectProblem(await call(), 'second_factors_off')
  })

  test('replaces the app that there was, whose codes open nothing then', async () => {
    const { client, email, tokens, add, confirm } = await newProved()
    const old = await enrol(service(), client, { email, tokens })
    const { body } = await add()
    expect((await confirm(body.factor_id, codeAt(body.secret))).status).toBe(200)
    const first = await challenge(client, email)
    expectProblem(await verifyMfa(client, first, codeAt(old.secret)), 'invalid_code')
    expect((await verifyMfa(client, first, codeAt(body.secret, 1))).status).toBe(200)
  })

  test('ends every other session, and this one has passed both factors', async () => {
    const { client, email, bearer, add, confirm } = await newProved()
    const other = await client.signIn(email)
    const { body } = await add()
    await confirm(body.factor_id, codeAt(body.secret))
    expectProblem(await client.me(other.access_token), 'invalid_token')
    expect((await client.me(bearer)).status).toBe(200)
  })
})

describe('a session that has not passed the second factor', () => {
  test('F09, F11: adds, replaces and removes no factor, and makes no recovery codes', async () => {
    const { client, email, tokens, secret } = await (async () => {
      const proved = await newProved()
      return { ...proved, ...(await enrol(service(), proved.client, proved)) }
    })()
    const signedIn = await verifyMfa(client, await challenge(client, email), codeAt(secret))
    const { access_token: bearer, session } = signedIn.body
    await service().sql(`update sessions set aal = 1, amr = '{pwd}' where id = $1`, [session.id])
    for (const [method, path] of [
      ['POST', '/v1/mfa/totp'],
      ['DELETE', '/v1/mfa/totp'],
      ['POST', '/v1/mfa/recovery-codes'],
    ] as const) {
      const answer = await client.call(path, { method, bearer })
      expectProblem(answer, 'insufficient_user_authentication')
      expect(answer.headers.get('www-authenticate')).toContain('acr_values="aal2"')
    }
    expectProblem(
      await client.call('/v1/password/confirm', { bearer, json: { password: PASSWORD } }),
      'insufficient_user_authentication',
    )
    const stepUp = await client.call('/v1/mfa/step-up', {
      bearer,
      json: { method: 'totp', code: codeAt(secret, 1) },
    })
    expect(stepUp.status).toBe(200)
    expect((await client.call('/v1/mfa/totp', { method: 'DELETE', bearer })).status).toBe(204)
    expect(await client.signIn(email)).toHaveProperty('access_token')
    expect(tokens).toBeDefined()
  })
})

describe('step-up', () => {
  test('with a code renews the session, once', async () => {
    const { client, email, bearer, ...rest } = await newProved()
    const { secret } = await enrol(service(), client, { email, tokens: rest.tokens })
    await service().sql(`update sessions set auth_time = now() - interval '1 hour' where id = $1`, [
      rest.tokens.session.id,
    ])
    expectProblem(
      await client.call('/v1/me', { method: 'DELETE', bearer }),
      'insufficient_user_authentication',
    )
    const json = { method: 'totp', code: codeAt(secret) }
    const answers = await race(20, () => client.call('/v1/mfa/step-up', { bearer, json }))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect((await client.call('/v1/me/export', { bearer })).status).toBe(200)
  })

  test('refuses a wrong code, and an account without a second factor', async () => {
    const { client, email, bearer, ...rest } = await newProved()
    const none = await client.call('/v1/mfa/step-up', { bearer, json: { method: 'totp', code: '123456' } })
    expectProblem(none, 'no_second_factor')
    const { secret } = await enrol(service(), client, { email, tokens: rest.tokens })
    const wrong = { method: 'totp', code: wrongCode(secret) }
    expectProblem(await client.call('/v1/mfa/step-up', { bearer, json: wrong }), 'invalid_code')
  })
})

test('a tenant that requires a second factor lets no one remove theirs', async () => {
  const { client, email, tokens, bearer } = await newProved()
  await enrol(service(), client, { email, tokens })
  await service().sql(
    `update tenants set settings = settings || '{"second_factor": "required"}' where id = $1`,
    [client.tenant.id],
  )
  expectProblem(await client.call('/v1/mfa/totp', { method: 'DELETE', bearer }), 'second_factor_required')
  expect(newEmail()).not.toBe(email)
})
