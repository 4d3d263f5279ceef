/** Where a browser may be sent afterwards: only where the tenant says, exactly (RFC 9700 §2.1). */
import { type Refusal, refuse } from '../problem.ts'
import type { Tenant } from '../tenants/tenants.ts'
import type { Kept } from './state.ts'

/** An app of this machine listens on a port that it is given when it starts (RFC 8252 §7.3). */
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?(?=[/?]|$)/

const withoutPort = (uri: string) => uri.replace(LOOPBACK, 'http://$1')

/**
 * Pages of ours that a person returns to, which no tenant needs to list: those of their account, and those of the console with what
 * they were asked.
 */
export const OWN_PAGE =
  /^\/(account(\/[a-z-]{1,40})?|console(\/[a-z0-9-]{1,40}){0,4}(\?[\w.~%=&+*@-]{1,600})?)$/

/**
 * Whether a page gets cookies: one whose origin the tenant allows. Everyone else has to exchange a code, and prove by PKCE that
 * it is the one who asked.
 * @returns refusal `invalid_input`, or null
 */
export function checkRedirect(
  { policy, allowedOrigins }: Pick<Tenant, 'policy' | 'allowedOrigins'>,
  ownOrigin: string,
  {
    redirectUri,
    codeChallenge,
    purpose,
  }: { redirectUri: string; codeChallenge: string | null; purpose: Kept['purpose'] },
): Refusal | null {
  // With what goes on from page to page (pages/flow.ts).
  const [ownPath = ''] = redirectUri.startsWith(ownOrigin)
    ? redirectUri.slice(ownOrigin.length).split('?')
    : []
  const isOwnPage = OWN_PAGE.test(ownPath)
  const isListed =
    isOwnPage ||
    policy.redirect_uris.some(
      (uri) =>
        uri === redirectUri ||
        (LOOPBACK.test(uri) && LOOPBACK.test(redirectUri) && withoutPort(uri) === withoutPort(redirectUri)),
    )
  const url = isListed ? URL.parse(redirectUri) : null
  if (!url) return refuse('invalid_input', { errors: [{ pointer: '/redirect_uri', code: 'not_allowed' }] })
  const getsCookies = url.origin === ownOrigin || allowedOrigins.includes(url.origin)
  // Who links or authenticates again is signed in, and gets neither.
  if (purpose !== 'sign_in' || codeChallenge !== null || getsCookies) return null
  return refuse('invalid_input', { errors: [{ pointer: '/code_challenge', code: 'missing' }] })
}

/** What the app is told in its own address: a `code`, or why there is none (RFC 6749 §4.1.2.1). */
export type Told =
  | { code: string }
  | {
      error:
        | 'access_denied'
        | 'login_failed'
        | 'account_exists'
        | 'registration_disabled'
        | 'email_not_verified'
        | 'identity_in_use'
    }
  | { linked: 'true' }
  | { stepped_up: 'true' }
  | Record<string, never>

/** 303, so that what was posted is not posted on (RFC 9700 §4.12). */
export function redirectTo(
  { redirectUri, appState }: { redirectUri: string; appState: string | null },
  told: Told,
  fragment = '',
): Response {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(told)) url.searchParams.set(name, value)
  if (appState !== null) url.searchParams.set('app_state', appState)
  url.hash = fragment
  return new Response(null, { status: 303, headers: { location: url.href } })
}
