/**
 * GET /.well-known/change-password — where a password manager sends people (W3C, "A Well-Known URL for Changing
 * Passwords"): the tenant's own page, or ours that mails a link.
 */
import { Hono } from 'hono'
import type { Env } from '../context.ts'
import { PUBLIC_SECONDS } from '../http/answer.ts'
import { readEdgeCache, writeEdgeCache } from '../http/edge-cache.ts'
import { checkLimits } from '../limits/check.ts'
import { problemResponse, refuse } from '../problem.ts'
import { findTenantOfHost } from './store.ts'
import { readTenant } from './tenants.ts'

const OWN_PAGE = '/link/forgot-password'

export const changePasswordPage = new Hono<Env>().get('/.well-known/change-password', async (c) => {
  const { ctx } = c.var
  const kept = await readEdgeCache(ctx, 'change-password')
  if (typeof kept === 'string') return redirectTo(kept)
  // Only the read behind the cache is counted: no one can take from others what the edge holds.
  const limited = await checkLimits(ctx, 'changePasswordPage')
  if (limited) return problemResponse(limited, ctx)
  const [tenant] = await findTenantOfHost(ctx)
  if (!tenant) return problemResponse(refuse('unknown_host'), ctx)
  const page = readTenant(tenant).policy.change_password_url ?? OWN_PAGE
  writeEdgeCache(ctx, 'change-password', page)
  return redirectTo(page)
})

const redirectTo = (location: string) =>
  new Response(null, {
    status: 303,
    headers: {
      location,
      'cache-control': `public, max-age=${PUBLIC_SECONDS}`,
      'access-control-allow-origin': '*', // the same for all
    },
  })
