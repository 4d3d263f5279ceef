import { describe, expect, test } from 'vitest'
import { race } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
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
  path: '/v1/webhooks/:id/deliveries/:delivery_id/replay',
  allow: 'POST',
  caller: 'admin',
})

async function newEndpoint() {
  const administrator = await newAdministrator(service())
  const { id } = await administrator.newWebhook()
  const replay = (deliveryId: string, of = id) =>
    administrator.call('POST', `/${of}/deliveries/${deliveryId}/replay`)
  return { ...administrator, id, replay }
}

describe('accepts', () => {
  test.each(['dead', 'delivered', 'pending'])(
    'one that is %s: due now, with the id and the body it had',
    async (state) => {
      const { client, tokens, id, replay } = await newEndpoint()
      const deliveryId = await plantDelivery(service(), id, {
        state,
        next_attempt_at: new Date(Date.now() + 3_600_000).toISOString(),
      })
      const before = await storedDelivery(service(), deliveryId)
      expect(await replay(deliveryId)).toMatchObject({ status: 202, body: { delivery_id: deliveryId } })
      const after = await storedDelivery(service(), deliveryId)
      expect(after).toEqual({
        ...before,
        state: 'pending',
        attempts: 0,
        settled_at: null,
        next_attempt_at: after.next_attempt_at,
        expires_at: after.expires_at,
      })
      expect(Number(after.next_attempt_at)).toBeLessThanOrEqual(Date.now() + 1000)
      expect((await auditOfWebhooks(service(), client)).at(-1)).toEqual({
        type: 'webhook.replayed',
        actor: tokens.user.id,
        subject: null,
        data: { endpoint_id: id, deliveries: 1 },
      })
    },
  )

  test('one that is under way: it stays with the consumer that delivers it', async () => {
    const { id, replay } = await newEndpoint()
    const claimed_until = new Date(Date.now() + 30_000)
    const deliveryId = await plantDelivery(service(), id, {
      state: 'pending',
      claimed_until: claimed_until.toISOString(),
    })
    expect((await replay(deliveryId)).status).toBe(202)
    expect(await storedDelivery(service(), deliveryId)).toMatchObject({ claimed_until })
  })

  test('that one alone, however many ask at once', async () => {
    const { id, replay } = await newEndpoint()
    const [deliveryId, other] = [await plantDelivery(service(), id), await plantDelivery(service(), id)]
    const answers = await race(10, () => replay(deliveryId))
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(202))
    expect(await storedDelivery(service(), deliveryId)).toMatchObject({ state: 'pending', attempts: 0 })
    expect(await storedDelivery(service(), other)).toMatchObject({ state: 'dead' })
  })
})

describe('refuses', () => {
  test('one of a disabled endpoint', async () => {
    const { id, call, replay } = await newEndpoint()
    const deliveryId = await plantDelivery(service(), id)
    await call('PATCH', `/${id}`, { state: 'disabled' })
    expectProblem(await replay(deliveryId), 'webhook_disabled')
    expect(await storedDelivery(service(), deliveryId)).toMatchObject({ state: 'dead' })
  })

  test('one that there is not, one of another endpoint, and what is no id, all alike', async () => {
    const { id, newWebhook, replay } = await newEndpoint()
    const other = await newWebhook()
    const foreign = await plantDelivery(service(), other.id)
    for (const deliveryId of [foreign, crypto.randomUUID(), 'no-id'])
      expectProblem(await replay(deliveryId), 'not_found')
    expectProblem(await replay(await plantDelivery(service(), id), crypto.randomUUID()), 'not_found')
    expect(await storedDelivery(service(), foreign)).toMatchObject({ state: 'dead' })
  })
})
