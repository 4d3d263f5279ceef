/**
 * What an operation demands of its caller. The row of the caller's session decides, read by the operation's own statement,
 * and never the token alone: so a session that ended, a role that was taken away or an authentication that has grown old
 * counts at once (CASES K).
 */
import { type Refusal, refuse, STEP_UP_SECONDS } from '../problem.ts'
import type { Tenant } from '../tenants/tenants.ts'

/** The role that administers a tenant. */
export const ADMIN = 'admin'

export type Demands = {
  /**
   * How many seconds ago the caller may have authenticated at most (RFC 9470), and with a second factor where the account
   * had one before the session began.
   */
  maxAge?: number
  /** For what one factor alone is to renew: an account that owes a second one has to show that (POST /v1/mfa/step-up). */
  oneFactor?: true
  /** The least assurance of that authentication (NIST SP 800-63B-4). */
  aal?: number
  role?: typeof ADMIN
}

export const STEP_UP = { maxAge: STEP_UP_SECONDS } as const
export const AS_ADMIN = { role: ADMIN } as const
export const AS_ADMIN_STEP_UP = { ...AS_ADMIN, ...STEP_UP } as const

/**
 * A caller whose token verified, and what the operation demands of them. Whether their session is live and meets it is for
 * the statement to say: `callerOf` of caller-store.ts.
 */
export type Caller<Demanded extends Demands = Demands> = {
  tenant: Tenant
  userId: string
  sessionId: string
  kid: string
  demands: Demanded
}

/** For what administrators alone may do: a caller of whom nothing less was demanded. */
export type Admin = Caller<Demands & { role: typeof ADMIN }>

/** The caller's session and account as they are now; null where the session is not live. */
export type CallerRow = { authAgeSeconds: number; aal: number; owedAal: number; roles: string[] } | null

/**
 * The one decision on a caller, for reads and for writes.
 * @param row what the statement ended with
 * @returns null when everything is as demanded; refusals `invalid_token` (the session is over),
 * `insufficient_user_authentication`, `insufficient_role`
 */
export function refuseUnless({ caller: row }: { caller: CallerRow }, caller: Caller): Refusal | null {
  const { userId: subject, demands } = caller
  if (row === null) return refuse('invalid_token', { evidence: { reason: 'session not live', subject } })
  const { maxAge = Number.POSITIVE_INFINITY, aal = 0, role, oneFactor = false } = demands
  const leastAal = maxAge === Number.POSITIVE_INFINITY ? aal : Math.max(aal, row.owedAal)
  if (row.aal < leastAal || (oneFactor && row.owedAal > 1)) return refuseAuthentication(subject, 'aal2')
  if (row.authAgeSeconds > maxAge) return refuseAuthentication(subject, row.owedAal > 1 ? 'aal2' : null)
  if (role !== undefined && !row.roles.includes(role))
    return refuse('insufficient_role', { evidence: { subject } })
  return null
}

/** RFC 9470 §3: what the next token has to be like. */
function refuseAuthentication(subject: string, acr: 'aal2' | null): Refusal {
  const acrValues = acr === null ? '' : ` acr_values="${acr}",`
  const challenge = `Bearer error="insufficient_user_authentication",${acrValues} max_age="${STEP_UP_SECONDS}"`
  return refuse('insufficient_user_authentication', {
    headers: { 'www-authenticate': challenge },
    evidence: { subject },
  })
}
