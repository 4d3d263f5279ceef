/**
 * The one door: every session begins here, after a first factor. A factor prepares the beginning, puts `begin` (start-store.ts)
 * into the statement that decides whether it passed, and reads what came of it.
 */
import * as v from 'valibot'
import type { User } from '../accounts/accounts.ts'
import { userColumns } from '../accounts/store.ts'
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import type { RingState } from '../keys/auth-keys.ts'
import type { CurrentKey } from '../keys/keys.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
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
import { hashMfaToken, type MfaToken, type MfaTokenHash, newMfaToken } from './mfa-token.ts'
import { type NewTrust, presentedTrust, type TrustHash } from './trusted-device.ts'

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
  /** Whether the first factor was a code or link by email. */
  isByEmail: boolean
  /** Whether a mailed code was given in the second step: it meets the tenant's demand where the account has no factor. */
  hasEmailCode: boolean
  /** Whether the caller's browser has proved that it signed in to this account before. */
  isKnownBrowser: boolean
  /** Its number for the status lists, where its answer is kept before the statement; else the statement draws one. */
  statusIndex: number | null
}

/** What began; where that is a session, with the cookie of a browser that is trusted from now on. */
export const trusting = (begun: Begun | Refusal | null, trust: NewTrust | null): Begun | Refusal | null =>
  trust && begun && !isRefusal(begun) && begun.state === 'started'
    ? { ...begun, trustedCookie: trust.cookie }
    : begun

/** What may begin: made before the statement, so that its answer is known as soon as the statement has decided. */
export type Beginning = {
  tenant: Tenant
  key: CurrentKey
  session: NewSession
  refreshToken: RefreshToken
  /** Whether the statement may be the first to use the ring's newest key, and has to say so. */
  announcesKey: boolean
  /** Whether the account may have as many sessions as it may, so that the oldest has to end. */
  mayDisplace: boolean
  /** What begins in the place of the session, where the account needs a second factor. */
  challenge: { id: string; hash: MfaTokenHash }
  mfaToken: MfaToken
  /** What the caller's browser may be trusted by: digests that rows of `trusted_devices` may have. */
  trusted: readonly TrustHash[]
}

/** How long a person has to find the second factor, in seconds. */
export const CHALLENGE_SECONDS = 300

/** What came of a first factor that was passed. */
export type Begun = Started | Challenged

export type Started = {
  state: 'started'
  /** Of a browser that is trusted from now on. */
  trustedCookie?: string
} & IssuedTokens

/** No token, no cookie, no `auth_time`: a second factor first. */
export type Challenged = {
  state: 'challenged'
  mfaToken: MfaToken
  /** `enrol`: the account must add a second factor, and the token can do only that. */
  demand: 'verify' | 'enrol'
  methods: SecondFactor[]
}

/** What a second step can be passed with. Which of them an account has at hand: `AT_HAND` of start-store.ts. */
export const SECOND_FACTORS = ['totp', 'recovery_code', 'passkey', 'email_code'] as const
export type SecondFactor = (typeof SECOND_FACTORS)[number]

/**
 * @param method a first factor by its name; after a second one, what both were and the level that they reach together
 * @param found.at the database's clock, as the same request read it; absent only where the read found nothing, and then
 * nothing begins
 * @param found.ring what the same read knows of the ring, and @param found.openSessions of the account's sessions: where it
 * tells that there is nothing to announce or to end, the statement does not ask again. PostgreSQL plans each part of a
 * statement at each call, and these were a quarter of what a sign-in took of it.
 * @param found.isKnownBrowser whether the caller's browser has proved that it signed in to this account before
 */
export async function prepare(
  ctx: Pick<Context, 'settings' | 'now' | 'random' | 'host' | 'client' | 'trustedCookie'>,
  method: Method | { amr: readonly string[]; aal: 1 | 2; hasEmailCode?: boolean },
  {
    tenant,
    key,
    at = ctx.now(),
    ring,
    openSessions = Number.POSITIVE_INFINITY,
    isKnownBrowser = false,
    statusIndex = null,
  }: {
    tenant: Tenant
    key: CurrentKey
    at: Date | undefined
    ring?: RingState | null | undefined
    openSessions?: number | undefined
    isKnownBrowser?: boolean
    statusIndex?: number | null | undefined
  },
): Promise<Beginning> {
  const refreshToken = newRefreshToken(ctx.random)
  const mfaToken = newMfaToken(ctx.random)
  const challenge = { id: newId(ctx), hash: await hashMfaToken(mfaToken) }
  const session = {
    id: newId(ctx),
    startedAt: at,
    refreshTokenId: newId(ctx),
    refreshTokenHash: await hashRefreshToken(ctx.settings.authKeys, refreshToken),
    policy: tenant.policy,
    hasEmailCode: false,
    isByEmail: false,
    ...(typeof method === 'string' ? METHODS[method] : method),
    isKnownBrowser,
    statusIndex,
  }
  const announcesKey = !ring?.isNewestInUse
  const mayDisplace = openSessions >= tenant.policy.max_sessions
  const trusted = tenant.policy.trusted_devices && session.aal === 1 ? await presentedTrust(ctx) : []
  return { tenant, key, session, refreshToken, announcesKey, mayDisplace, challenge, mfaToken, trusted }
}

const BegunRow = v.object({
  outcome: v.picklist(['started', 'challenged', 'over']),
  demand: v.picklist(['none', 'verify', 'enrol']),
  methods: v.array(v.picklist(SECOND_FACTORS)),
  user: inJson(userColumns),
  statusIndex: v.nullable(v.number()),
})

/**
 * @param begun what `BEGUN` selected
 * @returns the session with its tokens, or what is needed first; refusal `second_factor_required`; null when nothing began,
 * and the factor says why
 */
export function readBegun(
  ctx: Pick<Context, 'outcome'>,
  beginning: Beginning,
  begun: unknown,
): Begun | Refusal | null {
  if (begun === null || begun === undefined) return null
  const { outcome, demand, methods, user, statusIndex } = v.parse(BegunRow, begun)
  ctx.outcome.subject = user.id
  if (outcome === 'over') return refuse('second_factor_required')
  if (demand === 'none') return startedAs(beginning, user, statusIndex)
  ctx.outcome.second_factor = demand
  return { state: 'challenged', mfaToken: beginning.mfaToken, demand, methods }
}

/** What begins for an account that is only being made, if the statement lets it: for an answer that is stored with it. */
export function begunAsNew(beginning: Beginning, user: User): Begun {
  const { policy } = beginning.tenant
  return beginning.session.aal === 1 && needsFactor(policy, user.roles)
    ? { state: 'challenged', mfaToken: beginning.mfaToken, demand: 'enrol', methods: ['totp'] }
    : startedAs(beginning, user, beginning.session.statusIndex)
}

/** Whether the tenant wants a second factor of an account with these roles. The statement decides the same (`begin`). */
export const needsFactor = (policy: TenantPolicy, roles: readonly string[]) =>
  policy.second_factor === 'required' ||
  (policy.second_factor === 'required_for_roles' &&
    roles.some((role) => policy.second_factor_roles.includes(role)))

function startedAs(
  { tenant, key, session: { id, startedAt, policy, amr, aal }, refreshToken }: Beginning,
  user: User,
  statusIndex: number | null,
): Started {
  const expiresAt = new Date(startedAt.getTime() + policy.session_absolute_seconds * 1000)
  return {
    state: 'started',
    tenant,
    key,
    user,
    session: { id, expiresAt, authTime: startedAt, amr, aal, statusIndex },
    refreshToken,
    refreshExpiresInSeconds: refreshSeconds(policy),
  }
}
