import { describe, expect, test } from 'vitest'
import { everyRoute } from '../support/every-route.ts'
import { expectProblem } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import {
  type Delivery,
  newAdministrator,
  type Page,
  storedDelivery,
} from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, { method: 'POST', path: '/v1/webhooks/:id/test', allow: 'POST', caller: 'admin' })

type Tested = { delivery_id: string }

describe('accepts', () => {
  test('makes one delivery, for this endpoint alone, and tells no more than its id (CASES M04)', async () => {
    const { client, call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook({ events: ['user.updated'] })
    await newWebhook()
    const { status, body } = await call<Tested>('POST', `/${id}/test`)
    expect(status).toBe(202)
    expect(Object.keys(body)).toEqual(['delivery_id'])
    const delivery = await storedDelivery(service(), body.delivery_id)
    expect(delivery).toMatchObject({
      endpoint_id: id,
      tenant_id: client.tenant.id,
      type: 'webhook.test',
      attempts: 0,
    })
    expect(JSON.parse(String(delivery.payload))).toEqual({
      type: 'webhook.test',
      timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
      data: {},
    })
    const all = await service().sql('select id from webhook_deliveries where tenant_id = $1', [
      client.tenant.id,
    ])
    expect(all).toEqual([{ id: body.delivery_id }])
    const list = await call<Page<Delivery>>('GET', `/${id}/deliveries`)
    expect(list.body.data).toMatchObject([
      { id: body.delivery_id, type: 'webhook.test', event_id: delivery.event_id },
    ])
  })

  test('every test is an event of its own', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook()
    for (let time = 0; time < 3; time++) await call('POST', `/${id}/test`)
    const { body } = await call<Page<Delivery>>('GET', `/${id}/deliveries`)
    expect(new Set(body.data.map(({ event_id }) => event_id)).size).toBe(3)
  })
})

describe('refuses', () => {
  test('an endpoint that is disabled, until it is enabled', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook()
    await call('PATCH', `/${id}`, { state: 'disabled' })
    expectProblem(await call('POST', `/${id}/test`), 'webhook_disabled')
    expect((await call<Page<Delivery>>('GET', `/${id}/deliveries`)).body.data).toEqual([])
    await call('PATCH', `/${id}`, { state: 'enabled' })
    expect((await call('POST', `/${id}/test`)).status).toBe(202)
  })

  test('more than ten a minute', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const { id } = await newWebhook()
    let answer = await call('POST', `/${id}/test`)
    for (let time = 0; time < 25 && answer.status === 202; time++) answer = await call('POST', `/${id}/test`)
    expectProblem(answer, 'rate_limited')
  })
})
