/** /account — The account of the person who is signed in. Its form renews the session, at most every five minutes. */
import * as v from 'valibot'
import { isRefusal } from '../problem.ts'
import { readRefreshToken } from '../sessions/presented.ts'
import { refreshSession } from '../sessions/sessions.ts'
import { refreshCookieOf } from '../sessions/tokens.ts'
import { accountPage } from './account.ts'
import { findAll } from './account-data.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, seeOther } from './hosted.ts'

export const accountOverviewPage = accountPage('accountOverviewPage', {
  path: '/account',
  form: v.strictObject(FORM_FIELDS),
  limits: 'refresh',
  refusals: ['no_session', 'invalid_grant'],
  budget: { redis: 1, postgres: 2 },
  queries: findAll,
  view: async (screen, data) => (await import('./views/account.tsx')).overview(screen, data),
  take: async (asked) => {
    const { ctx, headers, flow, present } = asked
    const back = `/account${queryOf(flow)}`
    if (!present.isRenewalDue) return seeOther(back)
    const presented = readRefreshToken(ctx, headers, {})
    if (isRefusal(presented)) return presented
    const refreshed = await refreshSession(ctx, presented)
    return isRefusal(refreshed) ? refreshed : seeOther(back, refreshCookieOf(refreshed))
  },
})
