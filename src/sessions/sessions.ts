/** The rules of sessions: refreshing and signing out. */
import type { Context } from '../context.ts'
import { decideBeside } from '../guard/caller.ts'
import { ALSO_IMPERSONATED, refuseUnless } from '../guard/demands.ts'
import { UUID } from '../http/input.ts'
import { noteRing, requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { countBeside } from '../limits/beside.ts'
import { refuseOver } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { endSession, endSessions, sessionOfCaller } from './ending-store.ts'
import { type Presented, refuseDead } from './presented.ts'
import { hashRefreshToken, type RefreshToken, refreshTokenHashes, successorOf } from './refresh-token.ts'
import { refreshLimit, rotate, sessionOfRefreshToken, takeBack } from './rotation.ts'
import type { IssuedTokens } from './tokens.ts'

/**
 * Exchanges a refresh token for its successor. Idempotent for 30 seconds, and for the life of an access token at the
 * device that used it: a second tab or a retry after a lost answer gets the same successor, as long as that is unused.
 * Any other use of a used token ends the session.
 * @returns refusals `rate_limited`, `unknown_host`, `origin_not_allowed`, `invalid_grant` (whatever the reason)
 */
export async function refreshSession(
  ctx: Context,
  { refreshToken, transport }: Presented,
): Promise<IssuedTokens | Refusal> {
  const { authKeys } = ctx.settings
  const newestKeyId = authKeys[0].keyId
  const successor = await successorOf(authKeys, refreshToken, newestKeyId)
  const presented = await refreshTokenHashes(authKeys, refreshToken)
  const hashed = { presented, successor: await hashRefreshToken(authKeys, successor) }
  const found = await countBeside(ctx, 'refresh', { token: refreshToken }, () => rotate(ctx, hashed))
  if (isRefusal(found)) return found

  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  const { session, user, key, ring, waitSeconds = 0 } = found ?? {}
  const { successorKeyId: keyId = null, successorSeconds = null } = found ?? {}
  ctx.outcome.subject = user?.id
  // Of a key that this Worker lacks, perhaps: it cannot tell, so it must not say that the token is not valid.
  if (!session) requireKeys(ctx, ring, 'session')
  else noteRing(ctx, ring, 'session')
  // It may be alive at home.
  if (found?.isForeign) return refuse('invalid_grant', { evidence: { reason: 'of another tenant' } })
  if (!session) return refuseDead(transport, 'unknown token')
  if (!found?.isLive) return refuseDead(transport, found?.revokeReason ?? 'session expired')
  // It goes on once the account is active again.
  if (!user) return refuse('invalid_grant', { evidence: { reason: 'account not active' } })
  const signing = await openCurrentKey(ctx, key).catch(async (error: unknown) => {
    if (keyId !== null) await takeBack(ctx, presented)
    throw error
  })
  if (keyId === null || successorSeconds === null) {
    if (waitSeconds > 0) return refuseOver('session', refreshLimit(ctx), waitSeconds)
    // The token expired unused, so no successor was made.
    return refuseDead(transport, 'token expired')
  }
  return {
    tenant,
    key: signing,
    user,
    session,
    // A repeat may come after the keyring was rotated: the successor is of the key that made it.
    refreshToken: keyId === newestKeyId ? successor : await successorOf(authKeys, refreshToken, keyId),
    refreshExpiresInSeconds: successorSeconds,
  }
}

/**
 * Ends the session that a refresh token belongs to, used or not, on a host of its tenant. Unknown tokens are fine:
 * what the caller wants is then already so.
 * @returns the tenant; refusals `rate_limited`, `unknown_host`, `origin_not_allowed`
 */
export async function signOutByRefreshToken(
  ctx: Context,
  refreshToken: RefreshToken,
): Promise<Tenant | Refusal> {
  const presented = await refreshTokenHashes(ctx.settings.authKeys, refreshToken)
  const found = await countBeside(ctx, 'logout', { token: refreshToken }, () =>
    endSession(ctx, sessionOfRefreshToken(ctx, presented)),
  )
  if (isRefusal(found)) return found
  const tenant = requireTenant(ctx, found?.tenant)
  // Nothing has ended; perhaps because the token is of a key that this Worker lacks.
  if (!isRefusal(tenant) && !found?.isFound) requireKeys(ctx, found?.ring, 'session')
  return tenant
}

/**
 * Ends the session of a verified access token, live or not.
 * @returns the tenant; refusals as `requireCaller`, `invalid_token` when its key no longer counts
 */
export async function signOutCaller(ctx: Context, headers: Headers): Promise<Tenant | Refusal> {
  const found = await decideBeside(ctx, headers, 'logout', ALSO_IMPERSONATED, (caller) =>
    endSession(ctx, sessionOfCaller(caller)),
  )
  if (isRefusal(found)) return found
  const tenant = requireTenant(ctx, found?.tenant)
  // A session that ended is still found; what is not found is a token of a key that was revoked.
  if (!isRefusal(tenant) && !found?.isFound)
    return refuse('invalid_token', { evidence: { reason: 'unknown key or session' } })
  return tenant
}

/** Ends one of the caller's sessions: limit ∥ one batch. @returns null when it has ended; refusals as `requireCaller`, `not_found` */
export async function endOwnSession(ctx: Context, headers: Headers, id: string): Promise<Refusal | null> {
  return decideBeside(ctx, headers, 'revokeSession', {}, async (caller) => {
    if (!UUID.test(id)) return refuse('not_found')
    const ended = await endSessions(ctx, caller, { one: id })
    return refuseUnless(ended, caller) ?? (ended.found === 0 ? refuse('not_found') : null)
  })
}

/** The same for all of them, or all others. @returns null when they have ended; refusals as `requireCaller` */
export async function endOwnSessions(
  ctx: Context,
  headers: Headers,
  which: 'all' | 'others',
): Promise<Refusal | null> {
  return decideBeside(ctx, headers, 'revokeSessions', {}, async (caller) =>
    refuseUnless(await endSessions(ctx, caller, which), caller),
  )
}
