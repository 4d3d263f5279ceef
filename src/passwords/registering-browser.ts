/**
 * The browser that registered an account: its cookie. Where a mailed link is opened in it, who chose the password and who
 * reads the mail are one, so the proof keeps everything. An entry is the HMAC of the account's id: nothing is stored, and
 * the entry of a registration that made no account looks the same and fits no account. It opens nothing without the link.
 */
import type { Context } from '../context.ts'
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'
import { equalInConstantTime, hmacSha256 } from '../crypto/hmac.ts'
import { deriveAll, deriveKey } from '../crypto/keyring.ts'
import { REGISTRATION_COOKIE, readRegistrationCookie, registrationCookie } from '../http/cookies.ts'
import { PURPOSES } from '../one-time/purposes.ts'

type Signer = Pick<Context, 'settings' | 'host'>

const PURPOSE = `cookie:${REGISTRATION_COOKIE}`
/** Someone who registers once more, or another account, keeps what they had; the oldest entry goes. */
const MAX_ENTRIES = 4
/** base64url of 32 bytes. */
const ENTRY = /^[A-Za-z0-9_-]{43}$/

/**
 * The `set-cookie` of a registration.
 * @param userId of the account, if this registration made one: the caller must not learn whether it did
 */
export async function rememberRegistration(ctx: Signer, headers: Headers, userId: string): Promise<string> {
  const { key } = await deriveKey(ctx.settings.authKeys, PURPOSE)
  const entry = toBase64Url(await sign(ctx, key, userId))
  const entries = [entry, ...readEntries(headers)].slice(0, MAX_ENTRIES)
  return registrationCookie(entries.join('.'), PURPOSES.verify_email.seconds)
}

/** Whether this browser registered the account, so that the password is its person's. */
export async function hasRegistered(ctx: Signer, headers: Headers, userId: string): Promise<boolean> {
  const entries = readEntries(headers).flatMap((entry) => fromBase64Url(entry) ?? [])
  if (entries.length === 0) return false
  for (const { key } of await deriveAll(ctx.settings.authKeys, PURPOSE)) {
    const own = await sign(ctx, key, userId)
    if (entries.some((entry) => equalInConstantTime(own, entry))) return true
  }
  return false
}

function readEntries(headers: Headers): string[] {
  const value = readRegistrationCookie(headers)
  if (value === null || value.length > MAX_ENTRIES * 44) return []
  return value.split('.').filter((entry) => ENTRY.test(entry))
}

/** Bound to the host: on that of another tenant it is garbage. */
const sign = ({ host }: Signer, key: Uint8Array, userId: string) =>
  hmacSha256(key, JSON.stringify([host, userId]))
