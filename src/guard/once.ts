/** A creation by an administrator that carries an `Idempotency-Key`: a repeat gets the first answer, and has no further effect. */
import type { Context } from '../context.ts'
import { type IdempotencyKey, openAnswer, repeatAnswer, sealAnswer } from '../idempotency/idempotency.ts'
import { type Refusal, refuse } from '../problem.ts'
import { type Admin, type CallerRow, refuseUnless } from './demands.ts'
import { findKeptForCaller } from './kept-store.ts'

/** The answer that the statement of the effect keeps (`keepAnswer`). */
export type Kept = { key: IdempotencyKey; sealed: string } | null

type Creation = {
  operation: string
  idempotencyKey: string | null
  /** What was asked, as text: a repeat must equal it. */
  request: string
  /** What is answered where the effect takes place. */
  response: Response
}

/**
 * @param effect the statement: it keeps the answer with its effect, and ends with the caller
 * @returns refusals `invalid_token`, `insufficient_role`, `insufficient_user_authentication`, `idempotency_key_reused`,
 * `idempotency_key_in_use`, and those of `effect`
 */
export async function createOnce(
  ctx: Context,
  caller: Admin,
  { operation, idempotencyKey, request, response }: Creation,
  effect: (kept: Kept) => Promise<{ caller: CallerRow } | 'idempotency_key_in_use' | Refusal>,
): Promise<Response | Refusal> {
  const tenantId = caller.tenant.id
  const key = idempotencyKey === null ? null : { actor: caller.userId, operation, key: idempotencyKey }
  if (key) {
    const found = await findKeptForCaller(ctx, caller, key)
    const refused = refuseUnless(found, caller)
    if (refused) return refused
    if (found.sealed) {
      const kept = await openAnswer(ctx, tenantId, key, found.sealed)
      return kept.request === request ? repeatAnswer(kept) : refuse('idempotency_key_reused')
    }
  }
  const keeping = { request, passwordHash: null }
  const kept = key && { key, sealed: await sealAnswer(ctx, tenantId, key, response, keeping) }
  const outcome = await effect(kept)
  if (outcome === 'idempotency_key_in_use') return refuse(outcome)
  if ('refused' in outcome) return outcome
  return refuseUnless(outcome, caller) ?? response
}
