/** The rules of webhook endpoints: who may make one, where it may lead, and what of it is ever shown. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import type { EventType } from '../events/catalogue.ts'
import { newId } from '../events/outbox.ts'
import { type CallerOperation, readAsCaller } from '../guard/caller.ts'
import { type Admin, type AdminOrKey, refuseUnless } from '../guard/demands.ts'
import { findKeptForCaller } from '../guard/kept-store.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { type KeptAnswer, openAnswer, repeatAnswer, sealAnswer } from '../idempotency/idempotency.ts'
import type { Permission } from '../permissions.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { newSecret, sealSecret } from './secrets.ts'
import {
  type Changes,
  changeEndpoint,
  type Endpoint,
  findEndpoint,
  insertEndpoint,
  type Outcome,
} from './store.ts'
import { refuseTarget, requirePublicTarget } from './target.ts'

export type NewEndpoint = {
  url: string
  events: (EventType | '*')[]
  description?: string | null | undefined
}

/** An endpoint as every answer shows it. */
export const EndpointAnswer = v.object({
  id: v.pipe(v.string(), v.uuid()),
  url: v.string(),
  description: v.nullable(v.string()),
  events: v.array(v.string()),
  state: v.picklist(['enabled', 'disabled']),
  disabled_reason: v.nullable(v.string()),
  failing_since: v.nullable(AnsweredInstant),
  created_at: AnsweredInstant,
  updated_at: AnsweredInstant,
})

export const presentEndpoint = (endpoint: Endpoint): v.InferOutput<typeof EndpointAnswer> => ({
  id: endpoint.id,
  url: endpoint.url,
  description: endpoint.description,
  events: endpoint.events,
  state: endpoint.state,
  disabled_reason: endpoint.disabledReason,
  failing_since: endpoint.failingSince && instant(endpoint.failingSince),
  created_at: instant(endpoint.createdAt),
  updated_at: instant(endpoint.updatedAt),
})

/** A delivery that was made, or is made once more. */
export const DeliveryAnswer = v.object({ delivery_id: v.pipe(v.string(), v.uuid()) })

/**
 * Makes an endpoint. Its secret is in the answer, and never again.
 * @param idempotencyKey a repeat gets the first answer, secret and all, for 24 hours
 * @returns refusals as `requireCaller`, `insufficient_role`, `webhook_target_refused`, `too_many_webhooks`,
 * `idempotency_key_reused`, `idempotency_key_in_use`
 */
export async function createEndpoint(
  ctx: Context,
  caller: Admin,
  input: NewEndpoint,
  idempotencyKey: string | null,
): Promise<Response | Refusal> {
  const key = idempotencyKey && { actor: caller.userId, operation: 'createWebhook', key: idempotencyKey }
  const request = JSON.stringify([input.url, input.events, input.description ?? null])
  if (key) {
    const found = await findKeptForCaller(ctx, caller, key)
    const refused = refuseUnless(found, caller)
    if (refused) return refused
    if (found.sealed) return repeat(await openAnswer(ctx, caller.tenant.id, key, found.sealed), request)
  }
  const target = await requirePublicTarget(ctx, input.url)
  if (isRefusal(target)) return target

  const now = ctx.now()
  const { events, description = null } = input
  const made: Endpoint = {
    id: newId(ctx),
    url: target.href,
    description,
    events,
    state: 'enabled',
    disabledReason: null,
    failingSince: null,
    createdAt: now,
    updatedAt: now,
  }
  const secret = newSecret(ctx.random)
  const response = Response.json({ ...presentEndpoint(made), secret }, { status: 201 })
  const kept = key
    ? { key, sealed: await sealAnswer(ctx, caller.tenant.id, key, response, { request, passwordHash: null }) }
    : null
  const outcome = await insertEndpoint(ctx, caller, made, await sealSecret(ctx, made.id, secret), kept)
  if (outcome === 'idempotency_key_in_use') return refuse(outcome)
  const refused = refuseUnless(outcome, caller)
  if (refused) return refused
  if (outcome.isOwnHost) return refuseTarget('own_host')
  return outcome.isMade ? response : refuse('too_many_webhooks')
}

const repeat = (kept: KeptAnswer, request: string): Response | Refusal =>
  kept.request === request ? repeatAnswer(kept) : refuse('idempotency_key_reused')

/** Changes what is given. @returns the endpoint; refusals as `createEndpoint`, and `not_found` */
export async function updateEndpoint(
  ctx: Context,
  caller: Admin,
  endpointId: string,
  changes: Changes,
): Promise<Endpoint | Refusal> {
  const target = changes.url === undefined ? undefined : await requirePublicTarget(ctx, changes.url)
  if (isRefusal(target)) return target
  const outcome = await changeEndpoint(ctx, caller, endpointId, {
    ...changes,
    ...(target && { url: target.href }),
  })
  if (outcome.isOwnHost) return refuseUnless(outcome, caller) ?? refuseTarget('own_host')
  return requireOutcome(outcome, caller)
}

/** What a statement about one endpoint found. Refusals `invalid_token`, `insufficient_role`, `not_found` */
export function requireOutcome<Found>(outcome: Outcome<Found>, caller: AdminOrKey): Found | Refusal {
  const refused = refuseUnless(outcome, caller)
  if (refused) return refused
  return outcome.found ?? refuse('not_found')
}

/**
 * For what makes us call the receiver: an administrator's enabled endpoint whose target is public now.
 * @returns refusals as `readAsCaller`, `insufficient_role`, `not_found`, `webhook_disabled`, `webhook_target_refused`
 */
export async function requireReachable(
  ctx: Context,
  headers: Headers,
  operation: CallerOperation,
  demands: { permission: Permission; takesKeys: true },
  endpointId: string,
): Promise<{ caller: AdminOrKey } | Refusal> {
  const read = await readAsCaller(ctx, headers, operation, () => findEndpoint(ctx, endpointId), demands)
  if (isRefusal(read)) return read
  const [endpoint] = read.found
  if (!endpoint) return refuse('not_found')
  if (endpoint.state === 'disabled') return refuse('webhook_disabled')
  const target = await requirePublicTarget(ctx, endpoint.url)
  return isRefusal(target) ? target : { caller: read.caller }
}

/** After the response: the endpoint has something to deliver. If the queue does not hear, the cron finds it. */
export function announce(ctx: Pick<Context, 'queues' | 'defer'>, endpointId: string): void {
  const { deliveries } = ctx.queues
  if (deliveries) ctx.defer(deliveries.sendBatch([{ body: { endpoint_id: endpointId } }]))
}
