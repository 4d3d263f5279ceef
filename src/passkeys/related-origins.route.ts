/**
 * GET /.well-known/webauthn — Read the origins on which the tenant's passkeys may be used besides those that their
 * domain covers (WebAuthn L3 §5.11). Browsers ask the domain itself; where that is another site, it must forward this
 * answer.
 */
import * as v from 'valibot'
import { publicJson } from '../http/answer.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { findTenantOfHost } from '../tenants/store.ts'
import { readTenant } from '../tenants/tenants.ts'
import { relyingPartyOf } from './relying-party.ts'

const RelatedOrigins = v.object({ origins: v.array(v.string()) })

export const relatedOrigins = operation(
  {
    id: 'relatedOrigins',
    method: 'GET',
    path: '/.well-known/webauthn',
    answers: { 200: RelatedOrigins },
    refusals: [],
    caller: 'anyone',
    budget: { redis: 0, postgres: 1 },
  },
  async ({ ctx }) => {
    const kept = await readEdgeCache(ctx, 'webauthn')
    if (kept) return publicJson(kept)
    // Only the read behind the cache is counted: no one can take from others what the edge holds.
    const limited = await checkLimits(ctx, 'relatedOrigins')
    if (limited) return limited
    const [tenant] = await findTenantOfHost(ctx)
    if (!tenant) return refuse('unknown_host')
    // Apps are no origins of the web.
    const origins = relyingPartyOf(readTenant(ctx, tenant)).origins.filter((origin) =>
      /^https?:/.test(origin),
    )
    const document: v.InferOutput<typeof RelatedOrigins> = { origins }
    writeEdgeCache(ctx, 'webauthn', document)
    return publicJson(document)
  },
)
