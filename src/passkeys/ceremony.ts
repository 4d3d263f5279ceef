/**
 * A WebAuthn challenge: made for one ceremony, host, account and browser, kept in Redis for five minutes and taken out by
 * an answer, right or wrong. Redis may hand it out again after a failover, so the statement that ends the ceremony
 * claims it once more (ceremony-store.ts).
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { toBase64Url } from '../crypto/base64.ts'
import { readCeremonyCookie } from '../http/cookies.ts'
import type { Besides } from '../limits/sliding-window.ts'
import { REDIS_PREFIX } from '../storage/redis.ts'

export const CEREMONY_SECONDS = 300
const CHALLENGE_BYTES = 32
const NONCE_BYTES = 32
const NONCE = /^[A-Za-z0-9_-]{43}$/

/** What a challenge is for; it answers nothing else. */
export type Purpose =
  | { kind: 'register' | 'step_up'; userId: string }
  | { kind: 'sign_in'; userId: null }
  /** `token`: the hash of the `lkm_…` token that waits for it, in base64url. */
  | { kind: 'second_factor'; token: string }

/** Whose challenge it is: a nonce in a cookie of the browser that asked. */
export type Browser = { nonce: string }

/** What is remembered of a challenge. */
const Kept = v.object({
  /** In milliseconds. */
  expiresAt: v.number(),
  /** Whether the browser made the passkey by itself, after a sign-in with a password (conditional create). */
  isConditional: v.boolean(),
})

/** A challenge that was answered for the first time, as far as Redis knows. `id` is the key of `consumed_ceremonies`. */
export type Ceremony = v.InferOutput<typeof Kept> & { id: Uint8Array }

/** The browser's nonce, or a new one: several pages of one browser may each have a challenge. */
export function browserOf(ctx: Pick<Context, 'random'>, headers: Headers): Browser {
  const sent = readCeremonyCookie(headers)
  return { nonce: sent !== null && NONCE.test(sent) ? sent : toBase64Url(ctx.random(NONCE_BYTES)) }
}

export const newChallenge = (ctx: Pick<Context, 'random'>) => toBase64Url(ctx.random(CHALLENGE_BYTES))

/** What keeps the challenge in the trip that counts the request. */
export async function keepChallenge(
  ctx: Pick<Context, 'host' | 'now'>,
  challenge: string,
  {
    purpose,
    browser,
    isConditional = false,
  }: { purpose: Purpose; browser: Browser; isConditional?: boolean },
): Promise<Besides> {
  const milliseconds = CEREMONY_SECONDS * 1000
  const kept: v.InferOutput<typeof Kept> = { expiresAt: ctx.now().getTime() + milliseconds, isConditional }
  const id = await idOf(ctx, challenge, purpose, browser.nonce)
  return { set: keyOf(id), value: JSON.stringify(kept), milliseconds }
}

/** Takes the challenge that a page says it answers; `taken` is it, once the request has been counted. */
export async function takeChallenge(
  ctx: Pick<Context, 'host' | 'now'>,
  challenge: string,
  { purpose, headers }: { purpose: Purpose; headers: Headers },
): Promise<{ besides: Besides; taken: () => Ceremony | null }> {
  const id = await idOf(ctx, challenge, purpose, readCeremonyCookie(headers) ?? '')
  let value: string | null = null
  const found = (text: string | null) => {
    value = text
  }
  const taken = () => {
    const kept = value === null ? null : v.parse(Kept, JSON.parse(value)) // only `keepChallenge` writes these
    return kept && kept.expiresAt > ctx.now().getTime() ? { id, ...kept } : null
  }
  return { besides: { take: keyOf(id), found }, taken }
}

const keyOf = (id: Uint8Array) => `${REDIS_PREFIX.ceremony}:${toBase64Url(id)}`

/** Everything that the challenge is bound to is in its name: for another one there is nothing to take. */
async function idOf(
  { host }: Pick<Context, 'host'>,
  challenge: string,
  purpose: Purpose,
  nonce: string,
): Promise<Uint8Array> {
  const whose = purpose.kind === 'second_factor' ? purpose.token : purpose.userId
  const text = JSON.stringify([purpose.kind, host, whose, nonce, challenge])
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
