/** CASES.md group M: what leaves by a webhook, and what may not. Where it may lead (M01, M03, M04): test/webhooks. */
import { randomUUID } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findSecrets } from '../support/canaries.ts'
import { createClient, PASSWORD } from '../support/client.ts'
import {
  deliver,
  deliveriesOf,
  deliveryOf,
  makeDeliveries,
  makeDue,
  newSubscriber,
  type Subscriber,
  TIMEOUT_MS,
  useStage,
} from '../support/delivering.ts'
import { expectInvalidInput, expectProblem } from '../support/expect.ts'
import type { Hit } from '../support/receiver.ts'
import { startSink } from './sink.ts'

const stage = useStage()

let sink: Awaited<ReturnType<typeof startSink>>
beforeAll(async () => {
  sink = await startSink()
})
afterAll(() => sink[Symbol.asyncDispose]())
afterEach(() => {
  vi.useRealTimers()
})

const hitsOf = ({ path }: Subscriber) => stage().receiver.hits(path)

/** The next thing that the subscriber gets. */
async function nextHit(subscriber: Subscriber): Promise<Hit> {
  const before = hitsOf(subscriber).length
  await makeDeliveries(stage(), subscriber)
  await deliver(stage(), subscriber)
  const hit = hitsOf(subscriber)[before]
  if (!hit) throw new Error('nothing arrived')
  return hit
}

/** As an independent implementation sees it. */
const accepts = (secret: string, { body, headers }: Hit, changed: Record<string, string> = {}) => {
  try {
    new Webhook(secret).verify(body, { ...headers, ...changed })
    return true
  } catch {
    return false
  }
}

describe('M02 a redirect', () => {
  test.each([301, 302, 303, 307, 308])('%i is a failure, and no one is called for it', async (status) => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    stage().receiver.behave(subscriber.path, { status, headers: { location: sink.url } })
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber)).toHaveLength(1)
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({
      state: 'pending',
      attempts: 1,
      last_status: status,
      last_error: 'redirect',
    })
    expect(sink.hits()).toBe(0)
  })
})

describe('M05 a header of the tenant', () => {
  test.each([
    ['headers', { Host: 'internal' }],
    ['headers', { Authorization: 'Bearer x', 'Transfer-Encoding': 'chunked', 'X-Forwarded-For': '10.0.0.1' }],
    ['headers', { 'webhook-signature': 'v1,x', 'x-a': 'b\r\nc: d' }],
    ['custom_headers', [['host', 'internal']]],
  ])('as `%s` is none: %j', async (field, value) => {
    const { create, call, webhook, ...subscriber } = await newSubscriber(stage())
    expectInvalidInput(await create({ [field]: value }), { [`/${field}`]: 'unknown_field' })
    expectInvalidInput(await call('PATCH', `/${webhook.id}`, { [field]: value }), {
      [`/${field}`]: 'unknown_field',
    })
    const { headers } = await nextHit({ create, call, webhook, ...subscriber })
    expect(
      Object.keys(headers)
        .filter((name) => !TRANSPORT.has(name))
        .toSorted(),
    ).toEqual(['content-type', 'user-agent', 'webhook-id', 'webhook-signature', 'webhook-timestamp'])
  })

  /** What the runtime adds to any request. */
  const TRANSPORT = new Set([
    'host',
    'content-length',
    'connection',
    'accept-encoding',
    'accept',
    'cf-worker',
  ])
})

describe('M06 the signature', () => {
  test('is what an independent implementation expects, and nothing less, more or else is', async () => {
    const subscriber = await newSubscriber(stage())
    const { secret } = subscriber.webhook
    const hit = await nextHit(subscriber)
    const signature = hit.headers['webhook-signature'] ?? ''
    const bare = signature.slice('v1,'.length)
    expect(accepts(secret, hit)).toBe(true)
    expect(accepts(secret, hit, { 'webhook-signature': `v1,${'A'.repeat(43)}= v2,x ${signature}` })).toBe(
      true,
    )
    const others = ['', 'v1,', 'v1', bare, signature.slice(0, -1), signature.slice(0, 10), `${signature}A`]
    const wrong = [...others, `v1a,${bare}`, `v1,${bare.toLowerCase()}`, Array(50).fill('v1,AAAA').join(' ')]
    for (const one of wrong) expect(accepts(secret, hit, { 'webhook-signature': one }), one).toBe(false)
    const stranger = await newSubscriber(stage())
    expect(accepts(stranger.webhook.secret, hit)).toBe(false)
  })

  test('is made with both secrets for a day after a rotation, the new one first, and then with the new one', async () => {
    const subscriber = await newSubscriber(stage())
    const { id, secret: old } = subscriber.webhook
    const rotated = await subscriber.call<{ secret: string }>('POST', `/${id}/rotate-secret`)
    const both = await nextHit(subscriber)
    expect([accepts(old, both), accepts(rotated.body.secret, both)]).toEqual([true, true])
    const [first = '', second = '', ...more] = (both.headers['webhook-signature'] ?? '').split(' ')
    expect(accepts(rotated.body.secret, both, { 'webhook-signature': first })).toBe(true)
    expect(accepts(old, both, { 'webhook-signature': second })).toBe(true)
    expect(more).toEqual([])

    await stage().service.sql(
      'update webhook_endpoints set previous_secret_expires_at = now() where id = $1',
      [id],
    )
    const one = await nextHit(subscriber)
    expect([accepts(old, one), accepts(rotated.body.secret, one)]).toEqual([false, true])
    expect(one.headers['webhook-signature']).not.toContain(' ')
  })
})

describe('M07 a message', () => {
  test('is signed with its id, its time and every byte of its body', async () => {
    const subscriber = await newSubscriber(stage())
    const { secret } = subscriber.webhook
    const hit = await nextHit(subscriber)
    const { payload, event_id } = await deliveryOf(stage(), subscriber)
    expect(hit.body).toBe(payload)
    expect(hit.headers['webhook-id']).toBe(event_id)
    expect(hit.headers['webhook-id']).not.toContain('.')
    const timestamp = Number(hit.headers['webhook-timestamp'])
    expect(Math.abs(timestamp - Date.now() / 1000)).toBeLessThan(60)
    expect(accepts(secret, hit, { 'webhook-id': randomUUID() })).toBe(false)
    expect(accepts(secret, hit, { 'webhook-timestamp': String(timestamp + 1) })).toBe(false)
    expect(accepts(secret, { ...hit, body: `${hit.body} ` })).toBe(false)
    expect(accepts(secret, { ...hit, body: JSON.stringify(JSON.parse(hit.body), null, 1) })).toBe(false)
  })

  test('is of no use to an attacker who repeats it five minutes later; ours is signed anew, with the id it had', async () => {
    const subscriber = await newSubscriber(stage())
    const { secret } = subscriber.webhook
    stage().receiver.behave(subscriber.path, { status: 500 })
    const first = await nextHit(subscriber)
    vi.useFakeTimers({ toFake: ['Date'] })
    vi.setSystemTime(Date.now() + 301_000)
    expect(accepts(secret, first)).toBe(false)
    vi.useRealTimers()

    await vi.waitFor(
      async () => {
        await makeDue(stage(), subscriber)
        await deliver(stage(), subscriber)
        expect(hitsOf(subscriber).at(-1)?.headers['webhook-timestamp']).not.toBe(
          first.headers['webhook-timestamp'],
        )
      },
      { timeout: 5000, interval: 300 },
    )
    const again = hitsOf(subscriber).at(-1)
    if (!again) throw new Error('nothing arrived')
    expect(accepts(secret, again)).toBe(true)
    expect(again.headers['webhook-id']).toBe(first.headers['webhook-id'])
    expect(again.body).toBe(first.body)
  })
})

describe('M08 what is delivered', () => {
  test('holds no address, device, name, token or secret, no matter who puts them where', async () => {
    const subscriber = await newSubscriber(stage())
    const { service } = stage()
    const client = createClient(service, subscriber.tenant)
    const email = `canary-${randomUUID()}@example.com`
    const headers = { 'user-agent': 'canary-agent', referer: 'https://canary.example/' }
    const { body } = await client.call<{ access_token: string; refresh_token: string }>('/v1/register', {
      json: { email, password: PASSWORD, name: 'canary-name' },
      headers,
    })
    const me = { bearer: body.access_token, headers }
    await client.call('/v1/me', { ...me, method: 'PATCH', json: { name: 'canary-other' } })
    await client.call('/v1/sessions', { ...me, method: 'DELETE' })
    await service.consume()
    await deliver(stage(), subscriber)
    const said = hitsOf(subscriber).map((hit) => hit.body)
    expect(said.length).toBeGreaterThanOrEqual(4)
    const text = said.join('\n')
    expect(text).not.toMatch(/canary/)
    expect(text).not.toContain(client.address)
    expect(
      findSecrets(text, [service.bindings.AUTH_KEYS ?? '', service.bindings.SIGNING_SEAL_KEYS ?? '']),
    ).toEqual([])
  })

  test('leaves behind nothing that the receiver says, and no secret', async () => {
    const subscriber = await newSubscriber(stage())
    const { service, receiver } = stage()
    receiver.behave(subscriber.path, {
      status: 500,
      headers: { 'x-canary': 'said-by-receiver', 'set-cookie': 'said-by-receiver=1' },
      body: 'said-by-receiver',
    })
    const { headers } = await nextHit(subscriber)
    const rows = JSON.stringify(await deliveriesOf(stage(), subscriber))
    const list = await subscriber.call('GET', `/${subscriber.webhook.id}/deliveries`)
    const logged = service.logs().join('\n')
    expect(logged).toContain('webhook delivery attempted')
    const key = subscriber.webhook.secret.replace('whsec_', '')
    const signature = headers['webhook-signature']?.slice('v1,'.length) ?? ''
    for (const kept of [rows, JSON.stringify(list.body), logged])
      for (const secret of ['said-by-receiver', key, signature]) expect(kept).not.toContain(secret)
  })
})

describe('M09 nothing is delivered', () => {
  test('to an endpoint that was disabled meanwhile, until it is enabled', async () => {
    const subscriber = await newSubscriber(stage())
    const { call, webhook } = subscriber
    await makeDeliveries(stage(), subscriber)
    await call('PATCH', `/${webhook.id}`, { state: 'disabled' })
    await deliver(stage(), subscriber)
    await stage().service.runCron('* * * * *')
    expect(stage().queue.take()).toEqual([])
    expect(hitsOf(subscriber)).toEqual([])
    await call('PATCH', `/${webhook.id}`, { state: 'enabled' })
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber)).toHaveLength(1)
  })

  test('to an endpoint that was deleted meanwhile', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    expect((await subscriber.call('DELETE', `/${subscriber.webhook.id}`)).status).toBe(204)
    await deliver(stage(), subscriber)
    await stage().service.runCron('* * * * *')
    expect(stage().queue.take()).toEqual([])
    expect(hitsOf(subscriber)).toEqual([])
    expect(await deliveriesOf(stage(), subscriber)).toEqual([])
  })

  test('for someone who administers the tenant no more', async () => {
    const subscriber = await newSubscriber(stage())
    const { call, webhook, tokens } = subscriber
    await makeDeliveries(stage(), subscriber)
    await deliver(stage(), subscriber)
    const { id } = await deliveryOf(stage(), subscriber)
    await stage().service.sql(`update users set roles = '{}' where id = $1`, [tokens.user.id])
    expectProblem(await call('POST', `/${webhook.id}/test`), 'insufficient_role')
    expectProblem(await call('POST', `/${webhook.id}/deliveries/${id}/replay`), 'insufficient_role')
    await deliver(stage(), subscriber)
    expect(hitsOf(subscriber)).toHaveLength(1)
  })
})

describe('M10 a receiver that keeps us waiting', () => {
  test('is left at the deadline, and asked again later', async () => {
    const subscriber = await newSubscriber(stage())
    await makeDeliveries(stage(), subscriber)
    stage().receiver.behave(subscriber.path, 'hanging')
    await deliver(stage(), subscriber)
    const { waits, last_duration_ms, ...row } = await deliveryOf(stage(), subscriber)
    expect(row).toMatchObject({ state: 'pending', attempts: 1, last_error: 'timeout' })
    expect(last_duration_ms).toBeGreaterThanOrEqual(TIMEOUT_MS)
    expect(waits).toBeGreaterThan(0)
  })
  // Its body, its slowness, its neighbours: test/webhooks/receivers.test.ts. The schedule and 410: delivery.test.ts there.
})

describe('M11 a picture or template of the tenant', () => {
  test.each(['logo_url', 'template_url', 'icon'])('as `%s` is none, and is never fetched', async (field) => {
    const { create } = await newSubscriber(stage())
    for (const url of [sink.url, 'file:///etc/passwd', 'http://169.254.169.254/'])
      expectInvalidInput(await create({ [field]: url }), { [`/${field}`]: 'unknown_field' })
    expect(sink.hits()).toBe(0)
  })
})
