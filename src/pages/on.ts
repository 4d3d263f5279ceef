/** Where a person goes once they have signed in: back to the product that sent them, to the page of ours that asked, or to their account. */
import { isRefusal, type Refusal } from '../problem.ts'
import { signedInCookies } from '../sign-in/answer.ts'
import type { Begun, Challenged, Started } from '../sign-in/start.ts'
import { issueCode } from '../social/exchange.ts'
import { redirectTo } from '../social/redirects.ts'
import { checkReturn, pathWith, queryOf } from './flow.ts'
import { type Asked, seeOther } from './hosted.ts'

/** The cookies of the new session, and the way on. @param orElse what is shown where a second factor is needed first */
export async function goOn(
  asked: Asked,
  begun: Begun | Refusal,
  orElse: (challenged: Challenged) => Promise<Response | Refusal>,
): Promise<Response | Refusal> {
  if (isRefusal(begun)) return begun
  if (begun.state === 'challenged') return orElse(begun)
  const response = await wayOn(asked, begun)
  for (const cookie of await signedInCookies(asked.ctx, asked.headers, begun))
    response.headers.append('set-cookie', cookie)
  return response
}

type Who = Pick<Started, 'tenant'> & { session: { id: string } }

/** What the tenant does not list is no way on: then it is the account. */
export async function wayOn({ ctx, flow }: Asked, { tenant, session }: Who): Promise<Response> {
  const { redirect_uri: redirectUri, app_state: appState = null, code_challenge: codeChallenge } = flow
  if (redirectUri === undefined || checkReturn(tenant, ctx.origin, flow))
    return seeOther(pathWith(flow.return_to ?? '/account', queryOf(flow, NO_RETURN)))
  if (codeChallenge === undefined) return redirectTo({ redirectUri, appState }, {})
  const code = await issueCode(ctx, { sessionId: session.id, tenantId: tenant.id, codeChallenge })
  // The session has ended meanwhile.
  return redirectTo({ redirectUri, appState }, code === null ? { error: 'login_failed' } : { code })
}

/** It is reached. */
export const NO_RETURN = {
  redirect_uri: undefined,
  app_state: undefined,
  code_challenge: undefined,
  login_hint: undefined,
  return_to: undefined,
}
