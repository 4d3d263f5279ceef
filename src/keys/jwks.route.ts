/** GET /.well-known/jwks.json — the public keys (RFC 7517 §5), for everyone; kept at the edge for ten minutes. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { publicJson } from '../http/answer.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkLimits } from '../limits/check.ts'
import { problemResponse, refuse } from '../problem.ts'
import { findPublicKeys } from './store.ts'

export const jwks = new Hono<Env>().get('/.well-known/jwks.json', async (c) => {
  const { ctx } = c.var
  const limited = await checkLimits(ctx, 'jwks')
  if (limited) return problemResponse(limited, ctx)
  const kept = await readEdgeCache(ctx, 'jwks')
  if (kept) return publicJson(kept)
  const keys = await findPublicKeys(ctx)
  if (keys === null) return problemResponse(refuse('unknown_host'), ctx)
  if (keys.length > 0) writeEdgeCache(ctx, 'jwks', { keys })
  return publicJson({ keys })
})
