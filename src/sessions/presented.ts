/** How a refresh token is presented: in the body by a program, in the `__Host-` cookie by a browser, never both. */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { expiredRefreshCookie, readRefreshCookie } from '../http/cookies.ts'
import { type Transport, text } from '../http/input.ts'
import { requireBrowserOrigin } from '../http/origin.ts'
import { isRefusal, type Refusal, refuse } from '../problem.ts'
import { parseRefreshToken, type RefreshToken } from './refresh-token.ts'

export const PresentedToken = v.strictObject({ refresh_token: v.optional(text(512)) })

export type Presented = { refreshToken: RefreshToken; transport: Transport }

/**
 * @returns the token; refusals `no_session` (none), `invalid_request` (two cookies), `invalid_grant` (not one of ours),
 * `origin_not_allowed` (a cookie without a browser's word on where the request comes from)
 */
export function readRefreshToken(
  ctx: Pick<Context, 'callerOrigin' | 'fetchSite' | 'origin'>,
  headers: Headers,
  body: v.InferOutput<typeof PresentedToken>,
): Presented | Refusal {
  // A token in the body wins: it was put there on purpose, while a browser sends its cookie with everything.
  if (body.refresh_token !== undefined) return parse(body.refresh_token, 'token')
  const cookie = readRefreshCookie(headers)
  if (isRefusal(cookie)) return cookie
  if (cookie === null)
    return refuse('no_session', { detail: 'Send refresh_token in the body, or the refresh token cookie.' })
  return requireBrowserOrigin(ctx) ?? parse(cookie, 'cookie')
}

function parse(text: string, transport: Transport): Presented | Refusal {
  const refreshToken = parseRefreshToken(text)
  return refreshToken === null ? refuseDead(transport, 'malformed') : { refreshToken, transport }
}

/**
 * Refuses a token by which no one will be signed in any more, anywhere. Its cookie goes: a page cannot take it away itself,
 * and would ask with it at every start.
 */
export const refuseDead = (transport: Transport, reason: string): Refusal =>
  refuse('invalid_grant', {
    evidence: { reason },
    ...(transport === 'cookie' && { headers: { 'set-cookie': expiredRefreshCookie() } }),
  })
