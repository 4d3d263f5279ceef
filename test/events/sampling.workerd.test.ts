/** What is told of a flood, with a clock that the test moves; the marks lie in the platform's own cache. */
import { expect, test } from 'vitest'
import { sampleAttempt } from '../../src/events/sampling.ts'
import { readClient } from '../../src/http/client.ts'

type Sampled = Parameters<typeof sampleAttempt>[1]

const ATTEMPT: Sampled = {
  type: 'session.refused',
  subject: null,
  data: { operation: 'POST /v1/login', code: 'invalid_credentials' },
}

/** A host of its own, whose marks are written before the next attempt. */
function newHost() {
  const origin = `https://${crypto.randomUUID()}.example`
  let seconds = 1_800_000_000
  const sample = async (address: string, attempt: Sampled = ATTEMPT) => {
    const written: Promise<unknown>[] = []
    const times = await sampleAttempt(
      {
        origin,
        log: () => {},
        defer: (work) => written.push(work),
        now: () => new Date(seconds * 1000),
        client: readClient(new Request(origin, { headers: { 'cf-connecting-ip': address } })),
      },
      attempt,
    )
    await Promise.all(written)
    return times
  }
  const wait = (more: number) => {
    seconds += more
  }
  return { sample, wait }
}

test('accounts 7: the next one that is told says for how many it is: none is forgotten', async () => {
  const { sample, wait } = newHost()
  expect(await sample('203.0.113.7')).toBe(1)
  for (let n = 0; n < 40; n++) expect(await sample(`203.0.113.${n}`)).toBe(0)
  wait(59)
  expect(await sample('203.0.113.7')).toBe(0)
  wait(1)
  expect(await sample('203.0.113.7')).toBe(42)
  expect(await sample('203.0.113.7')).toBe(0)
})

test('accounts 7: a /48 is one network, and at most sixty a minute are told of a host, then the rest in one', async () => {
  const { sample, wait } = newHost()
  expect(await sample('2001:db8:1:1::1')).toBe(1)
  for (let n = 2; n < 10; n++) expect(await sample(`2001:db8:1:${n}::1`)).toBe(0)
  for (let n = 2; n <= 60; n++) expect(await sample(`2001:db8:${n}::1`)).toBe(1)
  for (let n = 61; n <= 90; n++) expect(await sample(`2001:db8:${n}::1`)).toBe(0)
  wait(60)
  expect(await sample('2001:db8:91::1')).toBe(31)
})

test("accounts 7: an account's own attempts are told one by one, during any flood", async () => {
  const { sample } = newHost()
  for (let n = 1; n <= 90; n++) await sample(`2001:db8:${n}::1`)
  const subject = crypto.randomUUID()
  for (let n = 0; n < 10; n++) expect(await sample('2001:db8:1::1', { ...ATTEMPT, subject })).toBe(1)
})

test('accounts 7: of the cheap ones at an account, each account has one a minute for a network', async () => {
  const { sample } = newHost()
  const cheap = (subject: string): Sampled => ({ ...ATTEMPT, type: 'limit.exceeded', subject })
  const [one, other] = [cheap(crypto.randomUUID()), cheap(crypto.randomUUID())]
  expect([await sample('203.0.113.7', one), await sample('203.0.113.8', one)]).toEqual([1, 0])
  expect(await sample('203.0.113.7', other)).toBe(1)
})
