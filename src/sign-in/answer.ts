/** The answer to whoever signed in: the tokens, and the cookies of a browser that is known from now on. */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { expiredChallengeCookie, readChallengeCookie } from '../http/cookies.ts'
import type { Transport } from '../http/input.ts'
import { type IssuedTokens, refreshCookieOf, tokensResponse } from '../sessions/tokens.ts'
import { rememberDevice } from './known-device.ts'

export async function signedInResponse(
  ctx: Context,
  headers: Headers,
  signedIn: IssuedTokens,
  { transport, status = 200 }: { transport: Transport; status?: 200 | 201 },
): Promise<Response> {
  const response = await tokensResponse(ctx, signedIn, transport, status)
  // A trusted caller passes cookies on, and sends them back. A caller that is no browser gets none.
  const isBrowser = ctx.fetchSite !== null || ctx.client.vouchedBy !== null || transport === 'cookie'
  if (isBrowser) response.headers.append('set-cookie', await rememberDevice(ctx, headers, emailOf(signedIn)))
  if (readChallengeCookie(headers) !== null) response.headers.append('set-cookie', expiredChallengeCookie())
  return response
}

/** For a page: what keeps its browser signed in, without a token that no one would read. */
export const signedInCookies = async (
  ctx: Context,
  headers: Headers,
  signedIn: IssuedTokens,
): Promise<string[]> => [
  ...refreshCookieOf(signedIn),
  await rememberDevice(ctx, headers, emailOf(signedIn)),
  ...(readChallengeCookie(headers) === null ? [] : [expiredChallengeCookie()]),
]

/** A live account has an address, and the column holds no other form. */
const emailOf = ({ user }: IssuedTokens) => user.email as CanonicalEmail
