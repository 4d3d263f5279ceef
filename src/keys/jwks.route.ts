/** GET /.well-known/jwks.json — the public keys (RFC 7517 §5), for everyone, who may keep them for ten minutes. */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { publicJson } from '../http/answer.ts'
import { checkLimits } from '../limits/check.ts'
import { problemResponse, refuse } from '../problem.ts'
import { readJwks } from './jwks.ts'

export const jwks = new Hono<Env>().get('/.well-known/jwks.json', async (c) => {
  const { ctx } = c.var
  const limited = await checkLimits(ctx, 'jwks')
  if (limited) return problemResponse(limited, ctx)
  const keys = await readJwks(ctx)
  return keys ? publicJson(keys) : problemResponse(refuse('unknown_host'), ctx)
})
