/**
 * Settling what will never be delivered, so that it neither waits for ever nor holds up what can be: deliveries that are
 * too old, those of endpoints that are disabled, and the rows of endpoints that were deleted. Every minute, an endpoint's
 * batch after another's, so that one with a million rows holds up none.
 */
import type { JobContext } from '../context.ts'
import {
  type Cause,
  deleteDeliveries,
  endDeliveries,
  findUnsettled,
  type Unsettled,
} from './settling-store.ts'

const BATCH = 1000
/** Less than the minute until the next run; what is left then is its. */
const RUN_MS = 40_000

export async function settleDeliveries(ctx: JobContext): Promise<void> {
  const end = ctx.now().getTime() + RUN_MS
  const settled: Partial<Record<Cause, number>> = {}
  const waiting = await findUnsettled(ctx)
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const count = await settleBatch(ctx, next)
    settled[next.cause] = (settled[next.cause] ?? 0) + count
    if (count === BATCH) waiting.push(next)
    if (ctx.now().getTime() >= end) break
  }
  if (Object.keys(settled).length === 0) return
  const endpointsLeft = waiting.length || undefined
  ctx.log(endpointsLeft ? 'warn' : 'info', 'deliveries settled', {
    ...settled,
    endpoints_left: endpointsLeft,
  })
}

function settleBatch(ctx: JobContext, { endpointId, cause }: Unsettled): Promise<number> {
  return cause === 'endpoint_deleted'
    ? deleteDeliveries(ctx, endpointId, BATCH)
    : endDeliveries(ctx, { endpointId, cause }, BATCH)
}
