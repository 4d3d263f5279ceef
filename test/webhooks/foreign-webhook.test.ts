/** CASES K05, K08 and M09: an id of another tenant, of another endpoint, or of nothing is 404, and nothing happens. */
import { describe, expect, test } from 'vitest'
import { expectProblem } from '../support/expect.ts'
import { type Row, useService } from '../support/service.ts'
import {
  newAdministrator,
  plantDelivery,
  storedDelivery,
  storedWebhook,
} from '../support/webhook-administrator.ts'

const service = useService()

const OPERATIONS: [method: string, path: string, json?: Row][] = [
  ['GET', '/:id'],
  ['PATCH', '/:id', { description: 'Mine' }],
  ['DELETE', '/:id'],
  ['POST', '/:id/rotate-secret'],
  ['POST', '/:id/test'],
  ['GET', '/:id/deliveries'],
  ['POST', '/:id/deliveries/replay', { since: '2020-01-01T00:00:00Z', state: 'all' }],
  ['POST', '/:id/deliveries/:delivery_id/replay'],
]

async function newEndpoint() {
  const administrator = await newAdministrator(service())
  const { id } = await administrator.newWebhook()
  return { ...administrator, id, deliveryId: await plantDelivery(service(), id) }
}

describe.each(OPERATIONS)('%s /v1/webhooks%s', (method, path, json) => {
  const at = (id: string, deliveryId: string) => path.replace(':id', id).replace(':delivery_id', deliveryId)

  test('answers 404 to the administrator of another tenant and changes nothing', async () => {
    const victim = await newEndpoint()
    const thief = await newAdministrator(service())
    const before = [
      await storedWebhook(service(), victim.id),
      await storedDelivery(service(), victim.deliveryId),
    ]
    expectProblem(await thief.call(method, at(victim.id, victim.deliveryId), json), 'not_found')
    expect([
      await storedWebhook(service(), victim.id),
      await storedDelivery(service(), victim.deliveryId),
    ]).toEqual(before)
    const [row] = await service().sql(
      'select count(*)::int as deliveries from webhook_deliveries where endpoint_id = $1',
      [victim.id],
    )
    expect(row).toEqual({ deliveries: 1 })
    const events = await service().sql(
      "select id from events where tenant_id = $1 and type like 'webhook.%'",
      [thief.client.tenant.id],
    )
    expect(events).toEqual([])
  })

  test('answers 404 to ids that nothing has and to text that is none', async () => {
    const { call } = await newAdministrator(service())
    for (const id of [crypto.randomUUID(), 'x', '1', "'%20or%201=1--", '%00'])
      expectProblem(await call(method, at(id, id), json), 'not_found')
  })
})

test('a delivery is replayed under its own endpoint alone', async () => {
  const { call, id, deliveryId, newWebhook } = await newEndpoint()
  const other = await newWebhook()
  expectProblem(await call('POST', `/${other.id}/deliveries/${deliveryId}/replay`), 'not_found')
  expect(await storedDelivery(service(), deliveryId)).toMatchObject({ state: 'dead' })
  expect((await call('POST', `/${id}/deliveries/${deliveryId}/replay`)).status).toBe(202)
})
