/**
 * After the response: hands what happened to the queue. The response does not wait for it, and nothing is lost when it fails: what
 * was recorded lies in the outbox, where the sweep finds it; an attempt, which changed nothing and so has no row, goes
 * to a sealed list in Redis, and if that fails too, to one log line.
 */
import type { Context } from '../context.ts'
import type { RefusalCode } from '../problem.ts'
import type { AttemptType } from './catalogue.ts'
import type { Attempt, EventMessage } from './messages.ts'
import { clientOf, newId } from './outbox.ts'
import { sampleAttempt } from './sampling.ts'
import { reportLost, spill } from './spilled.ts'

/** Which refusals are attempts. The others say nothing about who calls: a typing error, a busy server. */
const ATTEMPTS: Partial<Record<RefusalCode, AttemptType>> = {
  invalid_credentials: 'session.refused',
  password_disabled: 'session.refused',
  invalid_passkey: 'session.refused',
  email_taken: 'registration.refused',
  password_compromised: 'registration.refused',
  invalid_grant: 'refresh.refused',
  invalid_one_time_token: 'token.refused',
  invalid_code: 'token.refused',
  missing_token: 'access.refused',
  invalid_token: 'access.refused',
  insufficient_role: 'access.refused',
  insufficient_scope: 'access.refused',
  api_key_not_accepted: 'access.refused',
  insufficient_user_authentication: 'access.refused',
  origin_not_allowed: 'access.refused',
  invalid_caller: 'access.refused',
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
      const times = attempt ? await sampleAttempt(ctx, attempt) : 0
      if (attempt && times > 0)
        messages.push({ attempt: { ...attempt, data: { ...attempt.data, ...(times > 1 && { times }) } } })
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
  const { unowned } = ctx.happened
  if (unowned && code === undefined)
    return { ...newAttempt(ctx), type: unowned, subject: null, actor: null, data: { operation } }
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

async function send(ctx: Dispatcher, messages: EventMessage[]): Promise<void> {
  try {
    // Without the binding there is no consumer to tell either; the outbox is swept, an attempt is spilled.
    if (!ctx.queues.events) throw new Error('no queue')
    await ctx.queues.events.sendBatch(messages.map((body) => ({ body })))
  } catch (error) {
    ctx.log('warn', 'could not queue events', { cause: error instanceof Error ? error.name : 'unknown' })
    const attempts = messages.flatMap((message) => ('attempt' in message ? [message.attempt] : []))
    if (!(await spill(ctx, attempts))) reportLost(ctx, attempts)
  }
}
