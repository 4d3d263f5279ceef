/** What a Worker meets when the fault proxy misbehaves: a network that fails as the real one does, not a polite error. */
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type Client, newClient } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { useService } from '../support/service.ts'
import { LEAKED_SECRET } from '../support/upstream-failure.ts'

const service = useService()
let client: Client
let email: string

beforeAll(async () => {
  client = await newClient(service())
  email = (await client.signUp()).email
})
afterEach(() => {
  service().gates.postgres.set('open')
  service().gates.redis.set('open')
})

const countSessions = async () =>
  (await service().sql<{ count: number }>('select count(*)::int as count from sessions'))[0]?.count ?? 0

test('a refused connection is no answer', async () => {
  service().gates.postgres.set('refusing')
  expectProblem(await client.login(email), 'upstream_unavailable')
  expect(service().logs().at(-1)).toContain('postgres could not be reached')
})

test.each(['postgres', 'redis'] as const)(
  'half an answer of %s ends, long before its deadline',
  async (name) => {
    service().gates[name].set('cut')
    const startedAt = performance.now()
    const answer = await client.call('/readyz')
    expect(answer.body).toMatchObject({ status: 'failed', [name]: 'failed' })
    expect(performance.now() - startedAt).toBeLessThan(5000)
    expect(service().gates[name].hits()).toBe(1)
  },
)

test('the answer to one write is lost, and the write is not', async () => {
  const before = await countSessions()
  const { postgres } = service().gates
  postgres.set('reset-after-commit', { times: 1, when: (body) => body.includes('insert into sessions') })
  expectProblem(await client.login(email), 'upstream_unavailable')
  expect(await countSessions()).toBe(before + 1)
  expect((await client.login(email)).status).toBe(200)
  expect(postgres.hits()).toBe(1)
})

test.each(['postgres', 'redis'] as const)(
  'what %s tells when it fails reaches neither caller nor log',
  async (name) => {
    service().gates[name].set('error-500')
    const answer = await client.login(email)
    expect(service().gates[name].hits()).toBeGreaterThan(0)
    for (const told of [JSON.stringify(answer.body), service().logs().join('\n')]) {
      for (const secret of [LEAKED_SECRET, 'postgresql://', 'lk:limit']) expect(told).not.toContain(secret)
    }
  },
)
