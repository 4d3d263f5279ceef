/**
 * Browsers that have signed in to an account before (OWASP device cookies). Such a browser has a counter of its own, so
 * that a stranger's failures never stop the owner. The cookie is signed and grants no access: a thief may guess
 * as often as anyone else, no more. One cookie serves the few accounts of one browser, and names none of them.
 */
import type { CanonicalEmail } from '../accounts/accounts.ts'
import type { Context } from '../context.ts'
import { fromBase64Url, toBase64Url } from '../crypto/base64.ts'
import { equalInConstantTime, hmacSha256 } from '../crypto/hmac.ts'
import { type DerivedKey, deriveAll, deriveKey } from '../crypto/keyring.ts'
import { DEVICE_COOKIE, deviceCookie, readDeviceCookie } from '../http/cookies.ts'

/** Accounts that one browser is known to at a time; the one unused the longest goes. */
const MAX_ENTRIES = 8
const NONCE_BYTES = 16
const MAC_BYTES = 16
/** base64url of nonce and MAC. */
const ENTRY = /^[A-Za-z0-9_-]{43}$/

type DeviceContext = Pick<Context, 'settings' | 'host' | 'random'>

/** An entry of the cookie that proves this browser known to `email` on this host. */
export type KnownDevice = { nonce: string; entry: string }

/** @returns the browser's entry for the account, or null: no cookie, two of them, or none that we signed for it */
export async function findKnownDevice(
  ctx: Pick<DeviceContext, 'settings' | 'host'>,
  headers: Headers,
  email: CanonicalEmail,
): Promise<KnownDevice | null> {
  const entries = readEntries(headers)
  if (entries.length === 0) return null
  const keys = await deriveAll(ctx.settings.authKeys, `cookie:${DEVICE_COOKIE}`)
  for (const entry of entries) {
    const bytes = fromBase64Url(entry)
    const nonce = bytes?.slice(0, NONCE_BYTES)
    if (!bytes || !nonce) continue
    for (const key of keys) {
      const mac = await sign(ctx, key, email, nonce)
      if (equalInConstantTime(mac, bytes.slice(NONCE_BYTES))) return { nonce: toBase64Url(nonce), entry }
    }
  }
  return null
}

/**
 * Whose attempts at an account are counted together: those of a browser that it knows by themselves, so that what strangers
 * use up is not the owner's; all others together, and those from one network besides.
 * @param browser the nonce of the browser, once its signature has been checked
 */
export function subjectsOf(
  { host, client }: Pick<Context, 'host' | 'client'>,
  email: CanonicalEmail,
  browser: string | null,
): { device: string } | { account: string; account_address: string } {
  const account = `${host}\0${email}`
  return browser === null
    ? { account, account_address: `${account}\0${client.network}` }
    : { device: `${account}\0${browser}` }
}

/** @returns the cookie that makes the browser known to the account that it has just signed in to */
export async function rememberDevice(
  ctx: DeviceContext,
  headers: Headers,
  email: CanonicalEmail,
): Promise<string> {
  const known = await findKnownDevice(ctx, headers, email)
  // The same nonce, so the same counter; signed anew, so that it outlives the key that signed it first.
  const nonce = (known && fromBase64Url(known.nonce)) ?? ctx.random(NONCE_BYTES)
  const entry = await signEntry(ctx, email, nonce)
  const others = readEntries(headers).filter((other) => other !== known?.entry)
  const value = [entry, ...others].slice(0, MAX_ENTRIES).join('.')
  return deviceCookie(value)
}

function readEntries(headers: Headers): string[] {
  const value = readDeviceCookie(headers)
  if (value === null || value.length > MAX_ENTRIES * 44) return []
  return value.split('.').filter((entry) => ENTRY.test(entry))
}

async function signEntry(ctx: DeviceContext, email: CanonicalEmail, nonce: Uint8Array): Promise<string> {
  const key = await deriveKey(ctx.settings.authKeys, `cookie:${DEVICE_COOKIE}`)
  return toBase64Url(new Uint8Array([...nonce, ...(await sign(ctx, key, email, nonce))]))
}

/** Bound to cookie, host and account: on another it is garbage. */
async function sign(
  { host }: Pick<Context, 'host'>,
  { key }: DerivedKey,
  email: CanonicalEmail,
  nonce: Uint8Array,
): Promise<Uint8Array> {
  const digest = await hmacSha256(key, JSON.stringify([host, email, toBase64Url(nonce)]))
  return digest.slice(0, MAC_BYTES)
}
