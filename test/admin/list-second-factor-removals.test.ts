import { expect, test } from 'vitest'
import { everyRoute } from '../support/every-route.ts'
import { newLoss } from '../support/second-factor-removal.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

everyRoute(service, {
  method: 'GET',
  path: '/v1/admin/second-factor-removals',
  allow: 'GET, HEAD',
  caller: 'admin',
})

test('factors 8: lists the removals of the tenant that wait, and no other', async () => {
  const { client, admin, ask, cancel } = await newLoss(service())
  const foreign = await newLoss(service())
  await foreign.ask()
  const list = async () =>
    (await client.call('/v1/admin/second-factor-removals', { bearer: admin.access_token })).body
  expect(await list()).toEqual({ data: [], next_cursor: null })
  const { body } = await ask()
  expect(await list()).toEqual({ data: [body], next_cursor: null })
  await cancel()
  expect(await list()).toEqual({ data: [], next_cursor: null })
})
