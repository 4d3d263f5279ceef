import { describe, expect, test } from 'vitest'
import { eventsAbout, newOffice } from '../support/administration.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { HOURLY } from '../support/hourly.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'eraseUser')

describe('accepts', () => {
  test('admin 3: a closed account is erased by the next run, and nothing restores it before', async () => {
    const office = await newOffice(service())
    const { tokens } = await office.client.signUp()
    await office.act('close', tokens.user.id)
    const { token } = await office.client.mailed('restore_account', tokens)
    const answer = await office.act('erase', tokens.user.id, { reason: 'asked by letter' })
    expect(answer).toMatchObject({ status: 204, trips: { postgres: 1, redis: 1 } })
    expect((await office.act('erase', tokens.user.id)).status, 'and says the same again').toBe(204)
    expectProblem(await office.client.call('/v1/me/restore', { json: { token } }), 'invalid_one_time_token')
    const requested = (await eventsAbout(service(), tokens.user.id)).filter(
      ({ type }) => type === 'user.erasure_requested',
    )
    expect(requested).toEqual([
      { type: 'user.erasure_requested', actor: office.tokens.user.id, data: { reason: 'asked by letter' } },
    ])
    await service().runCron(HOURLY)
    expect((await office.read(`/v1/admin/users/${tokens.user.id}`)).body).toMatchObject({
      status: 'erased',
      email: null,
    })
  })
})

describe('refuses', () => {
  test('an account that is open: closing comes first', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    expectProblem(await office.act('erase', id), 'account_open')
    expect((await office.read(`/v1/admin/users/${id}`)).body).toMatchObject({ status: 'active' })
  })

  test('K05: an account of another tenant, which waits as long as it did', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { id } = await theirs.plant({ status: 'closed' })
    expectProblem(await mine.act('erase', id), 'not_found')
    await service().runCron(HOURLY)
    expect((await theirs.read(`/v1/admin/users/${id}`)).body).toMatchObject({ status: 'closed' })
  })
})
