/** A session that is about to begin, and what its answer will say of it. The statement that begins it is in store.ts. */
import type { Context } from '../context.ts'
import { hashRefreshToken, newRefreshToken } from '../crypto/opaque-token.ts'
import { newId } from '../events/outbox.ts'
import { refreshSeconds } from '../sessions/store.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import type { TenantPolicy } from '../tenants/tenants.ts'

/** What is to be true of it. @param at the database's clock; absent only where the read found nothing, and then no session begins */
export type SessionStart = {
  policy: TenantPolicy
  at: Date | undefined
  /** RFC 8176. */
  amr: string[]
}

export async function newSession(
  ctx: Pick<Context, 'settings' | 'now' | 'random'>,
  { policy, at = ctx.now(), amr }: SessionStart,
) {
  const refreshToken = newRefreshToken(ctx.random)
  return {
    id: newId(ctx),
    startedAt: at,
    refreshToken,
    refreshTokenId: newId(ctx),
    refreshTokenHash: await hashRefreshToken(ctx.settings.authKeys, refreshToken),
    policy,
    amr,
    aal: 1 as const,
  }
}

/** What `tokensResponse` needs to know of a session that has begun. */
export function issuedBy({
  id,
  startedAt,
  policy,
  amr,
  aal,
  refreshToken,
}: Awaited<ReturnType<typeof newSession>>): Pick<
  IssuedTokens,
  'session' | 'refreshToken' | 'refreshExpiresInSeconds'
> {
  const expiresAt = new Date(startedAt.getTime() + policy.session_absolute_seconds * 1000)
  return {
    session: { id, expiresAt, authTime: startedAt, amr, aal },
    refreshToken,
    refreshExpiresInSeconds: refreshSeconds(policy),
  }
}
