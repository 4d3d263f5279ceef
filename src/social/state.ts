/**
 * The state of a flow: made for one host, provider and browser, kept in Redis for ten minutes and taken out by the first
 * answer, right or wrong. Redis may hand it out again after a failover, so the statement that ends the flow claims it once more
 * (`claimState`). What the flow is for is in what was kept, and never in what comes back. Redis holds neither the state nor
 * what it opens: both the name and the key of what is kept are made of it.
 */
import * as v from 'valibot'
import type { Context } from '../context.ts'
import { toBase64Url } from '../crypto/base64.ts'
import { openUnder, sealUnder } from '../crypto/sealing.ts'
import { readOauthCookie } from '../http/cookies.ts'
import type { Besides } from '../limits/sliding-window.ts'
import { REDIS_PREFIX } from '../storage/redis.ts'

export const STATE_SECONDS = 600
const SECRET_BYTES = 32
const NONCE = /^[A-Za-z0-9_-]{43}$/

const Kept = v.object({
  /** In milliseconds. */
  expiresAt: v.number(),
  /** `nonce` of the ID token, and what the `code_challenge` at the provider was made of. */
  nonce: v.string(),
  codeVerifier: v.string(),
  /** Where the person returns, what the app wants back with them, and what it made its own `code_challenge` of. */
  redirectUri: v.string(),
  appState: v.nullable(v.string()),
  codeChallenge: v.nullable(v.string()),
  purpose: v.picklist(['sign_in', 'link', 'step_up']),
  /** Whose session it is that links or is confirmed; null for a sign-in. */
  caller: v.nullable(v.object({ userId: v.string(), sessionId: v.string(), kid: v.string() })),
})
export type Kept = v.InferOutput<typeof Kept>

export type FlowCaller = NonNullable<Kept['caller']>

/** When the browser was sent off. */
export const beganAt = ({ expiresAt }: Kept) => new Date(expiresAt - STATE_SECONDS * 1000)

/** A state that came back for the first time, as far as Redis knows. `id` is the key of `oauth_states`. */
export type Flow = Kept & { id: Uint8Array }

export const newSecret = (ctx: Pick<Context, 'random'>) => toBase64Url(ctx.random(SECRET_BYTES))

/** The browser's nonce, or a new one: several pages of one browser may each have a flow. */
export function browserNonce(ctx: Pick<Context, 'random'>, headers: Headers): string {
  // Both cookies may hold the same value: no page ever sees either.
  const sent = readOauthCookie(headers, { isPosted: false })
  return sent !== null && NONCE.test(sent) ? sent : newSecret(ctx)
}

type Place = { slug: string; browser: string }

/** What keeps the state in the trip that counts the request. */
export async function keepState(
  ctx: Pick<Context, 'host' | 'now' | 'random'>,
  state: string,
  place: Place,
  flow: Omit<Kept, 'expiresAt'>,
): Promise<Besides> {
  const milliseconds = STATE_SECONDS * 1000
  const kept: Kept = { ...flow, expiresAt: ctx.now().getTime() + milliseconds }
  const [name, key] = await Promise.all([nameOf(ctx, state, place), digestOf(ctx, state, place, 'key')])
  const value = await sealUnder(key, new TextEncoder().encode(JSON.stringify(kept)), BELONGS, ctx.random)
  return { set: redisKey(name), value, milliseconds }
}

/** Takes the state that came back; `taken` is the flow, once the request has been counted. */
export async function takeState(
  ctx: Pick<Context, 'host' | 'now'>,
  state: string,
  place: Place,
): Promise<{ besides: Besides; taken: () => Promise<Flow | null> }> {
  const [id, key] = await Promise.all([nameOf(ctx, state, place), digestOf(ctx, state, place, 'key')])
  let value: string | null = null
  const found = (text: string | null) => {
    value = text
  }
  const taken = async () => {
    const opened = value === null ? null : await openUnder(key, value, BELONGS)
    if (opened === null) return null
    const kept = v.parse(Kept, JSON.parse(new TextDecoder().decode(opened))) // only `keepState` writes these
    return kept.expiresAt > ctx.now().getTime() ? { id, ...kept } : null
  }
  return { besides: { take: redisKey(id), found }, taken }
}

const BELONGS = ['oauth-state']

const redisKey = (name: Uint8Array) => `${REDIS_PREFIX.oauthState}:${toBase64Url(name)}`

/** Everything that the state is bound to is in its name: for another one there is nothing to take. */
const nameOf = (ctx: Pick<Context, 'host'>, state: string, place: Place) =>
  digestOf(ctx, state, place, 'name')

/** Of what only the browser and the provider know, together: 256 random bits are in it. */
async function digestOf(
  { host }: Pick<Context, 'host'>,
  state: string,
  { slug, browser }: Place,
  what: 'name' | 'key',
): Promise<Uint8Array> {
  const text = JSON.stringify([what, host, slug, browser, state])
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}
