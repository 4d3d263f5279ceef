/** From an event to the deliveries that it becomes: for whom, once, and what they say. */
import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { WEBHOOK_EVENTS } from '../../src/events/catalogue.ts'
import { race } from '../support/client.ts'
import { deliveriesOf, deliveryOf, newSubscriber, record, recorded, useStage } from '../support/delivering.ts'

const stage = useStage()

describe('each event becomes one delivery for each endpoint that wants it', () => {
  test('and a message that names the endpoint', async () => {
    const subscriber = await newSubscriber(stage())
    const id = await record(stage(), subscriber.tenant)
    await stage().service.consume()
    expect(await deliveriesOf(stage(), subscriber)).toMatchObject([
      { event_id: id, type: 'user.registered', state: 'pending', attempts: 0, is_settled: false },
    ])
    expect(stage().queue.take()).toEqual([{ endpoint_id: subscriber.webhook.id }])
  })

  test('when every message comes five times, in reverse order and to five consumers at once', async () => {
    const subscriber = await newSubscriber(stage())
    const ids = [await record(stage(), subscriber.tenant), await record(stage(), subscriber.tenant)]
    const bodies = ids.map((id) => ({ recorded: [id] }))
    const again = () =>
      stage().service.sql('update events set dispatched_at = null where id = any($1)', [ids])
    const consume = (messages: typeof bodies) => stage().service.queue('latchkey-events', messages)
    for (let time = 0; time < 5; time++) {
      expect((await consume(bodies.toReversed())).retryMessages).toEqual([])
      await again()
    }
    for (const { retryMessages } of await race(5, (n) => consume(n % 2 ? bodies : bodies.toReversed())))
      expect(retryMessages).toEqual([])
    const rows = await deliveriesOf(stage(), subscriber)
    expect(rows.map(({ event_id }) => event_id).toSorted()).toEqual(ids.toSorted())
  })

  test('of its tenant, which subscribes to its type or to all, and is enabled', async () => {
    const all = await newSubscriber(stage())
    const stranger = await newSubscriber(stage())
    const { newWebhook, call, webhook } = all
    const some = await newWebhook({ events: ['user.registered', 'session.ended'] })
    const other = await newWebhook({ events: ['session.ended'] })
    const disabled = await newWebhook()
    await call('PATCH', `/${disabled.id}`, { state: 'disabled' })
    await record(stage(), all.tenant)
    await record(stage(), stranger.tenant, 'user.updated')
    await stage().service.consume()
    const types = await Promise.all(
      [webhook, some, other, disabled, stranger.webhook].map(async (one) =>
        (await deliveriesOf(stage(), { webhook: one })).map(({ type }) => type),
      ),
    )
    expect(types).toEqual([['user.registered'], ['user.registered'], [], [], ['user.updated']])
  })

  test('of no type that webhooks may not have: attempts, and what is about webhooks themselves', async () => {
    const subscriber = await newSubscriber(stage())
    await record(stage(), subscriber.tenant, 'session.refused')
    await record(stage(), subscriber.tenant, 'webhook.updated')
    await stage().service.consume()
    expect(await deliveriesOf(stage(), subscriber)).toEqual([])
    expect(await recorded(stage(), subscriber, 'webhook.updated')).toHaveLength(1)
  })

  test('and stays when the queue refuses to hear of it', async () => {
    const subscriber = await newSubscriber(stage())
    await record(stage(), subscriber.tenant)
    stage().queue.refuse(true)
    const { explicitAcks } = await stage().service.consume()
    expect(explicitAcks).toHaveLength(1)
    expect(await deliveryOf(stage(), subscriber)).toMatchObject({ state: 'pending', attempts: 0 })
    expect(stage().receiver.hits(subscriber.path), 'who hangs must not hold up the events').toEqual([])
  })
})

describe('says', () => {
  test('what the catalogue says that the event carries, whose it is, and when', async () => {
    const subscriber = await newSubscriber(stage())
    const [subject, session] = [randomUUID(), randomUUID()]
    await record(stage(), subscriber.tenant, 'session.started', {
      subject,
      data: { session_id: session, amr: ['pwd'] },
    })
    await stage().service.consume()
    const { payload } = await deliveryOf(stage(), subscriber)
    expect(JSON.parse(payload)).toEqual({
      type: 'session.started',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      data: { subject, actor: null, session_id: session, amr: ['pwd'] },
    })
  })

  test('nothing of where it came from, and nothing that the catalogue does not name', async () => {
    const subscriber = await newSubscriber(stage())
    const client = { address: 'canary-a', user_agent: 'canary-b', city: 'canary-c', request_id: 'canary-d' }
    const data = {
      session_id: 'kept',
      email: 'canary-e',
      client: 'canary-f',
      subject: 'canary-g',
      constructor: 'canary-h',
    }
    for (const type of WEBHOOK_EVENTS) await record(stage(), subscriber.tenant, type, { data, client })
    await stage().service.consume()
    const rows = await deliveriesOf(stage(), subscriber)
    expect(rows.map(({ type }) => type).toSorted()).toEqual(WEBHOOK_EVENTS.toSorted())
    expect(rows.map(({ payload }) => payload).join()).toContain('kept')
    expect(rows.map(({ payload }) => payload).join()).not.toContain('canary')
  })

  test('less than 20 KB: a list that is too long is left out, and named', async () => {
    const subscriber = await newSubscriber(stage())
    const [by, ids] = [randomUUID(), Array.from({ length: 600 }, () => randomUUID())]
    const revoke = (session_ids: string[]) =>
      record(stage(), subscriber.tenant, 'session.revoked', { data: { session_ids, by_session: by } })
    await revoke(ids)
    await stage().service.consume()
    const { payload } = await deliveryOf(stage(), subscriber)
    expect(payload.length).toBeLessThan(20_000)
    const { data } = JSON.parse(payload)
    expect(data).toMatchObject({ by_session: by, left_out: ['session_ids'] })
    expect(data).not.toHaveProperty('session_ids')
  })
})
