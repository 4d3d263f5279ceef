/**
 * GET /.well-known/change-password — Redirect to the page that changes a password (W3C, "A Well-Known URL for Changing
 * Passwords"). It is the tenant's own page, or Latchkey's page that mails a link.
 */
import { PUBLIC_SECONDS } from '../http/answer.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkLimits } from '../limits/check.ts'
import { operation } from '../operation.ts'
import { refuse } from '../problem.ts'
import { findTenantOfHost } from './store.ts'
import { readTenant } from './tenants.ts'

const OWN_PAGE = '/link/forgot-password'

export const changePasswordPage = operation(
  {
    id: 'changePasswordPage',
    method: 'GET',
    path: '/.well-known/change-password',
    answers: { 303: null },
    answerHeaders: ['location'],
    refusals: [],
    caller: 'anyone',
    budget: { redis: 0, postgres: 1 },
  },
  async ({ ctx }) => {
    const kept = await readEdgeCache(ctx, 'change-password')
    if (typeof kept === 'string') return redirectTo(kept)
    // Only the read behind the cache is counted: no one can take from others what the edge holds.
    const limited = await checkLimits(ctx, 'changePasswordPage')
    if (limited) return limited
    const [tenant] = await findTenantOfHost(ctx)
    if (!tenant) return refuse('unknown_host')
    const page = readTenant(ctx, tenant).policy.change_password_url ?? OWN_PAGE
    writeEdgeCache(ctx, 'change-password', page)
    return redirectTo(page)
  },
)

const redirectTo = (location: string) =>
  new Response(null, {
    status: 303,
    headers: {
      location,
      'cache-control': `public, max-age=${PUBLIC_SECONDS}`,
      'access-control-allow-origin': '*', // the same for all
    },
  })
