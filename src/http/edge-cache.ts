/**
 * Public facts kept at the edge for some minutes (Cache API, per location): the JWKS, discovery, and the public key
 * that verifies a token before a write. Nothing secret and nothing that decides who is signed in goes in here;
 * a miss or a failing cache costs one query, never an answer.
 */
import type { Context } from '../context.ts'
import { PUBLIC_SECONDS } from './answer.ts'

type Cached = Pick<Context, 'origin' | 'log' | 'defer'>

/** @returns the JSON kept under `name` for this host, or undefined */
export async function readEdgeCache(ctx: Cached, name: string): Promise<unknown> {
  try {
    const kept = await caches.default.match(keyOf(ctx, name))
    return await kept?.json()
  } catch (error) {
    ctx.log('warn', 'could not read edge cache', { cause: error instanceof Error ? error.name : 'unknown' })
    return undefined
  }
}

/** Keeps `value` after the response has left. */
export function writeEdgeCache(ctx: Cached, name: string, value: unknown, seconds = PUBLIC_SECONDS): void {
  const headers = { 'content-type': 'application/json', 'cache-control': `public, max-age=${seconds}` }
  ctx.defer(caches.default.put(keyOf(ctx, name), new Response(JSON.stringify(value), { headers })))
}

/** Under our own host, so that two tenants never share an entry; no route answers this path. */
const keyOf = ({ origin }: Cached, name: string) => `${origin}/.edge/${name}`
