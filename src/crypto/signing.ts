/**
 * Access tokens (JWT, RFC 7519 and 9068) and the keys that sign them, over jose. A token is read in two steps:
 * `readUnverified` finds out which row to ask for, `verifyAccessToken` decides. Neither throws for anything a caller
 * can send, and neither takes an algorithm, a key or an address of a key from the token. What a token says is
 * decided by the folder that issues it.
 */

import type { JWK, JWTPayload } from 'jose'
import {
  calculateJwkThumbprint,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
} from 'jose'
import { fromBase64Url } from './base64.ts'
import { cryptoFault } from './fault.ts'

export type SigningAlgorithm = 'EdDSA' | 'ES256'

/** A public key as the JWKS shows it (RFC 7517 §4): always with `kid`, `alg` and `use`, never a private member. */
export type PublicJwk = JWK & { readonly kid: string; readonly alg: SigningAlgorithm; readonly use: 'sig' }

/** What it takes to sign. `privateJwk` exists in memory only; at rest it is sealed. */
export type SigningKey = {
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateJwk: JWK
}

export type NewSigningKey = SigningKey & { readonly publicJwk: PublicJwk; readonly createdAt: Date }

/** What it takes to verify: the key of the row that the token's `kid` names. */
export type VerificationKey = {
  readonly publicJwk: JWK & { readonly kid: string }
  readonly algorithm: SigningAlgorithm
}

/** The claims of an access token that everything else relies on; times are seconds since 1970. */
export type AccessClaims = {
  readonly sub: string
  readonly sid: string
  readonly tid: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
  readonly auth_time: number
  readonly amr: readonly string[]
  readonly roles: readonly string[]
  readonly acr: string
}

const tokenType = 'at+jwt'
/**
 * Room for the most roles that an account may have (`MAX_ROLES`), each of 64 characters of three bytes, and for the longest
 * `scope` (`MAX_DECLARED` of tenants/roles.ts).
 */
const maxTokenLength = 16_384
const clockToleranceSeconds = 30
const maxFutureIatSeconds = 60
const kidPattern = /^[A-Za-z0-9_-]{8,64}$/
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const requiredClaims = ['sub', 'sid', 'tid', 'jti', 'iat', 'exp', 'auth_time', 'amr', 'roles', 'acr']

/** A new key pair; its `kid` is its RFC 7638 thumbprint, so two keys cannot have one name. */
export async function generateSigningKey(algorithm: SigningAlgorithm, now: Date): Promise<NewSigningKey> {
  const pair = await generateKeyPair(algorithm, { extractable: true })
  const publicMembers = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicMembers)
  const publicJwk: PublicJwk = { ...publicMembers, kid, alg: algorithm, use: 'sig' }
  return { kid, algorithm, publicJwk, privateJwk: await exportJWK(pair.privateKey), createdAt: now }
}

/**
 * A signed access token over exactly `claims`, in the compact form, with the header `{alg, kid, typ: 'at+jwt'}`.
 * Throws `token_too_long` for one that no check of ours would read.
 */
export async function signAccessToken(key: SigningKey, claims: Record<string, unknown>): Promise<string> {
  const token = await sign(key, tokenType, claims)
  if (token.length > maxTokenLength)
    throw cryptoFault(
      'token_too_long',
      `an access token of ${claims.sub} would have ${token.length} characters instead of ${maxTokenLength} at most: too many roles?`,
    )
  return token
}

/** The same for a status list (draft-ietf-oauth-status-list §5.1). */
export const signStatusList = (key: SigningKey, claims: Record<string, unknown>): Promise<string> =>
  sign(key, 'statuslist+jwt', claims)

const sign = async (
  { kid, algorithm, privateJwk }: SigningKey,
  typ: string,
  claims: Record<string, unknown>,
) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: algorithm, kid, typ })
    .sign(await importJWK(privateJwk, algorithm))

/**
 * The key and the session that a token *claims*: enough to find both in one query, and nothing to believe before
 * `verifyAccessToken` said yes. Null for everything that cannot be a token of ours.
 */
export function readUnverified(token: string): { kid: string; sid: string } | null {
  const parsed = parseAccessToken(token)
  return parsed && { kid: parsed.kid, sid: parsed.sid }
}

/**
 * The claims of a token that `key` signed for `issuer` and `audience` and that has not expired, or null. Both are
 * compared exactly, as single strings. Throws only when the key itself cannot be loaded.
 */
export async function verifyAccessToken(
  token: string,
  key: VerificationKey,
  expected: { readonly issuer: string; readonly audience: string; readonly now: Date },
): Promise<AccessClaims | null> {
  // 1. It has the form of a token of ours, and names this key.
  const parsed = parseAccessToken(token)
  if (!parsed || parsed.kid !== key.publicJwk.kid) return null
  // 2. This key signed it, under this key's algorithm; issuer, audience, `typ` and `nbf` are right.
  const payload = await verifySignature(token, key, expected)
  if (!payload) return null
  // 3. The audience is one string: jose would accept a list that contains it.
  if (typeof payload.aud !== 'string') return null
  // 4. Every claim is there and of its type.
  if (!isAccessClaims(payload)) return null
  // 5. It is alive: without tolerance for `exp` (jose would grant it there too), with some for clocks behind ours.
  const nowSeconds = expected.now.getTime() / 1000
  if (payload.exp <= nowSeconds || payload.iat > nowSeconds + maxFutureIatSeconds) return null
  const { sub, sid, tid, jti, iat, exp, auth_time, amr, roles, acr } = payload
  return { sub, sid, tid, jti, iat, exp, auth_time, amr, roles, acr }
}

async function verifySignature(
  token: string,
  { publicJwk, algorithm }: VerificationKey,
  { issuer, audience, now }: { issuer: string; audience: string; now: Date },
): Promise<JWTPayload | null> {
  // Outside the `try`: a key that cannot be loaded is our fault, not a bad token.
  const verificationKey = await importJWK(publicJwk, algorithm)
  try {
    const { payload } = await jwtVerify(token, verificationKey, {
      algorithms: [algorithm],
      typ: tokenType,
      issuer,
      audience,
      requiredClaims,
      currentDate: now,
      clockTolerance: clockToleranceSeconds,
    })
    return payload
  } catch (error) {
    if (error instanceof errors.JOSEError) return null
    throw error
  }
}

/**
 * The checks that need no key. The header has `alg`, `kid` and `typ` and nothing else: no `jwk`, `jku`, `x5u` or
 * `x5c` to bring a key along, no `crit`, no `zip`, no `b64` (RFC 8725 §3.9, §3.10).
 */
function parseAccessToken(token: string): { kid: string; sid: string } | null {
  if (token.length > maxTokenLength) return null
  const [headerText, payloadText, signatureText, ...rest] = token.split('.', 4)
  if (!headerText || !payloadText || !signatureText || rest.length > 0) return null
  if (!fromBase64Url(signatureText)) return null
  const header = parseJsonObject(headerText)
  const payload = parseJsonObject(payloadText)
  if (!header || !payload) return null
  if (Object.keys(header).sort().join() !== 'alg,kid,typ' || header.typ !== tokenType) return null
  const { kid } = header
  const { sid } = payload
  return isMatch(kid, kidPattern) && isMatch(sid, uuidPattern) ? { kid, sid } : null
}

/** The JSON object in a base64url segment, or null when it is anything else, UTF-8 included. */
function parseJsonObject(segment: string): Record<string, unknown> | null {
  const bytes = fromBase64Url(segment)
  if (!bytes) return null
  try {
    const value: unknown = JSON.parse(
      new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    )
    // A list passes too, and then lacks every member that is asked for.
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  } catch {
    // Not UTF-8 or not JSON: not a token, which is all there is to say.
    return null
  }
}

function isAccessClaims(payload: JWTPayload): payload is JWTPayload & AccessClaims {
  return (
    [payload.sub, payload.sid, payload.tid].every((id) => isMatch(id, uuidPattern)) &&
    isMatch(payload.jti, /./) &&
    typeof payload.acr === 'string' &&
    // Whole seconds: 1e308 is a number too, and a token that never expires.
    [payload.iat, payload.exp, payload.auth_time].every(Number.isSafeInteger) &&
    isStringList(payload.amr) &&
    isStringList(payload.roles)
  )
}

function isMatch(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value)
}

function isStringList(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
