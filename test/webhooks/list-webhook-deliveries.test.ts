import { describe, expect, test } from 'vitest'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import {
  type Delivery,
  newAdministrator,
  type Page,
  plantDelivery,
} from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, {
  method: 'GET',
  path: '/v1/webhooks/:id/deliveries',
  allow: 'GET, HEAD',
  caller: 'admin',
})

async function newEndpoint() {
  const administrator = await newAdministrator(service())
  const { id } = await administrator.newWebhook()
  const list = (query = '') => administrator.call<Page<Delivery>>('GET', `/${id}/deliveries${query}`)
  return { ...administrator, id, list }
}

describe('accepts', () => {
  test('lists what became of every delivery, newest first', async () => {
    const { id, list } = await newEndpoint()
    expect((await list()).body).toEqual({ data: [], next_cursor: null })
    const dead = await plantDelivery(service(), id)
    const pending = await plantDelivery(service(), id, {
      state: 'pending',
      attempts: 0,
      last_status: null,
      last_error: null,
      last_duration_ms: null,
    })
    const answer = await list()
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    expect(answer.body).toEqual({
      data: [
        {
          id: pending,
          event_id: expect.any(String),
          type: 'user.updated',
          state: 'pending',
          attempts: 0,
          next_attempt_at: expect.stringMatching(/Z$/),
          last_status: null,
          last_error: null,
          last_duration_ms: null,
          dead_reason: null,
          created_at: expect.stringMatching(/Z$/),
          settled_at: null,
        },
        {
          id: dead,
          event_id: expect.any(String),
          type: 'user.updated',
          state: 'dead',
          attempts: 8,
          next_attempt_at: null,
          last_status: 500,
          last_error: 'status',
          last_duration_ms: 12,
          dead_reason: null,
          created_at: expect.stringMatching(/Z$/),
          settled_at: expect.stringMatching(/Z$/),
        },
      ],
      next_cursor: null,
    })
  })

  test('those of one state, page by page; a cursor belongs to its state', async () => {
    const { id, list } = await newEndpoint()
    const dead: string[] = []
    for (let time = 0; time < 5; time++) {
      await plantDelivery(service(), id, { state: 'delivered', last_status: 204 })
      dead.unshift(await plantDelivery(service(), id))
    }
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { body } = await list(`?state=dead&limit=2${query}`)
      seen.push(...body.data.map((delivery) => delivery.id))
      cursor = body.next_cursor
      if (cursor !== null)
        expectInvalidInput(await list(`?cursor=${encodeURIComponent(cursor)}`), {
          '/cursor': 'invalid_cursor',
        })
    } while (cursor !== null)
    expect(seen).toEqual(dead)
    expect((await list('?state=delivered')).body.data).toHaveLength(5)
    expect((await list()).body.data).toHaveLength(10)
  })
})

describe('refuses', () => {
  test('a state and parameters that there are not', async () => {
    const { list } = await newEndpoint()
    expectInvalidInput(await list('?state=lost'), { '/state': 'not_allowed' })
    expectInvalidInput(await list('?payload=x'), { '/payload': 'unknown_field' })
    expectInvalidInput(await list('?limit=101'), { '/limit': 'out_of_range' })
  })
})

describe('attacks', () => {
  test('neither what was sent nor what came back is in the list, and no cursor leads to another endpoint', async () => {
    const { id, list, call, newWebhook } = await newEndpoint()
    await plantDelivery(service(), id)
    await plantDelivery(service(), id)
    const { body } = await list('?limit=1')
    expect(JSON.stringify(body)).not.toContain('byte for byte')
    const other = await newWebhook()
    const cursor = encodeURIComponent(body.next_cursor ?? '')
    expectInvalidInput(await call('GET', `/${other.id}/deliveries?cursor=${cursor}`), {
      '/cursor': 'invalid_cursor',
    })
    expect((await call<Page<Delivery>>('GET', `/${other.id}/deliveries`)).body.data).toEqual([])
  })
})
