import { afterEach, describe, expect, test } from 'vitest'
import { countBy, newClient, newEmail, PASSWORD, race } from '../support/client.ts'
import { countRows } from '../support/count-rows.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput, expectProblem } from '../support/expect.ts'
import { tokensOf } from '../support/one-time.ts'
import { recordedOf } from '../support/recorded.ts'
import { useLentService } from '../support/service.ts'
import { ageSignIn } from '../support/sessions.ts'
import { expectRateLimited, inOneWindow } from '../support/windows.ts'

const service = useLentService()

afterEach(() => service().gates.redis.set('open'))

everyRoute(service, {
  method: 'POST',
  path: '/v1/email/change',
  allow: 'POST',
  caller: 'bearer',
  json: { email: 'elsewhere@example.com' },
})

async function newSignedIn() {
  const client = await newClient(service())
  const { email, tokens } = await client.newAccount()
  const change = (to: unknown, { access_token: bearer } = tokens, rest: object = {}) =>
    client.call('/v1/email/change', { bearer, json: { email: to, ...rest } })
  return { client, email, tokens, change }
}

describe('accepts', () => {
  test('asks both addresses, each for what it proves, and changes nothing yet', async () => {
    const { client, email, tokens, change } = await newSignedIn()
    const moved = newEmail()
    const answer = await change(moved.toUpperCase())
    expect(answer).toMatchObject({ status: 202, body: { status: 'confirmations_sent' } })
    expectCommonHeaders(answer)
    const { id } = tokens.user
    const rows = await tokensOf(service(), client.tenant)
    expect(rows).toMatchObject([
      { user_id: id, purpose: 'change_email_new', subject: moved },
      { user_id: id, purpose: 'change_email_old', subject: email },
    ])
    const [forNew, forOld] = rows.map((row) => ({ actor: id, data: { token_id: row.id } }))
    expect(await recordedOf(service(), id, 'email.change_confirmation_requested')).toEqual([forNew])
    expect(await recordedOf(service(), id, 'email.change_requested')).toEqual([forOld])
    const flows = await service().sql(
      'select count(distinct flow_id)::int as flows from one_time_tokens where tenant_id = $1 and flow_id is not null',
      [client.tenant.id],
    )
    expect(flows).toEqual([{ flows: 1 }])
    expect((await client.me(tokens.access_token)).body).toMatchObject({ email, email_verified: false })
    expect((await client.login(email)).status).toBe(200)
    expectProblem(await client.login(moved), 'invalid_credentials')
  })

  test('asked again, voids what was mailed for the first change, for both addresses (CASES C08, C09)', async () => {
    const { client, tokens, change } = await newSignedIn()
    const [first, second] = [newEmail(), newEmail()]
    await change(first)
    const stale = [
      await client.mailed('change_email_old', tokens),
      await client.mailed('change_email_new', tokens),
    ]
    await change(second)
    for (const { token } of stale)
      expectProblem(
        await client.call('/v1/email/change/confirm', { json: { token } }),
        'invalid_one_time_token',
      )
    const rows = await tokensOf(service(), client.tenant)
    expect(rows.map(({ subject }) => subject)).toEqual([second, expect.any(String)])
  })

  test('says the same of an address that has an account', async () => {
    const { client, tokens, change } = await newSignedIn()
    await client.me(tokens.access_token) // leaves at the edge what verifies the token: neither pays for it
    const { email: taken } = await client.newAccount()
    const [free, occupied] = [await change(newEmail()), await change(taken)]
    expect([occupied.status, occupied.body, occupied.trips]).toEqual([free.status, free.body, free.trips])
  })
})

describe('refuses', () => {
  test('the address that the account has, in any spelling', async () => {
    const { client, email, change } = await newSignedIn()
    for (const same of [email, email.toUpperCase()])
      expectInvalidInput(await change(same), { '/email': 'unchanged' })
    expect(await tokensOf(service(), client.tenant)).toEqual([])
  })

  test('a caller who signed in more than ten minutes ago (RFC 9470)', async () => {
    const { client, tokens, change } = await newSignedIn()
    const old = await ageSignIn(service(), client, tokens)
    const refused = await change(newEmail(), old)
    expectProblem(refused, 'insufficient_user_authentication')
    expect(refused.headers.get('www-authenticate')).toContain('max_age="600"')
    expect(await tokensOf(service(), client.tenant)).toEqual([])
  })

  test('what is no address', async () => {
    const { client, change } = await newSignedIn()
    for (const [email, code] of [
      [['a@example.com', 'b@example.com'], 'wrong_type'],
      [null, 'wrong_type'],
      ['a@example.com;b@example.com', 'invalid_email'],
      ['a@example.com\nBcc: b@example.com', 'invalid_email'],
      [`${'a'.repeat(60)}@${'b.'.repeat(120)}com`, 'too_long'],
    ])
      expectInvalidInput(await change(email), { '/email': String(code) })
    expect(await tokensOf(service(), client.tenant)).toEqual([])
  })

  test('the sixth call of a session within an hour', async () => {
    await inOneWindow(3600, async () => {
      const { client, email, change } = await newSignedIn()
      const answers = await race(5, () => change(newEmail()))
      expect(countBy(answers, ({ status }) => status)).toEqual({ 202: 5 })
      expectRateLimited(await change(newEmail()), 'session', 5, 3600)
      const { access_token: bearer } = await client.signIn(email)
      expect((await client.call('/v1/email/change', { bearer, json: { email: newEmail() } })).status).toBe(
        202,
      )
    })
  })

  test('the fourth call for one address within an hour, from however many accounts: no one fills a mailbox', async () => {
    await inOneWindow(3600, async () => {
      const client = await newClient(service())
      const victim = newEmail()
      const ask = async (email: string) => {
        const { tokens } = await client.newAccount()
        return client.call('/v1/email/change', { bearer: tokens.access_token, json: { email } })
      }
      for (const email of [victim, victim.toUpperCase(), victim]) expect((await ask(email)).status).toBe(202)
      expectRateLimited(await ask(victim), 'account', 3, 3600)
      expect((await ask(newEmail())).status).toBe(202)
    })
  })

  test('every caller while Redis is away, and makes nothing', async () => {
    const { client, change } = await newSignedIn()
    const before = await countRows(service(), client.tenant)
    service().gates.redis.set('refusing')
    expectProblem(await change(newEmail()), 'upstream_unavailable')
    expect(await countRows(service(), client.tenant)).toEqual(before)
  })
})

describe('attacks', () => {
  test('no caller has the code returned, the mail held back, or the address verified (CASES C10)', async () => {
    const { client, tokens, change } = await newSignedIn()
    for (const field of ['return_code', 'send_code', 'email_verified', 'user_id', 'redirect'])
      expectInvalidInput(await change(newEmail(), tokens, { [field]: true }), {
        [`/${field}`]: 'unknown_field',
      })
    expect(await tokensOf(service(), client.tenant)).toEqual([])
    const { body, headers } = await change(newEmail())
    for (const purpose of ['change_email_old', 'change_email_new'] as const)
      expect(JSON.stringify([body, [...headers]])).not.toContain((await client.mailed(purpose, tokens)).token)
  })

  test('two changes at once leave the two links of one of them', async () => {
    const { client, tokens, change } = await newSignedIn()
    await race(5, () => change(newEmail()))
    const flows = await service().sql(
      'select flow_id, count(*)::int as tokens from one_time_tokens where tenant_id = $1 group by flow_id',
      [client.tenant.id],
    )
    expect(flows).toMatchObject([{ tokens: 2 }])
    for (const purpose of ['change_email_old', 'change_email_new'] as const) {
      const { token } = await client.mailed(purpose, tokens)
      expect((await client.call('/v1/email/change/confirm', { json: { token } })).status).toBe(200)
    }
    expect((await client.login(tokens.user.email, PASSWORD)).status).toBe(401)
  })
})
