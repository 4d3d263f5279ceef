/** That every limit goes through @upstash/ratelimit, which lets no one through by itself, and what its analytics tell. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createClient, newEmail, race, randomAddress } from '../support/client.ts'
import { expectProblem } from '../support/expect.ts'
import { fill, inOneWindow, statuses, tryToRegister, useLimited } from '../support/windows.ts'

/** Its Redis has longer than the five seconds after which the package would let everyone through. */
const silent = useLimited({ REDIS_TIMEOUT_MS: '6500' })
const telling = useLimited({ LIMIT_ANALYTICS: 'on' })

const HOUR_MS = 3_600_000
const hourKey = (hour = 0) => `lk:limit:events:${(Math.floor(Date.now() / HOUR_MS) + hour) * HOUR_MS}`

/** What the console would show of this hour: `{"identifier":…,"success":…}` and how often. */
async function told(): Promise<Record<string, number>> {
  const rows = (await telling().engine.exec(['ZRANGE', hourKey(), '0', '-1', 'WITHSCORES'])) as string[] // of names and numbers
  const pairs = rows.flatMap((row, index) =>
    index % 2 === 0 ? [[row, Number(rows[index + 1])] as const] : [],
  )
  return Object.fromEntries(pairs)
}

const passed = JSON.stringify({ identifier: 'register', success: true })
const refused = JSON.stringify({ identifier: 'register', success: false })

describe('packages 19: with LIMIT_ANALYTICS=on', () => {
  beforeEach(() => telling().engine.exec(['FLUSHALL']))
  const from = (address = randomAddress()) => createClient(telling().service, telling().tenant, address)

  test('packages 19: tells how many of 50 simultaneous requests passed and were refused, by the operation alone', async () => {
    const answers = await inOneWindow(3600, async () => {
      await telling().engine.exec(['FLUSHALL'])
      const client = from()
      await fill(telling(), 'register:address', 79, () => tryToRegister(client))
      return race(50, () => tryToRegister(client))
    })
    expect(statuses(answers)).toEqual({ 422: 20, 429: 30 })
    await expect.poll(told, { timeout: 60_000 }).toEqual({ [passed]: 21, [refused]: 30 })
  })

  test('packages 19: names no caller, and keeps an hour for 90 days, which the package itself keeps for ever', async () => {
    const client = from('203.0.113.201')
    const email = newEmail()
    await tryToRegister(client, email)
    await expect.poll(told, { timeout: 60_000 }).toEqual({ [passed]: 1 })
    const ttl = () => telling().engine.exec(['TTL', hourKey()])
    await expect.poll(async () => Number(await ttl()) > 89 * 86_400, { timeout: 60_000 }).toBe(true)
    const kept = telling().engine.snapshot()
    for (const secret of [email, '203.0.113', telling().tenant.host]) expect(kept).not.toContain(secret)
  })

  test('packages 19: the request itself stays one trip to Redis, and no caller waits for the analytics', async () => {
    const client = from()
    await tryToRegister(client)
    telling().gate.set('hanging', { when: (body) => body.includes('zincrby') })
    const { headers } = await tryToRegister(client)
    telling().gate.set('open')
    expect(headers.get('server-timing')).toMatch(/redis;desc="1"/)
  })

  test('packages 19: analytics that cannot be sent are one line of the log, without the command, and change no answer', async () => {
    for (const hour of [0, 1]) await telling().engine.exec(['SET', hourKey(hour), 'not a sorted set'])
    const { status, headers } = await tryToRegister(from())
    expect(status).toBe(422)
    // Of this request: what the test before left hanging may end now.
    const id = headers.get('x-request-id') ?? 'none'
    const lines = () =>
      telling()
        .service.logs()
        .filter((line) => line.includes(id))
    const ours = () => lines().filter((line) => line.includes('could not send limit analytics'))
    await expect.poll(() => ours().length, { timeout: 60_000 }).toBe(1)
    expect(JSON.parse(ours()[0] ?? '')).toMatchObject({ level: 'warn', cause: 'redis could not be reached' })
    expect(lines().join('\n')).not.toMatch(/WRONGTYPE|zincrby|identifier|Failed to record/i)
  })
})

test('packages 19: tells nothing unless it is asked to', async () => {
  await tryToRegister(createClient(silent().service, silent().tenant))
  expect(await silent().engine.exec(['KEYS', '*events*'])).toEqual([])
})

/** By default the package answers "allowed" for a Redis that is silent for five seconds. */
test('packages 19: a Redis that is silent for longer than the package waits lets no one through', async () => {
  const { client, gate } = silent()
  gate.set('hanging')
  try {
    const answer = await client.call('/v1/password/forgot', { json: { email: newEmail() } })
    expectProblem(answer, 'upstream_timeout')
    expect(gate.hits()).toBe(1)
  } finally {
    gate.set('open')
  }
})
