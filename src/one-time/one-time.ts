/** Making one-time tokens, and reading what a caller presents as one. */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { newId } from '../events/outbox.ts'
import { text } from '../http/input.ts'
import { type Refusal, refuse } from '../problem.ts'
import {
  hashOneTimeToken,
  hashSignInCode,
  type OneTimeTokenHash,
  oneTimeToken,
  parseOneTimeToken,
  signInCode,
} from './one-time-token.ts'
import type { OneTimePurpose } from './purposes.ts'

/** A field that holds a one-time token: any short text, which then is one or is not. */
export const TokenText = text(200)

/** A row of `one_time_tokens` that is to be. */
export type NewToken = {
  id: string
  purpose: OneTimePurpose
  hash: OneTimeTokenHash
  keyId: string
  flowId: string | null
  codeHash: Uint8Array | null
  browserHash: Uint8Array | null
}

type Maker = Pick<Context, 'settings' | 'now' | 'random'>

/** @param flowId what the tokens of one change of address have in common */
export async function newToken(
  ctx: Maker,
  purpose: OneTimePurpose,
  flowId: string | null = null,
): Promise<NewToken> {
  const { authKeys } = ctx.settings
  const [{ keyId }] = authKeys
  const id = newId(ctx)
  const hash = await hashOneTimeToken(await oneTimeToken(authKeys, purpose, id, keyId))
  return { id, purpose, hash, keyId, flowId, codeHash: null, browserHash: null }
}

/** A token for signing in, with the code that is beside it in the mail. */
export async function newSignInToken(
  ctx: Maker,
  email: CanonicalEmail,
  browserHash: Uint8Array,
): Promise<NewToken> {
  const { authKeys } = ctx.settings
  const token = await newToken(ctx, 'sign_in')
  const code = await signInCode(authKeys, token.id, token.keyId)
  return { ...token, browserHash, codeHash: await hashSignInCode(authKeys, email, code) }
}

/** @returns the hash to look for; refusal `invalid_one_time_token` for what is not even one */
export async function readToken(presented: string): Promise<OneTimeTokenHash | Refusal> {
  const token = parseOneTimeToken(presented)
  return token === null ? refuseToken('malformed') : hashOneTimeToken(token)
}

/** One answer, whatever is wrong with it. */
export const refuseToken = (reason: string): Refusal =>
  refuse('invalid_one_time_token', { evidence: { reason } })

/** Who holds the tokens of an address that has no account: a digest, which names no one. */
export async function holderOfUnknown(email: CanonicalEmail): Promise<string> {
  return hexDigest(`holder\0${email}`)
}

/**
 * What follows an account's id in the holder of a token that a browser asked for which the account knows: what strangers
 * ask for then does not take the place of it.
 * @param browser the nonce of such a browser
 */
export async function holderInBrowser(browser: string | null): Promise<string> {
  return browser === null ? '' : ` ${await hexDigest(`browser\0${browser}`)}`
}

async function hexDigest(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
