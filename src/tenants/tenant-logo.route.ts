/**
 * GET /logo/{version} — The tenant's logo, as its pages show it. A version is one picture for good, so browsers keep it; one that the
 * tenant does not have, or no longer, is 404.
 */
import * as v from 'valibot'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { LOGO_TYPES, readPicture } from './logo.ts'
import { findLogo } from './store.ts'

export const tenantLogo = operation(
  {
    id: 'tenantLogo',
    method: 'GET',
    path: '/logo/:version',
    answers: { 200: Object.fromEntries(LOGO_TYPES.map((type) => [type, v.string()])) },
    refusals: ['not_found'],
    caller: 'anyone',
    budget: { redis: 0, postgres: 1 },
  },
  async ({ ctx, params: { version } }) => {
    // It becomes part of an address.
    if (!/^[\w-]{1,64}$/.test(version)) return refuse('not_found')
    const name = `logo/${version}`
    const kept = await readEdgeCache(ctx, name)
    if (typeof kept === 'string') return answerWith(kept)
    // Only the read behind the cache is counted: no one can take from others what the edge holds.
    const limited = await checkLimits(ctx, 'tenantLogo')
    if (limited) return limited
    const [found] = await findLogo(ctx, version)
    if (!found) return refuse('unknown_host')
    if (found.logo === null) return refuse('not_found')
    writeEdgeCache(ctx, name, found.logo)
    return answerWith(found.logo)
  },
)

function answerWith(dataUrl: string): Response {
  const picture = readPicture(dataUrl)
  if (picture === null) throw new Error('tenants.logo is no picture') // it was checked when it was written
  return new Response(picture.bytes, {
    headers: { 'content-type': picture.type, 'cache-control': 'public, max-age=31536000, immutable' },
  })
}
