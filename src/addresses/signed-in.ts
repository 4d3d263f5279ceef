/** The answer to a sign-in by e-mail: the tokens, a browser that is known from now on, and no challenge any more. */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { expiredChallengeCookie, readChallengeCookie } from '../http/cookies.ts'
import type { Transport } from '../http/input.ts'
import { type IssuedTokens, tokensResponse } from '../sessions/tokens.ts'
import { findKnownDevice, rememberDevice } from '../sign-in/known-device.ts'

export async function signedInResponse(
  ctx: Context,
  headers: Headers,
  signedIn: IssuedTokens,
  transport: Transport,
): Promise<Response> {
  const response = await tokensResponse(ctx, signedIn, transport, 200)
  const email = signedIn.user.email as CanonicalEmail // a live account has one, and the column holds no other form
  await rememberDevice(ctx, headers, response, { email, known: await findKnownDevice(ctx, headers, email) })
  if (readChallengeCookie(headers) !== null) response.headers.append('set-cookie', expiredChallengeCookie())
  return response
}
