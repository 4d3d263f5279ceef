import { expect, test } from 'vitest'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import {
  auditOfWebhooks,
  newAdministrator,
  plantDelivery,
  storedDelivery,
  storedWebhook,
} from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, {
  method: 'DELETE',
  path: '/v1/webhooks/:id',
  allow: 'GET, HEAD, PATCH, DELETE',
  caller: 'admin',
})

test('deletes an endpoint with its deliveries and its secret, once, and no other', async () => {
  const { client, tokens, call, newWebhook } = await newAdministrator(service())
  const [gone, other] = [await newWebhook(), await newWebhook()]
  const delivery = await plantDelivery(service(), gone.id)
  const kept = await plantDelivery(service(), other.id)
  expect((await call('DELETE', `/${gone.id}`)).status).toBe(204)
  expect(await storedWebhook(service(), gone.id)).toEqual({})
  expect(await storedDelivery(service(), delivery)).toEqual({})
  expect(await storedDelivery(service(), kept)).not.toEqual({})
  expectProblem(await call('GET', `/${gone.id}`), 'not_found')
  expectProblem(await call('DELETE', `/${gone.id}`), 'not_found')
  const deleted = (await auditOfWebhooks(service(), client)).filter(({ type }) => type === 'webhook.deleted')
  expect(deleted).toEqual([
    { type: 'webhook.deleted', actor: tokens.user.id, subject: null, data: { endpoint_id: gone.id } },
  ])
})
