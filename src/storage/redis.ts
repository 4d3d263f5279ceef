/**
 * Upstash Redis over HTTP and the names of its keys. Redis holds limits and short-lived ceremonies only:
 * losing all of it may cost a retry, never safety. No key holds a raw e-mail or address: subjects are HMACs.
 */
import { Redis } from '@upstash/redis/cloudflare'
import { toBase64Url } from '../crypto/base64.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import { deriveKey, type Keyring } from '../crypto/keyring.ts'
import type { Trips } from './trips.ts'

export type { Redis }

/** Key prefixes, all of them. */
export const REDIS_PREFIX = {
  limit: 'lk:limit',
  ceremony: 'lk:ceremony',
  oauthState: 'lk:oauth-state',
} as const

/** Whole keys, all of them. */
export const REDIS_KEYS = { spilledEvents: 'lk:spilled-events' } as const

/**
 * One client per request. A request sends one command, so commands are not gathered: the client's proxy for that makes a
 * pipeline of two hundred functions at once. Who sends several asks for a pipeline.
 */
export function createRedis({ url, token }: { url: string; token: string }, trips: Trips): Redis {
  return new Redis({
    url,
    token,
    enableTelemetry: false,
    automaticDeserialization: false,
    enableAutoPipelining: false,
    retry: { retries: 0 },
    // Must be the function form: given an AbortSignal, the client invents a 200 answer on abort.
    // It is called once per HTTP request, which is also where the trip is counted; `trips.endAll` is its user's to call.
    signal: () => trips.begin('redis').signal,
  })
}

/** The part of a key for an email address, an IP address or a token: 128 bits of its HMAC (purpose `redis-subject`). */
export async function redisSubject(keyring: Keyring, kind: string, value: string): Promise<string> {
  const { key } = await deriveKey(keyring, 'redis-subject')
  const digest = await hmacSha256(key, `${kind}\0${value}`)
  return toBase64Url(digest.slice(0, 16))
}
