/** FINDINGS F07: a database or a Redis that accepts and never answers holds nobody longer than its deadline. */
import { afterEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/limits/limits.ts'
import { type Client, createClient, newClient, race, type Tokens } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { rowOf } from '../support/limit-rows.ts'
import { OPERATIONS } from '../support/operations.ts'
import { startService, useService } from '../support/service.ts'

const POSTGRES_MS = 500
const REDIS_MS = 250
/** What the machine may add when it is busy; a missing deadline would add 30 seconds. */
const SLACK_MS = 3000

const patient = useService() // prepares what the impatient one is asked for
const hurried = useService({
  beside: () => patient(),
  bindings: { REDIS_TIMEOUT_MS: String(REDIS_MS), POSTGRES_TIMEOUT_MS: String(POSTGRES_MS) },
})
afterEach(() => {
  patient().gates.postgres.set('open')
  patient().gates.redis.set('open')
})

async function newCaller(): Promise<{ client: Client; tokens: Tokens }> {
  const client = await newClient(patient())
  const { tokens } = await client.newAdmin()
  return { client: createClient(hurried(), client.tenant), tokens }
}

/** The answer, and how long the caller waited for it. */
async function timed<T>(call: () => Promise<T>): Promise<{ answer: T; waitedMs: number }> {
  const startedAt = performance.now()
  const answer = await call()
  return { answer, waitedMs: performance.now() - startedAt }
}

describe('while PostgreSQL hangs', () => {
  test.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
    '%s answers 504 inside its deadline, and sets no cookie',
    async (_, operation) => {
      const { client, tokens } = await newCaller()
      patient().gates.postgres.set('hanging')
      const { answer, waitedMs } = await timed(() => operation.call(client, tokens))
      expectProblem(answer, 'upstream_timeout')
      expect(waitedMs).toBeGreaterThan(POSTGRES_MS * 0.9)
      expect(waitedMs).toBeLessThan(POSTGRES_MS + SLACK_MS)
    },
  )
})

test('the whole request has a deadline of its own, and the log says which part was late', async () => {
  const bindings = { REQUEST_TIMEOUT_MS: '400', POSTGRES_TIMEOUT_MS: '20000', REDIS_TIMEOUT_MS: '20000' }
  const shortLived = await startService({ beside: patient(), bindings })
  try {
    const { client, tokens } = await newCaller()
    patient().gates.postgres.set('hanging')
    const { answer, waitedMs } = await timed(() =>
      createClient(shortLived, client.tenant).me(tokens.access_token),
    )
    expectProblem(answer, 'upstream_timeout')
    expect(waitedMs).toBeLessThan(400 + SLACK_MS)
    expect(shortLived.logs().join('\n')).toContain('postgres did not answer inside its deadline')
  } finally {
    await shortLived.stop()
  }
})

describe('while Redis hangs', () => {
  test.each(OPERATIONS.map((operation) => [operation.name, operation] as const))(
    '%s succeeds inside the deadline, or answers 504 where nobody may ask uncounted',
    async (name, operation) => {
      const { client, tokens } = await newCaller()
      patient().gates.redis.set('hanging')
      const { answer, waitedMs } = await timed(() => operation.call(client, tokens))
      if (LIMITS[rowOf(name)].withoutRedis === 'closed') expectProblem(answer, 'upstream_timeout')
      else expect(answer.status).toBeLessThan(400)
      expect(waitedMs).toBeLessThan(REDIS_MS + SLACK_MS)
    },
  )

  test.each(['POST /v1/register', 'POST /v1/login'])(
    '%s is refused inside the deadline once its address has spent the ten a minute of the fallback',
    async (name) => {
      const { client, tokens } = await newCaller()
      const operation = OPERATIONS.find((candidate) => candidate.name === name)
      patient().gates.redis.set('hanging')
      // Even when the minute begins anew in between, that is 20 at most.
      const answers = await race(30, () => timed(async () => operation?.call(client, tokens)))
      const refused = answers.filter(({ answer }) => answer?.status === 429)
      expect(refused.length).toBeGreaterThanOrEqual(10)
      for (const { answer } of refused) if (answer) expectProblem(answer, 'rate_limited')
      for (const { waitedMs } of refused) expect(waitedMs).toBeLessThan(REDIS_MS + SLACK_MS)
    },
  )
})
