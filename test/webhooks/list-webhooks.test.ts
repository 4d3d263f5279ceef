import { describe, expect, test } from 'vitest'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders, expectInvalidInput } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'
import { newAdministrator, type Page, type Webhook } from '../support/webhook-administrator.ts'

const service = useLentService()

everyRoute(service, { method: 'GET', path: '/v1/webhooks', allow: 'GET, HEAD, POST', caller: 'admin' })

describe('accepts', () => {
  test('lists the endpoints of the tenant, newest first, to each of its administrators', async () => {
    const { client, newWebhook } = await newAdministrator(service())
    const { call } = await newAdministrator(service(), client)
    expect((await call('GET', '')).body).toEqual({ data: [], next_cursor: null })
    const made = [await newWebhook(), await newWebhook({ description: 'Second' })]
    const answer = await call<Page<Webhook>>('GET', '')
    expect(answer.status).toBe(200)
    expectCommonHeaders(answer)
    const shown = made.map(({ secret: _, ...endpoint }) => endpoint)
    expect(answer.body).toEqual({ data: shown.toReversed(), next_cursor: null })
  })

  test('goes through the pages of a cursor: every endpoint once', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const made: string[] = []
    for (let time = 0; time < 5; time++) made.unshift((await newWebhook()).id)
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
      const { body } = await call<Page<Webhook>>('GET', `?limit=2${query}`)
      expect(body.data.length).toBeLessThanOrEqual(2)
      seen.push(...body.data.map(({ id }) => id))
      cursor = body.next_cursor
    } while (cursor !== null)
    expect(seen).toEqual(made)
  })
})

describe('refuses', () => {
  test('a page size and parameters that there are not', async () => {
    const { call } = await newAdministrator(service())
    for (const limit of ['0', '101', 'x'])
      expectInvalidInput(await call('GET', `?limit=${limit}`), { '/limit': 'out_of_range' })
    expectInvalidInput(await call('GET', '?state=enabled'), { '/state': 'unknown_field' })
    expectInvalidInput(await call('GET', '?cursor=x'), { '/cursor': 'invalid_cursor' })
  })
})

describe('attacks', () => {
  test('no caller sees the endpoints of another tenant, not with its cursor either (CASES K05)', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    await newWebhook()
    await newWebhook()
    const { body } = await call<Page<Webhook>>('GET', '?limit=1')
    const other = await newAdministrator(service())
    expect((await other.call<Page<Webhook>>('GET', '')).body.data).toEqual([])
    const stolen = await other.call('GET', `?cursor=${encodeURIComponent(body.next_cursor ?? '')}`)
    expectInvalidInput(stolen, { '/cursor': 'invalid_cursor' })
  })

  test('an entry has exactly the fields of the contract: no secret, sealed or not (CASES K10)', async () => {
    const { call, newWebhook } = await newAdministrator(service())
    const { secret } = await newWebhook()
    const { body } = await call<Page<Webhook>>('GET', '')
    expect(Object.keys(body.data[0] ?? {}).toSorted()).toEqual([
      'created_at',
      'description',
      'disabled_reason',
      'events',
      'failing_since',
      'id',
      'state',
      'updated_at',
      'url',
    ])
    expect(JSON.stringify(body)).not.toContain(secret)
    expect(JSON.stringify(body)).not.toContain('whsec_')
  })
})
