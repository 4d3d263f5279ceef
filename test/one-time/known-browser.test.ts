/** What a browser that the account knows has asked for stays good, whatever strangers ask for after it. */
import { describe, expect, test } from 'vitest'
import { createClient, PASSWORD, race } from '../support/client.ts'
import { expectProblem } from '../support/problem.ts'
import { redeem } from '../support/redemptions.ts'
import { useLentService } from '../support/service.ts'
import { statuses } from '../support/windows.ts'

const service = useLentService({ bindings: { LIMITS_MULTIPLIER: '1000' } })

const cookieOf = (headers: Headers, name: string) =>
  headers
    .getSetCookie()
    .find((value) => value.startsWith(`__Host-latchkey-${name}=`))
    ?.split(';')[0] ?? ''

const ASKED = {
  verify_email: '/v1/email/resend',
  reset_password: '/v1/password/forgot',
  sign_in: '/v1/email/code',
}
type Asked = keyof typeof ASKED

/** An account that no one has proved yet, and a browser that has signed in to it. */
async function newOwner() {
  const client = createClient(service(), await service().newTenant())
  const { email, tokens } = await client.signUp()
  const { headers } = await client.call('/v1/login', {
    json: { email, password: PASSWORD },
    headers: { 'sec-fetch-site': 'same-origin' },
  })
  const device = cookieOf(headers, 'device')
  expect(device).not.toBe('')
  const stranger = createClient(service(), client.tenant)
  const ask = async (purpose: Asked, cookie = '') => {
    const answer = await stranger.call(ASKED[purpose], { json: { email }, headers: { cookie } })
    expect(answer.status).toBe(202)
    return { ...(await client.mailed(purpose, tokens)), cookie: cookieOf(answer.headers, 'challenge') }
  }
  const answer = (code: string, cookie = '') =>
    stranger.call('/v1/email/code/verify', { json: { email, code }, headers: { cookie } })
  const challenges = () =>
    service().sql<{
      id: string
      attempts: number
      own_attempts: number
      failures: number
      has_code: boolean
    }>(
      `select id, attempts, own_attempts, failures, code_hash is not null as has_code from one_time_tokens
       where user_id = $1 and purpose = 'sign_in' order by created_at`,
      [tokens.user.id],
    )
  return { tokens, device, stranger, ask, answer, challenges }
}

const wrong = (code: string, n = 1) => String((Number(code) + n) % 1_000_000).padStart(6, '0')

describe('accounts 8: what a browser that the account knows has asked for', () => {
  test.each(['verify_email', 'reset_password', 'sign_in'] as const)(
    'accounts 8: a link to %s is good after 50 strangers have asked, and replaced by its own browser alone',
    async (purpose) => {
      const { device, stranger, ask } = await newOwner()
      const replaced = await ask(purpose, device)
      const own = await ask(purpose, device)
      await race(50, () => ask(purpose))
      expectProblem(await redeem(stranger, purpose, replaced), 'invalid_one_time_token')
      expect((await redeem(stranger, purpose, own)).status).toBeLessThan(300)
      expectProblem(await redeem(stranger, purpose, own), 'invalid_one_time_token')
    },
  )

  test('accounts 8: a code is good after 50 strangers have asked, wherever it is typed, and one of 50 typists gets in', async () => {
    const { device, ask, answer } = await newOwner()
    const own = await ask('sign_in', device)
    await race(50, () => ask('sign_in'))
    expect(statuses(await race(50, () => answer(own.code)))).toEqual({ 200: 1, 401: 49 })
  })

  test('accounts 8: a guess counts against every code of the account, so that strangers have five in all', async () => {
    const { device, ask, answer, challenges } = await newOwner()
    const own = await ask('sign_in', device)
    const other = await ask('sign_in')
    const guesses = await race(50, (n) => answer(wrong(own.code, n + 1)))
    expect(statuses(guesses)[401]).toBe(50)
    expect(await challenges()).toMatchObject([
      { attempts: 5, own_attempts: 0, failures: 5 },
      { attempts: 5, own_attempts: 0, failures: 5 },
    ])
    for (const { code } of [own, other]) expectProblem(await answer(code), 'invalid_code')
    expect((await answer(own.code, own.cookie)).status, 'in the browser that asked').toBe(200)
  })

  test('accounts 8: after a hundred wrong codes no browser has one, until a link has signed in', async () => {
    const { tokens, device, stranger, ask, answer, challenges } = await newOwner()
    await ask('sign_in')
    await service().sql('update one_time_tokens set failures = 100 where user_id = $1', [tokens.user.id])
    const own = await ask('sign_in', device)
    expect(await challenges()).toMatchObject([{ has_code: true }, { has_code: false, failures: 100 }])
    expectProblem(await answer(own.code, own.cookie), 'invalid_code')
    await service().sql('update users set email_verified_at = now() where id = $1', [tokens.user.id])
    expect((await redeem(stranger, 'sign_in', own)).status).toBe(200)
    expect(await challenges()).toMatchObject([{ failures: 0 }, { failures: 0 }])
    const { code } = await ask('sign_in', device)
    expect((await answer(code)).status).toBe(200)
    expect(await challenges(), 'the right code of one is no wrong one of the other').toMatchObject([
      { attempts: 0, failures: 0 },
      { attempts: 0, failures: 0 },
    ])
  })
})
