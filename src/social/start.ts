/** Sending a browser to a provider, for a sign-in or to link an account: (limit and state ∥ read), and then discovery. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { readAsCaller } from '../guard/caller.ts'
import { STEP_UP } from '../guard/demands.ts'
import { oauthCookie } from '../http/cookies.ts'
import { text } from '../http/input.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { authorizationUrl, discover, type Provider } from './asking.ts'
import { findEnabledProvider, findForFlow } from './flow-store.ts'
import { kindOf } from './kinds/kinds.ts'
import type { flowColumns } from './provider-store.ts'
import { callbackUrl, isKind, openSecret } from './providers.ts'
import { checkRedirect } from './redirects.ts'
import { browserNonce, type FlowCaller, type Kept, keepState, newSecret, STATE_SECONDS } from './state.ts'

/** What an app asks with. Whatever else the provider is told is ours alone to say. */
export const StartFields = {
  redirect_uri: v.pipe(text(2048), v.minLength(1, 'too_short')),
  app_state: v.optional(v.pipe(v.string(), v.regex(/^[\x20-\x7e]{1,512}$/, 'invalid_characters'))),
  code_challenge: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'invalid_code_challenge'))),
}
type StartInput = {
  redirect_uri: string
  app_state?: string | undefined
  code_challenge?: string | undefined
}

/** A provider's row, as `flowColumns` selects it; every column is there, or none. */
export type FlowRow = { [Name in keyof typeof flowColumns]: (typeof flowColumns)[Name]['_']['data'] }

/** Where the browser goes, and the cookie that ties the state to it. */
export type Started = { url: string; cookie: string }

/** @returns refusals `rate_limited`, `unknown_host`, `origin_not_allowed`, `not_found`, `invalid_input` */
export async function startSignIn(
  ctx: Context,
  headers: Headers,
  slug: string,
  asked: StartInput,
): Promise<Started | Refusal> {
  const flow = newFlow(ctx, headers, slug, asked)
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'startSocialSignIn', {}, await flow.keep('sign_in', null)),
    findForFlow(ctx, slug),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, 'social')
  return send(ctx, { tenant, row: found?.provider ?? null, asked, flow, purpose: 'sign_in' })
}

/** The same for a person who is signed in, and has been for minutes only. @returns refusals as `readAsCaller` besides */
export async function startLink(
  ctx: Context,
  headers: Headers,
  slug: string,
  asked: StartInput,
): Promise<Started | Refusal> {
  const flow = newFlow(ctx, headers, slug, asked)
  const read = await readAsCaller(
    ctx,
    headers,
    'linkIdentity',
    () => findEnabledProvider(ctx, slug),
    STEP_UP,
    {
      besides: ({ userId, sessionId, kid }) => flow.keep('link', { userId, sessionId, kid }),
    },
  )
  if (isRefusal(read)) return read
  return send(ctx, { tenant: read.caller.tenant, row: read.found[0] ?? null, asked, flow, purpose: 'link' })
}

/**
 * The same for a person who has to authenticate again (RFC 9470), at a provider whose word counts for that.
 * @returns refusals as `readAsCaller` besides; `not_found` also where the tenant's row does not say that it counts
 */
export async function startStepUp(
  ctx: Context,
  headers: Headers,
  slug: string,
  asked: StartInput,
): Promise<Started | Refusal> {
  const flow = newFlow(ctx, headers, slug, asked)
  const read = await readAsCaller(
    ctx,
    headers,
    'stepUpAtProvider',
    () => findEnabledProvider(ctx, slug),
    {},
    {
      besides: ({ userId, sessionId, kid }) => flow.keep('step_up', { userId, sessionId, kid }),
    },
  )
  if (isRefusal(read)) return read
  const [row] = read.found
  const counts = row?.trustsAssurance === true && isKind(row.kind) && kindOf(row.kind).protocol === 'oidc'
  return send(ctx, {
    tenant: read.caller.tenant,
    row: counts ? row : null,
    asked,
    flow,
    purpose: 'step_up',
  })
}

/** The secrets of a flow, made before it is known whether there is such a provider. */
function newFlow(ctx: Context, headers: Headers, slug: string, asked: StartInput) {
  const secrets = { state: newSecret(ctx), nonce: newSecret(ctx), codeVerifier: newSecret(ctx) }
  const browser = browserNonce(ctx, headers)
  const keep = (purpose: Kept['purpose'], caller: FlowCaller | null) =>
    keepState(
      ctx,
      secrets.state,
      { slug, browser },
      {
        nonce: secrets.nonce,
        codeVerifier: secrets.codeVerifier,
        redirectUri: asked.redirect_uri,
        appState: asked.app_state ?? null,
        codeChallenge: asked.code_challenge ?? null,
        purpose,
        caller,
      },
    )
  return { ...secrets, browser, keep }
}

async function send(
  ctx: Context,
  {
    tenant,
    row,
    asked,
    flow,
    purpose,
  }: {
    tenant: Tenant
    row: FlowRow | null
    asked: StartInput
    flow: ReturnType<typeof newFlow>
    purpose: Kept['purpose']
  },
): Promise<Started | Refusal> {
  if (!row) return refuse('not_found')
  const redirect = { redirectUri: asked.redirect_uri, codeChallenge: asked.code_challenge ?? null, purpose }
  const refused = checkRedirect(tenant, ctx.origin, redirect)
  if (refused) return refused
  const provider = await openProvider(ctx, row)
  if (isRefusal(provider)) return provider
  const as = await discover(ctx, provider)
  const url = await authorizationUrl(as, provider, {
    ...flow,
    callback: callbackUrl(ctx, provider.slug),
    asksAgain: purpose === 'step_up',
  })
  const isPosted = provider.kind.isPosted === true
  return { url, cookie: oauthCookie(flow.browser, STATE_SECONDS, { isPosted }) }
}

/** @returns refusal `not_found` for a kind that this release does not know */
export async function openProvider(
  ctx: Pick<Context, 'settings'>,
  row: FlowRow,
): Promise<Provider | Refusal> {
  if (!isKind(row.kind)) return refuse('not_found')
  return { ...row, kind: kindOf(row.kind), secret: await openSecret(ctx, row) }
}
