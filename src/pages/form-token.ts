/**
 * The token of a form: HMAC of what this browser keeps in a cookie, of the host and of the session that the page was shown to. A
 * page of another site can read neither, and a page that was shown to someone else does nothing for this person. Besides it
 * every form proves its origin (http/form.ts).
 */
import type { Context } from '../context.ts'
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'
import { equalInConstantTime, hmacSha256 } from '../crypto/hmac.ts'
import { deriveAll, deriveKey } from '../crypto/keyring.ts'
import { FORM_COOKIE, formCookie, readFormCookie } from '../http/cookies.ts'
import { type Refusal, refuse } from '../problem.ts'

type Signer = Pick<Context, 'settings' | 'host' | 'random'>

const PURPOSE = `cookie:${FORM_COOKIE}`
const NONCE = /^[A-Za-z0-9_-]{43}$/

export type FormToken = {
  token: string
  /** The `set-cookie` of a browser that has none yet. */
  cookie: string | null
}

/** @param sessionId of the person that the page is shown to; null for anyone */
export async function newFormToken(
  ctx: Signer,
  headers: Headers,
  sessionId: string | null,
): Promise<FormToken> {
  const sent = readNonce(headers)
  const nonce = sent ?? toBase64Url(ctx.random(32))
  const { key } = await deriveKey(ctx.settings.authKeys, PURPOSE)
  const token = toBase64Url(await sign(ctx, key, { nonce, sessionId }))
  return { token, cookie: sent === null ? formCookie(nonce) : null }
}

/** @returns refusal `form_expired`, or null */
export async function checkFormToken(
  ctx: Signer,
  headers: Headers,
  { token = '', sessionId }: { token: string | undefined; sessionId: string | null },
): Promise<Refusal | null> {
  const nonce = readNonce(headers)
  const given = fromBase64Url(token)
  if (nonce !== null && given !== null)
    for (const { key } of await deriveAll(ctx.settings.authKeys, PURPOSE))
      if (equalInConstantTime(await sign(ctx, key, { nonce, sessionId }), given)) return null
  return refuse('form_expired', {
    evidence: { reason: nonce === null ? 'no form cookie' : 'wrong form token' },
  })
}

function readNonce(headers: Headers): string | null {
  const value = readFormCookie(headers)
  return value !== null && NONCE.test(value) ? value : null
}

const sign = (
  { host }: Pick<Context, 'host'>,
  key: Uint8Array,
  { nonce, sessionId }: { nonce: string; sessionId: string | null },
) => hmacSha256(key, JSON.stringify([host, nonce, sessionId]))
