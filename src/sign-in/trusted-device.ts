/**
 * Trusted browsers: the owner chose in the second step that no second factor is asked for there. The cookie holds one random
 * secret for each account of the browser, and names no account. A row has the digest, so that trust can be taken back. It is
 * not a factor: a session that begins so is AAL1, and step-up asks for the factor.
 */
import type { Context } from '../context.ts'
import { toBase64Url } from '../crypto/base64.ts'
import { newId } from '../events/outbox.ts'
import { trustedCookie } from '../http/cookies.ts'
import { deviceFingerprint } from '../sessions/device.ts'

declare const brand: unique symbol
export type TrustHash = Uint8Array & { readonly [brand]: 'TrustHash' }

export const TRUST_DAYS = 30
const TRUST_SECONDS = TRUST_DAYS * 86_400
/** The number of accounts that trust one browser; the ninth replaces the first. */
const MAX_ENTRIES = 8
const SECRET_BYTES = 32
const ENTRY = /^[A-Za-z0-9_-]{43}$/

type Holder = Pick<Context, 'host' | 'client' | 'trustedCookie'>

/** A new row of `trusted_devices`, and the cookie that matches it. */
export type NewTrust = {
  id: string
  hash: TrustHash
  seconds: number
  label: string | null
  cookie: string
  /** What the browser was trusted by before: the one of the same account is replaced. */
  replaces: readonly TrustHash[]
}

/** @returns the digests of what the browser presents; none where the cookie is not ours */
export const presentedTrust = (ctx: Holder): Promise<TrustHash[]> =>
  Promise.all(readEntries(ctx).map((entry) => hashEntry(ctx, entry)))

export async function newTrust(ctx: Holder & Pick<Context, 'now' | 'random'>): Promise<NewTrust> {
  const entry = toBase64Url(ctx.random(SECRET_BYTES))
  const others = readEntries(ctx).slice(0, MAX_ENTRIES - 1)
  return {
    id: newId(ctx),
    hash: await hashEntry(ctx, entry),
    seconds: TRUST_SECONDS,
    label: deviceFingerprint(ctx.client.userAgent),
    cookie: trustedCookie([entry, ...others].join('.'), TRUST_SECONDS),
    replaces: await presentedTrust(ctx),
  }
}

function readEntries({ trustedCookie: value }: Pick<Context, 'trustedCookie'>): string[] {
  if (value === null || value.length > MAX_ENTRIES * 44) return []
  return value.split('.').filter((entry) => ENTRY.test(entry))
}

/** Bound to the host, and to what the browser calls itself, which an update leaves as it is: a secret that is copied to another browser is worth nothing. */
async function hashEntry(
  { host, client }: Pick<Context, 'host' | 'client'>,
  entry: string,
): Promise<TrustHash> {
  const bound = JSON.stringify(['trusted_device', host, deviceFingerprint(client.userAgent), entry])
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(bound))
  return new Uint8Array(digest) as TrustHash // the only place that makes one
}
