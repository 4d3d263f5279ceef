/**
 * Inviting a person to an account of the tenant. What they are called and what they may do is said here, by an
 * administrator; who accepts proves the address and chooses a password (passwords/recovery.ts), and adds nothing.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import type { Admin } from '../guard/demands.ts'
import { createOnce } from '../guard/once.ts'
import { newToken } from '../one-time/one-time.ts'
import type { Refusal } from '../problem.ts'
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
  const creation = {
    operation: 'createInvitation',
    idempotencyKey,
    request: JSON.stringify([email, name, roles]),
    response: Response.json({ status: 'invited' }, { status: 202 }),
  }
  return createOnce(ctx, caller, creation, async (kept) => {
    const token = await newToken(ctx, 'invitation')
    return issueInvitation(ctx, caller, { email, name, roles, token }, kept)
  })
}
