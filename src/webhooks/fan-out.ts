/** Tells the webhooks: each event becomes one delivery for each endpoint of its tenant that subscribes to it, once. */
import type { JobContext } from '../context.ts'
import { carriedBy, EVENTS, type Happened } from '../events/catalogue.ts'
import { newId } from '../events/outbox.ts'
import type { Sink } from '../events/sink.ts'
import { announceDeliveries } from './deliveries.ts'
import { findSubscribers, insertDeliveries } from './delivery-store.ts'

export const webhookSink: Sink = { name: 'webhooks', take: fanOut }

async function fanOut(ctx: JobContext, events: readonly Happened[]): Promise<null> {
  const told = events.filter(({ type }) => EVENTS[type].webhook)
  if (told.length === 0) return null
  const endpoints = await findSubscribers(ctx, [...new Set(told.map(({ tenantId }) => tenantId))])
  const deliveries = told.flatMap((event) =>
    endpoints
      .filter((endpoint) => endpoint.tenantId === event.tenantId && subscribes(endpoint, event))
      .map(({ id: endpointId }) => ({
        id: newId(ctx),
        tenantId: event.tenantId,
        endpointId,
        eventId: event.id,
        type: event.type,
        payload: payloadOf(event),
      })),
  )
  if (deliveries.length === 0) return null
  await announceDeliveries(ctx, await insertDeliveries(ctx, deliveries))
  return null
}

const subscribes = ({ events }: { events: string[] }, { type }: Happened) =>
  events.includes('*') || events.includes(type)

/** What Standard Webhooks asks of a payload at most. */
const MAX_CHARACTERS = 20_000

/**
 * What the receiver gets: what the catalogue says the event carries, and nothing of where it came from. Lists that make
 * it too long are left out, and named.
 */
function payloadOf({ type, subject, actor, data, occurredAt }: Happened): string {
  const carried = Object.entries(carriedBy(type, data))
  const write = (fields: object) =>
    JSON.stringify({ type, timestamp: occurredAt.toISOString(), data: { subject, actor, ...fields } })
  const whole = write(Object.fromEntries(carried))
  if (whole.length <= MAX_CHARACTERS) return whole
  const kept = carried.filter(([, value]) => !Array.isArray(value))
  const lists = carried.filter(([, value]) => Array.isArray(value)).map(([name]) => name)
  return write({ ...Object.fromEntries(kept), left_out: lists })
}
