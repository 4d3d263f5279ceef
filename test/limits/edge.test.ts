/** What is public and cheap: 600 a minute for an address, counted by the Workers rate-limit binding, without a trip. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Client, createClient, race, randomAddress } from '../support/client.ts'
import {
  expectRateLimited,
  inOneWindow,
  keysOf,
  refusedOf,
  requestsFrom,
  statuses,
  useLimited,
} from './windows.ts'

const limited = useLimited()

afterEach(() => {
  limited().gate.set('open')
  limited().service.gates.postgres.set('open')
})

const from = (address = randomAddress()): Client => createClient(limited().service, limited().tenant, address)

const PATHS = ['/.well-known/jwks.json', '/.well-known/openid-configuration', '/healthz']

/** Round trips so far, of everybody. */
const trips = () => limited().redis.trips() + limited().service.trips().postgres

describe.each(PATHS)('%s', (path) => {
  it('answers exactly 600 of 700 simultaneous requests from one address, without a trip, and refuses 100', async () => {
    await from().call(path) // keys and discovery are read once, and kept
    const { client, answers } = await inOneWindow(60, async () => {
      const client = from()
      const before = trips()
      const answers = await race(700, () => client.call(path))
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

    expect((await from().call(path)).status, 'from another address').toBe(200)
    for (const other of PATHS.filter((one) => one !== path))
      expect((await client.call(other)).status, `${other} has a limit of its own`).toBe(200)
  })
})

it('counts one IPv6 /64, and every spelling of the path and its query, as one', async () => {
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

it('keeps readyz from asking Redis and PostgreSQL more than 600 times a minute for one address', async () => {
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

it('leaves nothing of them in Redis', async () => {
  for (const path of [...PATHS, '/readyz']) expect((await from().call(path)).status).toBe(200)
  expect(await keysOf(limited())).toEqual([])
})
