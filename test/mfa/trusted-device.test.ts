/** What a trusted device skips, what it never skips, and what ends it (issue 15, line 9). */
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import { codeAt, type Enrolled, enrol } from '../support/authenticator.ts'
import { type Client, newClient, PASSWORD, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { TRUSTING, trustedCookieOf } from '../support/trusted-devices.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'
const NEWER_CHROME = CHROME.replace('131.0', '139.0')
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'

const login = (client: Client, email: string, headers: Record<string, string>, password = PASSWORD) =>
  client.call<Tokens & { mfa_token: string }>('/v1/login', { json: { email, password }, headers })

async function enrolled(options = TRUSTING) {
  const client = await newClient(service(), options)
  return { client, ...(await enrol(service(), client, await client.signUp())) }
}

/** Signs in with both factors, and has the browser trusted. */
async function trust(
  client: Client,
  { email, recoveryCodes }: Enrolled,
  agent = CHROME,
  cookie = '',
  at = 0,
) {
  const headers = { 'user-agent': agent, cookie }
  const { body } = await login(client, email, headers)
  const answer = await client.call<Tokens>('/v1/mfa/verify', {
    json: { mfa_token: body.mfa_token, method: 'recovery_code', code: recoveryCodes[at], trust_device: true },
    headers,
  })
  return { answer, cookie: trustedCookieOf(answer) ?? '', agent }
}

async function trusting(options = TRUSTING) {
  const account = await enrolled(options)
  const { cookie, agent } = await trust(account.client, account)
  return { ...account, headers: { 'user-agent': agent, cookie } }
}

const expectAsked = ({ status, body }: Awaited<ReturnType<typeof login>>) => {
  expect(status).toBe(200)
  expect(body).toMatchObject({ status: 'mfa_required' })
  expect(body).not.toHaveProperty('access_token')
}

const listed = async (client: Client, bearer: string) =>
  (await client.call<{ data: Record<string, unknown>[] }>('/v1/mfa/trusted-devices', { bearer })).body.data

describe('factors 9: a trusted device', () => {
  test('is set by the wish of its owner alone, in a cookie of this host for 30 days, and is told by an event', async () => {
    const account = await enrolled()
    const { client, tokens } = account
    const { answer } = await trust(client, account)
    expect(answer.status).toBe(200)
    const [cookie] = answer.headers.getSetCookie().filter((line) => line.includes('trusted'))
    expect(cookie).toMatch(
      /^__Host-latchkey-trusted=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    const events = await service().sql(
      `select type from events where subject = $1 and type like 'trusted%'`,
      [tokens.user.id],
    )
    expect(events).toEqual([{ type: 'trusted_device.added' }])
    expect(await listed(client, tokens.access_token)).toEqual([
      expect.objectContaining({ device: 'Chrome on Linux', last_used_at: null, current: false }),
    ])

    const { body } = await login(client, account.email, { 'user-agent': CHROME })
    const code = codeAt(account.secret)
    const plain = await client.call('/v1/mfa/verify', {
      json: { mfa_token: body.mfa_token, method: 'totp', code },
      headers: { 'user-agent': CHROME },
    })
    expect(plain.status).toBe(200)
    expect(trustedCookieOf(plain)).toBeNull()
  })

  test('is not asked for a second factor, in no further trip, and its session says so: aal1, and step-up asks', async () => {
    const { client, email, headers, tokens, secret } = await trusting()
    const answer = await login(client, email, headers)
    expect(answer).toMatchObject({ status: 200, trips: { redis: 1, postgres: 2 } })
    const { access_token: bearer } = answer.body
    expect(decodeJwt(bearer)).toMatchObject({ amr: ['pwd'], acr: 'aal1' })
    expectProblem(await client.call('/v1/me/export', { bearer }), 'insufficient_user_authentication')
    expectProblem(
      await client.call('/v1/mfa/totp', { method: 'DELETE', bearer }),
      'insufficient_user_authentication',
    )
    const steppedUp = await client.call<Tokens>('/v1/mfa/step-up', {
      bearer,
      json: { method: 'totp', code: codeAt(secret) },
    })
    expect(decodeJwt(steppedUp.body.access_token)).toMatchObject({ acr: 'aal2' })
    const [device] = await listed(client, tokens.access_token)
    expect(device).toMatchObject({ last_used_at: expect.any(String) })
    const started = await service().sql<{ data: object }>(
      `select data from events where subject = $1 and type = 'session.started' and data ->> 'session_id' = $2`,
      [tokens.user.id, answer.body.session.id],
    )
    expect(started[0]?.data).toMatchObject({ amr: ['pwd'], trusted_device_id: device?.id })
  })

  test('stays trusted when its browser is updated, and serves the accounts of one browser side by side', async () => {
    const { client, email, headers, ...rest } = await trusting()
    const other = await enrol(service(), client, await client.signUp())
    const both = await trust(client, other, CHROME, headers.cookie)
    const updated = { 'user-agent': NEWER_CHROME, cookie: both.cookie }
    expect((await login(client, email, updated)).body).toHaveProperty('access_token')
    expect((await login(client, other.email, updated)).body).toHaveProperty('access_token')
    expect(rest.tokens.user.id).not.toBe(other.tokens.user.id)
  })

  test('is not trusted by a copy of its cookie in another browser, on another account, or sent twice', async () => {
    const { client, email, headers } = await trusting()
    const other = await enrol(service(), client, await client.signUp())
    expectAsked(await login(client, email, { ...headers, 'user-agent': FIREFOX }))
    expectAsked(await login(client, other.email, headers))
    const twice = `${headers.cookie}; ${headers.cookie}`
    expectAsked(await login(client, email, { ...headers, cookie: twice }))
    expectAsked(await login(client, email, { ...headers, cookie: `${headers.cookie}A` }))
    expect((await login(client, email, headers)).body).toHaveProperty('access_token')
  })

  test('is not trusted on another account of the same browser, though that one was secured before', async () => {
    const { client, ...account } = await enrolled()
    const other = await enrol(service(), client, await client.signUp())
    const { cookie, agent } = await trust(client, account)
    const headers = { 'user-agent': agent, cookie }
    expectAsked(await login(client, other.email, headers))
    expect((await login(client, account.email, headers)).body).toHaveProperty('access_token')
  })

  test('is not trusted after 30 days', async () => {
    const { client, email, headers, tokens } = await trusting()
    await service().sql('update trusted_devices set expires_at = now() where user_id = $1', [tokens.user.id])
    expectAsked(await login(client, email, headers))
    expect(await listed(client, tokens.access_token)).toEqual([])
  })

  test('is refused where the tenant has none, before the code is used, and those there were count no more', async () => {
    const account = await enrolled({ settings: { trusted_devices: false } })
    const { client, email, secret, tokens } = account
    const { body } = await login(client, email, {})
    const json = { mfa_token: body.mfa_token, method: 'totp', code: codeAt(secret) }
    const verify = (rest: object) => client.call('/v1/mfa/verify', { json: { ...json, ...rest } })
    expectProblem(await verify({ trust_device: true }), 'trusted_devices_off')
    expect((await verify({})).status).toBe(200)
    const { cookie } = await client.plantedTrust(tokens, 'Chrome on Linux')
    const headers = { cookie, 'user-agent': CHROME }
    expectAsked(await login(client, email, headers))
    await service().sql(
      `update tenants set settings = settings || '{"trusted_devices": true}' where id = $1`,
      [client.tenant.id],
    )
    expect((await login(client, email, headers)).body).toHaveProperty('access_token')
  })

  test('never skips that a tenant wants a factor added', async () => {
    const client = await newClient(service(), {
      settings: { trusted_devices: true, second_factor: 'required' },
    })
    const email = (await client.register()).body
    expect(email).toMatchObject({ status: 'mfa_enrolment_required' })
    const [user] = await service().sql<{ id: string; email: string }>(
      'update users set email_verified_at = now() where tenant_id = $1 returning id, email',
      [client.tenant.id],
    )
    if (!user) throw new Error('no account')
    const { cookie } = await client.plantedTrust({ user }, 'Chrome on Linux')
    const { body } = await login(client, user.email, { cookie, 'user-agent': CHROME })
    expect(body).toMatchObject({ status: 'mfa_enrolment_required' })
  })
})

describe('factors 9: a trusted device ends', () => {
  test('when its owner changes the password', async () => {
    const { client, email, headers, tokens } = await trusting()
    const changed = await client.call('/v1/password/change', {
      bearer: tokens.access_token,
      json: { current_password: PASSWORD, new_password: 'another battery staple' },
    })
    expect(changed.status).toBeLessThan(300)
    expectAsked(await login(client, email, headers, 'another battery staple'))
  })

  test('with a reset', async () => {
    const { client, email, headers, tokens } = await trusting()
    const { token } = await client.plant('reset_password', tokens)
    await client.call('/v1/password/reset', { json: { token, password: 'another battery staple' } })
    expectAsked(await login(client, email, headers, 'another battery staple'))
  })

  test('with another app, and with the app and one that is added later', async () => {
    const account = await trusting()
    const { client, email, headers, tokens } = account
    const bearer = tokens.access_token
    const again = await enrol(service(), client, account)
    expectAsked(await login(client, email, headers))
    const second = await trust(client, again, CHROME)
    const now = { 'user-agent': CHROME, cookie: second.cookie }
    expect((await login(client, email, now)).body).toHaveProperty('access_token')
    expect((await client.call('/v1/mfa/totp', { method: 'DELETE', bearer })).status).toBe(204)
    await enrol(service(), client, account)
    expectAsked(await login(client, email, now))
  })

  test('with a closing that was taken back', async () => {
    const { client, email, headers, tokens } = await trusting()
    const closed = await client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token })
    expect(closed.status).toBeLessThan(300)
    const { token } = await client.mailed('restore_account', tokens)
    await client.call('/v1/me/restore', { json: { token } })
    const reset = await client.plant('reset_password', tokens)
    await client.call('/v1/password/reset', { json: { token: reset.token, password: PASSWORD } })
    expectAsked(await login(client, email, headers))
  })

  test('when its owner signs out everywhere', async () => {
    const { client, email, headers, tokens } = await trusting()
    const out = await client.call('/v1/sessions', { method: 'DELETE', bearer: tokens.access_token })
    expect(out.status).toBeLessThan(300)
    expectAsked(await login(client, email, headers))
  })
})

describe('factors 9: at once', () => {
  test('of ten that are trusted at once, beside fifteen, the newest 20 are left', async () => {
    const { client, tokens } = await enrolled()
    const planted = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const { mfaToken } = await client.withFactor(tokens)
        return mfaToken
      }),
    )
    const codes = await client.call<{ recovery_codes: string[] }>('/v1/mfa/recovery-codes', {
      method: 'POST',
      bearer: tokens.access_token,
    })
    expect(codes.body.recovery_codes).toHaveLength(10)
    for (let round = 0; round < 15; round++) await client.plantedTrust(tokens)
    const answers = await Promise.all(
      codes.body.recovery_codes.map((code, at) =>
        client.call('/v1/mfa/verify', {
          json: { mfa_token: planted[at], method: 'recovery_code', code, trust_device: true },
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    expect(await listed(client, tokens.access_token)).toHaveLength(20)
  })

  test('a sign-in that waits for its removal is asked for the factor, and so is each of 50 after it', async () => {
    const { client, email, headers, tokens } = await trusting()
    const holder = await service().connect()
    try {
      await holder.query('begin')
      await holder.query('select id from users where id = $1 for no key update', [tokens.user.id])
      await holder.query('delete from trusted_devices where user_id = $1', [tokens.user.id])
      const signingIn = login(client, email, headers)
      const waiting = `select 1 from pg_stat_activity where datname = $1 and wait_event_type = 'Lock'`
      await expect.poll(() => service().sql(waiting, [service().database])).not.toEqual([])
      await holder.query('commit')
      expectAsked(await signingIn)
    } finally {
      await holder.end()
    }
    for (const answer of await race(50, () => login(client, email, headers))) expectAsked(answer)
  })
})
