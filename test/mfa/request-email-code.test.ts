import { describe, expect, test } from 'vitest'
import { race } from '../support/client.ts'
import { mailedCode } from '../support/email-code.ts'
import { MAILING, newMailed } from '../support/email-code-steps.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'requestEmailCode')

describe('factors 5: asking for a code', () => {
  test('is answered alike each time, makes one event for each, and another code in the place of the one before', async () => {
    const { userId, first, ask, answer } = await newMailed(service())
    const { mfa_token } = await first()
    const asked = await ask(mfa_token)
    expect(asked).toMatchObject({ status: 202, trips: { redis: 1, postgres: 1 } })
    expect(asked.body).toEqual({ status: 'code_sent', expires_in: expect.any(Number) })
    const before = await mailedCode(service(), userId)
    await ask(mfa_token)
    const after = await mailedCode(service(), userId)
    expect(after).not.toBe(before)
    expectProblem(await answer(mfa_token, before), 'invalid_code')
    expect((await answer(mfa_token, after)).status).toBe(200)
    const events = await service().sql(
      `select 1 from events where subject = $1 and type = 'second_factor.code_requested'`,
      [userId],
    )
    expect(events).toHaveLength(2)
    expectProblem(await ask(mfa_token), 'invalid_mfa_token')
  })

  test('is limited for each token, and for the account over all of its tokens, of 50 at once too', async () => {
    const { first, ask } = await newMailed(service())
    const one = await first()
    const answers = [await ask(one.mfa_token), await ask(one.mfa_token), await ask(one.mfa_token)]
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202])
    expectProblem(await ask(one.mfa_token), 'rate_limited')

    const other = await newMailed(service())
    const tokens = await Promise.all(Array.from({ length: 12 }, () => other.first()))
    const all = await Promise.all(tokens.map(({ mfa_token }) => other.ask(mfa_token)))
    expect(all.filter(({ status }) => status === 202)).toHaveLength(6)
    for (const answer of all.filter(({ status }) => status !== 202)) expectProblem(answer, 'rate_limited')
  })

  test('is refused where the tenant takes no mailed code, and after the mailbox was the first factor', async () => {
    const { client, userId, email, first, ask } = await newMailed(service())
    const { mfa_token } = await first()
    await service().sql(
      `update tenants set settings = settings || '{"second_factor_email_code": false}' where id = $1`,
      [client.tenant.id],
    )
    expectProblem(await ask(mfa_token), 'invalid_mfa_token')
    await service().sql('update tenants set settings = settings || $2 where id = $1', [
      client.tenant.id,
      JSON.stringify(MAILING.settings),
    ])
    await client.call('/v1/email/code', { json: { email } })
    const { code } = await client.mailed('sign_in', { user: { id: userId } as never })
    const byMail = await client.call<{ status: string; mfa_token: string; methods: string[] }>(
      '/v1/email/code/verify',
      {
        json: { email, code },
      },
    )
    expect(byMail.body).toMatchObject({ status: 'mfa_enrolment_required', methods: ['totp'] })
    expectProblem(await ask(byMail.body.mfa_token), 'invalid_mfa_token')
  })
})

test('factors 5: of 50 who ask with one token at once, no more are mailed than its limit', async () => {
  const { userId, first, ask } = await newMailed(service())
  const { mfa_token } = await first()
  const answers = await race(50, () => ask(mfa_token))
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(3)
  const [row] = await service().sql('select codes_sent from mfa_challenges where user_id = $1', [userId])
  expect(row).toEqual({ codes_sent: 3 })
})
