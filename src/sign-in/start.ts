/**
 * The one door: whoever passed a first factor begins here. A factor prepares the beginning, puts `begin` (start-store.ts)
 * into the statement that decides whether it passed, and reads what came of it.
 */
import * as v from 'valibot'
import type { User } from '../accounts/accounts.ts'
import { userColumns } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import type { CurrentKey } from '../keys/keys.ts'
import {
  hashRefreshToken,
  type KeyedTokenHash,
  newRefreshToken,
  type RefreshToken,
} from '../sessions/refresh-token.ts'
import { refreshSeconds } from '../sessions/store.ts'
import type { IssuedTokens } from '../sessions/tokens.ts'
import { inJson } from '../storage/rows.ts'
import type { Tenant, TenantPolicy } from '../tenants/tenants.ts'
import { METHODS, type Method } from './methods.ts'

export type NewSession = {
  id: string
  /** Now, by the database's clock, as the same request read it: so the answer is known before the session begins. */
  startedAt: Date
  refreshTokenId: string
  refreshTokenHash: KeyedTokenHash
  policy: TenantPolicy
  /** Authentication methods (RFC 8176), e.g. `['pwd']`, and the assurance level they reach. */
  amr: readonly string[]
  aal: 1 | 2
  /** Whether the caller's browser has proved that it signed in to this account before. */
  isKnownBrowser: boolean
}

/** What may begin: made before the statement, so that its answer is known as soon as the statement has decided. */
export type Beginning = {
  tenant: Tenant
  key: CurrentKey
  session: NewSession
  refreshToken: RefreshToken
}

/**
 * @param found.at the database's clock, as the same request read it; absent only where the read found nothing, and then
 * nothing begins
 * @param found.isKnownBrowser whether the caller's browser has proved that it signed in to this account before
 */
export async function prepare(
  ctx: Pick<Context, 'settings' | 'now' | 'random'>,
  method: Method,
  {
    tenant,
    key,
    at = ctx.now(),
    isKnownBrowser = false,
  }: { tenant: Tenant; key: CurrentKey; at: Date | undefined; isKnownBrowser?: boolean },
): Promise<Beginning> {
  const refreshToken = newRefreshToken(ctx.random)
  const session = {
    id: newId(ctx),
    startedAt: at,
    refreshTokenId: newId(ctx),
    refreshTokenHash: await hashRefreshToken(ctx.settings.authKeys, refreshToken),
    policy: tenant.policy,
    ...METHODS[method],
    isKnownBrowser,
  }
  return { tenant, key, session, refreshToken }
}

/**
 * @param begun what `BEGUN` selected
 * @returns the session with its tokens, or null: nothing began, and the factor says why
 */
export function readBegun(
  ctx: Pick<Context, 'outcome'>,
  beginning: Beginning,
  begun: unknown,
): IssuedTokens | null {
  if (begun === null || begun === undefined) return null
  const user = v.parse(inJson(userColumns), begun)
  ctx.outcome.subject = user.id
  return begunAs(beginning, user)
}

/** What begins if the statement lets it: for an answer that is stored with it. */
export function begunAs(
  { tenant, key, session: { id, startedAt, policy, amr, aal }, refreshToken }: Beginning,
  user: User,
): IssuedTokens {
  const expiresAt = new Date(startedAt.getTime() + policy.session_absolute_seconds * 1000)
  return {
    tenant,
    key,
    user,
    session: { id, expiresAt, authTime: startedAt, amr, aal },
    refreshToken,
    refreshExpiresInSeconds: refreshSeconds(policy),
  }
}
