/**
 * Making an API key: for a program that acts for the caller or, by an administrator, for the tenant. The key is in the answer, which an
 * Idempotency-Key repeats, and nowhere else.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import { hashApiKey, newApiKey } from '../guard/api-key.ts'
import { requireCaller } from '../guard/caller.ts'
import { AS_ADMIN_STEP_UP, type Caller, refuseUnless, STEP_UP } from '../guard/demands.ts'
import { findKeptForCaller } from '../guard/kept-store.ts'
import { DisplayName, Instant } from '../http/input.ts'
import { openAnswer, repeatAnswer, sealAnswer } from '../idempotency/idempotency.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { ApiKeyAnswer, OwnerKind, presentKey, Scope } from './api-key-answer.ts'
import { insertKey, type StoredKey } from './api-key-store.ts'

export const NewApiKey = v.strictObject({
  name: DisplayName,
  scopes: v.pipe(v.array(Scope), v.minLength(1, 'too_short'), v.maxLength(100, 'too_many')),
  owner: v.optional(OwnerKind, 'user'),
  expires_at: v.optional(Instant),
})

export const MadeApiKey = v.object({ ...ApiKeyAnswer.entries, key: v.string() })

/**
 * @returns 201 with `MadeApiKey`; refusals as `requireCaller`, `insufficient_role`, `invalid_input`, `too_many_api_keys`, those
 * of the Idempotency-Key
 */
export async function createKey(
  ctx: Context,
  headers: Headers,
  input: v.InferOutput<typeof NewApiKey>,
  idempotencyKey: string | null,
): Promise<Response | Refusal> {
  const demands = { ...(input.owner === 'tenant' ? AS_ADMIN_STEP_UP : STEP_UP), scopes: input.scopes }
  const caller: Caller | Refusal = await requireCaller(ctx, headers, 'createApiKey', demands)
  return isRefusal(caller) ? caller : create(ctx, caller, input, idempotencyKey)
}

async function create(
  ctx: Context,
  caller: Caller,
  input: v.InferOutput<typeof NewApiKey>,
  idempotencyKey: string | null,
): Promise<Response | Refusal> {
  const { owner, name, expires_at: expiresAt = null } = input
  const scopes = [...new Set(input.scopes)]
  const wrong = wrongFields(ctx, caller, { scopes: input.scopes, expiresAt })
  if (wrong) return wrong
  const kept =
    idempotencyKey === null ? null : { actor: caller.userId, operation: 'createApiKey', key: idempotencyKey }
  const request = JSON.stringify([owner, name, scopes, expiresAt])
  if (kept) {
    const found = await findKeptForCaller(ctx, caller, kept)
    const refused = refuseUnless(found, caller)
    if (refused) return refused
    if (found.sealed) {
      const answer = await openAnswer(ctx, caller.tenant.id, kept, found.sealed)
      return answer.request === request ? repeatAnswer(answer) : refuse('idempotency_key_reused')
    }
  }
  const key: StoredKey = {
    id: newId(ctx),
    userId: owner === 'user' ? caller.userId : null,
    ...{ name, scopes },
    createdAt: ctx.now(),
    expiresAt: expiresAt === null ? null : new Date(expiresAt),
    lastUsedAt: null,
    previousExpiresAt: null,
  }
  const secret = newApiKey(ctx.settings.environment, key.id, ctx.random)
  const response = Response.json({ ...presentKey(key), key: secret }, { status: 201 })
  const sealed = kept && {
    key: kept,
    sealed: await sealAnswer(ctx, caller.tenant.id, kept, response, { request, passwordHash: null }),
  }
  const made = await insertKey(ctx, caller, { key, owner, hash: await hashApiKey(secret) }, sealed)
  if (made === 'idempotency_key_in_use') return refuse(made)
  return refuseUnless(made, caller) ?? (made.isMade ? response : refuse('too_many_api_keys'))
}

/** Scopes that the tenant has not declared, and an end that is over. */
function wrongFields(
  ctx: Pick<Context, 'now'>,
  { tenant }: Caller,
  { scopes, expiresAt }: { scopes: readonly string[]; expiresAt: string | null },
): Refusal | null {
  const errors = scopes.flatMap((scope, index) =>
    tenant.policy.api_key_scopes.includes(scope)
      ? []
      : [{ pointer: `/scopes/${index}`, code: 'unknown_scope' }],
  )
  if (expiresAt !== null && new Date(expiresAt) <= ctx.now())
    errors.push({ pointer: '/expires_at', code: 'in_the_past' })
  return errors.length > 0 ? refuse('invalid_input', { errors }) : null
}
