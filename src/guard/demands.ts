/**
 * What an operation demands of its caller. The row of the caller's session decides, read by the operation's own statement,
 * and never the token alone: so a session that ended, a role that was taken away or an authentication that has grown old
 * counts at once.
 */

import { STEP_UP_SECONDS } from '../description.ts'
import type { Permission } from '../permissions.ts'
import { type Refusal, refuse } from '../problem.ts'
import type { Tenant } from '../tenants/tenants.ts'
import type { ApiKeyHash } from './api-key.ts'

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
  /** That another factor than a passkey was passed: for taking a passkey away as a second factor. */
  besidesPasskey?: true
  /** The least assurance of that authentication (NIST SP 800-63B-4). */
  aal?: number
  role?: typeof ADMIN
  /** Also a session in which an administrator acts as the person: for what shows or changes nothing that is secret or lasts. */
  impersonated?: 'allowed'
  /** Held by `admin`, and by the roles that the tenant gives it. */
  permission?: Permission
  /** Whether an API key that has the permission as a scope may come. */
  takesKeys?: true
  /** Roles that the caller gives: no one gives what they lack. `admin` gives any, and alone gives what is not declared. */
  grants?: readonly string[]
  /** The account that they act on: one that may do more than they is out of their reach. */
  over?: string
  /** Scopes that the caller gives to a key of theirs: those that are permissions they must have. */
  scopes?: readonly string[]
}

/** What says in `amr` (RFC 8176) that something else than a passkey was shown: a password, or a code. */
export const BESIDES_PASSKEY = ['pwd', 'otp']

/** For what an administrator who acts as the person may do, too. */
export const ALSO_IMPERSONATED = { impersonated: 'allowed' } as const

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

/** A caller with an API key; `userId` is its owner, or null where it is the tenant's. The statement decides, as of a session. */
export type KeyCaller<Demanded extends Demands = Demands> = {
  tenant: Tenant
  userId: string | null
  keyId: string
  keyHash: ApiKeyHash
  demands: Demanded
}

type Permitted = Demands & { permission: Permission }

/** For what administrators do: a caller of whom a permission was demanded. */
export type Admin = Caller<Permitted>

/** For what an API key may do too. */
export type AdminOrKey = Admin | KeyCaller<Permitted>

/** Who may come where this is demanded. */
export type CallerFor<Demanded extends Demands> = Demanded extends { takesKeys: true }
  ? Caller<Demanded> | KeyCaller<Demanded>
  : Caller<Demanded>

/** The caller's session and account as they are now; null where the session is not live. */
export type CallerRow = {
  authAgeSeconds: number
  aal: number
  owedAal: number
  amr: string[]
  roles: string[]
  /** Whether an administrator acts as the person. */
  isImpersonated: boolean
  /** By those roles, but for what `admin` allows. */
  permissions: string[]
  /** Whether they may give the roles that were demanded of them. */
  mayGrant: boolean
} | null

/**
 * The one decision on a caller, for reads and for writes.
 * @param row what the statement ended with
 * @returns null when everything is as demanded; refusals `invalid_token` (the session is over), `impersonated`,
 * `insufficient_user_authentication`, `insufficient_role`; of an API key `insufficient_scope`
 */
export function refuseUnless(
  { caller: row }: { caller: CallerRow },
  caller: Caller | KeyCaller,
): Refusal | null {
  const { userId, demands } = caller
  const subject = userId ?? undefined
  if (row === null) return refuse('invalid_token', { evidence: { reason: 'session not live', subject } })
  if (row.isImpersonated && demands.impersonated !== 'allowed')
    return refuse('impersonated', { evidence: { subject } })
  const {
    maxAge = Number.POSITIVE_INFINITY,
    aal = 0,
    role,
    permission,
    oneFactor = false,
    besidesPasskey = false,
  } = demands
  const leastAal = maxAge === Number.POSITIVE_INFINITY ? aal : Math.max(aal, row.owedAal)
  if (row.aal < leastAal || (oneFactor && row.owedAal > 1)) return refuseAuthentication(subject, 'aal2')
  if (row.authAgeSeconds > maxAge)
    return refuseAuthentication(subject, row.owedAal > 1 ? 'aal2' : 'aal1 aal2')
  if (besidesPasskey && !row.amr.some((method) => BESIDES_PASSKEY.includes(method)))
    return refuseAuthentication(subject, 'aal2')
  const isAdmin = row.roles.includes(ADMIN)
  if (role !== undefined && !isAdmin) return refuse('insufficient_role', { evidence: { subject } })
  if (permission !== undefined && !isAdmin && !row.permissions.includes(permission))
    return 'keyId' in caller
      ? refuseScope(permission)
      : refuse('insufficient_role', { evidence: { subject, permission } })
  if (!row.mayGrant)
    return refuse('insufficient_role', { evidence: { subject, reason: 'gives what they lack' } })
  return null
}

/** RFC 6750 §3.1. */
export const refuseScope = (permission: Permission): Refusal =>
  refuse('insufficient_scope', {
    headers: { 'www-authenticate': `Bearer error="insufficient_scope", scope="${permission}"` },
  })

/**
 * RFC 9470 §3: what the next token has to be like.
 * @param acr one of these levels will do, the preferred one first; before the row is read either may be needed
 */
export function refuseAuthentication(
  subject: string | undefined,
  acr: 'aal2' | 'aal1 aal2' | 'aal2 aal1',
): Refusal {
  const challenge = `Bearer error="insufficient_user_authentication", acr_values="${acr}", max_age="${STEP_UP_SECONDS}"`
  return refuse('insufficient_user_authentication', {
    headers: { 'www-authenticate': challenge },
    evidence: { subject },
  })
}
