/**
 * Verifies the access tokens of a Latchkey service (RFC 9068, with the checks of RFC 8725) in any runtime that has `fetch` and
 * WebCrypto: Node, Workers, Deno, browsers. No call to the service at a request: its keys, and the lists of sessions that ended
 * lately, are kept and read again now and then.
 */
import type { MiddlewareHandler } from 'hono'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { type Ages, type Fetch, keep, type WaitUntil } from './documents.ts'
import { statusLists } from './status-list.ts'
import { TokenError } from './token-error.ts'

export { TokenError, type TokenErrorCode } from './token-error.ts'

/** What an access token says. Times are seconds since 1970. */
export type AccessTokenClaims = {
  iss: string
  aud: string | string[]
  /** The account. */
  sub: string
  client_id: string
  /** The session. */
  sid: string
  /** The tenant. */
  tid: string
  roles: string[]
  /** Permissions, separated by blanks (RFC 9068 §2.2.3), where the tenant has declared some. */
  scope?: string
  /** How the person authenticated (RFC 8176), e.g. `['pwd', 'otp']`. */
  amr: string[]
  /** Authentication assurance: `aal1`, or `aal2` with a second factor. */
  acr: 'aal1' | 'aal2' | (string & {})
  /** When the person authenticated last. */
  auth_time: number
  iat: number
  exp: number
  jti: string
  /** Where the status lists say whether the session has ended. */
  status?: unknown
  /** Who acts in the name of `sub` (RFC 8693 §4.1). */
  act?: { sub: string }
  /** Whatever else the tenant has put into its tokens. */
  [claim: string]: unknown
}

export type VerifierOptions = {
  /** The tenant's issuer, e.g. `https://auth.example.com`. */
  issuer: string
  /** The tenant's `audience`; the issuer, unless you have set it. */
  audience?: string
  /**
   * Whether the session of a token may have ended: `refuse` and `accept` say what becomes of a token while the status list cannot
   * be had, and refuse it within 15 seconds otherwise. `ignore` accepts a token until it expires.
   */
  endedSessions: 'refuse' | 'accept' | 'ignore'
  /** For tests, and for runtimes that fetch in another way. */
  fetch?: Fetch
  /** Milliseconds since 1970. */
  now?: () => number
}

/** What a token has to say besides being one. */
export type Demands = {
  /** All of these, e.g. `['notes:write']`. */
  scopes?: readonly string[]
  /** One of these, e.g. `['admin', 'editor']`. */
  roles?: readonly string[]
  /** `aal2`: a second factor was used. */
  acr?: 'aal1' | 'aal2'
  /** The person authenticated within so many seconds. */
  maxAge?: number
}

export type Verifier = {
  /**
   * @param waitUntil in a Worker, `ctx.waitUntil`: then what is old is renewed after your answer
   * @throws TokenError for every other token
   */
  verifyAccessToken(token: string, demands?: Demands, waitUntil?: WaitUntil): Promise<AccessTokenClaims>
}

/** Keys are published a day before they sign, and a revoked one must not be believed for long. */
const KEY_AGES: Ages = { fresh: 5 * 60_000, usable: 60 * 60_000, retry: 30_000 }
const ALGORITHMS = ['EdDSA', 'ES256']
const CLOCK_TOLERANCE_SECONDS = 30
const REQUIRED = ['sub', 'client_id', 'sid', 'tid', 'roles', 'amr', 'acr', 'auth_time', 'iat', 'exp', 'jti']

/** One of these for each service that you believe, made once: it keeps keys and lists. */
export function createVerifier(options: VerifierOptions): Verifier {
  const { issuer, audience = issuer, endedSessions, now = Date.now } = options
  const fetch: Fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const url = new URL('/.well-known/jwks.json', issuer).href
  const jwks = keep(url, { ages: KEY_AGES, fetch, now, parse: parseKeys })
  const keysFor =
    (waitUntil?: WaitUntil): JWTVerifyGetKey =>
    async (header, token) => {
      const lacksKey = ({ kids }: Keys) => !kids.has(header.kid ?? '')
      return (await jwks.read(waitUntil, lacksKey)).find(header, token)
    }
  const lists = statusLists({ issuer, fetch, now, keys: keysFor() })

  return {
    async verifyAccessToken(token, demands = {}, waitUntil) {
      const { payload } = await jwtVerify(token, keysFor(waitUntil), {
        issuer,
        audience,
        typ: 'at+jwt',
        algorithms: ALGORITHMS,
        requiredClaims: REQUIRED,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(now()),
      }).catch((error: unknown) => {
        throw error instanceof errors.JOSEError ? new TokenError('invalid_token', error.message) : error
      })
      const claims = payload as AccessTokenClaims // as `requiredClaims` says, and signed by the service
      if (endedSessions !== 'ignore')
        await lists.refuseEnded(claims, waitUntil).catch((error: unknown) => {
          if (endedSessions === 'accept' && error instanceof TokenError && error.code === 'unavailable')
            return
          throw error
        })
      refuseUnless(claims, demands, now())
      return claims
    },
  }
}

type Keys = { kids: Set<string>; find: JWTVerifyGetKey }

async function parseKeys(text: string): Promise<Keys> {
  try {
    const set = JSON.parse(text) as JSONWebKeySet
    // An empty set is a fault of the service: it must not replace the keys that are known.
    if (set.keys.length === 0) throw new Error('there is no key')
    return { kids: new Set(set.keys.map(({ kid }) => kid ?? '')), find: createLocalJWKSet(set) }
  } catch (error) {
    throw new TokenError(
      'unavailable',
      `the key set cannot be read: ${error instanceof Error ? error.message : ''}`,
    )
  }
}

function refuseUnless(claims: AccessTokenClaims, { scopes, roles, acr, maxAge }: Demands, now: number): void {
  const granted = (claims.scope ?? '').split(' ')
  if (scopes?.some((scope) => !granted.includes(scope)))
    throw new TokenError('insufficient_scope', 'it lacks a scope', { scope: scopes.join(' ') })
  if (roles && !roles.some((role) => claims.roles.includes(role)))
    throw new TokenError('insufficient_scope', 'it lacks a role')
  const tooOld = maxAge !== undefined && now / 1000 - claims.auth_time > maxAge + CLOCK_TOLERANCE_SECONDS
  const tooWeak = acr === 'aal2' && claims.acr !== 'aal2'
  if (tooOld || tooWeak)
    throw new TokenError(
      'insufficient_user_authentication',
      tooOld ? 'it is too old' : 'it is of one factor',
      {
        ...(acr !== undefined && { acr_values: acr }),
        ...(maxAge !== undefined && { max_age: String(maxAge) }),
      },
    )
}

/** For the context of Hono: `c.var.auth`. */
export type AuthVariables = { Variables: { auth: AccessTokenClaims } }

/**
 * Middleware for Hono: the caller's bearer token is verified, its claims are `c.var.auth`. Every other request is answered with
 * `application/problem+json` and a challenge (RFC 6750, RFC 9470).
 */
export const requireAuth =
  (verifier: Verifier, demands: Demands = {}): MiddlewareHandler<AuthVariables> =>
  async (c, next) => {
    const [, token] = /^Bearer +([\w~+/.=-]+) *$/i.exec(c.req.header('authorization') ?? '') ?? []
    try {
      if (token === undefined) throw new TokenError('missing_token', 'no bearer token')
      c.set('auth', await verifier.verifyAccessToken(token, demands, waitUntilOf(c)))
    } catch (error) {
      if (error instanceof TokenError) return error.toResponse()
      throw error
    }
    return next()
  }

/** Outside Workers Hono has no execution context, and says so by an error. */
function waitUntilOf(c: { executionCtx: { waitUntil: WaitUntil } }): WaitUntil | undefined {
  try {
    const { executionCtx } = c
    return (promise) => executionCtx.waitUntil(promise)
  } catch {
    return undefined
  }
}
