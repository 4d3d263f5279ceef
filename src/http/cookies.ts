/**
 * Our cookies. `__Host-` binds each to this host, HttpOnly hides it from scripts. The refresh cookie's Max-Age equals
 * the token's remaining life, so that a restarted browser is still signed in; its value proves itself: it
 * is a refresh token, so there is no cookie signature to confuse.
 */
import { type Refusal, refuse } from '../problem.ts'

const REFRESH_COOKIE = '__Host-latchkey'
export const DEVICE_COOKIE = '__Host-latchkey-device'
/** Browsers cap a cookie's life at 400 days (RFC 6265bis §5.5). */
const MAX_AGE_SECONDS = 34_560_000
const CHALLENGE_COOKIE = '__Host-latchkey-challenge'
export const REGISTRATION_COOKIE = '__Host-latchkey-registration'
export const FORM_COOKIE = '__Host-latchkey-form'
const CEREMONY_COOKIE = '__Host-latchkey-ceremony'
const OAUTH_COOKIE = '__Host-latchkey-oauth'
const OAUTH_POST_COOKIE = '__Host-latchkey-oauth-post'
const TRUSTED_COOKIE = '__Host-latchkey-trusted'
const HALF_A_YEAR_SECONDS = 15_552_000

/** @returns the cookie's value or null; refusal `invalid_request` when it was sent twice (an attacker may have planted one) */
export function readRefreshCookie(headers: Headers): string | null | Refusal {
  const values = readCookie(headers, REFRESH_COOKIE)
  if (values.length > 1)
    return refuse('invalid_request', { detail: `The cookie ${REFRESH_COOKIE} was sent more than once.` })
  return values[0] ?? null
}

/** @returns the cookie's value, or null when there is none, or two: it opens nothing, so it may as well be absent */
export function readDeviceCookie(headers: Headers): string | null {
  const values = readCookie(headers, DEVICE_COOKIE)
  return values.length === 1 ? (values[0] ?? null) : null
}

/** @returns the nonce of the browser that asked for a sign-in link, or null when there is none, or two */
export function readChallengeCookie(headers: Headers): string | null {
  const values = readCookie(headers, CHALLENGE_COOKIE)
  return values.length === 1 ? (values[0] ?? null) : null
}

/** @returns what the browser was given when it registered, or null when there is none, or two */
export function readRegistrationCookie(headers: Headers): string | null {
  const values = readCookie(headers, REGISTRATION_COOKIE)
  return values.length === 1 ? (values[0] ?? null) : null
}

/** @returns what the browser was given when it began to use a passkey, or null when there is none, or two */
export function readCeremonyCookie(headers: Headers): string | null {
  const values = readCookie(headers, CEREMONY_COOKIE)
  return values.length === 1 ? (values[0] ?? null) : null
}

/** @returns what ties the forms of our pages to the browser, or null when there is none, or two */
export function readFormCookie(headers: Headers): string | null {
  const values = readCookie(headers, FORM_COOKIE)
  return values.length === 1 ? (values[0] ?? null) : null
}

/** @returns what the browser was given when it went to a provider, or null when there is none, or two */
export function readOauthCookie(headers: Headers, { isPosted }: { isPosted: boolean }): string | null {
  const values = readCookie(headers, isPosted ? OAUTH_POST_COOKIE : OAUTH_COOKIE)
  return values.length === 1 ? (values[0] ?? null) : null
}

/** @returns the cookie's value, or null when there is none, or two: then a second factor is asked for */
export function readTrustedCookie(headers: Headers): string | null {
  const values = readCookie(headers, TRUSTED_COOKIE)
  return values.length === 1 ? (values[0] ?? null) : null
}

function readCookie(headers: Headers, name: string): string[] {
  const values: string[] = []
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const equals = pair.indexOf('=')
    // Only what a browser sends, blanks before the name: trim() would also strip a no-break space and accept a forgery,
    // and a pattern anchored at the end alone takes seconds for a header of 32 KB of blanks.
    if (equals > 0 && pair.slice(0, equals).replace(/^[ \t]+/, '') === name)
      values.push(pair.slice(equals + 1))
  }
  return values
}

/** @param maxAgeSeconds the token's remaining life */
export function refreshCookie(refreshToken: string, maxAgeSeconds: number): string {
  return cookie(REFRESH_COOKIE, refreshToken, Math.min(Math.floor(maxAgeSeconds), MAX_AGE_SECONDS))
}

export const expiredRefreshCookie = () => refreshCookie('', 0)

/** For half a year from the last sign-in: longer than most people are away. */
export const deviceCookie = (value: string) => cookie(DEVICE_COOKIE, value, HALF_A_YEAR_SECONDS)

/** @param maxAgeSeconds the life of the link that it belongs to */
export const challengeCookie = (nonce: string, maxAgeSeconds: number) =>
  cookie(CHALLENGE_COOKIE, nonce, maxAgeSeconds)

export const expiredChallengeCookie = () => challengeCookie('', 0)

/** @param maxAgeSeconds the life of the link that it belongs to */
export const registrationCookie = (value: string, maxAgeSeconds: number) =>
  cookie(REGISTRATION_COOKIE, value, maxAgeSeconds)

/** For a day: a page that was open longer is shown again. */
export const formCookie = (nonce: string) => cookie(FORM_COOKIE, nonce, 86_400)

/** @param maxAgeSeconds the life of a WebAuthn challenge */
export const ceremonyCookie = (nonce: string, maxAgeSeconds: number) =>
  cookie(CEREMONY_COOKIE, nonce, maxAgeSeconds)

/** @param maxAgeSeconds how long a browser is trusted */
export const trustedCookie = (value: string, maxAgeSeconds: number) =>
  cookie(TRUSTED_COOKIE, value, maxAgeSeconds)

/**
 * @param isPosted whether the provider's own page posts its answer here: a browser brings a cookie along then only if any site
 * may cause it to (`SameSite=None`), so that is one of its own, for such a flow alone
 */
export const oauthCookie = (nonce: string, maxAgeSeconds: number, { isPosted }: { isPosted: boolean }) =>
  isPosted
    ? cookie(OAUTH_POST_COOKIE, nonce, maxAgeSeconds, 'None')
    : cookie(OAUTH_COOKIE, nonce, maxAgeSeconds)

const cookie = (name: string, value: string, maxAge: number, sameSite: 'Lax' | 'None' = 'Lax') =>
  `${name}=${value}; Max-Age=${maxAge}; Path=/; HttpOnly; Secure; SameSite=${sameSite}`
