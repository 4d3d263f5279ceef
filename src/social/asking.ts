/**
 * How a provider is asked: all of it leaves through the outbound policy (http/outbound.ts), and a provider that is late, gone or
 * talks nonsense is a fault, never a refusal of the person. Where it is (discovery) is kept at the edge, and validated again
 * whenever it is used.
 */
import * as oauth from 'oauth4webapi'
import type { Context } from '../context.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { callOutbound, findPublicTarget } from '../http/outbound.ts'
import { Fault } from '../problem.ts'
import type { Kind } from './kinds/kind.ts'

export type Asking = Pick<Context, 'settings' | 'origin' | 'log' | 'defer' | 'now' | 'trips'>

/** The provider as a flow needs it, its secret open. */
export type Provider = {
  id: string
  slug: string
  kind: Kind
  issuer: string
  clientId: string
  secret: string
  settings: Readonly<Record<string, string>>
  scopes: readonly string[]
}

const TIMEOUT_MS = 3_000
const MAX_ANSWER_BYTES = 16 * 1024
/** A set of keys with their certificates, as Microsoft publishes it, is longer than anything else. */
export const MAX_KEYS_BYTES = 64 * 1024

/** Asymmetric ones that providers use. With `none` or an HMAC, the client's secret or nothing at all would make an ID token. */
const ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']

/** What a provider did wrong. The text names what was asked, and nothing that came back. */
export const providerFault = (what: string) => new Fault('upstream_unavailable', `the provider ${what}`)

type Expected = { maxBytes?: number; mayBeList?: boolean }

/** The `fetch` of everything here. */
const fetchWith =
  (ctx: Asking, { maxBytes = MAX_ANSWER_BYTES, mayBeList = false }: Expected) =>
  async (url: string, init: { method: string; headers: unknown; body?: unknown }): Promise<Response> => {
    const target = await findPublicTarget(ctx, url)
    if (typeof target === 'string') throw providerFault(`names an address that is not called (${target})`)
    const sent = {
      method: init.method,
      headers: new Headers(init.headers as Record<string, string>), // oauth4webapi gives a record
      body: (init.body ?? null) as URLSearchParams | null, // and the form of the token request
    }
    const startedAt = ctx.now().getTime()
    const answered = await callOutbound(target, sent, { timeoutMs: TIMEOUT_MS, maxBytes })
    ctx.trips.postpone(ctx.now().getTime() - startedAt)
    if (answered === 'timeout')
      throw new Fault('upstream_timeout', 'the provider did not answer inside its deadline')
    if (answered === 'connection') throw providerFault('could not be reached')
    const { status, headers, body } = answered
    if (body === null) throw providerFault('answered more than it may, or broke off')
    if (status >= 500 || (status >= 300 && status < 400)) throw providerFault(`answered ${status}`)
    if (status === 200 && !isJson(body, mayBeList)) throw providerFault('answered what is no JSON object')
    return new Response(status === 204 ? null : body, {
      status,
      headers: { 'content-type': headers.get('content-type') ?? '' },
    })
  }

/** Nonsense is the provider's fault; the library would take it for an answer about the person. */
function isJson(text: string, mayBeList: boolean): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && (mayBeList || !Array.isArray(value))
  } catch {
    return false
  }
}

/** For every request of oauth4webapi. */
export const options = (ctx: Asking, expected: Expected = {}) => ({
  [oauth.customFetch]: fetchWith(ctx, expected),
  // The same switch as for the addresses themselves: production calls https alone.
  [oauth.allowInsecureRequests]: ctx.settings.outbound.allowPrivateTargets,
})

/** Where the provider is. */
export async function discover(ctx: Asking, { kind, issuer }: Pick<Provider, 'kind' | 'issuer'>) {
  if (kind.protocol === 'oauth') return { issuer, ...kind.endpoints(issuer) }
  const expected = kind.expectedIssuer?.discovered(issuer) ?? issuer
  const name = `provider/${encodeURIComponent(issuer)}`
  const kept = await readEdgeCache(ctx, name)
  const response =
    kept === undefined
      ? await ask(() => oauth.discoveryRequest(new URL(issuer), options(ctx)))
      : Response.json(kept)
  const metadata = await ask(() => oauth.processDiscoveryResponse(new URL(expected), response))
  // To the letter (RFC 8414 §3.3): the library takes two addresses for one that differ in a slash.
  if (metadata.issuer !== expected) throw providerFault('names another issuer than its row has')
  if (kept === undefined) writeEdgeCache(ctx, name, metadata)
  const algorithms = metadata.id_token_signing_alg_values_supported ?? ['RS256']
  return {
    ...metadata,
    id_token_signing_alg_values_supported: algorithms.filter((one) => ALGORITHMS.includes(one)),
  }
}

/** Where the browser goes. */
export async function authorizationUrl(
  as: oauth.AuthorizationServer,
  { kind, clientId, scopes }: Provider,
  {
    state,
    nonce,
    codeVerifier,
    callback,
    asksAgain,
  }: { state: string; nonce: string; codeVerifier: string; callback: string; asksAgain: boolean },
): Promise<string> {
  const url = URL.parse(as.authorization_endpoint ?? '')
  if (!url || !/^https?:$/.test(url.protocol)) throw providerFault('says not where to go')
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: callback,
    scope: scopes.join(' '),
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...(kind.protocol === 'oidc' && { nonce }),
    ...(kind.isPosted && { response_mode: 'form_post' }),
    // That it knows the browser is not enough (OpenID Connect Core §3.1.2.1); what it did is in `auth_time`.
    ...(asksAgain && { prompt: 'login', max_age: '0' }),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

/** @throws Fault where discovery does not work */
async function ask<T>(asked: () => Promise<T>): Promise<T> {
  try {
    return await asked()
  } catch (error) {
    if (error instanceof Fault) throw error
    throw providerFault(`has no discovery document that counts (${codeOf(error).slice(0, 60)})`)
  }
}

/** What the libraries name an error by. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
