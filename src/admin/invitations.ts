/**
 * Inviting a person to an account of the tenant. What they are called and what they may do is said here, by an
 * administrator; who accepts proves the address and chooses a password (passwords/recovery.ts), and adds nothing.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { findKeptForAdmin } from '../guard/admin-store.ts'
import { type Admin, refuseUnless } from '../guard/demands.ts'
import { openAnswer, repeatAnswer, sealAnswer } from '../idempotency/idempotency.ts'
import { newToken } from '../one-time/one-time.ts'
import { type Refusal, refuse } from '../problem.ts'
import { issueInvitation } from './invitation-store.ts'

export type InvitationInput = {
  email: CanonicalEmail
  name?: string | null | undefined
  roles: string[]
}

/**
 * Has an invitation mailed. The answer is the same whether the address has an account or not.
 * @param idempotencyKey a repeat gets the first answer, and no further mail, for 24 hours
 * @returns refusals `invalid_token`, `insufficient_role`, `idempotency_key_reused`, `idempotency_key_in_use`
 */
export async function invite(
  ctx: Context,
  caller: Admin,
  { email, name = null, roles }: InvitationInput,
  idempotencyKey: string | null,
): Promise<Response | Refusal> {
  const key = idempotencyKey && { actor: caller.userId, operation: 'createInvitation', key: idempotencyKey }
  const request = JSON.stringify([email, name, roles])
  if (key) {
    const found = await findKeptForAdmin(ctx, caller, key)
    const refused = refuseUnless(found, caller)
    if (refused) return refused
    if (found.sealed) {
      const kept = await openAnswer(ctx, caller.tenant.id, key, found.sealed)
      return kept.request === request ? repeatAnswer(kept) : refuse('idempotency_key_reused')
    }
  }
  const response = Response.json({ status: 'invited' }, { status: 202 })
  const kept = key
    ? { key, sealed: await sealAnswer(ctx, caller.tenant.id, key, response, { request, passwordHash: null }) }
    : null
  const token = await newToken(ctx, 'invitation')
  const outcome = await issueInvitation(ctx, caller, { email, name, roles, token }, kept)
  if (outcome === 'idempotency_key_in_use') return refuse(outcome)
  return refuseUnless(outcome, caller) ?? response
}
