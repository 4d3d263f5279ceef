/** A one-time token is good for its purpose, on its tenant's host, once, while it is the newest, and for nothing else. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { parseKeyring } from '../../src/crypto/keyring.ts'
import { oneTimeToken } from '../../src/one-time/one-time-token.ts'
import type { OneTimePurpose } from '../../src/one-time/purposes.ts'
import { type Answer, type Client, createClient, newClient } from '../support/client.ts'
import { CLEARED, expectProblem as expectRefusal } from '../support/expect.ts'
import type { Mailed } from '../support/mailed.ts'
import { expectProblem } from '../support/problem.ts'
import {
  dumpOf,
  PURPOSE_NAMES,
  press,
  REDEMPTIONS,
  redeem,
  setAccount,
  WAYS,
  type Way,
} from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

function expectRefused({ path, isPage }: Pick<Way, 'path' | 'isPage'>, answer: Answer<unknown>) {
  if (!isPage) return void expectProblem(answer, 'invalid_one_time_token')
  expect({ path, status: answer.status }).toEqual({ path, status: 400 })
  expect(answer.headers.get('content-type')).toMatch(/^text\/html/)
  expect(answer.headers.get('set-cookie')).toBeNull()
}

/** An account with a token of the purpose, in the state in which it could be redeemed. */
async function newRecipient(purpose: OneTimePurpose) {
  const client = await newClient(service())
  const { tokens } = await client.signUp()
  const mailed = await client.plant(purpose, tokens)
  await setAccount(service(), tokens, REDEMPTIONS[purpose].account)
  return { client, tokens, mailed }
}

const ownWays = (purpose: OneTimePurpose) => WAYS.filter(({ purposes }) => purposes.includes(purpose))

describe.each(PURPOSE_NAMES)('a token of the purpose %s', (purpose) => {
  test('does nothing at any other operation or page, and then still does what it is for', async () => {
    const { client, tokens, mailed } = await newRecipient(purpose)
    const others = WAYS.filter(({ purposes }) => !purposes.includes(purpose))
    expect(others).toHaveLength(WAYS.length - 2)
    for (const way of others) {
      await setAccount(service(), tokens, way.account)
      const before = await dumpOf(service(), client.tenant.id)
      expectRefused(way, await way.call(client, mailed))
      expect(await dumpOf(service(), client.tenant.id), way.path).toEqual(before)
    }
    await setAccount(service(), tokens, REDEMPTIONS[purpose].account)
    expect((await redeem(client, purpose, mailed)).status).toBe(REDEMPTIONS[purpose].succeeds)
  })

  test('opens its page as well, once', async () => {
    const { client, mailed } = await newRecipient(purpose)
    expect((await press(client, purpose, mailed)).status).toBe(200)
    for (const way of ownWays(purpose)) expectRefused(way, await way.call(client, mailed))
  })

  test("is nothing on another tenant's host, also for who has the same address there", async () => {
    const { client, tokens, mailed } = await newRecipient(purpose)
    const elsewhere = createClient(service(), await service().newTenant())
    expect((await elsewhere.register(tokens.user.email)).status).toBe(201)
    const stored = async () => [
      await dumpOf(service(), client.tenant.id),
      await dumpOf(service(), elsewhere.tenant.id),
    ]
    const before = await stored()
    for (const way of ownWays(purpose)) expectRefused(way, await way.call(elsewhere, mailed))
    expect(await stored()).toEqual(before)
    expect((await redeem(client, purpose, mailed)).status).toBe(REDEMPTIONS[purpose].succeeds)
  })

  test('is not used up by a page of another origin, which is refused', async () => {
    const { client, mailed } = await newRecipient(purpose)
    const before = await dumpOf(service(), client.tenant.id)
    for (const { call, isPage } of ownWays(purpose))
      for (const origin of ['https://evil.example', 'null', `${client.tenant.origin}.evil.example`]) {
        const headers = { origin, 'sec-fetch-site': 'cross-site' }
        const answer = await call(client, mailed, { headers })
        if (isPage) expect(answer.status).toBe(403)
        else expectProblem(answer, 'origin_not_allowed')
      }
    expect(await dumpOf(service(), client.tenant.id)).toEqual(before)
    expect((await redeem(client, purpose, mailed)).status).toBe(REDEMPTIONS[purpose].succeeds)
  })

  test('does nothing once it is expired, used up, replaced by a newer one, or gone', async () => {
    const { client, tokens } = await newRecipient(purpose)
    for (const change of [
      // By the clock of the database; no sweeper has run (CASES C06).
      `update one_time_tokens set expires_at = now() - interval '1 millisecond'`,
      'update one_time_tokens set consumed_at = now()',
      `update one_time_tokens set consumed_at = now() + interval '1 hour'`,
      'update one_time_tokens set id = gen_random_uuid(), hash = sha256(hash)',
      'update one_time_tokens set user_id = null',
      'delete from one_time_tokens',
    ]) {
      const mailed = await client.plant(purpose, tokens)
      await service().sql(`${change} where id = $1`, [mailed.id])
      await expectDead(purpose, client, mailed, change)
    }
    expect((await redeem(client, purpose, await client.plant(purpose, tokens))).status).toBe(
      REDEMPTIONS[purpose].succeeds,
    )
  })

  test('does nothing for an account that is erased, and for one that is disabled', async () => {
    const { client, tokens, mailed } = await newRecipient(purpose)
    const change = (what: string) => service().sql(`update users set ${what} where id = $1`, [tokens.user.id])
    await change(`status = 'disabled'`)
    await expectDead(purpose, client, mailed, 'disabled')
    await change(`status = 'active', deleted_at = now(), erased_at = now(), email = null`)
    await expectDead(purpose, client, mailed, 'erased')
  })

  test('is the HMAC of its purpose too: what another purpose makes of the same row is nothing', async () => {
    const { client, mailed } = await newRecipient(purpose)
    const keys = parseKeyring(service().bindings.AUTH_KEYS ?? '')
    for (const other of PURPOSE_NAMES.filter((one) => one !== purpose)) {
      const token = await oneTimeToken(keys, other, mailed.id)
      expectRefused({ path: other, isPage: false }, await redeem(client, purpose, { ...mailed, token }))
    }
  })

  test('is nothing where another secret is asked for, and no other secret is one', async () => {
    const client = await newClient(service())
    const { tokens } = await client.signUpAdmin()
    const mailed = await client.plant(purpose, tokens)
    const { token } = mailed
    const created = await client.call('/v1/webhooks', {
      bearer: tokens.access_token,
      json: { url: 'http://127.0.0.1:9/hook', events: ['user.registered'] },
    })
    const before = await dumpOf(service(), client.tenant.id)
    expectProblem(await client.me(token), 'invalid_token')
    expectProblem(await client.refresh(token), 'invalid_grant')
    const cookie = `__Host-latchkey=${token}; __Host-latchkey-device=${token}`
    const asBrowser = { cookie, 'sec-fetch-site': 'same-origin' }
    expectRefusal(await client.call('/v1/refresh', { method: 'POST', headers: asBrowser }), 'invalid_grant', [
      CLEARED,
    ])
    const challenge = { token, cookie: `__Host-latchkey-challenge=${token}` }
    if (purpose === 'sign_in')
      expectProblem(await redeem(client, purpose, challenge), 'invalid_one_time_token')
    const secrets = [
      tokens.refresh_token,
      tokens.refresh_token.replace('lkr_', 'lko_'),
      created.body.secret,
      mailed.cookie.split('=')[1],
      `lko_${mailed.cookie.split('=')[1]}`,
      mailed.code,
      mailed.id,
      randomUUID(),
      token.replace('lko_', ''),
      token.toUpperCase(),
      `${token} `,
    ]
    for (const secret of secrets.map(String)) {
      const answer = await redeem(client, purpose, { ...mailed, token: secret })
      expectProblem(answer, 'invalid_one_time_token')
    }
    const long = await redeem(client, purpose, { ...mailed, token: tokens.access_token })
    expectProblem(long, 'invalid_input', { '/token': 'too_long' })
    expect(await dumpOf(service(), client.tenant.id)).toEqual(before)
  })
})

async function expectDead(purpose: OneTimePurpose, client: Client, mailed: Mailed, why: string) {
  const before = await dumpOf(service(), client.tenant.id)
  for (const way of ownWays(purpose)) expectRefused(way, await way.call(client, mailed))
  expect(await dumpOf(service(), client.tenant.id), why).toEqual(before)
}

test.each(PURPOSE_NAMES)(
  'a token of the purpose %s proves its address only as long as the account has that one',
  async (purpose) => {
    const client = await newClient(service())
    const { tokens } = await client.signUp()
    const mailed = await client.plant(purpose, tokens, { subject: `former-${tokens.user.email}` })
    await setAccount(service(), tokens, REDEMPTIONS[purpose].account)
    const { status } = await redeem(client, purpose, mailed)
    // These two are for an address that the account does not have.
    const isOfAnother = purpose === 'change_email_new' || purpose === 'revert_email'
    expect(status).toBe(isOfAnother ? REDEMPTIONS[purpose].succeeds : 400)
  },
)
