/** /account/devices — The devices that are signed in; sign one of them out, this one included. */
import * as v from 'valibot'
import { expiredRefreshCookie } from '../http/cookies.ts'
import { text } from '../http/input.ts'
import { endOwnSession } from '../sessions/sessions.ts'
import { accountPage, doneAt } from './account.ts'
import { findDevices } from './account-data.ts'
import { queryOf } from './flow.ts'
import { FORM_FIELDS, seeOther } from './hosted.ts'

export const accountDevicesPage = accountPage('accountDevicesPage', {
  path: '/account/devices',
  form: v.strictObject({ ...FORM_FIELDS, session_id: text(64) }),
  limits: 'revokeSession',
  refusals: ['not_found'],
  budget: { redis: 1, postgres: 2 },
  queries: (ctx, own) => [findDevices(ctx, own)] as const,
  view: async (screen, data) => (await import('./views/devices.tsx')).devices(screen, data),
  take: async (asked) => {
    const { session_id: id } = asked.form
    const refused = await endOwnSession(asked.ctx, asked.called, id)
    if (refused) return refused
    if (id === asked.present.session.id)
      return seeOther(`/sign-in${queryOf(asked.flow)}`, [expiredRefreshCookie()])
    return doneAt(asked, '/account/devices', 'device')
  },
})
