/**
 * Delivering: a message of the queue names an endpoint, and the consumer delivers what is due there, a few at a
 * time. Endpoints know nothing of each other: one that hangs holds up its own deliveries alone. A claim lasts a little
 * longer than an attempt, so what a Worker left behind in the middle is delivered again, with the same id.
 */
import * as v from 'valibot'
import type { JobContext } from '../context.ts'
import type { Message } from '../events/messages.ts'
import { Fault, faultOf } from '../problem.ts'
import { type Attempt, attemptDelivery } from './attempt.ts'
import { type ClaimedDelivery, claimDeliveries, findDueEndpoints, MAX_IN_FLIGHT } from './claim-store.ts'
import { postpone, settleDead, settleDelivered, settleFailed, settleGone } from './delivery-store.ts'
import { nextAttemptSeconds } from './schedule.ts'

const Body = v.object({ endpoint_id: v.pipe(v.string(), v.uuid()) })

/** The platform queues the seventh connection of an invocation, where it would wait for a receiver that hangs. */
const CONNECTIONS = 6

/** Handles a batch of the queue `deliveries`: its messages side by side, and each with its share of the connections. */
export async function consumeDeliveries(ctx: JobContext, messages: readonly Message[]): Promise<void> {
  const share = Math.max(1, Math.floor(CONNECTIONS / messages.length))
  await Promise.all(messages.map((message) => consume(ctx, message, Math.min(share, MAX_IN_FLIGHT))))
}

async function consume(ctx: JobContext, message: Message, atOnce: number): Promise<void> {
  if (!v.is(Body, message.body)) {
    ctx.log('error', 'invalid delivery message', { message_id: message.id })
    return message.ack() // the sweep finds whatever it was about
  }
  try {
    await deliverTo(ctx, message.body.endpoint_id, atOnce)
    message.ack()
  } catch (error) {
    ctx.log('error', 'deliveries failed', { cause: faultOf(error).message })
    message.retry({ delaySeconds: 30 })
  }
}

/** At the same time, where the queue refuses: the jobs beside this one need connections too. */
const LANES = 3
/** Less than the minute until the next sweep. */
const SWEEP_MS = 40_000

/** The cron of every minute: endpoints with something due. Where the queue refuses, the deliveries leave from here. */
export async function sweepDeliveries(ctx: JobContext): Promise<void> {
  const waiting = await announceDeliveries(ctx, await findDueEndpoints(ctx))
  const end = ctx.now().getTime() + SWEEP_MS
  const deliverInTurn = async () => {
    for (let next = waiting.shift(); next && ctx.now().getTime() < end; next = waiting.shift())
      await deliverTo(ctx, next, 1)
  }
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, deliverInTurn))
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason
}

const MESSAGES_AT_ONCE = 100

/** A message for each of these endpoints. @returns those that the queue did not take: the sweep finds them */
export async function announceDeliveries(
  { queues, log }: JobContext,
  endpointIds: readonly string[],
  delaySeconds = 0,
): Promise<string[]> {
  const refused: string[] = []
  for (let start = 0; start < endpointIds.length; start += MESSAGES_AT_ONCE) {
    const some = endpointIds.slice(start, start + MESSAGES_AT_ONCE)
    try {
      if (!queues.deliveries) throw new Error('no queue')
      await queues.deliveries.sendBatch(some.map((id) => ({ body: { endpoint_id: id }, delaySeconds })))
    } catch (error) {
      log('warn', 'could not queue deliveries', { cause: error instanceof Error ? error.name : 'unknown' })
      refused.push(...some)
    }
  }
  return refused
}

/** A message goes on while something is due, but begins nothing after this: others wait too. */
const TURN_MS = 10_000
/** A retry that is due sooner than the next sweep is asked for by a message of its own. */
const SWEEP_SECONDS = 60

/** @param atOnce how many connections it may have open */
async function deliverTo(ctx: JobContext, endpointId: string, atOnce: number): Promise<void> {
  const end = ctx.now().getTime() + TURN_MS
  const claim = { most: atOnce, leaseSeconds: leaseSeconds(ctx) }
  let soonest = Number.POSITIVE_INFINITY
  while (soonest > 0) {
    const claimed = await claimDeliveries(ctx, endpointId, claim)
    if (claimed.length === 0) break
    const settled = await Promise.allSettled(claimed.map((delivery) => deliver(ctx, delivery)))
    const seconds = settled.map((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    })
    soonest = ctx.now().getTime() < end ? Math.min(soonest, ...seconds) : 0
  }
  if (soonest < SWEEP_SECONDS) await announceDeliveries(ctx, [endpointId], Math.ceil(soonest))
}

/** Longer than an attempt with everything around it can take. */
const leaseSeconds = ({ settings }: JobContext) => settings.webhooks.timeoutMs / 1000 + 30

/** When no attempt could be made for a reason of ours, the next sweep tries it. */
const POSTPONED_SECONDS = 60

/** @returns seconds until this delivery is due again; infinite when it is settled */
async function deliver(ctx: JobContext, delivery: ClaimedDelivery): Promise<number> {
  const ids = {
    tenant_id: delivery.tenantId,
    endpoint_id: delivery.endpointId,
    delivery_id: delivery.id,
    event_id: delivery.eventId,
  }
  const attempt = await attemptDelivery(ctx, delivery).catch((error: unknown) => faultOf(error))
  if (attempt instanceof Fault) {
    ctx.log('error', 'could not attempt webhook delivery', { ...ids, cause: attempt.message })
    await postpone(ctx, delivery, POSTPONED_SECONDS)
    return POSTPONED_SECONDS
  }
  ctx.log('info', 'webhook delivery attempted', {
    ...ids,
    attempt: delivery.attempts + 1,
    status: attempt.status,
    error: attempt.error,
    duration_ms: attempt.durationMs,
  })
  return settle(ctx, delivery, attempt)
}

async function settle(ctx: JobContext, delivery: ClaimedDelivery, attempt: Attempt): Promise<number> {
  const seconds = nextAttemptSeconds(ctx, delivery.attempts + 1, attempt.retryAfterSeconds)
  if (!attempt.error) await settleDelivered(ctx, delivery, attempt)
  else if (attempt.status === 410) await settleGone(ctx, delivery, attempt)
  else if (seconds === null) await settleDead(ctx, delivery, attempt)
  else {
    await settleFailed(ctx, delivery, attempt, seconds)
    return seconds
  }
  return Number.POSITIVE_INFINITY
}
