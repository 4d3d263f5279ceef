/** Giving an account back to its owner, who has nothing left that opens it but the link that they were mailed. */
import type { Context } from '../context.ts'
import { readToken, refuseToken } from '../one-time/one-time.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { reopenAccount, type WayBack } from './giving-back-store.ts'

/**
 * Limit → one batch. The account has no password and no session then: its owner sets a new one (`POST /v1/password/forgot`).
 * @returns null when it is done; refusals of `limit`, `unknown_host`, `origin_not_allowed`, `invalid_one_time_token`,
 * `email_taken` (another account has proved the address by now)
 */
export async function giveBack(
  ctx: Context,
  presented: string,
  purpose: WayBack,
  limit: () => Promise<Refusal | null>,
): Promise<Refusal | null> {
  const hash = await readToken(presented)
  if (isRefusal(hash)) return hash
  const limited = await limit()
  if (limited) return limited
  const given = await reopenAccount(ctx, hash, purpose)
  if (given === 'email_taken') return refuse('email_taken')
  const tenant = requireTenant(ctx, given.tenant)
  if (isRefusal(tenant)) return tenant
  return given.isAlive ? null : refuseToken('not alive')
}
