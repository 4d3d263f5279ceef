/**
 * The refresh cookie. `__Host-` binds it to this host, HttpOnly hides it from scripts, Max-Age equals the token's
 * remaining life so that a restarted browser is still signed in (FINDINGS F22). Its value proves itself: it is a
 * refresh token, so there is no cookie signature to confuse.
 */
import { type Refusal, refuse } from '../problem.ts'

const NAME = '__Host-latchkey'
/** Browsers cap a cookie's life at 400 days (RFC 6265bis §5.5). */
const MAX_AGE_SECONDS = 34_560_000

/** @returns the cookie's value or null; refusal `invalid_request` when it stands twice (one was planted: CASES J08) */
export function readRefreshCookie(headers: Headers): string | null | Refusal {
  const values: string[] = []
  for (const pair of (headers.get('cookie') ?? '').split(';')) {
    const equals = pair.indexOf('=')
    // Only what a browser sends, blanks before the name: trim() would also strip a no-break space and accept a forgery,
    // and a pattern anchored at the end alone takes seconds for a header of 32 KB of blanks.
    if (equals > 0 && pair.slice(0, equals).replace(/^[ \t]+/, '') === NAME)
      values.push(pair.slice(equals + 1))
  }
  if (values.length > 1)
    return refuse('invalid_request', { detail: `The cookie ${NAME} was sent more than once.` })
  return values[0] ?? null
}

/** @param maxAgeSeconds the token's remaining life */
export function refreshCookie(refreshToken: string, maxAgeSeconds: number): string {
  const maxAge = Math.min(Math.floor(maxAgeSeconds), MAX_AGE_SECONDS)
  return `${NAME}=${refreshToken}; Max-Age=${maxAge}; Path=/; HttpOnly; Secure; SameSite=Lax`
}

export function expiredRefreshCookie(): string {
  return refreshCookie('', 0)
}
