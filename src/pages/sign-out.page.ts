/** /sign-out — Sign out of this browser, and have it forget what it kept of these pages. */
import * as v from 'valibot'
import { expiredRefreshCookie, readRefreshCookie } from '../http/cookies.ts'
import { isRefusal, type Refusal } from '../problem.ts'
import { type Present, readPresence } from '../sessions/presence.ts'
import { parseRefreshToken } from '../sessions/refresh-token.ts'
import { signOutByRefreshToken } from '../sessions/sessions.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, hostedPage, requireFormToken, seeOther } from './hosted.ts'
import { showMessage } from './message.ts'

export const signOutPage = hostedPage('signOutPage', {
  path: '/sign-out',
  form: v.strictObject(FORM_FIELDS),
  limits: 'logout',
  refusals: [],
  budget: { redis: 1, postgres: 2 },
  load: async ({ ctx, headers, flow }): Promise<{ present: Present } | Response | Refusal> => {
    const read = await readPresence(ctx, headers, () => [] as const, 'pages')
    if (isRefusal(read)) return read
    return read.present ? { present: read.present } : seeOther(`/sign-in${queryOf(flow)}`)
  },
  shownTo: ({ present }) => present,
  view: async (screen) => (await import('./views/message.tsx')).askToSignOut(screen),
  take: async (asked) => {
    const { ctx, headers, form } = asked
    const read = await readPresence(ctx, headers, () => [] as const, 'pages')
    if (isRefusal(read)) return read
    const cookie = readRefreshCookie(headers)
    const token = parseRefreshToken(isRefusal(cookie) ? '' : (cookie ?? ''))
    // Who is signed out already sees the same.
    if (read.present && token) {
      const refused = await requireFormToken(asked, form, read.present)
      if (refused) return refused
      const signedOut = await signOutByRefreshToken(ctx, token)
      if (isRefusal(signedOut)) return signedOut
    }
    const done = await showMessage(asked, ({ signOut }) => signOut.done, {
      cookies: [expiredRefreshCookie()],
      on: ({ signOut }) => ({ path: '/sign-in', text: signOut.again }),
    })
    // Not `cookies`: what makes this browser known to the account stays. `no-store` keeps pages out of both caches.
    done.headers.set('clear-site-data', '"cache", "storage"')
    return done
  },
})
