/** Answers that several operations give. Everything is `no-store` (app.ts) except what `publicJson` makes. */
import * as v from 'valibot'

/** How long a verifier may go on using what it has: RFC 9700 asks for bounded staleness, JWKS caches use 10 minutes. */
export const PUBLIC_SECONDS = 600

/** JSON that anyone may read and cache: keys and metadata. Any web page may fetch it, because it is the same for all. */
export const publicJson = (value: unknown): Response => Response.json(value, { headers: PUBLIC })

export const PUBLIC = {
  'cache-control': `public, max-age=${PUBLIC_SECONDS}`,
  'access-control-allow-origin': '*',
}

/** 204. */
export const noContent = (headers: Record<string, string> = {}): Response =>
  new Response(null, { status: 204, headers })

/** A point in time as answers say it: RFC 3339, UTC. */
export const AnsweredInstant = v.pipe(v.string(), v.isoTimestamp())
export const instant = (time: Date | string): string => new Date(time).toISOString()
