import { describe, expect, test } from 'vitest'
import { eventsAbout, newOffice } from '../support/administration.ts'
import { PASSWORD } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'sendUserReset')

describe('accepts', () => {
  test('admin 3: mails a link that sets a new password, and shows it to no administrator', async () => {
    const office = await newOffice(service())
    const { email, tokens } = await office.client.newAccount()
    const answer = await office.act('send-reset', tokens.user.id, { reason: 'asked by telephone' })
    expect(answer).toMatchObject({
      status: 202,
      body: { status: 'reset_sent' },
      trips: { postgres: 1, redis: 1 },
    })
    const { token, id } = await office.client.mailed('reset_password', tokens)
    expect((await eventsAbout(service(), tokens.user.id)).at(-1)).toEqual({
      type: 'password.reset_sent',
      actor: office.tokens.user.id,
      data: { token_id: id, reason: 'asked by telephone' },
    })
    expect(JSON.stringify([answer.body, service().logs()])).not.toContain(token)
    expect((await office.client.login(email, PASSWORD)).status, 'until then the old one works').toBe(200)
    await office.client.call('/v1/password/reset', { json: { token, password: 'another battery staple' } })
    expect((await office.client.login(email, 'another battery staple')).status).toBe(200)
  })
})

describe('refuses', () => {
  test.each([
    ['disabled', 'account_disabled'],
    ['closed', 'account_closed'],
  ] as const)('an account that is %s', async (status, code) => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status })
    expectProblem(await office.act('send-reset', id), code)
    expect(await service().sql('select 1 from one_time_tokens where user_id = $1', [id])).toEqual([])
  })

  test('K05: an account of another tenant, which is mailed nothing', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { id } = await theirs.plant()
    expectProblem(await mine.act('send-reset', id), 'not_found')
    expect(await eventsAbout(service(), id)).toEqual([])
    expect(await service().sql('select 1 from one_time_tokens where user_id = $1', [id])).toEqual([])
  })

  test('everyone while nothing can be counted, because it is mail', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    service().gates.redis.set('refusing')
    try {
      expectProblem(await office.act('send-reset', id), 'upstream_unavailable')
    } finally {
      service().gates.redis.set('open')
    }
    expect(await eventsAbout(service(), id)).toEqual([])
  })
})
