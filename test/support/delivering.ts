/** A service whose queue of deliveries a test holds in its hands, receivers to deliver to, and what came of it. */
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { type FakeQueue, startFakeQueue } from './queue.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { type Row, type Service, startService, type TestTenant } from './service.ts'
import { newAdministrator, storedWebhook } from './webhook-administrator.ts'

export type Stage = {
  service: Service
  receiver: Receiver
  /** What was sent to the queue `deliveries`. */
  queue: FakeQueue
}

/** How long the receivers of these tests have: two and a half seconds instead of fifteen. */
export const TIMEOUT_MS = 2500

export function useStage(): () => Stage {
  let stage: Stage | undefined
  beforeAll(async () => {
    const [receiver, queue] = await Promise.all([startReceiver(), startFakeQueue()])
    const service = await startService({
      deliveriesUrl: queue.url,
      bindings: { WEBHOOK_TIMEOUT_MS: String(TIMEOUT_MS) },
    })
    stage = { service, receiver, queue }
  })
  // What one test left undone is not the next one's.
  afterEach(async () => {
    for (const gate of Object.values(stage?.service.gates ?? {})) gate.set('open')
    stage?.queue.refuse(false)
    stage?.queue.take()
    await stage?.service.sql(`delete from webhook_deliveries where state = 'pending'`)
    await stage?.service.sql('update events set dispatched_at = now() where dispatched_at is null')
  })
  afterAll(async () => {
    await stage?.service.stop()
    await Promise.all([stage?.receiver.stop(), stage?.queue.stop()])
  })
  return () => {
    if (!stage) throw new Error('the stage is not set yet')
    return stage
  }
}

export type Subscriber = Awaited<ReturnType<typeof newSubscriber>>

/** An administrator, and their endpoint: a path of its own at the receiver, which answers 204 unless told otherwise. */
export async function newSubscriber({ service, receiver }: Stage, json: Row = {}) {
  const administrator = await newAdministrator(service)
  const path = `/${randomUUID()}`
  const webhook = await administrator.newWebhook({ url: receiver.url(path), ...json })
  await service.sql('update events set dispatched_at = now() where dispatched_at is null')
  return { ...administrator, tenant: administrator.client.tenant, webhook, path }
}

/** An event in the outbox, as a statement of ours would have recorded it. @returns its id */
export async function record(
  { service }: Stage,
  { id: tenantId }: Pick<TestTenant, 'id'>,
  type = 'user.registered',
  {
    subject = randomUUID(),
    data = {},
    client = {},
  }: { subject?: string; data?: object; client?: object } = {},
): Promise<string> {
  const id = randomUUID()
  await service.sql(
    'insert into events (id, tenant_id, type, subject, data, client) values ($1, $2, $3, $4, $5, $6)',
    [id, tenantId, type, subject, data, client],
  )
  return id
}

/** Deliveries to the subscriber that are due, of as many events. */
export async function makeDeliveries(stage: Stage, { tenant }: Subscriber, count = 1): Promise<void> {
  for (let made = 0; made < count; made++) await record(stage, tenant)
  await stage.service.consume()
  stage.queue.take()
}

/** Hands a message for each of these endpoints to one consumer. */
export const deliver = ({ service }: Stage, ...endpoints: Pick<Subscriber, 'webhook'>[]) =>
  service.queue(
    'latchkey-deliveries',
    endpoints.map(({ webhook }) => ({ endpoint_id: webhook.id })),
  )

export type DeliveryRow = {
  id: string
  event_id: string
  type: string
  payload: string
  state: string
  attempts: number
  last_status: number | null
  last_error: string | null
  last_duration_ms: number | null
  dead_reason: string | null
  is_claimed: boolean
  is_settled: boolean
  /** Seconds until the next attempt. */
  waits: number
}

export const deliveriesOf = ({ service }: Stage, { webhook }: Pick<Subscriber, 'webhook'>) =>
  service.sql<DeliveryRow>(
    `select id, event_id, type, payload, state, attempts, last_status, last_error, last_duration_ms,
       dead_reason,
       claimed_until > now() as is_claimed, settled_at is not null as is_settled,
       extract(epoch from next_attempt_at - now())::float8 as waits
     from webhook_deliveries where endpoint_id = $1 order by id`,
    [webhook.id],
  )

/** The only delivery of the endpoint. */
export async function deliveryOf(
  stage: Stage,
  subscriber: Pick<Subscriber, 'webhook'>,
): Promise<DeliveryRow> {
  const rows = await deliveriesOf(stage, subscriber)
  const [row] = rows
  if (!row || rows.length > 1) throw new Error(`the endpoint has ${rows.length} deliveries`)
  return row
}

/** As if the time of the next attempt had come. */
export async function makeDue({ service }: Stage, { webhook }: Subscriber): Promise<void> {
  await service.sql('update webhook_endpoints set paused_until = null where id = $1', [webhook.id])
  await service.sql('update webhook_deliveries set next_attempt_at = now() where endpoint_id = $1', [
    webhook.id,
  ])
}

/** As if the consumer that claimed them had died long ago. */
export const endLeases = ({ service }: Stage, { webhook }: Subscriber) =>
  service.sql('update webhook_deliveries set claimed_until = now() where endpoint_id = $1', [webhook.id])

/** Events of one type that the outbox has about the subscriber's tenant. */
export const recorded = ({ service }: Stage, { tenant }: Subscriber, type: string) =>
  service.sql<{ actor: string | null; subject: string | null; data: Row; client: Row | null }>(
    'select actor, subject, data, client from events where tenant_id = $1 and type = $2 order by id',
    [tenant.id, type],
  )

export const stateOf = async ({ service }: Stage, { webhook }: Subscriber) => {
  const { state, disabled_reason } = await storedWebhook(service, webhook.id)
  return { state, disabled_reason }
}

/** As many deliveries that are due, in one statement; `columns` have those expressions instead of their defaults. */
export async function plantMany(
  { service }: Stage,
  { webhook }: Pick<Subscriber, 'webhook'>,
  count: number,
  columns: Record<string, string> = {},
): Promise<void> {
  const row = {
    id: 'gen_random_uuid()',
    tenant_id: 'tenant_id',
    endpoint_id: 'id',
    event_id: 'gen_random_uuid()',
    type: `'user.updated'`,
    payload: `'{}'`,
    ...columns,
  }
  await service.sql(
    `insert into webhook_deliveries (${Object.keys(row).join(', ')}) select ${Object.values(row).join(', ')}
     from webhook_endpoints, generate_series(1, $2) where id = $1`,
    [webhook.id, count],
  )
}

/** As if the time at which an endpoint that fails is asked again had come. */
export const endPause = ({ service }: Stage, { webhook }: Pick<Subscriber, 'webhook'>) =>
  service.sql('update webhook_endpoints set paused_until = now() where id = $1', [webhook.id])

/** What attempts have said of the endpoint. */
export async function healthOf({ service }: Stage, { webhook }: Pick<Subscriber, 'webhook'>) {
  const [row] = await service.sql<{
    state: string
    disabled_reason: string | null
    consecutive_failures: number
    is_failing: boolean
    paused_seconds: number | null
  }>(
    `select state, disabled_reason, consecutive_failures, failing_since is not null as is_failing,
       extract(epoch from paused_until - now())::float8 as paused_seconds
     from webhook_endpoints where id = $1`,
    [webhook.id],
  )
  if (!row) throw new Error('there is no such endpoint')
  return row
}
