/** A database or a Redis that is not there: each message is retried by itself, after its delay, and nothing is lost. */
import { afterEach, describe, expect, test, vi } from 'vitest'
import { newClient } from '../support/client.ts'
import { useStage } from '../support/event-stage.ts'

const stage = useStage()

afterEach(() => {
  for (const gate of Object.values(stage().service.gates)) gate.set('open')
  stage().queue.take()
})

/** A registration, whose events are recorded, and a sign-in that fails, which is an attempt: two messages. */
async function happen() {
  const client = await newClient(stage().service)
  const { email } = await client.newAccount()
  await client.login(email, 'not the password')
  const bodies = await vi.waitFor(async () => {
    const found = await stage().messagesOf(client.tenant)
    expect(found).toHaveLength(2)
    return found
  }, 5000)
  stage().queue.take()
  return { client, bodies }
}

const ALL = ['session.refused', 'session.started', 'user.registered']
const typesOf = async ({ tenant }: Awaited<ReturnType<typeof happen>>['client']) =>
  (await stage().audited(tenant)).map(({ type }) => type).toSorted()

const delaysOf = ({ retryMessages }: { retryMessages: { delaySeconds?: number }[] }) =>
  retryMessages.map(({ delaySeconds }) => delaySeconds)

describe('piles 14: while PostgreSQL is down', () => {
  test.each([
    ['refuses connections', 'refusing'],
    ['answers 500', 'error-500'],
    ['cuts its answers', 'cut'],
  ] as const)('because it %s, a batch of events is retried message by message', async (_, mode) => {
    const { client, bodies } = await happen()
    const { service } = stage()
    service.gates.postgres.set(mode)
    for (const [attempts, delay] of [
      [1, 30],
      [3, 120],
      [12, 1800],
    ] as const) {
      const decided = await service.queue('latchkey-events', bodies, attempts)
      expect(decided.outcome).toBe('ok')
      expect(decided.explicitAcks).toEqual([])
      expect(delaysOf(decided)).toEqual([delay, delay])
    }
    expect(service.gates.postgres.hits()).toBeGreaterThan(0)
    service.gates.postgres.set('open')
    expect((await service.queue('latchkey-events', bodies)).explicitAcks).toHaveLength(2)
    expect(await typesOf(client)).toEqual(ALL)
  })

  test('deliveries are retried message by message too', async () => {
    stage().service.gates.postgres.set('refusing')
    const body = { endpoint_id: crypto.randomUUID() }
    const decided = await stage().service.queue('latchkey-deliveries', [body, body])
    expect(decided.outcome).toBe('ok')
    expect(delaysOf(decided)).toEqual([30, 30])
  })

  test('dead letters need it not: attempts are kept in Redis until it is back', async () => {
    const { client, bodies } = await happen()
    const { service } = stage()
    service.gates.postgres.set('refusing')
    expect((await service.queue('latchkey-events-dead', bodies)).explicitAcks).toHaveLength(2)
    service.gates.postgres.set('open')
    await service.consume()
    await service.runCron('* * * * *')
    expect(await typesOf(client)).toEqual(ALL)
  })
})

describe('piles 14: while Redis is down', () => {
  const lost = () =>
    stage()
      .service.logs()
      .filter((line) => line.includes('event lost'))

  test('a dead attempt waits in its queue; what the outbox has does not', async () => {
    const { client, bodies } = await happen()
    const { service } = stage()
    service.gates.redis.set('refusing')
    const decided = await service.queue('latchkey-events-dead', bodies, 2)
    expect(decided.outcome).toBe('ok')
    expect(decided.explicitAcks).toHaveLength(1)
    expect(delaysOf(decided)).toEqual([60])
    expect(lost()).toEqual([])
    service.gates.redis.set('open')
    expect((await service.queue('latchkey-events-dead', bodies, 3)).explicitAcks).toHaveLength(2)
    await service.consume()
    await service.runCron('* * * * *')
    expect(await typesOf(client)).toEqual(ALL)
  })

  test('the last try of a dead attempt says in the log what may be said', async () => {
    const { bodies } = await happen()
    stage().service.gates.redis.set('refusing')
    const decided = await stage().service.queue('latchkey-events-dead', bodies, 101)
    expect(decided.explicitAcks).toHaveLength(2)
    expect(lost()).toHaveLength(1)
    expect(lost()[0]).toContain('session.refused')
  })
})
