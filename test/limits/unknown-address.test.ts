/**
 * H02: a request whose address the edge did not state. All of them share one bucket with a tenth of the rate; none goes
 * uncounted. The local runtime writes an address of its own where the header is missing or empty, so what only the edge
 * could leave out is also asked of the limit itself.
 */
import { describe, expect, test } from 'vitest'
import { readClient } from '../../src/http/client.ts'
import { checkLimits } from '../../src/limits/check.ts'
import { readSettings } from '../../src/settings.ts'
import { createRedis } from '../../src/storage/redis.ts'
import { createTrips } from '../../src/storage/trips.ts'
import { createClient, newEmail, race } from '../support/client.ts'
import { rawRequest, sendRaw } from '../support/raw.ts'
import {
  countersOf,
  expectRateLimited,
  inOneWindow,
  keysOf,
  refusedOf,
  statuses,
  tryToRegister,
  useLimited,
} from '../support/windows.ts'

const limited = useLimited()
const flush = () => limited().engine.exec(['FLUSHALL'])

const GARBAGE = [
  'unknown',
  'x',
  '1.2.3',
  '256.1.1.1',
  '1.2.3.4, 5.6.7.8',
  '1.2.3.4:80',
  '[::1]',
  '::ffff:1.2.3',
]

describe('register: 10 an hour for everyone without an address', () => {
  test('lets exactly 10 of 110 simultaneous ones pass, whatever the header says', async () => {
    const answers = await inOneWindow(3600, async () => {
      await flush()
      return race(110, (index) =>
        tryToRegister(createClient(limited().service, limited().tenant, GARBAGE[index % GARBAGE.length])),
      )
    })
    expect(statuses(answers)).toEqual({ 422: 10, 429: 100 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'address', 10, 3600)
  })

  test('lets exactly 10 of 30 pass whose header is sent twice, and none of the addresses in it is counted', async () => {
    const answers = await inOneWindow(3600, async () => {
      await flush()
      return race(30, (index) =>
        register([`CF-Connecting-IP: 198.51.100.${index}`, 'CF-Connecting-IP: 203.0.113.9']),
      )
    })
    expect(statuses(answers)).toEqual({ 422: 10, 429: 20 })
    expect(await keysOf(limited(), 'register:address')).toHaveLength(1)
    const named = createClient(limited().service, limited().tenant, '203.0.113.9')
    expect((await tryToRegister(named)).status).toBe(422)
  })

  test.each([
    ['empty', ['CF-Connecting-IP: ']],
    ['absent', []],
  ])('counts those whose header is %s in one bucket: of 120 at least 20 are refused', async (_, lines) => {
    const answers = await inOneWindow(3600, async () => {
      await flush()
      return race(120, () => register(lines))
    })
    expect(statuses(answers)[429]).toBeGreaterThanOrEqual(20)
    expect(await keysOf(limited(), 'register:address')).toHaveLength(1)
  })

  test('takes nothing from anyone whose address is known', async () => {
    await inOneWindow(3600, async () => {
      await flush()
      await race(20, () => tryToRegister(createClient(limited().service, limited().tenant, 'x')))
      expect((await tryToRegister(limited().client)).status).toBe(422)
    })
  })
})

describe('the limit itself', () => {
  const twice = [
    ['cf-connecting-ip', '198.51.100.7'],
    ['cf-connecting-ip', '198.51.100.8'],
  ]
  test.each([
    ['no header', []],
    ['an empty one', [['cf-connecting-ip', '']]],
    ['blanks', [['cf-connecting-ip', '   ']]],
    ['an address in another header', [['x-forwarded-for', '198.51.100.7']]],
    ['two addresses', twice],
  ])('passes 10 registrations, 10 sign-ins and 60 reads of 100 each with %s', async (_, headers) => {
    await inOneWindow(60, async () => {
      await flush()
      const ctx = limitContext(headers as [string, string][]) // each is a pair
      for (const [operation, passing] of [
        ['register', 10],
        ['login', 10],
        ['readMe', 60],
      ] as const) {
        const refusals = await race(100, () => checkLimits(ctx, operation))
        expect(refusals.filter((refusal) => refusal === null)).toHaveLength(passing)
      }
      expect(Object.values(await countersOf(limited())).toSorted()).toEqual([10, 10, 60])
    })
  })
})

/** What a Worker's request gives the limits, made in Node: there a header can be missing. */
function limitContext(headers: [string, string][]): Parameters<typeof checkLimits>[0] {
  const request = new Request('https://auth.example.com', { headers })
  const { redis, service } = limited()
  const trips = createTrips({ postgres: 60_000, redis: 60_000, request: 60_000 })
  return {
    client: readClient(request),
    redis: createRedis({ url: redis.url, token: 'local' }, trips),
    trips,
    settings: readSettings(service.bindings, ['AUTH_KEYS']),
    outcome: {},
    rateLimiters: { edge: undefined, fallback: undefined },
    now: () => new Date(),
    log: () => {},
    defer: () => {},
  }
}

/** A sign-up with these address headers, byte for byte. */
function register(lines: string[]) {
  const { service, tenant } = limited()
  const body = JSON.stringify({ email: newEmail(), password: 'short' })
  const head = [`Host: ${tenant.host}`, 'Content-Type: application/json', `Content-Length: ${body.length}`]
  return sendRaw(service, rawRequest('POST /v1/register HTTP/1.1', [...head, ...lines], body))
}
