import { describe, expect, test } from 'vitest'
import { eventsAbout, newOffice } from '../support/administration.ts'
import { race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, 'enableUser')

describe('accepts', () => {
  test('admin 3: enables once, and says who and why', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status: 'disabled' })
    const answers = await race(10, () => office.act('enable', id, { reason: 'an error of ours' }))
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 204, trips: { postgres: 1, redis: 1 } })
    expect(await eventsAbout(service(), id)).toEqual([
      { type: 'user.enabled', actor: office.tokens.user.id, data: { reason: 'an error of ours' } },
    ])
    expect((await office.read(`/v1/admin/users/${id}`)).body).toMatchObject({ status: 'active' })
  })

  test('one that is not disabled stays as it is, without an event', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant()
    expect((await office.act('enable', id)).status).toBe(204)
    expect(await eventsAbout(service(), id)).toEqual([])
  })
})

describe('refuses', () => {
  test('a closed account: its owner may restore it', async () => {
    const office = await newOffice(service())
    const { id } = await office.plant({ status: 'closed' })
    expectProblem(await office.act('enable', id), 'account_closed')
  })

  test('K05: an account of another tenant, which stays disabled', async () => {
    const [mine, theirs] = [await newOffice(service()), await newOffice(service())]
    const { id } = await theirs.plant({ status: 'disabled' })
    expectProblem(await mine.act('enable', id), 'not_found')
    expect((await theirs.read(`/v1/admin/users/${id}`)).body).toMatchObject({ status: 'disabled' })
  })
})
