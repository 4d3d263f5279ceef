/**
 * Who came back from a provider, by oauth4webapi: a code for tokens, and those verified. The keys of a provider are kept at the
 * edge, and validated again whenever they are used.
 */
import { decodeJwt, decodeProtectedHeader } from 'jose'
import * as oauth from 'oauth4webapi'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { Fault } from '../problem.ts'
import {
  type Asking,
  codeOf,
  discover,
  MAX_KEYS_BYTES,
  options,
  type Provider,
  providerFault,
} from './asking.ts'
import { type Claims, type OAuthKind, type OidcKind, type Profile, textOf } from './kinds/kind.ts'

/** Why no one is signed in: the person declined, or what came back is not what was asked for. */
export type Failed = { failed: 'access_denied' | 'login_failed'; reason: string }

type Returned = {
  parameters: URLSearchParams
  state: string
  nonce: string
  codeVerifier: string
  callback: string
}

/** Who came back: the code for tokens, and those verified. */
export async function identify(
  ctx: Asking,
  provider: Provider,
  returned: Returned,
): Promise<Profile | Failed> {
  const { kind } = provider
  const as = await discover(ctx, provider)
  const client = { client_id: provider.clientId, [oauth.clockTolerance]: 30 }
  try {
    const callback = oauth.validateAuthResponse(as, client, returned.parameters, returned.state)
    const response = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      await authenticate(ctx, as, provider),
      callback,
      returned.callback,
      returned.codeVerifier,
      options(ctx),
    )
    return kind.protocol === 'oidc'
      ? await identifyByToken(
          ctx,
          as,
          client,
          { kind, issuer: provider.issuer, nonce: returned.nonce },
          response,
        )
      : await identifyByApi(ctx, as, client, { kind, issuer: provider.issuer }, response)
  } catch (error) {
    return failedBy(error)
  }
}

/** The secret goes as the provider takes it: in the form where it says so, else in the header (RFC 6749 §2.3.1). */
async function authenticate(
  ctx: Asking,
  as: oauth.AuthorizationServer,
  provider: Provider,
): Promise<oauth.ClientAuth> {
  const { kind, secret } = provider
  if (kind.clientSecret) return oauth.ClientSecretPost(await kind.clientSecret(provider, ctx.now()))
  const methods = as.token_endpoint_auth_methods_supported
  const inForm = methods ? methods.includes('client_secret_post') : kind.protocol === 'oauth'
  return inForm ? oauth.ClientSecretPost(secret) : oauth.ClientSecretBasic(secret)
}

async function identifyByToken(
  ctx: Asking,
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  { kind, issuer, nonce }: { kind: OidcKind; issuer: string; nonce: string },
  response: Response,
): Promise<Profile | Failed> {
  // What an unverified token says only chooses which issuer it must then prove to be of.
  const of = kind.expectedIssuer
    ? { ...as, issuer: kind.expectedIssuer.ofClaims(issuer, await unverifiedClaims(response)) }
    : as
  const expected = { expectedNonce: nonce, requireIdToken: true } as const
  const tokens = await oauth.processAuthorizationCodeResponse(of, client, response, expected)
  const keys = await verifySignature(ctx, of, response)
  const verified: Claims | undefined = oauth.getValidatedIdTokenClaims(tokens)
  const subject = textOf(verified?.sub)
  const said = textOf(verified?.iss)
  if (!verified || subject === null || said === null) return { failed: 'login_failed', reason: 'no subject' }
  if (kind.mayKeySign && !keysOf(keys, tokens.id_token).some((key) => kind.mayKeySign?.(key, said)))
    return { failed: 'login_failed', reason: 'signed by the key of another issuer' }
  const claims = kind.asksUserInfo
    ? await withUserInfo(ctx, of, client, { accessToken: tokens.access_token, claims: verified, subject })
    : verified
  const amr = Array.isArray(verified.amr) ? verified.amr : []
  return {
    issuer: said,
    subject,
    email: textOf(claims.email),
    isEmailProved: kind.isEmailProved(claims),
    name: textOf(claims.name),
    hasSecondFactor: amr.includes('mfa'),
    authenticatedAt: timeOf(verified.auth_time),
  }
}

/**
 * A provider may say addresses and names at its userinfo endpoint alone (OpenID Connect Core §5.4). It is asked only where the ID
 * token says nothing of an address: what that says holds.
 */
async function withUserInfo(
  ctx: Asking,
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  { accessToken, claims, subject }: { accessToken: string; claims: Claims; subject: string },
): Promise<Claims> {
  const isSilent = claims.email === undefined && claims.email_verified === undefined
  if (!isSilent || as.userinfo_endpoint === undefined) return claims
  const response = await oauth.userInfoRequest(as, client, accessToken, options(ctx))
  // Of the same subject, or refused: an access token may be of someone else (§5.3.2).
  const { email, email_verified, name } = await oauth.processUserInfoResponse(as, client, subject, response)
  return { ...claims, email, email_verified, name: claims.name ?? name }
}

/** Of seconds since 1970, where they are that. */
const timeOf = (seconds: unknown) =>
  typeof seconds === 'number' && seconds > 0 && seconds < 1e11 ? new Date(seconds * 1000) : null

/** Those that may have signed the token. */
function keysOf({ keys }: oauth.JWKS, token = ''): Claims[] {
  const { kid } = decodeProtectedHeader(token)
  return keys.filter((key) => kid !== undefined && key.kid === kid)
}

async function unverifiedClaims(response: Response): Promise<Claims> {
  const tokens: unknown = await response.clone().json()
  const token = typeof tokens === 'object' && tokens !== null && 'id_token' in tokens ? tokens.id_token : null
  return typeof token === 'string' ? decodeJwt(token) : {}
}

/** @returns the keys that it verified by: those that the edge has; where none of those fits, once more by the provider's, which may have changed. */
async function verifySignature(
  ctx: Asking,
  as: oauth.AuthorizationServer,
  response: Response,
): Promise<oauth.JWKS> {
  const name = `provider-keys/${encodeURIComponent(as.jwks_uri ?? '')}`
  const kept = await readEdgeCache(ctx, name)
  const uat = Math.floor(Date.now() / 1000)
  if (isKeys(kept)) {
    try {
      await oauth.validateApplicationLevelSignature(as, response, {
        ...options(ctx),
        [oauth.jwksCache]: { jwks: kept, uat },
      })
      return kept
    } catch (error) {
      if (!isUnknownKey(error)) throw error
    }
  }
  const fresh: oauth.JWKSCacheInput = {}
  // A copy: the library remembers keys by the object.
  await oauth.validateApplicationLevelSignature({ ...as }, response, {
    ...options(ctx, { maxBytes: MAX_KEYS_BYTES }),
    [oauth.jwksCache]: fresh,
  })
  if (!isKeys(fresh.jwks)) throw providerFault('has no keys')
  writeEdgeCache(ctx, name, fresh.jwks)
  return fresh.jwks
}

const isKeys = (kept: unknown): kept is oauth.JWKS =>
  typeof kept === 'object' && kept !== null && 'keys' in kept && Array.isArray(kept.keys)

const isUnknownKey = (error: unknown) => codeOf(error) === oauth.KEY_SELECTION

async function identifyByApi(
  ctx: Asking,
  as: oauth.AuthorizationServer,
  client: oauth.Client,
  { kind, issuer }: { kind: OAuthKind; issuer: string },
  response: Response,
): Promise<Profile | Failed> {
  const { access_token: token } = await oauth.processAuthorizationCodeResponse(as, client, response)
  const headers = new Headers({ accept: 'application/json', 'user-agent': 'Latchkey/1' })
  const profile = await kind.profile(issuer, async (url) => {
    const answer = await oauth.protectedResourceRequest(
      token,
      'GET',
      new URL(url),
      headers,
      null,
      options(ctx, { mayBeList: true }),
    )
    if (answer.status !== 200) throw providerFault(`answered ${answer.status}`)
    return answer.json()
  })
  if (!profile) throw providerFault('answered something that says no one')
  return { ...profile, issuer, hasSecondFactor: false, authenticatedAt: null }
}

/** What came back is not of this flow, this provider or this person. */
const FORGED: readonly string[] = [
  oauth.JWT_CLAIM_COMPARISON,
  oauth.JSON_ATTRIBUTE_COMPARISON,
  oauth.JWT_TIMESTAMP_CHECK,
  oauth.KEY_SELECTION,
]

/** What an answer to the person is about; anything else is the provider's fault. @throws Fault */
function failedBy(error: unknown): Failed {
  if (error instanceof Fault) throw error
  if (error instanceof Error && error.cause instanceof Fault) throw error.cause
  const code = codeOf(error)
  if (error instanceof oauth.AuthorizationResponseError)
    return error.error === 'server_error' || error.error === 'temporarily_unavailable'
      ? unavailable('says that it does not work')
      : { failed: 'access_denied', reason: 'declined at the provider' }
  // A code that the provider does not take was made up, or used before.
  if (error instanceof oauth.ResponseBodyError && error.error === 'invalid_grant')
    return { failed: 'login_failed', reason: 'code refused' }
  const isForged = FORGED.includes(code)
  if (isForged || code === oauth.INVALID_RESPONSE || code === oauth.UNSUPPORTED_OPERATION)
    return { failed: 'login_failed', reason: code }
  return unavailable(`answered something that is no answer (${code.slice(0, 60)})`)
}

function unavailable(what: string): never {
  throw providerFault(what)
}
