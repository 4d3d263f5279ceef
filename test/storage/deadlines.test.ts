/** FINDINGS F07: a database or a Redis that accepts and never answers holds no one longer than its deadline. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/limits/limits.ts'
import { type Answer, type Client, createClient, newClient, race, type Tokens } from '../support/client.ts'
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
  const { tokens } = await client.signUpAdmin()
  return { client: createClient(hurried(), client.tenant), tokens }
}

type Timed<T> = { answer: T; waitedMs: number }

/** The answer, and how long the caller waited for it. */
async function timed<T>(call: () => Promise<T>): Promise<Timed<T>> {
  const startedAt = performance.now()
  const answer = await call()
  return { answer, waitedMs: performance.now() - startedAt }
}

/** Each waits for the same deadline. More would keep this machine from meeting the deadline of the other upstream. */
const AT_ONCE = 12

/** What each operation answers while an upstream hangs, by its name. */
function askWhileHanging(upstream: 'postgres' | 'redis'): (name: string) => Promise<Timed<Answer<unknown>>> {
  const asked = new Map<string, Promise<Timed<Answer<unknown>>>>()
  beforeAll(async () => {
    for (let first = 0; first < OPERATIONS.length; first += AT_ONCE) {
      const prepared = []
      for (const operation of OPERATIONS.slice(first, first + AT_ONCE)) {
        const { client, tokens } = await newCaller()
        prepared.push({ name: operation.name, call: await operation.prepare(client, tokens) })
      }
      patient().gates[upstream].set('hanging')
      for (const { name, call } of prepared) asked.set(name, timed(call))
      await Promise.allSettled(asked.values())
      patient().gates[upstream].set('open')
    }
  }, 120_000)
  return (name) => asked.get(name) ?? Promise.reject(new Error(`${name} was not asked`))
}

const NAMES = OPERATIONS.map(({ name }) => name)

describe('while PostgreSQL hangs', () => {
  const answerOf = askWhileHanging('postgres')

  test.each(NAMES)('%s answers 504 inside its deadline, and sets no cookie', async (name) => {
    const { answer, waitedMs } = await answerOf(name)
    expectProblem(answer, 'upstream_timeout')
    expect(waitedMs).toBeGreaterThan(POSTGRES_MS * 0.9)
    expect(waitedMs).toBeLessThan(POSTGRES_MS + SLACK_MS)
  })
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
    expect(shortLived.logs().join('\n')).toContain('postgres did not answer before its deadline')
  } finally {
    await shortLived.stop()
  }
})

describe('while Redis hangs', () => {
  const answerOf = askWhileHanging('redis')

  test.each(NAMES)(
    '%s succeeds inside the deadline, or answers 504 where no one may ask uncounted',
    async (name) => {
      const { answer, waitedMs } = await answerOf(name)
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
