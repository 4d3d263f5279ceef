import { expect, test } from 'vitest'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { newAdministrator } from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, {
  method: 'GET',
  path: '/v1/webhooks/:id',
  allow: 'GET, HEAD, PATCH, DELETE',
  caller: 'admin',
})

test('shows an endpoint as it was made, without its secret', async () => {
  const { call, newWebhook } = await newAdministrator(service())
  const { secret: _, ...endpoint } = await newWebhook({ events: ['session.revoked'] })
  const answer = await call('GET', `/${endpoint.id}`)
  expect(answer).toMatchObject({ status: 200, body: endpoint })
  expect(answer.body).toEqual(endpoint)
  expectCommonHeaders(answer)
})
