/** What is public and cheap: 600 a minute for an address, counted by the Workers rate-limit binding, without a trip. */
import { afterEach, describe, expect, test } from 'vitest'
import { type Client, createClient, race, randomAddress } from '../support/client.ts'
import {
  expectRateLimited,
  inOneWindow,
  keysOf,
  refusedOf,
  requestsFrom,
  statuses,
  useLimited,
} from '../support/windows.ts'

const limited = useLimited()

afterEach(() => {
  limited().gate.set('open')
  limited().service.gates.postgres.set('open')
})

const from = (address = randomAddress()): Client => createClient(limited().service, limited().tenant, address)

/** What the edge keeps for ten minutes, and is never refused below that. */
const KEPT = [
  '/.well-known/jwks.json',
  '/.well-known/openid-configuration',
  '/.well-known/change-password',
] as const
const PATHS = [...KEPT, '/healthz']

/** Round trips so far, of everyone. */
const trips = () => limited().redis.trips() + limited().service.trips().postgres

describe.each(KEPT)('%s', (path) => {
  const status = path.endsWith('password') ? 303 : 200

  test('accounts 9: all of 700 simultaneous requests from one address get what the edge holds, without a trip', async () => {
    await from().call(path) // read once, and kept
    await inOneWindow(60, async () => {
      const client = from()
      const before = trips()
      expect(statuses(await race(700, () => client.call(path)))).toEqual({ [status]: 700 })
      expect(trips()).toBe(before)
    })
  })

  test('accounts 9: the reads behind it are counted: 600 a minute, and what the edge holds goes on', async () => {
    await from().call(path)
    const cold = await limited().service.newTenant()
    await inOneWindow(60, async () => {
      const client = from()
      const { gates } = limited().service
      gates.postgres.set('refusing') // so that nothing is ever kept for it, and fast
      const asking = createClient(limited().service, cold, client.address)
      const answers = await race(620, () => asking.call(path))
      expect(statuses(answers)).toEqual({ 503: 600, 429: 20 })
      for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 600, 60)
      expect((await client.call(path)).status, 'of the same address, where the edge holds it').toBe(status)
    })
  }, 120_000)
})

describe('/healthz', () => {
  test('answers exactly 600 of 700 simultaneous requests from one address, without a trip, and refuses 100', async () => {
    const { client, answers } = await inOneWindow(60, async () => {
      const client = from()
      const before = trips()
      const answers = await race(700, () => client.call('/healthz'))
      expect(trips()).toBe(before)
      return { client, answers }
    })
    expect(statuses(answers)).toEqual({ 200: 600, 429: 100 })
    for (const answer of refusedOf(answers)) {
      expectRateLimited(answer, 'address', 600, 60)
      expect(answer.trips).toEqual({ postgres: 0, redis: 0 })
    }
    const said = requestsFrom(limited(), client).map(({ limiter, status }) => `${status} ${limiter}`)
    expect([...new Set(said)].toSorted()).toEqual(['200 allowed', '429 refused'])
    expect((await from().call('/healthz')).status, 'from another address').toBe(200)
    for (const kept of KEPT)
      expect((await client.call(kept)).status, `${kept} is not counted`).toBeLessThan(400)
  })
})

test('counts one IPv6 /64, and every spelling of the path and its query, as one', async () => {
  const answers = await inOneWindow(60, () => {
    const network = `2001:db8:${Math.floor(Math.random() * 0xffff).toString(16)}:7`
    return race(650, (index) =>
      from(`${network}::${index.toString(16)}`).call(`/healthz?x=${index}`, {
        headers: { 'x-forwarded-for': randomAddress(), 'cache-control': 'no-cache' },
      }),
    )
  })
  expect(statuses(answers)).toEqual({ 200: 600, 429: 50 })
})

test('keeps readyz from asking Redis and PostgreSQL more than 600 times a minute for one address', async () => {
  const gates = [limited().gate, limited().service.gates.postgres]
  const asked = await inOneWindow(60, async () => {
    const client = from()
    for (const gate of gates) gate.set('refusing') // as often, and faster
    const answers = await race(620, () => client.call('/readyz'))
    expect(statuses(answers)).toEqual({ 503: 600, 429: 20 })
    return gates.map((gate) => gate.hits())
  })
  expect(asked).toEqual([600, 600])
})

test('leaves nothing of them in Redis', async () => {
  for (const path of [...PATHS, '/readyz']) expect((await from().call(path)).status).toBeLessThan(400)
  expect(await keysOf(limited())).toEqual([])
})
