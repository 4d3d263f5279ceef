/**
 * CASES.md group C: what is mailed to be used once. Also: purposes, hosts and origins in test/one-time/purposes.test.ts,
 * fifty at a time in test/one-time/once.test.ts, and the pages of the links in test/pages.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import { type OneTimePurpose, PURPOSES } from '../../src/one-time/purposes.ts'
import {
  type Account,
  type Client,
  countBy,
  createClient,
  newClient,
  newEmail,
  PASSWORD,
  race,
} from '../support/client.ts'
import { linksOf } from '../support/mail-parts.ts'
import { useMailStage } from '../support/mail-stage.ts'
import type { Mailed } from '../support/mailed.ts'
import { expectProblem } from '../support/problem.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import {
  dumpOf,
  liveSessions,
  PURPOSE_NAMES,
  press,
  REDEMPTIONS,
  redeem,
  setAccount,
  WAYS,
} from '../support/redemptions.ts'

const stage = useMailStage()
const sql = (text: string, values: unknown[]) => stage().service.sql(text, values)

let client: Client
let victim: Account
let attacker: Account

/** Both in a tenant of their own; what their registration had mailed is not what a test looks at. */
beforeEach(async () => {
  client = await newClient(stage().service)
  victim = await client.signUp()
  attacker = await client.signUp()
  await sql('update events set dispatched_at = now() where tenant_id = $1', [client.tenant.id])
})

const post = (path: string, json: unknown, more: object = {}) => client.call(path, { json, ...more })
const reset = (token: unknown, password = 'another battery staple') =>
  post('/v1/password/reset', { token, password })
const forgot = (email: string) => post('/v1/password/forgot', { email })
const dump = () => dumpOf(stage().service, client.tenant.id)

/** What arrived at people since the test began. */
async function mailbox() {
  await stage().service.consume()
  return stage().provider.sent()
}

const linksIn = (html = '') => linksOf(html).map(([, link]) => link)

/** Every request that has something mailed, as a person would write it. */
const ASKING: [path: string, as: 'anyone' | 'victim' | 'admin', json: () => Record<string, unknown>][] = [
  ['/v1/password/forgot', 'anyone', () => ({ email: victim.email })],
  ['/v1/email/resend', 'anyone', () => ({ email: victim.email })],
  ['/v1/email/code', 'anyone', () => ({ email: victim.email })],
  ['/v1/email/change', 'victim', () => ({ email: newEmail() })],
  ['/v1/admin/invitations', 'admin', () => ({ email: newEmail() })],
  ['/v1/register', 'anyone', () => ({ email: newEmail(), password: PASSWORD })],
]

async function callerOf(as: (typeof ASKING)[number][1]) {
  if (as === 'anyone') return {}
  if (as === 'victim') return { bearer: victim.tokens.access_token }
  await sql(`update users set roles = '{admin}' where id = $1`, [attacker.tokens.user.id])
  return { bearer: attacker.tokens.access_token }
}

describe('C01 a reset without its proof', () => {
  test('is refused with no token, an id, a step, or the proof of another account, and changes nothing', async () => {
    await forgot(victim.email)
    await forgot(attacker.email)
    const own = await client.mailed('reset_password', attacker.tokens)
    const theirs = await client.mailed('reset_password', victim.tokens)
    const before = await dump()
    const password = 'another battery staple'
    const target = { user_id: victim.tokens.user.id, email: victim.email }
    for (const json of [
      { password },
      { password, ...target },
      { flow_id: theirs.id, password },
      { id: theirs.id, password, step: 3 },
      { token: own.token, password, ...target },
      { token: own.token, password, step: 3 },
      { token: [own.token, theirs.id], password },
    ])
      expectProblem(await post('/v1/password/reset', json), 'invalid_input')
    for (const token of [theirs.id, `lko_${theirs.id}`, theirs.code, victim.email])
      expectProblem(await reset(token), 'invalid_one_time_token')
    expect(await dump()).toEqual(before)
    expect((await client.login(victim.email)).status).toBe(200)
  })

  test('changes the account that the token is of, no matter who is signed in', async () => {
    await forgot(attacker.email)
    const { token } = await client.mailed('reset_password', attacker.tokens)
    const bearer = victim.tokens.access_token
    const json = { token, password: 'another battery staple' }
    expect((await post('/v1/password/reset', json, { bearer })).status).toBe(204)
    expect((await client.login(victim.email)).status).toBe(200)
    expectProblem(await client.login(attacker.email), 'invalid_credentials')
  })
})

describe('C02 parameters of a recovery', () => {
  test('are one address and nothing else: whatever more is refused, and nothing is mailed', async () => {
    const { email } = victim
    const before = await dump()
    for (const json of [
      { email: [email, attacker.email] },
      { email: { $ne: '' } },
      { email: { email } },
      { email: `${email},${attacker.email}` },
      { email: `${email} ${attacker.email}` },
      { email: `${email};${attacker.email}` },
      { email: `${email}\r\nBcc: ${attacker.email}` },
      { email: `${email}\0${attacker.email}` },
      { email: `"${email}" <${attacker.email}>` },
      { email, token: 'x' },
      { email, user_id: attacker.tokens.user.id },
      { email, host: 'evil.example' },
      { email, email_2: attacker.email },
    ])
      for (const path of ['/v1/password/forgot', '/v1/email/resend', '/v1/email/code'])
        expectProblem(await post(path, json), 'invalid_input')
    const headers = { 'content-type': 'application/json' }
    for (const body of [
      `{"email":"${email}","email":"${attacker.email}"}`,
      `{"email":"${email}","\\u0065mail":"${attacker.email}"}`,
    ])
      expectProblem(await client.call('/v1/password/forgot', { body, headers }), 'invalid_json')
    expect(await dump()).toEqual(before)
    expect(await mailbox()).toEqual([])
  })

  test('in any case mail the owner once, at the address as it is stored', async () => {
    expect((await forgot(victim.email.toUpperCase())).status).toBe(202)
    const [mail, ...more] = await mailbox()
    expect(more).toEqual([])
    expect(mail?.to).toBe(victim.email)
    const { token } = await client.mailed('reset_password', victim.tokens)
    const link = `${client.tenant.origin}/link/reset-password?token=${token}`
    expect(linksIn(mail?.html)).toEqual([link, client.tenant.origin])
  })
})

describe('C03 the host of a link', () => {
  test.each(ASKING)('is the tenant’s own whatever %s claims (as %s)', async (path, as, json) => {
    if (path === '/v1/register')
      await sql(`update tenants set settings = '{"registration":"verify-first"}' where id = $1`, [
        client.tenant.id,
      ])
    const headers = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      forwarded: 'host=evil.example;proto=http',
      'x-original-url': 'https://evil.example/',
    }
    expect((await post(path, json(), { headers, ...(await callerOf(as)) })).status).toBe(202)
    const mails = await mailbox()
    expect(mails.length).toBeGreaterThan(0)
    for (const mail of mails) {
      for (const link of linksIn(mail.html)) expect(new URL(link).origin).toBe(client.tenant.origin)
      expect(JSON.stringify(mail)).not.toContain('evil')
    }
  })

  test('is no stranger’s: a request for one is refused, and nothing is mailed', async () => {
    const before = await dump()
    const stranger = createClient(stage().service, { ...client.tenant, origin: 'http://evil.example' })
    for (const path of ['/v1/password/forgot', '/v1/email/resend', '/v1/email/code'])
      expectProblem(await stranger.call(path, { json: { email: victim.email } }), 'unknown_host')
    const absolute = 'POST http://evil.example/v1/password/forgot HTTP/1.1'
    for (const [requestLine, host] of [
      [absolute, 'evil.example'],
      ['POST /v1/password/forgot HTTP/1.1', 'evil.example'],
      ['POST /v1/password/forgot HTTP/1.1', `${client.tenant.host}.evil.example`],
    ] as const) {
      const body = JSON.stringify({ email: newEmail() })
      const lines = [`Host: ${host}`, 'Content-Type: application/json', `Content-Length: ${body.length}`]
      const message = rawRequest(requestLine, lines, body)
      expect([400, 421], `${requestLine} ${host}`).toContain((await sendRaw(stage().service, message)).status)
    }
    expect(await dump()).toEqual(before)
    expect(await mailbox()).toEqual([])
  })
})

const TRICKS = [
  '//evil.example',
  'https://evil.example',
  'https://good.example.evil.example',
  'https://good.example@evil.example',
  '/\\evil.example',
  'javascript:alert(1)',
  'evil.example',
  'https:evil.example',
  '%0d%0aLocation:%20https://evil.example',
  '\r\nLocation: https://evil.example',
  'data:text/html,x',
]
const NAMES = ['redirect', 'redirect_to', 'redirect_uri', 'callbackURL', 'next', 'return_to', 'url', 'origin']

describe('C04 a redirect', () => {
  test.each(ASKING)(
    'cannot be asked of %s (as %s), by any trick, and nothing is mailed',
    async (path, as, json) => {
      const caller = await callerOf(as)
      const before = await dump()
      const fields = [
        ...TRICKS.map((trick) => ({ redirect: trick })),
        ...NAMES.map((name) => ({ [name]: TRICKS[0] })),
      ]
      for (const field of fields) {
        const [name = ''] = Object.keys(field)
        const answer = await post(path, { ...json(), ...field }, caller)
        expectProblem(answer, 'invalid_input', { [`/${name}`]: 'unknown_field' })
      }
      expect(await dump()).toEqual(before)
      expect(await mailbox()).toEqual([])
    },
  )

  test('in the query of a request is in no link, and none in that of a link is followed', async () => {
    const query = new URLSearchParams(NAMES.map((name): [string, string] => [name, 'https://evil.example']))
    expect((await post(`/v1/password/forgot?${query}`, { email: victim.email })).status).toBe(202)
    const [mail] = await mailbox()
    expect(JSON.stringify(mail)).not.toContain('evil')
    const { token } = await client.mailed('reset_password', victim.tokens)
    const page = await client.call<string>(`/link/reset-password?token=${token}&${query}`)
    expect(page.status).toBe(200)
    expect(page.body).not.toContain('evil')
    const pressed = await client.call<string>(`/link/reset-password?${query}`, {
      body: new URLSearchParams({ token, password: 'another battery staple' }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' },
    })
    expect(pressed.status).toBe(200)
    expect(pressed.headers.get('location')).toBeNull()
    expect(pressed.body).not.toContain('evil')
  })
})

describe('C05 a token that is used again', () => {
  test('is refused, and of 20 simultaneous resets the password of the one that succeeded is set', async () => {
    await forgot(victim.email)
    const { token } = await client.mailed('reset_password', victim.tokens)
    const passwordOf = (n: number) => `battery staple number ${n}`
    const callers = Array.from({ length: 20 }, () => createClient(stage().service, client.tenant))
    const answers = await race(20, (n) => {
      const json = { token, password: passwordOf(n) }
      return (callers[n] ?? client).call('/v1/password/reset', { json })
    })
    expect(countBy(answers, ({ status }) => status)).toEqual({ 204: 1, 400: 19 })
    const lost = answers.filter(({ status }) => status !== 204)
    for (const answer of lost) expectProblem(answer, 'invalid_one_time_token')
    const winner = answers.findIndex(({ status }) => status === 204)
    expect((await client.login(victim.email, passwordOf(winner))).status).toBe(200)
    expectProblem(await client.login(victim.email, passwordOf((winner + 1) % 20)), 'invalid_credentials')
    expectProblem(await reset(token), 'invalid_one_time_token')
    expect((await client.login(victim.email, passwordOf(winner))).status).toBe(200)
  })
})

describe('C06 what has expired', () => {
  test.each(PURPOSE_NAMES)('is refused a moment later, with its row still there: %s', async (purpose) => {
    const { tokens } = victim
    const mailed = await client.plant(purpose, tokens)
    await setAccount(stage().service, tokens, REDEMPTIONS[purpose].account)
    const expire = (by: string) =>
      sql(`update one_time_tokens set expires_at = now() + $2::interval where id = $1`, [mailed.id, by])
    await expire('-1 second')
    expectProblem(await redeem(client, purpose, mailed), 'invalid_one_time_token')
    expect((await press(client, purpose, mailed)).status).toBe(400)
    if (purpose === 'sign_in') {
      const json = { email: victim.email, code: mailed.code }
      expectProblem(await post('/v1/email/code/verify', json), 'invalid_code')
    }
    expect(await sql('select consumed_at from one_time_tokens where id = $1', [mailed.id])).toEqual([
      { consumed_at: null },
    ])
    await expire('1 minute')
    expect((await redeem(client, purpose, mailed)).status).toBe(REDEMPTIONS[purpose].succeeds)
  })

  test('lives as long as its purpose says, by the database’s clock', async () => {
    await forgot(victim.email)
    await post('/v1/email/resend', { email: victim.email })
    await post('/v1/email/code', { email: victim.email })
    await post('/v1/email/change', { email: newEmail() }, { bearer: victim.tokens.access_token })
    const rows = await sql(
      `select purpose, extract(epoch from expires_at - created_at)::int as seconds,
         created_at between now() - interval '1 minute' and now() as is_now
       from one_time_tokens where user_id = $1`,
      [victim.tokens.user.id],
    )
    expect(rows).toHaveLength(5)
    for (const row of rows) {
      const { seconds } = PURPOSES[row.purpose as keyof typeof PURPOSES]
      expect(row).toEqual({ ...row, seconds, is_now: true })
    }
  })
})

describe('C07 a blank token', () => {
  const BLANK = ['', ' ', '\t', 'null', 'undefined', 'NULL', '0', 'lko_', '[]', '{}', '%00']
  const NOT_TEXT = [null, [], {}, 0, false, [''], { $ne: null }]

  test.each(WAYS.filter(({ isPage }) => !isPage))(
    'is nothing at $path, whatever else is blank',
    async ({ path, purposes }) => {
      const [purpose = 'verify_email'] = purposes
      const mailed = await client.plant(purpose, victim.tokens)
      await setAccount(stage().service, victim.tokens, REDEMPTIONS[purpose].account)
      // Rows with everything blank that can be.
      await sql(
        `update one_time_tokens set user_id = null, subject = null, code_hash = null, browser_hash = null`,
        [],
      )
      await forgot(newEmail())
      await post('/v1/email/code', { email: newEmail() })
      const before = await dump()
      for (const token of BLANK)
        expectProblem(await redeem(client, purpose, { ...mailed, token }), 'invalid_one_time_token')
      for (const token of [...NOT_TEXT, undefined]) {
        const json = { ...REDEMPTIONS[purpose].fields, token }
        const code = token === undefined ? 'missing' : 'wrong_type'
        expectProblem(await post(path, json), 'invalid_input', { '/token': code })
      }
      expect(await dump()).toEqual(before)
    },
  )

  test('as a code is nothing, nor is one where the challenge has none', async () => {
    const { email, tokens } = victim
    const { id } = await client.plant('sign_in', tokens)
    await sql('update one_time_tokens set code_hash = null where id = $1', [id])
    for (const code of [...BLANK, ...NOT_TEXT, '00000', '0000000', '00000a', '٠٠٠٠٠٠'])
      expectProblem(await post('/v1/email/code/verify', { email, code }), 'invalid_input')
    for (const code of ['000000', '000 000', '000-000'])
      expectProblem(await post('/v1/email/code/verify', { email, code }), 'invalid_code')
    expect(await liveSessions(stage().service, tokens.user.id)).toEqual([tokens.session.id])
  })
})

describe('C08 an older token', () => {
  test('is dead once a newer one was asked for; the newest works', async () => {
    const asked: string[] = []
    for (let n = 0; n < 3; n++) {
      await forgot(victim.email)
      asked.push((await client.mailed('reset_password', victim.tokens)).token)
    }
    expect(new Set(asked).size).toBe(3)
    for (const token of asked.slice(0, 2)) expectProblem(await reset(token), 'invalid_one_time_token')
    expect((await reset(asked[2])).status).toBe(204)
  })

  test('is dead after a change of password, a change of address, a closed or a disabled account', async () => {
    const endings: Record<string, (account: Account) => Promise<unknown>> = {
      'a change of password': ({ tokens }) =>
        client.call('/v1/password/change', {
          bearer: tokens.access_token,
          json: { current_password: PASSWORD, new_password: 'another battery staple' },
        }),
      'a change of address': async ({ tokens }) => {
        await post('/v1/email/change', { email: newEmail() }, { bearer: tokens.access_token })
        for (const purpose of ['change_email_old', 'change_email_new'] as const)
          await redeem(client, purpose, { ...(await client.mailed(purpose, tokens)), cookie: '' })
      },
      'a closed account': ({ tokens }) =>
        client.call('/v1/me', { method: 'DELETE', bearer: tokens.access_token }),
      'a disabled account': ({ tokens }) =>
        sql(`update users set status = 'disabled' where id = $1`, [tokens.user.id]),
    }
    for (const [title, end] of Object.entries(endings)) {
      const account = await client.signUp()
      const pending: [OneTimePurpose, Mailed][] = []
      for (const purpose of ['reset_password', 'verify_email', 'sign_in', 'invitation'] as const)
        pending.push([purpose, await client.plant(purpose, account.tokens)])
      await end(account)
      for (const [purpose, mailed] of pending) {
        const { status, body } = await redeem(client, purpose, mailed)
        expect({ title, purpose, status, code: body.code }).toEqual({
          title,
          purpose,
          status: 400,
          code: 'invalid_one_time_token',
        })
      }
    }
  })

  test('of every purpose is gone after a reset, but for what undoes a change of address', async () => {
    for (const purpose of PURPOSE_NAMES) await client.plant(purpose, victim.tokens)
    const { token } = await client.plant('reset_password', victim.tokens)
    expect((await reset(token)).status).toBe(204)
    const left = await sql('select purpose from one_time_tokens where user_id = $1 and consumed_at is null', [
      victim.tokens.user.id,
    ])
    expect(left).toEqual([{ purpose: 'revert_email' }])
  })
})

describe('C09 the address that is verified', () => {
  test('is the one of the newest change: the token of an earlier one is dead', async () => {
    const { tokens } = victim
    const change = (email: string) => post('/v1/email/change', { email }, { bearer: tokens.access_token })
    const confirm = (token: string) => post('/v1/email/change/confirm', { token })
    await change(newEmail())
    const first = await client.mailed('change_email_new', tokens)
    const firstOld = await client.mailed('change_email_old', tokens)
    const address = newEmail()
    await change(address)
    for (const { token } of [first, firstOld]) expectProblem(await confirm(token), 'invalid_one_time_token')
    for (const purpose of ['change_email_old', 'change_email_new'] as const)
      expect((await confirm((await client.mailed(purpose, tokens)).token)).status).toBe(200)
    expect((await client.me(tokens.access_token)).body).toMatchObject({ email: address })
  })

  test('is not the new one by a verification of the old one, nor the old one by that of the new', async () => {
    const { tokens, email } = victim
    await post('/v1/email/resend', { email })
    const { token } = await client.mailed('verify_email', tokens)
    await sql('update users set email = $2 where id = $1', [tokens.user.id, newEmail()])
    expectProblem(await post('/v1/email/verify', { token }), 'invalid_one_time_token')
    expect((await client.me(tokens.access_token)).body).toMatchObject({ email_verified: false })
  })
})

describe('C10 proving an address by oneself', () => {
  test('does not go by the profile, and no answer holds what is mailed', async () => {
    const { tokens, email } = victim
    const bearer = tokens.access_token
    for (const json of [
      { email_verified: true },
      { email: { verified: true } },
      { email: newEmail() },
      { email_verified_at: '2026-01-01T00:00:00Z' },
      { name: 'Ada', emailVerified: true },
    ])
      expectProblem(await client.call('/v1/me', { method: 'PATCH', bearer, json }), 'invalid_input')
    for (const extra of [{ return_code: true }, { send_code: false }, { verified: true }])
      expectProblem(
        await post('/v1/email/change', { email: newEmail(), ...extra }, { bearer }),
        'invalid_input',
      )
    expect(await mailbox()).toEqual([])
    expect((await client.me(bearer)).body).toMatchObject({ email, email_verified: false })
  })

  test.each(ASKING)('%s (as %s) answers no token and no code', async (path, as, json) => {
    const body = json()
    const answer = await post(path, body, await callerOf(as))
    const said = JSON.stringify([answer.body, ...answer.headers])
    const rows = await sql('select id, purpose from one_time_tokens where tenant_id = $1', [client.tenant.id])
    expect(said).not.toContain('lko_')
    for (const { id } of rows) expect(said).not.toContain(id)
    const asked = rows.find(({ purpose }) => purpose === 'sign_in')
    if (asked) expect(said).not.toContain((await client.mailed('sign_in', victim.tokens)).code)
  })
})

describe('C11 an invitation', () => {
  const invite = async (email: string, roles: string[]) =>
    post('/v1/admin/invitations', { email, roles }, await callerOf('admin'))

  test('is not accepted by who registered the address without proving it', async () => {
    const planted = await client.signUp() // with an address that is not theirs
    expect((await invite(planted.email, ['editor'])).status).toBe(202)
    const { id, token } = await client.mailed('invitation', planted.tokens)
    const accept = (presented: unknown) =>
      post(
        '/v1/invitations/accept',
        { token: presented, password: 'another battery staple' },
        { bearer: planted.tokens.access_token },
      )
    const { body: unknown } = await accept(`lko_${'A'.repeat(43)}`)
    for (const guess of [id, planted.tokens.user.id, `lko_${id}`, planted.tokens.refresh_token]) {
      const { status, body } = await accept(guess)
      expect({ status, code: body.code }).toEqual({ status: 400, code: unknown.code })
    }
    expect((await client.me(planted.tokens.access_token)).body).toMatchObject({ roles: [] })
    expect((await client.refresh(planted.tokens.refresh_token)).body.user).toMatchObject({ roles: [] })
    // Who reads the mail accepts it, and who had the account before is out.
    expect((await post('/v1/invitations/accept', { token, password: 'battery of the invited' })).status).toBe(
      204,
    )
    expectProblem(await client.me(planted.tokens.access_token), 'invalid_token')
    expectProblem(await client.login(planted.email), 'invalid_credentials')
    const { body } = await client.login(planted.email, 'battery of the invited')
    expect(body.user).toMatchObject({ roles: ['editor'], email_verified: true })
  })

  test('gives what the administrator said: not the acceptor, and not in another tenant', async () => {
    const email = newEmail()
    await invite(email, ['editor'])
    const [user] = await sql('select id from users where email = $1', [email])
    const { token } = await client.mailed('invitation', {
      user: { ...victim.tokens.user, id: String(user?.id) },
    })
    const json = { token, password: 'another battery staple' }
    const before = await dump()
    for (const extra of [
      { roles: ['admin'] },
      { tenant_id: client.tenant.id },
      { email: victim.email },
      { user_id: 'x' },
    ])
      expectProblem(await post('/v1/invitations/accept', { ...json, ...extra }), 'invalid_input')
    const elsewhere = await newClient(stage().service)
    expectProblem(await elsewhere.call('/v1/invitations/accept', { json }), 'invalid_one_time_token')
    expect(await dump()).toEqual(before)
    expect((await post('/v1/invitations/accept', json)).status).toBe(204)
    expect((await client.login(email, json.password)).body.user.roles).toEqual(['editor'])
  })
})

describe('C12 looking at a link', () => {
  test('changes nothing by GET and HEAD, three times, as a scanner, a picture or a prefetch', async () => {
    for (const purpose of PURPOSE_NAMES) {
      const { token } = await client.plant(purpose, victim.tokens)
      const before = await dump()
      for (const method of ['GET', 'HEAD', 'GET', 'HEAD', 'GET', 'HEAD'])
        for (const headers of [
          { 'user-agent': 'MailScanner/1.0' },
          { 'sec-fetch-dest': 'image', 'sec-fetch-mode': 'no-cors' },
          { 'sec-purpose': 'prefetch' },
        ]) {
          const page = await client.call(`${PURPOSES[purpose].path}?token=${token}`, { method, headers })
          // That of an account that is not closed has nothing to restore, and says so.
          expect(page.status, purpose).toBe(REDEMPTIONS[purpose].account === 'closed' ? 400 : 200)
          expect(page.headers.get('set-cookie')).toBeNull()
        }
      expect(await dump(), purpose).toEqual(before)
    }
  })

  test('and what is posted to are two things: the operations take no GET', async () => {
    for (const { path } of WAYS.filter(({ isPage }) => !isPage)) {
      const { token } = await client.plant('verify_email', victim.tokens)
      expectProblem(await client.call(`${path}?token=${token}`), 'method_not_allowed')
    }
  })

  test('of another account while signed in leaves the session as it is', async () => {
    const cookie = `__Host-latchkey=${attacker.tokens.refresh_token}`
    for (const purpose of PURPOSE_NAMES.filter((one) => one !== 'sign_in')) {
      const account = await client.signUp()
      const mailed = await client.plant(purpose, account.tokens)
      await setAccount(stage().service, account.tokens, REDEMPTIONS[purpose].account)
      const answer = await press(client, purpose, { ...mailed, cookie: `${mailed.cookie}; ${cookie}` })
      expect({ purpose, status: answer.status }).toEqual({ purpose, status: 200 })
      expect(answer.headers.get('set-cookie')).toBeNull()
    }
    const headers = { cookie, 'sec-fetch-site': 'same-origin' }
    const { body } = await client.call('/v1/refresh', { method: 'POST', headers })
    expect(body.user).toMatchObject({ id: attacker.tokens.user.id })
  })
})

describe('C13 an invitation that is used twice', () => {
  test('is refused to another browser, and adds nothing', async () => {
    const { tokens } = victim
    const { token } = await client.plant('invitation', tokens)
    const json = { token, password: 'another battery staple' }
    expect((await post('/v1/invitations/accept', json)).status).toBe(204)
    const before = await dump()
    const other = createClient(stage().service, client.tenant)
    const again = { json: { token, password: 'the one of someone else' } }
    expectProblem(await other.call('/v1/invitations/accept', again), 'invalid_one_time_token')
    expect(await dump()).toEqual(before)
    expectProblem(await other.login(victim.email, again.json.password), 'invalid_credentials')
    expect((await other.login(victim.email, json.password)).status).toBe(200)
  })
})

describe('C14 changing one’s address to that of someone else', () => {
  test('says in the mail which account asks, and takes nothing of theirs when they confirm', async () => {
    const { access_token: bearer } = attacker.tokens
    expect((await post('/v1/email/change', { email: victim.email }, { bearer })).status).toBe(202)
    const [mail] = (await mailbox()).filter(({ to }) => to === victim.email)
    expect(mail?.text).toContain(client.tenant.name)
    // The account is named so that its owner knows it, and no one else learns it.
    expect(mail?.text).toMatch(/Account: \S\*\*\*@/)
    expect(mail?.text).not.toContain(attacker.email)
    const old = await client.mailed('change_email_old', attacker.tokens)
    expect((await post('/v1/email/change/confirm', { token: old.token })).body).toEqual({ status: 'waiting' })
    const { token } = await client.mailed('change_email_new', attacker.tokens)
    expectProblem(await post('/v1/email/change/confirm', { token }), 'email_taken')
    expect((await client.me(bearer)).body).toMatchObject({
      id: attacker.tokens.user.id,
      email: attacker.email,
    })
    expect((await client.me(victim.tokens.access_token)).body).toMatchObject({
      id: victim.tokens.user.id,
      email: victim.email,
    })
    expect((await client.login(victim.email)).body.user.id).toBe(victim.tokens.user.id)
  })

  test('is void once the address of the account changed in between', async () => {
    const { tokens } = attacker
    await post('/v1/email/change', { email: newEmail() }, { bearer: tokens.access_token })
    const old = await client.mailed('change_email_old', tokens)
    const fresh = await client.mailed('change_email_new', tokens)
    expect((await post('/v1/email/change/confirm', { token: fresh.token })).status).toBe(200)
    const address = newEmail()
    await sql('update users set email = $2 where id = $1', [tokens.user.id, address])
    expectProblem(await post('/v1/email/change/confirm', { token: old.token }), 'invalid_one_time_token')
    expect((await client.me(tokens.access_token)).body).toMatchObject({ email: address })
  })
})
