/** The answer after a factor: tokens and the cookies of a known browser, or the next step that is required. */
import * as v from 'valibot'
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { expiredChallengeCookie, readChallengeCookie } from '../http/cookies.ts'
import type { Transport } from '../http/input.ts'
import { type IssuedTokens, refreshCookieOf, TokensAnswer, tokensResponse } from '../sessions/tokens.ts'
import { rememberDevice } from './known-device.ts'
import { type Begun, CHALLENGE_SECONDS, type Challenged, type Started } from './start.ts'

export async function signedInResponse(
  ctx: Context,
  headers: Headers,
  begun: Begun,
  {
    transport,
    status = 200,
    besides = {},
  }: { transport: Transport; status?: 200 | 201; besides?: Record<string, unknown> },
): Promise<Response> {
  if (begun.state === 'challenged') return challengedResponse(begun)
  const response = await tokensResponse(ctx, begun, transport, status, besides)
  // A trusted caller passes cookies on, and sends them back. A caller that is no browser gets none.
  const isBrowser = ctx.fetchSite !== null || ctx.client.vouchedBy !== null || transport === 'cookie'
  if (isBrowser) response.headers.append('set-cookie', await rememberDevice(ctx, headers, emailOf(begun)))
  if (begun.trustedCookie !== undefined) response.headers.append('set-cookie', begun.trustedCookie)
  if (readChallengeCookie(headers) !== null) response.headers.append('set-cookie', expiredChallengeCookie())
  return response
}

/** What is needed before a session begins: a second factor, or to add one. */
export const ChallengeAnswer = v.object({
  status: v.picklist(['mfa_required', 'mfa_enrolment_required']),
  mfa_token: v.string(),
  methods: v.array(v.string()),
  expires_in: v.number(),
})

/** Either of the two that a first factor leads to. */
export const SignInAnswer = v.union([TokensAnswer, ChallengeAnswer])

/** Neither a token nor a cookie that keeps anyone signed in. */
const challengedResponse = ({ mfaToken, demand, methods }: Challenged) =>
  Response.json({
    status: demand === 'enrol' ? 'mfa_enrolment_required' : 'mfa_required',
    mfa_token: mfaToken,
    methods,
    expires_in: CHALLENGE_SECONDS,
  })

/** For a page: what keeps its browser signed in, without a token that no one would read. */
export const signedInCookies = async (
  ctx: Context,
  headers: Headers,
  signedIn: Started,
): Promise<string[]> => [
  ...refreshCookieOf(signedIn),
  await rememberDevice(ctx, headers, emailOf(signedIn)),
  ...(signedIn.trustedCookie === undefined ? [] : [signedIn.trustedCookie]),
  ...(readChallengeCookie(headers) === null ? [] : [expiredChallengeCookie()]),
]

/** A live account has an address, and the column holds no other form. */
const emailOf = ({ user }: IssuedTokens) => user.email as CanonicalEmail
