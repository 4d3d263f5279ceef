/**
 * Which web origins may call. A browser sends `Origin` or `Sec-Fetch-Site` with every write; a program sends neither.
 * The browser sends cookies with every request, from any page, so a request that a cookie authorises must prove where it comes from.
 */
import type { Context } from '../context.ts'
import { type Refusal, refuse } from '../problem.ts'

type Caller = Pick<Context, 'callerOrigin' | 'fetchSite' | 'origin'>

/**
 * The origin that the tenant must have allowed for this call to go on, or null when none need be asked for:
 * the caller is our own page, or no browser at all.
 */
export function originToAllow(caller: Caller): string | null {
  if (caller.callerOrigin === null || caller.callerOrigin === caller.origin) return null
  // Sandboxed pages and files call themselves `null`, so `null` identifies no one: it is never allowed, even when a tenant lists it.
  return caller.callerOrigin === 'null' ? 'null:' : caller.callerOrigin
}

/** For writes that a cookie authorises: without `Origin`, only `Sec-Fetch-Site: same-origin` shows that it is our own page. */
export function requireBrowserOrigin(caller: Caller): Refusal | null {
  const shown = caller.callerOrigin !== null || caller.fetchSite === 'same-origin'
  return shown ? null : refuse('origin_not_allowed', { evidence: { fetch_site: caller.fetchSite } })
}

/** @returns the refusal when the tenant has not allowed the calling origin */
export function checkOrigin(caller: Caller, allowedOrigins: readonly string[]): Refusal | null {
  const origin = originToAllow(caller)
  if (origin === null || allowedOrigins.includes(origin)) return null
  return refuse('origin_not_allowed', { evidence: { origin: origin.slice(0, 200) } })
}
