/** GET /.well-known/jwks.json — the public keys (RFC 7517 §5), for everyone, who may keep them for ten minutes. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { publicJson } from '../http/answer.ts'
import { checkLimits } from '../limits/check.ts'
import { isRefusal, problemResponse, refuse } from '../problem.ts'
import { readJwks } from './jwks.ts'

export const jwks = new Hono<Env>().get('/.well-known/jwks.json', async (c) => {
  const { ctx } = c.var
  // Only the read behind the edge cache is counted: no one can take from others what the edge holds.
  const keys = await readJwks(ctx, () => checkLimits(ctx, 'jwks'))
  if (isRefusal(keys)) return problemResponse(keys, ctx)
  return keys ? publicJson(keys) : problemResponse(refuse('unknown_host'), ctx)
})
