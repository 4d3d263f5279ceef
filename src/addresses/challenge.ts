/**
 * The nonce that ties a sign-in by e-mail to the browser that asked: its cookie. It carries a signature, so that limits can
 * tell the asking browser from strangers before anything is read; what it opens is for the challenge's row to say.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'
import { equalInConstantTime, hmacSha256 } from '../crypto/hmac.ts'
import { deriveAll, deriveKey } from '../crypto/keyring.ts'

type Signer = Pick<Context, 'settings' | 'host'>

const RANDOM_BYTES = 16
const MAC_BYTES = 16
const PURPOSE = 'cookie:__Host-latchkey-challenge'

/** 128 bits of randomness and their MAC. */
export async function newNonce(
  ctx: Signer & Pick<Context, 'random'>,
  email: CanonicalEmail,
): Promise<string> {
  const random = ctx.random(RANDOM_BYTES)
  const { key } = await deriveKey(ctx.settings.authKeys, PURPOSE)
  return toBase64Url(new Uint8Array([...random, ...(await sign(ctx, key, email, random))]))
}

/** Whether this is a nonce that a browser was given when it asked for this address on this host. */
export async function isNonceOf(ctx: Signer, nonce: string, email: CanonicalEmail): Promise<boolean> {
  const bytes = fromBase64Url(nonce)
  if (bytes?.length !== RANDOM_BYTES + MAC_BYTES) return false
  for (const { key } of await deriveAll(ctx.settings.authKeys, PURPOSE)) {
    const mac = await sign(ctx, key, email, bytes.slice(0, RANDOM_BYTES))
    if (equalInConstantTime(mac, bytes.slice(RANDOM_BYTES))) return true
  }
  return false
}

/** What the challenge's row keeps of it. */
export const hashNonce = async (nonce: string) =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(nonce)))

async function sign({ host }: Signer, key: Uint8Array, email: CanonicalEmail, random: Uint8Array) {
  const digest = await hmacSha256(key, JSON.stringify([host, email, toBase64Url(random)]))
  return digest.slice(0, MAC_BYTES)
}
