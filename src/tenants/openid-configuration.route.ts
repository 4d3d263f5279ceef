/**
 * GET /.well-known/openid-configuration — Read the tenant's discovery document (RFC 8414, OIDC Discovery §3), with its
 * key set and its signing algorithms.
 */
import * as v from 'valibot'
import { publicJson } from '../http/answer.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { findTenantOfHost } from './store.ts'

const Metadata = v.object({
  issuer: v.string(),
  jwks_uri: v.string(),
  response_types_supported: v.array(v.string()),
  subject_types_supported: v.array(v.string()),
  id_token_signing_alg_values_supported: v.array(v.string()),
  claims_supported: v.array(v.string()),
})

export const openidConfiguration = operation(
  {
    id: 'openidConfiguration',
    method: 'GET',
    path: '/.well-known/openid-configuration',
    answers: { 200: Metadata },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 0, postgres: 1 },
  },
  async ({ ctx }) => {
    const kept = await readEdgeCache(ctx, 'openid-configuration')
    if (kept) return publicJson(kept)
    // Only the read behind the cache is counted: no one can take from others what the edge holds.
    const limited = await checkLimits(ctx, 'openidConfiguration')
    if (limited) return limited
    const [tenant] = await findTenantOfHost(ctx)
    if (!tenant) return refuse('unknown_host')
    const { issuer } = tenant
    // Only what is true today: there is no authorization endpoint, so none is announced. `none` is never listed.
    const metadata: v.InferOutput<typeof Metadata> = {
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
  },
)
