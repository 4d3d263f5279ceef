/**
 * What a provider sends a browser back with: (limit and state ∥ read) → the provider's tokens and keys → one batch. Before the
 * state is known to be of this browser nothing is asked of anyone; after it, the app is told why no one is signed in.
 */
import * as v from 'valibot'
import { type CanonicalEmail, EmailAddress } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import { readOauthCookie } from '../http/cookies.ts'
import { MAX_NAME } from '../http/input.ts'
import { requireKeys } from '../keys/auth-keys.ts'
import { openCurrentKey } from '../keys/keys.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { signedInCookies } from '../sign-in/answer.ts'
import { findKnownDevice } from '../sign-in/known-device.ts'
import { METHODS } from '../sign-in/methods.ts'
import { type Begun, prepare } from '../sign-in/start.ts'
import { requireTenant, type Tenant } from '../tenants/tenants.ts'
import { newCode } from './exchange.ts'
import { type FoundForFlow, findForFlow } from './flow-store.ts'
import { identify } from './identify.ts'
import type { Profile } from './kinds/kind.ts'
import { endLink } from './link-store.ts'
import { callbackUrl } from './providers.ts'
import { redirectTo, type Told } from './redirects.ts'
import { type Arrived, type Ended, endSignIn } from './sign-in-store.ts'
import { type FlowRow, openProvider } from './start.ts'
import { beganAt, type Flow, type FlowCaller, takeState } from './state.ts'
import { endStepUp } from './step-up-store.ts'

/** Of what the provider's clock may be behind ours. */
const CLOCK_TOLERANCE_MS = 30_000

/** Of what a provider may send; it is told nothing else, and members that providers add are not looked at. */
const Text = v.optional(v.pipe(v.string(), v.maxLength(8000, 'too_long')))
export const CallbackFields = v.object({ code: Text, state: Text, iss: Text, error: Text, user: Text })
type Returned = v.InferOutput<typeof CallbackFields>

/** @returns where the browser goes; refusals `invalid_oauth_state`, `rate_limited`, `unknown_host` @throws Fault where the provider fails */
export async function finishFlow(
  ctx: Context,
  headers: Headers,
  slug: string,
  returned: Returned,
  { isPosted }: { isPosted: boolean },
): Promise<Response | Refusal> {
  const browser = readOauthCookie(headers, { isPosted }) ?? ''
  const { besides, taken } = await takeState(ctx, returned.state ?? '', { slug, browser })
  const [limited, found] = await Promise.all([
    checkLimits(ctx, 'finishSocialSignIn', {}, besides),
    findForFlow(ctx, slug),
  ])
  const tenant = requireTenant(ctx, found?.tenant)
  if (isRefusal(tenant)) return tenant
  if (limited) return limited
  requireKeys(ctx, found?.ring, 'social')
  const flow = await taken()
  if (!found || !flow || browser === '') return refuseState('no such state')
  // Disabled or removed meanwhile (or another Worker knows the kind).
  if (!found.provider) return redirectTo(flow, { error: 'login_failed' })
  const arrived = await arrive(ctx, found.provider, flow, returned)
  if ('error' in arrived) return redirectTo(flow, arrived)
  if (flow.purpose === 'sign_in' || flow.caller === null)
    return finishSignIn(ctx, headers, { tenant, found, arrived })
  return flow.purpose === 'link'
    ? finishLink(ctx, tenant, arrived, flow.caller)
    : finishStepUp(ctx, tenant, arrived, flow.caller)
}

const refuseState = (reason: string) => refuse('invalid_oauth_state', { evidence: { reason } })

/** Who came back, or what the app is told. */
async function arrive(
  ctx: Context,
  row: FlowRow,
  flow: Flow,
  returned: Returned,
): Promise<(Arrived & { hasSecondFactor: boolean }) | (Told & { error: string })> {
  const provider = await openProvider(ctx, row)
  if (isRefusal(provider)) return { error: 'login_failed' }
  const { user, ...answer } = returned
  const given = Object.entries(answer).filter((entry): entry is [string, string] => entry[1] !== undefined)
  const profile = await identify(ctx, provider, {
    parameters: new URLSearchParams(given),
    state: returned.state ?? '',
    nonce: flow.nonce,
    codeVerifier: flow.codeVerifier,
    callback: callbackUrl(ctx, provider.slug),
  })
  if ('failed' in profile) {
    ctx.outcome.reason = profile.reason
    return { error: profile.failed }
  }
  const provedEmail = provedEmailOf(profile)
  if (row.allowedDomains.length > 0 && !row.allowedDomains.includes(provedEmail?.split('@')[1] ?? '')) {
    ctx.outcome.reason = 'domain not allowed'
    return { error: 'access_denied' }
  }
  return {
    flow,
    providerId: row.id,
    profile: { ...profile, name: nameOf(profile.name ?? provider.kind.nameBeside?.(user ?? '')) },
    provedEmail,
    ids: { user: newId(ctx), identity: newId(ctx) },
    hasSecondFactor: row.trustsAssurance && profile.hasSecondFactor,
  }
}

/** In canonical form; an address that we would not take from a person is none here. */
function provedEmailOf({ email, isEmailProved }: Profile): CanonicalEmail | null {
  const parsed = v.safeParse(EmailAddress, email)
  return isEmailProved && parsed.success ? parsed.output : null
}

/** What a provider calls them, as far as it is a name that a person could have given. */
const nameOf = (name: string | null | undefined) =>
  name
    ?.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')
    .slice(0, MAX_NAME)
    .toWellFormed()
    .trim() || null

async function finishLink(
  ctx: Context,
  tenant: Tenant,
  arrived: Arrived,
  link: FlowCaller,
): Promise<Response | Refusal> {
  const linked = await endLink(ctx, { ...arrived, tenant, link })
  if (isRefusal(linked)) return linked
  if (!linked.isFirst) return refuseState('used before')
  ctx.outcome.subject = link.userId
  if (!linked.hasProvider) return redirectTo(arrived.flow, { error: 'login_failed' })
  return redirectTo(arrived.flow, linked.isLinked ? { linked: 'true' } : { error: 'identity_in_use' })
}

/** A provider that knew the browser, and asked for nothing, has confirmed no one. */
async function finishStepUp(
  ctx: Context,
  tenant: Tenant,
  arrived: Arrived & { hasSecondFactor: boolean },
  caller: FlowCaller,
): Promise<Response | Refusal> {
  const { flow, profile } = arrived
  const authenticatedAt = profile.authenticatedAt?.getTime() ?? Number.NEGATIVE_INFINITY
  if (authenticatedAt < beganAt(flow).getTime() - CLOCK_TOLERANCE_MS) {
    ctx.outcome.reason = 'not authenticated again'
    return redirectTo(flow, { error: 'login_failed' })
  }
  const ended = await endStepUp(ctx, { ...arrived, tenant, caller })
  if (isRefusal(ended)) return ended
  if (!ended.isFirst) return refuseState('used before')
  ctx.outcome.subject = caller.userId
  return redirectTo(flow, ended.isRenewed ? { stepped_up: 'true' } : { error: 'login_failed' })
}

type Arriving = { tenant: Tenant; found: FoundForFlow; arrived: Arrived & { hasSecondFactor: boolean } }

async function finishSignIn(
  ctx: Context,
  headers: Headers,
  { tenant, found, arrived }: Arriving,
): Promise<Response | Refusal> {
  const { flow, provedEmail } = arrived
  const method = arrived.hasSecondFactor ? 'federated_mfa' : 'federated'
  const device = provedEmail && (await findKnownDevice(ctx, headers, provedEmail))
  const key = await openCurrentKey(ctx, found.key)
  const beginning = await prepare(ctx, method, { tenant, key, at: found.at, isKnownBrowser: device !== null })
  const code = flow.codeChallenge === null ? null : await newCode(ctx)
  const exchange =
    code && flow.codeChallenge !== null
      ? { codeHash: code.hash, codeChallenge: flow.codeChallenge, ...METHODS[method] }
      : null
  const { ended, begun } = await endSignIn(ctx, arrived, beginning, exchange)
  if (!ended?.isFirst) return refuseState('used before')
  if (code && ended.isExchangeable) return redirectTo(flow, { code: code.text })
  if (begun === null) return redirectTo(flow, whyNot(ctx, ended, arrived))
  return isRefusal(begun) ? begun : signedIn(ctx, headers, flow, begun)
}

function whyNot({ outcome }: Pick<Context, 'outcome'>, ended: Ended, { provedEmail }: Arrived): Told {
  if (!ended.hasProvider || ended.isKnown) return { error: 'login_failed' }
  outcome.reason = 'no account'
  if (ended.hasAccount) return { error: 'account_exists' }
  if (!ended.mayRegister) return { error: 'registration_disabled' }
  // Else two of them came at once, and the other has made the account.
  return { error: provedEmail === null ? 'email_not_verified' : 'login_failed' }
}

/** Cookies; or, where a second factor is needed, the token for that alone, where no server and no referrer sees it. */
async function signedIn(ctx: Context, headers: Headers, flow: Flow, begun: Begun): Promise<Response> {
  if (begun.state === 'challenged') {
    const status = begun.demand === 'enrol' ? 'mfa_enrolment_required' : 'mfa_required'
    const { mfaToken, methods } = begun
    const told = new URLSearchParams({ status, mfa_token: mfaToken, methods: methods.join(' ') })
    return redirectTo(flow, {}, told.toString())
  }
  const response = redirectTo(flow, {})
  for (const cookie of await signedInCookies(ctx, headers, begun))
    response.headers.append('set-cookie', cookie)
  return response
}
