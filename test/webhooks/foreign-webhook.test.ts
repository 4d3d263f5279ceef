/** CASES K05, K08 and M09: an id of another tenant, of another endpoint, or of nothing is 404, and nothing happens. */
import { describe, expect, test } from 'vitest'
import { EVERY_OPERATION } from '../operations.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import {
  type Administrator,
  newAdministrator,
  plantDelivery,
  storedDelivery,
  storedWebhook,
} from '../support/webhook-administrator.ts'

const service = useLentService()

const OPERATIONS = EVERY_OPERATION.filter(({ path }) => path.startsWith('/v1/webhooks/:id'))

async function newEndpoint() {
  const administrator = await newAdministrator(service())
  const { id } = await administrator.newWebhook()
  return { ...administrator, id, deliveryId: await plantDelivery(service(), id) }
}

test('they are found', () => {
  expect(OPERATIONS.map(({ id }) => id)).toEqual(
    expect.arrayContaining(['readWebhook', 'replayWebhookDelivery']),
  )
})

describe.each(OPERATIONS.map((operation) => [operation.name, operation] as const))('%s', (_, operation) => {
  const ask = ({ call, tokens }: Administrator, id: string, deliveryId: string) =>
    call(
      operation.method,
      operation.path.replace('/v1/webhooks', '').replace(':id', id).replace(':delivery_id', deliveryId),
      operation.hasBody ? operation.input(tokens) : undefined,
    )

  test('answers 404 to the administrator of another tenant and changes nothing', async () => {
    const victim = await newEndpoint()
    const thief = await newAdministrator(service())
    const before = [
      await storedWebhook(service(), victim.id),
      await storedDelivery(service(), victim.deliveryId),
    ]
    expectProblem(await ask(thief, victim.id, victim.deliveryId), 'not_found')
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
    const administrator = await newAdministrator(service())
    for (const id of [crypto.randomUUID(), 'x', '1', "'%20or%201=1--", '%00'])
      expectProblem(await ask(administrator, id, id), 'not_found')
  })
})

test('K08: a delivery is replayed under its own endpoint alone', async () => {
  const { call, id, deliveryId, newWebhook } = await newEndpoint()
  const other = await newWebhook()
  expectProblem(await call('POST', `/${other.id}/deliveries/${deliveryId}/replay`), 'not_found')
  expect(await storedDelivery(service(), deliveryId)).toMatchObject({ state: 'dead' })
  expect((await call('POST', `/${id}/deliveries/${deliveryId}/replay`)).status).toBe(202)
})
