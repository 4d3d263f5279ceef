/** Networks wider than a /64: what a whole /48 may do, and that no network can shut a tenant's registration to the others. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Client, createClient, newEmail, race, randomAddress } from '../support/client.ts'
import {
  expectRateLimited,
  fill,
  inOneWindow,
  keysOf,
  refusedOf,
  statuses,
  tryToRegister,
  useLimited,
} from '../support/windows.ts'

const limited = useLimited({ REDIS_TIMEOUT_MS: '2000' })
const from = (address = randomAddress()) => createClient(limited().service, limited().tenant, address)

const randomHextet = () => Math.floor(Math.random() * 0xffff).toString(16)
/** The n-th /64 of a new /48. */
const newSite = () => {
  const site = `2001:db8:${randomHextet()}`
  return (n: number) => from(`${site}:${n.toString(16)}::1`)
}

beforeEach(() => limited().engine.exec(['FLUSHALL']))
afterEach(() => limited().gate.set('open'))

describe('accounts 7: an IPv6 /48', () => {
  test('accounts 7: may do ten times what one of its /64s may: after 980, 20 of 50 simultaneous ones from as many /64s', async () => {
    const { answers, site } = await inOneWindow(3600, async () => {
      const site = newSite()
      await fill(limited(), 'register:site', 979, () => tryToRegister(site(0)))
      return { site, answers: await race(50, (n) => tryToRegister(site(n + 1))) }
    })
    expect(statuses(answers)).toEqual({ 422: 20, 429: 30 })
    for (const answer of refusedOf(answers)) expectRateLimited(answer, 'site', 1000, 3600)
    expect((await tryToRegister(site(60))).status, 'the same /48').toBe(429)
    expect((await tryToRegister(newSite()(1))).status, 'the next /48').toBe(422)
  })

  test('accounts 7: is counted for every operation that counts addresses; an IPv4 address has no wider tier', async () => {
    const calls = (client: Client) => [
      client.call('/v1/password/forgot', { json: { email: newEmail() } }),
      client.login(newEmail()),
    ]
    const buckets = ['forgotPassword:site', 'login:site']
    await Promise.all(calls(from()))
    for (const bucket of buckets) expect(await keysOf(limited(), bucket)).toEqual([])
    await Promise.all(calls(newSite()(1)))
    for (const bucket of buckets) expect(await keysOf(limited(), bucket)).toHaveLength(1)
  })

  test('accounts 7: is bounded without Redis too: of 200 simultaneous ones from as many /64s at most 100 pass', async () => {
    limited().gate.set('refusing')
    const answers = await inOneWindow(60, () => {
      const site = newSite()
      return race(200, (n) => tryToRegister(site(n)))
    })
    const { 422: passed = 0, 429: refused = 0 } = statuses(answers)
    expect(passed + refused).toBe(200)
    expect(passed).toBeLessThanOrEqual(100)
    expect(passed).toBeGreaterThan(10)
  })
})

describe("accounts 7: a tenant's registrations of an hour that are used up", () => {
  test('accounts 7: are shut to the networks that used them, and open to each other one for five', async () => {
    const { heavy, fresh, site } = await inOneWindow(3600, async () => {
      await limited().engine.exec(['FLUSHALL'])
      const flood = from()
      await fill(limited(), 'register:tenant', 9_995, () => tryToRegister(flood))
      await race(4, () => tryToRegister(flood))
      const heavy = await tryToRegister(flood)
      const one = from()
      const fresh = await race(50, () => tryToRegister(one))
      const several = newSite()
      return { heavy, fresh, site: await race(50, (n) => tryToRegister(several(n))) }
    })
    expectRateLimited(heavy, 'tenant', 10_000, 3600)
    expect(statuses(fresh)).toEqual({ 422: 5, 429: 45 })
    expect(statuses(site), 'a /48 is one network').toEqual({ 422: 5, 429: 45 })
    for (const answer of refusedOf([...fresh, ...site])) expectRateLimited(answer, 'tenant', 10_000, 3600)
  })
})
