import { afterEach, describe, expect, test } from 'vitest'
import { newClient } from '../support/client.ts'
import { everyRoute } from '../support/every-route.ts'
import { expectCommonHeaders } from '../support/expect.ts'
import { useService } from '../support/service.ts'

const service = useService({ bindings: { POSTGRES_TIMEOUT_MS: '1500', REDIS_TIMEOUT_MS: '1500' } })

afterEach(() => {
  service().gates.postgres.set('open')
  service().gates.redis.set('open')
})

everyRoute(service, {
  method: 'GET',
  path: '/readyz',
  allow: 'GET, HEAD',
  caller: 'anyone',
  hasTenant: false,
})

describe('accepts', () => {
  test('answers 200 when PostgreSQL and Redis answer, after one trip to each', async () => {
    const client = await newClient(service())
    const answer = await client.call('/readyz')
    expect(answer).toMatchObject({
      status: 200,
      body: { status: 'ok', postgres: 'ok', redis: 'ok', signing_key: 'ok', auth_keys: 'ok' },
      trips: { postgres: 1, redis: 1 },
    })
    expectCommonHeaders(answer)
  })
})

describe('refuses', () => {
  test.each([
    ['postgres', 'refusing'],
    ['redis', 'refusing'],
    ['postgres', 'hanging'],
    ['redis', 'hanging'],
  ] as const)('answers 503 and names %s while it is %s, and nothing more', async (upstream, mode) => {
    const client = await newClient(service())
    service().gates[upstream].set(mode)
    const answer = await client.call('/readyz')
    expect(answer.status).toBe(503)
    const keys = upstream === 'postgres' ? 'unknown' : 'ok'
    const parts = { postgres: 'ok', redis: 'ok', signing_key: keys, auth_keys: keys, [upstream]: 'failed' }
    expect(answer.body).toEqual({ status: 'failed', ...parts })
    expectCommonHeaders(answer)
  })
})
