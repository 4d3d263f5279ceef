/** Taking back that an account was closed: by a mailed link, since nothing else opens it any more. */
import type { Context } from '../context.ts'
import { checkLimits } from '../limits/check.ts'
import { readToken, refuseToken } from '../one-time/one-time.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { restoreAccount } from './closing-store.ts'

/**
 * Restores the account that the link is for. It has no password and no session: its owner sets a new password.
 * @returns null when it is done; refusals `rate_limited`, `unknown_host`, `origin_not_allowed`, `invalid_one_time_token`,
 * `email_taken` (the address has another account by now)
 */
export async function restoreByToken(ctx: Context, presented: string): Promise<Refusal | null> {
  const limited = await checkLimits(ctx, 'restoreMe')
  if (limited) return limited
  const hash = await readToken(presented)
  if (isRefusal(hash)) return hash
  const { tenant: found, outcome } = await restoreAccount(ctx, hash)
  const tenant = requireTenant(ctx, found)
  if (isRefusal(tenant)) return tenant
  if (outcome === 'restored') return null
  return outcome === 'email_taken' ? refuse('email_taken') : refuseToken('not alive')
}
