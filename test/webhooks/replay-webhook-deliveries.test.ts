import { describe, expect, test } from 'vitest'
import { whileHeld } from '../support/attempts.ts'
import { race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import {
  auditOfWebhooks,
  newAdministrator,
  plantDelivery,
  storedDelivery,
} from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, {
  method: 'POST',
  path: '/v1/webhooks/:id/deliveries/replay',
  allow: 'POST',
  caller: 'admin',
  json: { since: '2026-01-01T00:00:00Z', state: 'dead' },
})

async function newEndpoint() {
  const administrator = await newAdministrator(service())
  const { id } = await administrator.newWebhook()
  const replayAll = (json: object) => administrator.call('POST', `/${id}/deliveries/replay`, json)
  return { ...administrator, id, replayAll }
}

const LONG_AGO = '2020-01-01T00:00:00Z'

describe('accepts', () => {
  test('all that are dead since a time, of this endpoint alone', async () => {
    const { client, id, newWebhook, replayAll } = await newEndpoint()
    const other = await newWebhook()
    const [older, since] = [await plantDelivery(service(), id), await plantDelivery(service(), id)]
    const [newer, delivered] = [
      await plantDelivery(service(), id),
      await plantDelivery(service(), id, { state: 'delivered' }),
    ]
    const foreign = await plantDelivery(service(), other.id)
    const { created_at } = await storedDelivery(service(), since)
    const from = (created_at as Date).toISOString() // a timestamptz
    expect(await replayAll({ since: from })).toMatchObject({ status: 202, body: { deliveries: 2 } })
    const states = await Promise.all(
      [older, since, newer, delivered, foreign].map(
        async (deliveryId) => (await storedDelivery(service(), deliveryId)).state,
      ),
    )
    expect(states).toEqual(['dead', 'pending', 'pending', 'delivered', 'dead'])
    expect((await auditOfWebhooks(service(), client)).at(-1)).toMatchObject({
      type: 'webhook.replayed',
      data: { endpoint_id: id, deliveries: 2 },
    })
  })

  test('all that are settled, when asked to; what is pending keeps its time', async () => {
    const { id, replayAll } = await newEndpoint()
    await plantDelivery(service(), id)
    await plantDelivery(service(), id, { state: 'delivered' })
    const pending = await plantDelivery(service(), id, { state: 'pending', attempts: 3 })
    expect((await replayAll({ since: LONG_AGO, state: 'all' })).body).toEqual({ deliveries: 2 })
    expect(await storedDelivery(service(), pending)).toMatchObject({ attempts: 3 })
  })

  test('none: then nothing is recorded', async () => {
    const { client, id, replayAll } = await newEndpoint()
    await plantDelivery(service(), id)
    const answer = await replayAll({ since: new Date().toISOString() })
    expect(answer).toMatchObject({ status: 202, body: { deliveries: 0 } })
    const types = (await auditOfWebhooks(service(), client)).map(({ type }) => type)
    expect(types).toEqual(['webhook.created'])
  })

  test('piles 12: each once, when ten that have found the same ones are let go together', async () => {
    const { id, replayAll } = await newEndpoint()
    for (let made = 0; made < 20; made++) await plantDelivery(service(), id)
    const held = {
      text: 'select id from webhook_deliveries where endpoint_id = $1 for update',
      values: [id],
      waiting: 10,
    }
    const answers = await whileHeld(service(), held, () =>
      race(10, () => replayAll({ since: LONG_AGO, state: 'all' })),
    )
    const counts = answers.map(({ body }) => (body as { deliveries: number }).deliveries)
    expect(counts.toSorted((one, other) => other - one)).toEqual([20, ...Array(9).fill(0)])
  })

  test('the oldest thousand; the next call takes the rest', async () => {
    const { id, replayAll } = await newEndpoint()
    const first = await plantDelivery(service(), id)
    await service().sql(
      `insert into webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, payload, state, settled_at)
       select ('0199cccc-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, tenant_id, endpoint_id, gen_random_uuid(), type,
         payload, 'dead', now() from webhook_deliveries, generate_series(1, 1002) as n where id = $1`,
      [first],
    )
    expect((await replayAll({ since: LONG_AGO })).body).toEqual({ deliveries: 1000 })
    expect(await storedDelivery(service(), first)).toMatchObject({ state: 'pending' })
    expect((await replayAll({ since: LONG_AGO })).body).toEqual({ deliveries: 3 })
  })
})

describe('refuses', () => {
  test('a time that is none, and a state that there is not', async () => {
    const { replayAll } = await newEndpoint()
    for (const since of ['yesterday', '2026-02-30T00:00:00Z', '2026-01-01', ''])
      expectInvalidInput(await replayAll({ since }), { '/since': 'invalid_time' })
    expectInvalidInput(await replayAll({}), { '/since': 'missing' })
    expectInvalidInput(await replayAll({ since: LONG_AGO, state: 'pending' }), { '/state': 'not_allowed' })
  })

  test('deliveries of a disabled endpoint', async () => {
    const { id, call, replayAll } = await newEndpoint()
    const deliveryId = await plantDelivery(service(), id)
    await call('PATCH', `/${id}`, { state: 'disabled' })
    expectProblem(await replayAll({ since: LONG_AGO }), 'webhook_disabled')
    expect(await storedDelivery(service(), deliveryId)).toMatchObject({ state: 'dead' })
  })
})
