/**
 * After the response: hands what happened to the queue. Nobody waits for it, and nothing is lost by its failing: what
 * was recorded lies in the outbox, where the sweep finds it; an attempt, which changed nothing and so has no row, goes
 * to a sealed list in Redis, and if that fails too, to one log line (DESIGN.md §6).
 */
import type { Context, JobContext } from '../context.ts'
import { seal } from '../crypto/sealing.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import type { RefusalCode } from '../problem.ts'
import { REDIS_KEYS } from '../storage/redis.ts'
import { type AttemptType, EVENTS, type EventClient } from './catalogue.ts'
import { clientOf, newId } from './outbox.ts'

/** Something that was tried. The tenant is found by the host, in the consumer. */
export type Attempt = {
  id: string
  host: string
  type: AttemptType
  subject: string | null
  actor: string | null
  data: Record<string, unknown>
  client: EventClient
  occurred_at: string
}

/** A message of the queue `events`: ids of the outbox, which holds the rest, or an attempt as it is. */
export type EventMessage = { recorded: string[] } | { attempt: Attempt }

/** Which refusals are attempts. The others say nothing about who calls: a typing error, a busy server. */
const ATTEMPTS: Partial<Record<RefusalCode, AttemptType>> = {
  invalid_credentials: 'session.refused',
  password_disabled: 'session.refused',
  email_taken: 'registration.refused',
  password_compromised: 'registration.refused',
  invalid_grant: 'refresh.refused',
  invalid_one_time_token: 'token.refused',
  invalid_code: 'token.refused',
  missing_token: 'access.refused',
  invalid_token: 'access.refused',
  insufficient_role: 'access.refused',
  insufficient_user_authentication: 'access.refused',
  origin_not_allowed: 'access.refused',
  rate_limited: 'limit.exceeded',
}

type Dispatcher = Pick<
  Context,
  'queues' | 'redis' | 'settings' | 'trips' | 'log' | 'now' | 'random' | 'defer' | 'origin' | 'host'
> &
  Pick<Context, 'client' | 'requestId' | 'happened' | 'outcome'>

/** @param operation the route, e.g. `POST /v1/login` */
export function dispatchHappened(ctx: Dispatcher, operation: string): void {
  const { recorded } = ctx.happened
  const attempt = attemptOf(ctx, operation)
  if (recorded.length === 0 && !attempt) return
  ctx.defer(
    (async () => {
      const messages: EventMessage[] = recorded.length === 0 ? [] : [{ recorded }]
      if (attempt && (await isWorthTelling(ctx, attempt))) messages.push({ attempt })
      if (messages.length > 0) await send(ctx, messages)
    })(),
  )
}

/** For what an operation tells that is no refusal, e.g. that the audit log was read. Handed on after the response. */
export function recordAttempt(
  ctx: Dispatcher,
  type: AttemptType,
  {
    subject = null,
    actor = null,
    data,
  }: { subject?: string | null; actor?: string | null; data: Attempt['data'] },
): void {
  const attempt = { ...newAttempt(ctx), type, subject, actor, data }
  ctx.defer(send(ctx, [{ attempt }]))
}

const newAttempt = (ctx: Dispatcher) => ({
  id: newId(ctx),
  host: ctx.host,
  client: clientOf(ctx),
  occurred_at: ctx.now().toISOString(),
})

function attemptOf(ctx: Dispatcher, operation: string): Attempt | null {
  const { code, reason, limit, subject } = ctx.outcome
  const type = typeof code === 'string' && ATTEMPTS[code as RefusalCode] // any other key finds nothing
  if (!type) return null
  return {
    ...newAttempt(ctx),
    type,
    subject: typeof subject === 'string' ? subject : null,
    actor: null,
    data: { operation, code, ...(reason !== undefined && { reason }), ...(limit !== undefined && { limit }) },
  }
}

/** The endless ones are told once a minute, by a mark at the edge: else whoever is refused would choose our traffic. */
async function isWorthTelling(ctx: Dispatcher, { type, data }: Attempt): Promise<boolean> {
  if (EVENTS[type].origin !== 'attempt, once a minute') return true
  const mark = ['attempt', type, data.operation, data.code, ctx.client.network].map((part) =>
    encodeURIComponent(String(part)),
  )
  if (await readEdgeCache(ctx, mark.join('/'))) return false
  writeEdgeCache(ctx, mark.join('/'), true, 60)
  return true
}

async function send(ctx: Dispatcher, messages: EventMessage[]): Promise<void> {
  try {
    // Without the binding there is no consumer to tell either; the outbox is swept, an attempt is spilled.
    if (!ctx.queues.events) throw new Error('no queue')
    await ctx.queues.events.sendBatch(messages.map((body) => ({ body })))
  } catch (error) {
    ctx.log('warn', 'events not queued', { cause: error instanceof Error ? error.name : 'unknown' })
    await spill(
      ctx,
      messages.flatMap((message) => ('attempt' in message ? [message.attempt] : [])),
    )
  }
}

const MAX_SPILLED = 10_000
export const SPILLED_SECONDS = 7 * 86_400

/** Sealed, because Redis is somebody else's machine; capped, because an attacker chooses how many there are. */
export async function spill(
  ctx: Pick<JobContext, 'redis' | 'settings' | 'trips' | 'random' | 'log'>,
  attempts: Attempt[],
): Promise<void> {
  if (attempts.length === 0) return
  try {
    const sealed = await Promise.all(
      attempts.map((attempt) =>
        seal(
          ctx.settings.authKeys,
          'seal:event',
          new TextEncoder().encode(JSON.stringify(attempt)),
          REDIS_KEYS.spilledEvents,
          ctx.random,
        ),
      ),
    )
    const pipeline = ctx.redis.pipeline()
    pipeline.rpush(REDIS_KEYS.spilledEvents, ...sealed)
    pipeline.ltrim(REDIS_KEYS.spilledEvents, -MAX_SPILLED, -1)
    pipeline.expire(REDIS_KEYS.spilledEvents, SPILLED_SECONDS)
    await pipeline.exec()
  } catch {
    // The last resort, so it says all that may be said: no address, no device.
    for (const { client, host, ...attempt } of attempts)
      ctx.log('error', 'event lost', {
        event_id: attempt.id,
        event: attempt.type,
        subject: attempt.subject,
        data: JSON.stringify(attempt.data),
        of_request: client.request_id,
        occurred_at: attempt.occurred_at,
        host,
      })
  } finally {
    ctx.trips.endAll('redis')
  }
}
