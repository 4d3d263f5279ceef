/** GET /.well-known/jwks.json — Read the public signing keys (RFC 7517 §5). Anyone may cache them for ten minutes. */
import * as v from 'valibot'
import { publicJson } from '../http/answer.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { isRefusal, refuse } from '../problem.ts'
import { readJwks } from './jwks.ts'

const PublicKey = v.object({
  kty: v.picklist(['OKP', 'EC']),
  crv: v.picklist(['Ed25519', 'P-256']),
  x: v.string(),
  y: v.exactOptional(v.string()),
  kid: v.string(),
  alg: v.picklist(['EdDSA', 'ES256']),
  use: v.literal('sig'),
})

export const jwks = operation(
  {
    id: 'jwks',
    method: 'GET',
    path: '/.well-known/jwks.json',
    answers: { 200: v.object({ keys: v.array(PublicKey) }) },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 0, postgres: 1 },
  },
  async ({ ctx }) => {
    // Only the read behind the edge cache is counted: no one can take from others what the edge holds.
    const keys = await readJwks(ctx, () => checkLimits(ctx, 'jwks'))
    if (isRefusal(keys)) return keys
    return keys ? publicJson(keys) : refuse('unknown_host')
  },
)
