/**
 * One attempt to deliver: one request, to where the name leads now, no redirect followed, one deadline for all of it.
 * Of what the receiver answers only the status counts; its text is read so far as good manners ask, and kept nowhere.
 */
import type { JobContext } from '../context.ts'
import { type Answered, callOutbound } from '../http/outbound.ts'
import { isRefusal } from '../problem.ts'
import type { ClaimedDelivery } from './claim-store.ts'
import { openSecrets } from './secrets.ts'
import { signWebhook } from './signature.ts'
import { requirePublicTarget } from './target.ts'

/** Why an attempt failed: what the delivery list shows as `last_error`. */
export type AttemptError = 'timeout' | 'connection' | 'redirect' | 'status' | 'target_refused'

export type Attempt = {
  /** HTTP status; null where there was no answer. */
  status: number | null
  error: AttemptError | null
  durationMs: number
  /** What the receiver asks for, where its status means "later". */
  retryAfterSeconds: number
}

const MAX_ANSWER_BYTES = 65_536
const LATER: readonly number[] = [429, 502, 503, 504]
const MAX_RETRY_AFTER_SECONDS = 86_400

/** @throws Fault when the resolver does not answer, or a secret does not open: that is no attempt */
export async function attemptDelivery(ctx: JobContext, delivery: ClaimedDelivery): Promise<Attempt> {
  const startedAt = ctx.now().getTime()
  const ended = (result: Partial<Attempt> & Pick<Attempt, 'error'>): Attempt => ({
    status: null,
    retryAfterSeconds: 0,
    ...result,
    durationMs: ctx.now().getTime() - startedAt,
  })
  const target = await requirePublicTarget(ctx, delivery.url)
  if (isRefusal(target) || delivery.isOwnHost) return ended({ error: 'target_refused' })
  const headers = await headersOf(ctx, delivery)

  const { timeoutMs } = ctx.settings.webhooks
  const sent = { method: 'POST', headers, body: delivery.payload }
  const answered = await callOutbound(target, sent, { timeoutMs, maxBytes: MAX_ANSWER_BYTES })
  if (typeof answered === 'string') return ended({ error: answered })
  // The status is the answer, whatever becomes of the rest.
  const { status } = answered
  return ended({ status, error: errorOf(status), retryAfterSeconds: retryAfter(ctx, answered) })
}

async function headersOf(ctx: JobContext, delivery: ClaimedDelivery): Promise<Headers> {
  const { eventId: id, payload: body } = delivery
  const timestamp = Math.floor(ctx.now().getTime() / 1000)
  const secrets = await openSecrets(ctx, delivery.secrets)
  return new Headers({
    'content-type': 'application/json',
    'user-agent': 'Latchkey-Webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': await signWebhook(secrets, { id, timestamp, body }),
  })
}

function errorOf(status: number): AttemptError | null {
  if (status >= 200 && status < 300) return null
  return status >= 300 && status < 400 ? 'redirect' : 'status'
}

/** Seconds or an HTTP date (RFC 9110 §10.2.3), at most a day. */
function retryAfter({ now }: JobContext, { status, headers }: Answered): number {
  const given = headers.get('retry-after')
  if (given === null || !LATER.includes(status)) return 0
  const seconds = /^[0-9]{1,9}$/.test(given) ? Number(given) : (Date.parse(given) - now().getTime()) / 1000
  return Number.isNaN(seconds) ? 0 : Math.min(MAX_RETRY_AFTER_SECONDS, Math.max(0, Math.ceil(seconds)))
}
