import { afterEach, describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { useLentService } from '../support/service.ts'

const service = useLentService()

afterEach(() => {
  service().gates.postgres.set('open')
  service().gates.redis.set('open')
})

everyRoute(service, {
  method: 'GET',
  path: '/healthz',
  allow: 'GET, HEAD',
  caller: 'anyone',
  hasTenant: false,
})

describe('accepts', () => {
  test('answers that the process is alive, without asking an upstream', async () => {
    const client = await newClient(service())
    const before = service().trips()
    const answer = await client.call('/healthz')
    expect(answer).toMatchObject({ status: 200, body: { status: 'ok' }, trips: { postgres: 0, redis: 0 } })
    expect(service().trips()).toEqual(before)
    expectCommonHeaders(answer)
  })

  test('goes on answering while PostgreSQL and Redis are away', async () => {
    const client = await newClient(service())
    service().gates.postgres.set('refusing')
    service().gates.redis.set('refusing')
    expect((await client.call('/healthz')).status).toBe(200)
  })

  test('answers HEAD without a body', async () => {
    const client = await newClient(service())
    expect(await client.call('/healthz', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
  })
})
