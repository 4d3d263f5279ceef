/** The answer to every sign-in and refresh: a signed access token and where the refresh token goes. */
import * as v from 'valibot'
import { presentUser, type User, UserAnswer } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { signAccessToken } from '../crypto/signing.ts'
import { newId } from '../events/outbox.ts'
import { AnsweredInstant, instant } from '../http/answer.ts'
import { refreshCookie } from '../http/cookies.ts'
import type { Transport } from '../http/input.ts'
import { type CurrentKey, keepVerifier } from '../keys/keys.ts'
import { scopeOf } from '../tenants/roles.ts'
import type { Tenant } from '../tenants/tenants.ts'
import { claimsOf } from '../tenants/token-claims.ts'
import type { RefreshToken } from './refresh-token.ts'
import { statusClaim } from './status-list.ts'

/** A live session, as much as its tokens tell. Authenticator assurance per NIST SP 800-63B-4. */
export type Session = {
  id: string
  expiresAt: Date
  authTime: Date
  amr: readonly string[]
  aal: number
  /** Its place in the status lists (status-list.ts); null for sessions from before there were lists. */
  statusIndex: number | null
}

export type IssuedTokens = {
  tenant: Tenant
  key: CurrentKey
  user: User
  session: Session
  /** Null where the session goes on with the one that it has. */
  refreshToken: RefreshToken | null
  /** Remaining life of the refresh token, by the database's clock. */
  refreshExpiresInSeconds: number
}

/** `refresh_token` is absent where it is in the cookie, or where the session goes on with the one that it has. */
export const TokensAnswer = v.object({
  access_token: v.string(),
  token_type: v.literal('Bearer'),
  expires_in: v.number(),
  refresh_token: v.exactOptional(v.string()),
  refresh_expires_in: v.number(),
  session: v.object({ id: v.pipe(v.string(), v.uuid()), expires_at: AnsweredInstant }),
  user: UserAnswer,
})

/**
 * Signs the access token (RFC 9068) and forms the answer. With the cookie transport the refresh token is in
 * `Set-Cookie` alone, where no script can read it.
 */
export async function tokensResponse(
  ctx: Pick<Context, 'now' | 'random' | 'origin' | 'log' | 'defer'>,
  issued: IssuedTokens,
  transport: Transport,
  status: 200 | 201,
  besides: Record<string, unknown> = {},
): Promise<Response> {
  const { tenant, key, user, session, refreshToken, refreshExpiresInSeconds } = issued
  const { accessToken, expiresInSeconds } = await issueAccessToken(ctx, issued)
  const body: v.InferOutput<typeof TokensAnswer> = {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    ...(transport === 'token' && refreshToken !== null && { refresh_token: refreshToken }),
    refresh_expires_in: refreshExpiresInSeconds,
    session: { id: session.id, expires_at: instant(session.expiresAt) },
    user: presentUser(user),
  }
  keepVerifier(ctx, key.kid, { tenant, key: { publicJwk: key.publicJwk, algorithm: key.algorithm } })
  const response = Response.json({ ...body, ...besides }, { status })
  if (transport === 'cookie')
    for (const cookie of refreshCookieOf(issued)) response.headers.set('set-cookie', cookie)
  return response
}

/** The cookie that keeps a browser signed in; none where the session goes on with the token that it has. */
export const refreshCookieOf = ({ refreshToken, refreshExpiresInSeconds }: IssuedTokens): string[] =>
  refreshToken === null ? [] : [refreshCookie(refreshToken, refreshExpiresInSeconds)]

/**
 * The access token alone, signed with the key that signs now; never longer than the session.
 * @param actor the administrator who acts as the person (RFC 8693 §4.1)
 */
export async function issueAccessToken(
  ctx: Pick<Context, 'now' | 'random'>,
  issued: Pick<IssuedTokens, 'tenant' | 'key' | 'user' | 'session'>,
  actor?: string,
) {
  const { tenant, key, user, session } = issued
  const issuedAt = Math.floor(ctx.now().getTime() / 1000)
  // Never longer than the session, which verifiers elsewhere cannot look up.
  const sessionSeconds = Math.floor(session.expiresAt.getTime() / 1000) - issuedAt
  const expiresInSeconds = Math.max(
    0,
    Math.min(jittered(tenant.policy.access_token_seconds, ctx), sessionSeconds),
  )
  const scope = scopeOf(tenant.policy, user.roles)
  const accessToken = await signAccessToken(key, {
    // First, so that none of ours is ever one of these.
    ...claimsOf(tenant.policy, user),
    iss: tenant.issuer,
    aud: tenant.audience,
    sub: user.id,
    // RFC 9068 §2.2 requires it: the tenant's own first-party client, until there are others.
    client_id: tenant.id,
    sid: session.id,
    tid: tenant.id,
    roles: user.roles,
    ...(scope !== '' && { scope }),
    amr: session.amr,
    acr: `aal${session.aal}`,
    auth_time: Math.floor(session.authTime.getTime() / 1000),
    iat: issuedAt,
    exp: issuedAt + expiresInSeconds,
    jti: newId(ctx),
    ...(session.statusIndex !== null && { status: statusClaim(tenant.issuer, session.statusIndex) }),
    ...(actor !== undefined && { act: { sub: actor } }),
  })
  return { accessToken, expiresInSeconds }
}

/** Up to 5 % shorter, so that clients that signed in together do not refresh together. */
function jittered(seconds: number, { random }: Pick<Context, 'random'>): number {
  const [byte = 0] = random(1)
  return seconds - Math.floor((seconds * 0.05 * byte) / 255)
}
