/** GET /.well-known/openid-configuration — where the tenant's keys are and what signs its tokens (RFC 8414, OIDC Discovery §3). */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { publicJson } from '../http/answer.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkLimits } from '../limits/check.ts'
import { problemResponse, refuse } from '../problem.ts'
import { findTenantOfHost } from './store.ts'

export const openidConfiguration = new Hono<Env>().get('/.well-known/openid-configuration', async (c) => {
  const { ctx } = c.var
  const kept = await readEdgeCache(ctx, 'openid-configuration')
  if (kept) return publicJson(kept)
  // Only the read behind the cache is counted: no one can take from others what the edge holds.
  const limited = await checkLimits(ctx, 'openidConfiguration')
  if (limited) return problemResponse(limited, ctx)
  const [tenant] = await findTenantOfHost(ctx)
  if (!tenant) return problemResponse(refuse('unknown_host'), ctx)
  const { issuer } = tenant
  // Only what is true today: there is no authorization endpoint, so none is announced. `none` is never listed (CASES A02).
  const metadata = {
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    response_types_supported: [],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['EdDSA', 'ES256'],
    claims_supported: [
      'iss',
      'aud',
      'sub',
      'client_id',
      'sid',
      'tid',
      'roles',
      'amr',
      'acr',
      'auth_time',
      'iat',
      'exp',
      'jti',
    ],
  }
  writeEdgeCache(ctx, 'openid-configuration', metadata)
  return publicJson(metadata)
})
