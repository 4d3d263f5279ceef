/** What will never be delivered does not wait for ever: too old, of an endpoint that is disabled, or deleted. */
import { describe, expect, test, vi } from 'vitest'
import { race } from '../support/client.ts'
import {
  deliver,
  deliveriesOf,
  newSubscriber,
  plantMany,
  recorded,
  type Subscriber,
  useStage,
} from '../support/delivering.ts'
import { expectProblem } from '../support/expect.ts'
import { storedWebhook } from '../support/webhook-administrator.ts'

const stage = useStage()

const runCron = () => stage().service.runCron('* * * * *')

/** How many deliveries the endpoint has, by state and why they are dead. */
async function countsOf({ webhook }: Subscriber): Promise<Record<string, number>> {
  const rows = await stage().service.sql<{ name: string; count: number }>(
    `select concat_ws(' ', state, dead_reason) as name, count(*)::int as count from webhook_deliveries
     where endpoint_id = $1 group by 1`,
    [webhook.id],
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

const isOf = ({ webhook }: Subscriber, columns: string) =>
  stage().service.sql(`update webhook_endpoints set ${columns} where id = $1`, [webhook.id])

const expired = (subscriber: Subscriber) => recorded(stage(), subscriber, 'webhook.deliveries_expired')

describe('piles 12: a delivery that is older than three days', () => {
  test('is dead and told, once for many, and is not attempted', async () => {
    const subscriber = await newSubscriber(stage())
    const tooOld = { expires_at: `now() - interval '1 second'`, next_attempt_at: `'infinity'` }
    await plantMany(stage(), subscriber, 5, tooOld)
    await race(5, runCron)
    expect(await countsOf(subscriber)).toEqual({ 'dead too_old': 5 })
    const told = await expired(subscriber)
    expect(told.every(({ data }) => data.endpoint_id === subscriber.webhook.id)).toBe(true)
    expect(told.reduce((sum, { data }) => sum + Number(data.deliveries), 0)).toBe(5)
    expect(stage().receiver.hits(subscriber.path)).toEqual([])
  })

  test('lives that long from when it is made, and again from a replay on', async () => {
    const { service } = stage()
    const subscriber = await newSubscriber(stage())
    await plantMany(stage(), subscriber, 1)
    const lives = async () => {
      const [row] = await service.sql<{ days: number }>(
        `select extract(epoch from expires_at - now())::float8 / 86400 as days from webhook_deliveries where endpoint_id = $1`,
        [subscriber.webhook.id],
      )
      return row?.days ?? 0
    }
    expect(await lives()).toBeCloseTo(3, 2)
    await service.sql(
      `update webhook_deliveries set expires_at = now() - interval '9 days', next_attempt_at = 'infinity'
       where endpoint_id = $1`,
      [subscriber.webhook.id],
    )
    await runCron()
    const [dead] = await deliveriesOf(stage(), subscriber)
    expect(dead).toMatchObject({ state: 'dead', dead_reason: 'too_old' })
    const replay = `/${subscriber.webhook.id}/deliveries/${dead?.id}/replay`
    expect((await subscriber.call('POST', replay)).status).toBe(202)
    expect(await lives()).toBeCloseTo(3, 2)
    await runCron()
    expect(await countsOf(subscriber)).toEqual({ pending: 1 })
    await deliver(stage(), subscriber)
    expect(await countsOf(subscriber)).toEqual({ delivered: 1 })
  })

  test('stays while it is under way', async () => {
    const { receiver, service } = stage()
    const subscriber = await newSubscriber(stage())
    await plantMany(stage(), subscriber, 1)
    receiver.behave(subscriber.path, 'held')
    const consumer = deliver(stage(), subscriber)
    await vi.waitFor(() => expect(receiver.hits(subscriber.path)).toHaveLength(1))
    await service.sql('update webhook_deliveries set expires_at = now() where endpoint_id = $1', [
      subscriber.webhook.id,
    ])
    await runCron()
    receiver.release(subscriber.path)
    await consumer
    expect(await countsOf(subscriber)).toEqual({ delivered: 1 })
  })
})

describe('piles 12: what waits for an endpoint', () => {
  test('that was disabled an hour ago is dead after the next minute, all of it, and can be replayed', async () => {
    const subscriber = await newSubscriber(stage())
    const other = await newSubscriber(stage())
    await plantMany(stage(), subscriber, 2500)
    await plantMany(stage(), other, 3, { next_attempt_at: `now() + interval '1 hour'` })
    expect((await subscriber.call('PATCH', `/${subscriber.webhook.id}`, { state: 'disabled' })).status).toBe(
      200,
    )
    await runCron()
    expect(await countsOf(subscriber), 'an administrator may enable it again').toEqual({ pending: 2500 })
    await isOf(subscriber, `updated_at = now() - interval '61 minutes'`)
    await race(3, runCron)
    expect(await countsOf(subscriber)).toEqual({ 'dead endpoint_disabled': 2500 })
    expect(await countsOf(other)).toEqual({ pending: 3 })
    expect(await expired(subscriber)).toEqual([])
    await subscriber.call('PATCH', `/${subscriber.webhook.id}`, { state: 'enabled' })
    const since = new Date(Date.now() - 3_600_000).toISOString()
    const { body } = await subscriber.call('POST', `/${subscriber.webhook.id}/deliveries/replay`, { since })
    expect(body).toEqual({ deliveries: 1000 })
    expect(await countsOf(subscriber)).toEqual({ 'dead endpoint_disabled': 1500, pending: 1000 })
  })

  test.each(['gone', 'failing'])(
    'that is disabled because it is %s is dead after the next minute',
    async (reason) => {
      const subscriber = await newSubscriber(stage())
      await plantMany(stage(), subscriber, 3)
      await isOf(subscriber, `state = 'disabled', disabled_reason = '${reason}'`)
      await runCron()
      expect(await countsOf(subscriber)).toEqual({ 'dead endpoint_disabled': 3 })
    },
  )

  test('that was deleted goes in batches; the endpoint is shown, changed and delivered to no more at once', async () => {
    const subscriber = await newSubscriber(stage())
    const { id } = subscriber.webhook
    await plantMany(stage(), subscriber, 2500)
    expect((await subscriber.call('DELETE', `/${id}`)).status).toBe(204)
    expect((await subscriber.call<{ data: unknown[] }>('GET', '')).body.data).toEqual([])
    const refused = await Promise.all([
      subscriber.call('GET', `/${id}`),
      subscriber.call('PATCH', `/${id}`, { state: 'enabled' }),
      subscriber.call('DELETE', `/${id}`),
      subscriber.call('POST', `/${id}/rotate-secret`),
      subscriber.call('POST', `/${id}/test`),
      subscriber.call('GET', `/${id}/deliveries`),
      subscriber.call('POST', `/${id}/deliveries/replay`, { since: '2020-01-01T00:00:00Z' }),
    ])
    for (const answer of refused) expectProblem(answer, 'not_found')
    await deliver(stage(), subscriber)
    expect(stage().receiver.hits(subscriber.path)).toEqual([])
    await race(3, runCron)
    await runCron()
    expect(await countsOf(subscriber)).toEqual({})
    expect(await storedWebhook(stage().service, id)).toEqual({})
    expect(await recorded(stage(), subscriber, 'webhook.deleted')).toHaveLength(1)
  })

  test('that was deleted takes no room of the twenty', async () => {
    const subscriber = await newSubscriber(stage())
    await stage().service.sql(
      `insert into webhook_endpoints (id, tenant_id, url, events, sealed_secret)
       select gen_random_uuid(), tenant_id, url, events, sealed_secret
       from webhook_endpoints, generate_series(2, 20) where id = $1`,
      [subscriber.webhook.id],
    )
    await plantMany(stage(), subscriber, 1001)
    expectProblem(await subscriber.create(), 'too_many_webhooks')
    await subscriber.call('DELETE', `/${subscriber.webhook.id}`)
    expect((await subscriber.create()).status).toBe(201)
  })
})
